/* SPDX-License-Identifier: MIT */
/*
 * gate-keeper: opens and closes the lanes of its gates by the clock, whatever
 * they want. It shows a gate cases that a fair arbiter makes rarely: a lane
 * that closes with work behind, depth 1 for long, no grant at all, a refusal. With
 * --records it prints what a gate tells of each job.
 *
 * Each gate has a connection and a lane; they end together. One thread, no
 * lock.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "scheduler/lane/door_listen.h"
#include "scheduler/lane/door_wire.h"
#include "scheduler/lane/lane.h"

#define GATES_MAX 64
#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S UINT64_C(1000000000)

struct gate {
	int fd; /* -1: free */
	struct lane lane;
	uint64_t held;
};

static struct {
	const char *door;
	uint32_t depth;
	int open_ms;
	int closed_ms; /* 0: open for ever */
	uint64_t vram;
	bool refuses;
	bool never;
	bool contended;
	bool records;
} option = {.depth = 8, .open_ms = 5, .vram = UINT64_MAX};

static struct gate gates[GATES_MAX];
static uint64_t vram_used;

static uint64_t now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * NS_PER_S + (uint64_t)time.tv_nsec;
}

static void vram_tell(void)
{
	for (size_t i = 0; i < GATES_MAX; i++) {
		if (gates[i].fd >= 0 && gates[i].lane.memory)
			lane_set_vram(&gates[i].lane, option.vram, vram_used);
	}
}

static void records_print(struct gate *gate)
{
	struct lane_job job;

	while (lane_take_job(&gate->lane, &job)) {
		if (!option.records || !job.id)
			continue;
		printf("job %llu gpu_ns %llu seen_ns %llu %s%s\n",
		       (unsigned long long)job.id,
		       (unsigned long long)job.gpu_ns,
		       (unsigned long long)(job.complete_ns - job.submit_ns),
		       job.on_time ? "on-time" : "late",
		       job.exact ? " exact" : "");
	}
}

static void gate_close(struct gate *gate)
{
	records_print(gate);
	printf("left: %llu submitted, %llu completed\n",
	       (unsigned long long)lane_submitted_total(&gate->lane),
	       (unsigned long long)lane_completed_total(&gate->lane));
	close(gate->fd);
	gate->fd = -1;
	lane_destroy(&gate->lane);
	vram_used -= gate->held;
	vram_tell();
}

static void welcome(struct gate *gate, struct door_message *hello)
{
	struct door_message answer = {.packet.type = DOOR_WELCOME};
	int r;

	if (option.refuses) {
		answer.packet.value = -EACCES;
		door_send(gate->fd, &answer, 0);
		close(gate->fd);
		gate->fd = -1;
		return;
	}
	if (hello->fd_count)
		r = lane_adopt(&gate->lane, door_message_take(hello, 0));
	else
		r = lane_create(&gate->lane);
	if (r < 0) {
		close(gate->fd);
		gate->fd = -1;
		return;
	}
	if (!hello->fd_count)
		answer.fds[answer.fd_count++] = gate->lane.memory_fd;
	if (hello->packet.bytes == 0 || !answer.fd_count)
		gate->held = hello->packet.bytes;
	vram_used += gate->held;
	answer.fds[answer.fd_count++] = gate->lane.bell_fd;
	lane_set_contended(&gate->lane, option.contended);
	vram_tell();
	door_send(gate->fd, &answer, 0);
}

static void charge(struct gate *gate, uint64_t bytes)
{
	struct door_message verdict = {.packet.type = DOOR_VERDICT};

	if (bytes > option.vram - vram_used) {
		verdict.packet.value = -ENOSPC;
	} else {
		gate->held += bytes;
		vram_used += bytes;
		vram_tell();
	}
	door_send(gate->fd, &verdict, 0);
}

