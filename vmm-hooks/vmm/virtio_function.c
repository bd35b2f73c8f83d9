// SPDX-License-Identifier: MIT
#include "vmm-hooks/vmm/virtio_function.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <string.h>
#include <sys/eventfd.h>

#include "vmm-hooks/vmm/cleanup.h"
#include "vmm-hooks/vmm/ram.h"

#define REGISTER_BAR 0
#define MSIX_BAR 1
#define MSIX_BAR_SIZE 0x1000
#define MSIX_PENDING 0x800

static struct virtio_function *device_of(struct pci_function *function)
{
	return (struct virtio_function *)function;
}

static uint32_t config_read(struct pci_function *function, unsigned int offset,
			    unsigned int len)
{
	return virtio_pci_config_read(&device_of(function)->registers, offset,
				      len);
}

static void config_write(struct pci_function *function, unsigned int offset,
			 unsigned int len, uint32_t value)
{
	struct virtio_function *device = device_of(function);

	virtio_pci_config_write(&device->registers, offset, len, value);
	if (pci_config_touches(offset, len, device->msix_cap + PCI_MSIX_FLAGS,
			       2))
		msix_set_control(
			&device->msix,
			pci_config_read(&function->config,
					device->msix_cap + PCI_MSIX_FLAGS, 2));
}

static uint64_t bar_read(struct pci_function *function, unsigned int bar,
			 uint64_t offset, unsigned int len)
{
	struct virtio_function *device = device_of(function);
	MUTEX_GUARD(&function->lock);

	if (bar == REGISTER_BAR)
		return virtio_pci_read(&device->registers, offset, len);
	if (offset < MSIX_PENDING)
		return msix_table_read(&device->msix, offset, len);
	return msix_pending_read(&device->msix, offset - MSIX_PENDING, len);
}

static void bar_write(struct pci_function *function, unsigned int bar,
		      uint64_t offset, unsigned int len, uint64_t value)
{
	struct virtio_function *device = device_of(function);
	MUTEX_GUARD(&function->lock);

	if (bar == REGISTER_BAR)
		virtio_pci_write(&device->registers, offset, len, value);
	else if (offset < MSIX_PENDING)
		msix_table_write(&device->msix, offset, len, value);
}

static uint64_t kick_addr(uint64_t bar, unsigned int queue)
{
	return bar + VIRTIO_PCI_AREA_NOTIFY + VIRTIO_PCI_NOTIFY_STRIDE * queue;
}

/* Notifications go from KVM straight to whoever serves the queue. */
static void connect_kicks(struct virtio_function *device, uint64_t bar, bool on)
{
	for (unsigned int i = 0; i < device->registers.queue_count; i++)
		vm_ioeventfd(device->vm, kick_addr(bar, i), device->kicks[i],
			     on);
	device->kicks_connected = on;
}

static void bar_moved(struct pci_function *function, unsigned int bar,
		      uint64_t addr)
{
	struct virtio_function *device = device_of(function);

	if (bar != REGISTER_BAR)
		return;
	if (device->kicks_connected)
		connect_kicks(device, device->kicks_at, false);
	if (addr != PCI_BAR_UNMAPPED)
		connect_kicks(device, addr, true);
	device->kicks_at = addr;
}

static const struct pci_function_ops function_ops = {
	.config_read = config_read,
	.config_write = config_write,
	.bar_read = bar_read,
	.bar_write = bar_write,
	.bar_moved = bar_moved,
};

static int registers_start(void *user)
{
	struct virtio_function *device = user;

	return device->ops->start(device);
}

static void registers_stop(void *user)
{
	struct virtio_function *device = user;

	device->ops->stop(device);
}

static void registers_notify(void *user, unsigned int queue)
{
	struct virtio_function *device = user;

	eventfd_write(device->kicks[queue], 1);
}

static const struct virtio_pci_ops registers_ops = {
	.start = registers_start,
	.stop = registers_stop,
	.notify = registers_notify,
};

static void vector_update(void *user, unsigned int vector,
			  const struct msix_message *message)
{
	struct virtio_function *device = user;

	irq_set(&device->irqs[vector], message);
}

