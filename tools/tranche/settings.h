/* SPDX-License-Identifier: MIT */
/*
 * The options by which a vGPU or a program gets its share: --weight, --cap and
 * so on. They are checked here for what they can be at all, so that a slip is
 * told before anything is asked; the broker has the last word. Stateless.
 */
#ifndef TRANCHE_SETTINGS_H
#define TRANCHE_SETTINGS_H

#include <systemd/sd-json.h>

#include "tools/tranche/args.h"

enum settings_code {
	SETTINGS_WEIGHT = 512,
	SETTINGS_CAP,
	SETTINGS_RESERVATION,
	SETTINGS_VRAM,
	SETTINGS_LATENCY,
	SETTINGS_TENANT,
	SETTINGS_KILL,
	SETTINGS_END,
};

#define SETTINGS_OPTIONS                                                \
	{"weight", required_argument, NULL, SETTINGS_WEIGHT},           \
		{"cap", required_argument, NULL, SETTINGS_CAP},         \
		{"reservation", required_argument, NULL,                \
		 SETTINGS_RESERVATION},                                 \
		{"vram", required_argument, NULL, SETTINGS_VRAM},       \
		{"latency", required_argument, NULL, SETTINGS_LATENCY}, \
	{                                                               \
		"tenant", required_argument, NULL, SETTINGS_TENANT      \
	}
#define SETTINGS_KILL_OPTION \
	{"kill-after", required_argument, NULL, SETTINGS_KILL}

#define SETTINGS_HELP                                                           \
	"  --weight W        its share against others, 1 to 10000\n"            \
	"  --cap P           the most GPU time it gets, in percent\n"           \
	"  --reservation P   GPU time it gets whatever others do, in percent\n" \
	"  --vram SIZE       video memory, such as 512M or 2G\n"                \
	"  --latency CLASS   normal, low or lowest\n"                           \
	"  --tenant NAME     whose it is: tenants share before their vGPUs do\n"

/**
 * settings_parse - read one option
 * @code: one of enum settings_code
 * @text: its value
 * @parameters: gets the field that the broker's methods have for it
 *
 * Return: 0; a negative errno: told.
 */
int settings_parse(int code, const char *text, sd_json_variant **parameters);

#endif
