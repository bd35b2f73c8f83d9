// SPDX-License-Identifier: MIT
#include "mdev/broker/broker.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#include "mdev/broker/control.h"
#include "mdev/broker/host_gpu.h"
#include "mdev/broker/kernel_event.h"
#include "mdev/broker/log.h"
#include "mdev/broker/module.h"
#include "mdev/broker/state.h"

uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * UINT64_C(1000000000) + now.tv_nsec;
}

struct host_gpu *broker_gpu(struct broker *broker, const char *address)
{
	for (size_t i = 0; i < broker->gpu_count; i++)
		if (gpu_is(broker->gpus[i]->gpu, address))
			return broker->gpus[i];
	return NULL;
}

/* Two brokers would take each other's vGPUs. The lock ends with the process. */
static int run_lock(const struct config *config)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/lock", config->run);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	close(fd);
	return -EBUSY;
}

static int run_init(const struct config *config)
{
	int r = state_init(config->run);

	if (r == 0)
		r = run_lock(config);
	if (r == -EBUSY)
		log_line(LOG_ERR, NULL, NULL,
			 "another tranched uses %s: stop it first",
			 config->run);
	else if (r < 0)
		log_line(
			LOG_ERR, NULL, NULL,
			"%s can't be written: %s: run it as root, or set RunDirectory=",
			config->run, strerror(-r));
	return r;
}

static int on_module(sd_event_source *source, int fd, uint32_t events,
		     void *owner)
{
	(void)source;
	(void)fd;
	(void)events;
	kernel_events_take(owner);
	return 0;
}

static int on_notes(sd_event_source *source, int fd, uint32_t events,
		    void *owner)
{
	(void)source;
	(void)fd;
	(void)events;
	host_gpu_notes(owner);
	return 0;
}

static int loop_init(struct broker *broker)
{
	const uint32_t flags = SD_EVENT_SIGNAL_PROCMASK;
	int r = sd_event_default(&broker->loop);

	if (r >= 0 && pipe2(broker->notes, O_CLOEXEC | O_NONBLOCK) < 0)
		r = -errno;
	if (r >= 0)
		r = sd_event_add_signal(broker->loop, NULL, SIGTERM | flags,
					NULL, NULL);
	if (r >= 0)
		r = sd_event_add_signal(broker->loop, NULL, SIGINT | flags,
					NULL, NULL);
	if (r >= 0)
		r = sd_event_add_io(broker->loop, NULL, broker->notes[0],
				    EPOLLIN, on_notes, broker);
	if (r >= 0)
		r = sd_event_set_watchdog(broker->loop, true);
	return r < 0 ? r : 0;
}

static int module_init(struct broker *broker)
{
	int r;

	broker->module = module_open();
	if (broker->module < 0) {
		log_line(
			LOG_NOTICE, NULL, NULL,
			TRANCHE_DEVICE
			": %s: no vGPUs, programs can be enrolled: load tranche.ko",
			strerror(-broker->module));
		broker->module = -1;
		return 0;
	}
	r = sd_event_add_io(broker->loop, NULL, broker->module, EPOLLIN,
			    on_module, broker);
	return r < 0 ? r : 0;
}

void broker_take_over(struct broker *broker)
{
	if (broker->module >= 0)
		kernel_events_take(broker);
	for (size_t i = 0; i < broker->gpu_count; i++)
		if (broker->gpus[i]->existing)
			log_line(LOG_WARNING, broker->gpus[i]->gpu->address,
				 NULL, "%u vGPUs were not told of",
				 broker->gpus[i]->existing);
	kernel_programs_restore(broker);
}

static int begin(struct broker *broker)
{
	int r = run_init(broker->config);

	if (r == 0)
		r = loop_init(broker);
	if (r == 0)
		r = module_init(broker);
	if (r == 0)
		r = hardware_init(broker);
	if (r < 0)
		return r;
	broker_take_over(broker);
	return control_init(broker);
}

int broker_init(struct broker *broker, const struct config *config)
{
	int r;

	*broker = (struct broker){
		.config = config,
		.module = -1,
		.notes = {-1, -1},
	};
	r = begin(broker);
	if (r < 0)
		log_line(LOG_ERR, NULL, NULL, "cannot start: %s", strerror(-r));
	return r;
}

int broker_run(struct broker *broker)
{
	sd_notifyf(0, "READY=1\nSTATUS=Serving %zu GPUs", broker->gpu_count);
	return sd_event_loop(broker->loop);
}

void broker_deinit(struct broker *broker)
{
	sd_notify(0, "STOPPING=1");
	control_deinit(broker);
	hardware_deinit(broker);
	/*
	 * Arbiters are not freed: their lanes would close for good. So gates
	 * see what they see when a broker is killed, and go on with the next.
	 */
}
