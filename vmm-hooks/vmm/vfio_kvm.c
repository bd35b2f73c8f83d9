// SPDX-License-Identifier: MIT
#include "vmm-hooks/vmm/vfio_kvm.h"

#include <errno.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>

#include "vmm-hooks/vmm/cleanup.h"
#include "vmm-hooks/vmm/report.h"
#include "vmm-hooks/vmm/vm.h"

void vfio_kvm_init(struct vfio_kvm *kvm, struct vm *vm)
{
	*kvm = (struct vfio_kvm){.vm = vm, .fd = -1};
}

void vfio_kvm_deinit(struct vfio_kvm *kvm)
{
	close_fd(&kvm->fd);
}

static int open_list(struct vfio_kvm *kvm)
{
	struct kvm_create_device create = {.type = KVM_DEV_TYPE_VFIO};

	if (kvm->fd >= 0)
		return 0;
	if (ioctl(kvm->vm->fd, KVM_CREATE_DEVICE, &create) < 0)
		return report(-errno, "KVM cannot work with VFIO: %s",
			      strerror(errno));
	kvm->fd = create.fd;
	return 0;
}

int vfio_kvm_add(struct vfio_kvm *kvm, int fd)
{
	int32_t number = fd;
	struct kvm_device_attr attribute = {
		.group = KVM_DEV_VFIO_GROUP,
		/* The same number as KVM_DEV_VFIO_FILE_ADD. */
		.attr = KVM_DEV_VFIO_GROUP_ADD,
		.addr = (uintptr_t)&number,
	};
	int r = open_list(kvm);

	if (r < 0)
		return r;
	if (ioctl(kvm->fd, KVM_SET_DEVICE_ATTR, &attribute) < 0)
		return report(-errno, "KVM refuses a device of VFIO: %s",
			      strerror(errno));
	return 0;
}
