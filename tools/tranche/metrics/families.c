// SPDX-License-Identifier: MIT
#include "tools/tranche/metrics/families.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "units/units.h"
#include "tools/tranche/json.h"
#include "tools/tranche/metrics/exposition.h"

#define SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define US_PER_S 1e6
/* More than any broker has of them. */
#define WAITS_MAX 32

enum unit {
	UNIT_COUNT,
	UNIT_FLAG,
	UNIT_NS,
	UNIT_MS,
	UNIT_PERCENT,
};

/* One family with one sample for each subject. */
struct metric {
	const char *name;
	enum exposition_type type;
	enum unit unit;
	const char *key;
	const char *help;
};

/* What is measured: a GPU, a type, a vGPU. The answers own all of it. */
struct subject {
	sd_json_variant *object; /* of a list */
	sd_json_variant *stats; /* of GetStats; NULL: none */
	struct exposition_label labels[3];
};

struct subjects {
	struct subject *items;
	size_t count;
};

/* A label of an information metric, and where its value stands. */
struct property {
	const char *label;
	const char *key;
};

static const struct metric gpu_metrics[] = {
	{"tranche_gpu_served", EXPOSITION_GAUGE, UNIT_FLAG, "served",
	 "Whether vGPUs of this GPU, or shares of it, can be had."},
	{"tranche_gpu_vgpus", EXPOSITION_GAUGE, UNIT_COUNT, "vgpus",
	 "vGPUs there are, without enrolled programs."},
	{"tranche_gpu_vram_size_bytes", EXPOSITION_GAUGE, UNIT_COUNT,
	 "vramBytes", "Video memory that is lent."},
	{"tranche_gpu_vram_unpromised_bytes", EXPOSITION_GAUGE, UNIT_COUNT,
	 "vramFreeBytes", "Video memory that nobody was promised."},
};

static const struct metric gpu_stats_metrics[] = {
	{"tranche_gpu_vram_used_bytes", EXPOSITION_GAUGE, UNIT_COUNT,
	 "vramUsedBytes", "Video memory in use."},
	{"tranche_gpu_contexts", EXPOSITION_GAUGE, UNIT_COUNT, "contexts",
	 "Processes that use the GPU."},
	{"tranche_gpu_busy_seconds_total", EXPOSITION_COUNTER, UNIT_NS,
	 "busyNs", "Time that somebody had the GPU."},
	{"tranche_gpu_idle_seconds_total", EXPOSITION_COUNTER, UNIT_NS,
	 "idleNs", "Time that nobody wanted the GPU."},
	{"tranche_gpu_holds_total", EXPOSITION_COUNTER, UNIT_COUNT, "holds",
	 "How many times the GPU was granted."},
};

static const struct metric type_metrics[] = {
	{"tranche_type_max_vgpus", EXPOSITION_GAUGE, UNIT_COUNT, "maxInstances",
	 "How many vGPUs of this type fit on an empty GPU."},
	{"tranche_type_available_vgpus", EXPOSITION_GAUGE, UNIT_COUNT,
	 "availableInstances", "How many more vGPUs of this type fit now."},
};

static const struct metric vgpu_metrics[] = {
	{"tranche_vgpu_weight", EXPOSITION_GAUGE, UNIT_COUNT, "weight",
	 "Its share against others that want the GPU."},
	{"tranche_vgpu_cap_ratio", EXPOSITION_GAUGE, UNIT_PERCENT, "capPercent",
	 "Share of the GPU that it gets at most."},
	{"tranche_vgpu_reservation_ratio", EXPOSITION_GAUGE, UNIT_PERCENT,
	 "reservationPercent", "Share of the GPU that it can always have."},
	{"tranche_vgpu_kill_limit_seconds", EXPOSITION_GAUGE, UNIT_MS, "killMs",
	 "How long a job may run before its context is ended."},
	{"tranche_vgpu_vram_limit_bytes", EXPOSITION_GAUGE, UNIT_COUNT,
	 "vramLimitBytes", "Video memory that it may use."},
};

