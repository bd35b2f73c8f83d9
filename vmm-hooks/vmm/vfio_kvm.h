/* SPDX-License-Identifier: MIT */
/*
 * KVM's own list of what VFIO gives to the guest: KVM decides on caching by it,
 * and some mediated devices need to know their machine.
 *
 *   none → open (something was added) → none
 *
 * Owner: the container. Locking: none; main thread.
 */
#ifndef VMM_VFIO_KVM_H
#define VMM_VFIO_KVM_H

struct vm;

struct vfio_kvm {
	struct vm *vm;
	int fd; /* -1: none */
};

void vfio_kvm_init(struct vfio_kvm *kvm, struct vm *vm);
void vfio_kvm_deinit(struct vfio_kvm *kvm);

/**
 * vfio_kvm_add - tell KVM of a group or a device; reports what went wrong
 * @kvm: the list
 * @fd: of a group that joined its container, or of a device by its character
 *	device before it is bound
 *
 * Return: 0 or negative errno.
 */
int vfio_kvm_add(struct vfio_kvm *kvm, int fd);

#endif
