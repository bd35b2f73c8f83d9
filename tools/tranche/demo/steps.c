// SPDX-License-Identifier: MIT
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tools/tranche/demo/demo.h"
#include "tools/tranche/fleet/wait.h"
#include "tools/tranche/message.h"

#define SETTLE_SECONDS 2
/* On a slow machine guests leave the GPU idle: so much longer at most. */
#define PATIENCE 10
/* For a program whose context was ended; Mesa may take long to notice. */
#define ABORT_SECONDS 30
#define MIB (UINT64_C(1) << 20)
#define NS_PER_S UINT64_C(1000000000)
/* A quota below the first piece that is asked for. */
#define QUOTA (48 * MIB)
#define TOO_MUCH (128 * MIB)
/* Five times what a machine with ten times its load was seen to need. */
#define REFUSAL_SECONDS 300
#define KILL_SECONDS 300
/* What is left of the others' throughput at least, against before. */
#define RECOVERED 0.75

static struct demo_guest *guest_at(struct demo *demo, size_t i)
{
	return &demo->guests[i];
}

static const struct record_sample *latest(const struct demo *demo)
{
	return &demo->record.samples[demo->record.n_samples - 1];
}

static int sample_now(struct demo *demo)
{
	int r = meter_sample(&demo->meter);

	return r < 0 ? r : demo->error;
}

static void wanted_fill(const struct demo *demo, struct record_phase *phase)
{
	struct share_rule rules[DEMO_GUESTS];

	for (size_t i = 0; i < DEMO_GUESTS; i++) {
		rules[i] = demo->guests[i].rule;
		phase->of_time[i] = rules[i].cap < 100;
	}
	share_expect(rules, DEMO_GUESTS, phase->wanted);
}

static uint64_t held_ns(const struct record_sample *sample)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < DEMO_GUESTS; i++)
		sum += sample->guests[i].gpu_ns;
	return sum;
}

/*
 * Until guests have had the GPU for so long, so that shares mean something on
 * a machine too that is too slow to keep it busy.
 */
static int hold_wait(struct demo *demo, uint64_t seconds)
{
	uint64_t held,
		end = wait_now_us() + PATIENCE * seconds * WAIT_SECOND_US;
	int r = sample_now(demo);

	if (r < 0)
		return r;
	held = held_ns(latest(demo));
	do {
		r = demo_pause(demo, WAIT_SECOND_US);
		if (r == 0)
			r = sample_now(demo);
	} while (r == 0 && wait_now_us() < end &&
		 held_ns(latest(demo)) - held < seconds * NS_PER_S);
	return r;
}

static int settle(struct demo *demo, struct record_phase *phase)
{
	int r = hold_wait(demo, SETTLE_SECONDS);

	phase->settled_ns = latest(demo)->now_ns;
	return r;
}

/* Announces a phase and lets it settle. */
__attribute__((format(printf, 3, 4))) static int
phase_begin(struct demo *demo, bool checked, const char *format, ...)
{
	struct record_phase *phase = record_phase_add(&demo->record);
	va_list args;
	int r;

	if (!phase)
		return message_memory();
	va_start(args, format);
	vsnprintf(phase->title, sizeof(phase->title), format, args);
	va_end(args);
	demo_say("%s", phase->title);
	r = sample_now(demo);
	if (r < 0)
		return r;
	phase->begin_ns = phase->settled_ns = latest(demo)->now_ns;
	phase->checked = checked;
	wanted_fill(demo, phase);
	return checked ? settle(demo, phase) : 0;
}

static struct record_phase *phase_now(struct demo *demo)
{
	return &demo->record.phases[demo->record.n_phases - 1];
}

static bool one_ails(const struct demo *demo)
{
	for (size_t i = 0; i < DEMO_GUESTS; i++)
		if (demo->guests[i].ailing)
			return true;
	return false;
}

/* What is found of a guest that may be lost is not what was to be shown. */
static int phase_end(struct demo *demo)
{
	struct record_phase *phase = phase_now(demo);
	int r = sample_now(demo);

	if (r == 0)
		r = health_check(demo);
	while (r == 0 && one_ails(demo))
		r = demo_pause(demo, WAIT_SECOND_US);
	if (r < 0)
		return r;
	phase->end_ns = latest(demo)->now_ns;
	view_leave(demo);
	return 0;
}

/* While there was no broker nobody had the GPU: that time does not count. */
static int shares_wait(struct demo *demo)
{
	unsigned int renewals;
	int r;

	do {
		renewals = demo->link.renewals;
		r = hold_wait(demo, demo->options->seconds);
		if (r == 0 && renewals != demo->link.renewals)
			r = settle(demo, phase_now(demo));
	} while (r == 0 && renewals != demo->link.renewals);
	return r;
}

