/* SPDX-License-Identifier: MIT */
/*
 * virtio console (virtio 1.3 §5.3), one port: hvc0 in the guest, there if the
 * command line names it. It shares the terminal with the serial port; input goes to
 * the one that wrote last.
 *
 * Owner: the machine's devices. Locking: inside.
 */
#ifndef VMM_CONSOLE_H
#define VMM_CONSOLE_H

struct console;
struct machine;

/**
 * console_new - make the device and attach it
 * @machine: where to
 *
 * Return: the device, or NULL with errno.
 */
struct console *console_new(struct machine *machine);
void console_free(struct console *console);

#endif