static bool vector_pending(void *user, unsigned int vector)
{
	struct virtio_function *device = user;

	return irq_pending(&device->irqs[vector]);
}

static const struct msix_ops vector_ops = {
	.update = vector_update,
	.pending = vector_pending,
};

static int init_events(struct virtio_function *device, unsigned int queues)
{
	int r;

	for (unsigned int i = 0; i < queues; i++) {
		device->kicks[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (device->kicks[i] < 0)
			return -errno;
	}
	for (unsigned int i = 0; i < queues + 1; i++) {
		r = irq_init(&device->irqs[i], device->vm);
		if (r < 0)
			return r;
	}
	return msix_init(&device->msix, queues + 1, &vector_ops, device);
}

static int init_config(struct virtio_function *device, unsigned int queues)
{
	struct pci_config *config = &device->function.config;
	int r;

	r = pci_config_add_bar(config, MSIX_BAR, MSIX_BAR_SIZE, 0);
	if (r < 0)
		return r;
	r = pci_config_add_msix(config, queues + 1, MSIX_BAR, 0, MSIX_PENDING);
	if (r < 0)
		return r;
	device->msix_cap = r;
	return 0;
}

int virtio_function_init(struct virtio_function *device,
			 const struct virtio_function_setup *setup)
{
	struct pci_identity identity =
		virtio_pci_identity(setup->type, setup->class_code);
	struct virtio_pci_setup registers = {
		.ops = &registers_ops,
		.user = device,
		.memory = &setup->ram->memory,
		.features = setup->features,
		.queues = setup->queues,
		.queue_size = VIRTQ_SIZE_MAX,
		.vectors = setup->queues + 1,
		.device_config = setup->config,
		.device_config_len = setup->config_len,
	};
	int r;

	device->ops = setup->ops;
	device->vm = setup->vm;
	device->ram = setup->ram;
	for (unsigned int i = 0; i < VIRTIO_PCI_QUEUES_MAX; i++)
		device->kicks[i] = -1;
	pci_function_init(&device->function, &function_ops);
	pci_config_init(&device->function.config, &identity);
	r = virtio_pci_init(&device->registers, &registers,
			    &device->function.config, REGISTER_BAR);
	if (r == 0)
		r = init_config(device, setup->queues);
	if (r == 0)
		r = init_events(device, setup->queues);
	return r;
}

void virtio_function_deinit(struct virtio_function *device)
{
	virtio_pci_reset(&device->registers);
	for (unsigned int i = 0; i <= VIRTIO_PCI_QUEUES_MAX; i++)
		irq_deinit(&device->irqs[i]);
	for (unsigned int i = 0; i < VIRTIO_PCI_QUEUES_MAX; i++)
		close_fd(&device->kicks[i]);
	msix_deinit(&device->msix);
	pci_function_deinit(&device->function);
}

int virtio_function_call_fd(const struct virtio_function *device,
			    unsigned int queue)
{
	uint16_t vector = virtio_pci_vector(&device->registers, queue);

	return vector == VIRTIO_PCI_NO_VECTOR ? -1 : device->irqs[vector].fd;
}

void virtio_function_interrupt(struct virtio_function *device,
			       unsigned int queue)
{
	uint16_t vector = virtio_pci_vector(&device->registers, queue);

	if (vector != VIRTIO_PCI_NO_VECTOR)
		irq_raise(&device->irqs[vector]);
}

void virtio_function_drain(struct virtio_function *device, unsigned int index,
			   virtio_serve serve)
{
	struct virtq *queue = virtio_function_queue(device, index);
	struct virtq_chain chain;
	unsigned int budget = VIRTQ_SIZE_MAX;
	bool pushed = false;

	do {
		while (budget && virtq_pop(queue, &chain) > 0) {
			uint32_t written = serve(device, index, &chain);

			if (virtq_push(queue, chain.head, written) < 0)
				return;
			pushed = true;
			budget--;
		}
	} while (budget && virtq_await(queue));
	if (!budget)
		eventfd_write(device->kicks[index], 1);
	if (pushed && virtq_must_interrupt(queue))
		virtio_function_interrupt(device, index);
}
