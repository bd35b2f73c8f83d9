/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The fair-share scheduler of one GPU: who may submit, for how long, and
 * what it costs.
 *
 * The unit is a hold: from grant to release one leaf has the GPU, and the
 * measured time of the hold is charged to it and to all above it. The core
 * has no clock, allocates nothing and calls nobody: every call brings the
 * time, and tsched_decide() says what is to be done.
 *
 * The GPU's states, and the verdicts that lead from one to the next:
 *
 *   free      nobody holds. GRANT -> held
 *   held      one leaf may submit. KEEP; REVOKE -> draining
 *   draining  it may no longer submit; what is in flight runs out. DRAIN;
 *             KILL if that takes too long. tsched_hold_end() -> free
 *
 * A holder that may submit (held) can release early: tsched_hold_end().
 * Under the policy best-effort nobody holds and every gate is OPEN.
 *
 * How a caller with gates uses it:
 *
 *   a gate blocks a submission   tsched_entity_want(), decide
 *   verdict GRANT                open that gate, with depth and lease
 *   a held job is submitted      tsched_job_submit(); tsched_entity_idle()
 *                                once nothing waits at the gate
 *   a job completes              tsched_job_complete(), decide
 *   verdict REVOKE               close the gate; once nothing is in flight
 *                                tsched_hold_end(), decide
 *   the gate shows life          tsched_hold_renew()
 *   wake_ns has come             decide
 *   verdict KILL                 end the context, tsched_entity_remove()
 *
 * The caller owns struct tsched_gpu; its fields are private. Time must not go
 * back between calls on one GPU: an earlier time counts as the latest seen.
 *
 * Lock: none. The caller serialises all calls on one GPU.
 */
#ifndef SCHEDULER_CORE_SCHED_H
#define SCHEDULER_CORE_SCHED_H

#include "entity.h"

#define TSCHED_NEVER UINT64_MAX

enum tsched_policy {
	TSCHED_FAIR, /* by weight, work-conserving */
	TSCHED_EQUAL, /* 1/n for each of the n vGPUs present, no more */
	TSCHED_FIXED, /* 1/instances of the vGPU's type, no more */
	TSCHED_BEST_EFFORT, /* no gating, accounting only */
	TSCHED_POLICIES,
};

struct tsched_config {
	enum tsched_policy policy;
	uint64_t slice_ns; /* 100 us..1 s */
	uint64_t inflight_ns; /* estimated time in flight when alone */
	uint32_t depth_max; /* jobs in flight, 1..64 */
	uint64_t cap_period_ns; /* 1 ms..10 s */
	uint32_t reservable; /* permille of the GPU that may be reserved */
	uint64_t anticipate_ns; /* longest wait for a holder's next job, or 0 */
	uint32_t anticipate_permille; /* of GPU time spent so, at most */
	uint64_t lease_ns; /* 1 ms..1 h */
	uint64_t kill_ns; /* default of new entities, 1 ms..1 h */
};

enum tsched_verdict {
	TSCHED_IDLE, /* free, and nobody may be granted */
	TSCHED_GRANT, /* entity now holds: open its gate */
	TSCHED_KEEP, /* entity still holds */
	TSCHED_REVOKE, /* close entity's gate, then wait for its release */
	TSCHED_DRAIN, /* entity was told to release and has not yet */
	TSCHED_KILL, /* end entity; reported once per kill limit */
	TSCHED_OPEN, /* best-effort: every gate is open */
};

enum tsched_reason {
	TSCHED_BY_NONE,
	TSCHED_BY_SLICE, /* slice over, another is next */
	TSCHED_BY_IDLE, /* nothing to run, another waits */
	TSCHED_BY_CAP, /* its cap is used up */
	TSCHED_BY_LATENCY, /* a shorter request came */
	TSCHED_BY_LEASE, /* neither released nor renewed */
	TSCHED_BY_OVERRUN, /* a job past the kill limit */
	TSCHED_BY_POLICY, /* the policy no longer gates */
};

