/* SPDX-License-Identifier: MIT */
/* Which batches are stamped, and what the driver then gets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "scheduler/gate/batch.h"

#define COMMANDS_MAX 16

#define HANDLE(type, number) ((type)(uintptr_t)(number))
#define BEFORE HANDLE(VkCommandBuffer, 0x100)
#define BEHIND HANDLE(VkCommandBuffer, 0x200)
#define MARK HANDLE(VkSemaphore, 0x300)
#define FENCE HANDLE(VkFence, 0x400)

/* What the driver got last. */
static struct {
	unsigned int calls;
	uint32_t batches;
	uint32_t count;
	VkCommandBuffer commands[COMMANDS_MAX];
	VkSemaphore signal;
	uint64_t value;
	VkFence fence;
} got;

static VKAPI_ATTR VkResult VKAPI_CALL submit(VkQueue queue, uint32_t count,
					     const VkSubmitInfo *infos,
					     VkFence fence)
{
	const VkTimelineSemaphoreSubmitInfo *values = infos->pNext;

	(void)queue;
	got.calls++;
	got.batches = count;
	got.count = infos->commandBufferCount;
	memcpy(got.commands, infos->pCommandBuffers,
	       got.count * sizeof(got.commands[0]));
	got.signal = infos->pSignalSemaphores[infos->signalSemaphoreCount - 1];
	got.value =
		values->pSignalSemaphoreValues[infos->signalSemaphoreCount - 1];
	got.fence = fence;
	return VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL submit2(VkQueue queue, uint32_t count,
					      const VkSubmitInfo2 *infos,
					      VkFence fence)
{
	uint32_t last = infos->signalSemaphoreInfoCount - 1;

	(void)queue;
	got.calls++;
	got.batches = count;
	got.count = infos->commandBufferInfoCount;
	for (uint32_t i = 0; i < got.count; i++) {
		assert_int_equal(infos->pCommandBufferInfos[i].sType,
				 VK_STRUCTURE_TYPE_COMMAND_BUFFER_SUBMIT_INFO);
		got.commands[i] = infos->pCommandBufferInfos[i].commandBuffer;
	}
	got.signal = infos->pSignalSemaphoreInfos[last].semaphore;
	got.value = infos->pSignalSemaphoreInfos[last].value;
	got.fence = fence;
	return VK_SUCCESS;
}

static const struct next_device next = {.submit = submit, .submit2 = submit2};
static const struct batch_semaphore mark = {MARK, 7};
static const struct batch_stamps stamps = {BEFORE, BEHIND};

/* The application's: COMMANDS_MAX command buffers, of which some are taken. */
static VkCommandBuffer commands[COMMANDS_MAX];
static VkCommandBufferSubmitInfo command_infos[COMMANDS_MAX];
static VkSubmitInfo info;
static VkSubmitInfo2 info2;

static int app_begin(void **unused)
{
	(void)unused;
	memset(&got, 0, sizeof(got));
	for (uintptr_t i = 0; i < COMMANDS_MAX; i++) {
		commands[i] = HANDLE(VkCommandBuffer, i + 1);
		command_infos[i] = (VkCommandBufferSubmitInfo){
			.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_SUBMIT_INFO,
			.commandBuffer = commands[i],
		};
	}
	info = (VkSubmitInfo){
		.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
		.commandBufferCount = 1,
		.pCommandBuffers = commands,
	};
	info2 = (VkSubmitInfo2){
		.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO_2,
		.commandBufferInfoCount = 1,
		.pCommandBufferInfos = command_infos,
	};
	return 0;
}

static struct batch_call call_of(enum batch_kind kind)
{
	struct batch_call call = {.kind = kind, .count = 1, .fence = FENCE};

	if (kind == BATCH_SUBMIT2)
		call.submit2 = &info2;
	else
		call.submit = &info;
	return call;
}

static bool may_stamp(enum batch_kind kind)
{
	struct batch_call call = call_of(kind);

	return batch_may_stamp(&call, 0, 1);
}

static void assert_sent(enum batch_kind kind, uint32_t count)
{
	struct batch_call call = call_of(kind);

	assert_true(may_stamp(kind));
	assert_int_equal(batch_send(&next, &call, 0, 1, mark, stamps),
			 VK_SUCCESS);
	assert_int_equal(got.calls, 1);
	assert_int_equal(got.batches, 1);
	assert_int_equal(got.count, count + 2);
	assert_ptr_equal(got.commands[0], BEFORE);
	assert_memory_equal(got.commands + 1, commands,
			    count * sizeof(commands[0]));
	assert_ptr_equal(got.commands[count + 1], BEHIND);
	assert_ptr_equal(got.signal, MARK);
	assert_int_equal(got.value, 7);
	assert_ptr_equal(got.fence, FENCE);
}

static void stamps_stand_around_the_commands(void **unused)
{
	(void)unused;
	info.commandBufferCount = 3;
	assert_sent(BATCH_SUBMIT, 3);
}

static void stamps_stand_around_those_of_submit2(void **unused)
{
	(void)unused;
	info2.commandBufferInfoCount = 3;
	assert_sent(BATCH_SUBMIT2, 3);
}

static void without_stamps_the_commands_are_the_applications(void **unused)
{
	struct batch_call call = call_of(BATCH_SUBMIT);

	(void)unused;
	info.commandBufferCount = 2;
	assert_int_equal(
		batch_send(&next, &call, 0, 1, mark, (struct batch_stamps){}),
		VK_SUCCESS);
	assert_int_equal(got.count, 2);
	assert_memory_equal(got.commands, commands, 2 * sizeof(commands[0]));
	assert_ptr_equal(got.signal, MARK);
}

static void fourteen_commands_are_stamped_and_more_are_not(void **unused)
{
	(void)unused;
	info.commandBufferCount = 14;
	info2.commandBufferInfoCount = 14;
	assert_sent(BATCH_SUBMIT, 14);
	got.calls = 0;
	assert_sent(BATCH_SUBMIT2, 14);
	info.commandBufferCount = 15;
	info2.commandBufferInfoCount = 15;
	assert_false(may_stamp(BATCH_SUBMIT));
	assert_false(may_stamp(BATCH_SUBMIT2));
}

static void no_commands_are_not_stamped(void **unused)
{
	(void)unused;
	info.commandBufferCount = 0;
	info2.commandBufferInfoCount = 0;
	assert_false(may_stamp(BATCH_SUBMIT));
	assert_false(may_stamp(BATCH_SUBMIT2));
}

static void several_batches_are_not_stamped(void **unused)
{
	const VkSubmitInfo both[] = {info, info};
	const struct batch_call call = {
		.kind = BATCH_SUBMIT,
		.count = 2,
		.submit = both,
	};

	(void)unused;
	assert_false(batch_may_stamp(&call, 0, 2));
	assert_true(batch_may_stamp(&call, 1, 2));
}

static void binding_sparse_memory_is_not_stamped(void **unused)
{
	const VkBindSparseInfo sparse = {
		.sType = VK_STRUCTURE_TYPE_BIND_SPARSE_INFO,
	};
	const struct batch_call call = {
		.kind = BATCH_SPARSE,
		.count = 1,
		.sparse = &sparse,
	};

	(void)unused;
	assert_false(batch_may_stamp(&call, 0, 1));
}

static void only_values_of_timelines_may_come_with_it(void **unused)
{
	VkTimelineSemaphoreSubmitInfo values = {
		.sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
	};
	VkProtectedSubmitInfo protected = {
		.sType = VK_STRUCTURE_TYPE_PROTECTED_SUBMIT_INFO,
		.protectedSubmit = VK_TRUE,
	};
	VkDeviceGroupSubmitInfo group = {
		.sType = VK_STRUCTURE_TYPE_DEVICE_GROUP_SUBMIT_INFO,
	};

	(void)unused;
	info.pNext = &values;
	assert_sent(BATCH_SUBMIT, 1);
	values.pNext = &protected;
	assert_false(may_stamp(BATCH_SUBMIT));
	info.pNext = &protected;
	assert_false(may_stamp(BATCH_SUBMIT));
	info.pNext = &group;
	assert_false(may_stamp(BATCH_SUBMIT));
	info2.pNext = &group;
	assert_false(may_stamp(BATCH_SUBMIT2));
	info2.pNext = NULL;
	info2.flags = VK_SUBMIT_PROTECTED_BIT;
	assert_false(may_stamp(BATCH_SUBMIT2));
}

#define test(name) cmocka_unit_test_setup(name, app_begin)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(stamps_stand_around_the_commands),
		test(stamps_stand_around_those_of_submit2),
		test(without_stamps_the_commands_are_the_applications),
		test(fourteen_commands_are_stamped_and_more_are_not),
		test(no_commands_are_not_stamped),
		test(several_batches_are_not_stamped),
		test(binding_sparse_memory_is_not_stamped),
		test(only_values_of_timelines_may_come_with_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
