// SPDX-License-Identifier: MIT
#include "mdev/broker/hardware.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mdev/broker/broker.h"
#include "mdev/broker/host_gpu.h"
#include "mdev/broker/log.h"
#include "mdev/broker/state.h"
#include "mdev/broker/uevent.h"
#include "mdev/broker/vulkan_cache.h"
#include "mdev/broker/work.h"

/* One change of a driver is many messages. */
#define LOOK_DELAY_US UINT64_C(200000)
/* How often a driver is asked that once had a GPU and says nothing. */
#define ASKED_MAX 4

static size_t place_of(const struct broker *broker, const char *address)
{
	size_t i = 0;

	/* "software" is after all numbers. */
	while (i < broker->gpu_count &&
	       strcmp(broker->gpus[i]->gpu->address, address) < 0)
		i++;
	return i;
}

static int gpu_add(struct broker *broker, struct gpu *found)
{
	size_t place = place_of(broker, found->address);
	struct host_gpu **gpus, *gpu;
	int r;

	gpus = reallocarray(broker->gpus, broker->gpu_count + 1, sizeof(*gpus));
	if (!gpus)
		return -ENOMEM;
	broker->gpus = gpus;
	r = host_gpu_new(&gpu, broker, found);
	if (r < 0)
		return r;
	memmove(&gpus[place + 1], &gpus[place],
		(broker->gpu_count - place) * sizeof(*gpus));
	gpus[place] = gpu;
	broker->gpu_count++;
	return 0;
}

static int gpus_add(struct broker *broker, struct gpu_list *list)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < list->count; i++)
		r = gpu_add(broker, &list->gpus[i]);
	return r;
}

static void answers_keep(const struct broker *broker,
			 const struct gpu_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct gpu *gpu = &list->gpus[i];
		int r = 0;

		if (gpu->vulkan_name)
			r = vulkan_cache_write(broker->config->run, gpu);
		if (r < 0)
			log_line(LOG_WARNING, gpu->address, NULL,
				 "what Vulkan says of it can't be kept: %s",
				 strerror(-r));
	}
}

/* A GPU that an earlier broker served and whose driver said nothing in time. */
static bool missed(const struct broker *broker, const struct gpu_list *list)
{
	struct state_gpu state;

	for (size_t i = 0; i < list->count; i++) {
		const struct gpu *gpu = &list->gpus[i];

		if (!gpu->vulkan_name && gpu->driver &&
		    !host_gpu_passed_through(gpu) &&
		    state_gpu_read(broker->config->run, gpu->address, &state) ==
			    0)
			return true;
	}
	return false;
}

/* Its vGPUs wait for this broker: on a busy host the driver is asked again. */
static int list_ask(const struct broker *broker, struct gpu_list *list)
{
	int r = gpu_list_init(list);

	for (int i = 1; r == 0 && i < ASKED_MAX && missed(broker, list); i++) {
		gpu_list_deinit(list);
		r = gpu_list_init(list);
	}
	return r;
}

static bool answers_read(const struct broker *broker, struct gpu_list *list)
{
	bool any = false;

	for (size_t i = 0; i < list->count; i++)
		any |= vulkan_cache_read(broker->config->run, &list->gpus[i]) ==
		       0;
	return any;
}

/* Return: -ENOENT without an answer. */
static int software_add(struct broker *broker)
{
	struct gpu gpu = {
		.address = "software",
		.iommu_group = -1,
		.software = true,
	};
	int r = vulkan_cache_read(broker->config->run, &gpu);

	if (r < 0)
		return -ENOENT;
	r = gpu_software_name(&gpu);
	if (r == 0)
		r = gpu_add(broker, &gpu);
	gpu_deinit(&gpu);
	return r;
}

/* Return: -ENOENT when nothing is known of any GPU. */
static int begin_with_kept(struct broker *broker)
{
	struct gpu_list list;
	bool any;
	int r = gpu_list_scan(&list);

	if (r < 0)
		return r;
	any = answers_read(broker, &list);
	r = software_add(broker);
	if (r == 0 || (r == -ENOENT && any))
		r = gpus_add(broker, &list);
	gpu_list_deinit(&list);
	return r;
}

static int begin_with_asking(struct broker *broker)
{
	struct gpu_list list;
	int r = list_ask(broker, &list);

	if (r < 0)
		return r;
	answers_keep(broker, &list);
	r = gpus_add(broker, &list);
	gpu_list_deinit(&list);
	return r;
}

/*
 * Later.
 */
struct question {
	struct broker *broker;
	struct gpu_list list;
	int error;
};

static void ask(struct broker *broker);

static void on_ask(void *owner)
{
	struct question *question = owner;

	question->error = gpu_list_init(&question->list);
}

static bool differ(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) != 0 : a != b;
}

/* Whether anything is to be done about it. */
static bool moved(const struct host_gpu *gpu, const struct gpu *found)
{
	bool answered = gpu->gpu->vulkan_name && !gpu->silent;

	return gpu->left || differ(gpu->gpu->driver, found->driver) ||
	       differ(gpu->gpu->render_node, found->render_node) ||
	       (found->vulkan_name && !answered);
}

