/* SPDX-License-Identifier: MIT */
/*
 * What comes over a guest's console: lines of any length and bytes of any kind
 * go in, whole lines of bounded length come out, and those that guest.sh has
 * tagged are told apart from what else is printed there. A guest is hostile:
 * nothing here trusts what it sends.
 *
 * States: within a line, or skipping the rest of one that is too long.
 * Ownership: the console owns its buffer. Locking: none, one thread.
 */
#ifndef TRANCHE_FLEET_CONSOLE_H
#define TRANCHE_FLEET_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* tranche-load's longest line has about 1.2 KiB. */
#define CONSOLE_LINE_MAX 4096
/* Jobs are numbered from 1; 0 is the guest itself. */
#define CONSOLE_JOBS 8

struct console {
	char line[CONSOLE_LINE_MAX];
	size_t length;
	bool skipping;
};

/* @line is the receiver's until it returns, without the newline. */
typedef void (*console_line_t)(void *user, const char *line);

/**
 * console_feed - take bytes
 * @console: the console; begins as zeroes
 * @data: what came
 * @size: how many bytes
 * @receive: called for each whole line, with control characters taken out
 * @user: passed to @receive
 *
 * A line that is too long is dropped as a whole: half of one would lie.
 */
void console_feed(struct console *console, const char *data, size_t size,
		  console_line_t receive, void *user);

enum console_kind {
	CONSOLE_OTHER, /* of the kernel, of the firmware, of anybody */
	CONSOLE_READY, /* the script takes commands */
	CONSOLE_PID, /* the job runs as @pid */
	CONSOLE_EXIT, /* the job has ended with @status */
	CONSOLE_OUTPUT, /* the job has printed @text */
};

/**
 * struct console_message - a line taken apart
 * @kind: which
 * @job: 1 to CONSOLE_JOBS - 1, for the last three kinds
 * @pid: positive
 * @status: 0 to 255
 * @text: what was printed, within the line
 */
struct console_message {
	enum console_kind kind;
	unsigned int job;
	pid_t pid;
	int status;
	const char *text;
};

/* console_parse - take a line apart; what does not fit is CONSOLE_OTHER */
struct console_message console_parse(const char *line);

#endif
