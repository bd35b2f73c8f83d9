// SPDX-License-Identifier: MIT
/*
 * A virtqueue against a small driver written from the specification (virtio
 * 1.3 §2.7), over an array for guest memory.
 */
#include <errno.h>
#include <linux/virtio_ring.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "virtio/queue.h"

#define SIZE 0x10000
#define QUEUE 8
#define DESC 0x1000
#define AVAIL 0x2000
#define USED 0x3000
#define TABLE 0x4000
#define DATA 0x8000

struct array {
	struct guest_memory memory;
	uint8_t bytes[SIZE];
};

static int array_read(struct guest_memory *memory, uint64_t addr, void *data,
		      size_t len)
{
	struct array *array = (struct array *)memory;

	if (addr > SIZE || len > SIZE - addr)
		return -EFAULT;
	memcpy(data, array->bytes + addr, len);
	return 0;
}

static int array_write(struct guest_memory *memory, uint64_t addr,
		       const void *data, size_t len)
{
	struct array *array = (struct array *)memory;

	if (addr > SIZE || len > SIZE - addr)
		return -EFAULT;
	memcpy(array->bytes + addr, data, len);
	return 0;
}

static const struct guest_memory_ops ops = {array_read, array_write, NULL};
static struct array array;
static struct virtq queue;
static struct virtq_chain chain;

static uint16_t *avail(void)
{
	return (uint16_t *)(array.bytes + AVAIL);
}

static uint16_t *used(void)
{
	return (uint16_t *)(array.bytes + USED);
}

static void set_desc(uint64_t table, unsigned int index, uint64_t addr,
		     uint32_t len, uint16_t flags, uint16_t next)
{
	struct vring_desc desc = {addr, len, flags, next};

	memcpy(array.bytes + table + index * sizeof(desc), &desc, sizeof(desc));
}

static void offer(uint16_t head)
{
	avail()[2 + avail()[1] % QUEUE] = head;
	avail()[1]++;
}

static int set_up(void **state)
{
	(void)state;
	memset(&array, 0, sizeof(array));
	array.memory.ops = &ops;
	queue = (struct virtq){.memory = &array.memory, .size_max = QUEUE};
	virtq_reset(&queue);
	queue.desc = DESC;
	queue.avail = AVAIL;
	queue.used = USED;
	queue.indirect = true;
	return virtq_enable(&queue);
}

static void chain_is_taken_and_given_back(void **state)
{
	char text[8];

	(void)state;
	assert_int_equal(virtq_pop(&queue, &chain), 0);
	memcpy(array.bytes + DATA, "question", 8);
	set_desc(DESC, 3, DATA, 5, VRING_DESC_F_NEXT, 5);
	set_desc(DESC, 5, DATA + 5, 3, VRING_DESC_F_NEXT, 1);
	set_desc(DESC, 1, DATA + 64, 4, VRING_DESC_F_WRITE, 0);
	offer(3);
	assert_int_equal(virtq_pop(&queue, &chain), 1);
	assert_int_equal(chain.head, 3);
	assert_int_equal(chain.readable, 2);
	assert_int_equal(chain.writable, 1);
	assert_int_equal(chain.read_len, 8);
	assert_int_equal(virtq_chain_read(&queue, &chain, 2, text, 6), 0);
	assert_memory_equal(text, "estion", 6);
	assert_int_equal(virtq_chain_read(&queue, &chain, 3, text, 6), -EINVAL);
	assert_int_equal(virtq_chain_write(&queue, &chain, 0, "yes", 4), 0);
	assert_string_equal((char *)array.bytes + DATA + 64, "yes");
	assert_int_equal(virtq_push(&queue, 3, 4), 0);
	assert_int_equal(used()[1], 1);
	assert_int_equal(used()[2], 3);
	assert_true(virtq_must_interrupt(&queue));
	avail()[0] = VRING_AVAIL_F_NO_INTERRUPT;
	assert_false(virtq_must_interrupt(&queue));
}

/* A driver gives the same places again, with other content. */
static void same_place_is_read_anew(void **state)
{
	char text[9] = "";

	(void)state;
	set_desc(TABLE, 0, DATA, 8, 0, 0);
	set_desc(DESC, 0, TABLE, 16, VRING_DESC_F_INDIRECT, 0);
	for (unsigned int round = 0; round < 4; round++) {
		memcpy(array.bytes + DATA, round & 1 ? "question" : "somewhat",
		       8);
		set_desc(TABLE, 0, DATA, round < 2 ? 8 : 4, 0, 0);
		memset(text, 0, sizeof(text));
		offer(0);
		assert_int_equal(virtq_pop(&queue, &chain), 1);
		assert_int_equal(chain.read_len, round < 2 ? 8 : 4);
		assert_int_equal(virtq_chain_read(&queue, &chain, 0, text,
						  chain.read_len),
				 0);
		assert_memory_equal(text, array.bytes + DATA, chain.read_len);
		assert_int_equal(virtq_push(&queue, 0, 0), 0);
	}
}

static void indirect_table_is_followed(void **state)
{
	(void)state;
	set_desc(TABLE, 0, DATA, 16, VRING_DESC_F_NEXT, 1);
	set_desc(TABLE, 1, DATA + 16, 1, VRING_DESC_F_WRITE, 0);
	set_desc(DESC, 0, TABLE, 32, VRING_DESC_F_INDIRECT, 0);
	offer(0);
	assert_int_equal(virtq_pop(&queue, &chain), 1);
	assert_int_equal(chain.read_len, 16);
	assert_int_equal(chain.write_len, 1);
}

