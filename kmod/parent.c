// SPDX-License-Identifier: GPL-2.0-only
/*
 * parent.c - GPUs that are registered, and the life of their vGPUs in sysfs
 *
 * States of a parent, under parents_lock:
 *
 *   starting  in the list, unknown to the mdev core
 *   owned     a broker speaks for it
 *   orphaned  @broker is NULL: nothing can be created, everything else goes on
 *   gone      @gone is set: breaks its vGPUs and leaves the mdev core on a
 *	       workqueue, because that waits until every VMM has let go. The
 *	       caller may be the driver core, which must not wait that long.
 *
 * Lifetime: one reference by the list, one by each vGPU. It holds the PCI
 * device, so that this exists until the parent has left the mdev core, whatever
 * happened to the hardware.
 *
 * Locks: parents_lock protects the list, the fields so marked in parent.h and
 * vgpu.h, and the tie between parent and broker. It is a leaf but for the
 * broker's lock and a vGPU's: nothing is waited for under it.
 */
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/sysfs.h>
#include <linux/uaccess.h>

#include "parent.h"
#include "vgpu.h"

#define DEFAULT_TIMEOUT_MS 10000
#define REGION_SIZE_MAX (1ULL << 39)
#define MSI_VECTORS_MAX 32

static DEFINE_MUTEX(parents_lock);
static LIST_HEAD(parents);
static u32 next_parent_id;
static struct workqueue_struct *end_queue;
static struct mdev_driver tranche_mdev_driver;

static void parent_release(struct kref *ref)
{
	struct tranche_parent *parent =
		container_of(ref, struct tranche_parent, ref);

	pci_dev_put(parent->pdev);
	kfree(parent->end_notice);
	kvfree(parent);
}

static struct tranche_parent *parent_get(struct tranche_parent *parent)
{
	kref_get(&parent->ref);
	return parent;
}

/**
 * tranche_parent_put() - drop a reference
 * @parent: the parent, or NULL
 */
void tranche_parent_put(struct tranche_parent *parent)
{
	if (parent)
		kref_put(&parent->ref, parent_release);
}

DEFINE_FREE(parent, struct tranche_parent *, tranche_parent_put(_T))

static struct tranche_mtype *mtype_of(struct mdev_type *mtype)
{
	return container_of(mtype, struct tranche_mtype, mtype);
}

static struct tranche_parent *parent_of(struct mdev_parent *mdev)
{
	return container_of(mdev, struct tranche_parent, mdev);
}

static u32 available(struct tranche_parent *parent, struct tranche_mtype *mtype)
{
	const struct tranche_type *type = &mtype->type;
	u32 left;

	lockdep_assert_held(&parents_lock);
	if (parent->gone || !parent->broker || mtype->used >= type->instances)
		return 0;
	left = type->instances - mtype->used;
	if (!type->cost)
		return left;
	return min_t(u64, left,
		     div64_u64(parent->capacity - parent->used, type->cost));
}

static void state_fill(struct tranche_vgpu *vgpu, struct tranche_event *event)
{
	event->parent = vgpu->parent->id;
	event->type = vgpu->mtype - vgpu->parent->types;
	event->state = tranche_vgpu_state(vgpu, &event->gen);
	memcpy(event->uuid, vgpu->uuid, sizeof(event->uuid));
}

/* Asks the broker, if there is one. Called without locks. */
static int parent_ask(struct tranche_parent *parent,
		      const struct tranche_event *event)
{
	struct tranche_broker *broker;
	int ret;

	scoped_guard(mutex, &parents_lock) {
		if (!parent->broker || parent->gone)
			return -ENOTCONN;
		broker = tranche_broker_get(parent->broker);
	}
	ret = tranche_broker_ask(broker, event, parent->verdict_timeout_ms);
	tranche_broker_put(broker);
	return ret;
}

/**
 * tranche_parent_tell() - tell the broker that a vGPU's state changed
 * @vgpu: the vGPU
 *
 * Return: whether there is a broker, who could start a session
 */
