// SPDX-License-Identifier: MIT
/*
 * What a lane and its arbiter cost: time to pass the gate while the grant is
 * held, time from one gate's last job to the next gate's first, the processor
 * time of the arbiter meanwhile, and time from a holder's death to the next
 * submission.
 */
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scheduler/arbiter/arbiter.h"
#include "scheduler/lane/door.h"
#include "scheduler/lane/lane.h"
#include "scheduler/lane/lane_atomic.h"

#define NS_PER_US 1000u
#define NS_PER_S 1000000000u
#define BATCH 128
#define BATCHES 8000
#define HANDOVERS 20000
#define GATES 2
#define JOB_NS (300 * NS_PER_US)
#define PAUSE_NS (150 * NS_PER_US)
#define SECONDS 5
#define DEATHS 100

/* Between the gates: when one left the GPU, and how long the next one took. */
struct shared {
	_Atomic uint64_t left_ns;
	_Atomic int left_by;
	_Atomic uint64_t submit_ns; /* the latest */
	_Atomic bool victim_holds;
	_Atomic uint32_t count;
	uint32_t handover_ns[HANDOVERS];
};

static int compare(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left;
	uint32_t b = *(const uint32_t *)right;

	return a < b ? -1 : a > b;
}

static void pin(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static uint32_t pass_batch(struct lane *lane)
{
	uint64_t begin = lane_now();
	unsigned int i;

	for (i = 0; i < BATCH; i++) {
		struct lane_job job = {.submit_ns = begin};

		if (!lane_enter(lane, begin))
			abort();
		job.id = lane_submitted(lane, LANE_COMPUTE, begin);
		job.complete_ns = begin;
		lane_leave(lane, &job);
	}
	return (lane_now() - begin) / BATCH;
}

static void bench_pass(void)
{
	static uint32_t costs[BATCHES];
	struct lane_job job;
	struct lane lane;
	unsigned int i;

	if (lane_create(&lane) < 0)
		abort();
	pin();
	lane_grant(&lane, 8, UINT64_MAX);
	for (i = 0; i < BATCHES; i++) {
		costs[i] = pass_batch(&lane);
		while (lane_take_job(&lane, &job))
			;
	}
	qsort(costs, BATCHES, sizeof(*costs), compare);
	printf("enter, submitted and leave, pinned: median %u ns, least %u ns\n",
	       costs[BATCHES / 2], costs[0]);
	lane_destroy(&lane);
}

static void sleep_until(uint64_t ns)
{
	struct timespec until = {
		.tv_sec = (time_t)(ns / NS_PER_S),
		.tv_nsec = (long)(ns % NS_PER_S),
	};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

static void handover_note(struct shared *shared, uint64_t now)
{
	uint32_t index;

	if (shared->left_by == getpid() || !shared->left_by)
		return;
	index = shared->count++;
	if (index < HANDOVERS)
		shared->handover_ns[index] = now - shared->left_ns;
}

static void gate_turn(struct lane *lane, struct shared *shared)
{
	struct lane_job job = {.on_time = true, .gpu_ns = JOB_NS};
	bool waited = false;

	while (!lane_enter(lane, lane_now())) {
		if (!waited)
			lane_want(lane, 1);
		waited = true;
		lane_wait(lane, lane_now() + NS_PER_S);
	}
	job.submit_ns = lane_now();
	shared->submit_ns = job.submit_ns;
	if (waited) {
		handover_note(shared, job.submit_ns);
		lane_want(lane, 0);
	}
	job.id = lane_submitted(lane, LANE_COMPUTE, job.submit_ns);
	sleep_until(job.submit_ns + JOB_NS);
	job.complete_ns = lane_now();
	shared->left_by = getpid();
	shared->left_ns = job.complete_ns;
	lane_leave(lane, &job);
	sleep_until(job.complete_ns + PAUSE_NS);
}

static void gate_main(const char *path, struct shared *shared)
{
	struct lane lane = {0};
	struct door door;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_TIMERSLACK, 1);
	if (door_init(&door, path) < 0 || door_connect(&door, &lane, 5000) < 0)
		_exit(1);
	for (;;)
		gate_turn(&lane, shared);
}

static void handovers_print(struct shared *shared)
{
	uint32_t count = shared->count < HANDOVERS ? shared->count : HANDOVERS;

	if (!count)
		return;
	qsort(shared->handover_ns, count, sizeof(*shared->handover_ns),
	      compare);
	printf("hand-over, last job seen to next submission: median %u us, "
	       "p99 %u us, %u of them\n",
	       shared->handover_ns[count / 2] / NS_PER_US,
	       shared->handover_ns[count * 99 / 100] / NS_PER_US, count);
}

static uint64_t cpu_us(void)
{
	struct rusage used;

	getrusage(RUSAGE_SELF, &used);
	return (uint64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) *
		       1000000 +
	       (uint64_t)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

static void arbiter_print(struct arbiter *arbiter, uint64_t cpu)
{
	struct arbiter_gpu_stats stats;

	arbiter_gpu_stats(arbiter, &stats);
	printf("arbiter: %" PRIu64 " holds/s, %.2f %% of one processor, "
	       "%.1f us each\n",
	       stats.holds / SECONDS, (double)cpu / (SECONDS * 10000.0),
	       stats.holds ? (double)cpu / (double)stats.holds : 0.0);
}

/* Takes the GPU and never gives it back. */
static void victim_main(const char *path, struct shared *shared)
{
	struct lane lane = {0};
	struct door door;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (door_init(&door, path) < 0 || door_connect(&door, &lane, 5000) < 0)
		_exit(1);
	lane_want(&lane, 1);
	while (!lane_enter(&lane, lane_now()))
		lane_wait(&lane, UINT64_MAX);
	lane_submitted(&lane, LANE_COMPUTE, lane_now());
	shared->victim_holds = true;
	for (;;)
		pause();
}

static uint32_t death(const char *path, struct shared *shared)
{
	uint64_t died_ns;
	pid_t victim;

	shared->victim_holds = false;
	victim = fork();
	if (!victim)
		victim_main(path, shared);
	while (!shared->victim_holds)
		sleep_until(lane_now() + PAUSE_NS);
	/* The others have come to wait meanwhile. */
	sleep_until(lane_now() + 20 * JOB_NS);
	died_ns = lane_now();
	kill(victim, SIGKILL);
	while (shared->submit_ns < died_ns)
		sleep_until(lane_now() + PAUSE_NS);
	waitpid(victim, NULL, 0);
	return shared->submit_ns - died_ns;
}

static void bench_death(const char *path, struct shared *shared)
{
	uint32_t times[DEATHS];
	unsigned int i;

	for (i = 0; i < DEATHS; i++)
		times[i] = death(path, shared);
	qsort(times, DEATHS, sizeof(*times), compare);
	printf("death of the holder to the next submission: median %u us, "
	       "most %u us, %u of them\n",
	       times[DEATHS / 2] / NS_PER_US, times[DEATHS - 1] / NS_PER_US,
	       DEATHS);
}

static struct shared *shared_new(void)
{
	void *shared = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (shared == MAP_FAILED)
		abort();
	return shared;
}

static struct arbiter *arbiter_start(void)
{
	struct tsched_config config;
	struct arbiter *arbiter;

	tsched_config_init(&config);
	/* Each gap hands over. */
	config.anticipate_ns = 0;
	if (arbiter_new(&arbiter, &config, NULL, NULL) < 0)
		abort();
	return arbiter;
}

static void bench_arbiter(void)
{
	struct shared *shared = shared_new();
	struct arbiter *arbiter = arbiter_start();
	char folder[] = "/tmp/lane-bench.XXXXXX";
	char name[8], doors[GATES][64];
	struct arbiter_settings settings;
	pid_t gates[GATES];
	uint64_t cpu;
	unsigned int i;

	arbiter_settings_init(&settings);
	if (!mkdtemp(folder))
		abort();
	for (i = 0; i < GATES; i++) {
		snprintf(name, sizeof(name), "%u", i);
		snprintf(doors[i], sizeof(doors[i]), "%s/%u", folder, i);
		if (arbiter_account_add(arbiter, name, &settings, doors[i]) < 0)
			abort();
		gates[i] = fork();
		if (!gates[i])
			gate_main(doors[i], shared);
	}
	cpu = cpu_us();
	sleep(SECONDS);
	arbiter_print(arbiter, cpu_us() - cpu);
	handovers_print(shared);
	bench_death(doors[0], shared);
	for (i = 0; i < GATES; i++) {
		kill(gates[i], SIGKILL);
		waitpid(gates[i], NULL, 0);
	}
	arbiter_free(arbiter);
	rmdir(folder);
}

int main(void)
{
	bench_arbiter();
	bench_pass();
	return 0;
}
