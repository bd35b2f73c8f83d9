// SPDX-License-Identifier: GPL-2.0-only
/*
 * tranche-test-exporter.c - memory that moves, as that of GPU drivers does
 *
 * Each open /dev/tranche-test-exporter has PAGES pages. ioctl(EXPORT) returns a
 * dma-buf whose mmap() shows them as page frames. ioctl(MOVE) moves them: other
 * frames with the same content, after all page tables have lost the old ones,
 * which are poisoned then, so that whoever still sees them is found out.
 * ioctl(EXPORT_WC) does the same as EXPORT with memory whose writes are combined.
 * Page tables that show it allow the processor to run it.
 *
 * ioctl(PROTECTION) takes an address of the caller and returns the protection of
 * the page frame that its page table has there, in the processor's own bits.
 *
 * Locks: mover->lock protects the choice of frames and their content.
 */
#include <linux/dma-buf.h>
#include <linux/kref.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <asm/set_memory.h>

#define PAGES 16
#define POISON 0x66
#define EXPORT _IO(0xba, 0)
#define MOVE _IO(0xba, 1)
#define EXPORT_WC _IO(0xba, 2)
#define PROTECTION _IOWR(0xba, 3, __u64)

/* One reference by the file, one by each dma-buf. */
struct mover {
	struct kref ref;
	struct mutex lock;
	struct page *frames[2][PAGES];
	unsigned int side;
	bool combines;
	struct address_space *shown;
};

static void mover_release(struct kref *ref)
{
	struct mover *mover = container_of(ref, struct mover, ref);
	int i;

	/* Nobody else may get them as they are. */
	for (i = 0; i < 2 && mover->combines; i++)
		set_pages_array_wb(mover->frames[i], PAGES);
	for (i = 0; i < PAGES; i++) {
		if (mover->frames[0][i])
			__free_page(mover->frames[0][i]);
		if (mover->frames[1][i])
			__free_page(mover->frames[1][i]);
	}
	kfree(mover);
}

/* Allows more than the caller has asked for. */
static pgprot_t buffer_prot(const struct mover *mover,
			    const struct vm_area_struct *vma)
{
	pgprot_t prot = vm_get_page_prot(vma->vm_flags | VM_EXEC);

	return mover->combines ? pgprot_writecombine(prot) : prot;
}

static vm_fault_t buffer_fault(struct vm_fault *vmf)
{
	struct mover *mover = vmf->vma->vm_private_data;
	vm_fault_t ret = VM_FAULT_SIGBUS;
	struct page *page;

	mutex_lock(&mover->lock);
	if (vmf->pgoff < PAGES) {
		page = mover->frames[mover->side][vmf->pgoff];
		ret = vmf_insert_pfn_prot(vmf->vma, vmf->address,
					  page_to_pfn(page),
					  buffer_prot(mover, vmf->vma));
	}
	mutex_unlock(&mover->lock);
	return ret;
}

static const struct vm_operations_struct buffer_vm_ops = {
	.fault = buffer_fault,
};

