// SPDX-License-Identifier: MIT
#include "virtio/pci.h"

#include <assert.h>
#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_pci.h>
#include <linux/virtio_ring.h>
#include <string.h>

#define VIRTIO_VENDOR 0x1af4
#define MODERN_DEVICE_BASE 0x1040
#define AREA_SIZE 0x1000

/* Features that the rings need, whatever the device. */
#define RING_FEATURES \
	(1ull << VIRTIO_F_VERSION_1 | 1ull << VIRTIO_RING_F_INDIRECT_DESC)

struct pci_identity virtio_pci_identity(unsigned int type, uint32_t class_code)
{
	return (struct pci_identity){
		.vendor = VIRTIO_VENDOR,
		.device = MODERN_DEVICE_BASE + type,
		.subsystem_vendor = VIRTIO_VENDOR,
		.subsystem = MODERN_DEVICE_BASE + type,
		.class_code = class_code,
		.revision = 1,
	};
}

/* One vendor capability (§4.1.4): @extra follows the common part. */
static int add_area(struct virtio_pci *device, uint8_t type, uint32_t offset,
		    uint32_t length, const void *extra, size_t extra_len)
{
	struct virtio_pci_cap cap = {
		.cap_len = sizeof(cap) + extra_len,
		.cfg_type = type,
		.bar = device->bar,
		.offset = offset,
		.length = length,
	};
	uint8_t body[sizeof(cap) + 8];

	assert(extra_len <= 8);
	memcpy(body, &cap, sizeof(cap));
	if (extra_len)
		memcpy(body + sizeof(cap), extra, extra_len);
	return pci_config_add_capability(device->config, PCI_CAP_ID_VNDR,
					 body + 2, sizeof(cap) - 2 + extra_len);
}

static int add_window(struct virtio_pci *device)
{
	uint8_t data[4] = {0};
	int offset = add_area(device, VIRTIO_PCI_CAP_PCI_CFG, 0, 0, data,
			      sizeof(data));

	if (offset < 0)
		return offset;
	device->window_cap = offset;
	pci_config_allow(device->config,
			 offset + offsetof(struct virtio_pci_cap, bar), 0xff,
			 1);
	pci_config_allow(device->config,
			 offset + offsetof(struct virtio_pci_cap, offset),
			 UINT32_MAX, 4);
	pci_config_allow(device->config,
			 offset + offsetof(struct virtio_pci_cap, length),
			 UINT32_MAX, 4);
	return 0;
}

static int add_areas(struct virtio_pci *device)
{
	uint32_t stride = VIRTIO_PCI_NOTIFY_STRIDE;
	int r;

	r = add_area(device, VIRTIO_PCI_CAP_COMMON_CFG, VIRTIO_PCI_AREA_COMMON,
		     AREA_SIZE, NULL, 0);
	if (r >= 0)
		r = add_area(device, VIRTIO_PCI_CAP_ISR_CFG,
			     VIRTIO_PCI_AREA_ISR, AREA_SIZE, NULL, 0);
	if (r >= 0 && device->device_config_len)
		r = add_area(device, VIRTIO_PCI_CAP_DEVICE_CFG,
			     VIRTIO_PCI_AREA_DEVICE, AREA_SIZE, NULL, 0);
	if (r >= 0)
		r = add_area(device, VIRTIO_PCI_CAP_NOTIFY_CFG,
			     VIRTIO_PCI_AREA_NOTIFY, AREA_SIZE, &stride,
			     sizeof(stride));
	if (r >= 0)
		r = add_window(device);
	return r < 0 ? r : 0;
}

static void registers_clear(struct virtio_pci *device)
{
	device->accepted = 0;
	device->feature_select = device->accept_select = 0;
	device->status = device->isr = 0;
	device->queue_select = 0;
	device->config_vector = VIRTIO_PCI_NO_VECTOR;
	for (unsigned int i = 0; i < device->queue_count; i++) {
		device->queue_vector[i] = VIRTIO_PCI_NO_VECTOR;
		virtq_reset(&device->queues[i]);
	}
}

int virtio_pci_init(struct virtio_pci *device,
		    const struct virtio_pci_setup *setup,
		    struct pci_config *config, unsigned int bar)
{
	int r;

