// SPDX-License-Identifier: MIT
#include "vmm-hooks/vmm/vm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "vmm-hooks/vmm/cleanup.h"
#include "vmm-hooks/vmm/layout.h"
#include "vmm-hooks/vmm/report.h"

/* Routes of a machine: the I/O APIC's pins, then messages. */
static int routes_init(struct vm *vm)
{
	size_t entries = LAYOUT_MSI_GSI + VM_ROUTES_MAX;
	struct kvm_irq_routing *routes = calloc(
		1, sizeof(*routes) + entries * sizeof(routes->entries[0]));

	if (!routes)
		return -ENOMEM;
	for (unsigned int pin = 0; pin < LAYOUT_MSI_GSI; pin++)
		routes->entries[pin] = (struct kvm_irq_routing_entry){
			.gsi = pin,
			.type = KVM_IRQ_ROUTING_IRQCHIP,
			.u.irqchip = {.irqchip = KVM_IRQCHIP_IOAPIC,
				      .pin = pin},
		};
	routes->nr = LAYOUT_MSI_GSI;
	vm->routes = routes;
	if (ioctl(vm->fd, KVM_SET_GSI_ROUTING, routes) < 0)
		return -errno;
	return 0;
}

static int open_kvm(void)
{
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	switch (errno) {
	case ENOENT:
		return report(-ENOENT,
			      "there is no /dev/kvm: load kvm_intel or "
			      "kvm_amd, and enable virtualisation in the "
			      "firmware");
	case EACCES:
		return report(-EACCES,
			      "no permission to open /dev/kvm: run as a member "
			      "of the group 'kvm'");
	default:
		return report(-errno, "cannot open /dev/kvm: %s",
			      strerror(errno));
	}
}

static int create(struct vm *vm)
{
	uint64_t identity = LAYOUT_KVM_IDENTITY;
	int slots;

	vm->fd = ioctl(vm->kvm, KVM_CREATE_VM, 0);
	if (vm->fd < 0)
		return -errno;
	vm->run_size = ioctl(vm->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	slots = ioctl(vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_NR_MEMSLOTS);
	vm->slot_count =
		slots > 0 && slots < VM_SLOTS_MAX ? slots : VM_SLOTS_MAX;
	/* Only some Intel processors need these; others ignore them. */
	ioctl(vm->fd, KVM_SET_TSS_ADDR, LAYOUT_KVM_TSS);
	ioctl(vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &identity);
	if (ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0) < 0)
		return -errno;
	return routes_init(vm);
}

int vm_init(struct vm *vm)
{
	int r;

	*vm = (struct vm){.kvm = -1, .fd = -1};
	pthread_mutex_init(&vm->lock, NULL);
	vm->kvm = open_kvm();
	if (vm->kvm < 0)
		return vm->kvm;
	if (ioctl(vm->kvm, KVM_GET_API_VERSION, 0) != KVM_API_VERSION)
		return report(-ENOSYS, "/dev/kvm speaks another version of its "
				       "interface: update the kernel");
	r = create(vm);
	if (r < 0)
		return report(r, "KVM cannot create a virtual machine: %s",
			      strerror(-r));
	return 0;
}

void vm_deinit(struct vm *vm)
{
	free(vm->routes);
	close_fd(&vm->fd);
	close_fd(&vm->kvm);
	pthread_mutex_destroy(&vm->lock);
}

static int slot_set(struct vm *vm, unsigned int slot, uint64_t addr,
		    uint64_t size, void *memory)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot,
		.guest_phys_addr = addr,
		.memory_size = size,
		.userspace_addr = (uintptr_t)memory,
	};

	return ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region) < 0 ? -errno
								      : 0;
}

int vm_map(struct vm *vm, uint64_t addr, uint64_t size, void *memory)
{
	MUTEX_GUARD(&vm->lock);
	int r;

	for (unsigned int i = 0; i < vm->slot_count; i++) {
		if (vm->slot_used[i])
			continue;
		r = slot_set(vm, i, addr, size, memory);
		if (r < 0)
			return r;
		vm->slot_used[i] = 1;
		return i;
	}
	return -ENOSPC;
}

