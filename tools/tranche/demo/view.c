// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <unistd.h>

#include "tools/tranche/demo/demo.h"
#include "tools/tranche/table.h"
#include "tools/tranche/text.h"

static const struct table_column columns[] = {
	{"GUEST", false, false}, {"DISPATCH", true, false},
	{"WEIGHT", true, false}, {"CAP", true, false},
	{"SHARE", true, false},	 {"WANTED", true, false},
	{"JOBS/S", true, false}, {"WAIT P99", true, false},
	{"VRAM", true, false},	 {"QUOTA", true, false},
	{NULL, false, false},
};

static void add_share(struct table *table, double share, double wanted)
{
	double off = share > wanted ? share - wanted : wanted - share;

	table_cell(table, off <= SHARE_TOLERANCE ? TABLE_GOOD : TABLE_WARN,
		   "%.1f %%", share);
	table_cell(table, TABLE_PLAIN, "%.1f %%", wanted);
}

static void add_numbers(struct table *table, const struct record_sample *before,
			const struct record_sample *now, size_t i)
{
	const struct record_point *point = &now->guests[i];
	double seconds = (double)(now->now_ns - before->now_ns) / 1e9;
	uint64_t submits = point->submits - before->guests[i].submits;
	char text[TEXT_SIZE];

	table_cell(table, TABLE_PLAIN, "%.0f",
		   seconds > 0 ? (double)submits / seconds : 0);
	table_cell(table, TABLE_PLAIN, "%s", text_us(text, point->wait_p99_us));
	table_cell(table, TABLE_PLAIN, "%s", text_size(text, point->vram_used));
	table_cell(table, TABLE_PLAIN, "%s",
		   text_size(text, point->vram_limit));
}

static void add_guest(struct table *table, const struct demo *demo,
		      const struct record_sample *before, size_t i,
		      double wanted)
{
	const struct demo_guest *guest = &demo->guests[i];
	const struct record_sample *now =
		&demo->record.samples[demo->record.n_samples - 1];

	table_cell(table, TABLE_PLAIN, "%s", guest->name);
	table_cell(table, TABLE_PLAIN, "%.1f ms", (double)guest->cost_ns / 1e6);
	table_cell(table, TABLE_PLAIN, "%u", guest->rule.weight);
	if (guest->rule.cap < 100)
		table_cell(table, TABLE_PLAIN, "%.0f %%", guest->rule.cap);
	else
		table_cell(table, TABLE_DIM, "-");
	add_share(table,
		  share_between(before, now, DEMO_GUESTS, i,
				guest->rule.cap < 100),
		  wanted);
	add_numbers(table, before, now, i);
}

/* On a terminal since the last second, else since the last table. */
static const struct record_sample *sample_before(const struct demo *demo,
						 bool live)
{
	const struct record *record = &demo->record;
	const struct record_phase *phase;

	if (live || !record->n_phases)
		return &record->samples[record->n_samples - 2];
	phase = &record->phases[record->n_phases - 1];
	for (size_t i = 0; i + 1 < record->n_samples; i++)
		if (record->samples[i].now_ns >= phase->settled_ns)
			return &record->samples[i];
	return &record->samples[record->n_samples - 2];
}

static void print(struct demo *demo, bool live)
{
	struct share_rule rules[DEMO_GUESTS];
	double wanted[DEMO_GUESTS];
	__attribute__((cleanup(table_freep))) struct table *table =
		table_new(columns);

	if (!table)
		return;
	for (size_t i = 0; i < DEMO_GUESTS; i++)
		rules[i] = demo->guests[i].rule;
	share_expect(rules, DEMO_GUESTS, wanted);
	for (size_t i = 0; i < DEMO_GUESTS; i++)
		add_guest(table, demo, sample_before(demo, live), i, wanted[i]);
	if (demo->shown)
		printf("\033[%dA\033[J", DEMO_GUESTS + 1);
	table_show(table);
	demo->shown = live;
}

void view_show(struct demo *demo)
{
	if (demo->record.n_samples > 1 && isatty(STDOUT_FILENO))
		print(demo, true);
}

void view_leave(struct demo *demo)
{
	if (demo->record.n_samples > 1)
		print(demo, false);
}
