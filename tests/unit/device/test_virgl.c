// SPDX-License-Identifier: MIT
/* The renderer over virglrenderer and a real render server. */
#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_gpu.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "mdev/device/virgl.h"

#define SKIP 77
#define PAGE 4096
#define SECONDS 20
#define DESCRIPTORS 1024

struct fixture {
	struct virgl virgl;
	sem_t fences;
	uint64_t last;
};

static const char *server;
static bool inherited[DESCRIPTORS]; /* by this program */

static void fence_done(void *user, uint64_t fence)
{
	struct fixture *f = user;

	f->last = fence;
	sem_post(&f->fences);
}

static int setup(void **state)
{
	static struct fixture fixture;

	sem_init(&fixture.fences, 0, 0);
	assert_int_equal(virgl_init(&fixture.virgl, server), 0);
	fixture.virgl.renderer.user = &fixture;
	fixture.virgl.renderer.fence_done = fence_done;
	*state = &fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	virgl_deinit(&f->virgl);
	sem_destroy(&f->fences);
	return 0;
}

static void wait_fence(struct fixture *f, uint64_t number)
{
	struct timespec end;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += SECONDS;
	assert_int_equal(sem_timedwait(&f->fences, &end), 0);
	assert_int_equal(f->last, number);
}

static void test_capset(void **state)
{
	struct fixture *f = *state;
	uint8_t capset[RENDERER_CAPSET_SIZE_MAX] = {0};
	uint32_t version = 1;
	int length = f->virgl.renderer.ops->capset(&f->virgl.renderer, &version,
						   capset, sizeof(capset));

	assert_int_equal(length, 160);
	assert_int_equal(version, 0);
	/* The wire format's version, which nobody fills without a server. */
	assert_int_not_equal(capset[0], 0);
}

/* A ring's memory: what the driver of a guest makes first. */
static void test_memory_and_fence(void **state)
{
	struct fixture *f = *state;
	struct renderer *renderer = &f->virgl.renderer;
	const struct renderer_ops *ops = renderer->ops;
	const struct renderer_blob blob = {
		.resource = 3,
		.context = 1,
		.flags = VIRTIO_GPU_BLOB_FLAG_USE_MAPPABLE,
		.size = 4 * PAGE,
	};
	uint32_t map_info;
	void *address;

	assert_int_equal(ops->begin(renderer), 0);
	assert_int_equal(ops->context_create(renderer, 1, "test"), 0);
	assert_int_equal(ops->blob_create(renderer, &blob), 0);
	ops->attach(renderer, 1, 3);
	assert_int_equal(ops->map(renderer, 3, 4 * PAGE, &address, &map_info),
			 0);
	assert_int_equal(map_info, VIRTIO_GPU_MAP_CACHE_CACHED);
	assert_int_equal((uintptr_t)address % PAGE, 0);
	memset(address, 1, 4 * PAGE);
	assert_int_equal(ops->fence(renderer, 1, 0, 77), 0);
	wait_fence(f, 77);
	ops->unmap(renderer, 3);
	ops->context_destroy(renderer, 1);
	ops->unref(renderer, 3);
}

static void test_abandoned_renderer_begins_again(void **state)
{
	struct fixture *f = *state;
	struct renderer *renderer = &f->virgl.renderer;
	const struct renderer_ops *ops = renderer->ops;

	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(ops->begin(renderer), 0);
		assert_int_equal(ops->context_create(renderer, 1, "test"), 0);
		ops->abandon(renderer);
		while (server_alive(&f->virgl.server))
			usleep(1000);
		assert_true(ops->context_create(renderer, 2, "test") < 0);
		ops->context_destroy(renderer, 1);
	}
}

