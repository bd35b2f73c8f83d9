// SPDX-License-Identifier: MIT
/*
 * kmod-test.c - the module, driven from both sides
 *
 *   kmod-test [CASE]...	all cases, or those named
 *
 * Each case is a process of its own with a limit of time; tranche.ko must be
 * loaded. A case registers the parent, makes vGPUs and leaves nothing behind.
 */
#include <fcntl.h>
#include <glob.h>
#include <linux/userfaultfd.h>
#include <linux/vfio.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "mdev/transport/sample.h"
#include "tests/lab/kmod/check.h"
#include "tests/lab/kmod/stand.h"
#include "tests/lab/kmod/vfio.h"

#define CASE_SECONDS 90
#define REG(field) offsetof(struct sample_registers, field)

static struct stand stand;
static struct vfio vfio;
static char uuid[TRANCHE_UUID_SIZE];
static pid_t device;

static void sleep_ms(unsigned int ms)
{
	nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000L}, NULL);
}

/* One vGPU, served by the sample device and opened by a client. */
static void setup(void)
{
	stand_begin(&stand, 5000);
	stand_uuid(uuid);
	CHECK(!stand_create(&stand, STAND_TYPE, uuid));
	device = stand_device(&stand, uuid, 0);
	vfio_open(&vfio, uuid);
	/* An answer: the device has set itself up. */
	CHECK(!vfio_read(&vfio, SAMPLE_BAR, 0, 4));
}

static void device_kill(void)
{
	kill(device, SIGKILL);
	CHECK(waitpid(device, NULL, 0) == device);
}

static void teardown(void)
{
	vfio_close(&vfio);
	CHECK(!stand_remove(uuid));
	stand_end(&stand);
	device_kill();
}

/* One vGPU that this process serves itself; returns its descriptor. */
static int setup_own(uint32_t timeout_ms)
{
	int fd;

	stand_begin(&stand, timeout_ms);
	stand_uuid(uuid);
	CHECK(!stand_create(&stand, STAND_TYPE, uuid));
	fd = stand_serve(&stand, uuid, 0);
	CHECK(fd >= 0);
	vfio_open(&vfio, uuid);
	return fd;
}

static void teardown_own(int fd)
{
	vfio_close(&vfio);
	close(fd);
	CHECK(!stand_remove(uuid));
	stand_end(&stand);
}

static uint32_t gen_of(int fd)
{
	struct tranche_vgpu_info info;

	CHECK(!ioctl(fd, TRANCHE_VGPU_INFO, &info));
	return info.gen;
}

/* Maps memory that the device process shows, as @map says from then on. */
static void *source_map(int fd, int memory, struct tranche_map *map)
{
	void *own = mmap(NULL, map->length, PROT_READ | PROT_WRITE, MAP_SHARED,
			 memory, 0);

	CHECK(own != MAP_FAILED);
	map->gen = gen_of(fd);
	map->address = (uintptr_t)own;
	return own;
}

static uint32_t command(uint32_t what)
{
	vfio_write(&vfio, SAMPLE_BAR, REG(command), what, 4);
	return vfio_read(&vfio, SAMPLE_BAR, REG(result), 4);
}

/* Times an eventfd was signalled, waiting for the first. */
static uint64_t signals(int fd, int wait_ms)
{
	struct pollfd polled = {.fd = fd, .events = POLLIN};
	eventfd_t count;

	if (poll(&polled, 1, wait_ms) <= 0)
		return 0;
	CHECK(!eventfd_read(fd, &count));
	return count;
}

static int event_new(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	CHECK(fd >= 0);
	return fd;
}

