// SPDX-License-Identifier: MIT
#include "vmm-hooks/vmm/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_ring.h>
#include <poll.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "vmm-hooks/vmm/cleanup.h"
#include "vmm-hooks/vmm/machine.h"
#include "vmm-hooks/vmm/report.h"
#include "vmm-hooks/vmm/sandbox.h"
#include "vmm-hooks/vmm/virtio_function.h"

#define CLASS_STORAGE 0x018000
#define SECTOR_SHIFT 9
#define WORKERS 4
#define WORKER_STACK (256 * 1024)
#define DISCARD_SECTORS_MAX (1u << 22)
#define DISCARD_SEGMENTS_MAX 16
#define SERIAL_LEN 20

struct disk {
	struct virtio_function device;
	struct virtio_blk_config config;
	int fd;
	uint64_t size; /* bytes */
	bool read_only;
	char serial[SERIAL_LEN];

	pthread_mutex_t lock; /* the queue and what follows */
	pthread_cond_t idle; /* in_flight became 0 */
	bool started;
	unsigned int in_flight;

	int end; /* eventfd: workers must leave */
	pthread_t workers[WORKERS];
	unsigned int worker_count;
};

/* One request, as far as it was understood. */
struct request {
	struct virtq_chain chain;
	uint32_t type;
	uint64_t sector;
};

/*
 * Cuts @skip bytes off the front and @cut off the end of a vector; returns the
 * bytes that stay, or -1 when it is shorter.
 */
static int64_t trim(struct iovec *iov, unsigned int count, uint64_t skip,
		    uint64_t cut)
{
	uint64_t total = 0;

	for (unsigned int i = 0; i < count; i++) {
		size_t part = skip < iov[i].iov_len ? skip : iov[i].iov_len;

		iov[i].iov_base = (uint8_t *)iov[i].iov_base + part;
		iov[i].iov_len -= part;
		skip -= part;
		total += iov[i].iov_len;
	}
	for (unsigned int i = count; i-- && cut;) {
		size_t part = cut < iov[i].iov_len ? cut : iov[i].iov_len;

		iov[i].iov_len -= part;
		cut -= part;
		total -= part;
	}
	return skip || cut ? -1 : (int64_t)total;
}

