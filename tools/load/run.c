// SPDX-License-Identifier: MIT
#include "run.h"

#include <errno.h>
#include <stdlib.h>

#include "calibrate.h"
#include "control.h"
#include "message.h"
#include "report.h"
#include "units/units.h"
#include "worker.h"

/* Waits have bounds of their own; this is for calls that block instead. */
#define WATCHDOG_GRACE_NS (5 * NS_PER_S)
/* An endless dispatch ends at once when released, if it ever does. */
#define RELEASE_NS (10 * NS_PER_S)
/* Dispatches that are measured at once last about so long. */
#define MEASURE_NS (32 * NS_PER_MS)

struct run {
	const struct options *options;
	struct report report;
	struct worker *workers;
	uint32_t n_workers;
	uint32_t n_started;

	uint64_t start_ns;
	/* When endless dispatches were told to end; 0: not yet. */
	uint64_t release_ns;
	/* Start of the second that is counted now, and its number. */
	uint64_t second_ns;
	uint64_t second;
	struct load_stats total;
	/* That all contexts compute was told, or nobody wants to know. */
	bool told_running;
};

static int too_little_memory(const struct options *options)
{
	const struct load_kernel *kernel = options->kernel;
	char text[UNITS_TEXT];

	message_error("--memory is too little for kind %s: give at least %s",
		      kernel->name,
		      units_format_size(text, job_working_set(kernel,
							      kernel->items_min,
							      options->depth)));
	return -EINVAL;
}

/* Only copy is about memory: its items follow from --memory. */
static bool is_sized(const struct options *options)
{
	return options->kernel == &kernel_copy && options->memory;
}

static int choose_items(struct run *run)
{
	const struct options *options = run->options;
	const struct load_kernel *kernel = options->kernel;
	uint64_t range =
		run->report.gpu->properties.limits.maxStorageBufferRange;
	bool sized = is_sized(options);
	uint32_t items = options->items, most;

	most = job_fit_items(kernel, sized ? options->memory : UINT64_MAX,
			     options->depth, range);
	if (!most)
		return too_little_memory(options);
	if (items > most) {
		message_error("--items %u is too much for the memory or the "
			      "device: give at most %u",
			      items, most);
		return -EINVAL;
	}
	if (!items)
		items = sized || kernel->items_default > most
				? most
				: kernel->items_default;
	run->report.calibration.work.items = items;
	return 0;
}

static int choose_gpu(struct run *run, const struct gpu_set *set)
{
	struct report *report = &run->report;
	int r;

	r = gpu_set_find(set, run->options->device, &report->gpu);
	if (r < 0)
		return r;
	r = gpu_find_family(report->gpu, run->options->engine);
	if (r < 0)
		return r;
	report->family = (uint32_t)r;
	message_note("GPU: %s (%s %s)", report->gpu->name, report->gpu->driver,
		     report->gpu->driver_info);
	return 0;
}

/* What a dispatch is measured with. */
struct measuring {
	struct job *job;
	uint32_t depth;
};

/*
 * As many as are to be in flight, within a span of time, so that the way to the GPU
 * and back is not taken for the dispatch's own time.
 */
static uint32_t measuring_depth(const struct options *options)
{
	uint64_t most = MEASURE_NS / options->dispatch_ns;

	if (most > options->depth)
		return options->depth;
	return most ? (uint32_t)most : 1;
}

static int measure_all(struct job *job, uint32_t depth)
{
	uint64_t ignored;
	int r = 0;

	for (uint32_t i = 0; i < depth && r == 0; i++)
		r = job_submit(job);
	while (job->in_flight) {
		int error = job_complete(job, &ignored);

		if (error < 0)
			return error;
	}
	return r;
}

static int measure(void *data, const struct load_work *work, uint64_t *nsp)
{
	const struct measuring *measuring = data;
	uint64_t begin_ns;
	int r;

	if (control_stopping())
		return -ECANCELED;
	r = job_set_work(measuring->job, work);
	if (r < 0)
		return r;
	begin_ns = control_now();
	r = measure_all(measuring->job, measuring->depth);
	*nsp = (control_now() - begin_ns) / measuring->depth;
	return r;
}

/* Items that were asked for stay as they are. */
static bool items_may_shrink(const struct options *options)
{
	return !options->items && !is_sized(options);
}

static int calibrate_first(struct run *run)
{
	const struct options *options = run->options;
	struct calibration *calibration = &run->report.calibration;
	struct measuring measuring = {
		.job = run->workers[0].job,
		.depth = measuring_depth(options),
	};
	const struct calibrate_plan plan = {
		.target_ns = options->dispatch_ns,
		.items = calibration->work.items,
		.items_min = items_may_shrink(options)
				     ? options->kernel->items_min
				     : calibration->work.items,
		.items_step = options->kernel->items_step,
		.measure = measure,
		.data = &measuring,
	};
	int r;

	r = calibrate(&plan, calibration);
	if (r < 0)
		return r;
	r = job_set_work(run->workers[0].job, &calibration->work);
	if (r < 0)
		return r;
	return report_calibration(&run->report);
}

