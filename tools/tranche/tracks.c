// SPDX-License-Identifier: MIT
#include "tools/tranche/tracks.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tools/tranche/json.h"

void tracks_deinit(struct tracks *tracks)
{
	for (size_t i = 0; i < tracks->count; i++)
		free(tracks->tracks[i].uuid);
	free(tracks->tracks);
	*tracks = (struct tracks){0};
}

static sd_json_variant *vgpu_find(sd_json_variant *vgpus, const char *uuid)
{
	for (size_t i = 0; vgpus && i < sd_json_variant_elements(vgpus); i++) {
		sd_json_variant *vgpu = sd_json_variant_by_index(vgpus, i);

		if (strcmp(json_text(vgpu, "uuid", ""), uuid) == 0)
			return vgpu;
	}
	return NULL;
}

static void process_name(struct chrome *chrome, sd_json_variant *vgpus,
			 const struct track *track)
{
	sd_json_variant *vgpu = vgpu_find(vgpus, track->uuid);
	const char *name = json_text(vgpu, "name", "");

	if (!name[0])
		name = json_text(vgpu, "vmName", "");
	chrome_name_process(chrome, track->process,
			    name[0] ? name : track->uuid);
}

/* A context's two threads: its number doubled, and one more. */
static uint64_t hold_thread(size_t index)
{
	return 2 * (uint64_t)index + 1;
}

static uint64_t wait_thread(size_t index)
{
	return 2 * (uint64_t)index + 2;
}

static void threads_name(struct chrome *chrome, const struct track *track,
			 size_t index)
{
	char name[48];

	snprintf(name, sizeof(name), "%" PRIu64 " has the GPU", track->pid);
	chrome_name_thread(chrome, track->process, hold_thread(index), name);
	snprintf(name, sizeof(name), "%" PRIu64 " waits", track->pid);
	chrome_name_thread(chrome, track->process, wait_thread(index), name);
}

static struct track *track_append(struct tracks *tracks, const char *uuid,
				  uint64_t pid)
{
	struct track *all, *track;

	all = reallocarray(tracks->tracks, tracks->count + 1, sizeof(*all));
	if (!all)
		return NULL;
	tracks->tracks = all;
	track = &all[tracks->count];
	*track = (struct track){.uuid = strdup(uuid), .pid = pid};
	if (!track->uuid)
		return NULL;
	tracks->count++;
	return track;
}

/* The track's number, or -ENOMEM. */
static int track_find(struct tracks *tracks, struct chrome *chrome,
		      sd_json_variant *vgpus, sd_json_variant *slice)
{
	const char *uuid = json_text(slice, "uuid", "?");
	uint64_t pid = json_number(slice, "pid"), process = 0;
	struct track *track;

	for (size_t i = 0; i < tracks->count; i++) {
		track = &tracks->tracks[i];
		if (strcmp(track->uuid, uuid) != 0)
			continue;
		process = track->process;
		if (track->pid == pid)
			return (int)i;
	}
	track = track_append(tracks, uuid, pid);
	if (!track)
		return -ENOMEM;
	track->process = process ? process : ++tracks->processes;
	if (!process)
		process_name(chrome, vgpus, track);
	threads_name(chrome, track, tracks->count - 1);
	return (int)tracks->count - 1;
}

int tracks_slice(struct tracks *tracks, struct chrome *chrome,
		 sd_json_variant *vgpus, sd_json_variant *slice)
{
	uint64_t begin = json_number(slice, "beginNs");
	struct chrome_span span = {0};
	int index;

	index = track_find(tracks, chrome, vgpus, slice);
	if (index < 0)
		return index;
	span.process = tracks->tracks[index].process;
	span.submits = json_number(slice, "submits");

	span.waits = true;
	span.thread = wait_thread((size_t)index);
	span.begin_ns = json_number(slice, "wantNs");
	span.end_ns = begin;
	if (span.begin_ns)
		chrome_span(chrome, &span);

	span.waits = false;
	span.thread = hold_thread((size_t)index);
	span.begin_ns = begin;
	span.end_ns = json_number(slice, "endNs");
	span.reason = json_text(slice, "reason", NULL);
	chrome_span(chrome, &span);
	return 0;
}
