/* SPDX-License-Identifier: MIT */
/*
 * What the metrics are made of: the broker's answers at one time. Each reading
 * is a connection of its own, so that a broker that ended and began anew is
 * found without further ado.
 *
 * States: empty, then taken. Ownership: owns the answers. Locking: none.
 */
#ifndef TRANCHE_METRICS_READING_H
#define TRANCHE_METRICS_READING_H

#include <stdbool.h>
#include <systemd/sd-json.h>

#define _reading_ __attribute__((cleanup(reading_deinit)))

/* The replies of the methods that have these names. */
struct reading {
	sd_json_variant *gpus;
	sd_json_variant *types;
	sd_json_variant *vgpus;
	sd_json_variant *stats;
};

/**
 * reading_take - ask the broker
 * @reading: empty; filled in
 * @tell: say what goes wrong
 *
 * Return: 0 or a negative errno, within a bounded time.
 */
int reading_take(struct reading *reading, bool tell);

void reading_deinit(struct reading *reading);

#endif
