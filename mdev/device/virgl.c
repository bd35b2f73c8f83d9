// SPDX-License-Identifier: MIT
#include "mdev/device/virgl.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_gpu.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <virgl/virglrenderer.h>

#include "mdev/device/log.h"

#define FLAGS                                                   \
	(VIRGL_RENDERER_VENUS | VIRGL_RENDERER_RENDER_SERVER |  \
	 VIRGL_RENDERER_NO_VIRGL | VIRGL_RENDERER_THREAD_SYNC | \
	 VIRGL_RENDERER_ASYNC_FENCE_CB)

/* virglrenderer returns errno values with either sign. */
static int error(int r)
{
	return r > 0 ? -r : r;
}

static struct virgl *to_virgl(struct renderer *renderer)
{
	return (struct virgl *)((char *)renderer -
				offsetof(struct virgl, renderer));
}

/* Only fences of virgl's own contexts come here, and there are none. */
static void write_fence(void *cookie, uint32_t fence)
{
	(void)cookie;
	(void)fence;
}

static void write_context_fence(void *cookie, uint32_t context, uint32_t ring,
				uint64_t fence)
{
	struct virgl *virgl = cookie;

	(void)context;
	(void)ring;
	virgl->renderer.fence_done(virgl->renderer.user, fence);
}

static int get_server_fd(void *cookie, uint32_t version)
{
	struct virgl *virgl = cookie;

	return version == 0 ? server_start(&virgl->server) : -1;
}

/* virglrenderer keeps the pointer. */
static struct virgl_renderer_callbacks callbacks = {
	.version = 3,
	.write_fence = write_fence,
	.write_context_fence = write_context_fence,
	.get_server_fd = get_server_fd,
};

static void on_log(enum virgl_log_level_flags level, const char *message,
		   void *user)
{
	(void)user;
	if (level >= VIRGL_LOG_LEVEL_WARNING)
		log_guest("virglrenderer: %s", message);
}

static int up(struct virgl *virgl)
{
	int r = virgl_renderer_init(virgl, FLAGS, &callbacks);

	if (r == 0)
		virgl->up = true;
	else
		server_stop(&virgl->server);
	return error(r);
}

static void down(struct virgl *virgl)
{
	if (virgl->up)
		virgl_renderer_cleanup(virgl);
	virgl->up = false;
	server_stop(&virgl->server);
}

static int virgl_capset(struct renderer *renderer, uint32_t *version,
			void *data, size_t size)
{
	uint32_t length = 0;

	(void)renderer;
	virgl_renderer_get_cap_set(VIRTIO_GPU_CAPSET_VENUS, version, &length);
	if (length > size)
		return -E2BIG;
	if (length)
		virgl_renderer_fill_caps(VIRTIO_GPU_CAPSET_VENUS, *version,
					 data);
	return length;
}

static int virgl_begin(struct renderer *renderer)
{
	struct virgl *virgl = to_virgl(renderer);

	if (virgl->up && server_alive(&virgl->server))
		return 0;
	log_line("the render server has ended: starting another");
	down(virgl);
	return up(virgl);
}

/* Which number the next descriptor of this process gets. */
static int next_fd(void)
{
	int fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);

	if (fd >= 0)
		close(fd);
	return fd;
}

static bool is_line(int fd)
{
	int domain = 0, type = 0;
	socklen_t size = sizeof(int);

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 &&
	       getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
	       domain == AF_UNIX && type == SOCK_SEQPACKET;
}

static struct virgl_line *line_find(struct virgl *virgl, uint32_t context)
{
	for (unsigned int i = 0; i < CONTEXTS_MAX; i++)
		if (virgl->lines[i].context == context)
			return &virgl->lines[i];
	return NULL;
}

/*
 * virglrenderer shows neither a context's worker nor the socket to it, but the
 * socket is the first descriptor that it gets while it makes a context, and no
 * other thread of this process makes any.
 */
static void line_add(struct virgl *virgl, uint32_t context, int fd)
{
	struct virgl_line *line;
	int copy;

	if (!is_line(fd))
		return;
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	pthread_mutex_lock(&virgl->lock);
	line = line_find(virgl, 0);
	if (line && copy >= 0)
		*line = (struct virgl_line){context, copy};
	pthread_mutex_unlock(&virgl->lock);
	if (!line && copy >= 0)
		close(copy);
}

static void line_remove(struct virgl *virgl, uint32_t context)
{
	struct virgl_line *line;

	pthread_mutex_lock(&virgl->lock);
	line = line_find(virgl, context);
	if (line) {
		close(line->fd);
		line->context = 0;
	}
	pthread_mutex_unlock(&virgl->lock);
}

