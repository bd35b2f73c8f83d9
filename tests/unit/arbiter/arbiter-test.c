// SPDX-License-Identifier: MIT
/*
 * The arbiter with processes that submit by real lanes and doors to a simulated
 * GPU in real time. Bounds leave room for a machine that is busy with other
 * things; what a bound proves is named by the test.
 */
#include "tests/unit/arbiter/stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scheduler/lane/door_wire.h"

#define MIB ((uint64_t)1 << 20)
#define KNOCKS 200
#define CONTEXTS 256

static struct stage s;
static unsigned int moments_asked;

/* Shares. */

static void two_with_equal_weight_have_half_each(void **unused)
{
	unsigned int shares[2], slack;

	(void)unused;
	stage_load(&s, stage_account(&s), MS, 0);
	stage_load(&s, stage_account(&s), 4 * MS, 0);
	stage_wait(stage_stats(&s, 0).submits && stage_stats(&s, 1).submits);
	slack = stage_shares(&s, 2 * SECOND, shares);
	assert_share(shares[0], 500, slack);
	assert_share(shares[1], 500, slack);
	assert_in_range(stage_stats(&s, 0).wanted, 300, 700);
}

static void weights_divide_the_gpu(void **unused)
{
	unsigned int shares[2], slack;

	(void)unused;
	stage_account(&s);
	s.settings[0].weight = 300;
	stage_set(&s, 0);
	stage_account(&s);
	stage_load(&s, 0, 2 * MS, 0);
	stage_load(&s, 1, 2 * MS, 0);
	stage_wait(stage_stats(&s, 0).submits && stage_stats(&s, 1).submits);
	slack = stage_shares(&s, 2 * SECOND, shares);
	assert_share(shares[0], 750, slack);
	assert_share(shares[1], 250, slack);
}

/* Two accounts of one tenant against one without: a half and two quarters. */
static void accounts_of_a_tenant_share_its_weight(void **unused)
{
	unsigned int shares[3], slack, i;

	(void)unused;
	for (i = 0; i < 3; i++)
		stage_account(&s);
	strcpy(s.settings[0].tenant, "tenant");
	strcpy(s.settings[1].tenant, "tenant");
	stage_load(&s, 0, 2 * MS, 0);
	stage_load(&s, 1, 2 * MS, 0);
	stage_load(&s, 2, 2 * MS, 0);
	stage_wait(stage_stats(&s, 0).submits && stage_stats(&s, 2).submits);
	/* While they run. */
	stage_set(&s, 0);
	stage_set(&s, 1);
	slack = stage_shares(&s, 2 * SECOND, shares);
	assert_share(shares[0], 250, slack);
	assert_share(shares[1], 250, slack);
	assert_share(shares[2], 500, slack);
}

static void cap_limits_even_the_only_one(void **unused)
{
	unsigned int shares[1], slack;

	(void)unused;
	stage_account(&s);
	s.settings[0].cap = 200;
	stage_set(&s, 0);
	stage_load(&s, 0, MS, 0);
	stage_wait(stage_stats(&s, 0).submits);
	slack = stage_shares(&s, 2 * SECOND, shares);
	assert_share(shares[0], 200, slack);
	assert_true(stage_stats(&s, 0).throttled_ns > SECOND);
	/* Lifted while it is throttled. */
	s.settings[0].cap = 1000;
	stage_set(&s, 0);
	slack = stage_shares(&s, SECOND, shares);
	assert_true(shares[0] + slack > 950);
}

static void reservation_holds_against_weight(void **unused)
{
	unsigned int shares[3], slack;

	(void)unused;
	stage_account(&s);
	s.settings[0].reservation = 300;
	stage_set(&s, 0);
	stage_account(&s);
	stage_account(&s);
	s.settings[1].weight = 1000;
	s.settings[2].weight = 1000;
	stage_set(&s, 1);
	stage_set(&s, 2);
	stage_load(&s, 0, MS, 0);
	stage_load(&s, 1, MS, 0);
	stage_load(&s, 2, MS, 0);
	stage_wait(stage_stats(&s, 0).submits && stage_stats(&s, 2).submits);
	slack = stage_shares(&s, 2 * SECOND, shares);
	assert_true(shares[0] + slack >= 300);
}