static const struct metric vgpu_stats_metrics[] = {
	{"tranche_vgpu_vram_used_bytes", EXPOSITION_GAUGE, UNIT_COUNT,
	 "vramUsedBytes", "Video memory in use."},
	{"tranche_vgpu_contexts", EXPOSITION_GAUGE, UNIT_COUNT, "contexts",
	 "Processes that use the GPU for it."},
	{"tranche_vgpu_share_ratio", EXPOSITION_GAUGE, UNIT_PERCENT,
	 "sharePercent", "Share of the GPU that it had in the last second."},
	{"tranche_vgpu_entitled_ratio", EXPOSITION_GAUGE, UNIT_PERCENT,
	 "wantedPercent",
	 "Share that it was entitled to in the last second, by what all wanted."},
	{"tranche_vgpu_gpu_seconds_total", EXPOSITION_COUNTER, UNIT_NS, "gpuNs",
	 "Time that it had the GPU."},
	{"tranche_vgpu_throttled_seconds_total", EXPOSITION_COUNTER, UNIT_NS,
	 "throttledNs", "Time that its cap held it back."},
	{"tranche_vgpu_submissions_total", EXPOSITION_COUNTER, UNIT_COUNT,
	 "submits", "Submissions to the GPU."},
	{"tranche_vgpu_context_kills_total", EXPOSITION_COUNTER, UNIT_COUNT,
	 "kills", "Contexts ended for jobs past the kill limit."},
	{"tranche_vgpu_vram_refusals_total", EXPOSITION_COUNTER, UNIT_COUNT,
	 "vramRefusals", "Allocations refused for its limit of video memory."},
	{"tranche_vgpu_device_restarts_total", EXPOSITION_COUNTER, UNIT_COUNT,
	 "restarts", "How many times its device process was started again."},
};

static const struct property gpu_properties[] = {
	{"gpu", "address"},
	{"vendor", "vendor"},
	{"name", "name"},
	{"driver", "driver"},
	{"vulkan_name", "vulkanName"},
	{"vulkan_driver", "vulkanDriver"},
	{"policy", "policy"},
};

static const struct property vgpu_properties[] = {
	{"gpu", "gpu"},		{"uuid", "uuid"}, {"type", "type"},
	{"name", "name"},	{"vm", "vmName"}, {"tenant", "tenant"},
	{"latency", "latency"},
};
#define PROPERTIES_MAX 8
_Static_assert(SIZE(gpu_properties) < PROPERTIES_MAX &&
		       SIZE(vgpu_properties) < PROPERTIES_MAX,
	       "labels end with one that has no name");

static const struct exposition_label no_labels[] = {{0}};

/* Return: NULL when the broker does not say. */
static const char *value_format(char text[static EXPOSITION_NUMBER],
				sd_json_variant *object,
				const struct metric *metric)
{
	uint64_t number = json_number(object, metric->key);

	if (!json_has(object, metric->key))
		return NULL;
	switch (metric->unit) {
	case UNIT_FLAG:
		return exposition_count(text, json_flag(object, metric->key));
	case UNIT_NS:
		return exposition_seconds(text, number);
	case UNIT_MS:
		return exposition_seconds(text,
					  units_multiply(number, NS_PER_MS));
	case UNIT_PERCENT:
		return exposition_ratio(text, json_real(object, metric->key));
	default:
		return exposition_count(text, number);
	}
}

static void metric_write(FILE *file, const struct metric *metric,
			 const struct subjects *subjects, bool of_stats)
{
	char text[EXPOSITION_NUMBER];
	const char *value;

	exposition_family(file, metric->name, metric->type, metric->help);
	for (size_t i = 0; i < subjects->count; i++) {
		const struct subject *subject = &subjects->items[i];

		value = value_format(
			text, of_stats ? subject->stats : subject->object,
			metric);
		if (value)
			exposition_sample(file, metric->name, subject->labels,
					  value);
	}
}

