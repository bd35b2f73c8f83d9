// SPDX-License-Identifier: MIT
/* `tranche top`: who has how much of the GPU, live. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "mdev/clock.h"
#include "units/units.h"
#include "tools/tranche/args.h"
#include "tools/tranche/broker.h"
#include "tools/tranche/json.h"
#include "tools/tranche/message.h"
#include "tools/tranche/screen.h"
#include "tools/tranche/table.h"
#include "tools/tranche/text.h"

#define _table_ __attribute__((cleanup(table_freep)))

#define INTERVAL_DEFAULT NS_PER_S
#define INTERVAL_MIN (NS_PER_S / 10)
#define INTERVAL_MAX (3600 * NS_PER_S)

enum top_code {
	TOP_ONCE = ARGS_FIRST,
	TOP_SORT,
};

struct top_options {
	bool once;
	bool json;
	uint64_t interval_ns;
	struct screen screen;
};

static const struct table_column top_columns[] = {
	{.title = "UUID"},
	{.title = "NAME", .shrinks = true},
	{.title = "VM", .shrinks = true},
	{.title = "STATE"},
	{.title = "WEIGHT", .right = true},
	{.title = "CAP", .right = true},
	{.title = "RSVD", .right = true},
	{.title = "GPU%", .right = true},
	{.title = "WANT%", .right = true},
	{.title = "WAIT50", .right = true},
	{.title = "WAIT99", .right = true},
	{.title = "SUB/S", .right = true},
	{.title = "VRAM", .right = true},
	{.title = "QUOTA", .right = true},
	{.title = "KILLS", .right = true},
	{0},
};

static void top_row(struct table *table, const struct usage_row *row)
{
	char text[TEXT_SIZE];

	table_cell(table, TABLE_PLAIN, "%s", row->uuid);
	table_cell(table, TABLE_PLAIN, "%s", row->name);
	table_cell(table, TABLE_PLAIN, "%s", row->vm);
	table_cell(table, TABLE_PLAIN, "%s", row->state);
	table_cell(table, TABLE_PLAIN, "%" PRIu64, row->weight);
	table_cell(table, TABLE_PLAIN, "%.1f", row->cap);
	table_cell(table, TABLE_PLAIN, "%.1f", row->reservation);
	table_cell(table, TABLE_PLAIN, "%.1f", row->share);
	table_cell(table, TABLE_PLAIN, "%.1f", row->wanted);
	table_cell(table, TABLE_PLAIN, "%s", text_us(text, row->wait_p50_us));
	table_cell(table, TABLE_PLAIN, "%s", text_us(text, row->wait_p99_us));
	table_cell(table, TABLE_PLAIN, "%" PRIu64, row->submits);
	table_cell(table, TABLE_PLAIN, "%s", text_size(text, row->vram_used));
	table_cell(table, TABLE_PLAIN, "%s", text_size(text, row->vram_limit));
	table_cell(table, row->kills ? TABLE_BAD : TABLE_PLAIN, "%" PRIu64,
		   row->kills);
}

static int top_table(struct usage *usage, enum usage_order order)
{
	_table_ struct table *table = table_new(top_columns);

	if (!table)
		return message_memory();
	usage_sort(usage, order);
	for (size_t i = 0; i < usage->row_count; i++)
		top_row(table, &usage->rows[i]);
	return table_show(table);
}

static int top_once(sd_varlink *link, const struct top_options *options)
{
	__attribute__((cleanup(usage_deinit))) struct usage usage = {0};
	int r;

	r = usage_read(&usage, link);
	if (r < 0)
		return r;
	return options->json ? json_print(usage.json)
			     : top_table(&usage, options->screen.order);
}

/* Keys are answered at once, the broker is asked once an interval. */
static void screen_until(struct screen *screen, struct usage *usage,
			 int64_t deadline)
{
	int64_t left;

	while (!screen->quit && (left = deadline - clock_now_ms()) > 0)
		if (screen_wait(screen, (int)left) && !screen->quit)
			screen_draw(screen, usage);
}