static void reservations_that_do_not_fit_are_refused(void **unused)
{
	(void)unused;
	stage_account(&s);
	stage_account(&s);
	s.settings[0].reservation = 600;
	stage_set(&s, 0);
	s.settings[1].reservation = 400;
	assert_int_equal(
		arbiter_account_set(s.arbiter, s.names[1], &s.settings[1]),
		-ENOSPC);
	s.settings[1].reservation = 300;
	stage_set(&s, 1);
	s.settings[1].cap = 200;
	assert_int_equal(
		arbiter_account_set(s.arbiter, s.names[1], &s.settings[1]),
		-EINVAL);
	assert_int_equal(
		arbiter_account_set(s.arbiter, "nobody", &s.settings[1]),
		-ENOENT);
}

/* Alone, the grant stands: hundreds of jobs, one hold. */
static void alone_it_keeps_the_grant(void **unused)
{
	struct arbiter_gpu_stats gpu;

	(void)unused;
	stage_load(&s, stage_account(&s), MS, MS);
	stage_wait(s.loads[0].shared->jobs > 300);
	arbiter_gpu_stats(s.arbiter, &gpu);
	assert_int_equal(gpu.holds, 1);
	/* Idle half of the time, and not charged for it. */
	assert_in_range(gpu.busy_ns, 300 * MS, gpu.now_ns);
	assert_true(gpu.idle_ns > 100 * MS);
	assert_int_equal(stage_stats(&s, 0).kills, 0);
}

static void best_effort_holds_nobody_up(void **unused)
{
	uint64_t jobs;

	(void)unused;
	stage_load(&s, stage_account(&s), MS, MS);
	stage_load(&s, stage_account(&s), MS, MS);
	stage_wait(s.loads[0].shared->jobs && s.loads[1].shared->jobs);
	s.config.policy = TSCHED_BEST_EFFORT;
	assert_int_equal(arbiter_set_config(s.arbiter, &s.config), 0);
	jobs = s.loads[0].shared->jobs;
	/* Longer than any lease. */
	stage_wait(s.loads[0].shared->jobs > jobs + 400);
	assert_true(stage_stats(&s, 0).gpu_ns > 0);
	s.config.policy = TSCHED_FAIR;
	assert_int_equal(arbiter_set_config(s.arbiter, &s.config), 0);
	jobs = s.loads[1].shared->jobs;
	stage_wait(s.loads[1].shared->jobs > jobs + 20);
}

/* Contexts. */

static void many_contexts_gain_an_account_nothing(void **unused)
{
	struct load more[4];
	unsigned int shares[2], slack, i;

	(void)unused;
	stage_load(&s, stage_account(&s), 2 * MS, 0);
	stage_load(&s, stage_account(&s), 2 * MS, 0);
	for (i = 0; i < 4; i++)
		load_start(&more[i], &s.specs[1], s.gpu);
	stage_wait(stage_stats(&s, 1).contexts == 5);
	stage_wait(stage_stats(&s, 0).submits);
	slack = stage_shares(&s, 2 * SECOND, shares);
	assert_share(shares[0], 500, slack);
	assert_share(shares[1], 500, slack);
	for (i = 0; i < 4; i++) {
		assert_true(more[i].shared->jobs > 0);
		load_stop(&more[i]);
	}
	stage_wait(stage_stats(&s, 1).contexts == 1);
}

static void endless_job_is_killed_and_counted(void **unused)
{
	int status;

	(void)unused;
	stage_account(&s);
	s.settings[0].kill_ns = 200 * MS;
	stage_set(&s, 0);
	stage_load(&s, stage_account(&s), 2 * MS, 0);
	s.specs[0].endless = 5;
	stage_load(&s, 0, MS, 0);
	stage_wait(s.events[ARBITER_CONTEXT_KILLED] == 1);
	waitpid(s.loads[0].pid, &status, 0);
	s.loads[0].pid = 0;
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_int_equal(stage_stats(&s, 0).kills, 1);
	assert_false(stage_stats(&s, 0).stopped);
	/* The other goes on, by itself now. */
	s.loads[1].shared->wait_max_ns = 0;
	stage_wait(stage_stats(&s, 0).contexts == 0);
	stage_wait(stage_stats(&s, 1).share > 800);
}

