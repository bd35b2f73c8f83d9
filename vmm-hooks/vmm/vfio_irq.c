// SPDX-License-Identifier: MIT
#include "vmm-hooks/vmm/vfio_irq.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>

#include "vmm-hooks/vmm/acpi.h"
#include "vmm-hooks/vmm/cleanup.h"
#include "vmm-hooks/vmm/report.h"
#include "vmm-hooks/vmm/vfio_device.h"

#define MSI_VECTORS_MAX 32

static struct pci_config *config_of(const struct vfio_irqs *irqs)
{
	return &irqs->device->function.config;
}

/* Hands @count eventfds of one kind of interrupt to VFIO; none disables it. */
static int set_triggers(struct vfio_irqs *irqs, unsigned int index,
			const int *fds, unsigned int count)
{
	size_t size = sizeof(struct vfio_irq_set) + count * sizeof(*fds);
	CLEANUP_MEMORY struct vfio_irq_set *set = calloc(1, size);

	if (!set)
		return -ENOMEM;
	set->argsz = size;
	set->index = index;
	set->count = count;
	set->flags =
		VFIO_IRQ_SET_ACTION_TRIGGER |
		(count ? VFIO_IRQ_SET_DATA_EVENTFD : VFIO_IRQ_SET_DATA_NONE);
	if (count)
		memcpy(set->data, fds, count * sizeof(*fds));
	return ioctl(irqs->device->fd, VFIO_DEVICE_SET_IRQS, set) < 0 ? -errno
								      : 0;
}

static int set_messages(struct vfio_irqs *irqs, unsigned int index,
			unsigned int count)
{
	CLEANUP_MEMORY int *fds = calloc(count, sizeof(*fds));
	int r;

	if (!fds)
		return -ENOMEM;
	for (unsigned int i = 0; i < count; i++)
		fds[i] = irqs->irqs[i].fd;
	r = set_triggers(irqs, index, fds, count);
	if (r < 0)
		return report(r, "'%s': VFIO cannot set up %u interrupts: %s",
			      irqs->device->name, count, strerror(-r));
	irqs->used = count;
	return 0;
}

/* After KVM saw the end of a level interrupt, VFIO lets the device raise it. */
static int set_unmask(struct vfio_irqs *irqs)
{
	union {
		struct vfio_irq_set set;
		uint8_t room[sizeof(struct vfio_irq_set) + sizeof(int)];
	} unmask = {
		.set = {.argsz = sizeof(unmask),
			.flags = VFIO_IRQ_SET_ACTION_UNMASK |
				 VFIO_IRQ_SET_DATA_EVENTFD,
			.index = VFIO_PCI_INTX_IRQ_INDEX,
			.count = 1},
	};

	memcpy(unmask.set.data, &irqs->resample, sizeof(irqs->resample));
	return ioctl(irqs->device->fd, VFIO_DEVICE_SET_IRQS, &unmask) < 0
		       ? -errno
		       : 0;
}

static int intx_begin(struct vfio_irqs *irqs)
{
	int r;

	if (!irqs->has_pin)
		return 0;
	r = vm_irqfd(irqs->vm, irqs->gsi, irqs->trigger, irqs->resample, true);
	if (r < 0)
		return r;
	r = set_triggers(irqs, VFIO_PCI_INTX_IRQ_INDEX, &irqs->trigger, 1);
	if (r == 0)
		r = set_unmask(irqs);
	if (r == 0) {
		irqs->mode = VFIO_MODE_INTX;
		return 0;
	}
	vm_irqfd(irqs->vm, irqs->gsi, irqs->trigger, -1, false);
	return r;
}

static void intx_end(struct vfio_irqs *irqs)
{
	set_triggers(irqs, VFIO_PCI_INTX_IRQ_INDEX, NULL, 0);
	vm_irqfd(irqs->vm, irqs->gsi, irqs->trigger, -1, false);
}

static void mask_all(struct vfio_irqs *irqs)
{
	for (unsigned int i = 0; i < irqs->irq_count; i++)
		irq_set(&irqs->irqs[i], NULL);
	irqs->used = 0;
}

