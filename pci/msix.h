/* SPDX-License-Identifier: MIT */
/*
 * The MSI-X table and pending-bit array of an emulated function (PCI 3.0
 * §6.8.2), as a register file. It holds the guest's messages and tells its user
 * when the effective state of a vector changes:
 *
 *   off      MSI-X disabled, function masked, or vector masked: no message;
 *            events that happen meanwhile stay pending in the user
 *   on       the vector may send the message
 *
 * Owner: the device. Locking: the user's, as for its configuration space.
 */
#ifndef PCI_MSIX_H
#define PCI_MSIX_H

#include <stdbool.h>
#include <stdint.h>

#define MSIX_ENTRY_SIZE 16
#define MSIX_VECTORS_MAX 2048

struct msix_message {
	uint64_t address;
	uint32_t data;
};

struct msix_ops {
	/* Vector @vector may send @message, or, when NULL, must keep still. */
	void (*update)(void *user, unsigned int vector,
		       const struct msix_message *message);
	/* Whether an event waits behind the mask of @vector. */
	bool (*pending)(void *user, unsigned int vector);
};

struct msix_entry {
	uint64_t address;
	uint32_t data;
	uint32_t control;
};

struct msix {
	const struct msix_ops *ops;
	void *user;
	struct msix_entry *table;
	unsigned int count;
	bool enabled;
	bool masked;
};

/**
 * msix_init - all vectors masked, MSI-X disabled
 * @msix: what to fill
 * @count: vectors, 1..2048
 * @ops: how changes are told
 * @user: first argument of @ops
 *
 * Return: 0, -EINVAL or -ENOMEM.
 */
int msix_init(struct msix *msix, unsigned int count, const struct msix_ops *ops,
	      void *user);
void msix_deinit(struct msix *msix);

/**
 * msix_reset - back to the state after init; tells of each vector that was on
 * @msix: the table
 */
void msix_reset(struct msix *msix);

/**
 * msix_set_control - the message control word was written
 * @msix: the table
 * @control: PCI_MSIX_FLAGS as it is now
 */
void msix_set_control(struct msix *msix, uint16_t control);

/**
 * msix_table_read, msix_table_write - a guest's access to the table
 * @msix: the table
 * @offset: bytes from the table's start; any value
 * @len: 4 or 8; others read as zero and write nothing (PCI 3.0 §6.8.2)
 * @value: what the guest wrote
 *
 * Return: what the guest reads.
 */
uint64_t msix_table_read(const struct msix *msix, uint64_t offset,
			 unsigned int len);
void msix_table_write(struct msix *msix, uint64_t offset, unsigned int len,
		      uint64_t value);

/**
 * msix_pending_read - a guest's read of the pending bits
 * @msix: the table
 * @offset: bytes from the array's start; any value
 * @len: 1..8
 *
 * Return: one bit for each vector, lowest first.
 */
uint64_t msix_pending_read(const struct msix *msix, uint64_t offset,
			   unsigned int len);

#endif
