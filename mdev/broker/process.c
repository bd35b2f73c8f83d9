// SPDX-License-Identifier: MIT
#include "mdev/broker/process.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mdev/broker/event.h"
#include "mdev/broker/log.h"
#include "mdev/broker/module.h"
#include "mdev/broker/spawn.h"
#include "mdev/broker/vgpu.h"
#include "mdev/sandbox/sandbox.h"

#define DELAY_FIRST_US UINT64_C(250000)
#define DELAY_MAX_US UINT64_C(10000000)

static const char *cgroup(const struct vgpu *vgpu)
{
	return vgpu->gpu->broker->config->cgroup;
}

/* Its exit status, for those that are our children. */
static void reap(int pidfd, char *how, size_t size)
{
	siginfo_t info = {0};

	if (waitid(P_PIDFD, pidfd, &info, WEXITED | WNOHANG) < 0 ||
	    !info.si_pid)
		snprintf(how, size, "ended");
	else if (info.si_code == CLD_EXITED)
		snprintf(how, size, "ended with status %d", info.si_status);
	else
		snprintf(how, size, "was killed by signal %d", info.si_status);
}

static void forget(struct process *process)
{
	process->watch = sd_event_source_disable_unref(process->watch);
	if (process->pid)
		close(process->pidfd);
	process->pid = 0;
}

static void stop_timer(struct process *process)
{
	process->timer = sd_event_source_disable_unref(process->timer);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *owner)
{
	struct vgpu *vgpu = owner;

	(void)source;
	(void)usec;
	stop_timer(&vgpu->process);
	process_ensure(vgpu);
	return 0;
}

/* The first death of a row costs no time, each further one twice the last's. */
static uint64_t delay_us(unsigned int deaths)
{
	uint64_t delay = DELAY_FIRST_US;

	if (deaths < 2)
		return 0;
	while (--deaths > 1 && delay < DELAY_MAX_US)
		delay *= 2;
	return delay < DELAY_MAX_US ? delay : DELAY_MAX_US;
}

static void give_up(struct vgpu *vgpu)
{
	struct process *process = &vgpu->process;

	process->given_up = true;
	event_vgpu(vgpu, EVENT_BROKEN, 0,
		   "its device process died %u times in a row: reset it",
		   process->deaths);
}

static void restart_later(struct vgpu *vgpu)
{
	const struct config *config = vgpu->gpu->broker->config;
	struct process *process = &vgpu->process;
	uint64_t now = now_ns();
	int r;

	if (!process->deaths || now - process->row_ns > config->restart_ns) {
		process->row_ns = now;
		process->deaths = 0;
	}
	if (++process->deaths > config->restart_count) {
		give_up(vgpu);
		return;
	}
	stop_timer(process);
	r = sd_event_add_time_relative(
		vgpu->gpu->broker->loop, &process->timer, CLOCK_MONOTONIC,
		delay_us(process->deaths), 0, on_timer, vgpu);
	if (r < 0)
		give_up(vgpu);
}

static int on_death(sd_event_source *source, int fd, uint32_t events,
		    void *owner)
{
	struct vgpu *vgpu = owner;
	pid_t pid = vgpu->process.pid;
	char how[64];

	(void)source;
	(void)events;
	reap(fd, how, sizeof(how));
	forget(&vgpu->process);
	/* What is left of its control group goes as well. */
	sandbox_kill(cgroup(vgpu), vgpu->uuid);
	event_vgpu(vgpu, EVENT_DEVICE_DIED, pid, "device process %d %s", pid,
		   how);
	if (!vgpu->removing)
		restart_later(vgpu);
	return 0;
}

static int watch(struct vgpu *vgpu, int pidfd, pid_t pid)
{
	struct process *process = &vgpu->process;
	int r = sd_event_add_io(vgpu->gpu->broker->loop, &process->watch, pidfd,
				EPOLLIN, on_death, vgpu);

	if (r < 0) {
		sandbox_kill(cgroup(vgpu), vgpu->uuid);
		close(pidfd);
		return r;
	}
	process->pid = pid;
	process->pidfd = pidfd;
	return 0;
}

static int spawn_and_watch(struct vgpu *vgpu, int fd)
{
	pid_t pid;
	int pidfd, r;

	/* One that serves nothing may be left in the control group. */
	sandbox_kill(cgroup(vgpu), vgpu->uuid);
	pidfd = spawn_device(vgpu, fd, &pid);
	if (pidfd < 0)
		return pidfd;
	r = watch(vgpu, pidfd, pid);
	if (r < 0)
		return r;
	event_vgpu(vgpu, EVENT_DEVICE_STARTED, pid, "device process %d", pid);
	return 0;
}

int process_start(struct vgpu *vgpu)
{
	int fd, r;

	fd = module_vgpu_attach(vgpu->gpu->broker->module, vgpu->uuid, true);
	if (fd < 0)
		return fd;
	r = spawn_and_watch(vgpu, fd);
	close(fd);
	return r;
}

int process_adopt(struct vgpu *vgpu)
{
	pid_t pid;
	int pidfd = sandbox_find(cgroup(vgpu), vgpu->uuid, &pid);

	return pidfd < 0 ? pidfd : watch(vgpu, pidfd, pid);
}

void process_ensure(struct vgpu *vgpu)
{
	struct process *process = &vgpu->process;
	int r;

	if (process->pid || process->timer || process->given_up ||
	    vgpu->removing || !vgpu->type || !vgpu->gpu->registered)
		return;
	r = process_start(vgpu);
	if (r == 0) {
		process->restarts += process->deaths ? 1 : 0;
		return;
	}
	log_line(LOG_ERR, NULL, vgpu->uuid,
		 "its device process can't be started: %s", strerror(-r));
	restart_later(vgpu);
}

void process_stop(struct vgpu *vgpu)
{
	siginfo_t info;

	stop_timer(&vgpu->process);
	sandbox_kill(cgroup(vgpu), vgpu->uuid);
	/* A child of an earlier broker has another parent: ECHILD. */
	if (vgpu->process.pid)
		waitid(P_PIDFD, vgpu->process.pidfd, &info, WEXITED);
	forget(&vgpu->process);
}

void process_reset(struct vgpu *vgpu)
{
	process_stop(vgpu);
	vgpu->process.deaths = 0;
	vgpu->process.given_up = false;
}