static void case_abi(void)
{
	struct tranche_features features = {0};
	struct tranche_parent_register args = {.name = "x"};
	struct tranche_verdict verdict = {.id = 12345};
	int fd = open(TRANCHE_DEVICE, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	struct tranche_event event;

	CHECK(fd >= 0);
	CHECK(!ioctl(fd, TRANCHE_GET_FEATURES, &features));
	CHECK(features.features & TRANCHE_FEATURE_BASE);
	features.reserved = 1;
	CHECK_ERRNO(ioctl(fd, TRANCHE_GET_FEATURES, &features), EINVAL);
	CHECK_ERRNO(ioctl(fd, _IOWR(0xb9, 0x00, __u64), &features), ENOTTY);
	CHECK_ERRNO(ioctl(fd, TRANCHE_PARENT_REGISTER, &args), EINVAL);
	CHECK_ERRNO(ioctl(fd, TRANCHE_PARENT_REGISTER, NULL), EFAULT);
	CHECK_ERRNO(ioctl(fd, TRANCHE_EVENT_ANSWER, &verdict), ENOENT);
	CHECK_ERRNO(ioctl(fd, TRANCHE_EVENT_RECEIVE, &event), EAGAIN);
	close(fd);
}

static void case_parent(void)
{
	struct stand other;
	char path[192], value[128];

	stand_begin(&stand, 1000);
	CHECK(stand_available(&stand, STAND_TYPE) == STAND_CAPACITY);
	CHECK(stand_available(&stand, STAND_BIG) == STAND_CAPACITY / 4);
	snprintf(path, sizeof(path), "%s" STAND_TYPE "/device_api",
		 stand.types);
	CHECK(!file_read(path, value, sizeof(value)));
	CHECK(!strcmp(value, "vfio-pci"));
	snprintf(path, sizeof(path), "%s" STAND_TYPE "/name", stand.types);
	CHECK(!file_read(path, value, sizeof(value)));
	CHECK(!strcmp(value, "sample-" STAND_TYPE));
	stand_uuid(uuid);
	CHECK(!stand_create(&stand, STAND_BIG, uuid));
	CHECK(stand_available(&stand, STAND_TYPE) == STAND_CAPACITY - 4);

	/* Without its broker nothing can be made, and the next one finds all. */
	stand_leave(&stand);
	CHECK(stand_available(&stand, STAND_TYPE) == 0);
	CHECK(stand_create(&stand, STAND_TYPE,
			   "00000000-0000-0000-0000-000000000001") ==
	      -ENOTCONN);
	CHECK(stand_attach(&other) == 1);
	sleep_ms(200);
	CHECK(other.existing == 1 && !strcmp(other.last.uuid, uuid));
	CHECK(stand_available(&other, STAND_TYPE) == STAND_CAPACITY - 4);
	CHECK(!stand_remove(uuid));
	sleep_ms(200);
	CHECK(other.removed == 1);
	stand_end(&other);
	CHECK(access(other.types, F_OK));
}

static void case_verdict(void)
{
	char path[192], value[128];
	struct stand *s = &stand;

	stand_begin(s, 500);
	stand_uuid(uuid);
	s->verdict = EDQUOT;
	CHECK(stand_create(s, STAND_TYPE, uuid) == -EDQUOT);
	s->verdict = 0;
	s->silent = true;
	CHECK(stand_create(s, STAND_TYPE, uuid) == -ETIMEDOUT);
	s->silent = false;
	CHECK(!stand_create(s, STAND_TYPE, uuid));
	snprintf(path, sizeof(path), "/sys/bus/mdev/devices/%s/weight", uuid);
	CHECK(!file_read(path, value, sizeof(value)) && !strcmp(value, "100"));
	CHECK(!file_write(path, "250\n"));
	CHECK(!file_read(path, value, sizeof(value)) && !strcmp(value, "250"));
	CHECK(file_write(path, "bad") == -EDOM);
	CHECK(!file_read(path, value, sizeof(value)) && !strcmp(value, "250"));
	s->silent = true;
	CHECK(file_write(path, "300") == -ETIMEDOUT);
	memset(value, 'x', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	CHECK(file_write(path, value) == -EINVAL);
	CHECK(!stand_remove(uuid));
	s->silent = false;
	CHECK(!stand_create(s, STAND_BIG, uuid));
	CHECK(!file_read(path, value, sizeof(value)) && !strcmp(value, "400"));
	CHECK(!stand_remove(uuid));
	stand_end(s);
}

static void case_open(void)
{
	struct vfio second;
	int fd, other;

	stand_begin(&stand, 500);
	stand_uuid(uuid);
	CHECK(!stand_create(&stand, STAND_TYPE, uuid));
	CHECK(vfio_try_open(&vfio, uuid) == -ENODEV);
	fd = stand_serve(&stand, uuid, 0);
	CHECK(fd >= 0);
	CHECK(stand_serve(&stand, uuid, 0) == -EBUSY);
	other = stand_serve(&stand, uuid, TRANCHE_ATTACH_REPLACE);
	CHECK(other >= 0);
	CHECK_ERRNO(ioctl(fd, TRANCHE_VGPU_INFO, NULL), ESHUTDOWN);
	close(fd);
	CHECK(stand_serve(&stand, "nonsense", 0) == -ENOENT);
	vfio_open(&second, uuid);
	vfio_close(&second);
	close(other);
	CHECK(!stand_remove(uuid));
	stand_end(&stand);
}

static void case_config(void)
{
	uint8_t config[256];

	setup();
	CHECK(pread(vfio.device, config, sizeof(config),
		    vfio.positions[SAMPLE_CONFIG]) == sizeof(config));
	CHECK(config[0] == (SAMPLE_VENDOR & 0xff) && config[0x40] == 0x11);
	CHECK(vfio_read(&vfio, SAMPLE_CONFIG, 0, 2) == SAMPLE_VENDOR);
	CHECK(vfio_read(&vfio, SAMPLE_CONFIG, 2, 2) == SAMPLE_DEVICE);
	CHECK(vfio_read(&vfio, SAMPLE_CONFIG, 0x41, 1) == 0);
	vfio_write(&vfio, SAMPLE_CONFIG, 4, 6, 2);
	CHECK(vfio_read(&vfio, SAMPLE_CONFIG, 4, 2) == 6);
	CHECK(vfio.sizes[1] == 0 && vfio.sizes[8] == 0);
	teardown();
}

static void case_registers(void)
{
	uint64_t all = 0x1122334455667788;
	unsigned int length, offset;
	uint64_t mask;

	setup();
	vfio_write(&vfio, SAMPLE_BAR, 0, all, 8);
	for (length = 1; length <= 8; length *= 2) {
		mask = length == 8 ? ~0ULL : (1ULL << length * 8) - 1;
		for (offset = 0; offset + length <= 8; offset++)
			CHECK(vfio_read(&vfio, SAMPLE_BAR, offset, length) ==
			      (all >> offset * 8 & mask));
	}
	/* An odd address crosses what one message can hold. */
	vfio_write(&vfio, SAMPLE_BAR, 3, 0xaabbccdd, 4);
	CHECK(vfio_read(&vfio, SAMPLE_BAR, 0, 8) == 0x11aabbccdd667788);
	/* Registers that do not exist, and the end of the region. */
	CHECK(vfio_read(&vfio, SAMPLE_BAR, 0x1000, 4) == 0xffffffff);
	CHECK_ERRNO(pread(vfio.device, &all, 8,
			  vfio.positions[SAMPLE_BAR] + SAMPLE_BAR_SIZE),
		    EINVAL);
	CHECK(pread(vfio.device, &all, 8,
		    vfio.positions[SAMPLE_BAR] + SAMPLE_BAR_SIZE - 4) == 4);
	CHECK_ERRNO(pread(vfio.device, &all, 8, vfio.positions[1]), EINVAL);
	CHECK_ERRNO(pread(vfio.device, &all, 8, 9ULL << 40), EINVAL);
	teardown();
}

static void case_doorbell(void)
{
	int vector = event_new(), ring = event_new();

	setup();
	CHECK(!vfio_set_irq(&vfio, VFIO_PCI_MSIX_IRQ_INDEX, 0, vector));
	vfio_write(&vfio, SAMPLE_BAR, SAMPLE_DOORBELL, 1, 4);
	CHECK(signals(vector, 5000) == 1);
	/* The same by an eventfd, as KVM would signal it. */
	CHECK(!vfio_ioeventfd(&vfio, vfio.positions[0] + SAMPLE_DOORBELL, 0, 2,
			      ring));
	CHECK_ERRNO(vfio_ioeventfd(&vfio, vfio.positions[0] + SAMPLE_DOORBELL,
				   0, 2, ring),
		    EEXIST);
	CHECK(!eventfd_write(ring, 1));
	CHECK(signals(vector, 5000) == 1);
	CHECK(!vfio_ioeventfd(&vfio, vfio.positions[0] + SAMPLE_DOORBELL, 0, 2,
			      -1));
	/* And where no doorbell is, it is a write like any other. */
	CHECK(!vfio_ioeventfd(&vfio, vfio.positions[0], 0x4711, 4, ring));
	CHECK(!eventfd_write(ring, 1));
	while (vfio_read(&vfio, SAMPLE_BAR, 0, 4) != 0x4711)
		sleep_ms(10);
	teardown();
}

static void case_doorbell_match(void)
{
	struct tranche_doorbell bell = {
		.region = SAMPLE_BAR,
		.offset = 0x200,
		.length = 4,
		.value = 7,
		.flags = TRANCHE_DOORBELL_MATCH,
	};
	int fd = setup_own(300), rung = event_new();

	bell.fd = rung;
	CHECK(!ioctl(fd, TRANCHE_VGPU_DOORBELL, &bell));
	CHECK_ERRNO(ioctl(fd, TRANCHE_VGPU_DOORBELL, &bell), EEXIST);
	vfio_write(&vfio, SAMPLE_BAR, 0x200, 7, 4);
	CHECK(signals(rung, 1000) == 1);
	bell.offset = SAMPLE_BAR_SIZE;
	CHECK_ERRNO(ioctl(fd, TRANCHE_VGPU_DOORBELL, &bell), EINVAL);
	bell.offset = 0x200;
	bell.fd = -1;
	CHECK(!ioctl(fd, TRANCHE_VGPU_DOORBELL, &bell));
	CHECK_ERRNO(ioctl(fd, TRANCHE_VGPU_DOORBELL, &bell), ENOENT);
	/* Now it is a message, which nobody answers. */
	vfio_write(&vfio, SAMPLE_BAR, 0x200, 7, 4);
	CHECK(signals(rung, 0) == 0);
	teardown_own(fd);
}

/* What VMMs ask before anything else. */
static void case_info(void)
{
	struct {
		struct vfio_region_info info;
		char room[64];
	} region = {.info = {.argsz = sizeof(region.info),
			     .index = SAMPLE_WINDOW_BAR}};
	struct vfio_region_info_cap_sparse_mmap *sparse;
	struct vfio_irq_info irq = {.argsz = sizeof(irq),
				    .index = VFIO_PCI_MSIX_IRQ_INDEX};

	setup();
	/* Too little room, and how much it takes. */
	CHECK(!ioctl(vfio.device, VFIO_DEVICE_GET_REGION_INFO, &region));
	CHECK(region.info.flags & VFIO_REGION_INFO_FLAG_MMAP);
	CHECK(region.info.argsz > sizeof(region.info) &&
	      region.info.argsz <= sizeof(region) && !region.info.cap_offset);
	CHECK(!ioctl(vfio.device, VFIO_DEVICE_GET_REGION_INFO, &region));
	CHECK(region.info.cap_offset == sizeof(region.info));
	sparse = (void *)region.room;
	CHECK(sparse->header.id == VFIO_REGION_INFO_CAP_SPARSE_MMAP);
	CHECK(sparse->nr_areas == 1 && sparse->areas[0].offset == 0 &&
	      sparse->areas[0].size == SAMPLE_WINDOW_SIZE);
	/* VMMs show the guest the table of MSI-X; nobody maps it. */
	CHECK(!(vfio.flags[SAMPLE_MSIX_BAR] & VFIO_REGION_INFO_FLAG_MMAP));
	/* Vectors come and go one by one, without taking all away first. */
	CHECK(!ioctl(vfio.device, VFIO_DEVICE_GET_IRQ_INFO, &irq));
	CHECK(irq.count == SAMPLE_VECTORS);
	CHECK(irq.flags == (VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_MASKABLE));
	irq.index = 5;
	CHECK_ERRNO(ioctl(vfio.device, VFIO_DEVICE_GET_IRQ_INFO, &irq), EINVAL);
	teardown();
}

static void fire(uint32_t vector)
{
	vfio_write(&vfio, SAMPLE_BAR, REG(length), vector, 4);
	command(SAMPLE_FIRE);
}

static void case_msix(void)
{
	const unsigned int msix = VFIO_PCI_MSIX_IRQ_INDEX;
	int first = event_new(), second = event_new();

	setup();
	CHECK(!vfio_set_irq(&vfio, msix, 0, first));
	CHECK(!vfio_set_irq(&vfio, msix, 1, second));
	fire(1);
	CHECK(signals(second, 1000) == 1 && signals(first, 0) == 0);
	CHECK(!vfio_irq_action(&vfio, msix, 1, VFIO_IRQ_SET_ACTION_MASK));
	fire(1);
	CHECK(signals(second, 100) == 0);
	CHECK(!vfio_irq_action(&vfio, msix, 1, VFIO_IRQ_SET_ACTION_UNMASK));
	CHECK(signals(second, 1000) == 1);
	CHECK(!vfio_irq_action(&vfio, msix, 0, VFIO_IRQ_SET_ACTION_TRIGGER));
	CHECK(signals(first, 1000) == 1);
	CHECK(!vfio_set_irq(&vfio, msix, 1, -1));
	fire(1);
	CHECK(signals(second, 100) == 0);
	CHECK_ERRNO(vfio_set_irq(&vfio, msix, SAMPLE_VECTORS, first), EINVAL);
	CHECK_ERRNO(vfio_set_irq(&vfio, VFIO_PCI_MSI_IRQ_INDEX, 0, first),
		    EINVAL);
	CHECK_ERRNO(vfio_set_irq(&vfio, msix, 0, 12345), EBADF);
	teardown();
}

static void case_intx(void)
{
	const unsigned int intx = VFIO_PCI_INTX_IRQ_INDEX;
	int line = event_new(), resample = event_new();

	setup();
	CHECK(!vfio_set_irq(&vfio, intx, 0, line));
	command(SAMPLE_RAISE);
	CHECK(signals(line, 1000) == 1);
	command(SAMPLE_RAISE);
	CHECK(signals(line, 100) == 0); /* masked by itself */
	CHECK(!vfio_irq_action(&vfio, intx, 0, VFIO_IRQ_SET_ACTION_UNMASK));
	CHECK(signals(line, 1000) == 1); /* still asserted */
	CHECK(!vfio_unmask_by(&vfio, resample));
	CHECK(!eventfd_write(resample, 1));
	CHECK(signals(line, 1000) == 1);
	command(SAMPLE_LOWER);
	CHECK(!eventfd_write(resample, 1));
	CHECK(signals(line, 200) == 0);
	CHECK(!vfio_unmask_by(&vfio, -1));
	teardown();
}

static uint32_t dma(uint32_t what, uint64_t iova, uint32_t length)
{
	vfio_write(&vfio, SAMPLE_BAR, REG(iova), iova, 8);
	vfio_write(&vfio, SAMPLE_BAR, REG(length), length, 4);
	return command(what);
}

static void case_memory(void)
{
	/* Across pages, across the end of the memory, and in the hole. */
	static const uint32_t lengths[] = {2, 16, 4095, 4097, 70000, 1 << 20};
	size_t i, j;

	setup();
	for (i = 0; i < GUEST_SIZE; i++)
		vfio.memory[i] = i * 7 + (i >> 12);
	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		CHECK(!dma(SAMPLE_READ, GUEST_BASE + 4093, lengths[i]));
		CHECK(!dma(SAMPLE_WRITE, GUEST_BASE2 + (1 << 20) - 5,
			   lengths[i] - 1));
		/* The target starts before the source ends, if that is long. */
		for (j = 0; j + 1 < lengths[i] && j < 1 << 19; j++)
			CHECK(vfio.memory[(1 << 20) - 5 + j] ==
			      vfio.memory[4093 + j]);
	}
	CHECK(dma(SAMPLE_READ, GUEST_HOLE - 16, 32) == EFAULT);
	CHECK(dma(SAMPLE_WRITE, GUEST_HOLE - 16, 32) == EFAULT);
	CHECK(dma(SAMPLE_READ, GUEST_HOLE, 1) == EFAULT);
	CHECK(dma(SAMPLE_READ, ~0ULL - 3, 8) == EFAULT);
	CHECK(!dma(SAMPLE_READ, GUEST_BASE, 8));
	teardown();
}

static void case_vector(void)
{
	struct tranche_segment segments[TRANCHE_SEGMENTS_MAX];
	struct tranche_dma vector = {.segments = (uintptr_t)segments};
	int fd = setup_own(1000);
	char out[16] = "from the device", in[16] = "";

	vector.gen = gen_of(fd);
	memset(segments, 0, sizeof(segments));
	segments[0] = (struct tranche_segment){GUEST_BASE, (uintptr_t)out, 16,
					       TRANCHE_SEGMENT_WRITE};
	segments[1] =
		(struct tranche_segment){GUEST_BASE2, (uintptr_t)in, 16, 0};
	vector.count = 2;
	CHECK(!ioctl(fd, TRANCHE_VGPU_DMA, &vector) && vector.done == 2);
	CHECK(!strcmp(vfio.memory, out) && !strcmp(in, out));
	segments[1].iova = GUEST_HOLE;
	CHECK_ERRNO(ioctl(fd, TRANCHE_VGPU_DMA, &vector), EFAULT);
	CHECK(vector.done == 1);
	segments[1].flags = 2;
	CHECK_ERRNO(ioctl(fd, TRANCHE_VGPU_DMA, &vector), EINVAL);
	segments[1].flags = 0;
	segments[1].length = TRANCHE_DMA_BYTES_MAX;
	CHECK_ERRNO(ioctl(fd, TRANCHE_VGPU_DMA, &vector), EMSGSIZE);
	vector.count = TRANCHE_SEGMENTS_MAX + 1;
	CHECK_ERRNO(ioctl(fd, TRANCHE_VGPU_DMA, &vector), EINVAL);
	vector.count = 1;
	vector.gen--;
	CHECK_ERRNO(ioctl(fd, TRANCHE_VGPU_DMA, &vector), ESTALE);
	CHECK(pread(fd, in, 16, GUEST_BASE) == 16 && !strcmp(in, out));
	CHECK(pwrite(fd, "again", 6, GUEST_BASE + 4090) == 6);
	CHECK(!strcmp(vfio.memory + 4090, "again"));
	CHECK_ERRNO(pread(fd, in, 16, GUEST_HOLE), EFAULT);
	vfio_close(&vfio);
	CHECK_ERRNO(pread(fd, in, 16, GUEST_BASE), ESTALE);
	vfio_open(&vfio, uuid);
	CHECK(pread(fd, in, 16, GUEST_BASE) == 16);
	teardown_own(fd);
}

/* Maps memory of its own into the client's container, and waits to be killed. */
static pid_t mapper_start(void)
{
	int ready[2];
	pid_t pid;
	char byte;

	CHECK(!pipe(ready));
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		vfio.memory = mmap(NULL, GUEST_SIZE, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		CHECK(vfio.memory != MAP_FAILED);
		strcpy(vfio.memory, "of another");
		vfio_map_guest(&vfio, GUEST_BASE);
		CHECK(write(ready[1], "", 1) == 1);
		for (;;)
			pause();
	}
	close(ready[1]);
	CHECK(read(ready[0], &byte, 1) == 1);
	close(ready[0]);
	return pid;
}

/* Guest memory need not be of the process that opened the vGPU. */
static void case_memory_of_another(void)
{
	char opener[16] = "", other[16] = "", again[16] = "";
	const struct tranche_segment segments[] = {
		{GUEST_BASE2, (uintptr_t)opener, 16, 0},
		{GUEST_BASE, (uintptr_t)other, 16, 0},
		{GUEST_BASE2, (uintptr_t)again, 16, 0},
	};
	struct tranche_dma vector = {
		.segments = (uintptr_t)segments,
		.count = 3,
	};
	int fd = setup_own(1000);
	pid_t mapper;

	strcpy(vfio.memory, "of the opener");
	vfio_unmap_guest(&vfio, GUEST_BASE);
	mapper = mapper_start();
	vector.gen = gen_of(fd);
	CHECK(!ioctl(fd, TRANCHE_VGPU_DMA, &vector) && vector.done == 3);
	CHECK(!strcmp(opener, "of the opener") && !strcmp(again, opener));
	CHECK(!strcmp(other, "of another"));
	kill(mapper, SIGKILL);
	CHECK(waitpid(mapper, NULL, 0) == mapper);
	CHECK_ERRNO(pread(fd, other, 16, GUEST_BASE), EFAULT);
	CHECK(pread(fd, opener, 16, GUEST_BASE2) == 16);
	teardown_own(fd);
}

static atomic_bool reading;

static void *copier(void *opaque)
{
	int fd = *(int *)opaque;
	uintptr_t copied = 0;
	char data[16384];

	while (atomic_load(&reading))
		if (pread(fd, data, sizeof(data), GUEST_BASE) > 0)
			copied++;
		else
			CHECK(errno == EFAULT || errno == ESTALE);
	return (void *)copied;
}

/* The VMM takes memory, and the vGPU itself, away from under the copies. */
static void case_memory_race(void)
{
	int i, fd = setup_own(5000);
	pthread_t thread;
	void *copied;
	char byte;

	atomic_store(&reading, true);
	CHECK(!pthread_create(&thread, NULL, copier, &fd));
	for (i = 0; i < 200; i++) {
		sleep_ms(i % 3);
		vfio_unmap_guest(&vfio, GUEST_BASE);
		vfio_map_guest(&vfio, GUEST_BASE);
	}
	for (i = 0; i < 50; i++) {
		sleep_ms(i % 3);
		vfio_close(&vfio);
		vfio_open(&vfio, uuid);
	}
	sleep_ms(100);
	atomic_store(&reading, false);
	pthread_join(thread, &copied);
	CHECK(copied);
	vfio_unmap_guest(&vfio, GUEST_BASE);
	CHECK_ERRNO(pread(fd, &byte, 1, GUEST_BASE), EFAULT);
	teardown_own(fd);
}

static void *window_reader(void *opaque)
{
	volatile uint32_t *window = opaque;
	uint64_t sum = 0;
	size_t i;

	while (atomic_load(&reading))
		for (i = 0; i < 64; i++)
			sum += window[i * 1024];
	return (void *)(uintptr_t)sum;
}

static void case_window(void)
{
	struct tranche_map map = {.length = 64 * 4096};
	struct tranche_unmap unmap = {.length = map.length};
	int fd = setup_own(1000), memory = memfd_create("w", MFD_CLOEXEC);
	uint32_t *own, *window;
	pthread_t reader;
	int i;

	CHECK(!ftruncate(memory, map.length));
	own = source_map(fd, memory, &map);
	unmap.gen = map.gen;
	window = vfio_map_window(&vfio, SAMPLE_WINDOW_BAR);
	own[0] = 0x12345678;
	own[1024] = 1;
	CHECK(window[0] == 0 && window[SAMPLE_WINDOW_SIZE / 4 - 1] == 0);
	window[2] = 5; /* into the scratch page */
	CHECK(!ioctl(fd, TRANCHE_VGPU_MAP, &map));
	CHECK(map.kind == TRANCHE_MAP_PAGES);
	CHECK(window[0] == 0x12345678 && window[1024] == 1);
	window[1] = 0x87654321;
	CHECK(own[1] == 0x87654321 && own[2] == 0);
	CHECK_ERRNO(ioctl(fd, TRANCHE_VGPU_MAP, &map), EEXIST);
	unmap.length -= 4096;
	CHECK_ERRNO(ioctl(fd, TRANCHE_VGPU_UNMAP, &unmap), ENOENT);
	unmap.length = map.length;

	atomic_store(&reading, true);
	CHECK(!pthread_create(&reader, NULL, window_reader, window));
	for (i = 0; i < 300; i++) {
		CHECK(!ioctl(fd, TRANCHE_VGPU_UNMAP, &unmap));
		if (i % 3)
			CHECK(window[0] != 0x12345678);
		CHECK(!ioctl(fd, TRANCHE_VGPU_MAP, &map));
		if (i % 3)
			CHECK(window[0] == 0x12345678);
	}
	atomic_store(&reading, false);
	pthread_join(reader, NULL);

	/* Unmapping it here changes nothing there: it is pinned. */
	munmap(own, map.length);
	CHECK(window[1] == 0x87654321);
	CHECK(!ioctl(fd, TRANCHE_VGPU_UNMAP, &unmap));
	CHECK(window[1] == 0);
	/* Nothing there to show: zeros, and no trap. */
	CHECK_ERRNO(ioctl(fd, TRANCHE_VGPU_MAP, &map), EINVAL);
	teardown_own(fd);
}

/* Flags of the mapping at @address, as /proc/self/smaps has them. */
static void mapping_flags(const void *address, char *flags, size_t size)
{
	FILE *file = fopen("/proc/self/smaps", "re");
	bool found = false;
	char line[256];
	void *start;

	CHECK(file);
	flags[0] = '\0';
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%p-", &start) == 1 && strchr(line, '-'))
			found = start == address;
		if (found && !strncmp(line, "VmFlags:", 8))
			snprintf(flags, size, "%s", line + 8);
	}
	fclose(file);
}

