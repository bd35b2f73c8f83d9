// SPDX-License-Identifier: MIT
/*
 * kmod-fuzz.c - random calls on every descriptor, from both sides at once
 *
 *   kmod-fuzz SECONDS [SEED]
 *
 * Four threads call the broker's, the device process's and the VMM's
 * descriptors with structures that are nearly right: small numbers, flags,
 * addresses of this process, and now and then anything. The device process's
 * descriptor is replaced when it breaks, and the VMM closes and opens again.
 * Success is that it ends and that the kernel's log is clean.
 */
#include <fcntl.h>
#include <linux/vfio.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "mdev/transport/sample.h"
#include "tests/lab/kmod/check.h"
#include "tests/lab/kmod/stand.h"
#include "tests/lab/kmod/vfio.h"

#define THREADS 4
#define MEMORY (64 * 4096UL)

static struct stand stand;
static char uuid[TRANCHE_UUID_SIZE];
static atomic_int served = -1, opened = -1;
static atomic_bool over;
static atomic_ulong calls;
static char *memory;
static int event;

struct thread {
	pthread_t id;
	uint64_t state;
};

static uint64_t random_next(struct thread *thread)
{
	uint64_t x = thread->state;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return thread->state = x;
}

static uint64_t below(struct thread *thread, uint64_t limit)
{
	return random_next(thread) % limit;
}

/* A number such as the interface knows. */
static uint64_t number(struct thread *thread)
{
	switch (below(thread, 12)) {
	case 0:
		return random_next(thread);
	case 1:
		return ~0ULL >> below(thread, 64);
	case 2:
		return (uintptr_t)memory + 4096 * below(thread, 64);
	case 3:
		return GUEST_BASE + below(thread, GUEST_SIZE);
	case 4:
		return 4096 * below(thread, 64);
	case 5:
		return event;
	case 6:
		return 1ULL << below(thread, 64);
	default:
		return below(thread, 6);
	}
}

static void fill(struct thread *thread, void *data, size_t size)
{
	uint32_t *words = data;
	uint64_t value;
	size_t i;

	memset(data, 0, size);
	for (i = 0; i < size / 4 && i < 16; i++) {
		value = number(thread);
		words[i] = value;
		if (value >> 32 && i + 1 < size / 4)
			words[++i] = value >> 32;
	}
}

static int call(struct thread *thread, int fd, unsigned long what, size_t size)
{
	static _Thread_local uint64_t data[512];

	fill(thread, data, size < sizeof(data) ? size : sizeof(data));
	atomic_fetch_add(&calls, 1);
	return ioctl(fd, what, data);
}

static void call_ours(struct thread *thread, int fd,
		      const unsigned long *requests, size_t count)
{
	unsigned long what = requests[below(thread, count)];

	call(thread, fd, what, _IOC_SIZE(what));
}

static void fuzz_control(struct thread *thread)
{
	static const unsigned long requests[] = {
		TRANCHE_GET_FEATURES,  TRANCHE_PARENT_REGISTER,
		TRANCHE_PARENT_ATTACH, TRANCHE_EVENT_RECEIVE,
		TRANCHE_EVENT_ANSWER,  TRANCHE_VGPU_ATTACH,
		TRANCHE_VGPU_QUERY,
	};

	call_ours(thread, stand.control, requests, 7);
}

static void fuzz_served(struct thread *thread)
{
	static const unsigned long requests[] = {
		TRANCHE_VGPU_INFO,  TRANCHE_VGPU_DMA,	TRANCHE_VGPU_DOORBELL,
		TRANCHE_VGPU_IRQ,   TRANCHE_VGPU_MAP,	TRANCHE_VGPU_UNMAP,
		TRANCHE_VGPU_SERVE, TRANCHE_VGPU_SERVE,
	};
	struct tranche_vgpu_info info = {0};
	struct tranche_map map = {.length = 4096 * (1 + below(thread, 8))};
	int fd = atomic_load(&served), next;

	if (ioctl(fd, TRANCHE_VGPU_INFO, &info) && errno == ESHUTDOWN) {
		next = stand_serve(&stand, uuid, 0);
		if (next >= 0) {
			CHECK(!fcntl(next, F_SETFL, O_NONBLOCK));
			fd = atomic_exchange(&served, next);
			close(fd);
		}
		return;
	}
	if (below(thread, 4)) {
		call_ours(thread, fd, requests, 8);
		return;
	}
	map.gen = info.gen;
	map.address = (uintptr_t)memory + 4096 * below(thread, 56);
	map.offset = 4096 * below(thread, 64);
	(void)ioctl(fd, TRANCHE_VGPU_MAP, &map);
	(void)pread(fd, memory, below(thread, 8192), number(thread));
}

