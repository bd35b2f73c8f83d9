/* SPDX-License-Identifier: MIT */
/*
 * The PCI function that a VMM sees: a modern virtio-gpu, 1af4:1050 (virtio 1.3
 * §4.1, §5.7), with the BARs of layout.h. Answers register accesses; the queues
 * it hands to its user once a driver is ready.
 *
 *   reset      no driver; registers answer
 *   running    ops->start() was called, the queues are the user's
 *   stopping   ops->stop() was called: the user gives the queues up and calls
 *	        function_stopped(); meanwhile the device does not read as reset
 *
 * Owner: the device (device.h). Locking: the register thread's alone.
 */
#ifndef DEVICE_FUNCTION_H
#define DEVICE_FUNCTION_H

#include <linux/virtio_gpu.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mdev/device/gpu.h"
#include "pci/config.h"
#include "virtio/pci.h"

struct function_ops {
	/*
	 * A driver is ready; the session has no view yet.
	 * Return: 0 or negative errno.
	 */
	int (*start)(void *user, const struct gpu_session *session);
	/* Give the queues up, now or later: function_stopped(). */
	void (*stop)(void *user);
	/* A queue was notified by a register access. */
	void (*notify)(void *user, unsigned int queue);
};

struct function {
	const struct function_ops *ops;
	void *user;
	struct pci_config config;
	uint8_t pristine[PCI_CONFIG_SIZE]; /* as a reset leaves it */
	struct virtio_pci virtio;
	struct virtio_gpu_config gpu_config;
};

/**
 * function_init - a function in reset
 * @function: what to fill
 * @memory: the guest's, for the queues; outlives it
 * @window_size: bytes, as layout_init() takes
 * @ops: its user
 * @user: first argument of @ops
 *
 * Return: 0 or negative errno.
 */
int function_init(struct function *function, struct guest_memory *memory,
		  uint64_t window_size, const struct function_ops *ops,
		  void *user);

/**
 * function_read, function_write - an access to a region
 * @function: the function
 * @region: index of a VFIO PCI region; any value
 * @offset: bytes from its start; any value
 * @data: what is read or written
 * @length: bytes
 *
 * What is not there reads as zero and takes no writes.
 */
void function_read(struct function *function, unsigned int region,
		   uint64_t offset, void *data, uint32_t length);
void function_write(struct function *function, unsigned int region,
		    uint64_t offset, const void *data, uint32_t length);

/**
 * function_reset - as a bus reset
 * @function: the function; it may be stopping afterwards
 */
void function_reset(struct function *function);

/**
 * function_stopped - the user has given the queues up
 * @function: the function, stopping
 */
void function_stopped(struct function *function);

/**
 * function_stopping - whether the user still has to give the queues up
 * @function: the function
 *
 * Return: true when it has to.
 */
bool function_stopping(const struct function *function);

/**
 * function_break - the driver broke a rule: tell it to reset (§2.1.2)
 * @function: the function
 *
 * Return: the vector to interrupt it with, or VIRTIO_PCI_NO_VECTOR.
 */
uint16_t function_break(struct function *function);

#endif
