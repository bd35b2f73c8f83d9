/* SPDX-License-Identifier: MIT */
/*
 * virtio block (virtio 1.3 §5.2) on a raw file or a block device: reads and
 * writes straight between the file and the guest's memory, flush, discard,
 * read-only.
 *
 * A few threads serve the queue, so that one slow request holds up neither the
 * guest's processors nor the other requests.
 *
 *   stopped ⇄ started (driver ready) ; a stop waits for requests in flight
 *
 * Owner: the machine's devices. Locking: `lock` covers the queue, the state and
 * the number in flight; input and output happens without it.
 */
#ifndef VMM_DISK_H
#define VMM_DISK_H

struct disk;
struct machine;
struct options_disk;

/**
 * disk_new - open the file and attach a disk; reports what went wrong
 * @machine: where to
 * @option: which file, and how
 *
 * Return: the disk, or NULL with errno.
 */
struct disk *disk_new(struct machine *machine,
		      const struct options_disk *option);
/**
 * disk_run - start its threads, after privileges were given up
 * @disk: the disk
 *
 * Return: 0 or negative errno.
 */
int disk_run(struct disk *disk);
void disk_free(struct disk *disk);

#endif