static void guard_stops_an_account_until_it_is_reset(void **unused)
{
	unsigned int i;

	(void)unused;
	stage_account(&s);
	s.settings[0].kill_ns = 50 * MS;
	stage_set(&s, 0);
	s.specs[0].endless = 1;
	for (i = 1; i <= 3; i++) {
		stage_load(&s, 0, MS, 0);
		stage_wait(stage_stats(&s, 0).kills == i);
		stage_stop(&s, 0);
	}
	assert_true(stage_stats(&s, 0).stopped);
	stage_wait(s.events[ARBITER_ACCOUNT_STOPPED] == 1);
	s.specs[0].endless = 0;
	stage_load(&s, 0, MS, 0);
	stage_wait(s.loads[0].shared->error == -EACCES);
	stage_stop(&s, 0);
	arbiter_account_reset(s.arbiter, s.names[0]);
	stage_load(&s, 0, MS, 0);
	stage_wait(s.loads[0].shared->jobs > 10);
	assert_false(stage_stats(&s, 0).stopped);
}

static void removed_account_ends_its_contexts(void **unused)
{
	int status;

	(void)unused;
	stage_load(&s, stage_account(&s), MS, 0);
	stage_wait(s.loads[0].shared->jobs > 10);
	assert_int_equal(arbiter_account_remove(s.arbiter, s.names[0]), 0);
	waitpid(s.loads[0].pid, &status, 0);
	s.loads[0].pid = 0;
	assert_true(WIFSIGNALED(status));
	assert_int_equal(access(s.doors[0], F_OK), -1);
	s.count = 0;
}

static uint64_t random_below(uint64_t limit)
{
	return (uint64_t)random() % limit;
}

static unsigned int moments_or(unsigned int few)
{
	return moments_asked ? moments_asked : few;
}

/*
 * Nobody waits until a kill limit passes, which is what happens when an end or
 * a stop goes unnoticed. Without other load it is the job in flight and a
 * millisecond, and for a stopped one the rest of its lease.
 */
#define WAIT_LIMIT (2 * SECOND)

/* Of the one that goes on; @moments of them, each a @what. */
static void check_waits(unsigned int moments, const char *what)
{
	uint64_t longest = s.loads[0].shared->wait_max_ns;

	print_message("longest wait in %u %s: %llu us\n", moments, what,
		      (unsigned long long)(longest / 1000));
	assert_in_range(longest, 0, WAIT_LIMIT);
	/* That it saw them at all: a job in flight is waited for. */
	assert_true(longest > MS);
}

static void check_nothing_is_left(void)
{
	struct arbiter_gpu_stats gpu;
	unsigned int i;

	for (i = 0; i < s.count; i++) {
		stage_stop(&s, i);
		stage_wait(stage_stats(&s, i).contexts == 0);
		assert_int_equal(stage_stats(&s, i).vram_used, 0);
		assert_int_equal(stage_stats(&s, i).kills, 0);
	}
	arbiter_gpu_stats(s.arbiter, &gpu);
	assert_int_equal(gpu.contexts, 0);
	assert_int_equal(gpu.vram_used, 0);
}

static void killed_at_any_moment_it_frees_the_gpu(void **unused)
{
	unsigned int moments = moments_or(200), i;

	(void)unused;
	srandom(1);
	stage_load(&s, stage_account(&s), MS, 0);
	stage_account(&s);
	s.specs[1].vram = MIB;
	stage_wait(s.loads[0].shared->jobs > 10);
	for (i = 0; i < moments; i++) {
		stage_load(&s, 1, 2 * MS, 0);
		load_sleep_until(load_now() + random_below(30 * MS));
		stage_stop(&s, 1);
	}
	check_waits(moments, "kills");
	stage_wait(stage_stats(&s, 1).contexts == 0);
	stage_wait(stage_stats(&s, 0).share > 800);
	check_nothing_is_left();
}

static void stopped_at_any_moment_it_frees_the_gpu(void **unused)
{
	unsigned int moments = moments_or(100), i;
	uint64_t jobs;

	(void)unused;
	srandom(2);
	s.config.lease_ns = 50 * MS;
	assert_int_equal(arbiter_set_config(s.arbiter, &s.config), 0);
	stage_load(&s, stage_account(&s), MS, 0);
	stage_account(&s);
	s.specs[1].vram = MIB;
	stage_load(&s, 1, 2 * MS, 0);
	stage_wait(s.loads[0].shared->jobs > 10 && s.loads[1].shared->jobs);
	s.loads[0].shared->wait_max_ns = 0;
	for (i = 0; i < moments; i++) {
		load_sleep_until(load_now() + random_below(30 * MS));
		load_kill(&s.loads[1], SIGSTOP);
		jobs = s.loads[0].shared->jobs;
		stage_wait(s.loads[0].shared->jobs > jobs + 20);
		load_kill(&s.loads[1], SIGCONT);
	}
	check_waits(moments, "stops, with a lease of 50 ms");
	jobs = s.loads[1].shared->jobs;
	stage_wait(s.loads[1].shared->jobs > jobs + 10);
	check_nothing_is_left();
}

