// SPDX-License-Identifier: MIT
#include "scheduler/sim/account.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "scheduler/sim/share.h"

#define PRESENCE_NS SIM_NSEC_PER_MSEC

void sim_account_init(struct sim_account *account,
		      const struct sim_scenario *scenario, bool keep_jobs)
{
	*account = (struct sim_account){
		.scenario = scenario,
		.keep_jobs = keep_jobs,
	};
}

void sim_account_deinit(struct sim_account *account)
{
	uint32_t i;

	for (i = 0; i < SIM_VGPUS_MAX; i++)
		free(account->vgpus[i].waits_ns);
	free(account->holds.items);
	free(account->jobs.items);
	memset(account, 0, sizeof(*account));
}

/* Makes room for one more item; on failure the account is marked. */
static bool array_grow(struct sim_account *account, void **items, size_t n,
		       size_t *n_allocated, size_t size)
{
	size_t more = *n_allocated ? *n_allocated * 2 : 256;
	void *grown;

	if (n < *n_allocated)
		return true;
	grown = reallocarray(*items, more, size);
	if (!grown) {
		account->error = -ENOMEM;
		return false;
	}
	*items = grown;
	*n_allocated = more;
	return true;
}

static void spans_add(struct sim_account *account, struct sim_spans *spans,
		      struct sim_span span)
{
	if (span.start_ns == span.end_ns)
		return;
	if (!array_grow(account, (void **)&spans->items, spans->n,
			&spans->n_allocated, sizeof(*spans->items)))
		return;
	spans->items[spans->n++] = span;
}

static void hold_end(struct sim_account *account, uint32_t vgpu)
{
	spans_add(account, &account->holds,
		  (struct sim_span){
			  .start_ns = account->vgpus[vgpu].hold_start_ns,
			  .end_ns = account->now_ns,
			  .vgpu = vgpu,
		  });
}

static const double *ideal_shares(struct sim_account *account)
{
	uint64_t present = account->present;
	struct sim_ideal *ideal =
		&account->ideals[present * 0x9e3779b97f4a7c15ULL >> 58];

	if (ideal->present != present) {
		ideal->present = present;
		sim_share_ideal(account->scenario, present, NULL, ideal->share);
	}
	return ideal->share;
}

static void lag_advance(struct sim_account *account, uint64_t passed_ns)
{
	const double *share = ideal_shares(account);
	uint32_t i;

	for (i = 0; i < account->scenario->n_vgpus; i++) {
		struct sim_vgpu_account *v = &account->vgpus[i];

		if (account->present >> i & 1)
			v->lag_ns += share[i] * (double)passed_ns;
		if (account->holding >> i & 1)
			v->lag_ns -= (double)passed_ns;
		if (v->lag_ns > v->lag_max_ns)
			v->lag_max_ns = v->lag_ns;
	}
}

static void time_advance(struct sim_account *account, uint64_t now_ns)
{
	uint64_t passed_ns = now_ns - account->now_ns;
	uint32_t i;

	if (passed_ns == 0)
		return;
	lag_advance(account, passed_ns);
	for (i = 0; i < account->scenario->n_vgpus; i++) {
		if (account->holding >> i & 1)
			account->vgpus[i].hold_ns += passed_ns;
		if (account->running >> i & 1)
			account->vgpus[i].busy_ns += passed_ns;
	}
	if (account->running == 0) {
		account->idle_ns += passed_ns;
		if (account->wanting)
			account->idle_wanted_ns += passed_ns;
	}
	account->now_ns = now_ns;
}

/*
 * Ends a vGPU's claim. What it got too much or too little the others share,
 * so that lags still add up to nothing (Stoica, Abdel-Wahab, 1995).
 */
static void vgpu_leave(struct sim_account *account, uint32_t vgpu)
{
	struct sim_vgpu_account *v = &account->vgpus[vgpu];
	const double *share;
	uint32_t i;

	account->present &= ~(1ULL << vgpu);
	share = ideal_shares(account);
	for (i = 0; i < account->scenario->n_vgpus; i++)
		account->vgpus[i].lag_ns += share[i] * v->lag_ns;
	v->lag_ns = 0;
}

/* The vGPU whose break is the first to become too long, and when it does. */
static uint64_t next_leave(const struct sim_account *account, uint32_t *vgpu)
{
	uint64_t absent = account->present & ~account->wanting;
	uint64_t next_ns = SIM_NEVER, leave_ns;
	uint32_t i;

	for (i = 0; i < SIM_VGPUS_MAX && absent >> i; i++) {
		leave_ns = account->vgpus[i].absent_ns + PRESENCE_NS;
		if (!(absent >> i & 1) || leave_ns >= next_ns)
			continue;
		next_ns = leave_ns;
		*vgpu = i;
	}
	return next_ns;
}

void sim_account_advance(struct sim_account *account, uint64_t now_ns)
{
	uint64_t leave_ns;
	uint32_t vgpu = 0;

	for (;;) {
		leave_ns = next_leave(account, &vgpu);
		if (leave_ns > now_ns)
			break;
		time_advance(account, leave_ns);
		vgpu_leave(account, vgpu);
	}
	time_advance(account, now_ns);
}

void sim_account_reset(struct sim_account *account)
{
	uint32_t i;

	account->idle_ns = 0;
	account->idle_wanted_ns = 0;
	for (i = 0; i < SIM_VGPUS_MAX; i++) {
		struct sim_vgpu_account *v = &account->vgpus[i];

		v->hold_ns = 0;
		v->busy_ns = 0;
		v->n_jobs = 0;
		v->n_overruns = 0;
		v->n_waits = 0;
		v->lag_max_ns = 0;
	}
}

