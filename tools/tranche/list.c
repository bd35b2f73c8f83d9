// SPDX-License-Identifier: MIT
/* `tranche list` and `tranche show`: the vGPUs there are. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/tranche/args.h"
#include "tools/tranche/broker.h"
#include "tools/tranche/json.h"
#include "tools/tranche/message.h"
#include "tools/tranche/names.h"
#include "tools/tranche/table.h"
#include "tools/tranche/text.h"
#include "tools/tranche/vgpu.h"

#define _table_ __attribute__((cleanup(table_freep)))

static const struct table_column list_columns[] = {
	{.title = "UUID"},
	{.title = "NAME", .shrinks = true},
	{.title = "GPU"},
	{.title = "TYPE"},
	{.title = "STATE"},
	{.title = "VM", .shrinks = true},
	{.title = "WEIGHT", .right = true},
	{.title = "CAP", .right = true},
	{.title = "RESERVED", .right = true},
	{.title = "VRAM", .right = true},
	{.title = "LATENCY"},
	{0},
};

static enum table_tone state_tone(const char *state)
{
	if (strcmp(state, "open") == 0 || strcmp(state, "program") == 0)
		return TABLE_GOOD;
	if (strcmp(state, "closed") == 0)
		return TABLE_DIM;
	return TABLE_BAD;
}

static void list_row(struct table *table, sd_json_variant *vgpu)
{
	const char *state = json_text(vgpu, "state", "?");
	char text[VGPU_VM_SIZE], number[TEXT_SIZE];

	table_cell(table, TABLE_PLAIN, "%s", json_text(vgpu, "uuid", "?"));
	table_cell(table, TABLE_PLAIN, "%s", json_text(vgpu, "name", ""));
	table_cell(table, TABLE_PLAIN, "%s", json_text(vgpu, "gpu", "?"));
	table_cell(table, TABLE_PLAIN, "%s", json_text(vgpu, "type", "-"));
	table_cell(table, state_tone(state), "%s", state);
	table_cell(table, TABLE_PLAIN, "%s", vgpu_vm(text, vgpu));
	table_cell(table, TABLE_PLAIN, "%" PRIu64, json_number(vgpu, "weight"));
	table_cell(table, TABLE_PLAIN, "%s",
		   text_percent(number, json_real(vgpu, "capPercent")));
	table_cell(table, TABLE_PLAIN, "%s",
		   text_percent(number, json_real(vgpu, "reservationPercent")));
	table_cell(table, TABLE_PLAIN, "%s",
		   text_size(number, json_number(vgpu, "vramLimitBytes")));
	table_cell(table, TABLE_PLAIN, "%s", json_text(vgpu, "latency", "-"));
}

static int list_table(sd_json_variant *vgpus)
{
	_table_ struct table *table = table_new(list_columns);

	if (!table)
		return message_memory();
	for (size_t i = 0; vgpus && i < sd_json_variant_elements(vgpus); i++)
		list_row(table, sd_json_variant_by_index(vgpus, i));
	return table_show(table);
}

static int list_uuids(sd_json_variant *vgpus)
{
	for (size_t i = 0; vgpus && i < sd_json_variant_elements(vgpus); i++)
		puts(json_text(sd_json_variant_by_index(vgpus, i), "uuid",
			       "?"));
	return fflush(stdout) == 0 ? STATUS_OK : STATUS_FAILED;
}

static int list_run(int argc, char **argv)
{
	static const struct option options[] = {
		{"quiet", no_argument, NULL, 'q'},
		{"gpu", required_argument, NULL, 'g'},
		ARGS_COMMON,
	};
	_json_ sd_json_variant *reply = NULL, *parameters = NULL;
	bool json = false, quiet = false;
	int code, r = 0;

	while ((code = args_next(&verb_list, argc, argv, options, "qg:")) !=
	       ARGS_END) {
		if (code < 0)
			return args_status(code);
		json |= code == ARGS_JSON;
		quiet |= code == 'q';
		if (code == 'g')
			r = broker_set_text(&parameters, "gpu", optarg);
		if (r < 0)
			return r;
	}
	r = args_operands(&verb_list, argc, argv, 0, 0, "nothing");
	if (r == 0)
		r = broker_request("ListVgpus", parameters, &reply);
	if (r < 0)
		return r;
	if (json)
		return json_print(json_array(reply, "vgpus"));
	if (quiet)
		return list_uuids(json_array(reply, "vgpus"));
	return list_table(json_array(reply, "vgpus"));
}

static void line_text(const char *name, const char *text)
{
	char clean[256];

	snprintf(clean, sizeof(clean), "%s", text);
	text_clean(clean);
	printf("%-14s %s\n", name, clean);
}

static void show_identity(sd_json_variant *vgpu)
{
	char vm[VGPU_VM_SIZE], device[TEXT_SIZE];

	line_text("uuid", json_text(vgpu, "uuid", "?"));
	line_text("name", json_text(vgpu, "name", ""));
	line_text("gpu", json_text(vgpu, "gpu", "?"));
	line_text("type", json_text(vgpu, "type", "-"));
	line_text("tenant", json_text(vgpu, "tenant", ""));
	line_text("state", json_text(vgpu, "state", "?"));
	line_text("transient", json_flag(vgpu, "transient") ? "yes" : "no");
	line_text("vm", vgpu_vm(vm, vgpu));
	snprintf(device, sizeof(device), "%" PRIu64,
		 json_number(vgpu, "devicePid"));
	line_text("device process", json_has(vgpu, "devicePid") ? device : "-");
}

static void show_settings(sd_json_variant *vgpu)
{
	char text[TEXT_SIZE];

	snprintf(text, sizeof(text), "%" PRIu64, json_number(vgpu, "weight"));
	line_text("weight", text);
	line_text("cap", text_percent(text, json_real(vgpu, "capPercent")));
	line_text("reservation",
		  text_percent(text, json_real(vgpu, "reservationPercent")));
	line_text("latency", json_text(vgpu, "latency", "-"));
	line_text("kill after",
		  text_us(text, json_number(vgpu, "killMs") * 1000));
}

static void show_stats(sd_json_variant *stats)
{
	char text[TEXT_SIZE], other[TEXT_SIZE];

	printf("%-14s %s of %s\n", "vram",
	       text_size(text, json_number(stats, "vramUsedBytes")),
	       text_size(other, json_number(stats, "vramLimitBytes")));
	printf("%-14s %s, wanted %s\n", "gpu",
	       text_percent(text, json_real(stats, "sharePercent")),
	       text_percent(other, json_real(stats, "wantedPercent")));
	printf("%-14s %s in all\n", "gpu time",
	       text_us(text, json_number(stats, "gpuNs") / 1000));
	printf("%-14s p50 %s, p99 %s\n", "waits",
	       text_us(text, json_number(stats, "waitP50Us")),
	       text_us(other, json_number(stats, "waitP99Us")));
	printf("%-14s %" PRIu64 ", %" PRIu64 "/s\n", "submissions",
	       json_number(stats, "submits"),
	       json_number(stats, "submitsPerSecond"));
	printf("%-14s %" PRIu64 " contexts, %" PRIu64 " killed, %" PRIu64
	       " allocations refused, %" PRIu64 " restarts\n",
	       "events", json_number(stats, "contexts"),
	       json_number(stats, "kills"), json_number(stats, "vramRefusals"),
	       json_number(stats, "restarts"));
}

static int show_stats_get(sd_varlink *link, const char *uuid,
			  sd_json_variant **stats)
{
	_json_ sd_json_variant *parameters = NULL, *reply = NULL;
	sd_json_variant *all;
	int r;

	r = broker_set_text(&parameters, "uuid", uuid);
	if (r == 0)
		r = broker_call(link, "GetStats", parameters, &reply);
	if (r < 0)
		return r;
	all = json_array(reply, "vgpus");
	if (all && sd_json_variant_elements(all))
		*stats = sd_json_variant_ref(sd_json_variant_by_index(all, 0));
	return 0;
}

static int show_one(sd_varlink *link, const char *word, bool json)
{
	_json_ sd_json_variant *vgpu = NULL, *stats = NULL;
	int r;

	r = names_resolve(link, word, &vgpu);
	if (r == 0)
		r = show_stats_get(link, json_text(vgpu, "uuid", ""), &stats);
	if (r < 0)
		return r;
	if (json) {
		r = sd_json_variant_set_field(&vgpu, "stats", stats);
		return r < 0 ? message_memory() : json_print(vgpu);
	}
	show_identity(vgpu);
	show_settings(vgpu);
	show_stats(stats);
	return fflush(stdout) == 0 ? STATUS_OK : STATUS_FAILED;
}

static int show_run(int argc, char **argv)
{
	_link_ sd_varlink *link = NULL;
	int json, r;

	json = args_json_only(&verb_show, argc, argv);
	if (json < 0)
		return args_status(json);
	r = args_operands(&verb_show, argc, argv, 1, 1, "a vGPU");
	if (r == 0)
		r = broker_connect(&link);
	if (r < 0)
		return r;
	return show_one(link, argv[optind], json);
}

const struct verb verb_list = {
	.name = "list",
	.summary = "list the vGPUs",
	.help = "Usage: tranche list [OPTION]...\n\n"
		"Lists the vGPUs, and the programs that 'tranche run' has started: who uses\n"
		"each, and its settings.\n\n"
		"Options:\n"
		"  -g, --gpu GPU  only those of this GPU\n"
		"  -q, --quiet    only their UUIDs\n"
		"      --json     as JSON\n\n"
		"Examples:\n"
		"  tranche list\n"
		"  tranche list -q | xargs tranche rm\n",
	.run = list_run,
};

const struct verb verb_show = {
	.name = "show",
	.summary = "show all about one vGPU",
	.help = "Usage: tranche show VGPU [--json]\n\n"
		"Shows what one vGPU is, its settings, and what it has used.\n\n"
		"Examples:\n"
		"  tranche show 6f1c\n"
		"  tranche show build-vm --json\n",
	.run = show_run,
};