static void end(struct vfio_irqs *irqs)
{
	switch (irqs->mode) {
	case VFIO_MODE_NONE:
		break;
	case VFIO_MODE_INTX:
		intx_end(irqs);
		break;
	case VFIO_MODE_MSI:
		set_triggers(irqs, VFIO_PCI_MSI_IRQ_INDEX, NULL, 0);
		mask_all(irqs);
		break;
	case VFIO_MODE_MSIX:
		set_triggers(irqs, VFIO_PCI_MSIX_IRQ_INDEX, NULL, 0);
		mask_all(irqs);
		break;
	}
	irqs->mode = VFIO_MODE_NONE;
}

static uint16_t control(const struct vfio_irqs *irqs, unsigned int cap)
{
	return cap ? pci_config_read(config_of(irqs), cap + 2, 2) : 0;
}

static bool msi_wide(const struct vfio_irqs *irqs)
{
	return control(irqs, irqs->msi_cap) & PCI_MSI_FLAGS_64BIT;
}

static unsigned int msi_vectors(const struct vfio_irqs *irqs)
{
	unsigned int wanted =
		1u << ((control(irqs, irqs->msi_cap) & PCI_MSI_FLAGS_QSIZE) >>
		       4);

	return wanted < irqs->irq_count ? wanted : irqs->irq_count;
}

static uint32_t msi_masked(const struct vfio_irqs *irqs)
{
	unsigned int at = msi_wide(irqs) ? PCI_MSI_MASK_64 : PCI_MSI_MASK_32;

	if (!(control(irqs, irqs->msi_cap) & PCI_MSI_FLAGS_MASKBIT))
		return 0;
	return pci_config_read(config_of(irqs), irqs->msi_cap + at, 4);
}

/* Each vector has the message's data with its own number in the low bits. */
static void msi_connect(struct vfio_irqs *irqs)
{
	const struct pci_config *config = config_of(irqs);
	unsigned int cap = irqs->msi_cap;
	bool wide = msi_wide(irqs);
	struct msix_message message = {
		.address = pci_config_read(config, cap + PCI_MSI_ADDRESS_LO, 4),
		.data = pci_config_read(
			config,
			cap + (wide ? PCI_MSI_DATA_64 : PCI_MSI_DATA_32), 2),
	};
	uint32_t base = message.data & ~(msi_vectors(irqs) - 1);

	if (wide)
		message.address |= (uint64_t)pci_config_read(
					   config, cap + PCI_MSI_ADDRESS_HI, 4)
				   << 32;
	for (unsigned int i = 0; i < irqs->used; i++) {
		message.data = base | i;
		irq_set(&irqs->irqs[i],
			msi_masked(irqs) & 1u << i ? NULL : &message);
	}
}

static int msi_begin(struct vfio_irqs *irqs)
{
	int r = set_messages(irqs, VFIO_PCI_MSI_IRQ_INDEX, msi_vectors(irqs));

	if (r == 0)
		irqs->mode = VFIO_MODE_MSI;
	return r;
}

static int msix_begin(struct vfio_irqs *irqs)
{
	int r = set_messages(irqs, VFIO_PCI_MSIX_IRQ_INDEX, irqs->msix.count);

	if (r == 0)
		irqs->mode = VFIO_MODE_MSIX;
	return r;
}

static enum vfio_irq_mode wanted(const struct vfio_irqs *irqs)
{
	if (control(irqs, irqs->msix_cap) & PCI_MSIX_FLAGS_ENABLE)
		return VFIO_MODE_MSIX;
	if (control(irqs, irqs->msi_cap) & PCI_MSI_FLAGS_ENABLE)
		return VFIO_MODE_MSI;
	return irqs->has_pin ? VFIO_MODE_INTX : VFIO_MODE_NONE;
}

static void follow(struct vfio_irqs *irqs)
{
	enum vfio_irq_mode mode = wanted(irqs);

	if (mode == irqs->mode)
		return;
	end(irqs);
	if (mode == VFIO_MODE_INTX)
		intx_begin(irqs);
	if (mode == VFIO_MODE_MSI)
		msi_begin(irqs);
	if (mode == VFIO_MODE_MSIX)
		msix_begin(irqs);
}