void sim_account_set(struct sim_account *account, uint64_t holding,
		     uint64_t running, uint64_t wanting)
{
	uint64_t began = holding & ~account->holding;
	uint64_t ended = account->holding & ~holding;
	uint64_t paused = account->wanting & ~wanting;
	uint32_t i;

	account->wanting = wanting;
	account->running = running;
	account->present |= wanting;
	for (i = 0; i < account->scenario->n_vgpus; i++) {
		if (ended >> i & 1)
			hold_end(account, i);
		if (began >> i & 1)
			account->vgpus[i].hold_start_ns = account->now_ns;
		if (paused >> i & 1)
			account->vgpus[i].absent_ns = account->now_ns;
	}
	account->holding = holding;
}

void sim_account_start(struct sim_account *account, const struct sim_task *task,
		       uint64_t ready_ns)
{
	struct sim_vgpu_account *v = &account->vgpus[task->vgpu];

	if (!array_grow(account, (void **)&v->waits_ns, v->n_waits,
			&v->n_waits_allocated, sizeof(*v->waits_ns)))
		return;
	v->waits_ns[v->n_waits++] = task->start_ns - ready_ns;
}

void sim_account_end(struct sim_account *account, const struct sim_task *task,
		     bool killed)
{
	struct sim_vgpu_account *v = &account->vgpus[task->vgpu];

	if (killed)
		v->n_overruns++;
	else
		v->n_jobs++;
	if (!account->keep_jobs)
		return;
	spans_add(account, &account->jobs,
		  (struct sim_span){
			  .start_ns = task->start_ns,
			  .end_ns = task->end_ns,
			  .vgpu = task->vgpu,
			  .context = task->context,
			  .engine = task->engine,
		  });
}

static int wait_compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

int sim_account_finish(struct sim_account *account)
{
	struct sim_vgpu_account *v = account->vgpus;
	uint32_t i;

	sim_account_set(account, 0, 0, 0);
	for (i = 0; i < account->scenario->n_vgpus; i++)
		if (v[i].n_waits > 0)
			qsort(v[i].waits_ns, v[i].n_waits,
			      sizeof(*v[i].waits_ns), wait_compare);
	return account->error;
}

uint64_t sim_account_wait(const struct sim_account *account, uint32_t vgpu,
			  uint32_t percent)
{
	const struct sim_vgpu_account *v = &account->vgpus[vgpu];

	if (v->n_waits == 0)
		return 0;
	return v->waits_ns[(v->n_waits - 1) * percent / 100];
}

double sim_account_hold(const struct sim_account *account, uint32_t vgpu)
{
	const struct sim_scenario *s = account->scenario;

	return (double)account->vgpus[vgpu].hold_ns /
	       (double)(s->duration_ns - s->warmup_ns);
}

/* Walks the holds in order of time, summing up each vGPU's. */
struct hold_cursor {
	const struct sim_spans *holds;
	size_t next;
	uint64_t a_ns;
	uint64_t b_ns;
};

static uint64_t span_part(const struct sim_span *span, uint64_t time_ns)
{
	uint64_t end_ns = span->end_ns < time_ns ? span->end_ns : time_ns;

	return end_ns > span->start_ns ? end_ns - span->start_ns : 0;
}

/* Hold times of a and b from the start of the run to @time_ns. */
static void cursor_read(struct hold_cursor *c, uint32_t a, uint32_t b,
			uint64_t time_ns, uint64_t *a_ns, uint64_t *b_ns)
{
	const struct sim_span *span;

	for (; c->next < c->holds->n; c->next++) {
		span = &c->holds->items[c->next];
		if (span->end_ns > time_ns)
			break;
		if (span->vgpu == a)
			c->a_ns += span->end_ns - span->start_ns;
		if (span->vgpu == b)
			c->b_ns += span->end_ns - span->start_ns;
	}
	*a_ns = c->a_ns;
	*b_ns = c->b_ns;
	if (c->next == c->holds->n)
		return;
	span = &c->holds->items[c->next];
	if (span->vgpu == a)
		*a_ns += span_part(span, time_ns);
	if (span->vgpu == b)
		*b_ns += span_part(span, time_ns);
}

static double ratio(uint64_t a, uint64_t b)
{
	if (a == 0 && b == 0)
		return 1;
	return a < b ? (double)a / (double)b : (double)b / (double)a;
}

/*
 * Between the ends of holds both sums are straight lines, so the worst window
 * starts or ends at the end of a hold: with @lead, windows that start there.
 */
static double windows_ratio(const struct sim_account *account, uint32_t a,
			    uint32_t b, uint64_t window_ns, bool lead)
{
	const struct sim_scenario *s = account->scenario;
	struct hold_cursor from = {.holds = &account->holds}, to = from;
	uint64_t a_from, b_from, a_to, b_to, start_ns;
	double worst = 1, here;
	size_t i;

	for (i = 0; i < account->holds.n; i++) {
		start_ns = account->holds.items[i].end_ns;
		if (!lead)
			start_ns -= start_ns < window_ns ? start_ns : window_ns;
		if (start_ns < s->warmup_ns ||
		    start_ns + window_ns > s->duration_ns)
			continue;
		cursor_read(&from, a, b, start_ns, &a_from, &b_from);
		cursor_read(&to, a, b, start_ns + window_ns, &a_to, &b_to);
		here = ratio(a_to - a_from, b_to - b_from);
		if (here < worst)
			worst = here;
	}
	return worst;
}

double sim_account_window_ratio(const struct sim_account *account, uint32_t a,
				uint32_t b, uint64_t window_ns)
{
	double lead = windows_ratio(account, a, b, window_ns, true);
	double trail = windows_ratio(account, a, b, window_ns, false);

	return lead < trail ? lead : trail;
}
