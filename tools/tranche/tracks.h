/* SPDX-License-Identifier: MIT */
/*
 * Which process and thread of a trace stand for which account and context. Each
 * is named in the trace when it is first seen.
 *
 * States: grows only. Ownership: owns its strings. Locking: none.
 */
#ifndef TRANCHE_TRACKS_H
#define TRANCHE_TRACKS_H

#include <stddef.h>
#include <systemd/sd-json.h>

#include "tools/tranche/chrome.h"

struct track {
	char *uuid;
	uint64_t pid; /* of the context */
	uint64_t process;
};

struct tracks {
	struct track *tracks;
	size_t count;
	uint64_t processes;
};

void tracks_deinit(struct tracks *tracks);

/**
 * tracks_slice - write one hold, and the wait before it
 * @tracks: what was seen so far
 * @chrome: the trace
 * @vgpus: what ListVgpus gave, for names
 * @slice: as GetSlices has it
 *
 * Return: 0 or -ENOMEM.
 */
int tracks_slice(struct tracks *tracks, struct chrome *chrome,
		 sd_json_variant *vgpus, sd_json_variant *slice);

#endif
