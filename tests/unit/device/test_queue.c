// SPDX-License-Identifier: MIT
/*
 * A virtqueue over memory where each call is dear: how many calls a request
 * costs, and that what was fetched beforehand is never taken for something else.
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
#define OTHER_TABLE 0x5000
#define REQUEST 0x8000
#define RESPONSE 0x9000

struct counted {
	struct guest_memory memory;
	unsigned int calls;
	uint64_t end; /* of what is memory */
	uint8_t bytes[SIZE];
};

static unsigned int copy(struct guest_memory *memory,
			 const struct guest_copy *copies, unsigned int count)
{
	struct counted *counted = (struct counted *)memory;

	counted->calls++;
	assert_in_range(count, 1, GUEST_COPIES_MAX);
	for (unsigned int i = 0; i < count; i++) {
		const struct guest_copy *c = &copies[i];

		assert_int_not_equal(c->len, 0);
		if (c->addr > counted->end || c->len > counted->end - c->addr)
			return i;
		if (c->write)
			memcpy(counted->bytes + c->addr, c->data, c->len);
		else
			memcpy(c->data, counted->bytes + c->addr, c->len);
	}
	return count;
}

static int read_one(struct guest_memory *memory, uint64_t addr, void *data,
		    size_t len)
{
	const struct guest_copy one = {addr, data, len, false};

	return copy(memory, &one, 1) == 1 ? 0 : -EFAULT;
}

static int write_one(struct guest_memory *memory, uint64_t addr,
		     const void *data, size_t len)
{
	const struct guest_copy one = {addr, (void *)(uintptr_t)data, len,
				       true};

	return copy(memory, &one, 1) == 1 ? 0 : -EFAULT;
}

static const struct guest_memory_ops ops = {read_one, write_one, copy};
static struct counted guest;
static struct virtq queue;
static struct virtq_chain chain;

static struct vring_avail *avail(void)
{
	return (void *)(guest.bytes + AVAIL);
}

static struct vring_used *used(void)
{
	return (void *)(guest.bytes + USED);
}

static uint16_t *avail_event(void)
{
	return (uint16_t *)&used()->ring[QUEUE];
}

static void set_desc(uint64_t at, uint64_t addr, uint32_t len, uint16_t flags,
		     uint16_t next)
{
	const struct vring_desc desc = {addr, len, flags, next};

	memcpy(guest.bytes + at, &desc, sizeof(desc));
}

/* A text to read and room for 16 bytes, behind an indirect table. */
static void offer(uint16_t head, uint64_t table, uint64_t request,
		  const char *text)
{
	strcpy((char *)guest.bytes + request, text);
	set_desc(DESC + 16 * head, table, 32, VRING_DESC_F_INDIRECT, 0);
	set_desc(table, request, strlen(text) + 1, VRING_DESC_F_NEXT, 1);
	set_desc(table + 16, RESPONSE, 16, VRING_DESC_F_WRITE, 0);
	avail()->ring[avail()->idx % QUEUE] = head;
	avail()->idx++;
}

static int set_up(void **state)
{
	(void)state;
	memset(&guest, 0, sizeof(guest));
	guest.memory.ops = &ops;
	guest.end = SIZE;
	queue = (struct virtq){.memory = &guest.memory, .size_max = QUEUE};
	virtq_reset(&queue);
	queue.desc = DESC;
	queue.avail = AVAIL;
	queue.used = USED;
	queue.indirect = true;
	queue.event_idx = true;
	return virtq_enable(&queue);
}

static void take(const char *text)
{
	char read[64];

	assert_int_equal(virtq_pop(&queue, &chain), 1);
	assert_int_equal(chain.read_len, strlen(text) + 1);
	assert_int_equal(
		virtq_chain_read(&queue, &chain, 0, read, chain.read_len), 0);
	assert_string_equal(read, text);
}

static void finish(const char *text, bool interrupt)
{
	uint16_t before = used()->idx;

	assert_int_equal(virtq_finish(&queue, chain.head, strlen(text) + 1,
				      &chain, text),
			 interrupt);
	assert_string_equal((char *)guest.bytes + RESPONSE, text);
	assert_int_equal(used()->idx, (uint16_t)(before + 1));
	assert_int_equal(used()->ring[before % QUEUE].id, chain.head);
	assert_int_equal(used()->ring[before % QUEUE].len, strlen(text) + 1);
}

/* Four calls for the first request, two for one that lies where it lay. */
static void test_calls_of_a_request(void **state)
{
	(void)state;
	offer(0, TABLE, REQUEST, "one");
	take("one");
	finish("first", true);
	assert_int_equal(guest.calls, 4);
	for (unsigned int i = 0; i < 50; i++) {
		assert_true(virtq_idle(&queue));
		guest.calls = 0;
		offer(i % QUEUE, TABLE, REQUEST, i & 1 ? "odd" : "eve");
		virtq_ring(&queue);
		assert_false(virtq_idle(&queue));
		take(i & 1 ? "odd" : "eve");
		finish("more", false);
		assert_int_equal(guest.calls, 2);
	}
}

