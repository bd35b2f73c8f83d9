/* SPDX-License-Identifier: MIT */
/*
 * The narrow way from a vGPU's device process to its guest: register access,
 * guest memory, doorbell, interrupt, window. The kernel module is one transport
 * (module.h); nothing above this header knows which one it is.
 *
 * Generations: each time a VMM opens the vGPU a new generation begins, told by
 * the OPEN message. Calls that reach the guest carry the generation they were
 * meant for, and fail with -ESTALE once it has ended.
 *
 * Owner: whoever made it. Locking: receive, answer and doorbell belong to the
 * register thread; all others may be called from any thread.
 */
#ifndef DEVICE_TRANSPORT_H
#define DEVICE_TRANSPORT_H

#include <stdbool.h>
#include <stdint.h>

#define TRANSPORT_DATA_MAX 256

enum transport_op {
	TRANSPORT_READ,
	TRANSPORT_WRITE,
	/* Forget everything of the guest, unmap the window, then answer. */
	TRANSPORT_RESET,
	/* A VMM opened the vGPU: a new generation. No answer. */
	TRANSPORT_OPEN,
	/* The VMM closed it. No answer. */
	TRANSPORT_CLOSE,
};

struct transport_message {
	uint64_t seq; /* to answer with */
	uint32_t gen;
	enum transport_op op;
	unsigned int region; /* index of a VFIO PCI region */
	uint64_t offset; /* in the region; the access is inside it */
	uint32_t length; /* ≤ TRANSPORT_DATA_MAX */
	bool due; /* an answer is */
	uint8_t data[TRANSPORT_DATA_MAX]; /* what was written */
};

struct transport_answer {
	uint64_t seq;
	int error; /* 0 or a negative errno */
	uint32_t length; /* bytes read, else 0 */
	uint8_t data[TRANSPORT_DATA_MAX];
};

struct transport_segment {
	uint64_t iova; /* as the guest's device sees it; any value */
	void *data;
	uint32_t length;
	bool write; /* to the guest */
};

struct transport;

struct transport_ops {
	/*
	 * Takes the next message. Return: 0, -EAGAIN when there is none,
	 * -EINTR, -ESHUTDOWN when there will be none any more.
	 */
	int (*receive)(struct transport *transport,
		       struct transport_message *message);
	/* Return: 0, or negative errno. */
	int (*answer)(struct transport *transport,
		      const struct transport_answer *answer);
	/*
	 * Copies segments in order, up to the first that fails.
	 * Return: 0, -EFAULT where the guest has no memory, -ESTALE.
	 */
	int (*copy)(struct transport *transport, uint32_t gen,
		    const struct transport_segment *segments,
		    unsigned int count);
	/* Sends one message-signalled interrupt. Return: 0 or -ESTALE. */
	int (*interrupt)(struct transport *transport, uint32_t gen,
			 unsigned int vector);
	/*
	 * Shows memory of this process in the window; everything page aligned.
	 * Return: 0 or negative errno.
	 */
	int (*map)(struct transport *transport, uint32_t gen, uint64_t offset,
		   uint64_t length, void *address);
	/*
	 * Takes a mapping out. When it returns 0 neither guest nor VMM can
	 * reach the memory. Return: 0 or negative errno.
	 */
	int (*unmap)(struct transport *transport, uint32_t gen, uint64_t offset,
		     uint64_t length);
	/*
	 * Makes writes at @offset of a region signal an eventfd, instead of
	 * sending a message. Return: 0 or negative errno.
	 */
	int (*doorbell)(struct transport *transport, unsigned int region,
			uint64_t offset, int eventfd);
};

struct transport {
	const struct transport_ops *ops;
	/* Readable when a message waits, hung up when there will be none. */
	int fd;
	uint64_t window_size;
};

#endif