	if (!setup->queues || setup->queues > VIRTIO_PCI_QUEUES_MAX ||
	    setup->queue_size > VIRTQ_SIZE_MAX ||
	    setup->device_config_len > AREA_SIZE)
		return -EINVAL;
	*device = (struct virtio_pci){
		.ops = setup->ops,
		.user = setup->user,
		.config = config,
		.bar = bar,
		.features = setup->features | RING_FEATURES,
		.vectors = setup->vectors,
		.queue_count = setup->queues,
		.device_config = setup->device_config,
		.device_config_len = setup->device_config_len,
		.device_config_mask = setup->device_config_mask,
	};
	for (unsigned int i = 0; i < setup->queues; i++) {
		device->queues[i].memory = setup->memory;
		device->queues[i].size_max = setup->queue_size;
	}
	registers_clear(device);
	r = pci_config_add_bar(config, bar, VIRTIO_PCI_BAR_SIZE, 0);
	return r < 0 ? r : add_areas(device);
}

int virtio_pci_add_shared_memory(struct virtio_pci *device, uint8_t id,
				 unsigned int bar, uint64_t offset,
				 uint64_t length)
{
	struct virtio_pci_cap64 cap = {
		.cap =
			{
				.cap_len = sizeof(cap),
				.cfg_type = VIRTIO_PCI_CAP_SHARED_MEMORY_CFG,
				.bar = bar,
				.id = id,
				.offset = offset,
				.length = length,
			},
		.offset_hi = offset >> 32,
		.length_hi = length >> 32,
	};
	int r = pci_config_add_capability(device->config, PCI_CAP_ID_VNDR,
					  (const uint8_t *)&cap + 2,
					  sizeof(cap) - 2);

	return r < 0 ? r : 0;
}

void virtio_pci_reset(struct virtio_pci *device)
{
	if (device->stopping)
		return;
	if (device->running && device->ops->stop_begin) {
		device->stopping = true;
		device->ops->stop_begin(device->user);
		return;
	}
	if (device->running)
		device->ops->stop(device->user);
	device->running = false;
	registers_clear(device);
}

void virtio_pci_stopped(struct virtio_pci *device)
{
	device->stopping = false;
	device->running = false;
	registers_clear(device);
}

void virtio_pci_break(struct virtio_pci *device)
{
	device->status |= VIRTIO_CONFIG_S_NEEDS_RESET;
}

uint16_t virtio_pci_vector(const struct virtio_pci *device, unsigned int queue)
{
	return queue < device->queue_count ? device->queue_vector[queue]
					   : VIRTIO_PCI_NO_VECTOR;
}

static struct virtq *selected(struct virtio_pci *device)
{
	if (device->queue_select >= device->queue_count)
		return NULL;
	return &device->queues[device->queue_select];
}

/* A queue's registers, in the order of §4.1.4.3; 0 without such a queue. */
static uint64_t queue_register(struct virtio_pci *device, unsigned int offset)
{
	const struct virtq *queue = selected(device);

	if (!queue)
		return 0;
	switch (offset) {
	case VIRTIO_PCI_COMMON_Q_SIZE:
		return queue->size;
	case VIRTIO_PCI_COMMON_Q_MSIX:
		return device->queue_vector[device->queue_select];
	case VIRTIO_PCI_COMMON_Q_ENABLE:
		return queue->ready;
	case VIRTIO_PCI_COMMON_Q_NOFF:
		return device->queue_select;
	case VIRTIO_PCI_COMMON_Q_DESCLO:
		return queue->desc;
	case VIRTIO_PCI_COMMON_Q_DESCHI:
		return queue->desc >> 32;
	case VIRTIO_PCI_COMMON_Q_AVAILLO:
		return queue->avail;
	case VIRTIO_PCI_COMMON_Q_AVAILHI:
		return queue->avail >> 32;
	case VIRTIO_PCI_COMMON_Q_USEDLO:
		return queue->used;
	case VIRTIO_PCI_COMMON_Q_USEDHI:
		return queue->used >> 32;
	default:
		return 0;
	}
}

static uint64_t common_register(struct virtio_pci *device, unsigned int offset)
{
	switch (offset) {
	case VIRTIO_PCI_COMMON_DFSELECT:
		return device->feature_select;
	case VIRTIO_PCI_COMMON_DF:
		return device->feature_select > 1
			       ? 0
			       : device->features >>
					 32 * device->feature_select;
	case VIRTIO_PCI_COMMON_GFSELECT:
		return device->accept_select;
	case VIRTIO_PCI_COMMON_GF:
		return device->accept_select > 1
			       ? 0
			       : device->accepted >> 32 * device->accept_select;
	case VIRTIO_PCI_COMMON_MSIX:
		return device->config_vector;
	case VIRTIO_PCI_COMMON_NUMQ:
		return device->queue_count;
	case VIRTIO_PCI_COMMON_STATUS:
		return device->status;
	case VIRTIO_PCI_COMMON_CFGGENERATION:
		return device->generation;
	case VIRTIO_PCI_COMMON_Q_SELECT:
		return device->queue_select;
	default:
		return queue_register(device, offset);
	}
}

