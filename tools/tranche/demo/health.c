// SPDX-License-Identifier: MIT
/*
 * Whether all guests can go on. Looked at in what the broker says and in what
 * the guests' consoles say, as a person would; who died is found by what it
 * leaves: a VMM takes its guest along, a device process leaves a vGPU that is
 * broken, a render worker a program that has nothing on the GPU.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "tools/tranche/demo/demo.h"
#include "tools/tranche/json.h"

/* How many readings, a second apart, until a bad state is believed. */
#define READINGS_STATE 2
/* The gates come back one by one after the broker has. */
#define READINGS_CONTEXT 10

/* A guest's state with the broker, "gone" without one. */
static const char *vgpu_state(sd_json_variant *vgpus, const char *uuid)
{
	size_t count = vgpus ? sd_json_variant_elements(vgpus) : 0;

	for (size_t i = 0; i < count; i++) {
		sd_json_variant *vgpu = sd_json_variant_by_index(vgpus, i);

		if (strcmp(json_text(vgpu, "uuid", ""), uuid) == 0)
			return json_text(vgpu, "state", "?");
	}
	return "gone";
}

static const char *state_reason(const char *state)
{
	if (strcmp(state, "broken") == 0)
		return " (its device process ended)";
	if (strcmp(state, "stopped") == 0)
		return " (too many of its jobs were ended at the limit)";
	return "";
}

__attribute__((format(printf, 3, 4))) static int
lose(struct demo *demo, struct demo_guest *guest, const char *format, ...)
{
	char why[RECORD_TEXT / 2];
	va_list args;

	va_start(args, format);
	vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	guest->lost = true;
	guest->ailing = 0;
	view_leave(demo);
	demo_claim(demo, false, "%s is lost: %s", guest->name, why);
	return -EOWNERDEAD;
}

/* Whether it was so for @readings in a row. */
static bool stays(struct demo_guest *guest, unsigned int readings)
{
	return ++guest->ailing >= readings;
}

static int load_check(struct demo *demo, struct demo_guest *guest,
		      uint64_t contexts)
{
	const struct guest_job *job = guest_job(guest->guest, DEMO_LOAD);

	if (job->state == JOB_ENDED) {
		if (!stays(guest, READINGS_STATE))
			return 0;
		return lose(demo, guest, "its load ended with status %d%s%.64s",
			    job->status, job->error[0] ? ": " : "", job->error);
	}
	if (contexts) {
		guest->ailing = 0;
		return 0;
	}
	if (!stays(guest, READINGS_CONTEXT))
		return 0;
	return lose(demo, guest, "its load has lost the GPU: %s",
		    guest_now(demo, guest)->kills > guest->kills
			    ? "a job ran past the kill limit"
			    : "its render worker ended");
}

static int vgpu_check(struct demo *demo, size_t i, const char *state)
{
	struct demo_guest *guest = &demo->guests[i];

	if (strcmp(state, "open") != 0) {
		if (!stays(guest, READINGS_STATE))
			return 0;
		return lose(demo, guest, "its vGPU is %s%s", state,
			    state_reason(state));
	}
	if (guest->works)
		return load_check(demo, guest, demo->meter.guest_contexts[i]);
	guest->ailing = 0;
	return 0;
}

static int guest_check(struct demo *demo, size_t i, sd_json_variant *vgpus)
{
	struct demo_guest *guest = &demo->guests[i];

	if (guest->lost)
		return 0;
	if (guest_state(guest->guest) == GUEST_GONE)
		return lose(demo, guest, "its VMM %s",
			    guest_ending(guest->guest));
	return vgpu_check(demo, i, vgpu_state(vgpus, guest->uuid));
}

int health_check(struct demo *demo)
{
	_json_ sd_json_variant *reply = NULL;
	int r;

	if (demo->removing)
		return 0;
	r = link_call(&demo->link, "ListVgpus", NULL, &reply);
	for (size_t i = 0; i < DEMO_GUESTS && r == 0; i++)
		r = guest_check(demo, i, json_array(reply, "vgpus"));
	return r;
}