void vfio_irqs_config_written(struct vfio_irqs *irqs, unsigned int offset,
			      unsigned int len)
{
	bool msi =
		irqs->msi_cap && pci_config_touches(offset, len, irqs->msi_cap,
						    PCI_MSI_PENDING_64);
	bool msix = irqs->msix_cap &&
		    pci_config_touches(offset, len, irqs->msix_cap,
				       PCI_CAP_MSIX_SIZEOF);

	if (!msi && !msix)
		return;
	follow(irqs);
	if (msix)
		msix_set_control(&irqs->msix, control(irqs, irqs->msix_cap));
	if (irqs->mode == VFIO_MODE_MSI)
		msi_connect(irqs);
}

static void vector_update(void *user, unsigned int vector,
			  const struct msix_message *message)
{
	struct vfio_irqs *irqs = user;

	irq_set(&irqs->irqs[vector], message);
}

static bool vector_pending(void *user, unsigned int vector)
{
	struct vfio_irqs *irqs = user;

	return irq_pending(&irqs->irqs[vector]);
}

static const struct msix_ops vector_ops = {vector_update, vector_pending};

static uint64_t table_size(const struct vfio_irqs *irqs)
{
	return (uint64_t)irqs->msix.count * MSIX_ENTRY_SIZE;
}

static uint64_t pending_size(const struct vfio_irqs *irqs)
{
	return ((uint64_t)irqs->msix.count + 63) / 64 * 8;
}

static bool within(uint64_t offset, uint64_t start, uint64_t size)
{
	return offset >= start && offset - start < size;
}

bool vfio_irqs_holds(const struct vfio_irqs *irqs, unsigned int bar,
		     uint64_t offset)
{
	return irqs->msix_cap && bar == irqs->msix_bar &&
	       (within(offset, irqs->msix_table, table_size(irqs)) ||
		within(offset, irqs->msix_pending, pending_size(irqs)));
}

static bool meets(uint64_t page, uint64_t start, uint64_t size)
{
	return page < start + size && start < page + 0x1000;
}

bool vfio_irqs_holds_page(const struct vfio_irqs *irqs, unsigned int bar,
			  uint64_t page)
{
	return irqs->msix_cap && bar == irqs->msix_bar &&
	       (meets(page, irqs->msix_table, table_size(irqs)) ||
		meets(page, irqs->msix_pending, pending_size(irqs)));
}

uint64_t vfio_irqs_read(struct vfio_irqs *irqs, uint64_t offset,
			unsigned int len)
{
	if (within(offset, irqs->msix_table, table_size(irqs)))
		return msix_table_read(&irqs->msix, offset - irqs->msix_table,
				       len);
	return msix_pending_read(&irqs->msix, offset - irqs->msix_pending, len);
}

void vfio_irqs_write(struct vfio_irqs *irqs, uint64_t offset, unsigned int len,
		     uint64_t value)
{
	if (within(offset, irqs->msix_table, table_size(irqs)))
		msix_table_write(&irqs->msix, offset - irqs->msix_table, len,
				 value);
}

/* Takes a capability's bytes over from the device. */
static void own(struct vfio_irqs *irqs, unsigned int offset, unsigned int len)
{
	memset(irqs->device->ours + offset, 1, len);
}

static int init_msix(struct vfio_irqs *irqs, unsigned int cap)
{
	struct pci_config *config = config_of(irqs);
	uint32_t table = pci_config_read(config, cap + PCI_MSIX_TABLE, 4);
	uint32_t pending = pci_config_read(config, cap + PCI_MSIX_PBA, 4);
	unsigned int count = (pci_config_read(config, cap + PCI_MSIX_FLAGS, 2) &
			      PCI_MSIX_FLAGS_QSIZE) +
			     1;

	irqs->msix_cap = cap;
	irqs->msix_bar = table & PCI_MSIX_TABLE_BIR;
	irqs->msix_table = table & PCI_MSIX_TABLE_OFFSET;
	irqs->msix_pending = pending & PCI_MSIX_PBA_OFFSET;
	/* Pending bits in another BAR are left to the device. */
	if ((pending & PCI_MSIX_PBA_BIR) != irqs->msix_bar)
		irqs->msix_pending = UINT64_MAX / 2;
	own(irqs, cap + PCI_MSIX_FLAGS, 2);
	pci_config_allow(config, cap + PCI_MSIX_FLAGS,
			 PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL, 2);
	return msix_init(&irqs->msix, count, &vector_ops, irqs);
}

