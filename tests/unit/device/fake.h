/* SPDX-License-Identifier: MIT */
/*
 * The two ends of a device, for tests: a transport whose guest memory is a
 * buffer, and a renderer that computes nothing. Together they check what the
 * real ones rely on, and abort where the device breaks it:
 *
 *   - only contexts and resources that exist reach the renderer, new ones don't
 *   - window mappings are inside the window, and do not overlap
 *   - the renderer unmaps nothing that the window still shows
 *   - views of the transport are closed as often as they are made
 *
 * Locking: fields marked (lock) are under it; the rest is set up before use.
 */
#ifndef TESTS_DEVICE_FAKE_H
#define TESTS_DEVICE_FAKE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "mdev/device/renderer.h"
#include "mdev/transport/transport.h"

#define FAKE_MEMORY 0x10000
#define FAKE_WINDOW (1ull << 20)
#define FAKE_THINGS 256
#define FAKE_VECTORS 3
#define FAKE_MESSAGES 16
#define FAKE_DATA 256

enum fake_op {
	FAKE_READ,
	FAKE_WRITE,
	FAKE_RESET,
	FAKE_OPEN,
	FAKE_CLOSE,
};

struct fake_message {
	uint64_t seq;
	enum fake_op op;
	unsigned int region;
	uint64_t offset;
	uint32_t length;
	uint8_t data[FAKE_DATA];
};

struct fake_answer {
	uint64_t seq; /* 0: none */
	int error;
	uint8_t data[FAKE_DATA];
};

struct fake;

struct fake_end {
	struct tranche_transport transport;
	struct fake *fake;
};

struct fake_mapping {
	uint64_t offset;
	uint64_t length; /* 0: none */
	void *address;
};

struct fake_resource {
	uint32_t id; /* 0: none */
	bool mapped;
};

struct fake {
	struct fake_end main;
	struct fake_end view;
	_Atomic unsigned int views; /* open ones */
	const struct tranche_device_ops *device_ops;
	void *device;
	int fd; /* messages come in there */
	struct renderer renderer;
	uint8_t memory[FAKE_MEMORY]; /* at IOVA 0 */
	struct fake_mapping mappings[FAKE_THINGS];
	struct fake_resource resources[FAKE_THINGS];
	uint32_t contexts[FAKE_THINGS];
	uint64_t fences[FAKE_THINGS]; /* not done yet; 0: none */
	unsigned int interrupts[FAKE_VECTORS];
	uint32_t submitted; /* dwords */
	uint32_t last_context; /* of the last submission */
	uint32_t last[64]; /* its first dwords */
	int fail; /* what the renderer returns, if not 0 */
	bool gone; /* what makes contexts, until the renderer begins again */
	int fail_unmap; /* what the window returns */

	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool hold_submit; /* (lock) submissions wait */
	bool holding; /* (lock) one does */
	bool deaf; /* knows no way to give a context up */
	unsigned int abandoned; /* (lock) */
	uint32_t given_up; /* (lock) last context of which it was asked */
	int peer; /* the other end of it */
	uint64_t reset_seq; /* of a reset to answer later; 0: none */
	struct fake_answer answers[FAKE_MESSAGES]; /* (lock) */
	unsigned int answered; /* (lock) */
};

void fake_init(struct fake *fake);
void fake_deinit(struct fake *fake);

/* All fences are done now. Return: how many. */
unsigned int fake_fences_done(struct fake *fake);

/* A view, as a device gets one. */
struct tranche_transport *fake_view(struct fake *fake);

/* What the device still holds: contexts, resources, mappings, views. */
unsigned int fake_left(const struct fake *fake);

/* Sends a message to device_serve(). */
void fake_send(struct fake *fake, const struct fake_message *message);

/* Waits for an answer; aborts after ten seconds without. */
struct fake_answer fake_answer(struct fake *fake, uint64_t seq);

#endif
