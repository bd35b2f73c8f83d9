// SPDX-License-Identifier: MIT
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

/* A thread that waits until it is told to end, and how often its wait ended. */
struct waiter {
	pthread_t thread;
	const char *name;
	pthread_mutex_t lock;
	pthread_cond_t told;
	bool waits;
	bool end;
	int wakes;
};

static void *waiter_run(void *data)
{
	struct waiter *waiter = data;

	pthread_setname_np(pthread_self(), waiter->name);
	pthread_mutex_lock(&waiter->lock);
	waiter->waits = true;
	while (!waiter->end) {
		pthread_cond_wait(&waiter->told, &waiter->lock);
		waiter->wakes++;
	}
	pthread_mutex_unlock(&waiter->lock);
	return NULL;
}

static void waiter_start(struct waiter *waiter, const char *name)
{
	*waiter = (struct waiter){.name = name,
				  .lock = PTHREAD_MUTEX_INITIALIZER,
				  .told = PTHREAD_COND_INITIALIZER};
	assert_int_equal(
		pthread_create(&waiter->thread, NULL, waiter_run, waiter), 0);
}

static int waiter_wakes(struct waiter *waiter)
{
	int wakes;

	pthread_mutex_lock(&waiter->lock);
	wakes = waiter->waits ? waiter->wakes : -1;
	pthread_mutex_unlock(&waiter->lock);
	return wakes;
}

static void waiter_end(struct waiter *waiter)
{
	pthread_mutex_lock(&waiter->lock);
	waiter->end = true;
	pthread_cond_signal(&waiter->told);
	pthread_mutex_unlock(&waiter->lock);
	assert_int_equal(pthread_join(waiter->thread, NULL), 0);
}

static void sleep_moment(void)
{
	const struct timespec moment = {.tv_nsec = 1000000};

	nanosleep(&moment, NULL);
}

static void ring_looks_again_unasked(void **state)
{
	struct waiter ring, other;

	(void)state;
	waiter_start(&other, "vkr-queue");
	waiter_start(&ring, "vkr-ring-7");
	while (waiter_wakes(&other) < 0 || waiter_wakes(&ring) < 3)
		sleep_moment();
	assert_int_equal(waiter_wakes(&other), 0);
	waiter_end(&ring);
	waiter_end(&other);
}

static void ring_is_woken_at_once_all_the_same(void **state)
{
	struct waiter ring;

	(void)state;
	waiter_start(&ring, "vkr-ring-7");
	while (waiter_wakes(&ring) < 1)
		sleep_moment();
	waiter_end(&ring);
	assert_in_range(ring.wakes, 2, 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ring_looks_again_unasked),
		cmocka_unit_test(ring_is_woken_at_once_all_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
