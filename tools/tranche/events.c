// SPDX-License-Identifier: MIT
/* `tranche events`: what happens, a line each. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "units/units.h"
#include "tools/tranche/args.h"
#include "tools/tranche/broker.h"
#include "tools/tranche/json.h"
#include "tools/tranche/message.h"
#include "tools/tranche/names.h"
#include "tools/tranche/table.h"
#include "tools/tranche/text.h"

/*
 * What is watched.
 *
 * States: watching until status is not negative or error is.
 */
struct watch {
	bool json;
	const char *gpu;
	char uuid[64]; /* "": all */
	uint64_t left; /* how many more events; 0: no end */
	bool counted;
	bool over;
	int status;
};

static void time_format(char text[static TEXT_SIZE], uint64_t us)
{
	time_t seconds = (time_t)(us / 1000000);
	struct tm local;
	size_t length;

	localtime_r(&seconds, &local);
	length = strftime(text, TEXT_SIZE, "%H:%M:%S", &local);
	snprintf(text + length, TEXT_SIZE - length, ".%03u",
		 (unsigned int)(us / 1000 % 1000));
}

static bool is_wanted(const struct watch *watch, sd_json_variant *event)
{
	if (strcmp(json_text(event, "kind", ""), "snapshot") == 0)
		return watch->json;
	if (watch->gpu && strcmp(json_text(event, "gpu", ""), watch->gpu) != 0)
		return false;
	return !watch->uuid[0] ||
	       strcmp(json_text(event, "uuid", ""), watch->uuid) == 0;
}

static const char *kind_code(const char *kind)
{
	static const char *const bad[] = {"broken",	    "device-died",
					  "context-killed", "stopped",
					  "vram-refused",   "gpu-gone"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (strcmp(kind, bad[i]) == 0)
			return "\033[31m";
	return "\033[32m";
}

static void event_print(sd_json_variant *event)
{
	const char *kind = json_text(event, "kind", "?");
	bool colour = table_colour();
	char time[TEXT_SIZE], line[512];
	uint64_t pid = json_number(event, "pid");
	int length;

	time_format(time, json_number(event, "timeUs"));
	length =
		snprintf(line, sizeof(line), "%s %s",
			 json_text(event, "uuid", json_text(event, "gpu", "-")),
			 json_text(event, "text", ""));
	if (pid && length > 0 && (size_t)length < sizeof(line))
		snprintf(line + length, sizeof(line) - (size_t)length,
			 " (process %" PRIu64 ")", pid);
	text_clean(line);
	printf("%s %s%-14s%s %s\n", time, colour ? kind_code(kind) : "", kind,
	       colour ? "\033[0m" : "", line);
	fflush(stdout);
}

static void event_handle(struct watch *watch, sd_json_variant *event)
{
	if (!event || !is_wanted(watch, event))
		return;
	if (watch->json)
		json_print_line(event);
	else
		event_print(event);
	if (ferror(stdout)) {
		watch->over = true;
		watch->status = STATUS_FAILED;
	}
	if (strcmp(json_text(event, "kind", ""), "snapshot") == 0)
		return;
	if (watch->counted && --watch->left == 0)
		watch->over = true;
}

static int watch_reply(sd_varlink *link, sd_json_variant *parameters,
		       const char *error, sd_varlink_reply_flags_t flags,
		       void *userdata)
{
	struct watch *watch = userdata;

	(void)link;
	if (error) {
		watch->over = true;
		watch->status = broker_error_tell(error, parameters);
		return 0;
	}
	event_handle(watch, sd_json_variant_by_key(parameters, "event"));
	if (!(flags & SD_VARLINK_REPLY_CONTINUES))
		watch->over = true;
	return 0;
}

static int watch_all(sd_varlink *link, struct watch *watch)
{
	int r;

	sd_varlink_set_userdata(link, watch);
	r = sd_varlink_bind_reply(link, watch_reply);
	/* Events may be days apart. */
	if (r >= 0)
		r = sd_varlink_set_relative_timeout(link, UINT64_MAX);
	if (r >= 0)
		r = sd_varlink_observe(link, BROKER_INTERFACE "Watch", NULL);
	while (r >= 0 && !watch->over) {
		r = sd_varlink_process(link);
		if (r == 0)
			r = sd_varlink_wait(link, UINT64_MAX);
	}
	if (watch->over)
		return watch->status;
	message_error("the connection to the broker ended: see 'systemctl "
		      "status tranched'");
	return r;
}

static int events_option(struct watch *watch, int code)
{
	switch (code) {
	case 'g':
		watch->gpu = optarg;
		return 0;
	case 'n':
		if (units_parse_count(optarg, 1, UINT64_MAX, &watch->left) < 0)
			return message_bad("--count '%s': give a whole number, "
					   "at least 1",
					   optarg);
		watch->counted = true;
		return 0;
	default:
		watch->json = true;
		return 0;
	}
}

static int events_watch(struct watch *watch, const char *word)
{
	_link_ sd_varlink *names = NULL, *link = NULL;
	_json_ sd_json_variant *vgpu = NULL;
	int r;

	/* The connection that watches is for nothing else. */
	if (word) {
		r = broker_connect(&names);
		if (r == 0)
			r = names_resolve(names, word, &vgpu);
		if (r < 0)
			return r;
		snprintf(watch->uuid, sizeof(watch->uuid), "%s",
			 json_text(vgpu, "uuid", ""));
	}
	r = broker_connect(&link);
	return r < 0 ? r : watch_all(link, watch);
}

static int events_run(int argc, char **argv)
{
	static const struct option options[] = {
		{"gpu", required_argument, NULL, 'g'},
		{"count", required_argument, NULL, 'n'},
		ARGS_COMMON,
	};
	struct watch watch = {0};
	int code, r;

	while ((code = args_next(&verb_events, argc, argv, options, "g:n:")) !=
	       ARGS_END) {
		if (code < 0)
			return args_status(code);
		r = events_option(&watch, code);
		if (r < 0)
			return r;
	}
	r = args_operands(&verb_events, argc, argv, 0, 1, "a vGPU");
	if (r < 0)
		return r;
	return events_watch(&watch, optind < argc ? argv[optind] : NULL);
}

const struct verb verb_events = {
	.name = "events",
	.summary = "tell what happens, as it happens",
	.help = "Usage: tranche events [OPTION]... [VGPU]\n\n"
		"Tells what happens to all vGPUs, or to the one named, a line each, until it\n"
		"is interrupted.\n\n"
		"Options:\n"
		"  -g, --gpu GPU   only what happens on this GPU\n"
		"  -n, --count N   end after N events\n"
		"      --json      one JSON object a line; the first, of kind 'snapshot', says\n"
		"                  that watching has begun\n\n"
		"Examples:\n"
		"  tranche events\n"
		"  tranche events --json | jq 'select(.kind == \"context-killed\")'\n",
	.run = events_run,
};
