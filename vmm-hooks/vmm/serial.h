/* SPDX-License-Identifier: MIT */
/*
 * The first serial port: a 16550A (National Semiconductor's data sheet), as far
 * as a console needs it: receive FIFO, transmit without delay, interrupts for
 * both, modem lines always ready.
 *
 * Owner: the machine. Locking: inside; the guest's processors and the loop call
 * at the same time. Operations are called with the lock held and must not call
 * back.
 */
#ifndef VMM_SERIAL_H
#define VMM_SERIAL_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define SERIAL_PORTS 8
#define SERIAL_FIFO 64

struct serial_ops {
	/* The guest sent one byte. */
	void (*output)(void *user, uint8_t byte);
	/* The interrupt line changed. */
	void (*interrupt)(void *user, bool level);
	/* The guest took input: there is room again. */
	void (*input_room)(void *user);
};

struct serial {
	const struct serial_ops *ops;
	void *user;
	pthread_mutex_t lock; /* protects all below */
	uint8_t fifo[SERIAL_FIFO];
	unsigned int fifo_start;
	unsigned int fifo_len;
	uint16_t divisor;
	uint8_t ier, fcr, lcr, mcr, scratch;
	bool transmit_pending; /* the transmitter became empty, not yet told */
	bool level;
};

void serial_init(struct serial *serial, const struct serial_ops *ops,
		 void *user);
void serial_deinit(struct serial *serial);

/**
 * serial_read, serial_write - a guest's access to a register
 * @serial: the port
 * @offset: 0..7
 * @value: what the guest wrote
 *
 * Return: what the guest reads.
 */
uint8_t serial_read(struct serial *serial, unsigned int offset);
void serial_write(struct serial *serial, unsigned int offset, uint8_t value);

/**
 * serial_input - bytes for the guest
 * @serial: the port
 * @data: the bytes
 * @len: how many
 *
 * Return: how many were taken; the rest must come again later.
 */
unsigned int serial_input(struct serial *serial, const uint8_t *data,
			  unsigned int len);

/**
 * serial_room - how many bytes serial_input() would take now
 * @serial: the port
 *
 * Return: bytes.
 */
unsigned int serial_room(struct serial *serial);

#endif
