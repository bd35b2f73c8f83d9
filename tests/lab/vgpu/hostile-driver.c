// SPDX-License-Identifier: MIT
/*
 * hostile-driver: a guest's program that drives a vGPU by hand, and badly.
 *
 *   hostile-driver SECONDS SEED
 *
 * Takes the device from its driver, maps its registers, puts queues into its
 * own memory, and for SECONDS offers requests that make sense, that almost do
 * and that don't, while another thread scribbles on descriptors, rings and
 * requests; writes registers and configuration space at random; resets in the
 * middle of everything. At the end the device must come back to reset and
 * answer one request that is right. Statically linked: a guest has no library.
 */
#include <endian.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/pci_regs.h>
#include <linux/virtio_config.h>
#include <linux/virtio_gpu.h>
#include <linux/virtio_pci.h>
#include <linux/virtio_ring.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "virtio/pci.h"

#define PAGE 4096
#define PAGES 32
#define QUEUE_SIZE 64
#define RESET_SECONDS 60
#define ANSWER_SECONDS 60

/* What each page is for. */
enum {
	PAGE_DESC,
	PAGE_AVAIL,
	PAGE_USED,
	PAGE_INDIRECT,
	PAGE_REQUESTS, /* to the middle */
	PAGE_RESPONSES = PAGES / 2, /* to the end */
};

struct machine {
	char device[128]; /* its folder in sysfs */
	volatile uint8_t *registers;
	int config;
	uint8_t *memory;
	uint64_t physical[PAGES];
	uint64_t random;
	atomic_bool end;
	unsigned long offered, answered, resets;
};

static uint32_t draw(uint64_t *state, uint32_t below)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (*state >> 16) % below;
}

static void find(struct machine *machine)
{
	glob_t found;

	if (glob("/sys/bus/pci/devices/*", 0, NULL, &found))
		errx(1, "there is no PCI");
	for (size_t i = 0; i < found.gl_pathc; i++) {
		char path[192], id[16] = "";
		FILE *file;

		snprintf(path, sizeof(path), "%s/device", found.gl_pathv[i]);
		file = fopen(path, "r");
		if (file && fgets(id, sizeof(id), file) &&
		    strcmp(id, "0x1050\n") == 0)
			snprintf(machine->device, sizeof(machine->device), "%s",
				 found.gl_pathv[i]);
		if (file)
			fclose(file);
	}
	globfree(&found);
	if (!*machine->device)
		errx(1, "there is no virtio-gpu");
}

static int open_in(const struct machine *machine, const char *name)
{
	char path[192];

	snprintf(path, sizeof(path), "%s/%s", machine->device, name);
	return open(path, O_RDWR | O_SYNC);
}

/* From its driver, if it has one. */
static void take(struct machine *machine)
{
	const char *address = strrchr(machine->device, '/') + 1;
	char path[192];
	FILE *file;

	snprintf(path, sizeof(path), "%s/driver/unbind", machine->device);
	file = fopen(path, "w");
	if (file) {
		fputs(address, file);
		fclose(file);
	}
	snprintf(path, sizeof(path), "%s/enable", machine->device);
	file = fopen(path, "w");
	if (!file || fputs("1", file) < 0 || fclose(file))
		err(1, "%s", path);
}

static void command_set(const struct machine *machine)
{
	const uint16_t command =
		htole16(PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);

	if (pwrite(machine->config, &command, 2, PCI_COMMAND) != 2)
		err(1, "configuration space");
}

static void map_registers(struct machine *machine)
{
	int fd = open_in(machine, "resource0");

	machine->registers = mmap(NULL, VIRTIO_PCI_BAR_SIZE,
				  PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	machine->config = open_in(machine, "config");
	if (machine->registers == MAP_FAILED || machine->config < 0)
		err(1, "registers");
	command_set(machine);
}

/* Where the device finds each page. */
static void map_memory(struct machine *machine)
{
	int fd = open("/proc/self/pagemap", O_RDONLY);

	machine->memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0);
	if (machine->memory == MAP_FAILED)
		err(1, "memory");
	for (unsigned int i = 0; i < PAGES; i++) {
		uint64_t entry;
		uintptr_t page = (uintptr_t)machine->memory / PAGE + i;

		machine->memory[i * PAGE] = 1;
		if (pread(fd, &entry, sizeof(entry), page * sizeof(entry)) !=
			    sizeof(entry) ||
		    !(entry & 1ull << 63))
			err(1, "pagemap");
		machine->physical[i] = (entry & ((1ull << 55) - 1)) * PAGE;
	}
	close(fd);
}