static void metrics_write(FILE *file, const struct metric *metrics,
			  size_t count, const struct subjects *subjects,
			  bool of_stats)
{
	for (size_t i = 0; i < count; i++)
		metric_write(file, &metrics[i], subjects, of_stats);
}

static void info_write(FILE *file, const char *name, const char *help,
		       const struct property *properties, size_t count,
		       const struct subjects *subjects)
{
	struct exposition_label labels[PROPERTIES_MAX] = {0};

	exposition_family(file, name, EXPOSITION_GAUGE, help);
	for (size_t i = 0; i < subjects->count; i++) {
		for (size_t j = 0; j < count; j++)
			labels[j] = (struct exposition_label){
				properties[j].label,
				json_text(subjects->items[i].object,
					  properties[j].key, "")};
		exposition_sample(file, name, labels, "1");
	}
}

/* One sample for each state, so that a graph shows when it was in which. */
static void state_write(FILE *file, const struct subject *subject)
{
	static const char *const states[] = {"closed", "open", "broken",
					     "stopped", "program"};
	const char *state = json_text(subject->object, "state", "");
	struct exposition_label labels[4] = {
		subject->labels[0], subject->labels[1], {"state", ""}};

	for (size_t i = 0; i < SIZE(states); i++) {
		labels[2].value = states[i];
		exposition_sample(file, "tranche_vgpu_state", labels,
				  strcmp(state, states[i]) == 0 ? "1" : "0");
	}
}

static void states_write(FILE *file, const struct subjects *vgpus)
{
	exposition_family(file, "tranche_vgpu_state", EXPOSITION_GAUGE,
			  "1 for the state that it is in, 0 for all others.");
	for (size_t i = 0; i < vgpus->count; i++)
		state_write(file, &vgpus->items[i]);
}

/* The broker's ranges of waits end at 4^i microseconds. */
static void waits_write(FILE *file, const char *name,
			const struct subject *subject)
{
	sd_json_variant *waits = json_array(subject->stats, "waitCounts");
	size_t count = waits ? sd_json_variant_elements(waits) : 0;
	uint64_t counts[WAITS_MAX];
	double bounds[WAITS_MAX];
	char sum[EXPOSITION_NUMBER];

	if (!count || count > WAITS_MAX)
		return;
	for (size_t i = 0; i < count; i++) {
		sd_json_variant *item = sd_json_variant_by_index(waits, i);

		if (!sd_json_variant_is_unsigned(item))
			return;
		counts[i] = sd_json_variant_unsigned(item);
		bounds[i] = ldexp(1, 2 * (int)i) / US_PER_S;
	}
	exposition_histogram(
		file, name, subject->labels, counts, bounds, count,
		exposition_seconds(sum, json_number(subject->stats, "waitNs")));
}

static void all_waits_write(FILE *file, const struct subjects *vgpus)
{
	static const char name[] = "tranche_vgpu_wait_seconds";

	exposition_family(file, name, EXPOSITION_HISTOGRAM,
			  "How long it waited for each grant of the GPU.");
	for (size_t i = 0; i < vgpus->count; i++)
		waits_write(file, name, &vgpus->items[i]);
}

static sd_json_variant *stats_find(sd_json_variant *stats, const char *key,
				   const char *value)
{
	for (size_t i = 0; stats && i < sd_json_variant_elements(stats); i++) {
		sd_json_variant *item = sd_json_variant_by_index(stats, i);

		if (strcmp(json_text(item, key, ""), value) == 0)
			return item;
	}
	return NULL;
}

static int subjects_fill(struct subjects *subjects, sd_json_variant *list,
			 const struct property *identity, size_t properties)
{
	size_t count = list ? sd_json_variant_elements(list) : 0;

	subjects->items = calloc(count + 1, sizeof(*subjects->items));
	if (!subjects->items)
		return -ENOMEM;
	subjects->count = count;
	for (size_t i = 0; i < count; i++) {
		struct subject *subject = &subjects->items[i];

		subject->object = sd_json_variant_by_index(list, i);
		for (size_t j = 0; j < properties; j++)
			subject->labels[j] = (struct exposition_label){
				identity[j].label,
				json_text(subject->object, identity[j].key,
					  "")};
	}
	return 0;
}