/* KVM waits for good in a mapping that mixes pages and frames. */
static void case_window_flags(void)
{
	char flags[256];

	setup();
	mapping_flags(vfio_map_window(&vfio, SAMPLE_WINDOW_BAR), flags,
		      sizeof(flags));
	CHECK(strstr(flags, " pf ") && strstr(flags, " io ") &&
	      strstr(flags, " de ") && strstr(flags, " dd ") &&
	      strstr(flags, " sh "));
	CHECK(!strstr(flags, " mm "));
	teardown();
}

static void case_window_refusals(void)
{
	struct tranche_map map = {.length = 4096};
	int fd = setup_own(1000), memory = memfd_create("w", MFD_CLOEXEC);
	char *unshared, *readable, *shared;

	CHECK(!ftruncate(memory, 3 * 4096));
	unshared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, memory,
			0);
	readable = mmap(NULL, 4096, PROT_READ, MAP_SHARED, memory, 0);
	shared = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
		      memory, 0);
	map.gen = gen_of(fd);
	map.address = (uintptr_t)unshared;
	CHECK_ERRNO(ioctl(fd, TRANCHE_VGPU_MAP, &map), EINVAL);
	map.address = (uintptr_t)readable;
	CHECK_ERRNO(ioctl(fd, TRANCHE_VGPU_MAP, &map), EINVAL);
	map.address = (uintptr_t)shared + 1;
	CHECK_ERRNO(ioctl(fd, TRANCHE_VGPU_MAP, &map), EINVAL);
	map.address = (uintptr_t)shared;
	map.offset = SAMPLE_WINDOW_SIZE;
	CHECK_ERRNO(ioctl(fd, TRANCHE_VGPU_MAP, &map), EINVAL);
	map.offset = 0;
	map.length = 1ULL << 50;
	CHECK_ERRNO(ioctl(fd, TRANCHE_VGPU_MAP, &map), EINVAL);
	map.length = 4096;
	map.gen++;
	CHECK_ERRNO(ioctl(fd, TRANCHE_VGPU_MAP, &map), ESTALE);
	map.gen--;
	CHECK(!ioctl(fd, TRANCHE_VGPU_MAP, &map));

	/* A private mapping of the window, and what is not the window. */
	CHECK(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, vfio.device,
		   vfio.positions[SAMPLE_WINDOW_BAR]) == MAP_FAILED);
	CHECK(mmap(NULL, 4096, PROT_READ, MAP_SHARED, vfio.device,
		   vfio.positions[SAMPLE_BAR]) == MAP_FAILED);
	CHECK(mmap(NULL, SAMPLE_WINDOW_SIZE + 4096, PROT_READ, MAP_SHARED,
		   vfio.device,
		   vfio.positions[SAMPLE_WINDOW_BAR]) == MAP_FAILED);
	/* The window in the window. */
	map.address = (uintptr_t)vfio_map_window(&vfio, SAMPLE_WINDOW_BAR);
	map.offset = 8192;
	CHECK_ERRNO(ioctl(fd, TRANCHE_VGPU_MAP, &map), EINVAL);
	teardown_own(fd);
}

