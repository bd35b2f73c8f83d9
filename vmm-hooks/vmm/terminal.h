/* SPDX-License-Identifier: MIT */
/*
 * Where the guest's serial port goes: this process's terminal, a new
 * pseudo-terminal, or nowhere. A terminal is put into raw mode and restored.
 *
 * What is typed goes to the console that the guest wrote to last: the serial
 * port or the virtio console. It waits in the host's terminal until that one
 * has room for it.
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

/* Whoever takes what is typed: one of the guest's consoles. */
struct terminal_sink {
	/* How many bytes it takes now. */
	unsigned int (*room)(void *user);
	void (*input)(void *user, const uint8_t *data, unsigned int len);
	void *user;
};

struct terminal {
	struct loop_handler input; /* fd -1: none */
	struct loop_handler resume; /* eventfd: the guest made room */
	struct loop *loop;
	_Atomic(const struct terminal_sink *) sink;
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
 * @sink: who gets the input at first
 *
 * Return: 0 or negative errno.
 */
int terminal_init(struct terminal *terminal, enum options_console kind,
		  struct loop *loop, const struct terminal_sink *sink);
void terminal_deinit(struct terminal *terminal);

/**
 * terminal_output - one byte from the guest
 * @terminal: the terminal
 * @sink: the console that wrote it: gets the input from now on
 * @byte: it
 */
void terminal_output(struct terminal *terminal,
		     const struct terminal_sink *sink, uint8_t byte);

/**
 * terminal_room - the guest took input: read on
 * @terminal: the terminal
 */
void terminal_room(struct terminal *terminal);

#endif
