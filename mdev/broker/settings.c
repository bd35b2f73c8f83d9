// SPDX-License-Identifier: MIT
#include "mdev/broker/settings.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-json.h>

#include "units/units.h"

const char *const setting_names[SETTINGS] = {
	[SETTING_WEIGHT] = "weight",
	[SETTING_CAP] = "cap",
	[SETTING_RESERVATION] = "reservation",
	[SETTING_VRAM_LIMIT] = "vram_limit",
	[SETTING_LATENCY] = "latency",
	[SETTING_TENANT] = "tenant",
};

const char *const latency_names[TSCHED_LATENCIES] = {
	[TSCHED_LATENCY_NORMAL] = "normal",
	[TSCHED_LATENCY_LOW] = "low",
	[TSCHED_LATENCY_LOWEST] = "lowest",
};

const char *const policy_names[TSCHED_POLICIES] = {
	[TSCHED_FAIR] = "fair",
	[TSCHED_EQUAL] = "equal",
	[TSCHED_FIXED] = "fixed",
	[TSCHED_BEST_EFFORT] = "best-effort",
};

const char *setting_range(enum setting setting)
{
	static const char *const ranges[SETTINGS] = {
		[SETTING_WEIGHT] = "1 to 10000",
		[SETTING_CAP] =
			"a percentage from 0.1 to 100, not below the reservation",
		[SETTING_RESERVATION] = "a percentage from 0 to the cap",
		[SETTING_VRAM_LIMIT] = "a size from 1M to what the type has",
		[SETTING_LATENCY] = "normal, low or lowest",
		[SETTING_TENANT] =
			"a name of at most 63 printable bytes of UTF-8",
	};

	return ranges[setting];
}

int name_find(const char *const *names, int count, const char *text)
{
	for (int i = 0; i < count; i++)
		if (!strcmp(names[i], text))
			return i;
	return -EINVAL;
}

bool name_is_utf8(const char *text)
{
	sd_json_variant *string = NULL;
	int r = sd_json_variant_new_string(&string, text);

	sd_json_variant_unref(string);
	return r >= 0;
}

int name_check(const char *text)
{
	size_t length = strlen(text);

	if (length >= ARBITER_NAME_MAX)
		return -EINVAL;
	for (size_t i = 0; i < length; i++)
		if (iscntrl((unsigned char)text[i]))
			return -EINVAL;
	return name_is_utf8(text) ? 0 : -EINVAL;
}

int percent_parse(const char *text, uint32_t *permille)
{
	char number[16];
	size_t length = strlen(text);
	uint64_t millionth;

	if (length && text[length - 1] == '%')
		length--;
	if (!length || length >= sizeof(number))
		return -EINVAL;
	memcpy(number, text, length);
	number[length] = '\0';
	/* A decimal in millionths, as milliseconds are read. */
	if (units_parse_ms(number, &millionth) < 0 ||
	    millionth > 100 * NS_PER_MS)
		return -EINVAL;
	*permille = (millionth + NS_PER_MS / 20) / (NS_PER_MS / 10);
	return 0;
}

static int weight_parse(const char *text, const struct setting_limits *limits,
			uint32_t *weight)
{
	uint64_t value;

	if (!strcmp(text, SETTING_TYPE))
		value = limits->weight;
	else if (units_parse_count(text, TSCHED_WEIGHT_MIN, TSCHED_WEIGHT_MAX,
				   &value) < 0)
		return -EINVAL;
	*weight = value;
	return 0;
}

static int vram_parse(const char *text, const struct setting_limits *limits,
		      uint64_t *vram)
{
	uint64_t value;

	if (!strcmp(text, SETTING_TYPE))
		value = limits->vram;
	else if (units_parse_size(text, &value) < 0)
		return -EINVAL;
	if (value < SETTING_VRAM_MIN || value > limits->vram)
		return -EINVAL;
	*vram = value;
	return 0;
}

static int latency_parse(const char *text, enum tsched_latency *latency)
{
	int found = name_find(latency_names, TSCHED_LATENCIES, text);

	if (found < 0)
		return found;
	*latency = found;
	return 0;
}

static int cap_parse(const char *text, uint32_t *cap)
{
	uint32_t permille;

	if (percent_parse(text, &permille) < 0 || !permille)
		return -EINVAL;
	*cap = permille;
	return 0;
}

static int tenant_parse(const char *text, char tenant[ARBITER_NAME_MAX])
{
	if (name_check(text) < 0)
		return -EINVAL;
	strcpy(tenant, text);
	return 0;
}

int setting_parse(enum setting setting, const char *text,
		  const struct setting_limits *limits,
		  struct arbiter_settings *settings)
{
	switch (setting) {
	case SETTING_WEIGHT:
		return weight_parse(text, limits, &settings->weight);
	case SETTING_CAP:
		return cap_parse(text, &settings->cap);
	case SETTING_RESERVATION:
		return percent_parse(text, &settings->reservation);
	case SETTING_VRAM_LIMIT:
		return vram_parse(text, limits, &settings->vram_limit);
	case SETTING_LATENCY:
		return latency_parse(text, &settings->latency);
	case SETTING_TENANT:
		return tenant_parse(text, settings->tenant);
	default:
		return -EINVAL;
	}
}

static void percent_format(uint32_t permille, char *text, size_t size)
{
	if (permille % 10)
		snprintf(text, size, "%" PRIu32 ".%" PRIu32, permille / 10,
			 permille % 10);
	else
		snprintf(text, size, "%" PRIu32, permille / 10);
}

void setting_format(enum setting setting,
		    const struct arbiter_settings *settings,
		    char text[TRANCHE_VALUE_SIZE])
{
	const size_t size = TRANCHE_VALUE_SIZE;

	switch (setting) {
	case SETTING_WEIGHT:
		snprintf(text, size, "%" PRIu32, settings->weight);
		break;
	case SETTING_CAP:
		percent_format(settings->cap, text, size);
		break;
	case SETTING_RESERVATION:
		percent_format(settings->reservation, text, size);
		break;
	case SETTING_VRAM_LIMIT:
		snprintf(text, size, "%" PRIu64, settings->vram_limit);
		break;
	case SETTING_LATENCY:
		snprintf(text, size, "%s", latency_names[settings->latency]);
		break;
	case SETTING_TENANT:
		snprintf(text, size, "%s", settings->tenant);
		break;
	default:
		text[0] = '\0';
	}
}

bool setting_changed(enum setting setting, const struct arbiter_settings *a,
		     const struct arbiter_settings *b)
{
	char left[TRANCHE_VALUE_SIZE], right[TRANCHE_VALUE_SIZE];

	setting_format(setting, a, left);
	setting_format(setting, b, right);
	return strcmp(left, right) != 0;
}
