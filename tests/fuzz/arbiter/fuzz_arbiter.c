// SPDX-License-Identifier: MIT
/*
 * Gates that lie: arbitrary packets through a door, and arbitrary words in the
 * memory of lanes, while the arbiter works. It must stay in one piece, keep its
 * sums, and never do more than it may.
 *
 * The arbiter runs without its thread, so that the order of things is the
 * input's. No job can be so old that a context is killed: that would be this
 * process.
 */
#include "scheduler/arbiter/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "scheduler/lane/door_wire.h"
#include "scheduler/lane/lane_memory.h"

#define GATES 3
#define PACKET_MAX 40

struct gate {
	int fd; /* -1: not connected */
	struct lane lane; /* memory NULL: not joined */
};

struct fuzz {
	const uint8_t *data;
	size_t size;
	struct arbiter *arbiter;
	struct arbiter_settings settings;
	char door[64];
	struct gate gates[GATES];
};

static uint64_t take(struct fuzz *fuzz, size_t bytes)
{
	uint64_t value = 0;

	while (bytes-- && fuzz->size) {
		value = value << 8 | *fuzz->data++;
		fuzz->size--;
	}
	return value;
}

static struct gate *take_gate(struct fuzz *fuzz)
{
	return &fuzz->gates[take(fuzz, 1) % GATES];
}

static void gate_close(struct gate *gate)
{
	if (gate->fd >= 0)
		close(gate->fd);
	gate->fd = -1;
	lane_unmap(&gate->lane);
}