bool tranche_parent_tell(struct tranche_vgpu *vgpu)
{
	struct tranche_broker *broker;

	guard(mutex)(&parents_lock);
	broker = vgpu->parent->broker;
	if (!broker || list_empty(&vgpu->entry))
		return false;
	tranche_broker_forget(broker, &vgpu->state_notice);
	state_fill(vgpu, &vgpu->state_notice.event);
	tranche_broker_tell(broker, &vgpu->state_notice);
	return true;
}

/*
 * The type directories of sysfs.
 */

static unsigned int mtype_available(struct mdev_type *mtype)
{
	guard(mutex)(&parents_lock);
	return available(parent_of(mtype->parent), mtype_of(mtype));
}

static ssize_t mtype_description(struct mdev_type *mtype, char *buf)
{
	return sysfs_emit(buf, "%s\n", mtype_of(mtype)->type.description);
}

/*
 * A vGPU's attributes. A write waits for the broker; sysfs keeps the vGPU.
 */

static size_t attribute_index(struct tranche_vgpu *vgpu,
			      struct device_attribute *attr)
{
	return attr - vgpu->parent->attrs;
}

static ssize_t attribute_show(struct device *dev, struct device_attribute *attr,
			      char *buf)
{
	struct tranche_vgpu *vgpu = dev_get_drvdata(dev);

	guard(mutex)(&parents_lock);
	return sysfs_emit(buf, "%s\n",
			  vgpu->values[attribute_index(vgpu, attr)]);
}

static ssize_t attribute_store(struct device *dev,
			       struct device_attribute *attr, const char *buf,
			       size_t count)
{
	struct tranche_vgpu *vgpu = dev_get_drvdata(dev);
	size_t length = count && buf[count - 1] == '\n' ? count - 1 : count;
	struct tranche_event event = {
		.kind = TRANCHE_EVENT_ATTRIBUTE,
		.attribute = attribute_index(vgpu, attr),
	};
	int ret;

	if (length >= sizeof(event.value) || memchr(buf, '\0', length))
		return -EINVAL;
	memcpy(event.value, buf, length);
	state_fill(vgpu, &event);
	ret = parent_ask(vgpu->parent, &event);
	if (ret)
		return ret;
	guard(mutex)(&parents_lock);
	memcpy(vgpu->values[event.attribute], event.value, sizeof(event.value));
	return count;
}

/*
 * Creation and removal of vGPUs, called by the mdev core.
 */

/* Takes the vGPU's share of the parent and puts it into its list. */
static int vgpu_enter(struct tranche_parent *parent, struct tranche_vgpu *vgpu)
{
	guard(mutex)(&parents_lock);
	if (parent->gone)
		return -ENODEV;
	if (!parent->broker)
		return -ENOTCONN;
	if (!available(parent, vgpu->mtype))
		return -EUSERS;
	list_add_tail(&vgpu->entry, &parent->vgpus);
	vgpu->mtype->used++;
	parent->used += vgpu->mtype->type.cost;
	return 0;
}

/* The opposite; the broker, if it has heard of the vGPU, hears of its end. */
static void vgpu_leave(struct tranche_parent *parent, struct tranche_vgpu *vgpu)
{
	struct tranche_notice *notice = vgpu->removed_notice;

	guard(mutex)(&parents_lock);
	list_del_init(&vgpu->entry);
	vgpu->mtype->used--;
	parent->used -= vgpu->mtype->type.cost;
	if (!parent->broker)
		return;
	vgpu->removed_notice = NULL;
	tranche_broker_forget(parent->broker, &vgpu->state_notice);
	state_fill(vgpu, &notice->event);
	tranche_broker_tell(parent->broker, notice);
}

