/* SPDX-License-Identifier: MIT */
/*
 * transport.h - how a device process reaches its guest
 *
 * A device sees its guest through one narrow interface: register accesses that
 * it answers, guest memory that it copies, doorbells, interrupts and a window.
 * What carries them is a transport; tranche_module_open() makes the one over
 * tranche.ko.
 *
 * All functions return 0 or a negative errno. -ESHUTDOWN means that the vGPU is
 * not this process's any more: let it end. -ESTALE means that the VMM has closed
 * the vGPU meanwhile; the message that says so is on its way.
 *
 * Messages may be dispatched by several threads; everything else may be called
 * by any thread at any time.
 */
#ifndef MDEV_TRANSPORT_TRANSPORT_H
#define MDEV_TRANSPORT_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct tranche_device_ops - what a device does; all are needed
 * @read: the guest reads a register: fill @data
 * @write: the guest writes a register
 * @reset: forget the guest and unmap the window. -EINPROGRESS to answer later,
 *	   by @reset_done of the transport
 * @opened: a VMM has the device from now on
 * @closed: it has it no more; memory and window are out of reach
 *
 * An error of read or write reads as all-ones or loses the write.
 */
struct tranche_device_ops {
	int (*read)(void *device, uint32_t region, uint64_t offset, void *data,
		    size_t length);
	int (*write)(void *device, uint32_t region, uint64_t offset,
		     const void *data, size_t length);
	int (*reset)(void *device);
	void (*opened)(void *device);
	void (*closed)(void *device);
};

/**
 * struct tranche_copy - a piece of guest memory
 * @iova: where, as the guest's device sees it
 * @data: of this process
 * @length: bytes
 * @write: to the guest
 */
struct tranche_copy {
	uint64_t iova;
	void *data;
	uint32_t length;
	bool write;
};

/**
 * struct tranche_doorbell_register - a register whose writes are a signal
 * @region: index of the BAR
 * @length: bytes of the write; 0 for any
 * @offset: in it
 */
struct tranche_doorbell_register {
	uint32_t region;
	uint32_t length;
	uint64_t offset;
};

struct tranche_transport;

/**
 * struct tranche_transport_ops - what a transport does
 * @fd: a descriptor that polls readable when there is something to dispatch
 * @dispatch: take one message and answer it, waiting for it if @wait is set.
 *	      -EAGAIN if there is none.
 * @copy: copy guest memory, in order; *@done says how many pieces
 * @doorbell: signal @eventfd when a register is written; -1 to stop
 * @interrupt: fire MSI-X vector @vector
 * @intx: raise or lower the INTx line
 * @map: show memory in the window
 * @unmap: the opposite; nobody can reach it when it returns
 * @reset_done: answer the reset that returned -EINPROGRESS; harmless if none did
 * @view: make a transport that has only copy, interrupt, map, unmap and close,
 *	  and reaches only the guest of the present generation: once its VMM has
 *	  closed the vGPU they fail with -ESTALE, whoever opens it next. Closing
 *	  it leaves the vGPU alone; it ends before its transport does.
 * @close: give the vGPU up
 */
struct tranche_transport_ops {
	int (*fd)(struct tranche_transport *transport);
	int (*dispatch)(struct tranche_transport *transport, bool wait);
	int (*copy)(struct tranche_transport *transport,
		    const struct tranche_copy *copies, unsigned int count,
		    unsigned int *done);
	int (*doorbell)(struct tranche_transport *transport,
			const struct tranche_doorbell_register *where,
			int eventfd);
	int (*interrupt)(struct tranche_transport *transport, uint32_t vector);
	int (*intx)(struct tranche_transport *transport, bool level);
	int (*map)(struct tranche_transport *transport, uint64_t offset,
		   void *address, size_t length);
	int (*unmap)(struct tranche_transport *transport, uint64_t offset,
		     size_t length);
	int (*reset_done)(struct tranche_transport *transport, int error);
	int (*view)(struct tranche_transport *transport,
		    struct tranche_transport **viewp);
	void (*close)(struct tranche_transport *transport);
};

/**
 * struct tranche_transport - begins every transport
 * @ops: what it does
 */
struct tranche_transport {
	const struct tranche_transport_ops *ops;
};

int tranche_module_open(struct tranche_transport **transportp, int fd,
			const struct tranche_device_ops *ops, void *device);
void tranche_transport_close(struct tranche_transport *transport);

int tranche_transport_run(struct tranche_transport *transport);

int tranche_memory_read(struct tranche_transport *transport, uint64_t iova,
			void *data, size_t length);
int tranche_memory_write(struct tranche_transport *transport, uint64_t iova,
			 const void *data, size_t length);

/* A cleanup attribute for a transport. */
static inline void tranche_transport_closep(struct tranche_transport **p)
{
	if (*p)
		tranche_transport_close(*p);
}

#endif /* MDEV_TRANSPORT_TRANSPORT_H */