/* What a jailed device process may pin is limited, at once and for all. */
static void charge_child(int fd, uint32_t gen)
{
	const struct rlimit limit = {2 * 4096, 2 * 4096};
	struct tranche_map map = {.gen = gen, .length = 3 * 4096};
	struct tranche_unmap unmap = {.gen = gen, .length = 4096};

	CHECK(!setrlimit(RLIMIT_MEMLOCK, &limit) && !setuid(65534));
	map.address = (uintptr_t)mmap(NULL, map.length, PROT_READ | PROT_WRITE,
				      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK_ERRNO(ioctl(fd, TRANCHE_VGPU_MAP, &map), ENOMEM);
	map.length = 4096;
	CHECK(!ioctl(fd, TRANCHE_VGPU_MAP, &map));
	map.offset = 4096;
	CHECK(!ioctl(fd, TRANCHE_VGPU_MAP, &map));
	map.offset = 8192;
	CHECK_ERRNO(ioctl(fd, TRANCHE_VGPU_MAP, &map), ENOMEM);
	CHECK(!ioctl(fd, TRANCHE_VGPU_UNMAP, &unmap));
	CHECK(!ioctl(fd, TRANCHE_VGPU_MAP, &map));
	exit(0);
}

static void case_charge(void)
{
	int fd = setup_own(1000), status;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (!pid)
		charge_child(fd, gen_of(fd));
	CHECK(waitpid(pid, &status, 0) == pid && !status);
	teardown_own(fd);
}

static void case_huge(void)
{
	struct tranche_map map = {.length = 2 << 20};
	struct tranche_features features = {0};
	int fd = setup_own(1000), memory;
	void *own;

	memory = memfd_create("huge", MFD_CLOEXEC | MFD_HUGETLB);
	CHECK(!file_write("/proc/sys/vm/nr_hugepages", "4"));
	CHECK(memory >= 0 && !ftruncate(memory, map.length));
	own = source_map(fd, memory, &map);
	CHECK(!ioctl(fd, TRANCHE_GET_FEATURES, &features));
	if (features.features & TRANCHE_FEATURE_HUGE_WINDOW) {
		CHECK(!ioctl(fd, TRANCHE_VGPU_MAP, &map));
		*(int *)own = 99;
		CHECK(*(int *)vfio_map_window(&vfio, SAMPLE_WINDOW_BAR) == 99);
	} else {
		CHECK_ERRNO(ioctl(fd, TRANCHE_VGPU_MAP, &map), EOPNOTSUPP);
	}
	teardown_own(fd);
	munmap(own, map.length);
	close(memory);
	CHECK(!file_write("/proc/sys/vm/nr_hugepages", "0"));
}

static void case_transparent_huge(void)
{
	static const char enabled[] =
		"/sys/kernel/mm/transparent_hugepage/shmem_enabled";
	struct tranche_map map = {.length = 4 << 20};
	struct tranche_features features = {0};
	int fd = setup_own(1000), memory;
	char *own;

	CHECK(!file_write(enabled, "force"));
	memory = memfd_create("thp", MFD_CLOEXEC);
	CHECK(memory >= 0 && !ftruncate(memory, 2 * map.length));
	own = mmap(NULL, 2 * map.length, PROT_READ | PROT_WRITE, MAP_SHARED,
		   memory, 0);
	map.gen = gen_of(fd);
	map.address = (uintptr_t)own + 4096;
	CHECK(!ioctl(fd, TRANCHE_GET_FEATURES, &features));
	if (features.features & TRANCHE_FEATURE_HUGE_WINDOW) {
		CHECK(!ioctl(fd, TRANCHE_VGPU_MAP, &map));
		own[4096] = 9;
		CHECK(*(char *)vfio_map_window(&vfio, SAMPLE_WINDOW_BAR) == 9);
	} else {
		CHECK_ERRNO(ioctl(fd, TRANCHE_VGPU_MAP, &map), EOPNOTSUPP);
	}
	teardown_own(fd);
	CHECK(!file_write(enabled, "never"));
}

#define EXPORTER_EXPORT _IO(0xba, 0)
#define EXPORTER_MOVE _IO(0xba, 1)
#define EXPORTER_EXPORT_WC _IO(0xba, 2)
#define EXPORTER_PROTECTION _IOWR(0xba, 3, __u64)
#define EXPORTER_PAGES 16
/* Bits of a page table: how the processor caches, and what it refuses. */
#define PAGE_CACHING (1ULL << 3 | 1ULL << 4 | 1ULL << 7)
#define PAGE_NO_CODE (1ULL << 63)
#define PAGE_WRITABLE (1ULL << 1)

static void *moving_reader(void *opaque)
{
	volatile uint32_t *window = opaque;
	size_t i;

	/* What moves keeps its content, and the old place is poisoned. */
	while (atomic_load(&reading))
		for (i = 0; i < EXPORTER_PAGES; i++)
			CHECK(window[i * 1024] == i + 1);
	return NULL;
}

/* Memory of a driver: it moves under a reader, and goes away. */
static void case_moving(void)
{
	struct tranche_map map = {.length = EXPORTER_PAGES * 4096};
	struct tranche_unmap unmap = {.length = map.length};
	int exporter = open("/dev/tranche-test-exporter", O_RDWR | O_CLOEXEC);
	int i, fd = setup_own(1000), buffer;
	volatile uint32_t *window;
	pthread_t reader;
	uint32_t *own;

	CHECK(exporter >= 0);
	buffer = ioctl(exporter, EXPORTER_EXPORT);
	CHECK(buffer >= 0);
	own = source_map(fd, buffer, &map);
	unmap.gen = map.gen;
	for (i = 0; i < EXPORTER_PAGES; i++)
		own[i * 1024] = i + 1;
	CHECK(!ioctl(fd, TRANCHE_VGPU_MAP, &map));
	CHECK(map.kind == TRANCHE_MAP_PFN);
	window = vfio_map_window(&vfio, SAMPLE_WINDOW_BAR);
	atomic_store(&reading, true);
	CHECK(!pthread_create(&reader, NULL, moving_reader, (void *)window));
	for (i = 0; i < 300; i++) {
		CHECK(!ioctl(exporter, EXPORTER_MOVE));
		sleep_ms(i % 3);
	}
	atomic_store(&reading, false);
	pthread_join(reader, NULL);
	window[1] = 4711;
	CHECK(own[1] == 4711);

	/* Gone here: nothing is left to show there. */
	munmap(own, map.length);
	CHECK(window[0] == 0 && window[1] == 0);
	CHECK(!ioctl(fd, TRANCHE_VGPU_UNMAP, &unmap));
	close(buffer);
	close(exporter);
	teardown_own(fd);
}

static uint64_t page_protection(int exporter, const volatile void *address)
{
	__u64 value = (uintptr_t)address;

	(void)*(const volatile char *)address;
	CHECK(!ioctl(exporter, EXPORTER_PROTECTION, &value));
	return value;
}

/* Shows a driver's memory in the window and compares the page tables. */
static void check_caching(unsigned long export, bool combines)
{
	struct tranche_map map = {.length = EXPORTER_PAGES * 4096};
	int exporter = open("/dev/tranche-test-exporter", O_RDWR | O_CLOEXEC);
	int fd = setup_own(1000), buffer = ioctl(exporter, export);
	uint64_t own_bits, bits, read_only_bits;
	uint32_t *own, *window, *read_only;

	CHECK(exporter >= 0 && buffer >= 0);
	own = source_map(fd, buffer, &map);
	CHECK(!ioctl(fd, TRANCHE_VGPU_MAP, &map));
	window = vfio_map_window(&vfio, SAMPLE_WINDOW_BAR);
	read_only = mmap(NULL, map.length, PROT_READ, MAP_SHARED, vfio.device,
			 vfio.positions[SAMPLE_WINDOW_BAR]);
	CHECK(read_only != MAP_FAILED);
	window[0] = 4711;
	CHECK(own[0] == 4711 && read_only[0] == 4711);

	own_bits = page_protection(exporter, own);
	bits = page_protection(exporter, window);
	read_only_bits = page_protection(exporter, read_only);
	CHECK(!(own_bits & PAGE_CACHING) == !combines);
	CHECK((bits & PAGE_CACHING) == (own_bits & PAGE_CACHING));
	CHECK((read_only_bits & PAGE_CACHING) == (own_bits & PAGE_CACHING));
	/* What the device process may do does not say what the VMM may. */
	CHECK(!(own_bits & PAGE_NO_CODE));
	CHECK(bits & PAGE_NO_CODE && bits & PAGE_WRITABLE);
	CHECK(read_only_bits & PAGE_NO_CODE);
	CHECK(!(read_only_bits & PAGE_WRITABLE));
	munmap(read_only, map.length);
	teardown_own(fd);
	munmap(own, map.length);
	close(buffer);
	close(exporter);
}

/* Memory is cached in the window as its driver caches it, and not otherwise. */
static void case_caching(void)
{
	check_caching(EXPORTER_EXPORT, false);
	check_caching(EXPORTER_EXPORT_WC, true);
}

/* Puts the device that vfio-pci has, if any, into the client's container. */
static int join_physical(void)
{
	char path[280], link[128];
	glob_t found;
	ssize_t length;
	int group;

	if (glob("/sys/bus/pci/drivers/vfio-pci/0*", 0, NULL, &found))
		return -1;
	snprintf(path, sizeof(path), "%s/iommu_group", found.gl_pathv[0]);
	globfree(&found);
	length = readlink(path, link, sizeof(link) - 1);
	if (length < 0)
		return -1;
	link[length] = '\0';
	snprintf(path, sizeof(path), "/dev/vfio/%s", strrchr(link, '/') + 1);
	group = open(path, O_RDWR | O_CLOEXEC);
	CHECK(group >= 0);
	CHECK(!ioctl(group, VFIO_GROUP_SET_CONTAINER, &vfio.container));
	return group;
}

/* A physical device in the same container: what VFIO maps for it is pinned. */
static void case_container(void)
{
	struct vfio_iommu_type1_dma_map dma_map = {
		.argsz = sizeof(dma_map),
		.flags = VFIO_DMA_MAP_FLAG_READ,
		.iova = GUEST_BASE * 2,
		.size = 4096,
	};
	volatile uint32_t *window;
	int group;

	setup();
	group = join_physical();
	if (group < 0)
		fprintf(stderr, "container: no device is bound to vfio-pci\n");
	window = vfio_map_window(&vfio, SAMPLE_WINDOW_BAR);
	CHECK(!dma(SAMPLE_READ, GUEST_BASE, 4096));
	CHECK(!command(SAMPLE_MAP));
	window[0] = 1;
	dma_map.vaddr = (uintptr_t)window;
	/* The window's memory may go at any time: nothing may pin it. */
	if (group >= 0)
		CHECK(ioctl(vfio.container, VFIO_IOMMU_MAP_DMA, &dma_map) < 0);
	CHECK(!dma(SAMPLE_WRITE, GUEST_BASE + 100, 4096));
	if (group >= 0)
		close(group);
	teardown();
}

static void case_reset(void)
{
	setup();
	vfio_write(&vfio, SAMPLE_BAR, 0, 5, 8);
	CHECK(!vfio_reset(&vfio));
	CHECK(vfio_read(&vfio, SAMPLE_BAR, 0, 8) == 0);
	CHECK(vfio_read(&vfio, SAMPLE_BAR, REG(resets), 4) == 1);
	teardown();
}

/* A broken vGPU, seen from the VMM, and how it works again. */
static void check_broken(const volatile uint32_t *window, int error)
{
	CHECK(signals(error, 5000) == 1);
	CHECK(vfio_read(&vfio, SAMPLE_BAR, 0, 8) == ~0ULL);
	vfio_write(&vfio, SAMPLE_BAR, 0, 1, 8);
	CHECK(window[0] == 0);
}

static void check_recovery(void)
{
	pid_t next = stand_device(&stand, uuid, 0);

	CHECK(vfio_read(&vfio, SAMPLE_BAR, 0, 8) == ~0ULL);
	CHECK(!vfio_reset(&vfio));
	vfio_write(&vfio, SAMPLE_BAR, 0, 42, 8);
	CHECK(vfio_read(&vfio, SAMPLE_BAR, 0, 8) == 42);
	device = next;
}

static void case_death(void)
{
	int error = event_new();
	volatile uint32_t *window;

	setup();
	window = vfio_map_window(&vfio, SAMPLE_WINDOW_BAR);
	CHECK(!vfio_set_irq(&vfio, VFIO_PCI_ERR_IRQ_INDEX, 0, error));
	vfio.memory[0] = 77;
	CHECK(!dma(SAMPLE_READ, GUEST_BASE, 4096));
	CHECK(!command(SAMPLE_MAP) && window[0] == 77);
	vfio_write(&vfio, SAMPLE_BAR, REG(command), SAMPLE_DIE, 4);
	CHECK(waitpid(device, NULL, 0) == device);
	check_broken(window, error);
	check_recovery();
	teardown();
}

static void case_hang(void)
{
	int error = event_new();
	volatile uint32_t *window;
	pid_t hung;

	setup();
	window = vfio_map_window(&vfio, SAMPLE_WINDOW_BAR);
	CHECK(!vfio_set_irq(&vfio, VFIO_PCI_ERR_IRQ_INDEX, 0, error));
	vfio_write(&vfio, SAMPLE_BAR, REG(command), SAMPLE_HANG, 4);
	check_broken(window, error);
	hung = device;
	check_recovery();
	kill(hung, SIGKILL);
	waitpid(hung, NULL, 0);
	teardown();
}

static void *nonsense_thread(void *opaque)
{
	int fd = *(int *)opaque;
	struct tranche_serve serve = {.flags = TRANCHE_SERVE_RECEIVE};

	while (serve.message.op != TRANCHE_OP_READ) {
		serve.flags = TRANCHE_SERVE_RECEIVE;
		CHECK(!ioctl(fd, TRANCHE_VGPU_SERVE, &serve));
	}
	serve.flags = TRANCHE_SERVE_ANSWER;
	serve.answer.seq = serve.message.seq;
	serve.answer.length = serve.message.length + 1;
	CHECK_ERRNO(ioctl(fd, TRANCHE_VGPU_SERVE, &serve), EPROTO);
	CHECK_ERRNO(ioctl(fd, TRANCHE_VGPU_SERVE, &serve), ESHUTDOWN);
	return NULL;
}

static void case_nonsense(void)
{
	int error = event_new(), fd = setup_own(5000);
	pthread_t thread;

	CHECK(!vfio_set_irq(&vfio, VFIO_PCI_ERR_IRQ_INDEX, 0, error));
	CHECK(!pthread_create(&thread, NULL, nonsense_thread, &fd));
	CHECK(vfio_read(&vfio, SAMPLE_BAR, 0, 4) == 0xffffffff);
	CHECK(signals(error, 1000) == 1);
	pthread_join(thread, NULL);
	close(fd);
	check_recovery();
	device_kill();
	vfio_close(&vfio);
	CHECK(!stand_remove(uuid));
	stand_end(&stand);
}

static void *read_thread(void *opaque)
{
	uint64_t *value = opaque;

	*value = vfio_read(&vfio, SAMPLE_BAR, *value, 8);
	return NULL;
}

/* Several accesses in flight, answered in another order. */
static void case_parallel(void)
{
	enum { COUNT = 4 };
	struct tranche_serve serve = {.flags = TRANCHE_SERVE_RECEIVE};
	struct tranche_message taken[COUNT];
	uint64_t values[COUNT];
	pthread_t threads[COUNT];
	int i, fd = setup_own(5000);

	CHECK(!ioctl(fd, TRANCHE_VGPU_SERVE, &serve));
	CHECK(serve.message.op == TRANCHE_OP_OPEN && !serve.message.flags);
	for (i = 0; i < COUNT; i++) {
		values[i] = i * 8;
		CHECK(!pthread_create(&threads[i], NULL, read_thread,
				      &values[i]));
	}
	for (i = 0; i < COUNT; i++) {
		CHECK(!ioctl(fd, TRANCHE_VGPU_SERVE, &serve));
		CHECK(serve.message.op == TRANCHE_OP_READ);
		taken[i] = serve.message;
	}
	for (i = COUNT - 1; i >= 0; i--) {
		serve.flags = TRANCHE_SERVE_ANSWER;
		serve.answer.seq = taken[i].seq;
		serve.answer.length = 8;
		memcpy(serve.answer.data, &taken[i].offset, 8);
		CHECK(!ioctl(fd, TRANCHE_VGPU_SERVE, &serve));
		CHECK(!serve.flags);
	}
	for (i = 0; i < COUNT; i++) {
		pthread_join(threads[i], NULL);
		CHECK(values[i] == (uint64_t)i * 8);
	}
	serve.flags = TRANCHE_SERVE_RECEIVE | TRANCHE_SERVE_NOWAIT;
	CHECK_ERRNO(ioctl(fd, TRANCHE_VGPU_SERVE, &serve), EAGAIN);
	teardown_own(fd);
}

static void *write_thread(void *opaque)
{
	vfio_write(&vfio, SAMPLE_BAR, 0x300, 7, 4);
	return opaque;
}

static void on_kick(int number)
{
	(void)number;
}

static void serve_next(int fd, struct tranche_serve *serve, uint32_t op)
{
	do {
		serve->flags = TRANCHE_SERVE_RECEIVE;
		CHECK(!ioctl(fd, TRANCHE_VGPU_SERVE, serve));
	} while (serve->message.op == TRANCHE_OP_OPEN);
	CHECK(serve->message.op == op);
}

static void serve_answer(int fd, struct tranche_serve *serve)
{
	serve->flags = TRANCHE_SERVE_ANSWER;
	serve->answer.seq = serve->message.seq;
	serve->answer.error = 0;
	serve->answer.length = serve->message.op == TRANCHE_OP_READ
				       ? serve->message.length
				       : 0;
	CHECK(!ioctl(fd, TRANCHE_VGPU_SERVE, serve));
}

/* VMMs kick their threads: no write happens twice, but a killed one ends. */
static void case_signals(void)
{
	const struct sigaction action = {.sa_handler = on_kick};
	struct tranche_serve serve = {0};
	int i, fd = setup_own(60000);
	pthread_t thread;
	pid_t pid;

	CHECK(!sigaction(SIGUSR1, &action, NULL));
	CHECK(!pthread_create(&thread, NULL, write_thread, NULL));
	serve_next(fd, &serve, TRANCHE_OP_WRITE);
	for (i = 0; i < 50; i++) {
		CHECK(!pthread_kill(thread, SIGUSR1));
		sleep_ms(2);
	}
	serve.flags = TRANCHE_SERVE_RECEIVE | TRANCHE_SERVE_NOWAIT;
	CHECK_ERRNO(ioctl(fd, TRANCHE_VGPU_SERVE, &serve), EAGAIN);
	serve_answer(fd, &serve);
	pthread_join(thread, NULL);

	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		vfio_read(&vfio, SAMPLE_BAR, 0, 4);
		_exit(0);
	}
	serve_next(fd, &serve, TRANCHE_OP_READ);
	kill(pid, SIGKILL);
	for (i = 0; !waitpid(pid, NULL, WNOHANG); i++) {
		CHECK(i < 200);
		sleep_ms(100);
	}
	serve_answer(fd, &serve);
	teardown_own(fd);
}

