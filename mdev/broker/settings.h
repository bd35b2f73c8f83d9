/* SPDX-License-Identifier: MIT */
/*
 * The settings of a vGPU that its owner may write, as text: in sysfs, in the
 * configuration and on the control socket they mean the same.
 *
 *   weight       1 to 10000, or "type": what the type has
 *   cap          percent of the GPU, above 0 to 100
 *   reservation  percent of the GPU, 0 to 100
 *   vram_limit   a size such as 512M, or "type"
 *   latency      normal, low, lowest
 *   tenant       a name, or nothing
 *
 * Stateless.
 */
#ifndef BROKER_SETTINGS_H
#define BROKER_SETTINGS_H

#include <stdbool.h>

#include "kmod/uapi/tranche.h"
#include "scheduler/arbiter/arbiter.h"

/* In the order of the attributes that parents are registered with. */
enum setting {
	SETTING_WEIGHT,
	SETTING_CAP,
	SETTING_RESERVATION,
	SETTING_VRAM_LIMIT,
	SETTING_LATENCY,
	SETTING_TENANT,
	SETTINGS,
};

#define SETTING_TYPE "type"
#define SETTING_VRAM_MIN (1ull << 20)

/**
 * struct setting_limits - what a type says
 * @weight: what "type" means as a weight
 * @vram: what "type" means as video memory, and the most
 */
struct setting_limits {
	uint32_t weight;
	uint64_t vram;
};

extern const char *const setting_names[SETTINGS];

/* setting_range - what may stand there, for people */
const char *setting_range(enum setting setting);

/**
 * setting_parse - read one setting
 * @setting: which
 * @text: what somebody wrote
 * @limits: of the type
 * @settings: changed
 *
 * Return: 0; -EINVAL, and nothing is changed.
 */
int setting_parse(enum setting setting, const char *text,
		  const struct setting_limits *limits,
		  struct arbiter_settings *settings);

/**
 * setting_format - write one setting so that setting_parse() reads it
 * @setting: which
 * @settings: of whom
 * @text: filled in
 */
void setting_format(enum setting setting,
		    const struct arbiter_settings *settings,
		    char text[TRANCHE_VALUE_SIZE]);

/* setting_changed - whether two differ in it */
bool setting_changed(enum setting setting, const struct arbiter_settings *a,
		     const struct arbiter_settings *b);

#define POLICY_RANGE "fair, equal, fixed or best-effort"

/* Words for latency classes and policies, and back: -EINVAL for any other. */
extern const char *const latency_names[TSCHED_LATENCIES];
extern const char *const policy_names[TSCHED_POLICIES];
int name_find(const char *const *names, int count, const char *text);

/**
 * name_is_utf8 - can this be said on the control socket?
 * @text: bytes
 *
 * One string of JSON that is no UTF-8 would spoil a whole answer.
 */
bool name_is_utf8(const char *text);

/**
 * name_check - may this be a name or a tenant?
 * @text: up to ARBITER_NAME_MAX - 1 bytes of UTF-8, all of which print
 *
 * Return: 0; -EINVAL.
 */
int name_check(const char *text);

/**
 * percent_parse - read a share of the GPU
 * @text: such as 20, 12.5 or 20%
 * @permille: filled in
 *
 * Return: 0; -EINVAL.
 */
int percent_parse(const char *text, uint32_t *permille);

#endif
