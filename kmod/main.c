// SPDX-License-Identifier: GPL-2.0-only
/*
 * main.c - tranche.ko: mediated devices whose registers are served from user
 * space
 *
 * Who owns whom:
 *
 *   control file -> broker ··> parent <- vGPU <- session <- vGPU file
 *                                        |  |
 *                        interrupts, window  calls, doorbells: the session's
 *
 *   -> holds a reference; ··> is cut when the file closes.
 *
 * Order of locks, outermost first:
 *
 *   device lock, VFIO's locks
 *     mmap lock (of a VMM or of a device process, never both)
 *       window lock
 *     parents lock
 *       broker lock
 *     memory semaphore
 *     interrupt lock
 *       vGPU lock (inside each of the above)
 *         lock of the calls, lock of the doorbells
 *
 * Nothing is held while the broker or a device process is waited for, but what
 * VFIO, sysfs or the driver core hold around their callbacks; those waits are
 * bounded and end when the waiting thread is killed.
 */
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/uaccess.h>

#include "broker.h"
#include "compat.h"
#include "main.h"
#include "mapping.h"
#include "parent.h"

static struct miscdevice tranche_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "tranche",
	.mode = 0600,
	.fops = &tranche_broker_fops,
};

/**
 * tranche_features_get() - TRANCHE_GET_FEATURES
 * @arg: struct tranche_features of user space
 */
long tranche_features_get(void __user *arg)
{
	struct tranche_features features;

	if (copy_from_user(&features, arg, sizeof(features)))
		return -EFAULT;
	if (features.reserved)
		return -EINVAL;
	features.features = TRANCHE_FEATURE_BASE;
	if (TRANCHE_HUGE_WINDOW)
		features.features |= TRANCHE_FEATURE_HUGE_WINDOW;
	return copy_to_user(arg, &features, sizeof(features)) ? -EFAULT : 0;
}

static int __init tranche_init(void)
{
	int ret;

	ret = tranche_mapping_init();
	if (ret)
		return ret;
	ret = tranche_parent_init();
	if (ret)
		goto err_mapping;
	ret = misc_register(&tranche_misc);
	if (ret)
		goto err_parent;
	return 0;

err_parent:
	tranche_parent_uninit();
err_mapping:
	tranche_mapping_uninit();
	return ret;
}

static void __exit tranche_exit(void)
{
	misc_deregister(&tranche_misc);
	tranche_parent_uninit();
	tranche_mapping_uninit();
}

module_init(tranche_init);
module_exit(tranche_exit);

MODULE_DESCRIPTION("Mediated devices served from user space");
MODULE_AUTHOR("The Tranche developers");
MODULE_LICENSE("GPL");