/* A broker dies without waiting for the VMMs, which work on. */
static void case_orphan(void)
{
	struct stand other;

	setup();
	stand_leave(&stand);
	vfio_write(&vfio, SAMPLE_BAR, 0, 42, 8);
	CHECK(vfio_read(&vfio, SAMPLE_BAR, 0, 8) == 42);
	CHECK(!vfio_reset(&vfio));
	CHECK(stand_attach(&other) == 1);
	vfio_close(&vfio);
	CHECK(!stand_remove(uuid));
	stand_end(&other);
	device_kill();
}

static void *remove_thread(void *opaque)
{
	CHECK(!stand_remove(opaque));
	return NULL;
}

static void *reset_thread(void *opaque)
{
	CHECK(!vfio_reset(&vfio));
	atomic_store(&reading, false);
	return opaque;
}

/* A copy that a dead process has left ends before the next one is reset. */
static void case_stalled_copy(void)
{
	int fd = setup_own(20000), faults;
	struct uffdio_api api = {.api = UFFD_API};
	struct uffdio_range range = {(uintptr_t)vfio.memory, 4096};
	struct uffdio_register watch = {range, UFFDIO_REGISTER_MODE_MISSING, 0};
	struct uffdio_zeropage fill = {.range = range};
	struct pollfd polled = {.events = POLLIN};
	pthread_t thread;
	pid_t pid;

	faults = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	CHECK(faults >= 0 && !ioctl(faults, UFFDIO_API, &api));
	CHECK(!ioctl(faults, UFFDIO_REGISTER, &watch));
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		(void)!pwrite(fd, "late", 5, GUEST_BASE);
		_exit(0);
	}
	close(fd);
	polled.fd = faults;
	CHECK(poll(&polled, 1, 20000) == 1);
	kill(pid, SIGKILL);
	CHECK(waitpid(pid, NULL, 0) == pid);

	device = stand_device(&stand, uuid, 0);
	atomic_store(&reading, true);
	CHECK(!pthread_create(&thread, NULL, reset_thread, NULL));
	sleep_ms(500);
	CHECK(atomic_load(&reading));
	CHECK(!ioctl(faults, UFFDIO_ZEROPAGE, &fill));
	pthread_join(thread, NULL);
	vfio_write(&vfio, SAMPLE_BAR, 0, 42, 8);
	CHECK(vfio_read(&vfio, SAMPLE_BAR, 0, 8) == 42);
	close(faults);
	teardown();
}

