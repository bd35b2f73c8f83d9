/* SPDX-License-Identifier: MIT */
/*
 * What `tranche top` shows: each vGPU's settings and what it has of its GPU,
 * put together from two of the broker's answers, sorted and filtered.
 *
 * States: empty, then filled by usage_read() as often as wanted; what it held
 * before is replaced. Ownership: owns all it points to. Locking: none.
 */
#ifndef TRANCHE_USAGE_H
#define TRANCHE_USAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-json.h>
#include <systemd/sd-varlink.h>

#include "tools/tranche/vgpu.h"

#define USAGE_TEXT 64

enum usage_order {
	USAGE_BY_GPU, /* GPU time, most first */
	USAGE_BY_WANTED,
	USAGE_BY_WEIGHT,
	USAGE_BY_WAIT, /* p99 */
	USAGE_BY_SUBMITS,
	USAGE_BY_VRAM,
	USAGE_BY_NAME, /* A to Z */
	USAGE_ORDERS,
};

extern const char *const usage_order_names[USAGE_ORDERS];

struct usage_row {
	char uuid[USAGE_TEXT];
	char name[USAGE_TEXT];
	char gpu[USAGE_TEXT];
	char tenant[USAGE_TEXT];
	char state[USAGE_TEXT];
	char vm[VGPU_VM_SIZE];
	uint64_t weight;
	double cap;
	double reservation;
	double share;
	double wanted;
	uint64_t wait_p50_us;
	uint64_t wait_p99_us;
	uint64_t submits;
	uint64_t vram_used;
	uint64_t vram_limit;
	uint64_t kills;
};

struct usage_gpu {
	char address[USAGE_TEXT];
	uint64_t now_ns;
	uint64_t busy_ns;
	uint64_t vram_used;
	double busy; /* percent since the last reading; negative: not known */
};

struct usage {
	struct usage_row *rows;
	size_t row_count;
	struct usage_gpu *gpus;
	size_t gpu_count;
	sd_json_variant *json; /* the same for programs */
};

void usage_deinit(struct usage *usage);

/**
 * usage_read - ask the broker
 * @usage: replaced when all went well
 * @link: the connection
 *
 * Return: 0 or a negative errno; told.
 */
int usage_read(struct usage *usage, sd_varlink *link);

/**
 * usage_join - what usage_read() makes of the answers
 * @usage: replaced when all went well
 * @vgpus: what ListVgpus gave
 * @stats: what GetStats gave
 *
 * Return: 0 or -ENOMEM.
 */
int usage_join(struct usage *usage, sd_json_variant *vgpus,
	       sd_json_variant *stats);

/* usage_sort - bring the rows in an order; equal ones by name, then UUID */
void usage_sort(struct usage *usage, enum usage_order order);

/**
 * usage_matches - whether a row is wanted
 * @row: the row
 * @filter: a part of its name, VM, UUID, GPU, tenant or state, whatever the
 *          case; "" is in all
 */
bool usage_matches(const struct usage_row *row, const char *filter);

#endif