/* Once it is known to be stopped, the other has the GPU to itself. */
static void stopped_waiter_wastes_no_slices(void **unused)
{
	unsigned int shares[2], slack;

	(void)unused;
	s.config.lease_ns = 50 * MS;
	assert_int_equal(arbiter_set_config(s.arbiter, &s.config), 0);
	stage_load(&s, stage_account(&s), MS, 0);
	stage_load(&s, stage_account(&s), MS, 0);
	stage_wait(s.loads[0].shared->jobs > 10 && s.loads[1].shared->jobs);
	load_kill(&s.loads[1], SIGSTOP);
	load_sleep_until(load_now() + 200 * MS);
	slack = stage_shares(&s, SECOND, shares);
	assert_true(shares[0] + slack > 950);
	load_kill(&s.loads[1], SIGCONT);
	slack = stage_shares(&s, SECOND, shares);
	assert_share(shares[1], 500, slack);
}

/* The arbiter ends, and another comes. */

static void
without_arbiter_nothing_passes_and_with_the_next_all_goes_on(void **unused)
{
	uint64_t now, jobs[2];
	unsigned int i;

	(void)unused;
	s.config.lease_ns = 100 * MS;
	assert_int_equal(arbiter_set_config(s.arbiter, &s.config), 0);
	for (i = 0; i < 2; i++) {
		stage_account(&s);
		s.specs[i].vram = MIB;
		stage_load(&s, i, MS, 0);
	}
	stage_wait(s.loads[0].shared->jobs > 10 &&
		   s.loads[1].shared->jobs > 10);
	stage_close(&s);
	now = load_now();
	load_sleep_until(now + 500 * MS);
	for (i = 0; i < 2; i++) {
		assert_true(s.loads[i].shared->last_ns < now + 300 * MS);
		jobs[i] = s.loads[i].shared->jobs;
	}
	stage_open(&s);
	stage_wait(s.loads[0].shared->jobs > jobs[0] + 20 &&
		   s.loads[1].shared->jobs > jobs[1] + 20);
	assert_true(stage_stats(&s, 0).vram_used >= MIB);
	for (i = 0; i < 2; i++) {
		stage_stop(&s, i);
		stage_wait(stage_stats(&s, i).vram_used == 0);
	}
}

static void raw_submit(struct lane *lane, struct lane_job *job)
{
	uint64_t now = load_now();

	if (!lane_enter(lane, now))
		_exit(1);
	*job = (struct lane_job){
		.id = lane_submitted(lane, LANE_COMPUTE, now),
		.submit_ns = now,
		.gpu_ns = 600 * MS,
	};
}

static void raw_complete(struct lane *lane, struct lane_job *job)
{
	load_sleep_until(load_now() + 600 * MS);
	job->complete_ns = load_now();
	lane_leave(lane, job);
}

/* Two jobs, one after the other, that a new arbiter finds in flight. */
static void raw_gate(const char *path)
{
	struct pollfd end = {0};
	struct lane_job jobs[2];
	struct lane lane = {0};
	struct door door;

	if (door_init(&door, path) < 0 || load_connect(&door, &lane) < 0)
		_exit(1);
	lane_want(&lane, 2);
	while (lane_wait(&lane, UINT64_MAX) < 0)
		;
	raw_submit(&lane, &jobs[0]);
	raw_submit(&lane, &jobs[1]);
	lane_want(&lane, 0);
	end.fd = door_fd(&door);
	poll(&end, 1, -1);
	door_charge(&door, 0);
	if (load_connect(&door, &lane) < 0)
		_exit(1);
	raw_complete(&lane, &jobs[0]);
	raw_complete(&lane, &jobs[1]);
	_exit(0);
}

/*
 * Each is within the kill limit, but both together are not; and a gate that
 * does not hold the grant rings when the last of them has ended.
 */
