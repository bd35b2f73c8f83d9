// SPDX-License-Identifier: MIT
#include "tools/tranche/metrics/reading.h"

#include <errno.h>

#include "tools/tranche/broker.h"

/* Less than the 10 s that Prometheus waits unless it is told otherwise. */
#define TIMEOUT_US 5000000

static int ask(sd_varlink *link, const char *method, sd_json_variant **reply,
	       bool tell)
{
	return tell ? broker_call(link, method, NULL, reply)
		    : broker_ask(link, method, NULL, reply);
}

int reading_take(struct reading *reading, bool tell)
{
	const struct {
		const char *method;
		sd_json_variant **reply;
	} calls[] = {
		{"ListGpus", &reading->gpus},
		{"ListTypes", &reading->types},
		{"ListVgpus", &reading->vgpus},
		{"GetStats", &reading->stats},
	};
	_link_ sd_varlink *link = NULL;
	int r;

	r = tell ? broker_connect(&link) : broker_open(&link);
	if (r == 0)
		r = sd_varlink_set_relative_timeout(link, TIMEOUT_US);
	for (size_t i = 0; r >= 0 && i < sizeof(calls) / sizeof(*calls); i++)
		r = ask(link, calls[i].method, calls[i].reply, tell);
	return r < 0 ? r : 0;
}

void reading_deinit(struct reading *reading)
{
	sd_json_variant_unref(reading->gpus);
	sd_json_variant_unref(reading->types);
	sd_json_variant_unref(reading->vgpus);
	sd_json_variant_unref(reading->stats);
	*reading = (struct reading){0};
}
