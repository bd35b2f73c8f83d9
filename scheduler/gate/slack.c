/* SPDX-License-Identifier: MIT */
#include "scheduler/gate/slack.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/prctl.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static uint64_t plain_ns; /* 0: threads are left alone */

static _Thread_local uint64_t slack_ns; /* 0: plain */

static void environment_read(void)
{
	const char *text = secure_getenv(SLACK_ENVIRONMENT);

	if (text)
		plain_ns = strtoull(text, NULL, 10);
}

static bool slack_set(uint64_t ns)
{
	return prctl(PR_SET_TIMERSLACK, (unsigned long)ns, 0UL, 0UL, 0UL) == 0;
}

/* Not worth a system call. */
static bool is_near(uint64_t ns)
{
	return ns >= slack_ns / 4 * 3 && ns <= slack_ns / 4 * 5;
}

static uint64_t min_ns(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

void slack_fit(uint32_t crowd, uint32_t held, uint64_t job_ns)
{
	uint64_t most_ns, ns;

	pthread_once(&once, environment_read);
	most_ns = plain_ns * SLACK_PARTS;
	ns = min_ns(plain_ns * crowd, most_ns);
	if (held > 1)
		ns = min_ns(held * (min_ns(job_ns, most_ns) + ns) / 2, most_ns);
	if (ns <= plain_ns)
		slack_plain();
	else if (!is_near(ns) && slack_set(ns))
		slack_ns = ns;
}

void slack_plain(void)
{
	if (slack_ns && slack_set(plain_ns))
		slack_ns = 0;
}
