/* SPDX-License-Identifier: MIT */
/*
 * What guests cost the host: processor time of processes and all below them,
 * and how often VMs left for the hypervisor. Stateless; read from /proc and
 * KVM's debugfs.
 */
#ifndef TRANCHE_BENCH_COST_H
#define TRANCHE_BENCH_COST_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define COST_PROCESSES 256

struct cost_processes {
	pid_t pids[COST_PROCESSES];
	size_t n;
};

/**
 * cost_find - find processes and all below them
 * @found: filled in, with COST_PROCESSES at most
 * @roots: the processes; 0 is none
 * @n: how many
 *
 * Reads all of the host's processes, which takes long where the processor is busy:
 * not to be called within a span that is measured.
 */
void cost_find(struct cost_processes *found, const pid_t *roots, size_t n);

/**
 * cost_cpu - processor time of processes
 * @processes: those; who has ended since counts nothing
 *
 * Time within guests is not counted; that of children that ended and were
 * awaited is.
 *
 * Return: microseconds.
 */
uint64_t cost_cpu(const struct cost_processes *processes);

/**
 * cost_parse - read a line of /proc/PID/stat
 * @line: the line
 * @parent: gets the parent's number
 * @ticks: gets the time, in clock ticks, but without time within guests
 *
 * Return: 0; -EINVAL.
 */
int cost_parse(const char *line, pid_t *parent, uint64_t *ticks);

/**
 * cost_exits - exits of the VMs of a process
 * @vmm: the process
 * @exits: gets the number
 *
 * Return: 0; -ENOENT: KVM does not tell.
 */
int cost_exits(pid_t vmm, uint64_t *exits);

#endif
