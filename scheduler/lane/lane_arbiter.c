// SPDX-License-Identifier: MIT
/*
 * The arbiter's side of a lane. Whatever is read here may have been written by
 * a guest: it is read once, and bounded before it is used.
 */
#include "scheduler/lane/lane.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "scheduler/lane/lane_atomic.h"
#include "scheduler/lane/lane_memory.h"

#define LANE_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

static int memory_create(void)
{
	int fd = memfd_create("tranche-lane", MFD_CLOEXEC | MFD_ALLOW_SEALING |
						      MFD_NOEXEC_SEAL);
	int r;

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, sizeof(struct lane_memory)) == 0 &&
	    fcntl(fd, F_ADD_SEALS, LANE_SEALS) == 0)
		return fd;
	r = -errno;
	close(fd);
	return r;
}

static int bell_create(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	return fd < 0 ? -errno : fd;
}

int lane_create(struct lane *lane)
{
	int memory_fd = memory_create();
	int bell_fd = bell_create();
	struct lane_memory *memory;
	int r = memory_fd < 0 ? memory_fd : bell_fd;

	if (r < 0)
		goto fail;
	memory = mmap(NULL, sizeof(*memory), PROT_READ | PROT_WRITE, MAP_SHARED,
		      memory_fd, 0);
	if (memory == MAP_FAILED) {
		r = -errno;
		goto fail;
	}
	memory->magic = LANE_MAGIC;
	memory->layout = LANE_LAYOUT;
	*lane = (struct lane){
		.memory = memory,
		.memory_fd = memory_fd,
		.bell_fd = bell_fd,
	};
	return 0;
fail:
	if (memory_fd >= 0)
		close(memory_fd);
	if (bell_fd >= 0)
		close(bell_fd);
	return r;
}

/*
 * Whether it is memory that can neither shrink under the arbiter nor fail to
 * have a page: no huge pages, no file system of somebody's own.
 */
static int memory_check(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct statfs fs;
	struct stat st;

	if (seals < 0 || !(seals & F_SEAL_SHRINK))
		return -EINVAL;
	if (fstatfs(fd, &fs) < 0 || fs.f_type != TMPFS_MAGIC)
		return -EINVAL;
	if (fstat(fd, &st) < 0 ||
	    st.st_size != (off_t)sizeof(struct lane_memory))
		return -EINVAL;
	return 0;
}

int lane_adopt(struct lane *lane, int memory_fd)
{
	int bell_fd;
	int r = memory_check(memory_fd);

	if (r < 0)
		return r;
	bell_fd = bell_create();
	if (bell_fd < 0)
		return bell_fd;
	r = lane_map(lane, memory_fd, bell_fd);
	if (r < 0) {
		close(bell_fd);
		return r;
	}
	lane->taken = lane_load64(&lane->memory->taken);
	lane_revoke(lane);
	return 0;
}

void lane_destroy(struct lane *lane)
{
	if (!lane->memory)
		return;
	lane_close(lane);
	lane_unmap(lane);
}

/* Without a loop that a gate could keep going by changing the word. */
static void word_open(struct lane_memory *memory, uint32_t depth)
{
	lane_and32(&memory->grant, ~(LANE_DEPTH_MASK | LANE_OPEN));
	lane_add32(&memory->grant,
		   LANE_TURN + LANE_OPEN + (depth << LANE_DEPTH_SHIFT));
}

/* Who is about to sleep is counted before it looks at the word again. */
static void gate_wake(struct lane_memory *memory)
{
	if (lane_load32(&memory->sleepers))
		lane_wake(&memory->grant);
}

void lane_grant(struct lane *lane, uint32_t depth, uint64_t lease_ns)
{
	struct lane_memory *memory = lane->memory;

	/* The lease first: who finds it open finds its lease. */
	lane_store64(&memory->lease_ns, lease_ns);
	word_open(memory, depth < LANE_DEPTH_MAX ? depth : LANE_DEPTH_MAX);
	gate_wake(memory);
}

void lane_renew(struct lane *lane, uint64_t lease_ns)
{
	struct lane_memory *memory = lane->memory;

	lane_store64(&memory->lease_ns, lease_ns);
	/* Who was about to sleep because the lease had ended looks again. */
	lane_add32(&memory->grant, LANE_TURN);
	gate_wake(memory);
}