/* Moves all of it, however many calls that takes. */
static int transfer(int fd, struct iovec *iov, unsigned int count,
		    uint64_t offset, bool write)
{
	while (count) {
		ssize_t n;

		if (!iov->iov_len) {
			iov++;
			count--;
			continue;
		}
		n = write ? pwritev(fd, iov, count, offset)
			  : preadv(fd, iov, count, offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		offset += n;
		while (count && (size_t)n >= iov->iov_len) {
			n -= iov->iov_len;
			iov++;
			count--;
		}
		if (count) {
			iov->iov_base = (uint8_t *)iov->iov_base + n;
			iov->iov_len -= n;
		}
	}
	return 0;
}

static bool in_disk(const struct disk *disk, uint64_t sector, uint64_t len)
{
	uint64_t sectors = disk->size >> SECTOR_SHIFT;

	return sector <= sectors && !(len & ((1 << SECTOR_SHIFT) - 1)) &&
	       len >> SECTOR_SHIFT <= sectors - sector;
}

static uint8_t move(struct disk *disk, struct request *request, bool write,
		    uint32_t *written)
{
	const struct virtq_chain *chain = &request->chain;
	unsigned int count = write ? chain->readable : chain->writable;
	struct iovec iov[VIRTQ_SIZE_MAX];
	int64_t len;

	if (write && disk->read_only)
		return VIRTIO_BLK_S_IOERR;
	if (ram_iov(disk->device.ram,
		    chain->spans + (write ? 0 : chain->readable), count,
		    iov) < 0)
		return VIRTIO_BLK_S_IOERR;
	len = write ? trim(iov, count, sizeof(struct virtio_blk_outhdr), 0)
		    : trim(iov, count, 0, 1);
	if (len < 0 || !in_disk(disk, request->sector, len))
		return VIRTIO_BLK_S_IOERR;
	if (transfer(disk->fd, iov, count, request->sector << SECTOR_SHIFT,
		     write) < 0)
		return VIRTIO_BLK_S_IOERR;
	*written += write ? 0 : len;
	return VIRTIO_BLK_S_OK;
}

static uint8_t discard_one(struct disk *disk,
			   const struct virtio_blk_discard_write_zeroes *range)
{
	uint64_t sector = le64toh(range->sector);
	uint64_t len = (uint64_t)le32toh(range->num_sectors) << SECTOR_SHIFT;

	if (range->flags)
		return VIRTIO_BLK_S_UNSUPP;
	if (!in_disk(disk, sector, len))
		return VIRTIO_BLK_S_IOERR;
	if (len &&
	    fallocate(disk->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		      sector << SECTOR_SHIFT, len) < 0)
		return errno == EOPNOTSUPP ? VIRTIO_BLK_S_UNSUPP
					   : VIRTIO_BLK_S_IOERR;
	return VIRTIO_BLK_S_OK;
}

static uint8_t discard(struct disk *disk, const struct request *request)
{
	struct virtio_blk_discard_write_zeroes ranges[DISCARD_SEGMENTS_MAX];
	struct virtq *queue = virtio_function_queue(&disk->device, 0);
	uint32_t len = request->chain.read_len -
		       (uint32_t)sizeof(struct virtio_blk_outhdr);
	uint8_t status = VIRTIO_BLK_S_OK;

	if (disk->read_only || len > sizeof(ranges) || len % sizeof(*ranges))
		return VIRTIO_BLK_S_IOERR;
	if (virtq_chain_read(queue, &request->chain,
			     sizeof(struct virtio_blk_outhdr), ranges, len) < 0)
		return VIRTIO_BLK_S_IOERR;
	for (unsigned int i = 0;
	     i < len / sizeof(*ranges) && status == VIRTIO_BLK_S_OK; i++)
		status = discard_one(disk, &ranges[i]);
	return status;
}

static uint8_t identify(struct disk *disk, const struct request *request,
			uint32_t *written)
{
	struct virtq *queue = virtio_function_queue(&disk->device, 0);

	if (request->chain.write_len < SERIAL_LEN + 1 ||
	    virtq_chain_write(queue, &request->chain, 0, disk->serial,
			      SERIAL_LEN) < 0)
		return VIRTIO_BLK_S_IOERR;
	*written += SERIAL_LEN;
	return VIRTIO_BLK_S_OK;
}

static uint8_t execute(struct disk *disk, struct request *request,
		       uint32_t *written)
{
	switch (request->type) {
	case VIRTIO_BLK_T_IN:
		return move(disk, request, false, written);
	case VIRTIO_BLK_T_OUT:
		return move(disk, request, true, written);
	case VIRTIO_BLK_T_FLUSH:
		return fdatasync(disk->fd) < 0 ? VIRTIO_BLK_S_IOERR
					       : VIRTIO_BLK_S_OK;
	case VIRTIO_BLK_T_DISCARD:
		return discard(disk, request);
	case VIRTIO_BLK_T_GET_ID:
		return identify(disk, request, written);
	default:
		return VIRTIO_BLK_S_UNSUPP;
	}
}

/* Serves one request; returns the bytes written, status included. */
static uint32_t serve(struct disk *disk, struct request *request)
{
	struct virtq *queue = virtio_function_queue(&disk->device, 0);
	struct virtio_blk_outhdr header;
	uint32_t written = 0;
	uint8_t status;

	/* A request without room for its status can't be answered. */
	if (!request->chain.write_len)
		return 0;
	if (virtq_chain_read(queue, &request->chain, 0, &header,
			     sizeof(header)) < 0) {
		status = VIRTIO_BLK_S_IOERR;
	} else {
		request->type = le32toh(header.type);
		request->sector = le64toh(header.sector);
		status = execute(disk, request, &written);
	}
	if (virtq_chain_write(queue, &request->chain,
			      request->chain.write_len - 1, &status, 1) < 0)
		return 0;
	return written + 1;
}

/* Takes one request; the caller holds the lock. */
static bool take(struct disk *disk, struct request *request)
{
	struct virtq *queue = virtio_function_queue(&disk->device, 0);

	if (!disk->started)
		return false;
	if (virtq_pop(queue, &request->chain) <= 0 &&
	    (!virtq_await(queue) || virtq_pop(queue, &request->chain) <= 0))
		return false;
	disk->in_flight++;
	/* There may be more: let another worker look. */
	if (queue->avail_next != queue->avail_seen)
		eventfd_write(disk->device.kicks[0], 1);
	return true;
}

static void give_back(struct disk *disk, const struct request *request,
		      uint32_t written)
{
	struct virtq *queue = virtio_function_queue(&disk->device, 0);

	if (virtq_push(queue, request->chain.head, written) == 0 &&
	    virtq_must_interrupt(queue))
		virtio_function_interrupt(&disk->device, 0);
	disk->in_flight--;
	if (!disk->in_flight)
		pthread_cond_broadcast(&disk->idle);
}

static void serve_all(struct disk *disk, struct request *request)
{
	pthread_mutex_lock(&disk->lock);
	while (take(disk, request)) {
		uint32_t written;

		pthread_mutex_unlock(&disk->lock);
		written = serve(disk, request);
		pthread_mutex_lock(&disk->lock);
		give_back(disk, request, written);
	}
	pthread_mutex_unlock(&disk->lock);
}

static const int worker_calls[] = {
	SCMP_SYS(fallocate), SCMP_SYS(fdatasync), SCMP_SYS(poll),
	SCMP_SYS(ppoll),     SCMP_SYS(preadv),	  SCMP_SYS(preadv2),
	SCMP_SYS(pwritev),   SCMP_SYS(pwritev2),  SCMP_SYS(read),
	SCMP_SYS(write), /* eventfds */
};

static void *worker_main(void *argument)
{
	struct disk *disk = argument;
	struct pollfd fds[] = {{.fd = disk->device.kicks[0], .events = POLLIN},
			       {.fd = disk->end, .events = POLLIN}};
	struct request request;

	pthread_setname_np(pthread_self(), "disk");
	if (SANDBOX_ENTER(worker_calls) < 0)
		return NULL;
	while (poll(fds, 2, -1) >= 0 || errno == EINTR) {
		eventfd_t count;

		if (fds[1].revents)
			return NULL;
		if (eventfd_read(fds[0].fd, &count) == 0)
			serve_all(disk, &request);
	}
	return NULL;
}

static int start(struct virtio_function *device)
{
	struct disk *disk = (struct disk *)device;
	MUTEX_GUARD(&disk->lock);

	disk->started = true;
	return 0;
}

static void stop(struct virtio_function *device)
{
	struct disk *disk = (struct disk *)device;
	MUTEX_GUARD(&disk->lock);

	disk->started = false;
	while (disk->in_flight)
		pthread_cond_wait(&disk->idle, &disk->lock);
}

static const struct virtio_function_ops ops = {start, stop};

static int open_size(int fd, uint64_t *size)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return -errno;
	if (S_ISREG(status.st_mode)) {
		*size = status.st_size;
		return 0;
	}
	if (!S_ISBLK(status.st_mode))
		return -ENOTBLK;
	return ioctl(fd, BLKGETSIZE64, size) < 0 ? -errno : 0;
}

