// SPDX-License-Identifier: GPL-2.0-only
/*
 * session.c - the vGPU descriptor
 *
 * A session is one vGPU descriptor, whatever processes share it. It serves its
 * vGPU while vgpu->session points to it, and never again once it does not: its
 * calls have ended then, and every request fails with -ESHUTDOWN.
 *
 * Lifetime: one reference by the file, one by the vGPU, and one for as long as
 * a VMM's thread waits for an answer. It holds a reference to the vGPU.
 *
 * Locks: none of its own; see call.c, doorbell.c and vgpu.c.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "main.h"
#include "memory.h"
#include "session.h"
#include "vgpu.h"

static void session_release(struct kref *ref)
{
	struct tranche_session *session =
		container_of(ref, struct tranche_session, ref);

	tranche_calls_end(&session->calls);
	tranche_doorbells_uninit(&session->doorbells);
	tranche_vgpu_put(session->vgpu);
	kfree(session);
}

/**
 * tranche_session_put() - drop a reference
 * @session: the session
 */
void tranche_session_put(struct tranche_session *session)
{
	kref_put(&session->ref, session_release);
}

static long session_info(struct tranche_session *session, void __user *arg)
{
	struct tranche_vgpu *vgpu = session->vgpu;
	struct tranche_vgpu_info info = {
		.parent = vgpu->parent->id,
		.type = vgpu->mtype - vgpu->parent->types,
		.layout = *tranche_vgpu_layout(vgpu),
	};

	memcpy(info.uuid, vgpu->uuid, sizeof(info.uuid));
	info.state = tranche_vgpu_state(vgpu, &info.gen);
	return copy_to_user(arg, &info, sizeof(info)) ? -EFAULT : 0;
}

static long session_serve(struct tranche_session *session, struct file *file,
			  void __user *arg)
{
	long ret = tranche_calls_serve(&session->calls,
				       file->f_flags & O_NONBLOCK, arg);

	if (ret == -EPROTO)
		tranche_vgpu_break(session->vgpu, session);
	return ret;
}

static long session_ioctl(struct file *file, unsigned int cmd,
			  unsigned long arg)
{
	struct tranche_session *session = file->private_data;
	struct tranche_vgpu *vgpu = session->vgpu;
	void __user *user = (void __user *)arg;

	switch (cmd) {
	case TRANCHE_VGPU_SERVE:
		return session_serve(session, file, user);
	case TRANCHE_GET_FEATURES:
		return tranche_features_get(user);
	}
	if (READ_ONCE(session->calls.dead))
		return -ESHUTDOWN;
	switch (cmd) {
	case TRANCHE_VGPU_INFO:
		return session_info(session, user);
	case TRANCHE_VGPU_DMA:
		return tranche_memory_vector(vgpu, session, user);
	case TRANCHE_VGPU_DOORBELL:
		return tranche_doorbells_set(&session->doorbells,
					     tranche_vgpu_layout(vgpu), user);
	case TRANCHE_VGPU_IRQ:
		return tranche_irqs_raise(vgpu, session, user);
	case TRANCHE_VGPU_MAP:
		return tranche_window_map(vgpu, session, user);
	case TRANCHE_VGPU_UNMAP:
		return tranche_window_unmap(vgpu, session, user);
	default:
		return -ENOTTY;
	}
}

static ssize_t session_read(struct file *file, char __user *buf, size_t count,
			    loff_t *pos)
{
	struct tranche_session *session = file->private_data;

	return tranche_memory_copy(session->vgpu, session, *pos, buf, count,
				   false);
}

static ssize_t session_write(struct file *file, const char __user *buf,
			     size_t count, loff_t *pos)
{
	struct tranche_session *session = file->private_data;

	return tranche_memory_copy(session->vgpu, session, *pos,
				   (char __user *)buf, count, true);
}

static __poll_t session_poll(struct file *file, poll_table *wait)
{
	struct tranche_session *session = file->private_data;

	return tranche_calls_poll(&session->calls, file, wait);
}

static int session_close(struct inode *inode, struct file *file)
{
	struct tranche_session *session = file->private_data;

	tranche_vgpu_break(session->vgpu, session);
	tranche_session_put(session);
	return 0;
}

static const struct file_operations session_fops = {
	.owner = THIS_MODULE,
	.release = session_close,
	.read = session_read,
	.write = session_write,
	.poll = session_poll,
	.unlocked_ioctl = session_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

/* A file that holds the only reference to a new session of @vgpu. */
static struct file *session_file(struct tranche_vgpu *vgpu)
{
	struct tranche_session *session =
		kzalloc(sizeof(*session), GFP_KERNEL_ACCOUNT);
	struct file *file;

	if (!session)
		return ERR_PTR(-ENOMEM);
	kref_init(&session->ref);
	session->vgpu = tranche_vgpu_get(vgpu);
	tranche_calls_init(&session->calls);
	tranche_doorbells_init(&session->doorbells);
	/* pread() and pwrite() take the position as an address. */
	file = anon_inode_getfile_fmode("[tranche-vgpu]", &session_fops,
					session, O_RDWR,
					FMODE_PREAD | FMODE_PWRITE);
	if (IS_ERR(file))
		tranche_session_put(session);
	return file;
}

/**
 * tranche_session_open() - TRANCHE_VGPU_ATTACH, once the vGPU is found
 * @vgpu: the vGPU
 * @replace: take it from another session
 * @user_fd: where the descriptor goes
 */
long tranche_session_open(struct tranche_vgpu *vgpu, bool replace,
			  __s32 __user *user_fd)
{
	CLASS(get_unused_fd, fd)(O_CLOEXEC);
	struct file *file __free(fput) = NULL;
	int ret;

	if (fd < 0)
		return fd;
	file = session_file(vgpu);
	if (IS_ERR(file))
		return PTR_ERR(file);
	ret = put_user(fd, user_fd);
	if (!ret)
		ret = tranche_vgpu_set_session(vgpu, file->private_data,
					       replace);
	if (!ret)
		fd_install(take_fd(fd), no_free_ptr(file));
	return ret;
}
