// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/tranche/bench/bench.h"
#include "tools/tranche/broker.h"
#include "tools/tranche/fleet/wait.h"
#include "tools/tranche/json.h"
#include "tools/tranche/message.h"

#define ENVIRONMENT_MAX 16
#define BOOT_SECONDS 600
#define END_SECONDS 60

struct guests {
	struct bench_guest *guests;
	size_t n;
};

static bool all_booted(void *user)
{
	const struct guests *all = user;

	for (size_t i = 0; i < all->n; i++)
		if (guest_state(all->guests[i].guest) == GUEST_BOOTING)
			return false;
	return true;
}

static bool all_gone(void *user)
{
	const struct guests *all = user;

	for (size_t i = 0; i < all->n; i++)
		if (all->guests[i].guest &&
		    guest_state(all->guests[i].guest) != GUEST_GONE)
			return false;
	return true;
}

static int boot_wait(struct bench *bench, struct bench_guest *guests, size_t n)
{
	struct guests all = {guests, n};
	int r = wait_until(bench->event, BOOT_SECONDS * WAIT_SECOND_US,
			   all_booted, &all);

	if (r < 0 && r != -ETIMEDOUT)
		return r;
	for (size_t i = 0; i < n; i++) {
		if (guest_state(guests[i].guest) == GUEST_READY)
			continue;
		message_error("guest %s did not boot; its console says: %s",
			      guest_name(guests[i].guest),
			      guest_words(guests[i].guest));
		return -EIO;
	}
	return 0;
}

static int start(struct bench *bench, struct bench_guest *guest,
		 const struct guest_config *config)
{
	int r = guest_new(&guest->guest, config, bench->event);

	if (r < 0)
		message_error("cannot start %s: %s", config->name,
			      strerror(-r));
	return r;
}

int set_up_host(struct bench *bench)
{
	const struct guest_config config = {
		.kind = GUEST_HOST,
		.name = "host",
	};
	int r = start(bench, &bench->host, &config);

	return r < 0 ? r : boot_wait(bench, &bench->host, 1);
}

/* The words are the reply's. */
static void environment_fill(sd_json_variant *reply, const char **words)
{
	sd_json_variant *list = json_array(reply, "environment");
	size_t count = list ? sd_json_variant_elements(list) : 0, n = 0;

	for (size_t i = 0; i < count && n < ENVIRONMENT_MAX; i++) {
		sd_json_variant *word = sd_json_variant_by_index(list, i);

		if (sd_json_variant_is_string(word))
			words[n++] = sd_json_variant_string(word);
	}
}

int set_up_gate(struct bench *bench)
{
	_json_ sd_json_variant *parameters = NULL, *reply = NULL;
	const char *environment[ENVIRONMENT_MAX + 1] = {NULL};
	const struct guest_config config = {
		.kind = GUEST_HOST,
		.name = "host, gate",
		.environment = environment,
	};
	int r;

	r = broker_connect(&bench->enrolled);
	if (r == 0)
		r = broker_set_text(&parameters, "gpu", bench->gpu.address);
	if (r == 0)
		r = broker_set_text(&parameters, "name", "bench");
	if (r == 0)
		r = broker_call(bench->enrolled, "Enroll", parameters, &reply);
	if (r < 0)
		return r;
	environment_fill(reply, environment);
	r = start(bench, &bench->gate, &config);
	return r < 0 ? r : boot_wait(bench, &bench->gate, 1);
}

static pid_t device_pid(struct bench *bench, const char *uuid)
{
	_json_ sd_json_variant *parameters = NULL, *reply = NULL;
	sd_json_variant *list;

	if (broker_set_text(&parameters, "uuid", uuid) < 0 ||
	    link_call(&bench->link, "ListVgpus", parameters, &reply) < 0)
		return 0;
	list = json_array(reply, "vgpus");
	if (!list || !sd_json_variant_elements(list))
		return 0;
	return (pid_t)json_number(sd_json_variant_by_index(list, 0),
				  "devicePid");
}

static int vgpu_start(struct bench *bench, size_t i, const char *type)
{
	struct bench_guest *guest = &bench->vgpus[i];
	char name[32];
	const struct guest_config config = {
		.kind = GUEST_TRANCHE_VMM,
		.name = name,
		.kernel = bench->options->kernel,
		.image = bench->image,
		.memory_mib = bench->options->memory_mib,
		.vgpu = guest->uuid,
	};
	int r;

	snprintf(name, sizeof(name), "bench-%zu", i + 1);
	r = lend_vgpu(&bench->link, bench->gpu.address, type, name, 100,
		      guest->uuid);
	return r < 0 ? r : start(bench, guest, &config);
}

int set_up_vgpus(struct bench *bench)
{
	size_t count = bench->options->guests;
	char type[LEND_TEXT];
	int r;

	/* One more than there are: the host's program needs memory too. */
	r = lend_type_find(&bench->link, bench->gpu.address, BENCH_GUESTS + 1,
			   type);
	for (size_t i = 0; i < count && r == 0; i++)
		r = vgpu_start(bench, i, type);
	if (r == 0)
		r = boot_wait(bench, bench->vgpus, count);
	for (size_t i = 0; i < count && r == 0; i++)
		bench->vgpus[i].device =
			device_pid(bench, bench->vgpus[i].uuid);
	return r;
}

void set_up_hold(struct bench_guest *guests, size_t n, bool hold)
{
	for (size_t i = 0; i < n; i++)
		if (guests[i].guest)
			guest_hold(guests[i].guest, hold);
}

/*
 * One after another, each held before the next begins: a guest's driver waits five
 * seconds for its device, and on a busy host QEMU needs longer to set up the GL of
 * several.
 */
int set_up_gls(struct bench *bench)
{
	const struct guest_config config = {
		.kind = GUEST_QEMU,
		.name = "virtio-gpu-gl",
		.kernel = bench->options->kernel,
		.image = bench->image,
		.memory_mib = bench->options->memory_mib,
		.gl = true,
	};
	size_t count = bench->options->guests;
	int r = 0;

	for (size_t i = 0; i < count && r == 0; i++) {
		r = start(bench, &bench->gls[i], &config);
		if (r == 0)
			r = boot_wait(bench, &bench->gls[i], 1);
		set_up_hold(&bench->gls[i], 1, true);
	}
	return r;
}

int set_up_passed(struct bench *bench)
{
	const struct guest_config config = {
		.kind = GUEST_TRANCHE_VMM,
		.name = "pass-through",
		.kernel = bench->options->kernel,
		.image = bench->image,
		.memory_mib = bench->options->memory_mib,
		.gpu = bench->gpu.address,
	};
	int r = start(bench, &bench->passed, &config);

	return r < 0 ? r : boot_wait(bench, &bench->passed, 1);
}

void set_up_end(struct bench *bench, struct bench_guest *guests, size_t n)
{
	struct guests all = {guests, n};

	set_up_hold(guests, n, false);
	for (size_t i = 0; i < n; i++)
		if (guests[i].guest)
			guest_end(guests[i].guest);
	if (sd_event_get_state(bench->event) != SD_EVENT_FINISHED)
		wait_until(bench->event, END_SECONDS * WAIT_SECOND_US, all_gone,
			   &all);
	for (size_t i = 0; i < n; i++) {
		guest_free(guests[i].guest);
		if (guests[i].uuid[0])
			lend_return(&bench->link, guests[i].uuid);
		guests[i] = (struct bench_guest){0};
	}
}
