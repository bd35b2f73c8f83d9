// SPDX-License-Identifier: MIT
#include "tools/tranche/usage.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/tranche/broker.h"
#include "tools/tranche/json.h"
#include "tools/tranche/message.h"
#include "tools/tranche/text.h"

const char *const usage_order_names[USAGE_ORDERS] = {
	"gpu", "wanted", "weight", "wait", "submits", "vram", "name",
};

void usage_deinit(struct usage *usage)
{
	free(usage->rows);
	free(usage->gpus);
	sd_json_variant_unref(usage->json);
	*usage = (struct usage){0};
}

static void copy_text(char target[static USAGE_TEXT], sd_json_variant *object,
		      const char *key)
{
	const char *text = json_text(object, key, "");

	snprintf(target, USAGE_TEXT, "%.*s",
		 (int)text_fit(text, USAGE_TEXT / 4), text);
	text_clean(target);
}

static sd_json_variant *find(sd_json_variant *list, const char *key,
			     const char *value)
{
	for (size_t i = 0; list && i < sd_json_variant_elements(list); i++) {
		sd_json_variant *item = sd_json_variant_by_index(list, i);

		if (strcmp(json_text(item, key, ""), value) == 0)
			return item;
	}
	return NULL;
}

static void row_fill(struct usage_row *row, sd_json_variant *vgpu,
		     sd_json_variant *stats)
{
	snprintf(row->uuid, sizeof(row->uuid), "%s",
		 json_text(vgpu, "uuid", ""));
	copy_text(row->name, vgpu, "name");
	copy_text(row->gpu, vgpu, "gpu");
	copy_text(row->tenant, vgpu, "tenant");
	copy_text(row->state, vgpu, "state");
	vgpu_vm(row->vm, vgpu);
	text_clean(row->vm);
	row->weight = json_number(vgpu, "weight");
	row->cap = json_real(vgpu, "capPercent");
	row->reservation = json_real(vgpu, "reservationPercent");
	row->share = json_real(stats, "sharePercent");
	row->wanted = json_real(stats, "wantedPercent");
	row->wait_p50_us = json_number(stats, "waitP50Us");
	row->wait_p99_us = json_number(stats, "waitP99Us");
	row->submits = json_number(stats, "submitsPerSecond");
	row->vram_used = json_number(stats, "vramUsedBytes");
	row->vram_limit = json_number(vgpu, "vramLimitBytes");
	row->kills = json_number(stats, "kills");
}

static const struct usage_gpu *gpu_find(const struct usage *usage,
					const char *address)
{
	for (size_t i = 0; i < usage->gpu_count; i++)
		if (strcmp(usage->gpus[i].address, address) == 0)
			return &usage->gpus[i];
	return NULL;
}

static void gpu_fill(struct usage_gpu *gpu, sd_json_variant *stats,
		     const struct usage *before)
{
	const struct usage_gpu *old;

	copy_text(gpu->address, stats, "gpu");
	gpu->now_ns = json_number(stats, "nowNs");
	gpu->busy_ns = json_number(stats, "busyNs");
	gpu->vram_used = json_number(stats, "vramUsedBytes");
	gpu->busy = -1;
	old = gpu_find(before, gpu->address);
	/* The broker may have begun anew meanwhile. */
	if (old && gpu->now_ns > old->now_ns && gpu->busy_ns >= old->busy_ns)
		gpu->busy = 100 * (double)(gpu->busy_ns - old->busy_ns) /
			    (double)(gpu->now_ns - old->now_ns);
}

static int row_append_json(sd_json_variant **rows, sd_json_variant *vgpu,
			   sd_json_variant *stats)
{
	_json_ sd_json_variant *joined = sd_json_variant_ref(vgpu);
	int r;

	r = sd_json_variant_set_field(&joined, "stats", stats);
	if (r >= 0)
		r = sd_json_variant_append_array(rows, joined);
	return r < 0 ? -ENOMEM : 0;
}