static void gate_serve(struct gate *gate)
{
	struct door_message message;

	if (door_receive(gate->fd, &message, 0) < 0) {
		if (gate->lane.memory) {
			gate_close(gate);
		} else {
			close(gate->fd);
			gate->fd = -1;
		}
		return;
	}
	if (message.packet.type == DOOR_HELLO) {
		welcome(gate, &message);
	} else if (message.packet.type == DOOR_CHARGE) {
		charge(gate, message.packet.bytes);
	} else if (message.packet.type == DOOR_RELEASE) {
		gate->held -= message.packet.bytes;
		vram_used -= message.packet.bytes;
		vram_tell();
	}
	door_message_deinit(&message);
}

static void gate_admit(int listen_fd)
{
	int fd = door_accept(listen_fd);

	for (size_t i = 0; fd >= 0 && i < GATES_MAX; i++) {
		if (gates[i].fd >= 0)
			continue;
		gates[i] = (struct gate){.fd = fd};
		return;
	}
	if (fd >= 0)
		close(fd);
}

static bool is_open(uint64_t time_ns)
{
	uint64_t period = option.open_ms + option.closed_ms;

	if (option.never)
		return false;
	if (!option.closed_ms)
		return true;
	return time_ns / NS_PER_MS % period < (uint64_t)option.open_ms;
}

/* What the clock says, for one gate. */
static void gate_turn(struct gate *gate, bool open)
{
	if (gate->fd < 0 || !gate->lane.memory)
		return;
	records_print(gate);
	if (open)
		lane_grant(&gate->lane, option.depth, now_ns() + NS_PER_S);
	else
		lane_revoke(&gate->lane);
}

static void serve(int listen_fd)
{
	struct pollfd fds[GATES_MAX + 1];

	for (size_t i = 0; i < GATES_MAX; i++)
		fds[i] = (struct pollfd){gates[i].fd, POLLIN, 0};
	fds[GATES_MAX] = (struct pollfd){listen_fd, POLLIN, 0};
	poll(fds, GATES_MAX + 1, 1);
	for (size_t i = 0; i < GATES_MAX; i++) {
		if (fds[i].revents && gates[i].fd >= 0)
			gate_serve(&gates[i]);
	}
	if (fds[GATES_MAX].revents)
		gate_admit(listen_fd);
	for (size_t i = 0; i < GATES_MAX; i++)
		gate_turn(&gates[i], is_open(now_ns()));
}

static int options_read(int argc, char **argv)
{
	static const struct option names[] = {
		{"depth", required_argument, NULL, 'd'},
		{"open", required_argument, NULL, 'o'},
		{"closed", required_argument, NULL, 'c'},
		{"vram", required_argument, NULL, 'v'},
		{"refuse", no_argument, NULL, 'r'},
		{"never", no_argument, NULL, 'n'},
		{"contended", no_argument, NULL, 'C'},
		{"records", no_argument, NULL, 'R'},
		{},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (c) {
		case 'd':
			option.depth = (uint32_t)atoi(optarg);
			break;
		case 'o':
			option.open_ms = atoi(optarg);
			break;
		case 'c':
			option.closed_ms = atoi(optarg);
			break;
		case 'v':
			option.vram = strtoull(optarg, NULL, 0);
			break;
		case 'r':
			option.refuses = true;
			break;
		case 'n':
			option.never = true;
			break;
		case 'C':
			option.contended = true;
			break;
		case 'R':
			option.records = true;
			break;
		default:
			return -EINVAL;
		}
	}
	option.door = argv[optind];
	return option.door ? 0 : -EINVAL;
}

int main(int argc, char **argv)
{
	int listen_fd;

	if (options_read(argc, argv) < 0) {
		fprintf(stderr,
			"usage: gate-keeper [--depth N] [--open MS] [--closed MS] [--vram BYTES] [--refuse] [--never] [--contended] [--records] DOOR\n");
		return 2;
	}
	for (size_t i = 0; i < GATES_MAX; i++)
		gates[i].fd = -1;
	listen_fd = door_listen(option.door);
	if (listen_fd < 0) {
		fprintf(stderr, "gate-keeper: %s: %s\n", option.door,
			strerror(-listen_fd));
		return 1;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("ready\n");
	for (;;)
		serve(listen_fd);
}
