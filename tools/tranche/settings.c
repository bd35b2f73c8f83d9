// SPDX-License-Identifier: MIT
#include "tools/tranche/settings.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "units/units.h"
#include "tools/tranche/broker.h"
#include "tools/tranche/message.h"

#define WEIGHT_MAX 10000
#define TENANT_MAX 63
#define KILL_MIN_MS 10
#define KILL_MAX_MS 3600000

static int set_number(sd_json_variant **parameters, const char *name,
		      uint64_t value)
{
	int r = sd_json_variant_set_field_unsigned(parameters, name, value);

	return r < 0 ? message_memory() : 0;
}

static int parse_weight(const char *text, sd_json_variant **parameters)
{
	uint64_t weight;

	if (units_parse_count(text, 1, WEIGHT_MAX, &weight) < 0)
		return message_bad("--weight '%s': give a whole number from 1 "
				   "to 10000",
				   text);
	return set_number(parameters, "weight", weight);
}

/* 20, 12.5 or 20%; to a tenth, as the broker counts. */
static int percent_read(const char *text, double *percentp)
{
	size_t length = strspn(text, "0123456789.");
	const char *rest = text + length;
	char *end;

	if (!length || text[0] == '.' || length > 8 ||
	    (rest[0] && strcmp(rest, "%") != 0))
		return -EINVAL;
	*percentp = strtod(text, &end);
	return end == rest && *percentp <= 100 ? 0 : -EINVAL;
}

static int parse_percent(const char *option, const char *name, bool zero,
			 const char *text, sd_json_variant **parameters)
{
	double percent;
	int r;

	if (percent_read(text, &percent) < 0 || (percent < 0.1 && !zero))
		return message_bad("--%s '%s': give a percentage from %s to "
				   "100",
				   option, text, zero ? "0" : "0.1");
	r = sd_json_variant_set_fieldb(parameters, name,
				       SD_JSON_BUILD_REAL(percent));
	return r < 0 ? message_memory() : 0;
}

static int parse_vram(const char *text, sd_json_variant **parameters)
{
	uint64_t bytes;

	if (units_parse_size(text, &bytes) < 0 || bytes < 1 << 20)
		return message_bad("--vram '%s': give a size of 1M or more, "
				   "such as 512M or 2G",
				   text);
	return set_number(parameters, "vramLimitBytes", bytes);
}

static int parse_latency(const char *text, sd_json_variant **parameters)
{
	if (strcmp(text, "normal") != 0 && strcmp(text, "low") != 0 &&
	    strcmp(text, "lowest") != 0)
		return message_bad("--latency '%s': choose normal, low or "
				   "lowest",
				   text);
	return broker_set_text(parameters, "latency", text);
}

static int parse_tenant(const char *text, sd_json_variant **parameters)
{
	if (strlen(text) > TENANT_MAX)
		return message_bad("--tenant: the name is longer than %d "
				   "bytes: shorten it",
				   TENANT_MAX);
	return broker_set_text(parameters, "tenant", text);
}

static int parse_kill(const char *text, sd_json_variant **parameters)
{
	uint64_t ns;

	if (units_parse_duration(text, &ns) < 0 ||
	    ns < KILL_MIN_MS * NS_PER_MS || ns > KILL_MAX_MS * NS_PER_MS)
		return message_bad("--kill-after '%s': give a time from 10ms "
				   "to 1h, such as 500ms or 2s",
				   text);
	return set_number(parameters, "killMs", ns / NS_PER_MS);
}

int settings_parse(int code, const char *text, sd_json_variant **parameters)
{
	switch (code) {
	case SETTINGS_WEIGHT:
		return parse_weight(text, parameters);
	case SETTINGS_CAP:
		return parse_percent("cap", "capPercent", false, text,
				     parameters);
	case SETTINGS_RESERVATION:
		return parse_percent("reservation", "reservationPercent", true,
				     text, parameters);
	case SETTINGS_VRAM:
		return parse_vram(text, parameters);
	case SETTINGS_LATENCY:
		return parse_latency(text, parameters);
	case SETTINGS_TENANT:
		return parse_tenant(text, parameters);
	case SETTINGS_KILL:
		return parse_kill(text, parameters);
	default:
		return -EINVAL;
	}
}