static int buffer_mmap(struct dma_buf *buffer, struct vm_area_struct *vma)
{
	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	vm_flags_set(vma, VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_private_data = buffer->priv;
	vma->vm_ops = &buffer_vm_ops;
	return 0;
}

static struct sg_table *buffer_map(struct dma_buf_attachment *attachment,
				   enum dma_data_direction direction)
{
	return ERR_PTR(-EOPNOTSUPP);
}

static void buffer_unmap(struct dma_buf_attachment *attachment,
			 struct sg_table *table,
			 enum dma_data_direction direction)
{
}

static void buffer_release(struct dma_buf *buffer)
{
	struct mover *mover = buffer->priv;

	kref_put(&mover->ref, mover_release);
}

static const struct dma_buf_ops buffer_ops = {
	.map_dma_buf = buffer_map,
	.unmap_dma_buf = buffer_unmap,
	.mmap = buffer_mmap,
	.release = buffer_release,
};

static long mover_export(struct mover *mover)
{
	DEFINE_DMA_BUF_EXPORT_INFO(info);
	struct dma_buf *buffer;

	if (mover->shown)
		return -EBUSY;
	info.ops = &buffer_ops;
	info.size = PAGES * PAGE_SIZE;
	info.flags = O_RDWR;
	info.priv = mover;
	buffer = dma_buf_export(&info);
	if (IS_ERR(buffer))
		return PTR_ERR(buffer);
	kref_get(&mover->ref);
	mover->shown = buffer->file->f_mapping;
	return dma_buf_fd(buffer, O_CLOEXEC);
}

static long mover_export_wc(struct mover *mover)
{
	int i, ret = mover->shown ? -EBUSY : 0;

	for (i = 0; i < 2 && !ret; i++)
		ret = set_pages_array_wc(mover->frames[i], PAGES);
	if (ret)
		return ret;
	mover->combines = true;
	return mover_export(mover);
}

static long protection_get(__u64 __user *user)
{
	struct follow_pfnmap_args args = {};
	__u64 value;
	int ret = -EFAULT;

	if (get_user(value, user))
		return -EFAULT;
	mmap_read_lock(current->mm);
	args.address = value;
	args.vma = vma_lookup(current->mm, args.address);
	if (args.vma)
		ret = follow_pfnmap_start(&args);
	if (!ret) {
		value = pgprot_val(args.pgprot);
		follow_pfnmap_end(&args);
	}
	mmap_read_unlock(current->mm);
	return ret ?: put_user(value, user);
}

/* The caller still has the dma-buf open. */
static long mover_move(struct mover *mover)
{
	struct page **from, **to;
	int i;

	mutex_lock(&mover->lock);
	if (mover->shown)
		unmap_mapping_range(mover->shown, 0, 0, 1);
	from = mover->frames[mover->side];
	mover->side ^= 1;
	to = mover->frames[mover->side];
	for (i = 0; i < PAGES; i++) {
		copy_page(page_address(to[i]), page_address(from[i]));
		memset(page_address(from[i]), POISON, PAGE_SIZE);
	}
	mutex_unlock(&mover->lock);
	return 0;
}

static long exporter_ioctl(struct file *file, unsigned int cmd,
			   unsigned long arg)
{
	switch (cmd) {
	case EXPORT:
		return mover_export(file->private_data);
	case MOVE:
		return mover_move(file->private_data);
	case EXPORT_WC:
		return mover_export_wc(file->private_data);
	case PROTECTION:
		return protection_get((__u64 __user *)arg);
	default:
		return -ENOTTY;
	}
}

static int exporter_open(struct inode *inode, struct file *file)
{
	struct mover *mover = kzalloc(sizeof(*mover), GFP_KERNEL);
	int i;

	if (!mover)
		return -ENOMEM;
	kref_init(&mover->ref);
	mutex_init(&mover->lock);
	for (i = 0; i < 2 * PAGES; i++) {
		mover->frames[i & 1][i / 2] =
			alloc_page(GFP_KERNEL | __GFP_ZERO);
		if (!mover->frames[i & 1][i / 2]) {
			kref_put(&mover->ref, mover_release);
			return -ENOMEM;
		}
	}
	file->private_data = mover;
	return 0;
}

static int exporter_close(struct inode *inode, struct file *file)
{
	struct mover *mover = file->private_data;

	kref_put(&mover->ref, mover_release);
	return 0;
}

static const struct file_operations exporter_fops = {
	.owner = THIS_MODULE,
	.open = exporter_open,
	.release = exporter_close,
	.unlocked_ioctl = exporter_ioctl,
};

static struct miscdevice exporter_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "tranche-test-exporter",
	.mode = 0600,
	.fops = &exporter_fops,
};

module_misc_device(exporter_misc);

MODULE_DESCRIPTION("Memory that moves, for the tests of tranche.ko");
MODULE_LICENSE("GPL");
/* MODULE_IMPORT_NS() takes a word in some kernels and a string in others. */
MODULE_INFO(import_ns, "DMA_BUF");