static void jobs_in_flight_outlive_the_arbiter_one_by_one(void **unused)
{
	int status;
	pid_t pid;

	(void)unused;
	/* Two at once are for those whose jobs are known, or for everybody. */
	s.config.policy = TSCHED_BEST_EFFORT;
	assert_int_equal(arbiter_set_config(s.arbiter, &s.config), 0);
	stage_account(&s);
	s.settings[0].kill_ns = SECOND;
	stage_set(&s, 0);
	pid = load_fork();
	if (!pid)
		raw_gate(s.doors[0]);
	stage_wait(stage_stats(&s, 0).submits == 2);
	stage_close(&s);
	s.config.policy = TSCHED_FAIR;
	stage_open(&s);
	waitpid(pid, &status, 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(stage_stats(&s, 0).kills, 0);
}

/* A job that is seen complete @ns after it went, by a gate that waits for its turn;
 * so many others wait behind it. */
static void job_run(struct lane *lane, struct lane_job job, uint64_t ns,
		    uint32_t others)
{
	bool entered = false;

	stage_wait(entered = entered || lane_enter(lane, load_now()));
	job.submit_ns = load_now();
	job.id = lane_submitted(lane, LANE_COMPUTE, job.submit_ns);
	lane_want(lane, others);
	load_sleep_until(job.submit_ns + ns);
	job.complete_ns = load_now();
	lane_leave(lane, &job);
}

/* A job whose end is seen 5 ms after it. */
static void late_job(struct lane *lane, bool exact)
{
	job_run(lane, (struct lane_job){.gpu_ns = MS / 10, .exact = exact},
		5 * MS, 0);
}

static bool lane_is_deep(struct lane *lane)
{
	uint64_t now = load_now();
	bool first = lane_enter(lane, now);
	bool second = first && lane_enter(lane, now);

	if (second)
		lane_leave(lane, &(struct lane_job){});
	if (first)
		lane_leave(lane, &(struct lane_job){});
	return second;
}

/* Who is known to have short jobs may submit several at once when alone. */
static void late_jobs_teach_only_what_the_gpu_measured(void **unused)
{
	struct lane lane = {0};
	struct door door;
	unsigned int i;

	(void)unused;
	stage_account(&s);
	assert_int_equal(door_init(&door, s.doors[0]), 0);
	assert_int_equal(load_connect(&door, &lane), 0);
	lane_want(&lane, 1);
	for (i = 0; i < 40; i++)
		late_job(&lane, false);
	assert_false(lane_is_deep(&lane));
	for (i = 0; i < 40; i++)
		late_job(&lane, true);
	stage_wait(lane_is_deep(&lane));
	door_deinit(&door);
	lane_unmap(&lane);
	stage_wait(stage_stats(&s, 0).contexts == 0);
}

/*
 * Jobs too long for two at once, each waiting for the end of the one before: until
 * several may go. @late_ns: by how much ends are seen late; @gap_ns: how long the
 * next one takes to go.
 */
static void grow_deep(uint64_t late_ns, uint64_t gap_ns)
{
	const struct lane_job job = {
		.gpu_ns = 6 * MS,
		.late_ns = late_ns,
		.on_time = true,
	};
	uint64_t end_ns = load_now() + 10 * SECOND;
	struct lane lane = {0};
	struct door door;
	bool deep = false;

	stage_account(&s);
	assert_int_equal(door_init(&door, s.doors[0]), 0);
	assert_int_equal(load_connect(&door, &lane), 0);
	lane_want(&lane, 2);
	while (!deep && load_now() < end_ns) {
		job_run(&lane, job, 6 * MS, 2);
		load_sleep_until(load_now() + gap_ns);
		deep = lane_is_deep(&lane);
	}
	assert_true(deep);
	door_deinit(&door);
	lane_unmap(&lane);
	stage_wait(stage_stats(&s, 0).contexts == 0);
}

static void who_is_slow_from_job_to_job_may_queue(void **unused)
{
	(void)unused;
	grow_deep(0, 6 * MS);
}

static void who_sees_ends_late_may_queue(void **unused)
{
	(void)unused;
	grow_deep(6 * MS, 0);
}

/* While the arbiter lives, and before it has seen that one is lost. */
static void lost_connection_is_made_anew_with_the_same_lane(void **unused)
{
	struct lane lane = {0};
	struct door doors[2];
	uint64_t now;

	(void)unused;
	stage_account(&s);
	assert_int_equal(door_init(&doors[0], s.doors[0]), 0);
	assert_int_equal(door_init(&doors[1], s.doors[0]), 0);
	assert_int_equal(load_connect(&doors[0], &lane), 0);
	assert_int_equal(load_connect(&doors[1], &lane), 0);
	door_deinit(&doors[0]);
	stage_wait(stage_stats(&s, 0).contexts == 1);
	lane_want(&lane, 1);
	now = load_now();
	assert_int_equal(lane_wait(&lane, now + 10 * SECOND), 0);
	assert_true(lane_enter(&lane, load_now()));
	door_deinit(&doors[1]);
	lane_unmap(&lane);
	stage_wait(stage_stats(&s, 0).contexts == 0);
}

/* Doors. */

/* Video memory beyond the quota is refused, small pieces a little later. */
static void vram_quota_holds(void **unused)
{
	struct lane lane = {0};
	struct door door;

	(void)unused;
	stage_account(&s);
	s.settings[0].vram_limit = 256 * MIB;
	stage_set(&s, 0);
	assert_int_equal(door_init(&door, s.doors[0]), 0);
	assert_int_equal(load_connect(&door, &lane), 0);
	assert_int_equal(door_charge(&door, 256 * MIB), 0);
	assert_int_equal(lane_vram_used(&lane), 256 * MIB);
	assert_int_equal(lane_vram_limit(&lane), 256 * MIB);
	assert_int_equal(door_charge(&door, MIB), -ENOSPC);
	assert_int_equal(door_charge(&door, MIB - 1), 0);
	assert_int_equal(door_charge(&door, UINT64_MAX), -ENOSPC);
	door_release(&door, 3 * MIB);
	assert_int_equal(door_charge(&door, MIB), 0);
	assert_int_equal(stage_stats(&s, 0).vram_refusals, 2);
	/* What is in use beyond a lower limit stays. */
	s.settings[0].vram_limit = 64 * MIB;
	stage_set(&s, 0);
	assert_true(stage_stats(&s, 0).vram_used > 250 * MIB);
	assert_int_equal(door_charge(&door, 1), -ENOSPC);
	door_deinit(&door);
	lane_unmap(&lane);
	stage_wait(stage_stats(&s, 0).vram_used == 0);
}

static int raw_connect(const char *path)
{
	struct lane lane = {0};
	struct door door;
	int fd;

	assert_int_equal(door_init(&door, path), 0);
	assert_int_equal(load_connect(&door, &lane), 0);
	fd = dup(door_fd(&door));
	door_deinit(&door);
	lane_unmap(&lane);
	return fd;
}

static void whoever_breaks_the_protocol_is_shut_out(void **unused)
{
	static const struct door_message bad[] = {
		{.packet = {.type = 0}},
		{.packet = {.type = DOOR_HELLO, .value = DOOR_VERSION}},
		{.packet = {.type = DOOR_WELCOME}},
		{.packet = {.type = UINT32_MAX, .bytes = UINT64_MAX}},
	};
	struct door_message answer;
	unsigned int i;
	int fd;

	(void)unused;
	stage_account(&s);
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		fd = raw_connect(s.doors[0]);
		assert_int_equal(door_send(fd, &bad[i], 0), 0);
		assert_int_equal(door_receive(fd, &answer, 0), -EPIPE);
		close(fd);
	}
	fd = raw_connect(s.doors[0]);
	assert_int_equal(send(fd, "short", 5, 0), 5);
	assert_int_equal(door_receive(fd, &answer, 0), -EPIPE);
	close(fd);
	stage_wait(stage_stats(&s, 0).contexts == 0);
}