static uint64_t cut(uint64_t value, unsigned int len)
{
	return len >= 8 ? value : value & ((1ull << 8 * len) - 1);
}

static uint64_t device_read(const struct virtio_pci *device, uint64_t offset,
			    unsigned int len)
{
	uint64_t value = 0;

	if (offset >= device->device_config_len ||
	    len > device->device_config_len - offset)
		return 0;
	memcpy(&value, device->device_config + offset, len);
	return value;
}

uint64_t virtio_pci_read(struct virtio_pci *device, uint64_t offset,
			 unsigned int len)
{
	uint64_t value = 0;

	if (len > 8 || offset >= VIRTIO_PCI_BAR_SIZE)
		return UINT64_MAX;
	switch (offset / AREA_SIZE) {
	case VIRTIO_PCI_AREA_COMMON / AREA_SIZE:
		value = common_register(device, offset);
		break;
	case VIRTIO_PCI_AREA_ISR / AREA_SIZE:
		value = device->isr;
		device->isr = 0;
		break;
	case VIRTIO_PCI_AREA_DEVICE / AREA_SIZE:
		value = device_read(device, offset - VIRTIO_PCI_AREA_DEVICE,
				    len);
		break;
	}
	return cut(value, len);
}

static void set_half(uint64_t *whole, bool high, uint32_t value)
{
	if (high)
		*whole = (uint32_t)*whole | (uint64_t)value << 32;
	else
		*whole = (*whole & ~0xffffffffull) | value;
}

static void set_queue_address(struct virtq *queue, unsigned int offset,
			      uint32_t value)
{
	switch (offset) {
	case VIRTIO_PCI_COMMON_Q_DESCLO:
	case VIRTIO_PCI_COMMON_Q_DESCHI:
		set_half(&queue->desc, offset == VIRTIO_PCI_COMMON_Q_DESCHI,
			 value);
		break;
	case VIRTIO_PCI_COMMON_Q_AVAILLO:
	case VIRTIO_PCI_COMMON_Q_AVAILHI:
		set_half(&queue->avail, offset == VIRTIO_PCI_COMMON_Q_AVAILHI,
			 value);
		break;
	case VIRTIO_PCI_COMMON_Q_USEDLO:
	case VIRTIO_PCI_COMMON_Q_USEDHI:
		set_half(&queue->used, offset == VIRTIO_PCI_COMMON_Q_USEDHI,
			 value);
		break;
	}
}

static void enable_queue(struct virtio_pci *device, struct virtq *queue)
{
	queue->event_idx = device->accepted & 1ull << VIRTIO_RING_F_EVENT_IDX;
	queue->indirect =
		device->accepted & 1ull << VIRTIO_RING_F_INDIRECT_DESC;
	if (virtq_enable(queue) < 0)
		virtio_pci_break(device);
}

/* A queue that runs, or is enabled, has no writable registers (§4.1.4.3.2). */
static void set_queue_register(struct virtio_pci *device, unsigned int offset,
			       uint32_t value)
{
	struct virtq *queue = selected(device);

	if (!queue || queue->ready || device->running)
		return;
	switch (offset) {
	case VIRTIO_PCI_COMMON_Q_SIZE:
		queue->size = value;
		break;
	case VIRTIO_PCI_COMMON_Q_MSIX:
		device->queue_vector[device->queue_select] =
			(value & 0xffff) < device->vectors
				? value
				: VIRTIO_PCI_NO_VECTOR;
		break;
	case VIRTIO_PCI_COMMON_Q_ENABLE:
		if ((value & 0xffff) == 1)
			enable_queue(device, queue);
		break;
	default:
		set_queue_address(queue, offset, value);
		break;
	}
}

static bool features_fit(const struct virtio_pci *device)
{
	return !(device->accepted & ~device->features) &&
	       device->accepted & 1ull << VIRTIO_F_VERSION_1;
}