static void init_msi(struct vfio_irqs *irqs, unsigned int cap)
{
	struct pci_config *config = config_of(irqs);
	bool wide;

	irqs->msi_cap = cap;
	wide = msi_wide(irqs);
	own(irqs, cap + PCI_MSI_FLAGS, wide ? 12 : 8);
	pci_config_allow(config, cap + PCI_MSI_FLAGS,
			 PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE, 2);
	pci_config_allow(config, cap + PCI_MSI_ADDRESS_LO, ~3u, 4);
	if (wide)
		pci_config_allow(config, cap + PCI_MSI_ADDRESS_HI, UINT32_MAX,
				 4);
	pci_config_allow(config,
			 cap + (wide ? PCI_MSI_DATA_64 : PCI_MSI_DATA_32),
			 0xffff, 2);
	if (!(control(irqs, cap) & PCI_MSI_FLAGS_MASKBIT))
		return;
	own(irqs, cap + (wide ? PCI_MSI_MASK_64 : PCI_MSI_MASK_32), 4);
	pci_config_allow(config,
			 cap + (wide ? PCI_MSI_MASK_64 : PCI_MSI_MASK_32),
			 UINT32_MAX, 4);
}

static int find_capabilities(struct vfio_irqs *irqs)
{
	const struct pci_config *config = config_of(irqs);
	unsigned int msi = pci_config_find(config, PCI_CAP_ID_MSI, 0);
	unsigned int msix = pci_config_find(config, PCI_CAP_ID_MSIX, 0);

	if (msi)
		init_msi(irqs, msi);
	return msix ? init_msix(irqs, msix) : 0;
}

static int init_messages(struct vfio_irqs *irqs)
{
	unsigned int count = irqs->msix_cap ? irqs->msix.count : 0;

	if (irqs->msi_cap && count < MSI_VECTORS_MAX)
		count = MSI_VECTORS_MAX;
	if (!count)
		return 0;
	irqs->irqs = calloc(count, sizeof(*irqs->irqs));
	if (!irqs->irqs)
		return -ENOMEM;
	for (unsigned int i = 0; i < count; i++) {
		int r = irq_init(&irqs->irqs[i], irqs->vm);

		if (r < 0)
			return r;
		irqs->irq_count++;
	}
	return 0;
}

static int init_pin(struct vfio_irqs *irqs)
{
	struct vfio_irq_info info = {.argsz = sizeof(info),
				     .index = VFIO_PCI_INTX_IRQ_INDEX};

	irqs->has_pin =
		pci_config_read(config_of(irqs), PCI_INTERRUPT_PIN, 1) &&
		ioctl(irqs->device->fd, VFIO_DEVICE_GET_IRQ_INFO, &info) == 0 &&
		info.count && info.flags & VFIO_IRQ_INFO_EVENTFD;
	irqs->trigger = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	irqs->resample = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return irqs->trigger < 0 || irqs->resample < 0 ? -errno : 0;
}

int vfio_irqs_init(struct vfio_irqs *irqs, struct vfio_device *device,
		   struct vm *vm)
{
	int r;

	*irqs = (struct vfio_irqs){
		.device = device, .vm = vm, .trigger = -1, .resample = -1};
	r = find_capabilities(irqs);
	if (r == 0)
		r = init_messages(irqs);
	return r < 0 ? r : init_pin(irqs);
}

int vfio_irqs_begin(struct vfio_irqs *irqs)
{
	unsigned int pin =
		pci_config_read(config_of(irqs), PCI_INTERRUPT_PIN, 1);

	if (!irqs->has_pin)
		return 0;
	irqs->gsi = acpi_intx_gsi(irqs->device->function.slot, (pin - 1) & 3);
	return intx_begin(irqs);
}

void vfio_irqs_deinit(struct vfio_irqs *irqs)
{
	if (!irqs->device)
		return;
	end(irqs);
	for (unsigned int i = 0; i < irqs->irq_count; i++)
		irq_deinit(&irqs->irqs[i]);
	free(irqs->irqs);
	msix_deinit(&irqs->msix);
	close_fd(&irqs->trigger);
	close_fd(&irqs->resample);
}