struct tsched_decision {
	enum tsched_verdict verdict;
	enum tsched_reason reason;
	struct tsched_entity *entity; /* whom the verdict is about, or NULL */
	/*
	 * With REVOKE and DRAIN: who is likely to be granted next, or NULL if
	 * nobody is, or the holder itself.
	 * It may be woken while the last job drains; it may not submit yet.
	 */
	struct tsched_entity *next;
	uint64_t slice_end_ns; /* when the holder's slice is over */
	uint64_t lease_ns; /* when it must have renewed or released */
	uint32_t depth; /* jobs it may have in flight now */
	uint64_t wake_ns; /* decide again by then; TSCHED_NEVER */
};

struct tsched_gpu_stats {
	uint64_t busy_ns; /* time held: the sum of all charges */
	uint64_t anticipate_ns; /* of it, kept idle for a holder's next job */
	uint64_t holds;
	uint64_t decisions;
};

struct tsched_gpu {
	struct tsched_config config;
	struct tsched_queue queue; /* of the topmost entities */
	struct avl_tree throttled; /* by the end of their cap period */
	struct avl_tree due; /* reserved and waiting, by due time */
	struct avl_tree watched; /* with jobs in flight, by kill deadline */

	uint64_t now_ns;
	uint32_t vgpus;
	uint32_t urgent; /* entities that ask for less than a full slice */
	uint32_t minding; /* leaves that wait without patience */
	uint32_t reserved; /* permille, of the topmost entities */
	struct tsched_entity *entities; /* all of them */

	struct tsched_entity *holder;
	uint8_t hold_flags;
	uint64_t hold_begin_ns;
	uint64_t slice_begin_ns;
	uint64_t contended_ns; /* others have been waiting since then */
	uint64_t slice_ns;
	uint64_t stretch_ns;
	uint64_t ahead_ns; /* queued behind the job that runs, at most */
	uint64_t minded_ns; /* until when anybody has been minding */
	uint64_t gone_minded_ns; /* of those that have been removed */
	uint64_t lease_end_ns;
	uint64_t charged_ns; /* the hold is charged up to here */

	uint64_t anticipate_credit;
	struct tsched_gpu_stats stats;
};

/**
 * tsched_config_init() - fill in the defaults
 * @config: becomes: fair, slice 4 ms, 2 ms and 8 jobs in flight, cap period
 *          100 ms, 900 permille reservable, anticipation at most 2 ms and
 *          200 permille, lease 500 ms, kill limit 2 s
 */
void tsched_config_init(struct tsched_config *config);

/**
 * tsched_gpu_init() - begin scheduling a GPU
 * @gpu: memory of the caller's, overwritten. Nothing needs to be undone
 *       before it is freed, once its entities are no longer used
 * @config: settings, copied
 * @now_ns: the time
 *
 * Return: 0; -EINVAL if a setting is out of range.
 */
int tsched_gpu_init(struct tsched_gpu *gpu, const struct tsched_config *config,
		    uint64_t now_ns);

/**
 * tsched_gpu_set_config() - change settings and policy
 * @gpu: the GPU's scheduler
 * @config: settings, copied; in force from the next decision
 * @now_ns: the time
 *
 * A change to best-effort ends a hold. After a change from it the caller
 * closes all gates. O(n).
 *
 * Return: 0; -EINVAL if a setting is out of range, and nothing is changed.
 */
int tsched_gpu_set_config(struct tsched_gpu *gpu,
			  const struct tsched_config *config, uint64_t now_ns);

/**
 * tsched_gpu_set_stretch() - let slices be longer where nobody minds
 * @gpu: the GPU's scheduler
 * @stretch_ns: how long a slice lasts at most while those who wait have had as
 *              much as a slice in one of their last holds; less than a slice: no
 *              longer than that
 *
 * For a GPU that is dear to hand on. Who gives it back sooner, or was not there,
 * waits no longer for it than without this. In force at once.
 */
void tsched_gpu_set_stretch(struct tsched_gpu *gpu, uint64_t stretch_ns);