static int screen_loop(sd_varlink *link, struct top_options *options,
		       struct usage *usage)
{
	int64_t interval = (int64_t)(options->interval_ns / NS_PER_MS);
	struct screen *screen = &options->screen;
	int r;

	while (!screen->quit) {
		screen_draw(screen, usage);
		screen_until(screen, usage, clock_now_ms() + interval);
		if (screen->quit || screen->paused)
			continue;
		r = usage_read(usage, link);
		if (r < 0)
			return r;
	}
	return STATUS_OK;
}

static int top_live(sd_varlink *link, struct top_options *options)
{
	__attribute__((cleanup(usage_deinit))) struct usage usage = {0};
	int r;

	/* What goes wrong at once is told on a screen as it was. */
	r = usage_read(&usage, link);
	if (r < 0)
		return r;
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) ||
	    screen_open() < 0)
		return message_bad("this is no terminal that can show it: use "
				   "--once, or set TERM");
	message_set_before(screen_close);
	r = screen_loop(link, options, &usage);
	message_set_before(NULL);
	screen_close();
	return r;
}

static int parse_order(const char *text, enum usage_order *order)
{
	for (int i = 0; i < USAGE_ORDERS; i++)
		if (strcmp(text, usage_order_names[i]) == 0) {
			*order = (enum usage_order)i;
			return 0;
		}
	return message_bad("--sort '%s': choose gpu, wanted, weight, wait, "
			   "submits, vram or name",
			   text);
}

static int top_option(struct top_options *options, int code)
{
	switch (code) {
	case ARGS_JSON:
		options->json = true;
		return 0;
	case TOP_ONCE:
		options->once = true;
		return 0;
	case TOP_SORT:
		return parse_order(optarg, &options->screen.order);
	default:
		if (units_parse_duration(optarg, &options->interval_ns) < 0 ||
		    options->interval_ns < INTERVAL_MIN ||
		    options->interval_ns > INTERVAL_MAX)
			return message_bad("--interval '%s': give a time from "
					   "0.1 to 1h, such as 2",
					   optarg);
		return 0;
	}
}

static int top_run(int argc, char **argv)
{
	static const struct option table[] = {
		{"once", no_argument, NULL, TOP_ONCE},
		{"sort", required_argument, NULL, TOP_SORT},
		{"interval", required_argument, NULL, 'd'},
		ARGS_COMMON,
	};
	struct top_options options = {.interval_ns = INTERVAL_DEFAULT};
	_link_ sd_varlink *link = NULL;
	int code, r;

	while ((code = args_next(&verb_top, argc, argv, table, "d:")) !=
	       ARGS_END) {
		if (code < 0)
			return args_status(code);
		r = top_option(&options, code);
		if (r < 0)
			return r;
	}
	r = args_operands(&verb_top, argc, argv, 0, 0, "nothing");
	if (r == 0 && options.json && !options.once)
		r = message_bad("--json goes with --once: add it");
	if (r == 0)
		r = broker_connect(&link);
	if (r < 0)
		return r;
	return options.once ? top_once(link, &options)
			    : top_live(link, &options);
}

const struct verb verb_top = {
	.name = "top",
	.summary = "watch who has how much of the GPU",
	.help = "Usage: tranche top [OPTION]...\n\n"
		"Shows, live, each vGPU and program: its settings, how much GPU time it has and\n"
		"is entitled to, how long it waits, and its video memory. The bar below each is\n"
		"its share of the GPU, the mark in it what it is entitled to.\n\n"
		"Options:\n"
		"  -d, --interval TIME  how often (1)\n"
		"      --sort ORDER     gpu, wanted, weight, wait, submits, vram or name\n"
		"      --once           print it once, as a table\n"
		"      --json           with --once: as JSON\n\n"
		"Keys: q quits; g w e l s v n sort by GPU time, wanted, weight, wait, submits,\n"
		"VRAM, name; / filters, Esc shows all again; p pauses; arrows scroll.\n\n"
		"Examples:\n"
		"  tranche top\n"
		"  tranche top --once --json | jq '.vgpus[] | {name, share: .stats.sharePercent}'\n",
	.run = top_run,
};