/*
 * Return: whether its Vulkan driver has to be asked first. It is not once it was
 * @asked: then no answer is one.
 */
static bool gpu_look(struct broker *broker, struct gpu *found, bool asked)
{
	struct host_gpu *gpu = broker_gpu(broker, found->address);
	bool known = vulkan_cache_read(broker->config->run, found) == 0;
	bool may_know = found->driver && !host_gpu_passed_through(found);

	if (!gpu) {
		gpu_add(broker, found);
		return may_know && !known && !asked;
	}
	/* The module tells when it is no parent any more. */
	if (gpu->registered || !moved(gpu, found))
		return false;
	if (may_know && !known && !asked)
		return true;
	host_gpu_update(gpu, found);
	return false;
}

static bool listed(const struct gpu_list *list, const struct host_gpu *gpu)
{
	return gpu->gpu->software || gpu_find(list, gpu->gpu->address);
}

static void removed_look(struct broker *broker, const struct gpu_list *list)
{
	for (size_t i = 0; i < broker->gpu_count; i++) {
		struct host_gpu *gpu = broker->gpus[i];

		if (!gpu->registered && gpu->gpu->driver && !listed(list, gpu))
			host_gpu_removed(gpu);
	}
}

static void gpus_look(struct broker *broker, bool asked)
{
	struct gpu_list list;
	bool unknown = false;

	if (gpu_list_scan(&list) < 0)
		return;
	removed_look(broker, &list);
	for (size_t i = 0; i < list.count; i++)
		unknown |= gpu_look(broker, &list.gpus[i], asked);
	gpu_list_deinit(&list);
	broker_take_over(broker);
	if (unknown)
		ask(broker);
}

/* What was found with it may be over: the answer is kept, and looked for. */
static void answers_take(struct broker *broker, struct question *question)
{
	struct hardware *hardware = &broker->hardware;

	if (question->error < 0) {
		log_line(LOG_ERR, NULL, NULL, "GPUs can't be listed: %s",
			 strerror(-question->error));
		return;
	}
	answers_keep(broker, &question->list);
	if (!missed(broker, &question->list))
		hardware->asked = 0;
	else if (++hardware->asked < ASKED_MAX)
		hardware->again = true;
	gpu_list_deinit(&question->list);
	if (!broker_gpu(broker, "software"))
		software_add(broker);
	gpus_look(broker, true);
}

static void on_answer(void *owner)
{
	struct question *question = owner;
	struct broker *broker = question->broker;
	struct hardware *hardware = &broker->hardware;

	hardware->asking = false;
	answers_take(broker, question);
	free(question);
	if (hardware->again) {
		hardware->again = false;
		ask(broker);
	}
}

static void ask(struct broker *broker)
{
	struct hardware *hardware = &broker->hardware;
	struct question *question;
	int r = -ENOMEM;

	if (hardware->asking) {
		hardware->again = true;
		return;
	}
	question = calloc(1, sizeof(*question));
	if (question) {
		question->broker = broker;
		r = work_start(broker->loop, on_ask, on_answer, question);
	}
	if (r == 0) {
		hardware->asking = true;
		return;
	}
	free(question);
	log_line(LOG_ERR, NULL, NULL, "Vulkan drivers can't be asked: %s",
		 strerror(-r));
}

static int on_look(sd_event_source *source, uint64_t usec, void *owner)
{
	struct broker *broker = owner;

	(void)source;
	(void)usec;
	broker->hardware.timer =
		sd_event_source_disable_unref(broker->hardware.timer);
	gpus_look(broker, false);
	return 0;
}

void hardware_changed(struct broker *broker)
{
	struct hardware *hardware = &broker->hardware;
	int r;

	if (hardware->timer)
		return;
	r = sd_event_add_time_relative(broker->loop, &hardware->timer,
				       CLOCK_MONOTONIC, LOOK_DELAY_US, 0,
				       on_look, broker);
	if (r < 0)
		log_line(LOG_ERR, NULL, NULL,
			 "a change of GPUs can't be looked at: %s",
			 strerror(-r));
}

static void on_uevent(void *owner)
{
	hardware_changed(owner);
}

int hardware_init(struct broker *broker)
{
	int r = uevent_open(broker->loop, &broker->hardware.uevents, on_uevent,
			    broker);

	if (r < 0)
		log_line(LOG_WARNING, NULL, NULL,
			 "changes of GPUs are not heard of: %s", strerror(-r));
	r = begin_with_kept(broker);
	if (r == 0)
		ask(broker);
	else if (r == -ENOENT)
		r = begin_with_asking(broker);
	if (r < 0)
		log_line(LOG_ERR, NULL, NULL, "GPUs can't be listed: %s",
			 strerror(-r));
	else if (!broker->gpu_count)
		log_line(LOG_NOTICE, NULL, NULL, "this host has no GPU");
	return r;
}

void hardware_deinit(struct broker *broker)
{
	struct hardware *hardware = &broker->hardware;

	sd_event_source_disable_unref(hardware->timer);
	sd_event_source_disable_unref(hardware->uevents);
}
