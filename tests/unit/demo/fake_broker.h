/* SPDX-License-Identifier: MIT */
/*
 * A broker for tests: a process that answers with the figures it was given, and
 * dies when it is told to. One at a time, at a socket of the test's own.
 *
 * Ownership: the test kills what it starts; a broker dies with the test too.
 */
#ifndef TESTS_DEMO_FAKE_BROKER_H
#define TESTS_DEMO_FAKE_BROKER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define FAKE_GPU "0000:00:01.0"
#define FAKE_VGPUS 3
#define FAKE_UUID(n) "6d2c8a70-1f0e-4c5b-9f0e-3b8a4e1c7d2" #n

/**
 * struct fake_broker - what it has counted, and what it does
 * @submits: of the first vGPU
 * @slices: how many there are
 * @delay_ms: until it is there
 * @dies: when it is asked for figures
 * @states: of the vGPUs, in memory that is shared with it; NULL: a vGPU that is
 *	    not there
 */
struct fake_broker {
	uint64_t submits;
	uint64_t slices;
	unsigned int delay_ms;
	bool dies;
	const char *const *states;
};

/* fake_broker_init - choose a socket, and have this program use it */
bool fake_broker_init(void);
void fake_broker_deinit(void);

/* fake_broker_start - returns once it serves, but waits for none with a delay */
pid_t fake_broker_start(const struct fake_broker *fake);
void fake_broker_kill(pid_t pid);

#endif
