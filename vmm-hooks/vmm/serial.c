// SPDX-License-Identifier: MIT
#include "vmm-hooks/vmm/serial.h"

#include <linux/serial_reg.h>

#include "vmm-hooks/vmm/cleanup.h"

#define MSR_READY (UART_MSR_DCD | UART_MSR_DSR | UART_MSR_CTS)

void serial_init(struct serial *serial, const struct serial_ops *ops,
		 void *user)
{
	*serial = (struct serial){.ops = ops, .user = user, .divisor = 1};
	pthread_mutex_init(&serial->lock, NULL);
}

void serial_deinit(struct serial *serial)
{
	pthread_mutex_destroy(&serial->lock);
}

/* The most urgent cause, as the identification register names it. */
static uint8_t cause(const struct serial *serial)
{
	if (serial->ier & UART_IER_RDI && serial->fifo_len)
		return UART_IIR_RDI;
	if (serial->ier & UART_IER_THRI && serial->transmit_pending)
		return UART_IIR_THRI;
	return UART_IIR_NO_INT;
}

static void update(struct serial *serial)
{
	bool level = cause(serial) != UART_IIR_NO_INT;

	if (level == serial->level)
		return;
	serial->level = level;
	serial->ops->interrupt(serial->user, level);
}

static void receive(struct serial *serial, uint8_t byte)
{
	unsigned int at = (serial->fifo_start + serial->fifo_len) % SERIAL_FIFO;

	if (serial->fifo_len == SERIAL_FIFO)
		return;
	serial->fifo[at] = byte;
	serial->fifo_len++;
}

static uint8_t take(struct serial *serial)
{
	uint8_t byte;

	if (!serial->fifo_len)
		return 0;
	byte = serial->fifo[serial->fifo_start];
	serial->fifo_start = (serial->fifo_start + 1) % SERIAL_FIFO;
	serial->fifo_len--;
	if (!serial->fifo_len)
		serial->ops->input_room(serial->user);
	return byte;
}

static uint8_t identify(struct serial *serial)
{
	uint8_t value = cause(serial);

	if (value == UART_IIR_THRI)
		serial->transmit_pending = false;
	if (serial->fcr & UART_FCR_ENABLE_FIFO)
		value |= UART_IIR_FIFO_ENABLED_16550A;
	return value;
}

/* In loop-back, the four outputs of the modem register are its inputs. */
static uint8_t modem_status(const struct serial *serial)
{
	uint8_t mcr = serial->mcr;

	if (!(mcr & UART_MCR_LOOP))
		return MSR_READY;
	return (mcr & UART_MCR_RTS ? UART_MSR_CTS : 0) |
	       (mcr & UART_MCR_DTR ? UART_MSR_DSR : 0) |
	       (mcr & UART_MCR_OUT1 ? UART_MSR_RI : 0) |
	       (mcr & UART_MCR_OUT2 ? UART_MSR_DCD : 0);
}

static uint8_t read_register(struct serial *serial, unsigned int offset)
{
	bool latch = serial->lcr & UART_LCR_DLAB;

	switch (offset) {
	case UART_RX:
		return latch ? serial->divisor : take(serial);
	case UART_IER:
		return latch ? serial->divisor >> 8 : serial->ier;
	case UART_IIR:
		return identify(serial);
	case UART_LCR:
		return serial->lcr;
	case UART_MCR:
		return serial->mcr;
	case UART_LSR:
		return UART_LSR_THRE | UART_LSR_TEMT |
		       (serial->fifo_len ? UART_LSR_DR : 0);
	case UART_MSR:
		return modem_status(serial);
	default:
		return serial->scratch;
	}
}

static void transmit(struct serial *serial, uint8_t byte)
{
	if (serial->mcr & UART_MCR_LOOP)
		receive(serial, byte);
	else
		serial->ops->output(serial->user, byte);
	serial->transmit_pending = true;
}

static void set_enables(struct serial *serial, uint8_t value)
{
	uint8_t added = value & ~serial->ier;

	serial->ier = value & 0x0f;
	if (added & UART_IER_THRI)
		serial->transmit_pending = true;
}

static void set_divisor(struct serial *serial, unsigned int offset,
			uint8_t value)
{
	if (offset == UART_DLL)
		serial->divisor = (serial->divisor & 0xff00) | value;
	else
		serial->divisor = (serial->divisor & 0xff) | value << 8;
}

static void write_register(struct serial *serial, unsigned int offset,
			   uint8_t value)
{
	if (serial->lcr & UART_LCR_DLAB && offset <= UART_DLM) {
		set_divisor(serial, offset, value);
		return;
	}
	switch (offset) {
	case UART_TX:
		transmit(serial, value);
		break;
	case UART_IER:
		set_enables(serial, value);
		break;
	case UART_FCR:
		serial->fcr = value;
		if (value & UART_FCR_CLEAR_RCVR)
			serial->fifo_len = 0;
		break;
	case UART_LCR:
		serial->lcr = value;
		break;
	case UART_MCR:
		serial->mcr = value & 0x1f;
		break;
	case UART_SCR:
		serial->scratch = value;
		break;
	}
}

uint8_t serial_read(struct serial *serial, unsigned int offset)
{
	MUTEX_GUARD(&serial->lock);
	uint8_t value = read_register(serial, offset % SERIAL_PORTS);

	update(serial);
	return value;
}

void serial_write(struct serial *serial, unsigned int offset, uint8_t value)
{
	MUTEX_GUARD(&serial->lock);

	write_register(serial, offset % SERIAL_PORTS, value);
	/*
	 * The line is edge-triggered: an interrupt whose cause came again while
	 * it was asserted must be seen as a new one.
	 */
	if (serial->level && serial->transmit_pending) {
		serial->level = false;
		serial->ops->interrupt(serial->user, false);
	}
	update(serial);
}

unsigned int serial_input(struct serial *serial, const uint8_t *data,
			  unsigned int len)
{
	MUTEX_GUARD(&serial->lock);
	unsigned int room = SERIAL_FIFO - serial->fifo_len;
	unsigned int taken = len < room ? len : room;

	for (unsigned int i = 0; i < taken; i++)
		receive(serial, data[i]);
	update(serial);
	return taken;
}

unsigned int serial_room(struct serial *serial)
{
	MUTEX_GUARD(&serial->lock);

	return SERIAL_FIFO - serial->fifo_len;
}