/* Removal asks the VMM and waits for it; the device works on meanwhile. */
static void case_remove(void)
{
	int request = event_new();
	pthread_t thread;

	setup();
	CHECK(!vfio_set_irq(&vfio, VFIO_PCI_REQ_IRQ_INDEX, 0, request));
	CHECK(!pthread_create(&thread, NULL, remove_thread, uuid));
	CHECK(signals(request, 15000) >= 1);
	vfio_write(&vfio, SAMPLE_BAR, 0, 42, 8);
	CHECK(vfio_read(&vfio, SAMPLE_BAR, 0, 8) == 42);
	vfio_close(&vfio);
	pthread_join(thread, NULL);
	CHECK(waitpid(device, NULL, 0) == device);
	stand_end(&stand);
}

static void driver_path(const char *pci, const char *what, char *path,
			size_t size)
{
	snprintf(path, size, "/sys/bus/pci/devices/%s/driver/%s", pci, what);
}

/* The parent goes with its driver, under the VMM's feet. */
static void case_unbind(void)
{
	int error = event_new(), request = event_new();
	char path[128], driver[256];

	setup();
	driver_path(stand.pci, "", path, sizeof(path));
	CHECK(realpath(path, driver));
	CHECK(!vfio_set_irq(&vfio, VFIO_PCI_ERR_IRQ_INDEX, 0, error));
	CHECK(!vfio_set_irq(&vfio, VFIO_PCI_REQ_IRQ_INDEX, 0, request));
	driver_path(stand.pci, "unbind", path, sizeof(path));
	CHECK(!file_write(path, stand.pci));
	CHECK(signals(error, 5000) == 1 && signals(request, 15000) >= 1);
	CHECK(vfio_read(&vfio, SAMPLE_BAR, 0, 8) == ~0ULL);
	CHECK(stand_serve(&stand, uuid, 0) == -ENOENT);
	CHECK(vfio_reset(&vfio) < 0);
	vfio_close(&vfio);
	while (!access(stand.types, F_OK) || !stand.gone)
		sleep_ms(50);
	stand_leave(&stand);
	CHECK(waitpid(device, NULL, 0) == device);
	strncat(driver, "/bind", sizeof(driver) - strlen(driver) - 1);
	CHECK(!file_write(driver, stand.pci));
}

