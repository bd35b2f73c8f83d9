// SPDX-License-Identifier: MIT
/*
 * How many accounts the processors serve at once, which each lane tells: the threads
 * behind gates look for work again and again, and the more there are the less often
 * each may.
 */
#include "scheduler/arbiter/internal.h"

#include <sched.h>

/* Of the arbiter's thread; one where that can't be known. */
static unsigned int processors(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 1;
	return (unsigned int)CPU_COUNT(&set);
}

static bool context_works(struct context *context)
{
	bool works =
		context->wants || context->submits != context->second_submits;

	context->second_submits = context->submits;
	return works;
}

/* Whether any of its contexts worked or waited in the second that ends. */
static bool account_works(struct account *account)
{
	struct context *context;
	bool works = false;

	for (context = account->contexts; context; context = context->next)
		works |= context->joined && context_works(context);
	return works;
}

/* Not contexts, of which one account could make others look seldom. */
static unsigned int count_working(struct arbiter *arbiter)
{
	struct account *account;
	unsigned int count = 0;

	for (account = arbiter->accounts; account; account = account->next)
		count += account_works(account);
	return count;
}

void arbiter_tell_crowd(struct arbiter *arbiter)
{
	unsigned int share = processors();
	unsigned int crowd = (count_working(arbiter) + share - 1) / share;
	struct account *account;
	struct context *context;

	for (account = arbiter->accounts; account; account = account->next)
		for (context = account->contexts; context;
		     context = context->next)
			if (context->joined)
				lane_set_crowd(&context->lane, crowd);
}