/* Whoever waits at either end finds the connection closed. */
static int virgl_give_up(struct renderer *renderer, uint32_t context)
{
	struct virgl *virgl = to_virgl(renderer);
	struct virgl_line *line;
	int r = -ENOENT;

	pthread_mutex_lock(&virgl->lock);
	line = line_find(virgl, context);
	if (line)
		r = shutdown(line->fd, SHUT_RDWR) < 0 ? -errno : 0;
	pthread_mutex_unlock(&virgl->lock);
	return r;
}

static int virgl_context_create(struct renderer *renderer, uint32_t context,
				const char *name)
{
	int fd = next_fd();
	int r = virgl_renderer_context_create_with_flags(
		context, VIRTIO_GPU_CAPSET_VENUS, strlen(name), name);

	if (r == 0)
		line_add(to_virgl(renderer), context, fd);
	return error(r);
}

static void virgl_context_destroy(struct renderer *renderer, uint32_t context)
{
	line_remove(to_virgl(renderer), context);
	virgl_renderer_context_destroy(context);
}

static void virgl_attach(struct renderer *renderer, uint32_t context,
			 uint32_t resource)
{
	(void)renderer;
	virgl_renderer_ctx_attach_resource(context, resource);
}

static void virgl_detach(struct renderer *renderer, uint32_t context,
			 uint32_t resource)
{
	(void)renderer;
	virgl_renderer_ctx_detach_resource(context, resource);
}

static int virgl_blob_create(struct renderer *renderer,
			     const struct renderer_blob *blob)
{
	const struct virgl_renderer_resource_create_blob_args args = {
		.res_handle = blob->resource,
		.ctx_id = blob->context,
		.blob_mem = VIRGL_RENDERER_BLOB_MEM_HOST3D,
		.blob_flags = blob->flags,
		.blob_id = blob->id,
		.size = blob->size,
	};

	(void)renderer;
	return error(virgl_renderer_resource_create_blob(&args));
}

static void virgl_unref(struct renderer *renderer, uint32_t resource)
{
	(void)renderer;
	virgl_renderer_resource_unref(resource);
}

static int virgl_map(struct renderer *renderer, uint32_t resource,
		     uint64_t length, void **address, uint32_t *map_info)
{
	uint64_t mapped = 0;
	int r;

	(void)renderer;
	r = virgl_renderer_resource_map(resource, address, &mapped);
	if (r)
		return error(r);
	r = virgl_renderer_resource_get_map_info(resource, map_info);
	if (r == 0 && mapped < length)
		r = -EINVAL;
	if (r)
		virgl_renderer_resource_unmap(resource);
	return error(r);
}

static void virgl_unmap(struct renderer *renderer, uint32_t resource)
{
	(void)renderer;
	virgl_renderer_resource_unmap(resource);
}

static int virgl_submit(struct renderer *renderer, uint32_t context, void *data,
			uint32_t dwords)
{
	(void)renderer;
	return error(virgl_renderer_submit_cmd(data, context, dwords));
}

static int virgl_fence(struct renderer *renderer, uint32_t context,
		       uint8_t ring, uint64_t fence)
{
	(void)renderer;
	return error(
		virgl_renderer_context_create_fence(context, 0, ring, fence));
}

static void virgl_abandon(struct renderer *renderer)
{
	server_kill(&to_virgl(renderer)->server);
}

static const struct renderer_ops virgl_ops = {
	.capset = virgl_capset,
	.begin = virgl_begin,
	.context_create = virgl_context_create,
	.context_destroy = virgl_context_destroy,
	.attach = virgl_attach,
	.detach = virgl_detach,
	.blob_create = virgl_blob_create,
	.unref = virgl_unref,
	.map = virgl_map,
	.unmap = virgl_unmap,
	.submit = virgl_submit,
	.fence = virgl_fence,
	.give_up = virgl_give_up,
	.abandon = virgl_abandon,
};

int virgl_init(struct virgl *virgl, const char *server)
{
	*virgl = (struct virgl){.renderer = {.ops = &virgl_ops}};
	server_init(&virgl->server, server);
	pthread_mutex_init(&virgl->lock, NULL);
	virgl_set_log_callback(on_log, NULL, NULL);
	return up(virgl);
}

void virgl_deinit(struct virgl *virgl)
{
	down(virgl);
	server_deinit(&virgl->server);
	pthread_mutex_destroy(&virgl->lock);
}
