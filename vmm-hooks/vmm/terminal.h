/* SPDX-License-Identifier: MIT */
/*
 * Where the guest's serial port goes: this process's terminal, a new
 * pseudo-terminal, or nowhere. A terminal is put into raw mode and restored.
 *
 * Input waits in the host's terminal until the guest has room for it.
 *
 * Owner: the machine. Locking: output may come from any thread; the rest
 * belongs to the loop's thread.
 */
#ifndef VMM_TERMINAL_H
#define VMM_TERMINAL_H

#include <stdbool.h>
#include <stdint.h>
#include <termios.h>

#include "vmm-hooks/vmm/loop.h"
#include "vmm-hooks/vmm/options.h"

struct serial;

struct terminal {
	struct loop_handler input; /* fd -1: none */
	struct loop_handler resume; /* eventfd: the guest made room */
	struct loop *loop;
	struct serial *serial;
	int output; /* -1: none */
	int slave; /* keeps the pseudo-terminal alive without a reader */
	bool watching;
	bool escape; /* Ctrl-A was typed */
	bool raw;
	struct termios saved;
};

/**
 * terminal_init - open it; reports what went wrong
 * @terminal: what to fill
 * @kind: which
 * @loop: where its input is watched
 * @serial: who gets the input
 *
 * Return: 0 or negative errno.
 */
int terminal_init(struct terminal *terminal, enum options_console kind,
		  struct loop *loop, struct serial *serial);
void terminal_deinit(struct terminal *terminal);

/**
 * terminal_output - one byte from the guest
 * @terminal: the terminal
 * @byte: it
 */
void terminal_output(struct terminal *terminal, uint8_t byte);

/**
 * terminal_room - the guest took input: read on
 * @terminal: the terminal
 */
void terminal_room(struct terminal *terminal);

#endif