static int mdev_probe(struct mdev_device *mdev)
{
	struct tranche_parent *parent = parent_of(mdev->type->parent);
	struct tranche_event event = {.kind = TRANCHE_EVENT_CREATE};
	struct tranche_vgpu *vgpu;
	int ret;

	vgpu = tranche_vgpu_create(mdev, parent, mtype_of(mdev->type));
	if (IS_ERR(vgpu))
		return PTR_ERR(vgpu);
	ret = vgpu_enter(parent, vgpu);
	if (ret)
		goto err_put;
	state_fill(vgpu, &event);
	ret = parent_ask(parent, &event);
	if (ret)
		goto err_leave;
	dev_set_drvdata(mdev_dev(mdev), vgpu);
	ret = sysfs_create_group(&mdev_dev(mdev)->kobj, &parent->group);
	if (ret)
		goto err_leave;
	ret = vfio_register_emulated_iommu_dev(&vgpu->vdev);
	if (ret)
		goto err_group;
	return 0;

err_group:
	sysfs_remove_group(&mdev_dev(mdev)->kobj, &parent->group);
err_leave:
	tranche_vgpu_kill(vgpu);
	vgpu_leave(parent, vgpu);
err_put:
	tranche_vgpu_put(vgpu);
	return ret;
}

static void mdev_remove(struct mdev_device *mdev)
{
	struct tranche_vgpu *vgpu = dev_get_drvdata(mdev_dev(mdev));
	struct tranche_parent *parent = vgpu->parent;

	sysfs_remove_group(&mdev_dev(mdev)->kobj, &parent->group);
	/* Waits until no VMM has it. */
	vfio_unregister_group_dev(&vgpu->vdev);
	tranche_vgpu_kill(vgpu);
	vgpu_leave(parent, vgpu);
	tranche_vgpu_put(vgpu);
}

static struct mdev_driver tranche_mdev_driver = {
	.device_api = VFIO_DEVICE_API_PCI_STRING,
	.driver.name = "tranche",
	.driver.owner = THIS_MODULE,
	.driver.mod_name = KBUILD_MODNAME,
	.probe = mdev_probe,
	.remove = mdev_remove,
	.get_available = mtype_available,
	.show_description = mtype_description,
};

/*
 * Registration.
 */

/* @string ends in its array, and may name a file if @name is set. */
static bool string_ok(const char *string, size_t size, bool name)
{
	if (!memchr(string, '\0', size))
		return false;
	return !name || (string[0] && string[0] != '.' && !strchr(string, '/'));
}

static bool region_ok(const struct tranche_region *region, u32 index)
{
	const u32 flags = TRANCHE_REGION_READ | TRANCHE_REGION_WRITE;

	if (region->reserved || region->flags & ~flags)
		return false;
	if (index == VFIO_PCI_CONFIG_REGION_INDEX)
		return region->size == PCI_CFG_SPACE_SIZE ||
		       region->size == PCI_CFG_SPACE_EXP_SIZE;
	return region->size <= REGION_SIZE_MAX;
}

static bool window_ok(const struct tranche_layout *layout)
{
	u64 offset = layout->window_offset, size = layout->window_size;

	if (layout->window_region == TRANCHE_NO_WINDOW)
		return !offset && !size;
	if (layout->window_region > VFIO_PCI_BAR5_REGION_INDEX)
		return false;
	return size && PAGE_ALIGNED(offset) && PAGE_ALIGNED(size) &&
	       size <= REGION_SIZE_MAX && offset <= REGION_SIZE_MAX &&
	       offset + size <= layout->regions[layout->window_region].size;
}

