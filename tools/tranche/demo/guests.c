// SPDX-License-Identifier: MIT
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/tranche/demo/demo.h"
#include "tools/tranche/fleet/image.h"
#include "tools/tranche/fleet/wait.h"
#include "tools/tranche/json.h"
#include "tools/tranche/message.h"

/* Five times what guests on one emulated processor were seen to need. */
#define BOOT_SECONDS 600
#define CALIBRATE_SECONDS 240
#define LOAD_SECONDS 240
/* More than a program has in flight. */
#define LOAD_SUBMITS 20
#define END_SECONDS 300

static int guest_boot(struct demo *demo, struct demo_guest *guest, int image)
{
	const struct guest_config config = {
		.kind = GUEST_TRANCHE_VMM,
		.name = guest->name,
		.kernel = demo->options->kernel,
		.image = image,
		.memory_mib = demo->options->memory_mib,
		.vgpu = guest->uuid,
	};
	int r = guest_new(&guest->guest, &config, demo->event);

	if (r < 0)
		message_error("cannot start guest %s: %s", guest->name,
			      strerror(-r));
	return r;
}

static bool all_booted(void *user)
{
	const struct demo *demo = user;

	for (size_t i = 0; i < DEMO_GUESTS; i++)
		if (guest_state(demo->guests[i].guest) == GUEST_BOOTING)
			return false;
	return true;
}

static int booted_check(const struct demo *demo)
{
	for (size_t i = 0; i < DEMO_GUESTS; i++) {
		const struct guest *guest = demo->guests[i].guest;

		if (guest_state(guest) == GUEST_READY)
			continue;
		message_error("guest %s did not boot; its console says: %s",
			      guest_name(guest), guest_words(guest));
		return -EIO;
	}
	return 0;
}

static int boot_all(struct demo *demo, int image)
{
	int r = 0;

	for (size_t i = 0; i < DEMO_GUESTS && r == 0; i++)
		r = guest_boot(demo, &demo->guests[i], image);
	if (r < 0)
		return r;
	r = wait_until(demo->event, BOOT_SECONDS * WAIT_SECOND_US, all_booted,
		       demo);
	return r < 0 && r != -ETIMEDOUT ? r : booted_check(demo);
}

int guests_boot(struct demo *demo)
{
	int image = image_open(demo->options->initrd), r;

	if (image < 0) {
		message_error("cannot make an image of '%s': %s",
			      demo->options->initrd, strerror(-image));
		return image;
	}
	r = boot_all(demo, image);
	close(image);
	return r;
}

struct job_wait {
	const struct guest_job *job;
};

static bool job_over(void *user)
{
	const struct job_wait *wait = user;

	return wait->job->state == JOB_ENDED;
}

int guests_wait_job(struct demo *demo, struct demo_guest *guest,
		    unsigned int job, unsigned int seconds)
{
	struct job_wait wait = {guest_job(guest->guest, job)};

	return demo_wait(demo, seconds * WAIT_SECOND_US, job_over, &wait);
}

static int calibration_keep(struct demo_guest *guest,
			    const struct guest_job *job)
{
	guest->items = json_number(job->calibration, "items");
	guest->iterations = json_number(job->calibration, "iterations");
	guest->cost_ns = json_number(job->calibration, "cost_ns");
	if (guest->items && guest->iterations && guest->cost_ns)
		return 0;
	message_error("guest %s could not calibrate its load (status %d): %s",
		      guest->name, job->status, job->error);
	return -EIO;
}

/* Alone on the GPU, one guest after the other. */
static int guest_calibrate(struct demo *demo, struct demo_guest *guest)
{
	int r;

	r = guest_start(guest->guest, DEMO_EXTRA,
			"tranche-load --calibrate-only --quiet "
			"--dispatch-ms %g",
			guest->dispatch_ms);
	if (r < 0)
		return r;
	r = guests_wait_job(demo, guest, DEMO_EXTRA, CALIBRATE_SECONDS);
	if (r < 0 && r != -ETIMEDOUT)
		return r;
	return calibration_keep(guest, guest_job(guest->guest, DEMO_EXTRA));
}

int guests_calibrate(struct demo *demo)
{
	int r = 0;

	for (size_t i = 0; i < DEMO_GUESTS && r == 0; i++) {
		struct demo_guest *guest = &demo->guests[i];

		r = guest_calibrate(demo, guest);
		demo->record.guests[i].dispatch_ms =
			(double)guest->cost_ns / 1e6;
	}
	return r;
}

const struct record_point *guest_now(const struct demo *demo,
				     const struct demo_guest *guest)
{
	static const struct record_point none;
	const struct record *record = &demo->record;

	if (!record->n_samples)
		return &none;
	return &record->samples[record->n_samples - 1]
			.guests[guest - demo->guests];
}

/*
 * As many jobs ahead as bridge the time that a slow guest needs to ask for
 * more: one that asks too late has no claim to its share.
 */
