/* SPDX-License-Identifier: MIT */
/*
 * A guest's program: writes numbers into a mapped buffer, has the device
 * compute with them, checks what it reads back.
 *
 * Exit status: 0 right, 1 wrong numbers, 2 a Vulkan call failed, 3 right, but
 * the device offers no exportable memory.
 */
#include <stdio.h>

#include "tests/unit/gate/vulkan_fixture.h"

#define COUNT 65536u

static bool numbers_right(const uint32_t *data)
{
	for (uint32_t i = 0; i < COUNT; i++) {
		if (data[i] != 3 * (i ^ 0x5a5a5a5a) + i) {
			fprintf(stderr, "data[%u] is %u\n", i, data[i]);
			return false;
		}
	}
	return true;
}

static VkResult compute(struct fixture *fixture, bool *rightp)
{
	struct fixture_buffer buffer;
	VkResult result;
	uint32_t *data;

	result = fixture_buffer_open(fixture, &buffer, COUNT * sizeof(*data), 0,
				     NULL);
	if (result == VK_SUCCESS) {
		data = buffer.map;
		for (uint32_t i = 0; i < COUNT; i++)
			data[i] = i ^ 0x5a5a5a5a;
		result = fixture_scale(fixture, &buffer, COUNT);
		*rightp = result == VK_SUCCESS && numbers_right(data);
	}
	fixture_buffer_close(fixture, &buffer);
	return result;
}

int main(void)
{
	static const char *const none[] = {NULL};
	bool right = false, exportable = false;
	struct fixture fixture;
	VkResult result;

	result = fixture_open(&fixture, none, none);
	if (result == VK_SUCCESS) {
		exportable = fixture_has_extension(
			&fixture,
			VK_EXT_EXTERNAL_MEMORY_DMA_BUF_EXTENSION_NAME);
		result = compute(&fixture, &right);
	}
	fixture_close(&fixture);
	if (result != VK_SUCCESS) {
		fprintf(stderr, "Vulkan error %d\n", result);
		return 2;
	}
	if (!right)
		return 1;
	return exportable ? 0 : 3;
}