static bool type_ok(const struct tranche_type *type)
{
	const struct tranche_layout *layout = &type->layout;
	u32 i;

	for (i = 0; i < TRANCHE_REGIONS; i++)
		if (!region_ok(&layout->regions[i], i))
			return false;
	for (i = 0; i < TRANCHE_ATTRIBUTES_MAX; i++)
		if (!string_ok(type->values[i], sizeof(type->values[i]), false))
			return false;
	return string_ok(type->id, sizeof(type->id), true) &&
	       string_ok(type->name, sizeof(type->name), true) &&
	       string_ok(type->description, sizeof(type->description), false) &&
	       type->instances && !type->reserved && window_ok(layout) &&
	       layout->irqs[VFIO_PCI_INTX_IRQ_INDEX] <= 1 &&
	       layout->irqs[VFIO_PCI_MSI_IRQ_INDEX] <= MSI_VECTORS_MAX &&
	       layout->irqs[VFIO_PCI_MSIX_IRQ_INDEX] <= TRANCHE_VECTORS_MAX;
}

static int types_read(struct tranche_parent *parent,
		      const struct tranche_parent_register *args)
{
	struct tranche_type __user *user = u64_to_user_ptr(args->types);
	struct tranche_mtype *mtype;
	u32 i, j;

	if (!args->nr_types || args->nr_types > TRANCHE_TYPES_MAX)
		return -EINVAL;
	for (i = 0; i < args->nr_types; i++) {
		mtype = &parent->types[i];
		if (copy_from_user(&mtype->type, &user[i], sizeof(user[i])))
			return -EFAULT;
		if (!type_ok(&mtype->type))
			return -EINVAL;
		for (j = 0; j < i; j++)
			if (!strcmp(parent->types[j].type.id, mtype->type.id))
				return -EINVAL;
		mtype->mtype.sysfs_name = mtype->type.id;
		mtype->mtype.pretty_name = mtype->type.name;
		parent->mtypes[i] = &mtype->mtype;
	}
	return 0;
}

/* It may name a file, and none before it has that name. */
static bool attribute_ok(const struct tranche_parent *parent, u32 index)
{
	const char *name = parent->attributes[index].name;
	u32 i;

	if (!string_ok(name, TRANCHE_NAME_SIZE, true))
		return false;
	for (i = 0; i < index; i++)
		if (!strcmp(parent->attributes[i].name, name))
			return false;
	return true;
}

static int attributes_read(struct tranche_parent *parent,
			   const struct tranche_parent_register *args)
{
	struct device_attribute *attr;
	u32 i;

	if (args->nr_attributes > TRANCHE_ATTRIBUTES_MAX)
		return -EINVAL;
	if (copy_from_user(parent->attributes,
			   u64_to_user_ptr(args->attributes),
			   args->nr_attributes * sizeof(*parent->attributes)))
		return -EFAULT;
	for (i = 0; i < args->nr_attributes; i++) {
		if (!attribute_ok(parent, i))
			return -EINVAL;
		attr = &parent->attrs[i];
		sysfs_attr_init(&attr->attr);
		attr->attr.name = parent->attributes[i].name;
		attr->attr.mode = 0644;
		attr->show = attribute_show;
		attr->store = attribute_store;
		parent->attr_list[i] = &attr->attr;
	}
	parent->group.attrs = parent->attr_list;
	return 0;
}

static void parent_end_work(struct work_struct *work);

static struct tranche_parent *parent_alloc(void)
{
	struct tranche_parent *parent =
		kvzalloc(sizeof(*parent), GFP_KERNEL_ACCOUNT);

	if (!parent)
		return NULL;
	kref_init(&parent->ref);
	INIT_LIST_HEAD(&parent->vgpus);
	INIT_WORK(&parent->end_work, parent_end_work);
	init_completion(&parent->end_done);
	return parent;
}

static int parent_setup(struct tranche_parent *parent,
			const struct tranche_parent_register *args)
{
	int ret;

	if (!string_ok(args->name, sizeof(args->name), true) ||
	    args->reserved || args->flags)
		return -EINVAL;
	memcpy(parent->name, args->name, sizeof(parent->name));
	parent->capacity = args->capacity;
	parent->access_timeout_ms =
		args->access_timeout_ms ?: DEFAULT_TIMEOUT_MS;
	parent->verdict_timeout_ms =
		args->verdict_timeout_ms ?: DEFAULT_TIMEOUT_MS;
	ret = types_read(parent, args) ?: attributes_read(parent, args);
	if (ret)
		return ret;
	parent->end_notice = tranche_notice_last(TRANCHE_EVENT_PARENT_GONE);
	if (!parent->end_notice)
		return -ENOMEM;
	parent->pdev = pci_get_domain_bus_and_slot(args->domain, args->bus,
						   args->devfn);
	return parent->pdev ? 0 : -ENODEV;
}