/* A phase in which nothing happens but that shares are measured. */
static int phase_measure(struct demo *demo)
{
	struct record_phase *phase = phase_now(demo);
	double worst;
	bool measured;
	int r;

	r = shares_wait(demo);
	if (r == 0)
		r = phase_end(demo);
	if (r < 0)
		return r;
	measured = share_measure(&demo->record, phase);
	worst = share_worst(phase, DEMO_GUESTS);
	demo_claim(
		demo, measured && worst <= SHARE_TOLERANCE,
		"%.3s shares are %.1f / %.1f / %.1f %%, wanted %.1f / %.1f / "
		"%.1f %%: off by %.1f points at most",
		phase->title, phase->measured[0], phase->measured[1],
		phase->measured[2], phase->wanted[0], phase->wanted[1],
		phase->wanted[2], worst);
	return 0;
}

static int step_busy(struct demo *demo)
{
	int r = guests_load(demo);

	if (r == 0)
		r = phase_begin(
			demo, true,
			"(a) all three are busy, weights 300, 200, 100");
	return r < 0 ? r : phase_measure(demo);
}

static int step_idle(struct demo *demo)
{
	struct demo_guest *guest = guest_at(demo, 2);
	int r = guest_rest(demo, guest);

	if (r == 0)
		r = phase_begin(demo, true,
				"(b) %s goes idle: the others take its time",
				guest->name);
	if (r == 0)
		r = phase_measure(demo);
	return r < 0 ? r : guest_load(demo, guest);
}

static int weight_set(struct demo *demo, size_t i, unsigned int weight)
{
	struct demo_guest *guest = guest_at(demo, i);
	int r = lend_set(&demo->link, guest->uuid, "weight", weight);

	if (r == 0)
		guest->rule.weight = weight;
	return r;
}

static int step_weights(struct demo *demo)
{
	int r = weight_set(demo, 0, 100);

	if (r == 0)
		r = weight_set(demo, 2, 200);
	if (r == 0)
		r = phase_begin(
			demo, true,
			"(c) weights are changed live to 100, 200, 200");
	return r < 0 ? r : phase_measure(demo);
}

static int cap_set(struct demo *demo, size_t i, unsigned int cap)
{
	struct demo_guest *guest = guest_at(demo, i);
	int r = lend_set(&demo->link, guest->uuid, "capPercent", cap);

	if (r == 0)
		guest->rule.cap = cap;
	return r;
}

static int step_cap(struct demo *demo)
{
	int r = cap_set(demo, 1, 20);

	if (r == 0)
		r = phase_begin(demo, true,
				"(d) a cap of 20 %% is set live on %s",
				demo->guests[1].name);
	if (r == 0)
		r = phase_measure(demo);
	return r < 0 ? r : cap_set(demo, 1, 100);
}

static bool loads_run(const struct demo *demo)
{
	for (size_t i = 0; i < DEMO_GUESTS; i++)
		if (guest_job(demo->guests[i].guest, DEMO_LOAD)->state !=
		    JOB_RUNNING)
			return false;
	return true;
}

/* How a guest's extra job ended, as text. */
static const char *ending(const struct guest_job *job, char text[static 32])
{
	if (job->state == JOB_ENDED)
		snprintf(text, 32, "status %d", job->status);
	else
		snprintf(text, 32, "it still runs");
	return text;
}

static void claim_refused(struct demo *demo, const struct record_sample *before,
			  size_t i)
{
	const struct demo_guest *guest = &demo->guests[i];
	const struct guest_job *job = guest_job(guest->guest, DEMO_EXTRA);
	bool others = true;
	char text[32];

	for (size_t j = 0; j < DEMO_GUESTS; j++)
		others = others &&
			 (j == i || latest(demo)->guests[j].vram_refusals ==
					    before->guests[j].vram_refusals);
	/* Status 3 is tranche-load's word for memory that was refused. */
	demo_claim(demo, job->state == JOB_ENDED && job->status == 3,
		   "(e) the program in %s was refused memory (%s)", guest->name,
		   ending(job, text));
	demo_claim(demo,
		   others && loads_run(demo) &&
			   latest(demo)->guests[i].vram_refusals >
				   before->guests[i].vram_refusals,
		   "(e) nobody else was: all loads run on, %" PRIu64
		   " refusal(s) counted for %s alone",
		   latest(demo)->guests[i].vram_refusals, guest->name);
}

/* Mesa's driver in the guest asks without awaiting the answer by default. */
static int ask_too_much(struct demo *demo, struct demo_guest *guest)
{
	int r;

	r = guest_start(guest->guest, DEMO_EXTRA,
			"VN_PERF=no_async_mem_alloc tranche-load --quiet "
			"--summary-only --items 64 --iterations 1 "
			"--submissions 1 --overcommit --memory %" PRIu64,
			TOO_MUCH);
	if (r == 0)
		r = guests_wait_job(demo, guest, DEMO_EXTRA, REFUSAL_SECONDS);
	return r == -ETIMEDOUT ? 0 : r;
}