/**
 * tsched_gpu_set_ahead() - let the holder submit ahead where nobody minds
 * @gpu: the GPU's scheduler
 * @ahead_ns: how long the jobs queued behind the one that runs may be expected to
 *            last, or 0
 *
 * For a GPU that stands idle for long between two jobs. Only if for a second
 * nobody has waited before whom slices can't be stretched, and not where a
 * latency class, a reservation or a cap counts jobs one by one. Who comes first
 * after such a second waits for what is queued. In force at once.
 */
void tsched_gpu_set_ahead(struct tsched_gpu *gpu, uint64_t ahead_ns);

/**
 * tsched_gpu_stats() - read the GPU's account
 * @gpu: the GPU's scheduler
 * @now_ns: the time
 * @stats: filled in, up to @now_ns
 */
void tsched_gpu_stats(struct tsched_gpu *gpu, uint64_t now_ns,
		      struct tsched_gpu_stats *stats);

/**
 * tsched_decide() - say what is to be done now
 * @gpu: the GPU's scheduler
 * @now_ns: the time
 * @decision: filled in
 *
 * To be called after every event and at wake_ns. The verdict is in force
 * when this returns: after GRANT the hold has begun, after REVOKE it drains.
 * Several things may have to be done at once: call again until the verdict
 * is IDLE, KEEP, DRAIN or OPEN. O(log n).
 *
 * Order: start-time fair queueing (Goyal, Vin, Cheng, SIGCOMM 1996) charged
 * with measured time, picked by earliest virtual deadline among the eligible
 * (Stoica, Abdel-Wahab, 1995).
 */
void tsched_decide(struct tsched_gpu *gpu, uint64_t now_ns,
		   struct tsched_decision *decision);

/**
 * tsched_hold_renew() - the holder shows life
 * @entity: the holder
 * @now_ns: the time
 *
 * Its lease begins anew; its slice does not. Submitting and completing jobs
 * renews as well.
 *
 * Return: 0; -EPERM if it does not hold or has been told to release.
 */
int tsched_hold_renew(struct tsched_entity *entity, uint64_t now_ns);

/**
 * tsched_hold_end() - the holder has released the GPU
 * @entity: the holder; what it had in flight is done, or given up
 * @now_ns: the time
 *
 * Return: 0; -EPERM if it does not hold.
 */
int tsched_hold_end(struct tsched_entity *entity, uint64_t now_ns);

/**
 * tsched_job_submit() - a job goes to the GPU
 * @entity: the leaf it belongs to
 * @job: memory of the caller's, overwritten
 * @engine: the engine it runs on
 * @estimate_ns: expected length, 0 to have it estimated
 * @now_ns: the time
 *
 * Allowed without a hold, because a gate that is being closed may still let
 * one through: the job is then watched but not charged.
 *
 * Return: 0; -EINVAL if @engine is unknown or @entity is no leaf.
 */
int tsched_job_submit(struct tsched_entity *entity, struct tsched_job *job,
		      enum tsched_engine engine, uint64_t estimate_ns,
		      uint64_t now_ns);

/**
 * tsched_job_start() - a job is known to have begun running
 * @entity: the leaf it belongs to
 * @job: the job
 * @now_ns: the time
 *
 * Optional: without it a job is taken to run since it was submitted or since
 * the one before it completed. The kill limit counts from there.
 *
 * Return: 0; -EINVAL if the job is not in flight.
 */
int tsched_job_start(struct tsched_entity *entity, struct tsched_job *job,
		     uint64_t now_ns);

/**
 * tsched_job_complete() - a job is done
 * @entity: the leaf it belongs to
 * @job: the job, in flight; the caller's again after this
 * @gpu_ns: the time it ran, as measured: a statistic, never a charge
 * @seen: how: what the estimators may learn
 * @now_ns: the time
 *
 * Return: 0; -EINVAL if the job is not in flight.
 */
int tsched_job_complete(struct tsched_entity *entity, struct tsched_job *job,
			uint64_t gpu_ns, enum tsched_seen seen,
			uint64_t now_ns);

#endif