static void set_status(struct virtio_pci *device, uint8_t status)
{
	uint8_t added = status & ~device->status;

	if (!status) {
		virtio_pci_reset(device);
		return;
	}
	if (added & VIRTIO_CONFIG_S_FEATURES_OK && !features_fit(device))
		status &= ~VIRTIO_CONFIG_S_FEATURES_OK;
	/* A driver can add bits; only a reset takes one away (§2.1.1). */
	device->status |= status & ~VIRTIO_CONFIG_S_NEEDS_RESET;
	if (!(added & VIRTIO_CONFIG_S_DRIVER_OK) || device->running ||
	    !(device->status & VIRTIO_CONFIG_S_FEATURES_OK))
		return;
	device->running = device->ops->start(device->user) == 0;
	if (!device->running)
		virtio_pci_break(device);
}

static void common_write(struct virtio_pci *device, unsigned int offset,
			 uint32_t value)
{
	if (device->stopping)
		return;
	switch (offset) {
	case VIRTIO_PCI_COMMON_DFSELECT:
		device->feature_select = value;
		break;
	case VIRTIO_PCI_COMMON_GFSELECT:
		device->accept_select = value;
		break;
	case VIRTIO_PCI_COMMON_GF:
		if (!(device->status & VIRTIO_CONFIG_S_FEATURES_OK) &&
		    device->accept_select <= 1)
			set_half(&device->accepted, device->accept_select,
				 value);
		break;
	case VIRTIO_PCI_COMMON_MSIX:
		device->config_vector = (value & 0xffff) < device->vectors
						? value
						: VIRTIO_PCI_NO_VECTOR;
		break;
	case VIRTIO_PCI_COMMON_STATUS:
		set_status(device, value);
		break;
	case VIRTIO_PCI_COMMON_Q_SELECT:
		device->queue_select = value;
		break;
	default:
		set_queue_register(device, offset, value);
		break;
	}
}

static void device_write(struct virtio_pci *device, uint64_t offset,
			 unsigned int len, uint64_t value)
{
	if (!device->device_config_mask ||
	    offset >= device->device_config_len ||
	    len > device->device_config_len - offset)
		return;
	for (unsigned int i = 0; i < len; i++) {
		uint8_t mask = device->device_config_mask[offset + i];
		uint8_t *byte = &device->device_config[offset + i];

		*byte = (*byte & ~mask) | ((value >> 8 * i) & mask);
	}
	if (device->ops->config_changed)
		device->ops->config_changed(device->user, offset, len);
}

static void notify_write(struct virtio_pci *device, uint64_t offset)
{
	uint64_t queue = offset / VIRTIO_PCI_NOTIFY_STRIDE;

	if (queue < device->queue_count && device->running)
		device->ops->notify(device->user, queue);
}

void virtio_pci_write(struct virtio_pci *device, uint64_t offset,
		      unsigned int len, uint64_t value)
{
	if (len > 8 || offset >= VIRTIO_PCI_BAR_SIZE)
		return;
	switch (offset / AREA_SIZE) {
	case VIRTIO_PCI_AREA_COMMON / AREA_SIZE:
		common_write(device, offset, cut(value, len));
		/* §4.1.3.1 lets a driver write a 64-bit field in one go. */
		if (len == 8)
			common_write(device, offset + 4, value >> 32);
		break;
	case VIRTIO_PCI_AREA_DEVICE / AREA_SIZE:
		device_write(device, offset - VIRTIO_PCI_AREA_DEVICE, len,
			     value);
		break;
	case VIRTIO_PCI_AREA_NOTIFY / AREA_SIZE:
		notify_write(device, offset - VIRTIO_PCI_AREA_NOTIFY);
		break;
	}
}

/* Whether an access meets the data field of the window, and what it reaches. */
static bool window_target(struct virtio_pci *device, unsigned int offset,
			  unsigned int len, uint32_t *target)
{
	const uint8_t *cap = device->config->data + device->window_cap;
	unsigned int field = device->window_cap + sizeof(struct virtio_pci_cap);
	uint32_t length;

	memcpy(target, cap + offsetof(struct virtio_pci_cap, offset), 4);
	memcpy(&length, cap + offsetof(struct virtio_pci_cap, length), 4);
	return offset == field && len == length &&
	       cap[offsetof(struct virtio_pci_cap, bar)] == device->bar;
}

uint32_t virtio_pci_config_read(struct virtio_pci *device, unsigned int offset,
				unsigned int len)
{
	uint32_t target;

	if (window_target(device, offset, len, &target))
		return virtio_pci_read(device, target, len);
	return pci_config_read(device->config, offset, len);
}

void virtio_pci_config_write(struct virtio_pci *device, unsigned int offset,
			     unsigned int len, uint32_t value)
{
	uint32_t target;

	if (window_target(device, offset, len, &target))
		virtio_pci_write(device, target, len, value);
	else
		pci_config_write(device->config, offset, len, value);
}
