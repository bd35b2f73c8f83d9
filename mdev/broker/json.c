// SPDX-License-Identifier: MIT
#include "mdev/broker/json.h"

#include <errno.h>
#include <stdlib.h>

#include "mdev/broker/vgpu.h"

#define STRING(name, value) \
	SD_JSON_BUILD_PAIR(name, SD_JSON_BUILD_STRING(value))
#define INT(name, value) SD_JSON_BUILD_PAIR(name, SD_JSON_BUILD_UNSIGNED(value))
#define REAL(name, value) SD_JSON_BUILD_PAIR(name, SD_JSON_BUILD_REAL(value))
#define BOOL(name, value) SD_JSON_BUILD_PAIR(name, SD_JSON_BUILD_BOOLEAN(value))
#define MAYBE(name, value)                            \
	SD_JSON_BUILD_PAIR_CONDITION(!!(value), name, \
				     SD_JSON_BUILD_STRING(value))
#define MAYBE_INT(name, there, value) \
	SD_JSON_BUILD_PAIR_CONDITION(there, name, SD_JSON_BUILD_UNSIGNED(value))

static double percent(uint32_t permille)
{
	return permille / 10.0;
}

int json_gpu(const struct host_gpu *gpu, sd_json_variant **json)
{
	const struct gpu *found = gpu->gpu;
	const char *reason = gpu->reason[0] ? gpu->reason : NULL;

	return sd_json_buildo(
		json, STRING("address", found->address),
		STRING("vendor", found->vendor), STRING("name", found->name),
		MAYBE("driver", found->driver),
		MAYBE("renderNode", found->render_node),
		MAYBE_INT("iommuGroup", found->iommu_group >= 0,
			  (uint64_t)found->iommu_group),
		MAYBE("vulkanName", found->vulkan_name),
		MAYBE("vulkanDriver", found->vulkan_driver),
		INT("vramBytes", gpu->types.capacity),
		INT("vramFreeBytes", host_gpu_vram_free(gpu)),
		BOOL("software", found->software),
		BOOL("served", host_gpu_served(gpu)), MAYBE("reason", reason),
		STRING("policy", policy_names[gpu->policy]),
		INT("vgpus", host_gpu_vgpus(gpu, NULL)));
}

int json_type(const struct host_gpu *gpu, const struct vgpu_type *type,
	      sd_json_variant **json)
{
	struct tranche_type kernel;
	int r = type_describe(type, gpu->window, &kernel);

	if (r < 0)
		return r;
	return sd_json_buildo(
		json, STRING("gpu", gpu->gpu->address), STRING("id", kernel.id),
		STRING("name", kernel.name),
		STRING("description", kernel.description),
		INT("vramBytes", type->vram), INT("weight", type->weight),
		INT("maxInstances", type->instances),
		INT("availableInstances", host_gpu_available(gpu, type)));
}

static pid_t serving_pid(const struct vgpu *vgpu)
{
	return vgpu->type ? vgpu->process.pid : vgpu->owner.pid;
}

int json_vgpu(const struct vgpu *vgpu, sd_json_variant **json)
{
	const struct arbiter_settings *settings = &vgpu->settings;
	const char *vm = vgpu->vm.name[0] ? vgpu->vm.name : NULL;
	pid_t pid = serving_pid(vgpu);

	return sd_json_buildo(
		json, STRING("uuid", vgpu->uuid),
		STRING("gpu", vgpu->gpu->gpu->address),
		STRING("type", vgpu->type ? vgpu->type->name : "program"),
		STRING("tenant", settings->tenant), STRING("name", vgpu->name),
		STRING("state", vgpu_state_name(vgpu)),
		BOOL("transient", vgpu->transient),
		MAYBE_INT("devicePid", pid > 0, (uint64_t)pid),
		MAYBE_INT("vmPid", vgpu->vm.pid > 0, (uint64_t)vgpu->vm.pid),
		MAYBE("vmName", vm), INT("weight", settings->weight),
		REAL("capPercent", percent(settings->cap)),
		REAL("reservationPercent", percent(settings->reservation)),
		INT("vramLimitBytes", settings->vram_limit),
		STRING("latency", latency_names[settings->latency]),
		INT("killMs", settings->kill_ns / 1000000));
}