static void put(const struct machine *machine, unsigned int offset,
		unsigned int length, uint32_t value)
{
	volatile uint8_t *at = machine->registers + offset;

	if (length == 1)
		*at = value;
	else if (length == 2)
		*(volatile uint16_t *)at = htole16(value);
	else
		*(volatile uint32_t *)at = htole32(value);
}

static uint8_t status(const struct machine *machine)
{
	return machine->registers[VIRTIO_PCI_COMMON_STATUS];
}

static void put_address(const struct machine *machine, unsigned int low,
			uint64_t address)
{
	put(machine, low, 4, address);
	put(machine, low + 4, 4, address >> 32);
}

/* However bad the driver was, a reset works. */
static void reset(struct machine *machine)
{
	time_t end = time(NULL) + RESET_SECONDS;

	command_set(machine);
	put(machine, VIRTIO_PCI_COMMON_STATUS, 1, 0);
	while (status(machine) != 0) {
		if (time(NULL) > end)
			errx(1, "the device does not come out of a reset: %#x",
			     status(machine));
		usleep(1000);
	}
	machine->resets++;
}

static void queue_set(const struct machine *machine, unsigned int queue,
		      const uint64_t addresses[3])
{
	put(machine, VIRTIO_PCI_COMMON_Q_SELECT, 2, queue);
	put(machine, VIRTIO_PCI_COMMON_Q_SIZE, 2, QUEUE_SIZE);
	put_address(machine, VIRTIO_PCI_COMMON_Q_DESCLO, addresses[0]);
	put_address(machine, VIRTIO_PCI_COMMON_Q_AVAILLO, addresses[1]);
	put_address(machine, VIRTIO_PCI_COMMON_Q_USEDLO, addresses[2]);
	put(machine, VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
}

/* Brings the device up, the control queue in our pages, or elsewhere. */
static void drive(struct machine *machine, uint32_t features, bool sane)
{
	const uint8_t ready = VIRTIO_CONFIG_S_ACKNOWLEDGE |
			      VIRTIO_CONFIG_S_DRIVER |
			      VIRTIO_CONFIG_S_FEATURES_OK;
	uint64_t addresses[3];

	reset(machine);
	memset(machine->memory, 0, PAGE_REQUESTS * PAGE);
	for (unsigned int i = 0; i < 3; i++)
		addresses[i] =
			machine->physical[sane ? i
					       : draw(&machine->random, PAGES)];
	if (!sane && draw(&machine->random, 4) == 0)
		addresses[draw(&machine->random, 3)] = machine->random << 4;
	put(machine, VIRTIO_PCI_COMMON_STATUS, 1, ready & 3);
	put(machine, VIRTIO_PCI_COMMON_GFSELECT, 4, 0);
	put(machine, VIRTIO_PCI_COMMON_GF, 4, features);
	put(machine, VIRTIO_PCI_COMMON_GFSELECT, 4, 1);
	put(machine, VIRTIO_PCI_COMMON_GF, 4, 1);
	put(machine, VIRTIO_PCI_COMMON_STATUS, 1, ready);
	queue_set(machine, 0, addresses);
	put(machine, VIRTIO_PCI_COMMON_STATUS, 1,
	    ready | VIRTIO_CONFIG_S_DRIVER_OK);
}

static struct vring_avail *avail(const struct machine *machine)
{
	return (void *)(machine->memory + PAGE_AVAIL * PAGE);
}

static uint16_t used_index(const struct machine *machine)
{
	const struct vring_used *used =
		(void *)(machine->memory + PAGE_USED * PAGE);

	return __atomic_load_n(&used->idx, __ATOMIC_ACQUIRE);
}

/* One request and one response, each in a page. */
static void offer(struct machine *machine, const void *request, uint32_t length,
		  uint32_t room)
{
	struct vring_desc *desc = (void *)(machine->memory + PAGE_DESC * PAGE);
	unsigned int number = avail(machine)->idx % (QUEUE_SIZE / 2);
	unsigned int page = number % (PAGES / 2 - PAGE_REQUESTS);
	uint16_t head = 2 * number;

	memcpy(machine->memory + (PAGE_REQUESTS + page) * PAGE, request,
	       length);
	desc[head] =
		(struct vring_desc){machine->physical[PAGE_REQUESTS + page],
				    length, VRING_DESC_F_NEXT, head + 1};
	desc[head + 1] =
		(struct vring_desc){machine->physical[PAGE_RESPONSES + page],
				    room, VRING_DESC_F_WRITE, 0};
	avail(machine)->ring[avail(machine)->idx % QUEUE_SIZE] = head;
	__atomic_store_n(&avail(machine)->idx, avail(machine)->idx + 1,
			 __ATOMIC_RELEASE);
	put(machine, VIRTIO_PCI_AREA_NOTIFY, 2, 0);
	machine->offered++;
}

static const uint32_t types[] = {
	VIRTIO_GPU_CMD_GET_DISPLAY_INFO,
	VIRTIO_GPU_CMD_RESOURCE_CREATE_2D,
	VIRTIO_GPU_CMD_RESOURCE_UNREF,
	VIRTIO_GPU_CMD_GET_CAPSET_INFO,
	VIRTIO_GPU_CMD_GET_CAPSET,
	VIRTIO_GPU_CMD_RESOURCE_ASSIGN_UUID,
	VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB,
	VIRTIO_GPU_CMD_CTX_CREATE,
	VIRTIO_GPU_CMD_CTX_DESTROY,
	VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE,
	VIRTIO_GPU_CMD_CTX_DETACH_RESOURCE,
	VIRTIO_GPU_CMD_SUBMIT_3D,
	VIRTIO_GPU_CMD_RESOURCE_MAP_BLOB,
	VIRTIO_GPU_CMD_RESOURCE_UNMAP_BLOB,
	VIRTIO_GPU_CMD_MOVE_CURSOR,
};

/* Fields that make a request mean something, where they stand in it. */
static void make_sense(uint64_t *random, uint32_t type, uint8_t *body)
{
	struct virtio_gpu_resource_create_blob *blob = (void *)body;
	struct virtio_gpu_ctx_create *context = (void *)body;
	struct virtio_gpu_cmd_submit *submit = (void *)body;
	struct virtio_gpu_resource_map_blob *map = (void *)body;

	switch (type) {
	case VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB:
		blob->resource_id = draw(random, 8);
		blob->blob_mem = VIRTIO_GPU_BLOB_MEM_HOST3D;
		blob->blob_flags = VIRTIO_GPU_BLOB_FLAG_USE_MAPPABLE;
		blob->nr_entries = 0;
		blob->blob_id = draw(random, 3);
		blob->size = PAGE * (1 + draw(random, 64));
		break;
	case VIRTIO_GPU_CMD_CTX_CREATE:
		context->nlen = draw(random, 8);
		context->context_init = VIRTIO_GPU_CAPSET_VENUS;
		break;
	case VIRTIO_GPU_CMD_SUBMIT_3D:
		submit->size = 4 * draw(random, 64);
		break;
	case VIRTIO_GPU_CMD_GET_CAPSET:
	case VIRTIO_GPU_CMD_GET_CAPSET_INFO:
		memset(body + sizeof(submit->hdr), 0, 8);
		break;
	default:
		map->resource_id = draw(random, 8);
		map->offset = (uint64_t)PAGE * draw(random, 256);
	}
}

static void request(struct machine *machine)
{
	uint64_t *random = &machine->random;
	uint8_t body[512];
	struct virtio_gpu_ctrl_hdr *hdr = (void *)body;
	uint32_t length = sizeof(*hdr) + draw(random, 400);

	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = draw(random, 256);
	hdr->type = types[draw(random, sizeof(types) / sizeof(types[0]))];
	hdr->flags = draw(random, 4);
	hdr->ctx_id = draw(random, 5);
	hdr->ring_idx = draw(random, 70);
	if (draw(random, 4))
		make_sense(random, hdr->type, body);
	if (draw(random, 8) == 0)
		hdr->type = draw(random, 0x400);
	offer(machine, body, length, draw(random, 600));
}

/* What hostile drivers do beside offering requests. */
static void misbehave(struct machine *machine)
{
	uint64_t *random = &machine->random;
	uint32_t value = draw(random, UINT32_MAX);

	switch (draw(random, 8)) {
	case 0:
		put(machine, draw(random, VIRTIO_PCI_BAR_SIZE / 4) * 4, 4,
		    value);
		break;
	case 1:
		put(machine, draw(random, 64), 1, value);
		break;
	case 2:
		put(machine, VIRTIO_PCI_AREA_NOTIFY, 2, draw(random, 4));
		break;
	case 3:
		avail(machine)->idx += draw(random, 300);
		break;
	case 4:
		(void)!pwrite(machine->config, &value, 1 + draw(random, 4),
			      0x40 + draw(random, 0xc0));
		break;
	case 5:
		(void)*(machine->registers + draw(random, VIRTIO_PCI_BAR_SIZE));
		break;
	case 6:
		put(machine, VIRTIO_PCI_COMMON_STATUS, 1, value & 0x4f);
		break;
	default:
		break;
	}
}

/* Changes what the device may be reading right now. */
static void *scribble(void *arg)
{
	struct machine *machine = arg;
	uint64_t random = machine->random ^ 0x5deece66dull;

	while (!machine->end) {
		uint32_t at = draw(&random, PAGE_RESPONSES * PAGE);

		machine->memory[at] = draw(&random, 256);
		usleep(draw(&random, 200));
	}
	return NULL;
}

static void attack(struct machine *machine, time_t end)
{
	while (time(NULL) < end) {
		uint16_t before;

		drive(machine, draw(&machine->random, UINT32_MAX),
		      draw(&machine->random, 8));
		before = used_index(machine);
		for (uint32_t i = draw(&machine->random, 200); i; i--) {
			request(machine);
			if (draw(&machine->random, 16) == 0)
				misbehave(machine);
			if (draw(&machine->random, 32) == 0)
				usleep(draw(&machine->random, 20000));
		}
		machine->answered += (uint16_t)(used_index(machine) - before);
	}
}

/* After all that, to a driver that keeps the rules. */
static void behave(struct machine *machine)
{
	const struct virtio_gpu_ctrl_hdr ask = {
		.type = VIRTIO_GPU_CMD_GET_DISPLAY_INFO,
	};
	const struct virtio_gpu_ctrl_hdr *answer =
		(void *)(machine->memory + PAGE_RESPONSES * PAGE);
	time_t end = time(NULL) + ANSWER_SECONDS;

	drive(machine, 0, true);
	offer(machine, &ask, sizeof(ask),
	      sizeof(struct virtio_gpu_resp_display_info));
	while (used_index(machine) == 0) {
		if (time(NULL) > end)
			errx(1, "the device answers no more: status %#x",
			     status(machine));
		usleep(1000);
	}
	if (answer->type != VIRTIO_GPU_RESP_OK_DISPLAY_INFO)
		errx(1, "the device answers wrongly: %#x", answer->type);
	reset(machine);
}

int main(int argc, char **argv)
{
	static struct machine machine;
	pthread_t thread;

	if (argc != 3)
		errx(2, "usage: hostile-driver SECONDS SEED");
	machine.random = strtoull(argv[2], NULL, 10) * 2654435761u + 1;
	find(&machine);
	take(&machine);
	map_registers(&machine);
	map_memory(&machine);
	behave(&machine);
	pthread_create(&thread, NULL, scribble, &machine);
	attack(&machine, time(NULL) + atoi(argv[1]));
	machine.end = true;
	pthread_join(thread, NULL);
	behave(&machine);
	printf("offered %lu answered %lu resets %lu\n", machine.offered,
	       machine.answered, machine.resets);
	return machine.answered > 100 ? 0 : 1;
}