static int step_vram(struct demo *demo)
{
	struct demo_guest *guest = guest_at(demo, 2);
	struct record_sample before;
	int r = lend_set(&demo->link, guest->uuid, "vramLimitBytes", QUOTA);

	if (r == 0)
		r = phase_begin(demo, false,
				"(e) %s, with a quota of %" PRIu64
				" MiB now, asks for %" PRIu64 " MiB",
				guest->name, QUOTA / MIB, TOO_MUCH / MIB);
	if (r < 0)
		return r;
	before = *latest(demo);
	r = ask_too_much(demo, guest);
	if (r == 0)
		r = phase_end(demo);
	if (r == 0)
		claim_refused(demo, &before, 2);
	return r;
}

/* Submissions of all but one guest each second. */
static double others_rate(const struct demo *demo,
			  const struct record_sample *from, size_t but)
{
	const struct record_sample *to = latest(demo);
	double sum = 0;

	for (size_t i = 0; i < DEMO_GUESTS; i++)
		if (i != but)
			sum += (double)(to->guests[i].submits -
					from->guests[i].submits);
	return to->now_ns > from->now_ns
		       ? sum * 1e9 / (double)(to->now_ns - from->now_ns)
		       : 0;
}

static int measure_rate(struct demo *demo, size_t but, double *rate)
{
	struct record_sample from;
	int r = sample_now(demo);

	if (r < 0)
		return r;
	from = *latest(demo);
	r = hold_wait(demo, demo->options->seconds / 2);
	*rate = others_rate(demo, &from, but);
	return r;
}

struct kill_wait {
	const struct demo *demo;
	size_t guest;
	uint64_t kills;
};

static bool was_killed(void *user)
{
	const struct kill_wait *wait = user;

	return latest(wait->demo)->guests[wait->guest].kills > wait->kills;
}

/* What the guest's program makes of it is its driver's affair. */
static int program_end(struct demo *demo, struct demo_guest *guest)
{
	int r = guests_wait_job(demo, guest, DEMO_EXTRA, ABORT_SECONDS);

	if (r != -ETIMEDOUT)
		return r;
	return guest_signal(guest->guest, DEMO_EXTRA, "KILL");
}

static int spin(struct demo *demo, size_t i)
{
	struct demo_guest *guest = guest_at(demo, i);
	struct kill_wait wait = {demo, i, latest(demo)->guests[i].kills};
	int r;

	r = guest_start(guest->guest, DEMO_EXTRA,
			"tranche-load --kind spin --quiet --summary-only");
	if (r == 0)
		r = demo_wait(demo, KILL_SECONDS * WAIT_SECOND_US, was_killed,
			      &wait);
	if (r < 0 && r != -ETIMEDOUT)
		return r;
	return program_end(demo, guest);
}

static void claim_killed(struct demo *demo, const struct record_sample *before,
			 size_t i)
{
	const struct demo_guest *guest = &demo->guests[i];
	const struct guest_job *job = guest_job(guest->guest, DEMO_EXTRA);
	const struct record_sample *now = latest(demo);
	bool others = true;
	char text[32];

	for (size_t j = 0; j < DEMO_GUESTS; j++)
		others = others && (j == i || now->guests[j].kills ==
						      before->guests[j].kills);
	demo_claim(
		demo,
		now->guests[i].kills == before->guests[i].kills + 1 &&
			(job->state != JOB_ENDED || job->status != 0),
		"(f) the endless job of %s was ended at the limit; its program: "
		"%s",
		guest->name, ending(job, text));
	demo_claim(demo, others && loads_run(demo),
		   "(f) nothing else was: all three loads run on, %s's too",
		   guest->name);
}

static int step_endless(struct demo *demo)
{
	struct demo_guest *guest = guest_at(demo, 1);
	double rate_before, rate_after;
	struct record_sample before;
	int r;

	r = phase_begin(demo, false, "(f) %s submits a job that never ends",
			guest->name);
	if (r == 0)
		r = measure_rate(demo, 1, &rate_before);
	if (r < 0)
		return r;
	before = *latest(demo);
	r = spin(demo, 1);
	if (r < 0)
		return r;
	r = hold_wait(demo, SETTLE_SECONDS);
	if (r == 0)
		r = measure_rate(demo, 1, &rate_after);
	if (r == 0)
		r = phase_end(demo);
	if (r < 0)
		return r;
	claim_killed(demo, &before, 1);
	demo_claim(demo, rate_after >= RECOVERED * rate_before,
		   "(f) the others' throughput is back: %.1f jobs/s before, "
		   "%.1f after",
		   rate_before, rate_after);
	return 0;
}

