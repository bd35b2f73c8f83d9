// SPDX-License-Identifier: MIT
#include "mdev/device/function.h"

#include <endian.h>
#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_ring.h>
#include <string.h>

#include "mdev/device/layout.h"

#define CLASS_DISPLAY_OTHER 0x038000
/* What stock drivers ask of a control and of a cursor queue. */
#define QUEUE_SIZE 256
#define CAPSETS 1

/*
 * Without VIRGL, which means 3D of any kind, and the three after it Mesa's
 * venus does not start. RESOURCE_UUID lets guests share between drivers.
 */
#define FEATURES                                                               \
	(1ull << VIRTIO_GPU_F_VIRGL | 1ull << VIRTIO_GPU_F_RESOURCE_UUID |     \
	 1ull << VIRTIO_GPU_F_RESOURCE_BLOB |                                  \
	 1ull << VIRTIO_GPU_F_CONTEXT_INIT | 1ull << VIRTIO_RING_F_EVENT_IDX | \
	 1ull << VIRTIO_F_ACCESS_PLATFORM)

static int start(void *user)
{
	struct function *function = user;
	struct gpu_session session = {.view = NULL};

	for (unsigned int i = 0; i < GPU_QUEUES; i++) {
		session.queues[i] = &function->virtio.queues[i];
		session.vectors[i] = virtio_pci_vector(&function->virtio, i);
	}
	return function->ops->start(function->user, &session);
}

static void stop_begin(void *user)
{
	struct function *function = user;

	function->ops->stop(function->user);
}

static void notify(void *user, unsigned int queue)
{
	struct function *function = user;

	function->ops->notify(function->user, queue);
}

static const struct virtio_pci_ops virtio_ops = {
	.start = start,
	.stop_begin = stop_begin,
	.notify = notify,
};

static int add_virtio(struct function *function, struct guest_memory *memory)
{
	const struct virtio_pci_setup setup = {
		.ops = &virtio_ops,
		.user = function,
		.memory = memory,
		.features = FEATURES,
		.queues = GPU_QUEUES,
		.queue_size = QUEUE_SIZE,
		.vectors = LAYOUT_VECTORS,
		.device_config = &function->gpu_config,
		.device_config_len = sizeof(function->gpu_config),
	};

	function->gpu_config.num_capsets = htole32(CAPSETS);
	return virtio_pci_init(&function->virtio, &setup, &function->config,
			       LAYOUT_BAR_REGISTERS);
}

static int add_msix(struct function *function)
{
	int r = pci_config_add_bar(&function->config, LAYOUT_BAR_MSIX,
				   LAYOUT_MSIX_SIZE, 0);

	if (r < 0)
		return r;
	r = pci_config_add_msix(&function->config, LAYOUT_VECTORS,
				LAYOUT_BAR_MSIX, 0, LAYOUT_MSIX_PENDING);
	return r < 0 ? r : 0;
}

static int add_window(struct function *function, uint64_t size)
{
	int r = pci_config_add_bar(&function->config, LAYOUT_BAR_WINDOW, size,
				   PCI_BAR_64 | PCI_BAR_PREFETCH);

	if (r < 0)
		return r;
	return virtio_pci_add_shared_memory(&function->virtio,
					    VIRTIO_GPU_SHM_ID_HOST_VISIBLE,
					    LAYOUT_BAR_WINDOW, 0, size);
}

int function_init(struct function *function, struct guest_memory *memory,
		  uint64_t window_size, const struct function_ops *ops,
		  void *user)
{
	struct pci_identity identity =
		virtio_pci_identity(VIRTIO_ID_GPU, CLASS_DISPLAY_OTHER);
	int r;

	memset(function, 0, sizeof(*function));
	function->ops = ops;
	function->user = user;
	pci_config_init(&function->config, &identity);
	r = add_msix(function);
	if (r == 0)
		r = add_virtio(function, memory);
	if (r == 0)
		r = add_window(function, window_size);
	if (r == 0)
		r = pci_config_add_express(&function->config);
	if (r < 0)
		return r;
	memcpy(function->pristine, function->config.data,
	       sizeof(function->pristine));
	return 0;
}

/* One access of a register's size, or bytes of a longer one. */
static uint32_t piece(uint32_t length)
{
	return length == 1 || length == 2 || length == 4 ? length : 1;
}

static void config_read(struct function *function, uint64_t offset,
			uint8_t *data, uint32_t length)
{
	uint32_t step = piece(length);

	for (uint32_t at = 0; at < length; at += step) {
		uint32_t value = htole32(
			length == step
				? virtio_pci_config_read(&function->virtio,
							 offset, length)
				: pci_config_read(&function->config,
						  offset + at, step));

		memcpy(data + at, &value, step);
	}
}

static void config_write(struct function *function, uint64_t offset,
			 const uint8_t *data, uint32_t length)
{
	uint32_t step = piece(length);

	for (uint32_t at = 0; at < length; at += step) {
		uint32_t value = 0;

		memcpy(&value, data + at, step);
		virtio_pci_config_write(&function->virtio, offset + at, step,
					le32toh(value));
	}
}

static bool is_register(uint32_t length)
{
	return piece(length) == length || length == 8;
}

void function_read(struct function *function, unsigned int region,
		   uint64_t offset, void *data, uint32_t length)
{
	uint64_t value = 0;

	memset(data, 0, length);
	if (region == VFIO_PCI_CONFIG_REGION_INDEX &&
	    offset < PCI_CONFIG_SIZE && length <= PCI_CONFIG_SIZE - offset) {
		config_read(function, offset, data, length);
	} else if (region == LAYOUT_BAR_REGISTERS && is_register(length)) {
		value = htole64(
			virtio_pci_read(&function->virtio, offset, length));
		memcpy(data, &value, length);
	}
}

void function_write(struct function *function, unsigned int region,
		    uint64_t offset, const void *data, uint32_t length)
{
	uint64_t value = 0;

	if (region == VFIO_PCI_CONFIG_REGION_INDEX &&
	    offset < PCI_CONFIG_SIZE && length <= PCI_CONFIG_SIZE - offset) {
		config_write(function, offset, data, length);
	} else if (region == LAYOUT_BAR_REGISTERS && is_register(length)) {
		memcpy(&value, data, length);
		virtio_pci_write(&function->virtio, offset, length,
				 le64toh(value));
	}
}

void function_reset(struct function *function)
{
	memcpy(function->config.data, function->pristine,
	       sizeof(function->pristine));
	virtio_pci_reset(&function->virtio);
}

void function_stopped(struct function *function)
{
	virtio_pci_stopped(&function->virtio);
}

bool function_stopping(const struct function *function)
{
	return function->virtio.stopping;
}

uint16_t function_break(struct function *function)
{
	virtio_pci_break(&function->virtio);
	return function->virtio.config_vector;
}
