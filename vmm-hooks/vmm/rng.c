// SPDX-License-Identifier: MIT
#include "vmm-hooks/vmm/rng.h"

#include <errno.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_ring.h>
#include <stdlib.h>
#include <sys/random.h>

#include "vmm-hooks/vmm/loop_queue.h"
#include "vmm-hooks/vmm/machine.h"

#define CLASS_OTHER 0xff0000
#define BYTES_MAX 4096

struct rng {
	struct virtio_function device;
	struct loop_queues queues;
};

/* A long request gets what fits; the driver asks again. */
static uint32_t serve(struct virtio_function *device, unsigned int index,
		      const struct virtq_chain *chain)
{
	struct virtq *queue = virtio_function_queue(device, index);
	uint8_t bytes[BYTES_MAX];
	uint32_t len =
		chain->write_len < BYTES_MAX ? chain->write_len : BYTES_MAX;

	if (getrandom(bytes, len, 0) != (ssize_t)len)
		return 0;
	return virtq_chain_write(queue, chain, 0, bytes, len) < 0 ? 0 : len;
}

static void ready(struct virtio_function *device, unsigned int queue)
{
	virtio_function_drain(device, queue, serve);
}

static int start(struct virtio_function *device)
{
	return loop_queues_start(&((struct rng *)device)->queues);
}

static void stop(struct virtio_function *device)
{
	loop_queues_stop(&((struct rng *)device)->queues);
}

static const struct virtio_function_ops ops = {start, stop};

static int init(struct rng *rng, struct machine *machine)
{
	struct virtio_function_setup setup = {
		.ops = &ops,
		.vm = &machine->vm,
		.ram = &machine->ram,
		.type = VIRTIO_ID_RNG,
		.class_code = CLASS_OTHER,
		.features = 1ull << VIRTIO_RING_F_EVENT_IDX,
		.queues = 1,
	};
	int r = virtio_function_init(&rng->device, &setup);

	if (r == 0)
		r = loop_queues_init(&rng->queues, &rng->device, &machine->loop,
				     ready);
	return r < 0 ? r : pci_bus_add(&machine->pci, &rng->device.function);
}

struct rng *rng_new(struct machine *machine)
{
	struct rng *rng = calloc(1, sizeof(*rng));
	int r = rng ? init(rng, machine) : -ENOMEM;

	if (r == 0)
		return rng;
	rng_free(rng);
	errno = -r;
	return NULL;
}

void rng_free(struct rng *rng)
{
	if (!rng)
		return;
	virtio_function_deinit(&rng->device);
	loop_queues_deinit(&rng->queues);
	free(rng);
}