static int open_context(struct run *run)
{
	uint32_t index = run->n_workers++;

	return worker_init(&run->workers[index], run->options, run->report.gpu,
			   run->report.family, &run->report.calibration.work,
			   index);
}

static void measure_memory(struct run *run)
{
	const struct options *options = run->options;

	run->report.memory = job_working_set(options->kernel,
					     run->report.calibration.work.items,
					     options->depth);
	if (run->report.memory < options->memory)
		run->report.memory = options->memory;
}

/* A driver that can't refuse (a CPU's) would take the whole machine down. */
static int check_memory(const struct run *run)
{
	uint64_t wanted =
		units_multiply(run->report.memory, run->options->contexts);
	char want[UNITS_TEXT], have[UNITS_TEXT];

	if (run->options->overcommit || wanted <= run->report.gpu->memory)
		return 0;
	message_error("cannot hold %s of device memory: the GPU has %s "
		      "(VK_ERROR_OUT_OF_DEVICE_MEMORY); --overcommit tries",
		      units_format_size(want, wanted),
		      units_format_size(have, run->report.gpu->memory));
	return -ENOMEM;
}

static int set_up(struct run *run)
{
	const struct options *options = run->options;
	int r;

	run->report.calibration.work.iterations =
		options->iterations ? options->iterations : 1;
	if (options->iterations)
		run->report.calibration.cost_ns = options->dispatch_ns;
	run->workers = calloc(options->contexts, sizeof(*run->workers));
	if (!run->workers)
		return -ENOMEM;
	measure_memory(run);
	r = check_memory(run);
	if (r < 0)
		return r;
	r = open_context(run);
	if (r < 0)
		return r;
	if (!options->iterations) {
		r = calibrate_first(run);
		if (r < 0)
			return r;
	}
	if (options->verb == OPTIONS_CALIBRATE)
		return 0;
	while (run->n_workers < options->contexts) {
		r = open_context(run);
		if (r < 0)
			return r;
	}
	return 0;
}

static int start(struct run *run)
{
	run->start_ns = control_now();
	run->second_ns = run->start_ns;
	while (run->n_started < run->n_workers) {
		int r = worker_start(&run->workers[run->n_started]);

		if (r < 0)
			return r;
		run->n_started++;
	}
	return 0;
}

static bool all_finished(struct run *run)
{
	for (uint32_t i = 0; i < run->n_started; i++)
		if (!worker_finished(&run->workers[i]))
			return false;
	return true;
}

/* Adds what was measured to the total, and gives it. */
static uint32_t take_stats(struct run *run, struct load_stats *stats)
{
	uint32_t in_flight = 0;

	load_stats_init(stats);
	for (uint32_t i = 0; i < run->n_started; i++) {
		worker_take(&run->workers[i], stats);
		in_flight += atomic_load(&run->workers[i].in_flight);
	}
	load_stats_merge(&run->total, stats);
	return in_flight;
}

static int end_second(struct run *run, uint64_t now)
{
	uint64_t elapsed_ns = now - run->second_ns;
	struct load_stats stats;
	uint32_t in_flight;

	in_flight = take_stats(run, &stats);
	run->second_ns = now;
	run->second++;
	for (uint32_t i = 0; i < run->n_started; i++)
		atomic_store(&run->workers[i].sample_due, true);
	if (run->options->summary_only)
		return 0;
	return report_second(&run->report, run->second, elapsed_ns, in_flight,
			     &stats);
}

/* The number of whole seconds since the start sets the pace: a late report
 * makes the next one shorter. */
static uint64_t second_end(const struct run *run)
{
	uint64_t passed = (run->second_ns - run->start_ns) / NS_PER_S;

	return run->start_ns + (passed + 1) * NS_PER_S;
}

static int tell_running(struct run *run)
{
	if (run->told_running)
		return 0;
	for (uint32_t i = 0; i < run->n_started; i++)
		if (!atomic_load(&run->workers[i].computes))
			return 0;
	run->told_running = true;
	return report_running(&run->report);
}

/* What was checked before stays: one wrong word is one too many. */
static void count_anew(struct run *run, uint64_t now)
{
	struct load_stats stats;
	struct job_verdict verdict;

	take_stats(run, &stats);
	verdict = run->total.verdict;
	load_stats_init(&run->total);
	run->total.verdict = verdict;
	run->start_ns = run->second_ns = now;
	run->second = 0;
}