static int open_file(struct disk *disk, const struct options_disk *option)
{
	int r;

	disk->fd = open(option->path,
			(option->read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
	if (disk->fd < 0 &&
	    (errno == EACCES || errno == EPERM || errno == EROFS))
		return report(-errno,
			      "--disk: cannot write '%s': %s; for reading only "
			      "add ',ro'",
			      option->path, strerror(errno));
	if (disk->fd < 0)
		return report(-errno, "--disk: cannot open '%s': %s",
			      option->path, strerror(errno));
	r = open_size(disk->fd, &disk->size);
	if (r < 0)
		return report(r,
			      "--disk: '%s' is neither a file nor a block "
			      "device",
			      option->path);
	/* Two guests that write one disk would ruin its file system. */
	if (flock(disk->fd, (option->read_only ? LOCK_SH : LOCK_EX) | LOCK_NB) <
	    0)
		return report(-errno,
			      "--disk: '%s' is in use by another guest: end "
			      "it, or copy the file",
			      option->path);
	disk->read_only = option->read_only;
	return 0;
}

static void fill_config(struct disk *disk, const char *path)
{
	const char *name = strrchr(path, '/');

	name = name ? name + 1 : path;
	memcpy(disk->serial, name, strnlen(name, SERIAL_LEN));
	disk->config = (struct virtio_blk_config){
		.capacity = disk->size >> SECTOR_SHIFT,
		.seg_max = VIRTQ_SIZE_MAX - 2,
		.blk_size = 1 << SECTOR_SHIFT,
		.max_discard_sectors = DISCARD_SECTORS_MAX,
		.max_discard_seg = DISCARD_SEGMENTS_MAX,
		.discard_sector_alignment = 8,
	};
}

static int init_device(struct disk *disk, struct machine *machine)
{
	struct virtio_function_setup setup = {
		.ops = &ops,
		.vm = &machine->vm,
		.ram = &machine->ram,
		.type = VIRTIO_ID_BLOCK,
		.class_code = CLASS_STORAGE,
		.features = 1ull << VIRTIO_RING_F_EVENT_IDX |
			    1ull << VIRTIO_BLK_F_SEG_MAX |
			    1ull << VIRTIO_BLK_F_BLK_SIZE |
			    1ull << VIRTIO_BLK_F_FLUSH |
			    (disk->read_only ? 1ull << VIRTIO_BLK_F_RO
					     : 1ull << VIRTIO_BLK_F_DISCARD),
		.queues = 1,
		.config = &disk->config,
		.config_len = sizeof(disk->config),
	};

	return virtio_function_init(&disk->device, &setup);
}

int disk_run(struct disk *disk)
{
	pthread_attr_t attributes;
	int r = 0;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, WORKER_STACK);
	while (r == 0 && disk->worker_count < WORKERS) {
		r = -pthread_create(&disk->workers[disk->worker_count],
				    &attributes, worker_main, disk);
		if (r == 0)
			disk->worker_count++;
	}
	pthread_attr_destroy(&attributes);
	return r;
}

static int init(struct disk *disk, struct machine *machine,
		const struct options_disk *option)
{
	int r;

	disk->fd = disk->end = -1;
	pthread_mutex_init(&disk->lock, NULL);
	pthread_cond_init(&disk->idle, NULL);
	disk->end = eventfd(0, EFD_CLOEXEC);
	r = disk->end < 0 ? -errno : open_file(disk, option);
	if (r < 0)
		return r;
	fill_config(disk, option->path);
	r = init_device(disk, machine);
	return r < 0 ? r : pci_bus_add(&machine->pci, &disk->device.function);
}

struct disk *disk_new(struct machine *machine,
		      const struct options_disk *option)
{
	struct disk *disk = calloc(1, sizeof(*disk));
	int r = disk ? init(disk, machine, option) : -ENOMEM;

	if (r == 0)
		return disk;
	disk_free(disk);
	errno = -r;
	return NULL;
}

void disk_free(struct disk *disk)
{
	if (!disk)
		return;
	if (disk->device.ops)
		virtio_pci_reset(&disk->device.registers);
	if (disk->end >= 0)
		eventfd_write(disk->end, 1);
	for (unsigned int i = 0; i < disk->worker_count; i++)
		pthread_join(disk->workers[i], NULL);
	if (disk->device.ops)
		virtio_function_deinit(&disk->device);
	close_fd(&disk->end);
	close_fd(&disk->fd);
	pthread_cond_destroy(&disk->idle);
	pthread_mutex_destroy(&disk->lock);
	free(disk);
}
