/* SPDX-License-Identifier: MIT */
/*
 * One virtual processor and its thread.
 *
 *   created → running (vcpu_start) → stopped (vcpu_stop, or the guest ended)
 *
 * The thread serves register accesses and reports how the guest ended by the
 * machine's loop; it never waits for another processor.
 *
 * Owner: the machine. Locking: none; vcpu_stop is called once, by the owner.
 */
#ifndef VMM_VCPU_H
#define VMM_VCPU_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct vm;
struct bus;
struct loop;
struct kvm_run;
struct kvm_cpuid2;

/* How a machine ends: the program's exit status. */
enum vcpu_end {
	VCPU_END_POWER_OFF = 0,
	VCPU_END_ERROR = 1,
	VCPU_END_RESET = 3,
};

/* Where a processor begins, as the kernel's boot protocol wants it. */
struct vcpu_entry {
	uint64_t rip;
	uint64_t rsi; /* Linux: the zero page */
	uint64_t rbx; /* PVH: the start info */
	bool long_mode; /* 64-bit with paging, or flat 32-bit without */
};

struct vcpu_setup {
	struct vm *vm;
	struct bus *ports;
	struct bus *registers;
	struct loop *loop;
};

struct vcpu {
	struct vcpu_setup setup;
	unsigned int index;
	int fd;
	struct kvm_run *run;
	pthread_t thread;
	bool started;
	atomic_bool stopping;
};

/**
 * vcpu_init - create a processor; reports what went wrong
 * @vcpu: what to fill
 * @setup: what it works with; copied
 * @index: from 0
 * @cpuid: what it says it is
 *
 * Return: 0 or negative errno.
 */
int vcpu_init(struct vcpu *vcpu, const struct vcpu_setup *setup,
	      unsigned int index, struct kvm_cpuid2 *cpuid);
void vcpu_deinit(struct vcpu *vcpu);

/**
 * vcpu_set_entry - where the first processor begins
 * @vcpu: the processor, not running
 * @entry: its registers
 *
 * Return: 0 or negative errno.
 */
int vcpu_set_entry(struct vcpu *vcpu, const struct vcpu_entry *entry);

int vcpu_start(struct vcpu *vcpu);

/**
 * vcpu_stop - leave the guest and join the thread
 * @vcpu: the processor
 */
void vcpu_stop(struct vcpu *vcpu);

#endif