static void many_rounds_wrap_the_index(void **state)
{
	(void)state;
	set_desc(DESC, 2, DATA, 1, VRING_DESC_F_WRITE, 0);
	for (unsigned int i = 0; i < 70000; i++) {
		offer(2);
		assert_int_equal(virtq_pop(&queue, &chain), 1);
		assert_int_equal(virtq_push(&queue, 2, 1), 0);
	}
	assert_int_equal(used()[1], (uint16_t)70000);
	assert_int_equal(virtq_pop(&queue, &chain), 0);
}

static void event_index_saves_interrupts(void **state)
{
	(void)state;
	queue.event_idx = true;
	set_desc(DESC, 0, DATA, 1, VRING_DESC_F_WRITE, 0);
	avail()[2 + QUEUE] = 2; /* used_event: after the third */
	for (unsigned int i = 0; i < 4; i++) {
		offer(0);
		assert_int_equal(virtq_pop(&queue, &chain), 1);
		assert_int_equal(virtq_push(&queue, 0, 0), 0);
		/* The first decision has nothing to compare with. */
		assert_int_equal(virtq_must_interrupt(&queue),
				 i == 0 || i == 2);
	}
	assert_false(virtq_await(&queue));
	assert_int_equal(used()[2 + 4 * QUEUE], 4); /* avail_event */
	offer(0);
	assert_true(virtq_await(&queue));
}

/* Each breaks one rule; the queue must be broken and stay so. */
static void assert_broken(void)
{
	assert_int_equal(virtq_pop(&queue, &chain), -EPIPE);
	assert_true(queue.broken);
	avail()[1] = 0;
	assert_int_equal(virtq_pop(&queue, &chain), -EPIPE);
	assert_int_equal(virtq_push(&queue, 0, 0), -EPIPE);
	assert_false(virtq_must_interrupt(&queue));
	assert_false(virtq_await(&queue));
}

static void loop_breaks_the_queue(void **state)
{
	(void)state;
	set_desc(DESC, 0, DATA, 1, VRING_DESC_F_NEXT, 1);
	set_desc(DESC, 1, DATA, 1, VRING_DESC_F_NEXT, 0);
	offer(0);
	assert_broken();
}

static void head_outside_breaks_the_queue(void **state)
{
	(void)state;
	offer(QUEUE);
	assert_broken();
}

static void next_outside_breaks_the_queue(void **state)
{
	(void)state;
	set_desc(DESC, 0, DATA, 1, VRING_DESC_F_NEXT, 200);
	offer(0);
	assert_broken();
}

static void too_many_requests_break_the_queue(void **state)
{
	(void)state;
	avail()[1] = QUEUE + 1;
	assert_broken();
}

static void readable_after_writable_breaks_the_queue(void **state)
{
	(void)state;
	set_desc(DESC, 0, DATA, 1, VRING_DESC_F_WRITE | VRING_DESC_F_NEXT, 1);
	set_desc(DESC, 1, DATA, 1, 0, 0);
	offer(0);
	assert_broken();
}

static void nested_table_breaks_the_queue(void **state)
{
	(void)state;
	set_desc(TABLE, 0, TABLE, 16, VRING_DESC_F_INDIRECT, 0);
	set_desc(DESC, 0, TABLE, 16, VRING_DESC_F_INDIRECT, 0);
	offer(0);
	assert_broken();
}

static void sum_that_overflows_breaks_the_queue(void **state)
{
	(void)state;
	set_desc(DESC, 0, DATA, UINT32_MAX, VRING_DESC_F_NEXT, 1);
	set_desc(DESC, 1, DATA, 2, 0, 0);
	offer(0);
	assert_broken();
}

static void rings_outside_memory_break_the_queue(void **state)
{
	(void)state;
	queue.avail = SIZE;
	assert_broken();
}

static void odd_sizes_are_refused(void **state)
{
	(void)state;
	virtq_reset(&queue);
	queue.size = 3;
	assert_int_equal(virtq_enable(&queue), -EINVAL);
	virtq_reset(&queue);
	queue.size = 2 * QUEUE;
	assert_int_equal(virtq_enable(&queue), -EINVAL);
	virtq_reset(&queue);
	queue.desc = 8;
	assert_int_equal(virtq_enable(&queue), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(chain_is_taken_and_given_back, set_up),
		cmocka_unit_test_setup(same_place_is_read_anew, set_up),
		cmocka_unit_test_setup(indirect_table_is_followed, set_up),
		cmocka_unit_test_setup(many_rounds_wrap_the_index, set_up),
		cmocka_unit_test_setup(event_index_saves_interrupts, set_up),
		cmocka_unit_test_setup(loop_breaks_the_queue, set_up),
		cmocka_unit_test_setup(head_outside_breaks_the_queue, set_up),
		cmocka_unit_test_setup(next_outside_breaks_the_queue, set_up),
		cmocka_unit_test_setup(too_many_requests_break_the_queue,
				       set_up),
		cmocka_unit_test_setup(readable_after_writable_breaks_the_queue,
				       set_up),
		cmocka_unit_test_setup(nested_table_breaks_the_queue, set_up),
		cmocka_unit_test_setup(sum_that_overflows_breaks_the_queue,
				       set_up),
		cmocka_unit_test_setup(rings_outside_memory_break_the_queue,
				       set_up),
		cmocka_unit_test_setup(odd_sizes_are_refused, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
