/* SPDX-License-Identifier: MIT */
/*
 * The demo: one GPU, three guests, a fair share of it, step by step.
 *
 * States: prepared (broker found, GPU chosen) -> guests (vGPUs made, booted,
 * calibrated) -> steps -> removed -> reported. Whatever fails, what was made is
 * removed and what was found is reported. A guest that is lost under way ends
 * the steps: what the others do is looked at instead.
 *
 * Ownership: struct demo owns guests, vGPUs (by its connection) and the record.
 * Locking: none, one thread; everything happens within its event loop.
 */
#ifndef TRANCHE_DEMO_DEMO_H
#define TRANCHE_DEMO_DEMO_H

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "tools/tranche/demo/meter.h"
#include "tools/tranche/fleet/guest.h"
#include "tools/tranche/fleet/lend.h"
#include "tools/tranche/fleet/link.h"
#include "tools/tranche/report/record.h"
#include "tools/tranche/report/share.h"

#define DEMO_GUESTS 3

/* Jobs of a guest. */
enum {
	DEMO_LOAD = 1, /* what it does all the time */
	DEMO_EXTRA, /* what goes wrong in it, or is measured before */
};

struct demo_options {
	const char *kernel;
	const char *initrd;
	const char *gpu; /* NULL: the first that is served */
	const char *type; /* NULL: the largest that fits */
	const char *report;
	const char *trace;
	unsigned int memory_mib;
	uint64_t seconds; /* of each phase, settled */
	double lengths_ms[DEMO_GUESTS]; /* of the guests' jobs */
};

/**
 * struct demo_guest - one of them
 * @name: of guest and vGPU
 * @dispatch_ms: how long its jobs are to be
 * @rule: by what it gets its share now
 * @uuid: of its vGPU; "" when there is none
 * @guest: its VM
 * @items: of the load, as calibrated
 * @iterations: of the load, as calibrated
 * @cost_ns: of one dispatch alone
 * @submits: of its vGPU, before its load began
 * @kills: of its contexts, before its load began
 * @loaded: it has a load, whose results are not kept yet
 * @told: that its load is to end
 * @works: its load was seen at work and is to go on
 * @ailing: how many readings in a row it had nothing to work with
 * @lost: it can't take part any more
 */
struct demo_guest {
	const char *name;
	double dispatch_ms;
	struct share_rule rule;
	char uuid[LEND_UUID];
	struct guest *guest;
	uint64_t items;
	uint64_t iterations;
	uint64_t cost_ns;
	uint64_t submits;
	uint64_t kills;
	bool loaded;
	bool told;
	bool works;
	unsigned int ailing;
	bool lost;
};

struct demo {
	const struct demo_options *options;
	sd_event *event;
	struct link link;
	struct lend_gpu gpu;
	struct demo_guest guests[DEMO_GUESTS];
	struct record record;
	struct meter meter;
	sd_event_source *tick;
	unsigned int ticks;
	int error; /* the first one of the tick; -EOWNERDEAD: a guest is lost */
	bool removing; /* guests end because they are to */
	bool shown; /* a live table is on the terminal */
};

/* demo_say - announce a step, in one line */
__attribute__((format(printf, 1, 2))) void demo_say(const char *format, ...);

/**
 * demo_claim - say what was found, and record it
 * @demo: the demo
 * @holds: whether it is as it should be
 * @format: the claim
 */
__attribute__((format(printf, 3, 4))) void
demo_claim(struct demo *demo, bool holds, const char *format, ...);

/**
 * demo_wait - let everything go on until something is so, or has gone wrong
 * @demo: the demo
 * @us: for how long at most
 * @done: whether it is so
 * @user: passed to @done
 *
 * Return: 0; -ETIMEDOUT; what has gone wrong.
 */
int demo_wait(struct demo *demo, uint64_t us, bool (*done)(void *user),
	      void *user);

/* demo_pause - let everything go on for a while; 0 or a negative errno */
int demo_pause(struct demo *demo, uint64_t us);

/* demo_measure - read each second what guests have; once more after a loss */
int demo_measure(struct demo *demo);

/* guests.c: boot, calibrate, load; each 0 or a negative errno, told */
int guests_boot(struct demo *demo);
int guests_calibrate(struct demo *demo);
int guests_load(struct demo *demo);

/* guests_wait_job - until a guest's job has ended; -ETIMEDOUT */
int guests_wait_job(struct demo *demo, struct demo_guest *guest,
		    unsigned int job, unsigned int seconds);

/* guest_now - its figures at the latest reading; zeros before the first */
const struct record_point *guest_now(const struct demo *demo,
				     const struct demo_guest *guest);

/* guest_load - start a guest's load, until it is at work */
int guest_load(struct demo *demo, struct demo_guest *guest);

/* guest_rest - end a guest's load, and keep what it found in the record */
int guest_rest(struct demo *demo, struct demo_guest *guest);

/* guests_remove - power all off and remove their vGPUs */
int guests_remove(struct demo *demo);

/*
 * health.c: whether all guests can go on; 0; -EOWNERDEAD: one can't, which is
 * claimed and no more looked at; another negative errno, told
 */
int health_check(struct demo *demo);

/* steps.c: the demo itself; 0 or a negative errno, told */
int steps_run(struct demo *demo);

/* steps_lost - what is shown once a guest is lost; the same */
int steps_lost(struct demo *demo);

/* view.c: the table of now, in the place of the one before on a terminal */
void view_show(struct demo *demo);

/* view_leave - what is printed next goes below the table */
void view_leave(struct demo *demo);

#endif
