/* SPDX-License-Identifier: MIT */
/*
 * What happened while guests shared a GPU: readings each second, who had the
 * GPU when, the phases of the run with what shares were wanted and measured,
 * and the claims that follow from them. Reports are written from this alone.
 *
 * States: grows until it is released. Times are the broker's, in nanoseconds.
 * Ownership: owns all it points to. Locking: none, one thread.
 */
#ifndef TRANCHE_REPORT_RECORD_H
#define TRANCHE_REPORT_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECORD_GUESTS 8
#define RECORD_TEXT 256
/* Beyond these a run is recorded no more: 16 bytes times a few millions. */
#define RECORD_SLICES_MAX 4000000

/* One guest at one time; numbers that only grow, but for the last five. */
struct record_point {
	uint64_t gpu_ns;
	uint64_t submits;
	uint64_t kills;
	uint64_t vram_refusals;
	uint64_t wait_p50_us;
	uint64_t wait_p99_us;
	uint64_t vram_used;
	uint64_t vram_limit;
	double wanted; /* percent, as the scheduler sees it */
};

struct record_sample {
	uint64_t now_ns;
	struct record_point guests[RECORD_GUESTS];
};

/* What a guest's program measured and checked. */
struct record_work {
	char result[32];
	uint64_t submissions;
	uint64_t verified;
	uint64_t wrong;
	uint64_t p50_ns;
	uint64_t p95_ns;
	uint64_t p99_ns;
	uint64_t max_ns;
};

struct record_guest {
	char name[RECORD_TEXT];
	double dispatch_ms;
	struct record_work work;
};

/**
 * struct record_phase - a part of the run with settings of its own
 * @title: what was done
 * @begin_ns: when it began
 * @settled_ns: from when it counts
 * @end_ns: when it ended; 0: not yet
 * @checked: its shares are a claim
 * @wanted: percent for each guest
 * @of_time: measured against all time, not against the time that guests had
 * @measured: percent, from @settled_ns to @end_ns
 */
struct record_phase {
	char title[RECORD_TEXT];
	uint64_t begin_ns;
	uint64_t settled_ns;
	uint64_t end_ns;
	bool checked;
	double wanted[RECORD_GUESTS];
	bool of_time[RECORD_GUESTS];
	double measured[RECORD_GUESTS];
};

struct record_slice {
	uint64_t begin_ns;
	uint32_t length_ns;
	uint32_t guest;
};

struct record_claim {
	bool holds;
	char text[RECORD_TEXT];
};

struct record_fact {
	char name[64];
	char value[RECORD_TEXT];
};

struct record {
	struct record_guest guests[RECORD_GUESTS];
	size_t n_guests;
	struct record_sample *samples;
	size_t n_samples;
	struct record_phase *phases;
	size_t n_phases;
	struct record_slice *slices;
	size_t n_slices;
	struct record_claim *claims;
	size_t n_claims;
	struct record_fact *facts;
	size_t n_facts;
	char trace[RECORD_TEXT]; /* path, or "" */
	bool incomplete; /* memory ran out: nothing was added after that */
};

void record_deinit(struct record *record);

/* Each adds one at the end; without memory the record becomes incomplete. */
void record_sample_add(struct record *record,
		       const struct record_sample *sample);
void record_slice_add(struct record *record, const struct record_slice *slice);

/* record_phase_add - begin one; NULL without memory; valid until the next */
struct record_phase *record_phase_add(struct record *record);

__attribute__((format(printf, 3, 4))) void
record_claim_add(struct record *record, bool holds, const char *format, ...);

__attribute__((format(printf, 3, 4))) void
record_fact_add(struct record *record, const char *name, const char *format,
		...);

/* record_holds - whether all is recorded and every claim holds */
bool record_holds(const struct record *record);

#endif