uint32_t lane_revoke(struct lane *lane)
{
	lane_and32(&lane->memory->grant, ~LANE_OPEN);
	/* From here on it can only fall. */
	return lane_in_flight(lane);
}

void lane_close(struct lane *lane)
{
	lane_or32(&lane->memory->grant, LANE_ENDED);
	lane_wake(&lane->memory->grant);
}

void lane_set_contended(struct lane *lane, bool contended)
{
	struct lane_memory *memory = lane->memory;
	uint32_t before = contended
				  ? lane_or32(&memory->grant, LANE_CONTENDED)
				  : lane_and32(&memory->grant, ~LANE_CONTENDED);

	if (!(before & LANE_CONTENDED) == contended)
		gate_wake(memory);
}

void lane_set_vram(struct lane *lane, uint64_t limit, uint64_t used)
{
	lane_store64(&lane->memory->vram_limit, limit);
	lane_store64(&lane->memory->vram_used, used);
}

void lane_set_crowd(struct lane *lane, uint32_t crowd)
{
	lane_store32(&lane->memory->crowd, crowd);
}

uint32_t lane_in_flight(const struct lane *lane)
{
	return lane_word_count(lane_load32(&lane->memory->grant));
}

uint32_t lane_wanted(const struct lane *lane)
{
	return lane_load32(&lane->memory->wanted);
}

uint64_t lane_submitted_total(const struct lane *lane)
{
	return lane_load64(&lane->memory->submitted);
}

uint64_t lane_completed_total(const struct lane *lane)
{
	return lane_load64(&lane->memory->completed);
}

static enum lane_engine engine_bound(uint32_t engine)
{
	return engine < LANE_ENGINES ? (enum lane_engine)engine : LANE_COMPUTE;
}

static void record_read(const struct lane_record *record, struct lane_job *job)
{
	uint32_t seen =
		atomic_load_explicit(&record->seen, memory_order_relaxed);

	*job = (struct lane_job){
		.id = atomic_load_explicit(&record->id, memory_order_relaxed),
		.submit_ns = atomic_load_explicit(&record->submit_ns,
						  memory_order_relaxed),
		.complete_ns = atomic_load_explicit(&record->complete_ns,
						    memory_order_relaxed),
		.late_ns = atomic_load_explicit(&record->late_ns,
						memory_order_relaxed),
		.gpu_ns = atomic_load_explicit(&record->gpu_ns,
					       memory_order_relaxed),
		.engine = engine_bound(atomic_load_explicit(
			&record->engine, memory_order_relaxed)),
		.on_time = seen & LANE_SEEN_ON_TIME,
		.exact = seen & LANE_SEEN_EXACT,
	};
}

bool lane_take_job(struct lane *lane, struct lane_job *job)
{
	struct lane_memory *memory = lane->memory;
	struct lane_record *record = &memory->records[lane->taken % LANE_JOBS];

	if (lane_load64(&record->sequence) != lane->taken + 1)
		return false;
	record_read(record, job);
	lane->taken++;
	lane_store64(&memory->taken, lane->taken);
	return true;
}

static bool slot_read(const struct lane_slot *slot, struct lane_job *job)
{
	uint64_t id = lane_load64(&slot->id);

	if (id == LANE_SLOT_FREE || id == LANE_SLOT_CLAIMED)
		return false;
	*job = (struct lane_job){
		.id = id,
		.submit_ns = atomic_load_explicit(&slot->submit_ns,
						  memory_order_acquire),
		.engine = engine_bound(atomic_load_explicit(
			&slot->engine, memory_order_acquire)),
	};
	/* It may have ended and another begun meanwhile. */
	return lane_load64(&slot->id) == id;
}

unsigned int lane_running(const struct lane *lane,
			  struct lane_job jobs[LANE_DEPTH_MAX])
{
	unsigned int count = 0, i;

	if (!lane_in_flight(lane))
		return 0;
	for (i = 0; i < LANE_DEPTH_MAX; i++)
		if (slot_read(&lane->memory->running[i], &jobs[count]))
			count++;
	return count;
}
