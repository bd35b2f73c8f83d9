// SPDX-License-Identifier: MIT
#include "mdev/gpu/report.h"

#include <errno.h>
#include <stdlib.h>
#include <systemd/sd-json.h>

#define _json_ __attribute__((cleanup(sd_json_variant_unrefp)))

static void device_deinit(struct report_device *device)
{
	free(device->name);
	free(device->driver);
	free(device->library);
	free(device->pci);
	*device = (struct report_device){0};
}

void report_deinit(struct report *report)
{
	for (size_t i = 0; i < report->count; i++)
		device_deinit(&report->devices[i]);
	report->count = 0;
}

static int heaps_build(const struct report_device *device,
		       sd_json_variant **heapsp)
{
	int r = 0;

	for (size_t i = 0; i < device->heap_count && r >= 0; i++) {
		const struct report_heap *heap = &device->heaps[i];

		r = sd_json_variant_append_arraybo(
			heapsp,
			SD_JSON_BUILD_PAIR_UNSIGNED("bytes", heap->bytes),
			SD_JSON_BUILD_PAIR_BOOLEAN("local", heap->local));
	}
	return r;
}

static int device_append(sd_json_variant **devicesp,
			 const struct report_device *device)
{
	_json_ sd_json_variant *heaps = NULL;
	int r;

	r = heaps_build(device, &heaps);
	if (r < 0)
		return r;
	return sd_json_variant_append_arraybo(
		devicesp, SD_JSON_BUILD_PAIR_STRING("name", device->name),
		SD_JSON_BUILD_PAIR_STRING("driver", device->driver),
		SD_JSON_BUILD_PAIR_STRING("library", device->library),
		SD_JSON_BUILD_PAIR_CONDITION(!!device->pci, "pci",
					     SD_JSON_BUILD_STRING(device->pci)),
		SD_JSON_BUILD_PAIR_UNSIGNED("api", device->api),
		SD_JSON_BUILD_PAIR_BOOLEAN("hasRender", device->has_render),
		SD_JSON_BUILD_PAIR_UNSIGNED("renderMajor",
					    device->render_major),
		SD_JSON_BUILD_PAIR_UNSIGNED("renderMinor",
					    device->render_minor),
		SD_JSON_BUILD_PAIR_BOOLEAN("cpu", device->cpu),
		SD_JSON_BUILD_PAIR_BOOLEAN("exports", device->exports),
		SD_JSON_BUILD_PAIR_VARIANT("heaps", heaps));
}

int report_format(const struct report *report, char **textp)
{
	_json_ sd_json_variant *devices = NULL, *all = NULL;
	int r = 0;

	for (size_t i = 0; i < report->count && r >= 0; i++)
		r = device_append(&devices, &report->devices[i]);
	if (r < 0)
		return r;
	r = sd_json_buildo(&all,
			   SD_JSON_BUILD_PAIR_VARIANT("devices", devices));
	if (r < 0)
		return r;
	r = sd_json_variant_format(all, SD_JSON_FORMAT_NEWLINE, textp);
	return r < 0 ? r : 0;
}

static int heap_parse(sd_json_variant *variant, struct report_heap *heap)
{
	static const sd_json_dispatch_field table[] = {
		{"bytes", _SD_JSON_VARIANT_TYPE_INVALID,
		 sd_json_dispatch_uint64, offsetof(struct report_heap, bytes),
		 SD_JSON_MANDATORY},
		{"local", SD_JSON_VARIANT_BOOLEAN, sd_json_dispatch_stdbool,
		 offsetof(struct report_heap, local), SD_JSON_MANDATORY},
		{0},
	};

	return sd_json_dispatch(variant, table, SD_JSON_ALLOW_EXTENSIONS, heap);
}

static int heaps_dispatch(const char *name, sd_json_variant *variant,
			  sd_json_dispatch_flags_t flags, void *userdata)
{
	struct report_device *device = userdata;
	size_t count = sd_json_variant_elements(variant);
	int r = 0;

	(void)name;
	(void)flags;
	if (count > REPORT_HEAPS)
		return -E2BIG;
	for (size_t i = 0; i < count && r >= 0; i++)
		r = heap_parse(sd_json_variant_by_index(variant, i),
			       &device->heaps[i]);
	device->heap_count = count;
	return r;
}

#define FIELD(json, type, parse, member, flags) \
	{json, type, parse, offsetof(struct report_device, member), flags}
#define STRING(json, member, flags)                                          \
	FIELD(json, SD_JSON_VARIANT_STRING, sd_json_dispatch_string, member, \
	      flags)
#define NUMBER(json, member)                                                \
	FIELD(json, _SD_JSON_VARIANT_TYPE_INVALID, sd_json_dispatch_uint32, \
	      member, SD_JSON_MANDATORY)
#define BOOLEAN(json, member)                                                  \
	FIELD(json, SD_JSON_VARIANT_BOOLEAN, sd_json_dispatch_stdbool, member, \
	      SD_JSON_MANDATORY)

static int device_parse(sd_json_variant *variant, struct report_device *device)
{
	static const sd_json_dispatch_field table[] = {
		STRING("name", name, SD_JSON_MANDATORY),
		STRING("driver", driver, SD_JSON_MANDATORY),
		STRING("library", library, SD_JSON_MANDATORY),
		STRING("pci", pci, 0),
		NUMBER("api", api),
		BOOLEAN("hasRender", has_render),
		NUMBER("renderMajor", render_major),
		NUMBER("renderMinor", render_minor),
		BOOLEAN("cpu", cpu),
		BOOLEAN("exports", exports),
		{"heaps", _SD_JSON_VARIANT_TYPE_INVALID, heaps_dispatch, 0,
		 SD_JSON_NULLABLE},
		{0},
	};

	return sd_json_dispatch(variant, table, SD_JSON_ALLOW_EXTENSIONS,
				device);
}

static int devices_parse(sd_json_variant *devices, struct report *report)
{
	size_t count = sd_json_variant_elements(devices);

	if (count > REPORT_DEVICES)
		return -EBADMSG;
	for (size_t i = 0; i < count; i++) {
		report->count++;
		if (device_parse(sd_json_variant_by_index(devices, i),
				 &report->devices[i]) < 0)
			return -EBADMSG;
	}
	return 0;
}

int report_parse(const char *text, struct report *report)
{
	_json_ sd_json_variant *all = NULL;
	sd_json_variant *devices;
	int r;

	*report = (struct report){0};
	r = sd_json_parse(text, 0, &all, NULL, NULL);
	if (r == -ENOMEM)
		return r;
	if (r < 0 || !sd_json_variant_is_object(all))
		return -EBADMSG;
	devices = sd_json_variant_by_key(all, "devices");
	if (!devices)
		return -EBADMSG;
	r = devices_parse(devices, report);
	if (r < 0)
		report_deinit(report);
	return r;
}