/* Puts a new parent into the list if neither name nor device is taken. */
static int parent_enter(struct tranche_parent *parent,
			struct tranche_broker *broker)
{
	struct tranche_parent *other;

	guard(mutex)(&parents_lock);
	list_for_each_entry(other, &parents, entry) {
		if (!strcmp(other->name, parent->name))
			return -EEXIST;
		if (other->pdev == parent->pdev)
			return -EBUSY;
	}
	parent->id = ++next_parent_id;
	parent->end_notice->event.parent = parent->id;
	parent->broker = broker;
	list_add_tail(&parent_get(parent)->entry, &parents);
	return 0;
}

/*
 * The device lock keeps the driver where it is, and the parent from ending
 * before it has begun. From the first moment the type directories are there,
 * tools may create vGPUs: hence the broker first.
 */
static int parent_start(struct tranche_parent *parent,
			struct tranche_broker *broker, u32 nr_types)
{
	struct device *dev = &parent->pdev->dev;
	int ret;

	guard(device)(dev);
	if (!dev->driver)
		return -ENODEV;
	ret = parent_enter(parent, broker);
	if (ret)
		return ret;
	ret = mdev_register_parent(&parent->mdev, dev, &tranche_mdev_driver,
				   parent->mtypes, nr_types);
	if (ret) {
		scoped_guard(mutex, &parents_lock)
			list_del(&parent->entry);
		tranche_parent_put(parent);
	}
	return ret;
}

/* A vGPU that may still be served, of a parent that is gone; with a reference. */
static struct tranche_vgpu *parent_vgpu_alive(struct tranche_parent *parent)
{
	struct tranche_vgpu *vgpu;

	guard(mutex)(&parents_lock);
	list_for_each_entry(vgpu, &parent->vgpus, entry)
		if (!READ_ONCE(vgpu->removed))
			return tranche_vgpu_get(vgpu);
	return NULL;
}

static void parent_end_work(struct work_struct *work)
{
	struct tranche_parent *parent =
		container_of(work, struct tranche_parent, end_work);
	struct tranche_vgpu *vgpu;

	while ((vgpu = parent_vgpu_alive(parent))) {
		tranche_vgpu_kill(vgpu);
		tranche_vgpu_put(vgpu);
	}
	mdev_unregister_parent(&parent->mdev);
	scoped_guard(mutex, &parents_lock) {
		list_del(&parent->entry);
		if (parent->broker) {
			tranche_broker_tell(parent->broker, parent->end_notice);
			parent->end_notice = NULL;
			parent->broker = NULL;
		}
	}
	complete_all(&parent->end_done);
	tranche_parent_put(parent);
}

/* Ends a parent, once, which has begun: its device is locked, or it is the end. */
static void parent_end(struct tranche_parent *parent)
{
	lockdep_assert_held(&parents_lock);
	if (!parent->gone)
		queue_work(end_queue, &parent->end_work);
	parent->gone = true;
}

/**
 * tranche_parent_register() - TRANCHE_PARENT_REGISTER
 * @broker: the caller
 * @arg: struct tranche_parent_register of user space
 */
long tranche_parent_register(struct tranche_broker *broker, void __user *arg)
{
	struct tranche_parent_register __user *user = arg;
	struct tranche_parent *parent __free(parent) = parent_alloc();
	struct tranche_parent_register args;
	int ret;

	if (!parent)
		return -ENOMEM;
	if (copy_from_user(&args, arg, sizeof(args)))
		return -EFAULT;
	ret = parent_setup(parent, &args);
	if (!ret)
		ret = parent_start(parent, broker, args.nr_types);
	return ret ?: put_user(parent->id, &user->parent);
}

