// SPDX-License-Identifier: MIT
#include "tools/tranche/fleet/lend.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tools/tranche/broker.h"
#include "tools/tranche/json.h"
#include "tools/tranche/message.h"

static void keep(char text[static LEND_TEXT], sd_json_variant *object,
		 const char *key)
{
	snprintf(text, LEND_TEXT, "%s", json_text(object, key, ""));
}

static void gpu_fill(struct lend_gpu *gpu, sd_json_variant *found)
{
	keep(gpu->address, found, "address");
	keep(gpu->name, found, "name");
	keep(gpu->driver, found, "driver");
	keep(gpu->vulkan, found, "vulkanName");
	keep(gpu->vulkan_driver, found, "vulkanDriver");
	keep(gpu->policy, found, "policy");
	gpu->vram = json_number(found, "vramBytes");
	gpu->vram_free = json_number(found, "vramFreeBytes");
}

static int gpu_refuse(sd_json_variant *gpu)
{
	if (json_flag(gpu, "software"))
		return message_bad("GPU %s is software, which no VM can have: "
				   "try 'tranche run' on it",
				   json_text(gpu, "address", "?"));
	return message_bad("GPU %s is not served: %s: see 'tranche doctor'",
			   json_text(gpu, "address", "?"),
			   json_text(gpu, "reason", "?"));
}

static bool gpu_fits(sd_json_variant *gpu)
{
	return json_flag(gpu, "served") && !json_flag(gpu, "software");
}

static int gpu_choose(sd_json_variant *gpus, const char *address,
		      struct lend_gpu *gpu)
{
	size_t count = gpus ? sd_json_variant_elements(gpus) : 0;
	sd_json_variant *found = NULL;

	for (size_t i = 0; i < count; i++) {
		sd_json_variant *item = sd_json_variant_by_index(gpus, i);

		if (address && strcmp(json_text(item, "address", ""), address))
			continue;
		found = item;
		if (!gpu_fits(item))
			continue;
		gpu_fill(gpu, item);
		return 0;
	}
	if (found)
		return gpu_refuse(found);
	return message_bad("there is no GPU %s: see 'tranche gpus'",
			   address ? address : "here");
}

int lend_gpu_find(struct link *link, const char *address, struct lend_gpu *gpu)
{
	_json_ sd_json_variant *reply = NULL;
	int r = link_call(link, "ListGpus", NULL, &reply);

	*gpu = (struct lend_gpu){0};
	return r < 0 ? r : gpu_choose(json_array(reply, "gpus"), address, gpu);
}

static int type_choose(sd_json_variant *types, unsigned int count,
		       char name[static LEND_TEXT])
{
	size_t n = types ? sd_json_variant_elements(types) : 0;
	uint64_t most = 0;

	for (size_t i = 0; i < n; i++) {
		sd_json_variant *type = sd_json_variant_by_index(types, i);
		uint64_t vram = json_number(type, "vramBytes");

		if (json_number(type, "availableInstances") < count ||
		    vram <= most)
			continue;
		most = vram;
		keep(name, type, "name");
	}
	if (most)
		return 0;
	return message_bad("there is no room for %u vGPUs: remove some, see "
			   "'tranche list'",
			   count);
}

int lend_type_find(struct link *link, const char *gpu, unsigned int count,
		   char type[static LEND_TEXT])
{
	_json_ sd_json_variant *parameters = NULL, *reply = NULL;
	int r;

	r = broker_set_text(&parameters, "gpu", gpu);
	if (r == 0)
		r = link_call(link, "ListTypes", parameters, &reply);
	return r < 0 ? r : type_choose(json_array(reply, "types"), count, type);
}

int lend_vgpu(struct link *link, const char *gpu, const char *type,
	      const char *name, unsigned int weight,
	      char uuid[static LEND_UUID])
{
	_json_ sd_json_variant *parameters = NULL, *reply = NULL;
	sd_json_variant *vgpu;
	int r;

	r = sd_json_buildo(&parameters, SD_JSON_BUILD_PAIR_STRING("type", type),
			   SD_JSON_BUILD_PAIR_STRING("gpu", gpu),
			   SD_JSON_BUILD_PAIR_STRING("name", name),
			   SD_JSON_BUILD_PAIR_UNSIGNED("weight", weight),
			   SD_JSON_BUILD_PAIR_BOOLEAN("transient", true));
	if (r < 0)
		return message_memory();
	r = broker_call(link->varlink, "CreateVgpu", parameters, &reply);
	if (r < 0)
		return r;
	vgpu = sd_json_variant_by_key(reply, "vgpu");
	snprintf(uuid, LEND_UUID, "%s", json_text(vgpu, "uuid", ""));
	return 0;
}

int lend_return(struct link *link, const char *uuid)
{
	_json_ sd_json_variant *parameters = NULL;
	int r = broker_set_text(&parameters, "uuid", uuid);

	return r < 0 ? r : link_call(link, "RemoveVgpu", parameters, NULL);
}

int lend_set(struct link *link, const char *uuid, const char *setting,
	     uint64_t value)
{
	_json_ sd_json_variant *parameters = NULL;
	int r;

	r = sd_json_buildo(&parameters, SD_JSON_BUILD_PAIR_STRING("uuid", uuid),
			   SD_JSON_BUILD_PAIR_UNSIGNED(setting, value));
	if (r < 0)
		return message_memory();
	return link_call(link, "SetVgpu", parameters, NULL);
}

int lend_policy(struct link *link, const char *gpu, const char *policy)
{
	_json_ sd_json_variant *parameters = NULL;
	int r;

	r = sd_json_buildo(&parameters, SD_JSON_BUILD_PAIR_STRING("gpu", gpu),
			   SD_JSON_BUILD_PAIR_STRING("policy", policy),
			   SD_JSON_BUILD_PAIR_BOOLEAN("transient", true));
	if (r < 0)
		return message_memory();
	return link_call(link, "SetGpu", parameters, NULL);
}
