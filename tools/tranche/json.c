// SPDX-License-Identifier: MIT
#include "tools/tranche/json.h"

#include <stdio.h>

#include "tools/tranche/message.h"
#include "tools/tranche/verb.h"

static sd_json_variant *field(sd_json_variant *object, const char *key)
{
	if (!object || !sd_json_variant_is_object(object))
		return NULL;
	return sd_json_variant_by_key(object, key);
}

const char *json_text(sd_json_variant *object, const char *key,
		      const char *missing)
{
	sd_json_variant *value = field(object, key);

	if (!value || !sd_json_variant_is_string(value))
		return missing;
	return sd_json_variant_string(value);
}

uint64_t json_number(sd_json_variant *object, const char *key)
{
	sd_json_variant *value = field(object, key);

	if (!value || !sd_json_variant_is_unsigned(value))
		return 0;
	return sd_json_variant_unsigned(value);
}

double json_real(sd_json_variant *object, const char *key)
{
	sd_json_variant *value = field(object, key);

	if (!value || !sd_json_variant_is_number(value))
		return 0;
	return sd_json_variant_real(value);
}

bool json_flag(sd_json_variant *object, const char *key)
{
	sd_json_variant *value = field(object, key);

	return value && sd_json_variant_is_boolean(value) &&
	       sd_json_variant_boolean(value);
}

bool json_has(sd_json_variant *object, const char *key)
{
	sd_json_variant *value = field(object, key);

	return value && !sd_json_variant_is_null(value);
}

sd_json_variant *json_array(sd_json_variant *object, const char *key)
{
	sd_json_variant *value = field(object, key);

	return value && sd_json_variant_is_array(value) ? value : NULL;
}

static int print(sd_json_variant *variant, sd_json_format_flags_t flags)
{
	int r;

	r = sd_json_variant_dump(variant, flags, stdout, NULL);
	if (r >= 0 && fflush(stdout) == 0)
		return STATUS_OK;
	message_error("cannot write the output: is the disk full?");
	return STATUS_FAILED;
}

int json_print(sd_json_variant *variant)
{
	return print(variant, SD_JSON_FORMAT_PRETTY_AUTO |
				      SD_JSON_FORMAT_COLOR_AUTO |
				      SD_JSON_FORMAT_EMPTY_ARRAY);
}

int json_print_line(sd_json_variant *variant)
{
	return print(variant, SD_JSON_FORMAT_NEWLINE);
}