static bool worker_is_stuck(const struct run *run, struct worker *worker,
			    uint64_t now)
{
	uint64_t since = atomic_load(&worker->oldest_ns);
	uint64_t bound = run->options->timeout_ns;

	if (!since || worker_finished(worker))
		return false;
	if (run->options->kernel->endless) {
		since = run->release_ns;
		bound = RELEASE_NS;
	} else {
		bound = bound ? bound + WATCHDOG_GRACE_NS : 0;
	}
	return since && bound && now > since && now - since > bound;
}

static int check_stuck(const struct run *run, uint64_t now)
{
	for (uint32_t i = 0; i < run->n_started; i++) {
		if (!worker_is_stuck(run, &run->workers[i], now))
			continue;
		message_error("context %u: a submission neither completed nor "
			      "failed in time; giving up on it",
			      i);
		return -ETIMEDOUT;
	}
	return 0;
}

static void release_endless(struct run *run, uint64_t now)
{
	if (!run->options->kernel->endless || run->release_ns)
		return;
	run->release_ns = now;
	for (uint32_t i = 0; i < run->n_started; i++)
		job_release(run->workers[i].job);
}

static int supervise(struct run *run)
{
	uint64_t duration_ns = run->options->duration_ns;
	int r;

	while (!all_finished(run)) {
		uint64_t next = second_end(run), now;

		if (duration_ns && run->start_ns + duration_ns < next &&
		    !control_stopping())
			next = run->start_ns + duration_ns;
		control_wait(next);
		now = control_now();
		if (control_take_count())
			count_anew(run, now);
		r = tell_running(run);
		if (r < 0)
			return r;
		if (duration_ns && now >= run->start_ns + duration_ns)
			control_end();
		if (control_stopping())
			release_endless(run, now);
		if (now >= second_end(run)) {
			r = end_second(run, now);
			if (r < 0)
				return r;
		}
		r = check_stuck(run, now);
		if (r < 0)
			return r;
	}
	return 0;
}

static void join_all(struct run *run)
{
	for (uint32_t i = 0; i < run->n_started; i++)
		pthread_join(run->workers[i].thread, NULL);
	run->n_started = 0;
}

/* The first failure counts: others mostly follow from it. */
static int first_result(const struct run *run)
{
	for (uint32_t i = 0; i < run->n_workers; i++)
		if (run->workers[i].result < 0)
			return run->workers[i].result;
	return 0;
}

static uint64_t last_completion(const struct run *run)
{
	uint64_t end_ns = run->start_ns;

	for (uint32_t i = 0; i < run->n_workers; i++) {
		uint64_t ns = atomic_load(&run->workers[i].end_ns);

		if (ns > end_ns)
			end_ns = ns;
	}
	return end_ns;
}

/*
 * Of programs that share a GPU and end at once, none had less time than another: the
 * last completion of one that takes long turns may be long ago.
 */
static uint64_t counted_ns(const struct run *run)
{
	uint64_t end_ns = run->options->count_on_signal ? control_end_ns() : 0;

	if (end_ns < run->start_ns)
		end_ns = last_completion(run);
	return end_ns - run->start_ns;
}

static int sum_up(struct run *run, int result)
{
	struct load_stats stats;
	int r;

	take_stats(run, &stats);
	r = report_summary(&run->report, result, counted_ns(run), &run->total);
	return result < 0 ? result : r;
}

static int execute(struct run *run, bool *stuckp)
{
	int r;

	r = start(run);
	if (r == 0)
		r = supervise(run);
	if (r < 0) {
		/* The threads can't be joined: they may be blocked for good. */
		*stuckp = true;
		return sum_up(run, r);
	}
	r = first_result(run);
	r = sum_up(run, r);
	join_all(run);
	return r;
}

/* Work in flight still uses its buffers; and after a time-out or a loss, calls
 * to the driver may block for good. */
static bool leaves_work(const struct run *run, int result)
{
	if (result == -ETIMEDOUT || result == -ENODEV)
		return true;
	for (uint32_t i = 0; i < run->n_workers; i++)
		if (run->workers[i].job && run->workers[i].job->in_flight)
			return true;
	return false;
}

int load_run(const struct options *options, const struct gpu_set *set,
	     bool *stuckp)
{
	static struct run run;
	int r;

	run = (struct run){
		.options = options,
		.report.options = options,
		.told_running = !options->count_on_signal,
	};
	load_stats_init(&run.total);
	r = choose_gpu(&run, set);
	if (r < 0)
		return r;
	r = choose_items(&run);
	if (r < 0)
		return r;
	r = set_up(&run);
	if (r == 0 && options->verb == OPTIONS_RUN)
		r = execute(&run, stuckp);
	if (leaves_work(&run, r))
		*stuckp = true;
	if (*stuckp)
		return r;
	for (uint32_t i = 0; i < run.n_workers; i++)
		worker_deinit(&run.workers[i]);
	free(run.workers);
	return r;
}