static int rows_fill(struct usage *usage, sd_json_variant *vgpus,
		     sd_json_variant *stats)
{
	_json_ sd_json_variant *rows = NULL;
	size_t count = vgpus ? sd_json_variant_elements(vgpus) : 0;
	int r = 0;

	usage->rows = calloc(count + 1, sizeof(*usage->rows));
	if (!usage->rows || sd_json_variant_new_array(&rows, NULL, 0) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < count && r == 0; i++) {
		sd_json_variant *vgpu = sd_json_variant_by_index(vgpus, i);
		sd_json_variant *own = find(json_array(stats, "vgpus"), "uuid",
					    json_text(vgpu, "uuid", ""));

		row_fill(&usage->rows[usage->row_count++], vgpu, own);
		r = row_append_json(&rows, vgpu, own);
	}
	if (r < 0)
		return r;
	r = sd_json_buildo(
		&usage->json,
		SD_JSON_BUILD_PAIR_VARIANT("gpus", json_array(stats, "gpus")),
		SD_JSON_BUILD_PAIR_VARIANT("vgpus", rows));
	return r < 0 ? -ENOMEM : 0;
}

static int gpus_fill(struct usage *usage, sd_json_variant *stats,
		     const struct usage *before)
{
	sd_json_variant *gpus = json_array(stats, "gpus");
	size_t count = gpus ? sd_json_variant_elements(gpus) : 0;

	usage->gpus = calloc(count + 1, sizeof(*usage->gpus));
	if (!usage->gpus)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		gpu_fill(&usage->gpus[usage->gpu_count++],
			 sd_json_variant_by_index(gpus, i), before);
	return 0;
}

int usage_join(struct usage *usage, sd_json_variant *vgpus,
	       sd_json_variant *stats)
{
	struct usage new = {0};
	int r;

	r = gpus_fill(&new, stats, usage);
	if (r == 0)
		r = rows_fill(&new, json_array(vgpus, "vgpus"), stats);
	if (r < 0) {
		usage_deinit(&new);
		return r;
	}
	usage_deinit(usage);
	*usage = new;
	return 0;
}

int usage_read(struct usage *usage, sd_varlink *link)
{
	_json_ sd_json_variant *vgpus = NULL, *stats = NULL;
	int r;

	r = broker_call(link, "ListVgpus", NULL, &vgpus);
	if (r == 0)
		r = broker_call(link, "GetStats", NULL, &stats);
	if (r < 0)
		return r;
	return usage_join(usage, vgpus, stats) < 0 ? message_memory() : 0;
}

static double key(const struct usage_row *row, enum usage_order order)
{
	switch (order) {
	case USAGE_BY_GPU:
		return row->share;
	case USAGE_BY_WANTED:
		return row->wanted;
	case USAGE_BY_WEIGHT:
		return (double)row->weight;
	case USAGE_BY_WAIT:
		return (double)row->wait_p99_us;
	case USAGE_BY_SUBMITS:
		return (double)row->submits;
	case USAGE_BY_VRAM:
		return (double)row->vram_used;
	default:
		return 0;
	}
}

static int row_compare(const void *a, const void *b, void *userdata)
{
	const struct usage_row *left = a, *right = b;
	const enum usage_order *order = userdata;
	double difference = key(left, *order) - key(right, *order);
	int r;

	if (difference != 0)
		return difference > 0 ? -1 : 1;
	r = strcmp(left->name, right->name);
	return r ? r : strcmp(left->uuid, right->uuid);
}

void usage_sort(struct usage *usage, enum usage_order order)
{
	if (usage->row_count)
		qsort_r(usage->rows, usage->row_count, sizeof(*usage->rows),
			row_compare, &order);
}

bool usage_matches(const struct usage_row *row, const char *filter)
{
	return strcasestr(row->name, filter) || strcasestr(row->vm, filter) ||
	       strcasestr(row->uuid, filter) || strcasestr(row->gpu, filter) ||
	       strcasestr(row->tenant, filter) ||
	       strcasestr(row->state, filter);
}