static int load_start(const struct demo *demo, struct demo_guest *guest)
{
	int r;

	guest->submits = guest_now(demo, guest)->submits;
	guest->kills = guest_now(demo, guest)->kills;
	/* A line each second through a serial port would cost a slow guest
	 * most of that second. */
	r = guest_start(guest->guest, DEMO_LOAD,
			"tranche-load --quiet --summary-only --duration 0 "
			"--depth 16 --poll-ms 20 "
			"--items %" PRIu64 " --iterations %" PRIu64
			" --dispatch-ms %.6f",
			guest->items, guest->iterations,
			(double)guest->cost_ns / 1e6);
	guest->told = false;
	guest->loaded = r == 0;
	if (r == 0)
		guest->rule.busy = true;
	else
		message_error("cannot start the load of guest %s: %s",
			      guest->name, strerror(-r));
	return r;
}

/* Until each has computed for a while: programs are slow at first. */
static bool loads_go(void *user)
{
	const struct demo *demo = user;

	for (size_t i = 0; i < DEMO_GUESTS; i++) {
		const struct demo_guest *guest = &demo->guests[i];
		const struct guest_job *job =
			guest_job(guest->guest, DEMO_LOAD);

		if (guest->rule.busy && job->state != JOB_ENDED &&
		    guest_now(demo, guest)->submits - guest->submits <
			    LOAD_SUBMITS)
			return false;
	}
	return true;
}

static int loads_wait(struct demo *demo)
{
	int r = demo_wait(demo, LOAD_SECONDS * WAIT_SECOND_US, loads_go, demo);

	if (r == -ETIMEDOUT)
		message_error("a load does not get going within %d s",
			      LOAD_SECONDS);
	for (size_t i = 0; i < DEMO_GUESTS && r == 0; i++)
		demo->guests[i].works = demo->guests[i].rule.busy;
	return r;
}

int guest_load(struct demo *demo, struct demo_guest *guest)
{
	int r = load_start(demo, guest);

	return r < 0 ? r : loads_wait(demo);
}

int guests_load(struct demo *demo)
{
	int r = 0;

	for (size_t i = 0; i < DEMO_GUESTS && r == 0; i++)
		r = load_start(demo, &demo->guests[i]);
	return r < 0 ? r : loads_wait(demo);
}

/* Latencies are those of the run that was last: the others' are gone. */
static void work_keep(struct record_work *work, const struct guest_job *job)
{
	sd_json_variant *summary = job->summary, *latency;

	latency =
		summary ? sd_json_variant_by_key(summary, "latency_ns") : NULL;
	if (!work->result[0] || strcmp(work->result, "ok") == 0)
		snprintf(work->result, sizeof(work->result), "%s",
			 json_text(summary, "result", "none"));
	work->submissions += json_number(summary, "submissions");
	work->verified += json_number(summary, "verified");
	work->wrong += json_number(summary, "wrong");
	work->p50_ns = json_number(latency, "p50");
	work->p95_ns = json_number(latency, "p95");
	work->p99_ns = json_number(latency, "p99");
	work->max_ns = json_number(latency, "max");
}

int guest_rest(struct demo *demo, struct demo_guest *guest)
{
	const struct guest_job *job = guest_job(guest->guest, DEMO_LOAD);
	int r = 0;

	guest->rule.busy = guest->works = false;
	if (!guest->loaded)
		return 0;
	/* A second signal would end it without its results. */
	if (job->state != JOB_ENDED && !guest->told) {
		r = guest_signal(guest->guest, DEMO_LOAD, "TERM");
		guest->told = r == 0;
	}
	if (r == 0)
		r = guests_wait_job(demo, guest, DEMO_LOAD, END_SECONDS);
	if (demo->error < 0)
		return r;
	work_keep(&demo->record.guests[guest - demo->guests].work, job);
	guest->loaded = false;
	if (r == -ETIMEDOUT)
		message_error("the load of guest %s does not end", guest->name);
	return r;
}

static bool all_gone(void *user)
{
	const struct demo *demo = user;

	for (size_t i = 0; i < DEMO_GUESTS; i++)
		if (demo->guests[i].guest &&
		    guest_state(demo->guests[i].guest) != GUEST_GONE)
			return false;
	return true;
}

static int vgpu_return(struct demo *demo, struct demo_guest *guest)
{
	int r;

	if (!guest->uuid[0])
		return 0;
	r = lend_return(&demo->link, guest->uuid);
	if (r == 0)
		guest->uuid[0] = '\0';
	return r;
}

/* One that is lost may not hear that it is to end. */
static void guest_off(struct demo_guest *guest)
{
	if (guest->lost) {
		guest_free(guest->guest);
		guest->guest = NULL;
	} else if (guest->guest) {
		guest_end(guest->guest);
	}
}

int guests_remove(struct demo *demo)
{
	int r = 0, error;

	demo->removing = true;
	for (size_t i = 0; i < DEMO_GUESTS; i++)
		guest_off(&demo->guests[i]);
	if (sd_event_get_state(demo->event) != SD_EVENT_FINISHED)
		wait_until(demo->event, END_SECONDS * WAIT_SECOND_US, all_gone,
			   demo);
	for (size_t i = 0; i < DEMO_GUESTS; i++) {
		guest_free(demo->guests[i].guest);
		demo->guests[i].guest = NULL;
		error = vgpu_return(demo, &demo->guests[i]);
		r = r < 0 ? r : error;
	}
	return r;
}
