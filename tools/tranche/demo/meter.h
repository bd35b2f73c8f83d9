/* SPDX-License-Identifier: MIT */
/*
 * Reads from the broker what guests have of their GPU, and keeps it in a record
 * and in a trace. A broker that took over counts from nothing: what its
 * predecessor had counted at the last reading is added.
 *
 * States: as long as its link works; the first failure stays.
 * Ownership: the record, the link and the trace's file are the caller's.
 * Locking: none, one thread.
 */
#ifndef TRANCHE_DEMO_METER_H
#define TRANCHE_DEMO_METER_H

#include <stdint.h>
#include <stdio.h>
#include <systemd/sd-json.h>

#include "tools/tranche/chrome.h"
#include "tools/tranche/fleet/link.h"
#include "tools/tranche/report/record.h"
#include "tools/tranche/tracks.h"

/**
 * struct meter - what is read from where
 * @link: to the broker
 * @gpu: address of the GPU
 * @uuids: of the guests' vGPUs, in the record's order
 * @record: where it goes
 * @chrome: the trace
 * @tracks: of the trace
 * @vgpus: what ListVgpus gave, for names in the trace
 * @after: up to where slices were read
 * @contexts: on the whole GPU, at the last reading
 * @guest_contexts: of each guest, at the last reading
 * @renewals: of the link, up to which @base counts
 * @base: what brokers before this one had counted
 */
struct meter {
	struct link *link;
	const char *gpu;
	const char *uuids[RECORD_GUESTS];
	struct record *record;
	struct chrome chrome;
	struct tracks tracks;
	sd_json_variant *vgpus;
	uint64_t after;
	uint64_t contexts;
	uint64_t guest_contexts[RECORD_GUESTS];
	unsigned int renewals;
	struct record_point base[RECORD_GUESTS];
};

/**
 * meter_start - begin, with what happens from now on
 * @meter: with the first four members set
 * @trace: where the trace goes
 *
 * Return: 0 or a negative errno: told.
 */
int meter_start(struct meter *meter, FILE *trace);

/* meter_slices - read who had the GPU since the last time */
int meter_slices(struct meter *meter);

/* meter_sample - read what each guest had up to now */
int meter_sample(struct meter *meter);

/* meter_stop - complete the trace; 0 or a negative errno */
int meter_stop(struct meter *meter);

#endif