static void gate_open(struct fuzz *fuzz, struct gate *gate)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	gate_close(gate);
	strcpy(address.sun_path, fuzz->door);
	gate->fd = socket(AF_UNIX,
			  SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (gate->fd < 0)
		abort();
	if (connect(gate->fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		gate_close(gate);
}

/* Answers are read, so that a gate is not shut out for not reading them. */
static void gate_read(struct gate *gate)
{
	struct door_message message;

	while (gate->fd >= 0 &&
	       door_receive(gate->fd, &message, MSG_DONTWAIT) == 0) {
		if (message.packet.type == DOOR_WELCOME &&
		    message.fd_count == 2 && !gate->lane.memory &&
		    lane_map(&gate->lane, message.fds[0], message.fds[1]) ==
			    0) {
			door_message_take(&message, 0);
			door_message_take(&message, 1);
		}
		door_message_deinit(&message);
	}
}

static void poll_all(struct fuzz *fuzz)
{
	unsigned int i;

	arbiter_poll(fuzz->arbiter);
	for (i = 0; i < GATES; i++)
		gate_read(&fuzz->gates[i]);
}

static void gate_hello(struct fuzz *fuzz, struct gate *gate)
{
	struct door_message hello = {
		.packet = {.type = DOOR_HELLO, .value = DOOR_VERSION},
	};

	hello.packet.bytes = take(fuzz, 2) << take(fuzz, 1) % 50;
	/* Of a lane of its own or of another's, or anything else. */
	if (take(fuzz, 1) % 4 == 0) {
		struct gate *other = take_gate(fuzz);

		hello.fds[0] = other->lane.memory ? other->lane.memory_fd
						  : STDERR_FILENO;
		hello.fd_count = 1;
	}
	if (gate->fd < 0)
		gate_open(fuzz, gate);
	if (gate->fd >= 0)
		door_send(gate->fd, &hello, MSG_DONTWAIT);
}

static void gate_packet(struct fuzz *fuzz, struct gate *gate)
{
	uint8_t bytes[PACKET_MAX];
	size_t size = take(fuzz, 1) % sizeof(bytes);
	ssize_t ignored;
	size_t i;

	for (i = 0; i < size; i++)
		bytes[i] = take(fuzz, 1);
	if (gate->fd < 0)
		return;
	ignored = send(gate->fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	(void)ignored;
}

static void gate_vram(struct fuzz *fuzz, struct gate *gate)
{
	struct door_message message = {0};

	message.packet.type = take(fuzz, 1) % 2 ? DOOR_CHARGE : DOOR_RELEASE;
	message.packet.bytes = take(fuzz, 3) << take(fuzz, 1) % 41;
	if (gate->fd >= 0)
		door_send(gate->fd, &message, MSG_DONTWAIT);
}

/* Any bytes anywhere, most often where it matters. */
static void memory_write(struct fuzz *fuzz, struct gate *gate)
{
	size_t offset = take(fuzz, 2) % sizeof(struct lane_memory);
	uint64_t value = take(fuzz, 8);

	if (!gate->lane.memory)
		return;
	if (offset > sizeof(struct lane_memory) - sizeof(value))
		offset = sizeof(struct lane_memory) - sizeof(value);
	memcpy((char *)gate->lane.memory + offset, &value, sizeof(value));
}

static uint64_t take_time(struct fuzz *fuzz)
{
	uint64_t value = take(fuzz, 1);

	if (value < 128)
		return arbiter_clock() + value * NS_PER_MS - 64 * NS_PER_MS;
	return take(fuzz, 8);
}

static void record_write(struct fuzz *fuzz, struct gate *gate)
{
	struct lane_record *record;
	uint64_t position;

	if (!gate->lane.memory)
		return;
	position = gate->lane.memory->recorded++;
	record = &gate->lane.memory->records[position % LANE_JOBS];
	record->id = take(fuzz, 1);
	record->submit_ns = take_time(fuzz);
	record->complete_ns = take_time(fuzz);
	record->gpu_ns = take_time(fuzz);
	record->engine = take(fuzz, 1) % 4;
	record->seen = take(fuzz, 1);
	record->sequence = position + 1;
}

static void slot_write(struct fuzz *fuzz, struct gate *gate)
{
	struct lane_slot *slot;

	if (!gate->lane.memory)
		return;
	slot = &gate->lane.memory->running[take(fuzz, 1) % LANE_DEPTH_MAX];
	slot->id = take(fuzz, 1);
	slot->submit_ns = take_time(fuzz);
	slot->engine = take(fuzz, 1) % 4;
}

static void words_write(struct fuzz *fuzz, struct gate *gate)
{
	if (!gate->lane.memory)
		return;
	gate->lane.memory->wanted = take(fuzz, 1) % 3;
	gate->lane.memory->grant = take(fuzz, 4);
	gate->lane.memory->submitted += take(fuzz, 1);
	lane_ask(&gate->lane);
}

/* An honest one among them. */
static void gate_work(struct fuzz *fuzz, struct gate *gate)
{
	struct lane_job job = {.on_time = true};

	if (!gate->lane.memory)
		return;
	lane_want(&gate->lane, 1);
	poll_all(fuzz);
	if (!gate->lane.memory || !lane_enter(&gate->lane, arbiter_clock()))
		return;
	job.submit_ns = arbiter_clock();
	job.id = lane_submitted(&gate->lane, LANE_COMPUTE, job.submit_ns);
	lane_want(&gate->lane, 0);
	poll_all(fuzz);
	job.complete_ns = arbiter_clock();
	if (gate->lane.memory)
		lane_leave(&gate->lane, &job);
}

static void settings_change(struct fuzz *fuzz)
{
	struct account *account = account_find(fuzz->arbiter, "fuzz");
	struct arbiter_settings settings = fuzz->settings;

	settings.weight = take(fuzz, 2);
	settings.cap = take(fuzz, 2) % 1100;
	settings.reservation = take(fuzz, 2) % 1100;
	settings.vram_limit = take(fuzz, 3) << take(fuzz, 1) % 41;
	settings.tenant[0] = take(fuzz, 1) % 2 ? 't' : 0;
	account_set(account, &settings);
}

static void sums_check(struct fuzz *fuzz)
{
	struct account *account = account_find(fuzz->arbiter, "fuzz");
	struct context *context;
	unsigned int joined = 0, wanting = 0;
	uint64_t vram = 0;

	for (context = account->contexts; context; context = context->next) {
		joined += context->joined;
		wanting += context->wants;
		vram += context->vram;
	}
	if (joined != account->joined || joined != fuzz->arbiter->contexts ||
	    wanting != fuzz->arbiter->wanting || vram != account->vram_used)
		abort();
	if (fuzz->arbiter->holder && !fuzz->arbiter->holder->in_core)
		abort();
}

static void step(struct fuzz *fuzz)
{
	static void (*const ops[])(struct fuzz *, struct gate *) = {
		gate_open,  gate_hello,	 gate_packet,  gate_vram, memory_write,
		slot_write, words_write, record_write, gate_work,
	};
	uint64_t op = take(fuzz, 1) % 16;

	if (op < sizeof(ops) / sizeof(*ops))
		ops[op](fuzz, take_gate(fuzz));
	else if (op == 9)
		gate_close(take_gate(fuzz));
	else if (op == 10)
		settings_change(fuzz);
	else
		poll_all(fuzz);
	sums_check(fuzz);
}

static void fuzz_begin(struct fuzz *fuzz)
{
	const struct door_message hello = {
		.packet = {.type = DOOR_HELLO, .value = DOOR_VERSION},
	};
	struct tsched_config config;
	unsigned int i;

	tsched_config_init(&config);
	config.policy = take(fuzz, 1) % TSCHED_POLICIES;
	arbiter_settings_init(&fuzz->settings);
	fuzz->settings.kill_ns = 3600 * NS_PER_S;
	snprintf(fuzz->door, sizeof(fuzz->door), "/tmp/fuzz-arbiter.%d",
		 (int)getpid());
	if (arbiter_create(&fuzz->arbiter, &config, NULL, NULL) < 0 ||
	    account_new(fuzz->arbiter, "fuzz", &fuzz->settings, fuzz->door) < 0)
		abort();
	for (i = 0; i < GATES; i++)
		fuzz->gates[i] = (struct gate){.fd = -1};
	/* One is in already: most of what there is to do begins there. */
	gate_open(fuzz, &fuzz->gates[0]);
	door_send(fuzz->gates[0].fd, &hello, 0);
	poll_all(fuzz);
	poll_all(fuzz);
	if (!fuzz->gates[0].lane.memory)
		abort();
}

static void fuzz_end(struct fuzz *fuzz)
{
	unsigned int i;

	for (i = 0; i < GATES; i++)
		gate_close(&fuzz->gates[i]);
	/* All are gone: the account is empty again. */
	for (i = 0; i < 2 * ACCOUNT_PENDING_MAX && fuzz->arbiter->contexts; i++)
		arbiter_poll(fuzz->arbiter);
	sums_check(fuzz);
	/* Contexts that are left are let go, not killed. */
	fuzz->arbiter->stop = true;
	arbiter_destroy(fuzz->arbiter);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz fuzz = {.data = data, .size = size};

	fuzz_begin(&fuzz);
	while (fuzz.size)
		step(&fuzz);
	fuzz_end(&fuzz);
	return 0;
}
