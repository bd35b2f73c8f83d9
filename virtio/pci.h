/* SPDX-License-Identifier: MIT */
/*
 * The register file of a modern virtio device on PCI (virtio 1.3 §4.1): common
 * configuration, interrupt status, device configuration, notification, and the
 * capabilities that name them. One memory BAR holds them all:
 *
 *   0x0000  common configuration
 *   0x1000  interrupt status (one byte)
 *   0x2000  device configuration
 *   0x3000  notification, four bytes a queue
 *
 * The life of a device, as the guest drives it through the status register:
 *
 *   reset     status 0; queues idle, features 0
 *   set-up    ACKNOWLEDGE, DRIVER, FEATURES_OK: queues are filled in
 *   running   DRIVER_OK: ops->start was called
 *   stopping  reset was asked for, ops->stop_begin was called: status reads as
 *	       before and registers take no writes until virtio_pci_stopped();
 *	       drivers wait for it (§4.1.4.3.2)
 *   broken    NEEDS_RESET: a rule was broken; only a reset leads on
 *
 * Owner: the device that embeds it. Locking: register accesses are serialised
 * by the user. Once ops->start was called, queues belong to the device, until
 * its ops->stop returns: registers no longer touch a running queue.
 */
#ifndef VIRTIO_PCI_H
#define VIRTIO_PCI_H

#include <stdbool.h>
#include <stdint.h>

#include "pci/config.h"
#include "virtio/queue.h"

#define VIRTIO_PCI_BAR_SIZE 0x4000
#define VIRTIO_PCI_AREA_COMMON 0x0000
#define VIRTIO_PCI_AREA_ISR 0x1000
#define VIRTIO_PCI_AREA_DEVICE 0x2000
#define VIRTIO_PCI_AREA_NOTIFY 0x3000
#define VIRTIO_PCI_NOTIFY_STRIDE 4
#define VIRTIO_PCI_QUEUES_MAX 16
#define VIRTIO_PCI_NO_VECTOR 0xffff

/* An access to the notification area was not one. */
#define VIRTIO_PCI_NO_QUEUE -1

struct virtio_pci;

struct virtio_pci_ops {
	/* The driver is ready: use the queues. Return: 0 or negative errno. */
	int (*start)(void *user);
	/* Give the queues up before returning; the device was running. */
	void (*stop)(void *user);
	/*
	 * Optional, in place of stop: begin to give the queues up, and return.
	 * virtio_pci_stopped() tells when it is done.
	 */
	void (*stop_begin)(void *user);
	/* The driver notified a queue through a register access. */
	void (*notify)(void *user, unsigned int queue);
	/* The device configuration changed by a write; may be NULL. */
	void (*config_changed)(void *user, unsigned int offset,
			       unsigned int len);
};

struct virtio_pci {
	const struct virtio_pci_ops *ops;
	void *user;
	struct pci_config *config;
	unsigned int bar;
	unsigned int window_cap; /* offset of the access window in @config */

	uint64_t features; /* what the device offers */
	uint64_t accepted; /* what the driver took */
	uint32_t feature_select;
	uint32_t accept_select;
	uint8_t status;
	uint8_t isr;
	uint8_t generation;
	bool running;
	bool stopping;

	uint16_t vectors; /* MSI-X vectors that exist */
	uint16_t config_vector;
	uint16_t queue_select;
	uint16_t queue_count;
	uint16_t queue_vector[VIRTIO_PCI_QUEUES_MAX];
	struct virtq queues[VIRTIO_PCI_QUEUES_MAX];

	uint8_t *device_config; /* the device's own structure */
	uint16_t device_config_len;
	const uint8_t *device_config_mask; /* writable bits; NULL: none */
};

/* What a device is made of; pointers must outlive the device. */
struct virtio_pci_setup {
	const struct virtio_pci_ops *ops;
	void *user;
	struct guest_memory *memory;
	uint64_t features; /* device and ring features; VERSION_1 is added */
	unsigned int queues; /* 1..VIRTIO_PCI_QUEUES_MAX */
	unsigned int queue_size; /* a power of two ≤ VIRTQ_SIZE_MAX */
	unsigned int vectors;
	void *device_config;
	unsigned int device_config_len; /* bytes, ≤ 0x1000 */
	const void *device_config_mask;
};

/**
 * virtio_pci_identity - the PCI identity of a modern device (§4.1.2)
 * @type: virtio device type, 1..63
 * @class_code: PCI class
 *
 * Return: the identity for pci_config_init().
 */
struct pci_identity virtio_pci_identity(unsigned int type, uint32_t class_code);

/**
 * virtio_pci_init - a device in reset, its BAR and capabilities declared
 * @device: what to fill
 * @setup: what it is made of
 * @config: its configuration space, initialised
 * @bar: index of the BAR that will hold the registers
 *
 * Return: 0, -EINVAL or -ENOSPC.
 */
int virtio_pci_init(struct virtio_pci *device,
		    const struct virtio_pci_setup *setup,
		    struct pci_config *config, unsigned int bar);

/**
 * virtio_pci_add_shared_memory - declare a shared memory region (§4.1.4.7)
 * @device: the device
 * @id: the region's identifier, as the device type defines it
 * @bar: index of the BAR that holds it
 * @offset: bytes from that BAR's start
 * @length: bytes
 *
 * Return: 0 or -ENOSPC.
 */
int virtio_pci_add_shared_memory(struct virtio_pci *device, uint8_t id,
				 unsigned int bar, uint64_t offset,
				 uint64_t length);

/**
 * virtio_pci_reset - as the driver's write of status 0, or a bus reset
 * @device: the device; with ops->stop_begin it may be stopping afterwards
 */
void virtio_pci_reset(struct virtio_pci *device);

/**
 * virtio_pci_stopped - the queues that ops->stop_begin wanted are given up
 * @device: the device, stopping; in reset afterwards
 */
void virtio_pci_stopped(struct virtio_pci *device);

/**
 * virtio_pci_read, virtio_pci_write - an access to the register BAR
 * @device: the device
 * @offset: bytes from the BAR's start; any value
 * @len: 1, 2, 4 or 8
 * @value: what the guest wrote
 *
 * Return: what the guest reads.
 */
uint64_t virtio_pci_read(struct virtio_pci *device, uint64_t offset,
			 unsigned int len);
void virtio_pci_write(struct virtio_pci *device, uint64_t offset,
		      unsigned int len, uint64_t value);

/**
 * virtio_pci_config_read, virtio_pci_config_write - an access to configuration
 * space, with the window of §4.1.4.9 into the register BAR
 * @device: the device
 * @offset: bytes; any value
 * @len: 1, 2 or 4
 * @value: what the guest wrote
 *
 * Return: what the guest reads.
 */
uint32_t virtio_pci_config_read(struct virtio_pci *device, unsigned int offset,
				unsigned int len);
void virtio_pci_config_write(struct virtio_pci *device, unsigned int offset,
			     unsigned int len, uint32_t value);

/**
 * virtio_pci_break - the driver broke a rule: ask it to reset (§2.1.2)
 * @device: the device
 */
void virtio_pci_break(struct virtio_pci *device);

/**
 * virtio_pci_vector - the MSI-X vector of a queue
 * @device: the device
 * @queue: its index
 *
 * Return: a vector that exists, or VIRTIO_PCI_NO_VECTOR.
 */
uint16_t virtio_pci_vector(const struct virtio_pci *device, unsigned int queue);

#endif