/* @key and @label are the name by which GetStats knows it. */
static void subjects_join(struct subjects *subjects, sd_json_variant *stats,
			  const char *key, size_t label)
{
	for (size_t i = 0; i < subjects->count; i++)
		subjects->items[i].stats = stats_find(
			stats, key, subjects->items[i].labels[label].value);
}

static int gpus_write(FILE *file, const struct reading *reading)
{
	struct subjects gpus;
	int r;

	r = subjects_fill(&gpus, json_array(reading->gpus, "gpus"),
			  gpu_properties, 1);
	if (r < 0)
		return r;
	subjects_join(&gpus, json_array(reading->stats, "gpus"), "gpu", 0);
	info_write(file, "tranche_gpu_info", "What the GPU is.", gpu_properties,
		   SIZE(gpu_properties), &gpus);
	metrics_write(file, gpu_metrics, SIZE(gpu_metrics), &gpus, false);
	metrics_write(file, gpu_stats_metrics, SIZE(gpu_stats_metrics), &gpus,
		      true);
	free(gpus.items);
	return 0;
}

static int types_write(FILE *file, const struct reading *reading)
{
	static const struct property identity[] = {
		{"gpu", "gpu"},
		{"type", "name"},
	};
	struct subjects types;
	int r;

	r = subjects_fill(&types, json_array(reading->types, "types"), identity,
			  SIZE(identity));
	if (r < 0)
		return r;
	metrics_write(file, type_metrics, SIZE(type_metrics), &types, false);
	free(types.items);
	return 0;
}

static int vgpus_write(FILE *file, const struct reading *reading)
{
	struct subjects vgpus;
	int r;

	r = subjects_fill(&vgpus, json_array(reading->vgpus, "vgpus"),
			  vgpu_properties, 2);
	if (r < 0)
		return r;
	subjects_join(&vgpus, json_array(reading->stats, "vgpus"), "uuid", 1);
	info_write(file, "tranche_vgpu_info",
		   "What the vGPU or enrolled program is, and whose.",
		   vgpu_properties, SIZE(vgpu_properties), &vgpus);
	states_write(file, &vgpus);
	metrics_write(file, vgpu_metrics, SIZE(vgpu_metrics), &vgpus, false);
	metrics_write(file, vgpu_stats_metrics, SIZE(vgpu_stats_metrics),
		      &vgpus, true);
	all_waits_write(file, &vgpus);
	free(vgpus.items);
	return 0;
}

static void exporter_write(FILE *file, bool up)
{
	static const struct exposition_label version[] = {
		{"version", TRANCHE_VERSION},
		{0},
	};

	exposition_family(file, "tranche_exporter_info", EXPOSITION_GAUGE,
			  "What made these metrics.");
	exposition_sample(file, "tranche_exporter_info", version, "1");
	exposition_family(file, "tranche_up", EXPOSITION_GAUGE,
			  "Whether the broker answers; if not, there is no "
			  "more than this.");
	exposition_sample(file, "tranche_up", no_labels, up ? "1" : "0");
}

int families_write(FILE *file, const struct reading *reading)
{
	int r = 0;

	exporter_write(file, reading);
	if (reading)
		r = gpus_write(file, reading);
	if (reading && r == 0)
		r = types_write(file, reading);
	if (reading && r == 0)
		r = vgpus_write(file, reading);
	if (r == 0 && ferror(file))
		r = -EIO;
	return r;
}

int families_text(const struct reading *reading, char **text)
{
	size_t size = 0;
	FILE *file;
	int r;

	*text = NULL;
	file = open_memstream(text, &size);
	if (!file)
		return -ENOMEM;
	r = families_write(file, reading);
	if (fclose(file) != 0 && r == 0)
		r = -ENOMEM;
	if (r < 0) {
		free(*text);
		*text = NULL;
	}
	return r;
}