/* A gate that shows anything but a lane is refused. */
static void only_sealed_memory_is_adopted(void **unused)
{
	struct lane lane = {.bell_fd = -1};
	struct door door;

	(void)unused;
	stage_account(&s);
	lane.memory = (struct lane_memory *)&lane; /* not to be mapped anew */
	lane.memory_fd = memfd_create("unsealed", MFD_CLOEXEC);
	assert_int_equal(ftruncate(lane.memory_fd, 65536), 0);
	assert_int_equal(door_init(&door, s.doors[0]), 0);
	assert_int_equal(door_connect(&door, &lane, 5000), -EINVAL);
	door_deinit(&door);
	close(lane.memory_fd);
}

static void descriptors_allow(void)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void account_takes_no_more_contexts_than_its_bound(void **unused)
{
	static struct lane lanes[CONTEXTS + 1];
	static struct door doors[CONTEXTS + 1];
	unsigned int i;

	(void)unused;
	descriptors_allow();
	stage_account(&s);
	for (i = 0; i <= CONTEXTS; i++)
		assert_int_equal(door_init(&doors[i], s.doors[0]), 0);
	for (i = 0; i < CONTEXTS; i++)
		assert_int_equal(load_connect(&doors[i], &lanes[i]), 0);
	assert_int_equal(door_connect(&doors[i], &lanes[i], 5000), -EUSERS);
	/* One goes, and there is room for another. */
	door_deinit(&doors[0]);
	lane_unmap(&lanes[0]);
	stage_wait(stage_stats(&s, 0).contexts == CONTEXTS - 1);
	assert_int_equal(load_connect(&doors[i], &lanes[i]), 0);
	for (i = 1; i <= CONTEXTS; i++) {
		door_deinit(&doors[i]);
		lane_unmap(&lanes[i]);
	}
	stage_wait(stage_stats(&s, 0).contexts == 0);
}