static void test_guess_is_wrong(void **state)
{
	(void)state;
	offer(0, TABLE, REQUEST, "one");
	take("one");
	finish("first", true);
	offer(1, OTHER_TABLE, REQUEST + 64, "two");
	take("two");
	finish("second", false);
	offer(2, OTHER_TABLE, REQUEST + 64, "longer");
	take("longer");
	finish("third", false);
	offer(3, TABLE, REQUEST, "four");
	take("four");
	finish("fourth", false);
}

/* Both lie at the same place: the second must not get the first one's text. */
static void test_guess_is_for_one_request(void **state)
{
	(void)state;
	offer(0, TABLE, REQUEST, "one");
	take("one");
	finish("first", true);
	offer(1, TABLE, REQUEST, "two");
	offer(2, TABLE, REQUEST, "two");
	take("two");
	strcpy((char *)guest.bytes + REQUEST, "six");
	take("six");
}

static void test_guess_is_no_memory_any_more(void **state)
{
	(void)state;
	offer(0, TABLE, SIZE - 16, "one");
	take("one");
	finish("first", true);
	guest.end = SIZE - 16;
	offer(1, TABLE, REQUEST, "two");
	take("two");
	finish("second", false);
}

static void test_notification_is_asked_for(void **state)
{
	(void)state;
	assert_int_equal(virtq_pop(&queue, &chain), 0);
	assert_false(virtq_idle(&queue));
	assert_false(virtq_await(&queue));
	assert_true(virtq_idle(&queue));
	assert_int_equal(*avail_event(), 0);
	offer(0, TABLE, REQUEST, "one");
	virtq_ring(&queue);
	take("one");
	finish("first", true);
	assert_int_equal(*avail_event(), 1);
	assert_true(virtq_idle(&queue));
	/* A ring for nothing costs one call. */
	guest.calls = 0;
	virtq_ring(&queue);
	assert_int_equal(virtq_pop(&queue, &chain), 0);
	assert_true(virtq_idle(&queue));
	assert_int_equal(guest.calls, 1);
}

/* One that comes while another is done is seen when that is given back. */
static void test_next_is_seen_by_finish(void **state)
{
	(void)state;
	offer(0, TABLE, REQUEST, "one");
	take("one");
	offer(1, OTHER_TABLE, REQUEST + 64, "two");
	finish("first", true);
	assert_false(virtq_idle(&queue));
	guest.calls = 0;
	take("two");
	assert_int_equal(guest.calls, 2);
	finish("second", false);
	assert_true(virtq_idle(&queue));
}

/* A driver that offers one while another is done has two places for them. */
static void test_calls_of_two_under_way(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 20; i++) {
		guest.calls = 0;
		offer(0, TABLE, REQUEST, i & 1 ? "odd" : "eve");
		virtq_ring(&queue);
		take(i & 1 ? "odd" : "eve");
		offer(1, OTHER_TABLE, REQUEST + 64, i & 1 ? "yes" : "not");
		finish("first", !i);
		take(i & 1 ? "yes" : "not");
		finish("second", false);
		if (i)
			assert_int_equal(guest.calls, 3);
	}
}

/* What was guessed is gone: nothing of the request before is done again. */
static void test_finish_guesses_what_is_no_memory(void **state)
{
	(void)state;
	offer(0, TABLE, SIZE - 16, "one");
	take("one");
	offer(1, OTHER_TABLE, REQUEST, "two");
	guest.end = SIZE - 16;
	guest.calls = 0;
	finish("first", true);
	assert_int_equal(guest.calls, 1);
	take("two");
	finish("second", false);
	assert_true(virtq_idle(&queue));
}

static void test_driver_wants_interrupts(void **state)
{
	uint16_t *used_event = &avail()->ring[QUEUE];

	(void)state;
	for (unsigned int i = 0; i < 4; i++)
		offer(i, TABLE, REQUEST, "one");
	take("one");
	finish("answer", true);
	*used_event = 2;
	take("one");
	finish("answer", false);
	take("one");
	finish("answer", true);
	take("one");
	finish("answer", false);
}

static void test_answer_nowhere_breaks_the_queue(void **state)
{
	(void)state;
	offer(0, TABLE, REQUEST, "one");
	take("one");
	chain.spans[chain.readable].addr = SIZE;
	assert_int_equal(virtq_finish(&queue, 0, 4, &chain, "one"), -EPIPE);
	assert_int_equal(virtq_pop(&queue, &chain), -EPIPE);
}

static void test_index_that_runs_away_breaks_the_queue(void **state)
{
	(void)state;
	offer(0, TABLE, REQUEST, "one");
	take("one");
	avail()->idx += QUEUE + 1;
	assert_int_equal(virtq_finish(&queue, 0, 4, &chain, "one"), -EPIPE);
	assert_int_equal(virtq_pop(&queue, &chain), -EPIPE);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_calls_of_a_request),
		TEST(test_guess_is_wrong),
		TEST(test_guess_is_for_one_request),
		TEST(test_guess_is_no_memory_any_more),
		TEST(test_notification_is_asked_for),
		TEST(test_next_is_seen_by_finish),
		TEST(test_calls_of_two_under_way),
		TEST(test_finish_guesses_what_is_no_memory),
		TEST(test_driver_wants_interrupts),
		TEST(test_answer_nowhere_breaks_the_queue),
		TEST(test_index_that_runs_away_breaks_the_queue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
