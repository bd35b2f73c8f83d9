// SPDX-License-Identifier: MIT
/*
 * transport.c - what is the same for every transport
 */
#include <errno.h>

#include "mdev/transport/transport.h"

/**
 * tranche_transport_close() - give the vGPU up
 * @transport: the transport
 */
void tranche_transport_close(struct tranche_transport *transport)
{
	transport->ops->close(transport);
}

/**
 * tranche_transport_run() - serve messages until the vGPU is somebody else's
 * @transport: the transport
 *
 * For a thread of its own. A device with an event loop polls the transport's
 * descriptor there and dispatches by itself.
 *
 * Return: 0 at the end, or a negative errno
 */
int tranche_transport_run(struct tranche_transport *transport)
{
	int ret;

	do {
		ret = transport->ops->dispatch(transport, true);
	} while (!ret || ret == -EINTR);
	return ret == -ESHUTDOWN ? 0 : ret;
}

static int copy_one(struct tranche_transport *transport, uint64_t iova,
		    void *data, size_t length, bool write)
{
	const size_t most = 1 << 20;
	struct tranche_copy copy = {.write = write};
	unsigned int done;
	size_t offset;
	int ret;

	for (offset = 0; offset < length; offset += copy.length) {
		copy.iova = iova + offset;
		copy.data = (char *)data + offset;
		copy.length = length - offset < most ? length - offset : most;
		ret = transport->ops->copy(transport, &copy, 1, &done);
		if (ret)
			return ret;
	}
	return 0;
}

/**
 * tranche_memory_read() - copy from guest memory
 * @transport: the transport
 * @iova: where
 * @data: gets @length bytes
 * @length: any
 */
int tranche_memory_read(struct tranche_transport *transport, uint64_t iova,
			void *data, size_t length)
{
	return copy_one(transport, iova, data, length, false);
}

/**
 * tranche_memory_write() - copy to guest memory
 * @transport: the transport
 * @iova: where
 * @data: @length bytes
 * @length: any
 */
int tranche_memory_write(struct tranche_transport *transport, uint64_t iova,
			 const void *data, size_t length)
{
	/* A copy to the guest only reads it. */
	return copy_one(transport, iova, (void *)(uintptr_t)data, length, true);
}