static struct tranche_parent *find_by_name(const char *name)
{
	struct tranche_parent *parent;

	lockdep_assert_held(&parents_lock);
	list_for_each_entry(parent, &parents, entry)
		if (!parent->gone && !strcmp(parent->name, name))
			return parent;
	return NULL;
}

/**
 * tranche_parent_attach() - TRANCHE_PARENT_ATTACH
 * @broker: the caller
 * @arg: struct tranche_parent_attach of user space
 */
long tranche_parent_attach(struct tranche_broker *broker, void __user *arg)
{
	struct tranche_parent_attach args;
	struct tranche_parent *parent;
	struct tranche_vgpu *vgpu;

	if (copy_from_user(&args, arg, sizeof(args)))
		return -EFAULT;
	if (!string_ok(args.name, sizeof(args.name), true))
		return -EINVAL;
	scoped_guard(mutex, &parents_lock) {
		parent = find_by_name(args.name);
		if (!parent)
			return -ENOENT;
		if (parent->broker)
			return -EBUSY;
		parent->broker = broker;
		list_for_each_entry(vgpu, &parent->vgpus, entry) {
			state_fill(vgpu, &vgpu->state_notice.event);
			vgpu->state_notice.event.flags = TRANCHE_EVENT_EXISTING;
			tranche_broker_tell(broker, &vgpu->state_notice);
		}
		args.parent = parent->id;
		args.nr_vgpus = list_count_nodes(&parent->vgpus);
	}
	return copy_to_user(arg, &args, sizeof(args)) ? -EFAULT : 0;
}

/* A reference to the broker's parent with that number. */
static struct tranche_parent *find_by_id(struct tranche_broker *broker, u32 id)
{
	struct tranche_parent *parent;

	guard(mutex)(&parents_lock);
	list_for_each_entry(parent, &parents, entry)
		if (parent->broker == broker && parent->id == id)
			return parent_get(parent);
	return NULL;
}

/**
 * tranche_parent_unregister() - TRANCHE_PARENT_UNREGISTER
 * @broker: the caller
 * @arg: struct tranche_parent_unregister of user space
 */
long tranche_parent_unregister(struct tranche_broker *broker, void __user *arg)
{
	struct tranche_parent *parent __free(parent) = NULL;
	struct tranche_parent_unregister args;
	long ret = 0;

	if (copy_from_user(&args, arg, sizeof(args)))
		return -EFAULT;
	if (args.flags & ~TRANCHE_UNREGISTER_NOWAIT)
		return -EINVAL;
	parent = find_by_id(broker, args.parent);
	if (!parent)
		return -ENOENT;
	scoped_guard(device, &parent->pdev->dev) {
		guard(mutex)(&parents_lock);
		parent_end(parent);
	}
	/* Not restarted: by then the number may be unknown. */
	if (!(args.flags & TRANCHE_UNREGISTER_NOWAIT))
		ret = wait_for_completion_interruptible(&parent->end_done);
	return ret ? -EINTR : 0;
}

/**
 * tranche_parent_detach_all() - the broker dies: its parents are orphans
 * @broker: the broker, which is dead and hence has no notice of theirs queued
 */
void tranche_parent_detach_all(struct tranche_broker *broker)
{
	struct tranche_parent *parent;

	guard(mutex)(&parents_lock);
	list_for_each_entry(parent, &parents, entry)
		if (parent->broker == broker)
			parent->broker = NULL;
}

/**
 * tranche_parent_find_vgpu() - find a vGPU of a broker
 * @broker: who asks
 * @uuid: of the vGPU, as user space wrote it
 *
 * Return: the vGPU, with a reference, or -EINVAL or -ENOENT
 */