static void fuzz_opened(struct thread *thread)
{
	static const unsigned long requests[] = {
		VFIO_DEVICE_GET_INFO,	  VFIO_DEVICE_GET_REGION_INFO,
		VFIO_DEVICE_GET_IRQ_INFO, VFIO_DEVICE_SET_IRQS,
		VFIO_DEVICE_IOEVENTFD,	  VFIO_DEVICE_FEATURE,
		VFIO_DEVICE_RESET,
	};
	int fd = atomic_load(&opened);
	uint64_t position = below(thread, 10) << 40 | number(thread) % 0x5000;

	switch (below(thread, 4)) {
	case 0:
		(void)pread(fd, memory, below(thread, 300), position);
		break;
	case 1:
		(void)pwrite(fd, memory, below(thread, 300), position);
		break;
	default:
		call(thread, fd, requests[below(thread, 7)], 64);
	}
}

/* Opens and closes the vGPU, and touches its window, all the while. */
static void *vmm_thread(void *opaque)
{
	struct thread *thread = opaque;
	volatile char *window;
	struct vfio vfio;
	int i;

	while (!atomic_load(&over)) {
		if (vfio_try_open(&vfio, uuid))
			continue;
		atomic_store(&opened, vfio.device);
		window = vfio_map_window(&vfio, SAMPLE_WINDOW_BAR);
		for (i = 0; i < 2000 && !atomic_load(&over); i++)
			window[4096 * below(thread, 64)]++;
		atomic_store(&opened, -1);
		vfio_close(&vfio);
	}
	return NULL;
}

static void *fuzz_thread(void *opaque)
{
	struct thread *thread = opaque;

	while (!atomic_load(&over)) {
		switch (below(thread, 3)) {
		case 0:
			fuzz_control(thread);
			break;
		case 1:
			fuzz_served(thread);
			break;
		default:
			fuzz_opened(thread);
		}
	}
	return NULL;
}

int main(int argc, char **argv)
{
	struct thread threads[THREADS + 1];
	unsigned int i, seconds;
	uint64_t seed = 1;
	int file = memfd_create("fuzz", MFD_CLOEXEC);

	if (argc < 2)
		return 2;
	seconds = atoi(argv[1]);
	if (argc > 2)
		seed = strtoull(argv[2], NULL, 0);
	CHECK(!ftruncate(file, MEMORY));
	memory =
		mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	event = eventfd(0, EFD_NONBLOCK);
	signal(SIGBUS, SIG_DFL);
	stand_begin(&stand, 50);
	stand_uuid(uuid);
	CHECK(!stand_create(&stand, STAND_TYPE, uuid));
	atomic_store(&served, stand_serve(&stand, uuid, 0));
	CHECK(!fcntl(served, F_SETFL, O_NONBLOCK));
	for (i = 0; i <= THREADS; i++) {
		threads[i].state = seed * 0x9e3779b97f4a7c15 + i + 1;
		CHECK(!pthread_create(&threads[i].id, NULL,
				      i ? fuzz_thread : vmm_thread,
				      &threads[i]));
	}
	sleep(seconds);
	atomic_store(&over, true);
	for (i = 0; i <= THREADS; i++)
		pthread_join(threads[i].id, NULL);
	close(served);
	CHECK(!stand_remove(uuid));
	stand_end(&stand);
	printf("fuzz: %lu calls, seed %llu\n", (unsigned long)calls,
	       (unsigned long long)seed);
	return 0;
}
