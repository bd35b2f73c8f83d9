// SPDX-License-Identifier: GPL-2.0-only
/*
 * memory.c - copies from and to guest memory
 *
 * VFIO copies on behalf of a kernel thread, or of the VMM itself, and of nobody
 * else: a device process would get -EFAULT. So each call is a job on the vGPU's
 * workqueue, with a buffer of its own between guest and caller.
 *
 * For each piece VFIO would enter the VMM's address space and leave it again, which
 * costs more than the copy. A thread that is in there already is taken for the VMM.
 *
 * Pages are not kept pinned to be copied without a thread: VFIO's type 1 tells of an
 * unmap under its device_list_lock, unpinning takes its lock, and a device that is
 * opened takes both in the other order.
 *
 * Lifetime of a job: one reference by the caller, one by the work, because a
 * caller that is killed does not wait for it. The workqueue ends with the vGPU.
 *
 * Locks: vgpu->memory_sem is held for reading around VFIO's copy, and closing
 * the vGPU takes it for writing: VFIO allows copies only while a VMM has the
 * device open.
 */
#include <linux/completion.h>
#include <linux/kref.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>

#include "memory.h"
#include "session.h"
#include "vgpu.h"

struct job {
	struct work_struct work;
	struct kref ref;
	struct completion done;
	struct tranche_vgpu *vgpu;
	struct tranche_session *session;
	u32 gen;
	u32 count;
	u32 copied;
	int error;
	void *buffer;
	void *next; /* in the buffer, of the segment to copy next */
	struct tranche_segment segments[];
};

static void job_release(struct kref *ref)
{
	struct job *job = container_of(ref, struct job, ref);

	kvfree(job->buffer);
	kfree(job);
}

static void job_put(struct job *job)
{
	if (job)
		kref_put(&job->ref, job_release);
}

DEFINE_FREE(job, struct job *, job_put(_T))

static struct job *job_alloc(u32 count)
{
	struct job *job =
		kzalloc(struct_size(job, segments, count), GFP_KERNEL_ACCOUNT);

	if (!job)
		return NULL;
	kref_init(&job->ref);
	init_completion(&job->done);
	job->count = count;
	return job;
}

/* From where it stopped. */
static int job_copy(struct job *job)
{
	struct tranche_segment *segment;
	int ret;

	for (; job->copied < job->count; job->copied++) {
		segment = &job->segments[job->copied];
		ret = vfio_dma_rw(&job->vgpu->vdev, segment->iova, job->next,
				  segment->length,
				  segment->flags & TRANCHE_SEGMENT_WRITE);
		if (ret)
			return -EFAULT;
		job->next += segment->length;
	}
	return 0;
}

/* Fails too where the memory is not of the process that opened the vGPU. */
static int job_copy_inside(struct job *job)
{
	struct mm_struct *mm = job->vgpu->mm;
	int ret;

	if (!mm || !mmget_not_zero(mm))
		return -EFAULT;
	kthread_use_mm(mm);
	ret = job_copy(job);
	kthread_unuse_mm(mm);
	mmput(mm);
	return ret;
}

static void job_work(struct work_struct *work)
{
	struct job *job = container_of(work, struct job, work);
	struct tranche_vgpu *vgpu = job->vgpu;

	down_read(&vgpu->memory_sem);
	if (tranche_vgpu_is_current(vgpu, job->session, job->gen))
		job->error = job_copy_inside(job) ? job_copy(job) : 0;
	else
		job->error = -ESTALE;
	up_read(&vgpu->memory_sem);
	complete(&job->done);
	job_put(job);
}

/* Copies the callers' buffers of one direction in or out. */
static int job_move(struct job *job, u32 count, u32 direction)
{
	void *data = job->buffer;
	void __user *user;
	u32 i, length;
	unsigned long left;

	for (i = 0; i < count; i++) {
		length = job->segments[i].length;
		user = u64_to_user_ptr(job->segments[i].address);
		if ((job->segments[i].flags & TRANCHE_SEGMENT_WRITE) ==
		    direction) {
			left = direction ? copy_from_user(data, user, length)
					 : copy_to_user(user, data, length);
			if (left)
				return -EFAULT;
		}
		data += length;
	}
	return 0;
}