struct tranche_vgpu *tranche_parent_find_vgpu(struct tranche_broker *broker,
					      const char *uuid)
{
	struct tranche_parent *parent;
	struct tranche_vgpu *vgpu;

	if (!string_ok(uuid, TRANCHE_UUID_SIZE, true))
		return ERR_PTR(-EINVAL);
	guard(mutex)(&parents_lock);
	list_for_each_entry(parent, &parents, entry) {
		if (parent->broker != broker)
			continue;
		list_for_each_entry(vgpu, &parent->vgpus, entry)
			if (!strcmp(vgpu->uuid, uuid))
				return tranche_vgpu_get(vgpu);
	}
	return ERR_PTR(-ENOENT);
}

/**
 * tranche_parent_query_vgpu() - what the kernel keeps of a vGPU
 * @vgpu: the vGPU
 * @query: filled in, but for its UUID
 */
void tranche_parent_query_vgpu(struct tranche_vgpu *vgpu,
			       struct tranche_vgpu_query *query)
{
	struct tranche_parent *parent = vgpu->parent;

	query->parent = parent->id;
	query->type = vgpu->mtype - parent->types;
	query->state = tranche_vgpu_state(vgpu, &query->gen);
	guard(mutex)(&parents_lock);
	memcpy(query->values, vgpu->values, sizeof(query->values));
}

/*
 * The life of the PCI device: neither unbinding its driver nor removing it
 * calls anybody who merely registered it with the mdev core.
 */

static struct tranche_parent *find_by_device(struct device *dev)
{
	struct tranche_parent *parent;

	guard(mutex)(&parents_lock);
	list_for_each_entry(parent, &parents, entry)
		if (&parent->pdev->dev == dev)
			return parent_get(parent);
	return NULL;
}

static int pci_notify(struct notifier_block *block, unsigned long action,
		      void *data)
{
	struct tranche_parent *parent __free(parent) = NULL;

	if (action != BUS_NOTIFY_UNBIND_DRIVER &&
	    action != BUS_NOTIFY_DEL_DEVICE)
		return NOTIFY_DONE;
	parent = find_by_device(data);
	if (!parent)
		return NOTIFY_DONE;
	/*
	 * Unbinding goes on while VMMs let go. A device that disappears takes
	 * its directory in sysfs along, so that its vGPUs have to go first.
	 */
	if (action == BUS_NOTIFY_UNBIND_DRIVER) {
		device_lock_assert(&parent->pdev->dev);
		guard(mutex)(&parents_lock);
		parent_end(parent);
	} else {
		wait_for_completion(&parent->end_done);
	}
	return NOTIFY_DONE;
}

static struct notifier_block pci_block = {
	.notifier_call = pci_notify,
};

/**
 * tranche_parent_init() - be ready for parents
 */
int tranche_parent_init(void)
{
	int ret;

	end_queue = alloc_workqueue("tranche_end", WQ_UNBOUND, 0);
	if (!end_queue)
		return -ENOMEM;
	ret = mdev_register_driver(&tranche_mdev_driver);
	if (ret)
		goto err_queue;
	ret = bus_register_notifier(&pci_bus_type, &pci_block);
	if (ret)
		goto err_driver;
	return 0;

err_driver:
	mdev_unregister_driver(&tranche_mdev_driver);
err_queue:
	destroy_workqueue(end_queue);
	return ret;
}

/**
 * tranche_parent_uninit() - end all parents
 *
 * Nothing has the module open, hence no VMM has a vGPU and nobody registers a
 * parent: those in the list have begun, and their ends do not wait.
 */
void tranche_parent_uninit(void)
{
	struct tranche_parent *parent;

	bus_unregister_notifier(&pci_bus_type, &pci_block);
	scoped_guard(mutex, &parents_lock)
		list_for_each_entry(parent, &parents, entry)
			parent_end(parent);
	/* With the ends that it has begun. */
	destroy_workqueue(end_queue);
	mdev_unregister_driver(&tranche_mdev_driver);
}
