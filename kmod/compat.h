/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * compat.h - what differs between the kernels from 6.12 on, and processors
 *
 * The macros TRANCHE_HAVE_* come from trial compilations in Kbuild:
 *
 *   TRANCHE_HAVE_REGION_INFO_CAPS  VFIO asks for region info by a callback of
 *				    its own instead of passing the ioctl
 *   TRANCHE_HAVE_KVM_ANY_PFN	    KVM maps pages without taking references,
 *				    so that tails of huge pages are no trouble
 */
#ifndef TRANCHE_COMPAT_H
#define TRANCHE_COMPAT_H

#include <linux/pgtable.h>
#include <linux/uaccess.h>
#include <linux/vfio.h>

/*
 * Bits of a page's protection that say how it is cached; pgprot_modify(), which
 * knows them, is not for modules everywhere.
 */
#if defined(CONFIG_X86)
#define TRANCHE_CACHING _PAGE_CACHE_MASK
#elif defined(CONFIG_ARM64)
#define TRANCHE_CACHING PTE_ATTRINDX_MASK
#else
#error "tranche: nobody has said how this processor's page tables cache"
#endif

#ifdef TRANCHE_HAVE_KVM_ANY_PFN
#define TRANCHE_HUGE_WINDOW true
#else
#define TRANCHE_HUGE_WINDOW false
#endif

#ifdef TRANCHE_HAVE_REGION_INFO_CAPS
#define TRANCHE_REGION_INFO_OP .get_region_info_caps = tranche_region_info,
static inline long tranche_compat_region_info(
	struct vfio_device *vdev, unsigned long arg,
	int (*fn)(struct vfio_device *, struct vfio_region_info *,
		  struct vfio_info_cap *))
{
	return -ENOTTY;
}
#else
#define TRANCHE_REGION_INFO_OP

/* Puts the capabilities behind the structure, as far as the caller has room. */
static inline long tranche_compat_put_caps(struct vfio_region_info *info,
					   struct vfio_info_cap *caps,
					   void __user *behind)
{
	info->flags |= VFIO_REGION_INFO_FLAG_CAPS;
	if (info->argsz < sizeof(*info) + caps->size) {
		info->argsz = sizeof(*info) + caps->size;
		info->cap_offset = 0;
		return 0;
	}
	vfio_info_cap_shift(caps, sizeof(*info));
	info->cap_offset = sizeof(*info);
	return copy_to_user(behind, caps->buf, caps->size) ? -EFAULT : 0;
}

/* VFIO_DEVICE_GET_REGION_INFO as the core of later kernels answers it. */
static inline long tranche_compat_region_info(
	struct vfio_device *vdev, unsigned long arg,
	int (*fn)(struct vfio_device *, struct vfio_region_info *,
		  struct vfio_info_cap *))
{
	const size_t minsz = offsetofend(struct vfio_region_info, offset);
	struct vfio_region_info __user *uinfo = (void __user *)arg;
	struct vfio_info_cap caps = {};
	struct vfio_region_info info = {};
	long ret;

	if (copy_from_user(&info, uinfo, minsz))
		return -EFAULT;
	if (info.argsz < minsz)
		return -EINVAL;
	ret = fn(vdev, &info, &caps);
	if (!ret && caps.size)
		ret = tranche_compat_put_caps(&info, &caps, uinfo + 1);
	if (!ret && copy_to_user(uinfo, &info, minsz))
		ret = -EFAULT;
	kfree(caps.buf);
	return ret;
}
#endif

#endif /* TRANCHE_COMPAT_H */