/* The device itself goes, and comes back. */
static void case_hot_removal(void)
{
	char path[128];

	setup();
	vfio_close(&vfio);
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/remove",
		 stand.pci);
	CHECK(!file_write(path, "1"));
	CHECK(access(stand.types, F_OK));
	CHECK(waitpid(device, NULL, 0) == device);
	while (!stand.gone)
		sleep_ms(50);
	stand_leave(&stand);
	CHECK(!file_write("/sys/bus/pci/rescan", "1"));
	driver_path(stand.pci, "", path, sizeof(path));
	while (access(path, F_OK))
		sleep_ms(50);
}

static const struct {
	const char *name;
	void (*run)(void);
} cases[] = {
	{"abi", case_abi},
	{"parent", case_parent},
	{"verdict", case_verdict},
	{"open", case_open},
	{"config", case_config},
	{"registers", case_registers},
	{"info", case_info},
	{"doorbell", case_doorbell},
	{"doorbell-match", case_doorbell_match},
	{"msix", case_msix},
	{"intx", case_intx},
	{"memory", case_memory},
	{"vector", case_vector},
	{"memory-of-another", case_memory_of_another},
	{"memory-race", case_memory_race},
	{"window", case_window},
	{"window-flags", case_window_flags},
	{"window-refusals", case_window_refusals},
	{"charge", case_charge},
	{"huge", case_huge},
	{"transparent-huge", case_transparent_huge},
	{"moving", case_moving},
	{"caching", case_caching},
	{"container", case_container},
	{"reset", case_reset},
	{"death", case_death},
	{"hang", case_hang},
	{"nonsense", case_nonsense},
	{"parallel", case_parallel},
	{"signals", case_signals},
	{"stalled-copy", case_stalled_copy},
	{"orphan", case_orphan},
	{"remove", case_remove},
	{"unbind", case_unbind},
	{"hot-removal", case_hot_removal},
};

