/* SPDX-License-Identifier: MIT */
/*
 * One virtual machine of KVM: memory slots, interrupt routes, and the two ways
 * by which the kernel saves an exit to user space (ioeventfd, irqfd).
 *
 * Owner: the machine. Locking: inside; every call may come from any thread.
 */
#ifndef VMM_VM_H
#define VMM_VM_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "pci/msix.h"

#define VM_SLOTS_MAX 512
#define VM_ROUTES_MAX 4096

struct kvm_irq_routing;

struct vm {
	int kvm; /* /dev/kvm */
	int fd;
	int run_size; /* bytes of the structure shared with each processor */
	pthread_mutex_t lock; /* protects all below */
	uint8_t slot_used[VM_SLOTS_MAX];
	unsigned int
		slot_count; /* what this kernel allows, at most the array */
	struct kvm_irq_routing *routes;
	uint8_t route_used[VM_ROUTES_MAX]; /* messages, from LAYOUT_MSI_GSI */
};

/**
 * vm_init - open /dev/kvm and create a machine with interrupt controllers;
 * reports what went wrong
 * @vm: what to fill
 *
 * Return: 0 or negative errno.
 */
int vm_init(struct vm *vm);
void vm_deinit(struct vm *vm);

/**
 * vm_map - let the guest see memory
 * @vm: the machine
 * @addr: guest address, page aligned
 * @size: bytes, whole pages
 * @memory: what it sees
 *
 * Return: the slot, for vm_unmap(), or negative errno.
 */
int vm_map(struct vm *vm, uint64_t addr, uint64_t size, void *memory);
void vm_unmap(struct vm *vm, int slot);

/**
 * vm_ioeventfd - signal a descriptor when the guest writes an address
 * @vm: the machine
 * @addr: memory address
 * @fd: eventfd
 * @on: begin, or end
 *
 * Return: 0 or negative errno.
 */
int vm_ioeventfd(struct vm *vm, uint64_t addr, int fd, bool on);

/**
 * vm_ioeventfd_match - the same for writes of one value and width only
 * @vm: the machine
 * @addr: memory address
 * @len: bytes: 1, 2, 4 or 8
 * @value: what must be written
 * @fd: eventfd
 * @on: begin, or end
 *
 * Return: 0 or negative errno.
 */
int vm_ioeventfd_match(struct vm *vm, uint64_t addr, unsigned int len,
		       uint64_t value, int fd, bool on);

/**
 * vm_irqfd - raise an interrupt when a descriptor is signalled
 * @vm: the machine
 * @gsi: which
 * @fd: eventfd
 * @resample: eventfd to signal when the guest ends a level interrupt, or -1
 * @on: begin, or end
 *
 * A count that waits in @fd raises the interrupt at once.
 *
 * Return: 0 or negative errno.
 */
int vm_irqfd(struct vm *vm, unsigned int gsi, int fd, int resample, bool on);

/**
 * vm_message_alloc - a number for a message-signalled interrupt
 * @vm: the machine
 *
 * Return: the GSI, or -ENOSPC.
 */
int vm_message_alloc(struct vm *vm);
void vm_message_free(struct vm *vm, int gsi);

/**
 * vm_message_set - what a message-signalled interrupt sends
 * @vm: the machine
 * @gsi: from vm_message_alloc()
 * @message: the guest's
 *
 * Return: 0 or negative errno.
 */
int vm_message_set(struct vm *vm, int gsi, const struct msix_message *message);

/**
 * vm_interrupt - set the level of an interrupt line
 * @vm: the machine
 * @gsi: below LAYOUT_MSI_GSI
 * @level: asserted or not
 */
void vm_interrupt(struct vm *vm, unsigned int gsi, bool level);

#endif
