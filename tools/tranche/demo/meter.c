// SPDX-License-Identifier: MIT
#include "tools/tranche/demo/meter.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "tools/tranche/json.h"
#include "tools/tranche/message.h"

/* On a busy GPU there is always one more, so not for ever. */
#define ROUNDS_MAX 64

static int guest_find(const struct meter *meter, const char *uuid)
{
	for (size_t i = 0; i < meter->record->n_guests; i++)
		if (strcmp(meter->uuids[i], uuid) == 0)
			return (int)i;
	return -ENOENT;
}

/* Whether another broker answers, who counts from nothing. */
static bool begin_anew(struct meter *meter)
{
	const struct record *record = meter->record;

	if (meter->renewals == meter->link->renewals)
		return false;
	meter->renewals = meter->link->renewals;
	meter->after = 0;
	if (record->n_samples)
		memcpy(meter->base,
		       record->samples[record->n_samples - 1].guests,
		       sizeof(meter->base));
	return true;
}

static int slices_get(struct meter *meter, sd_json_variant **reply)
{
	_json_ sd_json_variant *parameters = NULL;
	int r;

	begin_anew(meter);
	r = sd_json_buildo(&parameters,
			   SD_JSON_BUILD_PAIR_STRING("gpu", meter->gpu),
			   SD_JSON_BUILD_PAIR_UNSIGNED("after", meter->after));
	if (r < 0)
		return message_memory();
	r = link_call(meter->link, "GetSlices", parameters, reply);
	if (r < 0)
		return r;
	/* Another broker was asked for what came after the first one's. */
	if (begin_anew(meter))
		*reply = sd_json_variant_unref(*reply);
	else
		meter->after = json_number(*reply, "after");
	return 0;
}

static size_t slices_count(sd_json_variant *reply)
{
	sd_json_variant *slices = json_array(reply, "slices");

	return slices ? sd_json_variant_elements(slices) : 0;
}

static int slice_keep(struct meter *meter, sd_json_variant *slice)
{
	uint64_t begin = json_number(slice, "beginNs");
	uint64_t end = json_number(slice, "endNs");
	int guest = guest_find(meter, json_text(slice, "uuid", ""));

	if (guest >= 0 && end > begin)
		record_slice_add(
			meter->record,
			&(struct record_slice){
				.begin_ns = begin,
				.length_ns = end - begin > UINT32_MAX
						     ? UINT32_MAX
						     : (uint32_t)(end - begin),
				.guest = (uint32_t)guest,
			});
	if (tracks_slice(&meter->tracks, &meter->chrome, meter->vgpus, slice) <
	    0)
		return message_memory();
	return 0;
}

static int slices_keep(struct meter *meter, sd_json_variant *reply)
{
	sd_json_variant *slices = json_array(reply, "slices");
	size_t count = slices_count(reply);
	int r = 0;

	for (size_t i = 0; i < count && r == 0; i++)
		r = slice_keep(meter, sd_json_variant_by_index(slices, i));
	return r;
}

int meter_slices(struct meter *meter)
{
	size_t count = 1;
	int r = 0;

	for (int i = 0; i < ROUNDS_MAX && r == 0 && count; i++) {
		_json_ sd_json_variant *reply = NULL;

		r = slices_get(meter, &reply);
		if (r == 0)
			r = slices_keep(meter, reply);
		count = slices_count(reply);
	}
	return r;
}

static int slices_skip(struct meter *meter)
{
	size_t count = 1;
	int r = 0;

	for (int i = 0; i < ROUNDS_MAX && r == 0 && count; i++) {
		_json_ sd_json_variant *reply = NULL;

		r = slices_get(meter, &reply);
		count = slices_count(reply);
	}
	return r;
}

int meter_start(struct meter *meter, FILE *trace)
{
	_json_ sd_json_variant *reply = NULL;
	int r;

	chrome_open(&meter->chrome, trace);
	r = link_call(meter->link, "ListVgpus", NULL, &reply);
	if (r < 0)
		return r;
	meter->vgpus = sd_json_variant_ref(json_array(reply, "vgpus"));
	return slices_skip(meter);
}

static void point_fill(struct record_point *point,
		       const struct record_point *base, sd_json_variant *stats)
{
	*point = (struct record_point){
		.gpu_ns = base->gpu_ns + json_number(stats, "gpuNs"),
		.submits = base->submits + json_number(stats, "submits"),
		.kills = base->kills + json_number(stats, "kills"),
		.vram_refusals = base->vram_refusals +
				 json_number(stats, "vramRefusals"),
		.wait_p50_us = json_number(stats, "waitP50Us"),
		.wait_p99_us = json_number(stats, "waitP99Us"),
		.vram_used = json_number(stats, "vramUsedBytes"),
		.vram_limit = json_number(stats, "vramLimitBytes"),
		.wanted = json_real(stats, "wantedPercent"),
	};
}

static void gpu_read(struct meter *meter, sd_json_variant *gpus,
		     struct record_sample *sample)
{
	size_t count = gpus ? sd_json_variant_elements(gpus) : 0;

	for (size_t i = 0; i < count; i++) {
		sd_json_variant *gpu = sd_json_variant_by_index(gpus, i);

		if (strcmp(json_text(gpu, "gpu", ""), meter->gpu) != 0)
			continue;
		sample->now_ns = json_number(gpu, "nowNs");
		meter->contexts = json_number(gpu, "contexts");
	}
}

static void vgpus_read(struct meter *meter, sd_json_variant *vgpus,
		       struct record_sample *sample)
{
	size_t count = vgpus ? sd_json_variant_elements(vgpus) : 0;

	for (size_t i = 0; i < count; i++) {
		sd_json_variant *stats = sd_json_variant_by_index(vgpus, i);
		int guest = guest_find(meter, json_text(stats, "uuid", ""));

		if (guest < 0)
			continue;
		point_fill(&sample->guests[guest], &meter->base[guest], stats);
		meter->guest_contexts[guest] = json_number(stats, "contexts");
	}
}

int meter_sample(struct meter *meter)
{
	_json_ sd_json_variant *reply = NULL;
	struct record_sample sample = {0};
	int r = link_call(meter->link, "GetStats", NULL, &reply);

	if (r < 0)
		return r;
	begin_anew(meter);
	gpu_read(meter, json_array(reply, "gpus"), &sample);
	vgpus_read(meter, json_array(reply, "vgpus"), &sample);
	record_sample_add(meter->record, &sample);
	return 0;
}

int meter_stop(struct meter *meter)
{
	int r = meter->chrome.file ? chrome_close(&meter->chrome) : 0;

	tracks_deinit(&meter->tracks);
	sd_json_variant_unref(meter->vgpus);
	meter->vgpus = NULL;
	return r;
}
