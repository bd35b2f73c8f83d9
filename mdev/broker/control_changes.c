// SPDX-License-Identifier: MIT
/*
 * Settings as parameters of methods: read, judged, and refused with a reason.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "mdev/broker/control.h"
#include "mdev/broker/host_gpu.h"
#include "mdev/broker/vgpu.h"

#define NS_PER_MS INT64_C(1000000)
#define KILL_MS_MAX 3600000

int dispatch_maybe_bool(const char *name, sd_json_variant *variant,
			sd_json_dispatch_flags_t flags, void *field)
{
	if (sd_json_variant_is_null(variant))
		return 0;
	return sd_json_dispatch_stdbool(name, variant, flags, field);
}

int dispatch_maybe_int(const char *name, sd_json_variant *variant,
		       sd_json_dispatch_flags_t flags, void *field)
{
	struct maybe_int *maybe = field;

	(void)name;
	(void)flags;
	if (sd_json_variant_is_null(variant))
		return 0;
	if (!sd_json_variant_is_integer(variant))
		return -EINVAL;
	maybe->set = true;
	maybe->value = sd_json_variant_integer(variant);
	return 0;
}

int dispatch_maybe_real(const char *name, sd_json_variant *variant,
			sd_json_dispatch_flags_t flags, void *field)
{
	struct maybe_real *maybe = field;

	(void)name;
	(void)flags;
	if (sd_json_variant_is_null(variant))
		return 0;
	if (!sd_json_variant_is_number(variant))
		return -EINVAL;
	maybe->set = true;
	maybe->value = sd_json_variant_real(variant);
	return 0;
}

/* Names of the parameters, where people read of them. */
static const char *const parameters[SETTINGS] = {
	[SETTING_WEIGHT] = "weight",
	[SETTING_CAP] = "capPercent",
	[SETTING_RESERVATION] = "reservationPercent",
	[SETTING_VRAM_LIMIT] = "vramLimitBytes",
	[SETTING_LATENCY] = "latency",
	[SETTING_TENANT] = "tenant",
};

static bool int_text(const struct maybe_int *maybe, char *text, size_t size)
{
	snprintf(text, size, "%" PRId64, maybe->value);
	return maybe->set;
}

static bool real_text(const struct maybe_real *maybe, char *text, size_t size)
{
	snprintf(text, size, "%.1f", maybe->value);
	return maybe->set;
}

static bool string_text(const char *string, char *text, size_t size)
{
	/* One byte more than fits any setting, so that it is refused. */
	snprintf(text, size, "%s", string ? string : "");
	return string != NULL;
}

/* As text every setting is judged in one place, settings.c. */
static bool change_text(const struct changes *changes, enum setting setting,
			char *text, size_t size)
{
	switch (setting) {
	case SETTING_WEIGHT:
		return int_text(&changes->weight, text, size);
	case SETTING_CAP:
		return real_text(&changes->cap, text, size);
	case SETTING_RESERVATION:
		return real_text(&changes->reservation, text, size);
	case SETTING_VRAM_LIMIT:
		return int_text(&changes->vram, text, size);
	case SETTING_LATENCY:
		return string_text(changes->latency, text, size);
	case SETTING_TENANT:
		return string_text(changes->tenant, text, size);
	default:
		return false;
	}
}

int changes_apply(sd_varlink *link, const struct changes *changes,
		  const struct setting_limits *limits,
		  struct arbiter_settings *settings)
{
	char text[ARBITER_NAME_MAX + 1];

	for (int i = 0; i < SETTINGS; i++)
		if (change_text(changes, i, text, sizeof(text)) &&
		    setting_parse(i, text, limits, settings) < 0)
			return control_invalid(link, parameters[i],
					       setting_range(i));
	if (settings->reservation > settings->cap)
		return control_invalid(link, parameters[SETTING_RESERVATION],
				       setting_range(SETTING_RESERVATION));
	if (!changes->kill_ms.set)
		return 0;
	if (changes->kill_ms.value < 1 || changes->kill_ms.value > KILL_MS_MAX)
		return control_invalid(link, "killMs", "1 to 3600000");
	settings->kill_ns = changes->kill_ms.value * NS_PER_MS;
	return 0;
}

int changes_refused(sd_varlink *link, const struct host_gpu *gpu,
		    const struct vgpu *vgpu,
		    const struct arbiter_settings *settings, int error)
{
	uint32_t free = host_gpu_reservable(gpu, vgpu);

	if (error == -ENOSPC && settings->reservation > free)
		return control_no_space(link, "reservation",
					settings->reservation / 10, free / 10);
	if (error == -ENOSPC)
		return control_no_space(link, "vram", settings->vram_limit,
					host_gpu_vram_free(gpu));
	return sd_varlink_error_errno(link, error);
}