void vm_unmap(struct vm *vm, int slot)
{
	MUTEX_GUARD(&vm->lock);

	slot_set(vm, slot, 0, 0, NULL);
	vm->slot_used[slot] = 0;
}

int vm_ioeventfd(struct vm *vm, uint64_t addr, int fd, bool on)
{
	/* Length 0: any width matches, and KVM needs not decode the write. */
	struct kvm_ioeventfd event = {
		.addr = addr,
		.fd = fd,
		.flags = on ? 0 : KVM_IOEVENTFD_FLAG_DEASSIGN,
	};

	return ioctl(vm->fd, KVM_IOEVENTFD, &event) < 0 ? -errno : 0;
}

int vm_ioeventfd_match(struct vm *vm, uint64_t addr, unsigned int len,
		       uint64_t value, int fd, bool on)
{
	struct kvm_ioeventfd event = {
		.addr = addr,
		.len = len,
		.datamatch = value,
		.fd = fd,
		.flags = KVM_IOEVENTFD_FLAG_DATAMATCH |
			 (on ? 0 : KVM_IOEVENTFD_FLAG_DEASSIGN),
	};

	return ioctl(vm->fd, KVM_IOEVENTFD, &event) < 0 ? -errno : 0;
}

int vm_irqfd(struct vm *vm, unsigned int gsi, int fd, int resample, bool on)
{
	struct kvm_irqfd irqfd = {.fd = fd, .gsi = gsi};

	if (!on)
		irqfd.flags |= KVM_IRQFD_FLAG_DEASSIGN;
	if (on && resample >= 0) {
		irqfd.flags |= KVM_IRQFD_FLAG_RESAMPLE;
		irqfd.resamplefd = resample;
	}
	return ioctl(vm->fd, KVM_IRQFD, &irqfd) < 0 ? -errno : 0;
}

int vm_message_alloc(struct vm *vm)
{
	MUTEX_GUARD(&vm->lock);

	for (unsigned int i = 0; i < VM_ROUTES_MAX; i++) {
		if (vm->route_used[i])
			continue;
		vm->route_used[i] = 1;
		return LAYOUT_MSI_GSI + i;
	}
	return -ENOSPC;
}

static struct kvm_irq_routing_entry *route_find(struct vm *vm, uint32_t gsi)
{
	for (unsigned int i = LAYOUT_MSI_GSI; i < vm->routes->nr; i++)
		if (vm->routes->entries[i].gsi == gsi)
			return &vm->routes->entries[i];
	return NULL;
}

/* The route stays in the kernel until its number is used again. */
void vm_message_free(struct vm *vm, int gsi)
{
	MUTEX_GUARD(&vm->lock);

	vm->route_used[gsi - LAYOUT_MSI_GSI] = 0;
}

int vm_message_set(struct vm *vm, int gsi, const struct msix_message *message)
{
	MUTEX_GUARD(&vm->lock);
	struct kvm_irq_routing_entry *route = route_find(vm, gsi);
	struct kvm_irq_routing_entry wanted = {
		.gsi = gsi,
		.type = KVM_IRQ_ROUTING_MSI,
		.u.msi = {.address_lo = message->address,
			  .address_hi = message->address >> 32,
			  .data = message->data},
	};

	if (!route) {
		route = &vm->routes->entries[vm->routes->nr++];
		memset(route, 0, sizeof(*route));
	}
	if (!memcmp(route, &wanted, sizeof(wanted)))
		return 0;
	*route = wanted;
	return ioctl(vm->fd, KVM_SET_GSI_ROUTING, vm->routes) < 0 ? -errno : 0;
}

void vm_interrupt(struct vm *vm, unsigned int gsi, bool level)
{
	struct kvm_irq_level line = {.irq = gsi, .level = level};

	ioctl(vm->fd, KVM_IRQ_LINE, &line);
}
