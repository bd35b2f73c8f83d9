/* SPDX-License-Identifier: MIT */
/*
 * What a vGPU has done so far, for whoever asks (SIGUSR1): each number is a trip
 * between guest, kernel and this process, which are what a submission costs.
 *
 * Owner: the device. Locking: each counter has one thread that adds to it; any
 * may read.
 */
#ifndef DEVICE_COUNTERS_H
#define DEVICE_COUNTERS_H

#include <stdatomic.h>
#include <stdint.h>

struct counters {
	_Atomic uint64_t accesses; /* registers that were read or written */
	_Atomic uint64_t doorbells; /* signals of them */
	_Atomic uint64_t requests; /* of both queues */
	_Atomic uint64_t copies; /* calls to guest memory */
	_Atomic uint64_t interrupts;
};

static inline void counter_add(_Atomic uint64_t *counter, uint64_t more)
{
	atomic_fetch_add_explicit(counter, more, memory_order_relaxed);
}

#endif
