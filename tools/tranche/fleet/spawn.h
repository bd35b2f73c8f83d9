/* SPDX-License-Identifier: MIT */
/*
 * The process behind a guest: which program with which arguments, started with
 * a pipe to its console and one from it, in a process group of its own.
 *
 * Ownership: whoever spawned it ends it. Locking: none.
 */
#ifndef TRANCHE_FLEET_SPAWN_H
#define TRANCHE_FLEET_SPAWN_H

#include <stdbool.h>
#include <sys/types.h>

struct guest_config;

/**
 * struct spawned - a process
 * @pid: its number, and its group's
 * @input: where its input is written to; does not block
 * @output: where its output is read from; does not block
 */
struct spawned {
	pid_t pid;
	int input;
	int output;
};

/**
 * spawn_guest - start it
 * @process: filled in
 * @config: of the guest
 *
 * A program that can't be executed is told by its death, with status 127.
 *
 * Return: 0 or a negative errno.
 */
int spawn_guest(struct spawned *process, const struct guest_config *config);

/**
 * spawn_end - kill its group and close the pipes
 * @process: the process
 * @lives: it was not waited for yet, and is now
 */
void spawn_end(struct spawned *process, bool lives);

#endif