static int job_run(struct job *job)
{
	int ret;

	INIT_WORK(&job->work, job_work);
	kref_get(&job->ref);
	queue_work(job->vgpu->memory_queue, &job->work);
	ret = wait_for_completion_killable(&job->done);
	return ret ? -EINTR : job->error;
}

/* Checks and runs a job whose segments are set; @copied says how far it got. */
static int job_do(struct job *job, struct tranche_vgpu *vgpu,
		  struct tranche_session *session, u32 *copied)
{
	size_t total = 0;
	u32 i;
	int ret;

	for (i = 0; i < job->count; i++) {
		if (job->segments[i].flags & ~TRANCHE_SEGMENT_WRITE ||
		    !job->segments[i].length)
			return -EINVAL;
		if (job->segments[i].length > TRANCHE_DMA_BYTES_MAX - total)
			return -EMSGSIZE;
		total += job->segments[i].length;
	}
	job->vgpu = vgpu;
	job->session = session;
	job->buffer = kvmalloc(total, GFP_KERNEL_ACCOUNT);
	if (!job->buffer)
		return -ENOMEM;
	job->next = job->buffer;
	ret = job_move(job, job->count, TRANCHE_SEGMENT_WRITE);
	if (ret)
		return ret;
	ret = job_run(job);
	if (ret == -EINTR)
		return ret;
	*copied = job->copied;
	return job_move(job, job->copied, 0) ?: ret;
}

/**
 * tranche_memory_vector() - TRANCHE_VGPU_DMA
 * @vgpu: the vGPU
 * @session: the caller
 * @arg: struct tranche_dma of user space
 */
long tranche_memory_vector(struct tranche_vgpu *vgpu,
			   struct tranche_session *session, void __user *arg)
{
	struct tranche_dma __user *user = arg;
	struct job *job __free(job) = NULL;
	struct tranche_dma dma;
	u32 copied = 0;
	long ret = -EFAULT;

	if (copy_from_user(&dma, arg, sizeof(dma)))
		return -EFAULT;
	if (!dma.count || dma.count > TRANCHE_SEGMENTS_MAX || dma.reserved)
		return -EINVAL;
	job = job_alloc(dma.count);
	if (!job)
		return -ENOMEM;
	job->gen = dma.gen;
	if (!copy_from_user(job->segments, u64_to_user_ptr(dma.segments),
			    dma.count * sizeof(job->segments[0])))
		ret = job_do(job, vgpu, session, &copied);
	return put_user(copied, &user->done) ? -EFAULT : ret;
}

/**
 * tranche_memory_copy() - pread() and pwrite()
 * @vgpu: the vGPU
 * @session: the caller
 * @iova: guest memory
 * @buf: of the caller
 * @count: bytes; more than TRANCHE_DMA_BYTES_MAX are copied in part
 * @write: to the guest
 *
 * Return: bytes copied, or a negative errno
 */
ssize_t tranche_memory_copy(struct tranche_vgpu *vgpu,
			    struct tranche_session *session, u64 iova,
			    char __user *buf, size_t count, bool write)
{
	struct job *job __free(job) = NULL;
	u32 copied;

	count = min_t(size_t, count, TRANCHE_DMA_BYTES_MAX);
	if (!count)
		return 0;
	job = job_alloc(1);
	if (!job)
		return -ENOMEM;
	tranche_vgpu_state(vgpu, &job->gen);
	job->segments[0] = (struct tranche_segment){
		.iova = iova,
		.address = (uintptr_t)buf,
		.length = count,
		.flags = write ? TRANCHE_SEGMENT_WRITE : 0,
	};
	return job_do(job, vgpu, session, &copied) ?: count;
}
