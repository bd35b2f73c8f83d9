/* SPDX-License-Identifier: MIT */
/*
 * A virtio device of this VMM: the register file of virtio/pci.h on a PCI
 * function, an eventfd for each queue's notifications (signalled by KVM, no
 * exit), and an interrupt source for each MSI-X vector.
 *
 *   BAR 0  registers          BAR 1  MSI-X table and pending bits
 *
 * Vector 0 is free for configuration changes; each queue may have its own.
 *
 * Owner: the device that embeds it first in its structure. Locking: the
 * function's lock covers registers and MSI-X; ops are called with it held.
 */
#ifndef VMM_VIRTIO_FUNCTION_H
#define VMM_VIRTIO_FUNCTION_H

#include <stdbool.h>
#include <stdint.h>

#include "pci/msix.h"
#include "virtio/pci.h"
#include "vmm-hooks/vmm/irq.h"
#include "vmm-hooks/vmm/pci_bus.h"

struct vm;
struct ram;
struct virtio_function;

struct virtio_function_ops {
	/* The driver is ready. Return: 0 or negative errno. */
	int (*start)(struct virtio_function *device);
	/* The driver is gone: no queue is touched after the return. */
	void (*stop)(struct virtio_function *device);
};

struct virtio_function_setup {
	const struct virtio_function_ops *ops;
	struct vm *vm;
	struct ram *ram;
	unsigned int type; /* virtio device type (virtio 1.3 §5) */
	uint32_t class_code;
	uint64_t features;
	unsigned int queues;
	void *config; /* device configuration, NULL: none */
	unsigned int config_len;
};

struct virtio_function {
	struct pci_function function;
	const struct virtio_function_ops *ops;
	struct vm *vm;
	struct ram *ram;
	struct virtio_pci registers;
	struct msix msix;
	unsigned int msix_cap;
	struct irq irqs[VIRTIO_PCI_QUEUES_MAX + 1];
	int kicks[VIRTIO_PCI_QUEUES_MAX];
	bool kicks_connected;
	uint64_t kicks_at; /* address of BAR 0 when they were connected */
};

/**
 * virtio_function_init - a device in reset
 * @device: what to fill
 * @setup: what it is made of
 *
 * Return: 0 or negative errno.
 */
int virtio_function_init(struct virtio_function *device,
			 const struct virtio_function_setup *setup);
/* After all processors stopped; stops the device if it runs. */
void virtio_function_deinit(struct virtio_function *device);

/**
 * virtio_function_interrupt - tell the driver of used buffers
 * @device: the device, running
 * @queue: which queue
 */
void virtio_function_interrupt(struct virtio_function *device,
			       unsigned int queue);

/**
 * virtio_function_call_fd - the descriptor that interrupts for a queue
 * @device: the device, running
 * @queue: which queue
 *
 * Return: an eventfd for vhost, or -1 when the driver wants no interrupts.
 */
int virtio_function_call_fd(const struct virtio_function *device,
			    unsigned int queue);

/* Serves one request and returns the bytes written to it. */
typedef uint32_t (*virtio_serve)(struct virtio_function *device,
				 unsigned int queue,
				 const struct virtq_chain *chain);

/**
 * virtio_function_drain - serve what waits in a queue, and interrupt
 * @device: the device, running
 * @queue: which queue
 * @serve: called for each request
 *
 * Serves a bounded number; when more wait it signals the queue's own eventfd.
 */
void virtio_function_drain(struct virtio_function *device, unsigned int queue,
			   virtio_serve serve);

static inline struct virtq *
virtio_function_queue(struct virtio_function *device, unsigned int queue)
{
	return &device->registers.queues[queue];
}

#endif