/* One rings its bell and floods its door without end; the other goes on. */
static void flooder(const char *path)
{
	struct door_message release = {.packet = {.type = DOOR_RELEASE}};
	struct lane lane = {0};
	struct door door;

	if (door_init(&door, path) < 0 || load_connect(&door, &lane) < 0)
		_exit(1);
	for (;;) {
		door_send(door_fd(&door), &release, MSG_DONTWAIT);
		lane_ask(&lane);
	}
}

/* Knocks without end and says nothing. */
static void knocker(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fds[KNOCKS] = {0};
	unsigned int i;

	strcpy(address.sun_path, path);
	for (i = 0;; i = (i + 1) % KNOCKS) {
		if (fds[i] > 0)
			close(fds[i]);
		fds[i] = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0);
		connect(fds[i], (struct sockaddr *)&address, sizeof(address));
	}
}

static void flood_disturbs_nobody_else(void **unused)
{
	struct load flood, knocks;
	uint64_t jobs;

	(void)unused;
	stage_load(&s, stage_account(&s), MS, 0);
	stage_account(&s);
	stage_wait(s.loads[0].shared->jobs > 10);
	flood.pid = load_fork();
	if (!flood.pid)
		flooder(s.doors[1]);
	stage_wait(stage_stats(&s, 1).contexts == 1);
	knocks.pid = load_fork();
	if (!knocks.pid)
		knocker(s.doors[1]);
	jobs = s.loads[0].shared->jobs;
	stage_wait(s.loads[0].shared->jobs > jobs + 200);
	load_stop(&knocks);
	load_stop(&flood);
	stage_wait(stage_stats(&s, 1).contexts == 0);
	/* Its door is open as before. */
	stage_load(&s, 1, MS, 0);
	stage_wait(s.loads[1].shared->jobs > 10);
}

/* Of the last so many holds, of which there must be as many. */
static unsigned int last_submits(size_t holds)
{
	static struct arbiter_slice slices[4096];
	unsigned int submits = 0;
	uint64_t after = 0;
	size_t count = arbiter_slices(s.arbiter, &after, slices, 4096);

	if (count < holds)
		return 0;
	for (size_t i = count - holds; i < count; i++)
		submits += slices[i].submits;
	return submits;
}

/* Jobs longer than a slice, each submitted late: two or more for each handoff. Who
 * was kept from the processor for long is learnt to take long, for a while. */
static void slices_grow_where_a_handoff_is_dear(void **unused)
{
	unsigned int shares[2], slack;

	(void)unused;
	stage_account(&s);
	stage_account(&s);
	s.specs[0].lag_ns = 3 * MS;
	s.specs[1].lag_ns = 3 * MS;
	stage_load(&s, 0, 5 * MS, 0);
	stage_load(&s, 1, 5 * MS, 0);
	stage_wait(stage_stats(&s, 0).submits > 50 &&
		   stage_stats(&s, 1).submits > 50);
	slack = stage_shares(&s, SECOND, shares);
	assert_share(shares[0], 500, slack);
	stage_wait(last_submits(8) >= 16);
}

/* Calls @visit for each thread of this process. */
static void threads_visit(void (*visit)(pid_t thread, void *data), void *data)
{
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *task;

	assert_non_null(tasks);
	while ((task = readdir(tasks)))
		if (task->d_name[0] != '.')
			visit((pid_t)strtol(task->d_name, NULL, 10), data);
	closedir(tasks);
}

static void nice_find(pid_t thread, void *least)
{
	int nice = getpriority(PRIO_PROCESS, (id_t)thread);

	if (nice < *(int *)least)
		*(int *)least = nice;
}

static int least_nice(void)
{
	int least = 0;

	threads_visit(nice_find, &least);
	return least;
}

