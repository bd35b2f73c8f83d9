// SPDX-License-Identifier: MIT
#include "tests/unit/arbiter/load.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DEPTH_MAX 8
/* Behind the arbiter's thread, before what else the machine does. */
#define LOAD_NICE (-14)
#define LOOK_NS (20 * MS)
#define CONNECT_MS 1000
#define CONNECT_PATIENCE_NS (5 * SECOND)

struct gate {
	const struct load_spec *spec;
	struct load_shared *shared;
	struct load_gpu *gpu;
	struct door door;
	struct lane lane;
	struct lane_job jobs[DEPTH_MAX]; /* ring, oldest first */
	unsigned int first;
	unsigned int count;
	uint64_t submitted;
};

uint64_t load_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec;
}

void load_sleep_until(uint64_t ns)
{
	struct timespec until = {
		.tv_sec = (time_t)(ns / SECOND),
		.tv_nsec = (long)(ns % SECOND),
	};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) ==
	       EINTR)
		;
}

static void *shared_new(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		abort();
	return memory;
}

struct load_gpu *load_gpu_new(void)
{
	return shared_new(sizeof(struct load_gpu));
}

int load_connect(struct door *door, struct lane *lane)
{
	uint64_t end = load_now() + CONNECT_PATIENCE_NS;
	int r;

	do {
		r = door_connect(door, lane, CONNECT_MS);
		if (r == 0 || r == -EACCES)
			return r;
		load_sleep_until(load_now() + MS);
	} while (load_now() < end);
	return r;
}

static void gate_fail(struct gate *gate, int r)
{
	gate->shared->error = r;
	_exit(1);
}

/* A new arbiter may be there before the old connection was seen to end. */
static void gate_check_door(struct gate *gate)
{
	struct pollfd end = {.fd = door_fd(&gate->door)};
	int r;

	if (end.fd >= 0 && poll(&end, 1, 0) == 0)
		return;
	/* Notice the loss. */
	door_charge(&gate->door, 0);
	r = load_connect(&gate->door, &gate->lane);
	if (r < 0)
		gate_fail(gate, r);
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* When the GPU will have done the first job in flight. */
static uint64_t gate_end(const struct gate *gate)
{
	return gate->count ? gate->jobs[gate->first].complete_ns : UINT64_MAX;
}

static void gate_complete(struct gate *gate)
{
	struct lane_job *job = &gate->jobs[gate->first];
	uint64_t end = job->complete_ns;

	while (end == UINT64_MAX)
		pause();
	load_sleep_until(end);
	gate->first = (gate->first + 1) % DEPTH_MAX;
	gate->count--;
	job->complete_ns = load_now();
	/* Seen much later than it happened: not to be learnt from. */
	job->on_time = job->complete_ns - end < MS;
	lane_leave(&gate->lane, job);
	gate->shared->work_ns += gate->spec->job_ns;
	gate->shared->jobs++;
}

static void gate_enter(struct gate *gate)
{
	uint64_t begin = load_now();
	uint64_t now = begin;
	bool wanted = false;

	while (!lane_enter(&gate->lane, now)) {
		if (!wanted)
			lane_want(&gate->lane, 1);
		wanted = true;
		if (lane_wait(&gate->lane,
			      smaller(now + LOOK_NS, gate_end(gate))) == 0)
			load_sleep_until(load_now() + gate->spec->lag_ns);
		gate_check_door(gate);
		now = load_now();
		while (gate_end(gate) <= now)
			gate_complete(gate);
	}
	if (wanted)
		lane_want(&gate->lane, 0);
	if (now - begin > gate->shared->wait_max_ns)
		gate->shared->wait_max_ns = now - begin;
}

static void gpu_note_queued(struct load_gpu *gpu, uint64_t ns)
{
	uint64_t most = atomic_load(&gpu->queued_max_ns);

	atomic_fetch_add(&gpu->queued, 1);
	while (ns > most &&
	       !atomic_compare_exchange_weak(&gpu->queued_max_ns, &most, ns))
		;
}

/* One that comes now, when the GPU will not have done the last one for @ns. */
static void gpu_note(struct load_gpu *gpu, uint64_t ns)
{
	pid_t own = getpid();

	if (atomic_exchange(&gpu->last, own) == own)
		return;
	atomic_fetch_add(&gpu->handoffs, 1);
	if (ns)
		gpu_note_queued(gpu, ns);
}

/* When the GPU will have done a job that it is given now. */
static uint64_t gpu_submit(struct load_gpu *gpu, uint64_t job_ns, uint64_t now)
{
	uint64_t free_ns = atomic_load(&gpu->free_ns);
	uint64_t end;

	do
		end = (free_ns > now ? free_ns : now) + job_ns;
	while (!atomic_compare_exchange_weak(&gpu->free_ns, &free_ns, end));
	gpu_note(gpu, free_ns > now ? free_ns - now : 0);
	return end;
}

static void gate_submit(struct gate *gate)
{
	const struct load_spec *spec = gate->spec;
	uint64_t now = load_now();
	struct lane_job *job =
		&gate->jobs[(gate->first + gate->count++) % DEPTH_MAX];

	*job = (struct lane_job){
		.id = lane_submitted(&gate->lane, LANE_COMPUTE, now),
		.submit_ns = now,
		.engine = LANE_COMPUTE,
		.gpu_ns = spec->job_ns,
	};
	gate->shared->last_ns = now;
	gate->shared->crowd = lane_crowd(&gate->lane);
	job->complete_ns = ++gate->submitted == spec->endless
				   ? UINT64_MAX
				   : gpu_submit(gate->gpu, spec->job_ns, now);
}

static void gate_use_vram(struct gate *gate)
{
	if (!gate->spec->vram)
		return;
	if (door_charge(&gate->door, gate->spec->vram) < 0)
		gate->shared->refusals++;
	else if (gate->submitted % 2)
		door_release(&gate->door, gate->spec->vram);
}

static void gate_main(struct gate *gate)
{
	unsigned int depth = gate->spec->depth ? gate->spec->depth : 1;
	int r = door_init(&gate->door, gate->spec->door);

	if (r == 0)
		r = load_connect(&gate->door, &gate->lane);
	if (r < 0)
		gate_fail(gate, r);
	for (;;) {
		gate_use_vram(gate);
		gate_enter(gate);
		gate_submit(gate);
		if (gate->count < depth)
			continue;
		gate_complete(gate);
		if (gate->spec->gap_ns)
			load_sleep_until(load_now() + gate->spec->gap_ns);
	}
}

pid_t load_fork(void)
{
	pid_t parent = getpid();
	pid_t pid = fork();

	if (pid < 0)
		abort();
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	close_range(STDERR_FILENO + 1, UINT_MAX, 0);
	return 0;
}

void load_start(struct load *load, const struct load_spec *spec,
		struct load_gpu *gpu)
{
	struct gate gate = {
		.spec = spec,
		.gpu = gpu,
		.shared = shared_new(sizeof(*load->shared)),
	};

	load->shared = gate.shared;
	load->pid = load_fork();
	if (load->pid)
		return;
	/* Who is kept from the processor does not want the GPU, and has less of it. */
	setpriority(PRIO_PROCESS, 0, LOAD_NICE);
	prctl(PR_SET_TIMERSLACK, 1);
	gate_main(&gate);
	_exit(0);
}

void load_kill(struct load *load, int signal)
{
	kill(load->pid, signal);
}

int load_stop(struct load *load)
{
	int status = 0;

	kill(load->pid, SIGKILL);
	waitpid(load->pid, &status, 0);
	return status;
}