static int json_counts(const uint32_t *counts, size_t count,
		       sd_json_variant **json)
{
	struct json_list list = {0};
	int r;

	for (size_t i = 0; i < count; i++) {
		sd_json_variant *item = NULL;

		r = sd_json_variant_new_unsigned(&item, counts[i]);
		json_list_add(&list, r, item);
	}
	r = list.error < 0
		    ? list.error
		    : sd_json_variant_new_array(json, list.items, list.count);
	json_list_deinit(&list);
	return r;
}

static int json_account(const struct vgpu *vgpu,
			const struct arbiter_account_stats *stats,
			sd_json_variant *waits, sd_json_variant **json)
{
	return sd_json_buildo(
		json, STRING("uuid", vgpu->uuid), INT("gpuNs", stats->gpu_ns),
		INT("waitNs", stats->wait_ns),
		INT("throttledNs", stats->throttled_ns),
		INT("submits", stats->submits),
		INT("vramUsedBytes", stats->vram_used),
		INT("vramLimitBytes", stats->vram_limit),
		INT("contexts", stats->contexts), INT("kills", stats->kills),
		INT("vramRefusals", stats->vram_refusals),
		INT("restarts", vgpu->process.restarts),
		REAL("sharePercent", percent(stats->share)),
		REAL("wantedPercent", percent(stats->wanted)),
		INT("submitsPerSecond", stats->submits_per_s),
		INT("waitP50Us", stats->wait_p50_us),
		INT("waitP99Us", stats->wait_p99_us),
		SD_JSON_BUILD_PAIR("waitCounts", SD_JSON_BUILD_VARIANT(waits)));
}

int json_stats(const struct vgpu *vgpu, sd_json_variant **json)
{
	struct arbiter_account_stats stats;
	sd_json_variant *waits = NULL;
	int r = arbiter_account_stats(vgpu->gpu->arbiter, vgpu->uuid, &stats);

	if (r >= 0)
		r = json_counts(stats.waits, ARBITER_WAIT_BUCKETS, &waits);
	if (r >= 0)
		r = json_account(vgpu, &stats, waits, json);
	sd_json_variant_unref(waits);
	return r;
}

int json_gpu_stats(const struct host_gpu *gpu, sd_json_variant **json)
{
	struct arbiter_gpu_stats stats;
	int r = arbiter_gpu_stats(gpu->arbiter, &stats);

	if (r < 0)
		return r;
	return sd_json_buildo(
		json, STRING("gpu", gpu->gpu->address),
		INT("nowNs", stats.now_ns), INT("busyNs", stats.busy_ns),
		INT("idleNs", stats.idle_ns), INT("holds", stats.holds),
		INT("vramUsedBytes", stats.vram_used),
		INT("contexts", stats.contexts));
}

int json_event(const struct event *event, sd_json_variant **json)
{
	return sd_json_buildo(
		json, INT("timeUs", event->time_us),
		STRING("kind", event_names[event->kind]),
		MAYBE("gpu", event->gpu), MAYBE("uuid", event->uuid),
		MAYBE_INT("pid", event->pid > 0, (uint64_t)event->pid),
		STRING("text", event->text));
}

int json_slice(const struct arbiter_slice *slice, sd_json_variant **json)
{
	static const char *const reasons[] = {
		[TSCHED_BY_NONE] = "none",	 [TSCHED_BY_SLICE] = "slice",
		[TSCHED_BY_IDLE] = "idle",	 [TSCHED_BY_CAP] = "cap",
		[TSCHED_BY_LATENCY] = "latency", [TSCHED_BY_LEASE] = "lease",
		[TSCHED_BY_OVERRUN] = "overrun", [TSCHED_BY_POLICY] = "policy",
	};
	const size_t count = sizeof(reasons) / sizeof(reasons[0]);

	return sd_json_buildo(
		json, STRING("uuid", slice->account),
		INT("pid", (uint64_t)slice->pid), INT("wantNs", slice->want_ns),
		INT("beginNs", slice->begin_ns), INT("endNs", slice->end_ns),
		INT("submits", slice->submits),
		STRING("reason",
		       reasons[slice->reason < count ? slice->reason : 0]));
}

void json_list_add(struct json_list *list, int error, sd_json_variant *item)
{
	sd_json_variant **items;

	if (error < 0) {
		list->error = error;
		return;
	}
	items = reallocarray(list->items, list->count + 1, sizeof(*items));
	if (!items) {
		list->error = -ENOMEM;
		sd_json_variant_unref(item);
		return;
	}
	list->items = items;
	list->items[list->count++] = item;
}

void json_list_deinit(struct json_list *list)
{
	/* Frees the array as well. */
	sd_json_variant_unref_many(list->items, list->count);
}
