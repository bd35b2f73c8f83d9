/* SPDX-License-Identifier: MIT */
/*
 * The benchmark: the same loads on the host, under the gate, in guests with
 * vGPUs, with QEMU's own virtio-gpu, and with the GPU passed through.
 *
 * States: prepared -> calibrated on the host -> guests with vGPUs and with
 * virtio-gpu booted, rows in turns -> those gone, GPU passed through -> GPU
 * back, host once more -> told.
 *
 * Ownership: struct bench owns its guests, vGPUs (by its connection) and the
 * hold on the GPU. Locking: none, one thread.
 */
#ifndef TRANCHE_BENCH_BENCH_H
#define TRANCHE_BENCH_BENCH_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <systemd/sd-event.h>
#include <systemd/sd-varlink.h>

#include "tools/tranche/bench/result.h"
#include "tools/tranche/fleet/guest.h"
#include "tools/tranche/fleet/lend.h"
#include "tools/tranche/fleet/link.h"

#define BENCH_GUESTS 4
#define BENCH_JOB 1
/* Jobs in flight: so many that a slow round trip does not leave a GPU idle. */
#define BENCH_DEPTH 8
/* No more than tranche-load's --depth takes. */
#define BENCH_DEPTH_MAX 64

struct bench_options {
	bool quick;
	bool best_effort;
	bool pass_through;
	bool gl;
	const char *kernel;
	const char *initrd;
	const char *gpu;
	const char *output; /* folder */
	unsigned int memory_mib;
	uint64_t guests; /* at once, at most */
	uint64_t repeats;
	uint64_t seconds; /* of each sample */
};

/* A guest, and what else of the host works for it. */
struct bench_guest {
	struct guest *guest;
	char uuid[LEND_UUID];
	pid_t device; /* its device process, or 0 */
};

struct bench {
	const struct bench_options *options;
	sd_event *event;
	struct link link;
	sd_varlink *enrolled; /* as long as this lives, the gate lets it in */
	struct lend_gpu gpu;
	int image;
	struct bench_guest host;
	struct bench_guest gate;
	struct bench_guest vgpus[BENCH_GUESTS];
	struct bench_guest gls[BENCH_GUESTS];
	struct bench_guest passed;
	struct results results;
};

/* set_up.c: guests of each kind; 0 or a negative errno, told */
int set_up_host(struct bench *bench);
int set_up_gate(struct bench *bench);
int set_up_vgpus(struct bench *bench);
int set_up_gls(struct bench *bench);
int set_up_passed(struct bench *bench);

/* set_up_hold - make guests stand still that no row needs now, or go on; not
 * the host itself
 */
void set_up_hold(struct bench_guest *guests, size_t n, bool hold);

/* set_up_end - power off what has booted, and wait for it */
void set_up_end(struct bench *bench, struct bench_guest *guests, size_t n);

/* sample.c */

/* sample_calibrate - find the work of each load, on the host */
int sample_calibrate(struct bench *bench);

/**
 * sample_row - measure each cell of a row once
 * @bench: the benchmark
 * @row: the set-up, which is there
 *
 * Each guest has one program, which goes from load to load. What goes wrong in a
 * guest is told and kept in the cell.
 *
 * Return: 0; a negative errno when the benchmark can't go on.
 */
int sample_row(struct bench *bench, size_t row);

/* sample_guests - the guests of a row */
struct bench_guest *sample_guests(struct bench *bench, size_t row);

/* output.c: what was found, on a terminal and in files */
int output_print(const struct results *results);
int output_write(const struct results *results, const char *folder);

void output_csv(const struct results *results, FILE *file);
int output_json(const struct results *results, FILE *file);
void output_html(const struct results *results, FILE *file);

#endif