/* One by one, since a sandbox has no /proc. */
static unsigned int descriptors(void)
{
	unsigned int count = 0;

	for (int fd = 0; fd < DESCRIPTORS; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void test_contexts_leave_nothing(void **state)
{
	struct fixture *f = *state;
	struct renderer *renderer = &f->virgl.renderer;
	const struct renderer_ops *ops = renderer->ops;
	struct renderer_blob blob = {
		.resource = 9,
		.flags = VIRTIO_GPU_BLOB_FLAG_USE_MAPPABLE,
		.size = PAGE,
	};
	unsigned int before = descriptors();

	for (unsigned int i = 1; i <= 20; i++) {
		blob.context = i;
		assert_int_equal(ops->context_create(renderer, i, "test"), 0);
		assert_int_equal(ops->blob_create(renderer, &blob), 0);
		ops->context_destroy(renderer, i);
		ops->unref(renderer, 9);
	}
	assert_int_equal(descriptors(), before);
}

/* Return: the last child of a process, or 0; -1 without /proc. */
static pid_t last_child(pid_t of)
{
	char path[64];
	pid_t pid, last = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", of, of);
	file = fopen(path, "re");
	if (!file)
		return -1;
	while (fscanf(file, "%d", &pid) == 1)
		last = pid;
	fclose(file);
	return last;
}

struct blocked {
	struct renderer *renderer;
	atomic_bool back;
};

/* Asks a context's worker for memory, which waits for its answer. */
static void *ask_blocked(void *arg)
{
	struct blocked *blocked = arg;
	const struct renderer_blob blob = {
		.resource = 5,
		.context = 2,
		.flags = VIRTIO_GPU_BLOB_FLAG_USE_MAPPABLE,
		.size = PAGE,
	};
	int r = blocked->renderer->ops->blob_create(blocked->renderer, &blob);

	blocked->back = true;
	return r < 0 ? arg : NULL;
}

/* One worker stands still: only its context is lost. */
static void test_one_context_is_given_up(void **state)
{
	struct fixture *f = *state;
	struct renderer *renderer = &f->virgl.renderer;
	const struct renderer_ops *ops = renderer->ops;
	struct blocked blocked = {.renderer = renderer};
	pthread_t thread;
	pid_t worker;
	void *failed;

	assert_int_equal(ops->context_create(renderer, 1, "well"), 0);
	assert_int_equal(ops->context_create(renderer, 2, "ill"), 0);
	worker = last_child(f->virgl.server.pid);
	if (worker < 0)
		skip();
	assert_int_equal(kill(worker, SIGSTOP), 0);
	pthread_create(&thread, NULL, ask_blocked, &blocked);
	usleep(300000);
	assert_false(blocked.back);
	assert_int_equal(ops->give_up(renderer, 2), 0);
	pthread_join(thread, &failed);
	assert_non_null(failed);
	ops->context_destroy(renderer, 2);
	assert_int_equal(ops->give_up(renderer, 2), -ENOENT);
	/* Its worker is gone, and the other one works. */
	for (int i = 0; i < 10000 && kill(worker, 0) == 0; i++)
		usleep(1000);
	assert_int_equal(kill(worker, 0), -1);
	assert_int_equal(ops->fence(renderer, 1, 0, 99), 0);
	wait_fence(f, 99);
	ops->context_destroy(renderer, 1);
}

/*
 * A server that is started while there is a guest, and its workers, have none of
 * our descriptors: whoever waits for us to die at the other end must not wait for
 * them.
 */
static void test_servers_inherit_nothing(void **state)
{
	struct fixture *f = *state;
	struct renderer *renderer = &f->virgl.renderer;
	const struct renderer_ops *ops = renderer->ops;
	const struct renderer_blob blob = {
		.resource = 7,
		.context = 1,
		.flags = VIRTIO_GPU_BLOB_FLAG_USE_MAPPABLE,
		.size = PAGE,
	};
	struct pollfd hears = {0};
	int ends[2];

	assert_int_equal(ops->context_create(renderer, 1, "test"), 0);
	assert_int_equal(ops->blob_create(renderer, &blob), 0);
	for (int fd = STDERR_FILENO + 1; fd < DESCRIPTORS; fd++)
		if (!inherited[fd] && fcntl(fd, F_GETFD) >= 0)
			assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	hears.fd = ends[0];
	ops->context_destroy(renderer, 1);
	ops->unref(renderer, 7);
	ops->abandon(renderer);
	while (server_alive(&f->virgl.server))
		usleep(1000);
	assert_int_equal(ops->begin(renderer), 0);
	assert_int_equal(ops->context_create(renderer, 1, "test"), 0);
	close(ends[1]);
	assert_int_equal(poll(&hears, 1, SECONDS * 1000), 1);
	assert_true(hears.revents & POLLHUP);
	close(ends[0]);
	ops->context_destroy(renderer, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_capset),
		TEST(test_memory_and_fence),
		TEST(test_abandoned_renderer_begins_again),
		TEST(test_contexts_leave_nothing),
		TEST(test_servers_inherit_nothing),
		TEST(test_one_context_is_given_up),
	};

	for (int fd = 0; fd < DESCRIPTORS; fd++)
		inherited[fd] = fcntl(fd, F_GETFD) >= 0;
	server = getenv("TEST_RENDER_SERVER");
	if (!server || access(server, X_OK) < 0)
		return SKIP;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