static void its_thread_goes_before_others(void **unused)
{
	(void)unused;
	if (setpriority(PRIO_PROCESS, 0, -1) < 0)
		skip();
	setpriority(PRIO_PROCESS, 0, 0);
	stage_wait(least_nice() < -1);
	assert_int_equal(getpriority(PRIO_PROCESS, 0), 0);
}

static void set_processors(pid_t thread, void *set)
{
	assert_int_equal(sched_setaffinity(thread, sizeof(cpu_set_t), set), 0);
}

/*
 * Accounts count that do work, each once, and not those that are only there.
 */
static void gates_are_told_of_a_crowd(void **unused)
{
	struct load second;
	cpu_set_t all, one;

	(void)unused;
	assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
	CPU_ZERO(&one);
	CPU_SET((size_t)sched_getcpu(), &one);
	threads_visit(set_processors, &one);
	for (unsigned int i = 0; i < 3; i++)
		stage_load(&s, stage_account(&s), MS, 0);
	load_start(&second, &s.specs[0], s.gpu);
	stage_load(&s, stage_account(&s), MS, 3600 * SECOND);
	stage_wait(s.loads[0].shared->crowd == 3 &&
		   s.loads[1].shared->crowd == 3 && second.shared->crowd == 3);
	stage_stop(&s, 2);
	stage_wait(s.loads[0].shared->crowd == 2);
	load_stop(&second);
	threads_visit(set_processors, &all);
	stage_wait(s.loads[0].shared->crowd ==
		   1 + (CPU_COUNT(&all) == 1 ? 1U : 0U));
}

static void slices_tell_of_each_hold(void **unused)
{
	static struct arbiter_slice slices[64];
	uint64_t after = 0;
	size_t count, i;

	(void)unused;
	stage_load(&s, stage_account(&s), MS, 0);
	stage_load(&s, stage_account(&s), MS, 0);
	stage_wait(stage_stats(&s, 0).submits > 100 &&
		   stage_stats(&s, 1).submits > 100);
	count = arbiter_slices(s.arbiter, &after, slices, 64);
	assert_true(count > 4);
	assert_int_equal(after, count);
	for (i = 0; i < count; i++) {
		assert_true(slices[i].want_ns <= slices[i].begin_ns);
		assert_true(slices[i].begin_ns <= slices[i].end_ns);
		if (i)
			assert_true(slices[i].begin_ns >= slices[i - 1].end_ns);
	}
	assert_true(stage_stats(&s, 0).wait_p99_us >=
		    stage_stats(&s, 0).wait_p50_us);
}

#define staged(name) stage_test(name, &s)

/*
 * arbiter-test [PATTERN [MOMENTS]]: the tests whose names match; MOMENTS: at how
 * many a process is killed or stopped
 */
int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		staged(two_with_equal_weight_have_half_each),
		staged(weights_divide_the_gpu),
		staged(accounts_of_a_tenant_share_its_weight),
		staged(cap_limits_even_the_only_one),
		staged(reservation_holds_against_weight),
		staged(reservations_that_do_not_fit_are_refused),
		staged(alone_it_keeps_the_grant),
		staged(best_effort_holds_nobody_up),
		staged(many_contexts_gain_an_account_nothing),
		staged(endless_job_is_killed_and_counted),
		staged(guard_stops_an_account_until_it_is_reset),
		staged(removed_account_ends_its_contexts),
		staged(killed_at_any_moment_it_frees_the_gpu),
		staged(stopped_at_any_moment_it_frees_the_gpu),
		staged(stopped_waiter_wastes_no_slices),
		staged(without_arbiter_nothing_passes_and_with_the_next_all_goes_on),
		staged(lost_connection_is_made_anew_with_the_same_lane),
		staged(vram_quota_holds),
		staged(whoever_breaks_the_protocol_is_shut_out),
		staged(jobs_in_flight_outlive_the_arbiter_one_by_one),
		staged(late_jobs_teach_only_what_the_gpu_measured),
		staged(who_is_slow_from_job_to_job_may_queue),
		staged(who_sees_ends_late_may_queue),
		staged(only_sealed_memory_is_adopted),
		staged(account_takes_no_more_contexts_than_its_bound),
		staged(flood_disturbs_nobody_else),
		staged(slices_grow_where_a_handoff_is_dear),
		staged(its_thread_goes_before_others),
		staged(gates_are_told_of_a_crowd),
		staged(slices_tell_of_each_hold),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	if (argc > 2)
		moments_asked = (unsigned int)strtoul(argv[2], NULL, 10);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
