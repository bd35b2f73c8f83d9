// SPDX-License-Identifier: MIT
#include "tools/tranche/report/record.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void record_deinit(struct record *record)
{
	free(record->samples);
	free(record->phases);
	free(record->slices);
	free(record->claims);
	free(record->facts);
	*record = (struct record){0};
}

/* Room for one more; it doubles when it is full. */
static void *grow(struct record *record, void *items, size_t count, size_t size)
{
	void *grown;

	if (record->incomplete)
		return NULL;
	if (count & (count - 1))
		return items;
	grown = reallocarray(items, count ? 2 * count : 1, size);
	if (!grown)
		record->incomplete = true;
	return grown;
}

void record_sample_add(struct record *record,
		       const struct record_sample *sample)
{
	struct record_sample *items = grow(record, record->samples,
					   record->n_samples, sizeof(*items));

	if (!items)
		return;
	record->samples = items;
	items[record->n_samples++] = *sample;
}

void record_slice_add(struct record *record, const struct record_slice *slice)
{
	struct record_slice *items;

	if (record->n_slices == RECORD_SLICES_MAX)
		return;
	items = grow(record, record->slices, record->n_slices, sizeof(*items));
	if (!items)
		return;
	record->slices = items;
	items[record->n_slices++] = *slice;
}

struct record_phase *record_phase_add(struct record *record)
{
	struct record_phase *items =
		grow(record, record->phases, record->n_phases, sizeof(*items));

	if (!items)
		return NULL;
	record->phases = items;
	items[record->n_phases] = (struct record_phase){0};
	return &items[record->n_phases++];
}

void record_claim_add(struct record *record, bool holds, const char *format,
		      ...)
{
	struct record_claim *items =
		grow(record, record->claims, record->n_claims, sizeof(*items));
	va_list args;

	if (!items)
		return;
	record->claims = items;
	items += record->n_claims++;
	items->holds = holds;
	va_start(args, format);
	vsnprintf(items->text, sizeof(items->text), format, args);
	va_end(args);
}

void record_fact_add(struct record *record, const char *name,
		     const char *format, ...)
{
	struct record_fact *items =
		grow(record, record->facts, record->n_facts, sizeof(*items));
	va_list args;

	if (!items)
		return;
	record->facts = items;
	items += record->n_facts++;
	snprintf(items->name, sizeof(items->name), "%s", name);
	va_start(args, format);
	vsnprintf(items->value, sizeof(items->value), format, args);
	va_end(args);
}

bool record_holds(const struct record *record)
{
	for (size_t i = 0; i < record->n_claims; i++)
		if (!record->claims[i].holds)
			return false;
	return !record->incomplete && record->n_claims > 0;
}