/* Ends a parent that a case has left, so that the next one can begin. */
static void clean(void)
{
	struct tranche_parent_attach args = {.name = "test"};
	int fd = open(TRANCHE_DEVICE, O_RDWR | O_CLOEXEC);

	if (!ioctl(fd, TRANCHE_PARENT_ATTACH, &args))
		(void)ioctl(fd, TRANCHE_PARENT_UNREGISTER,
			    &(struct tranche_parent_unregister){
				    .parent = args.parent});
	close(fd);
}

static bool case_run(size_t i)
{
	struct timespec start, end;
	int status;
	pid_t pid;

	clock_gettime(CLOCK_MONOTONIC, &start);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		alarm(CASE_SECONDS);
		cases[i].run();
		exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	clock_gettime(CLOCK_MONOTONIC, &end);
	printf("%-18s %s %ld.%01ld s\n", cases[i].name, status ? "FAIL" : "ok",
	       (long)(end.tv_sec - start.tv_sec),
	       labs(end.tv_nsec - start.tv_nsec) / 100000000);
	fflush(stdout);
	if (status)
		clean();
	return !status;
}

static bool wanted(int argc, char **argv, const char *name)
{
	int i;

	for (i = 1; i < argc; i++)
		if (!strcmp(argv[i], name))
			return true;
	return argc == 1;
}

int main(int argc, char **argv)
{
	unsigned int failed = 0, run = 0;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (!wanted(argc, argv, cases[i].name))
			continue;
		run++;
		failed += !case_run(i);
	}
	printf("%u of %u cases failed\n", failed, run);
	return failed || !run;
}