static unsigned int lost_count(const struct demo *demo)
{
	unsigned int count = 0;

	for (size_t i = 0; i < DEMO_GUESTS; i++)
		count += demo->guests[i].lost;
	return count;
}

static void claim_results(struct demo *demo)
{
	unsigned int lost = lost_count(demo);
	uint64_t verified = 0, wrong = 0;
	bool well = true;

	if (lost == DEMO_GUESTS)
		return;
	for (size_t i = 0; i < DEMO_GUESTS; i++) {
		const struct record_work *work = &demo->record.guests[i].work;

		if (demo->guests[i].lost)
			continue;
		verified += work->verified;
		wrong += work->wrong;
		well = well && work->verified && !work->wrong &&
		       strcmp(work->result, "ok") == 0;
	}
	demo_claim(demo, well,
		   "%s results are right: %" PRIu64 " words checked, %" PRIu64
		   " wrong",
		   lost ? "the others'" : "all", verified, wrong);
}

static int step_remove(struct demo *demo)
{
	struct lend_gpu gpu;
	int r, error = 0;

	demo_say("(g) everything is removed");
	for (size_t i = 0; i < DEMO_GUESTS; i++) {
		if (demo->guests[i].lost)
			continue;
		r = guest_rest(demo, guest_at(demo, i));
		error = error < 0 ? error : r;
	}
	claim_results(demo);
	r = guests_remove(demo);
	if (r == 0)
		r = sample_now(demo);
	if (r == 0)
		r = lend_gpu_find(&demo->link, demo->gpu.address, &gpu);
	if (r < 0)
		return r;
	demo_claim(demo,
		   gpu.vram_free == demo->gpu.vram_free &&
			   demo->meter.contexts == 0,
		   "(g) the GPU is free again: %" PRIu64 " MiB of %" PRIu64
		   " to lend, %" PRIu64 " contexts on it",
		   gpu.vram_free / MIB, gpu.vram / MIB, demo->meter.contexts);
	return error;
}

/* Those who computed are to have submitted something since @from. */
static void claim_others(struct demo *demo, const struct record_sample *from)
{
	double seconds = (double)(latest(demo)->now_ns - from->now_ns) / 1e9;
	uint64_t sum = 0, submits;
	bool all = true;

	for (size_t i = 0; i < DEMO_GUESTS; i++) {
		if (!demo->guests[i].works)
			continue;
		submits = latest(demo)->guests[i].submits -
			  from->guests[i].submits;
		all = all && submits;
		sum += submits;
	}
	demo_claim(demo, all, "the others go on: %.1f jobs/s",
		   seconds > 0 ? (double)sum / seconds : 0);
}

/* Those who compute, as text; "" when nobody does. */
static void others_name(const struct demo *demo, char text[static RECORD_TEXT])
{
	size_t length = 0;

	text[0] = '\0';
	for (size_t i = 0; i < DEMO_GUESTS; i++)
		if (demo->guests[i].works)
			length += (size_t)snprintf(
				text + length, RECORD_TEXT - length, "%s%s",
				length ? " and " : "", demo->guests[i].name);
}

static int others_look_at(struct demo *demo, const char *names)
{
	struct record_sample from;
	int r = phase_begin(demo, false, "what is left: %s", names);

	if (r < 0)
		return r;
	from = *latest(demo);
	r = hold_wait(demo, demo->options->seconds);
	if (r == 0)
		r = phase_end(demo);
	if (r == 0)
		claim_others(demo, &from);
	return r;
}

/* What had begun is broken off, and its shares are none that count. */
static void phase_cut(struct demo *demo)
{
	if (!demo->record.n_phases || phase_now(demo)->end_ns)
		return;
	phase_now(demo)->end_ns = latest(demo)->now_ns;
	phase_now(demo)->checked = false;
}

int steps_lost(struct demo *demo)
{
	char names[RECORD_TEXT];
	int r = demo_measure(demo);

	for (size_t i = 0; i < DEMO_GUESTS; i++)
		if (demo->guests[i].lost)
			demo->guests[i].works = demo->guests[i].rule.busy =
				false;
	phase_cut(demo);
	others_name(demo, names);
	if (r == 0 && names[0])
		r = others_look_at(demo, names);
	return r < 0 ? r : step_remove(demo);
}

int steps_run(struct demo *demo)
{
	static int (*const steps[])(struct demo *) = {
		step_busy, step_idle,	 step_weights, step_cap,
		step_vram, step_endless, step_remove,
	};
	int r = 0;

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && r == 0; i++)
		r = steps[i](demo);
	return r;
}
