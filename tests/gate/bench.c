/* SPDX-License-Identifier: MIT */
/*
 * gate-bench: times submissions, one after the other, and prints what they
 * took: the call, and the way to the end; and how many were late. To be run with and without the gate,
 * in turn; tests/gate/bench does.
 *
 *   gate-bench COUNT ROUNDS   ROUNDS: length of a job
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/gate/rig.h"

#define WARM 200
#define LATE_NS UINT64_C(8000000)

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void print(const char *name, uint64_t *ns, size_t count)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += ns[i];
	qsort(ns, count, sizeof(*ns), compare);
	printf("%s_p50_us %.2f %s_p99_us %.2f %s_min_us %.2f %s_mean_us %.2f ",
	       name, (double)ns[count / 2] / 1e3, name,
	       (double)ns[count * 99 / 100] / 1e3, name, (double)ns[0] / 1e3,
	       name, (double)sum / (double)count / 1e3);
}

/* @ns: in order; late: far behind the median. */
static size_t late_permille(const uint64_t *ns, size_t count)
{
	size_t i = count;

	while (ns[i - 1] > ns[count / 2] + LATE_NS)
		i--;
	return 1000 * (count - i) / count;
}

int main(int argc, char **argv)
{
	const struct rig_options options = {
		.api_version = VK_API_VERSION_1_2,
	};
	size_t count = argc > 1 ? strtoul(argv[1], NULL, 0) : 2000;
	struct rig_job job = {3, 1, 1};
	uint64_t *call_ns, *whole_ns;
	VkCommandBuffer commands;
	struct rig rig;
	VkFence fence;

	if (argc > 2)
		job.rounds = (uint32_t)strtoul(argv[2], NULL, 0);
	call_ns = calloc(count, sizeof(*call_ns));
	whole_ns = calloc(count, sizeof(*whole_ns));
	if (!count || !call_ns || !whole_ns)
		return 2;
	rig_open(&rig, &options);
	commands = rig_record(&rig, job);
	fence = rig_fence(&rig);
	for (size_t i = 0; i < count + WARM; i++) {
		uint64_t begin = rig_now(), sent;

		rig_submit(&rig, (struct rig_batch){.commands = commands},
			   fence);
		sent = rig_now();
		rig_await(&rig, fence);
		if (i < WARM)
			continue;
		call_ns[i - WARM] = sent - begin;
		whole_ns[i - WARM] = rig_now() - begin;
	}
	print("call", call_ns, count);
	print("whole", whole_ns, count);
	printf("late_permille %zu\n", late_permille(whole_ns, count));
	vkDestroyFence(rig.device, fence, NULL);
	rig_close(&rig);
	free(call_ns);
	free(whole_ns);
	return 0;
}
