/* SPDX-License-Identifier: MIT */
/*
 * Times from the stamps of a GPU, and whether stamping is cheap.
 *
 * A job is stamped by two command buffers of the gate's around those of the
 * application. What that costs depends on the driver, from nothing that can be
 * measured to more than a short job, so it is measured with the application's own
 * first submissions: some are stamped and some not, in an order that no rhythm of
 * the application's falls in with, and compared.
 *
 * States of a probe: collecting, until both kinds have STAMP_SAMPLES, or few are
 * enough; then it judges, and collects again if the jobs differ too much to tell.
 * What can't be told in STAMP_ROUNDS is dear: without stamps all goes as well, but
 * less is known.
 *
 * Ownership and locking: plain values of the caller's. No Vulkan here.
 */
#ifndef TRANCHE_GATE_STAMP_H
#define TRANCHE_GATE_STAMP_H

#include <stdbool.h>
#include <stdint.h>

/*
 * What stamps may add to the call: the gate without them adds about as much, and
 * both together have to stay below a microsecond.
 */
#define STAMP_CALL_NS 500
/*
 * What they may add to the time from the call to the end. Less can't be told from
 * the chances of a wake-up; of jobs of a millisecond it is 0.2 %.
 */
#define STAMP_LATE_NS 2000

#define STAMP_SAMPLES 32 /* of each kind, for a verdict */
#define STAMP_EARLY 8 /* so many show what is dear by far */
#define STAMP_FAR 4 /* that many times what they may add */
#define STAMP_ROUNDS 4

struct stamp_clock {
	uint32_t bits; /* that count; 0: no stamps */
	double period_ns; /* of a tick */
};

/**
 * stamp_elapsed() - The time between two stamps
 * @clock:	theirs
 * @begin:	the first
 * @end:	the second
 * @most_ns:	no more than this has passed, by another clock
 * @ns:		the time
 *
 * Return: false if it can't be told, because the clock may have gone round more
 * than once, or is no time at all, being longer than @most_ns.
 */
bool stamp_elapsed(const struct stamp_clock *clock, uint64_t begin,
		   uint64_t end, uint64_t most_ns, uint64_t *ns);

enum stamp_verdict {
	STAMP_UNKNOWN,
	STAMP_CHEAP,
	STAMP_DEAR,
};

enum stamp_kind {
	STAMP_PLAIN,
	STAMP_STAMPED,
	STAMP_KINDS,
};

enum stamp_time {
	STAMP_CALL,
	STAMP_WHOLE,
	STAMP_TIMES,
};

struct stamp_samples {
	uint32_t count;
	uint64_t ns[STAMP_TIMES][STAMP_SAMPLES];
};

struct stamp_probe {
	struct stamp_samples samples[STAMP_KINDS];
	uint32_t rounds;
};

/* stamp_turn() - Of which kind a probe's submission @turn is to be */
enum stamp_kind stamp_turn(uint32_t turn);

/**
 * stamp_probe_add() - One submission more
 * @probe:	zeroed at first
 * @kind:	whether it was stamped
 * @call_ns:	that the gate and the driver had the caller wait
 * @whole_ns:	until its end, seen on time
 *
 * Return: STAMP_UNKNOWN until it can be said.
 */
enum stamp_verdict stamp_probe_add(struct stamp_probe *probe,
				   enum stamp_kind kind, uint64_t call_ns,
				   uint64_t whole_ns);

#endif
