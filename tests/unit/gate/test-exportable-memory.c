/* SPDX-License-Identifier: MIT */
/*
 * Exportable memory over a driver made for the test: whether it keeps out
 * where it should, what it asks of the driver, and what is left after errors.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scheduler/gate/exportable/backing.h"
#include "tests/unit/gate/fake_driver.h"

#define DMA_BUF VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT
#define OPAQUE_FD VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD_BIT
#define HOST VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT
#define THREADS 4
#define ROUNDS 500

struct rig {
	struct fake_driver fake;
	struct exportable_physical physical;
	struct exportable_device device;
};

/* Makes what stands above the driver anew, after changes to `fake`. */
static void rig_start(struct rig *rig)
{
	exportable_physical_init(&rig->physical, &fake_physical_ops,
				 (VkPhysicalDevice)&rig->fake);
	exportable_device_init(&rig->device, &rig->physical, &fake_device_ops,
			       (VkDevice)&rig->fake);
}

static void rig_init(struct rig *rig)
{
	fake_driver_init(&rig->fake);
	rig_start(rig);
	assert_true(rig->physical.needed);
}

static VkExportMemoryAllocateInfo export_info(VkFlags types)
{
	return (VkExportMemoryAllocateInfo){
		.sType = VK_STRUCTURE_TYPE_EXPORT_MEMORY_ALLOCATE_INFO,
		.handleTypes = types,
	};
}

static VkMemoryAllocateInfo memory_info(VkDeviceSize size, const void *next)
{
	return (VkMemoryAllocateInfo){
		.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
		.pNext = next,
		.allocationSize = size,
	};
}

static VkResult rig_allocate(struct rig *rig, const VkMemoryAllocateInfo *info,
			     VkDeviceMemory *memory)
{
	return exportable_memory_allocate(&rig->device, info, NULL, memory);
}

static VkResult rig_export(struct rig *rig, VkDeviceMemory memory,
			   VkExternalMemoryHandleTypeFlagBits type, int *fdp)
{
	VkMemoryGetFdInfoKHR info = {
		.sType = VK_STRUCTURE_TYPE_MEMORY_GET_FD_INFO_KHR,
		.memory = memory,
		.handleType = type,
	};

	return exportable_memory_get_fd(&rig->device, &info, fdp);
}

/* The lowest free descriptor: equal before and after if none leaked. */
static int next_fd(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	close(fd);
	return fd;
}

/* ------------------------------------------------------------------------
 * Keeping out
 * ------------------------------------------------------------------------ */

static void check_passes(struct rig *rig)
{
	VkExportMemoryAllocateInfo export = export_info(DMA_BUF);
	VkMemoryAllocateInfo info = memory_info(100, &export);
	const char *name = VK_EXT_IMAGE_DRM_FORMAT_MODIFIER_EXTENSION_NAME;
	VkDeviceCreateInfo device = {
		.enabledExtensionCount = 1,
		.ppEnabledExtensionNames = &name,
	};
	struct exportable_device_info request;
	VkDeviceMemory memory;
	uint32_t count = 0;
	int fd;

	rig_start(rig);
	assert_false(rig->physical.needed);
	assert_int_equal(rig_allocate(rig, &info, &memory), VK_SUCCESS);
	assert_ptr_equal(rig->fake.asked, &info);
	assert_int_equal(rig_export(rig, memory, DMA_BUF, &fd), VK_SUCCESS);
	assert_int_equal(fd, -2);
	exportable_memory_free(&rig->device, memory, NULL);
	assert_int_equal(rig->fake.live, 0);
	exportable_physical_enumerate(&rig->physical, &count, NULL);
	assert_int_equal(count, 3);
	exportable_device_info_init(&request, &rig->physical, &device);
	assert_ptr_equal(request.info.ppEnabledExtensionNames, &name);
	exportable_device_info_deinit(&request);
	exportable_device_deinit(&rig->device);
}

static void test_passes_exporting_driver(void **state)
{
	struct rig rig;

	(void)state;
	fake_driver_init(&rig.fake);
	rig.fake.dma_buf |= VK_EXTERNAL_MEMORY_FEATURE_EXPORTABLE_BIT;
	check_passes(&rig);
}

static void test_passes_without_host_import(void **state)
{
	struct rig rig;

	(void)state;
	fake_driver_init(&rig.fake);
	rig.fake.host = 0;
	check_passes(&rig);
}

static void test_passes_odd_alignment(void **state)
{
	struct rig rig;

	(void)state;
	fake_driver_init(&rig.fake);
	rig.fake.alignment = 4097;
	check_passes(&rig);
	rig.fake.alignment = 0;
	check_passes(&rig);
}

static void test_passes_what_is_not_ours(void **state)
{
	VkExportMemoryAllocateInfo export = export_info(DMA_BUF);
	VkImportMemoryHostPointerInfoEXT host = {
		.sType = VK_STRUCTURE_TYPE_IMPORT_MEMORY_HOST_POINTER_INFO_EXT,
		.pNext = &export,
	};
	VkMemoryAllocateInfo plain = memory_info(100, NULL);
	VkMemoryAllocateInfo hosted = memory_info(100, &host);
	VkMemoryAllocateInfo hidden = memory_info(100, &export);
	VkMemoryAllocateInfo *const infos[] = {&plain, &hosted, &hidden};
	VkDeviceMemory memory;
	struct rig rig;

	(void)state;
	rig_init(&rig);
	hidden.memoryTypeIndex = 1;
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(rig_allocate(&rig, infos[i], &memory),
				 VK_SUCCESS);
		assert_ptr_equal(rig.fake.asked, infos[i]);
		exportable_memory_free(&rig.device, memory, NULL);
	}
	exportable_device_deinit(&rig.device);
}

/* A pipe stands for a real dma-buf: a descriptor that is no memory file. */
static void test_passes_real_dma_buf(void **state)
{
	VkImportMemoryFdInfoKHR import = {
		.sType = VK_STRUCTURE_TYPE_IMPORT_MEMORY_FD_INFO_KHR,
		.handleType = DMA_BUF,
	};
	VkMemoryAllocateInfo info = memory_info(100, &import);
	VkDeviceMemory memory;
	struct rig rig;
	int fds[2];

	(void)state;
	rig_init(&rig);
	assert_int_equal(pipe(fds), 0);
	import.fd = fds[0];
	assert_int_equal(rig_allocate(&rig, &info, &memory), VK_SUCCESS);
	assert_ptr_equal(rig.fake.asked, &info);
	assert_true(fcntl(fds[0], F_GETFD) >= 0);
	exportable_memory_free(&rig.device, memory, NULL);
	close(fds[0]);
	close(fds[1]);
	exportable_device_deinit(&rig.device);
}

/* ------------------------------------------------------------------------
 * Requests to the driver
 * ------------------------------------------------------------------------ */

static void test_request(void **state)
{
	VkMemoryDedicatedAllocateInfo dedicated = {
		.sType = VK_STRUCTURE_TYPE_MEMORY_DEDICATED_ALLOCATE_INFO,
	};
	VkMemoryAllocateFlagsInfo flags = {
		.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO,
		.pNext = &dedicated,
	};
	VkExportMemoryAllocateInfo export = export_info(DMA_BUF | OPAQUE_FD);
	VkMemoryAllocateInfo info = memory_info(100, &export);
	VkDeviceMemory memory;
	struct rig rig;

	(void)state;
	rig_init(&rig);
	export.pNext = &flags;
	assert_int_equal(rig_allocate(&rig, &info, &memory), VK_SUCCESS);
	assert_int_equal(rig.fake.asked_size, 4096);
	assert_non_null(rig.fake.asked_pointer);
	assert_true(fake_driver_asked_for(&rig.fake, flags.sType));
	assert_false(fake_driver_asked_for(&rig.fake, export.sType));
	assert_false(fake_driver_asked_for(&rig.fake, dedicated.sType));
	/* The application's own chain is untouched. */
	assert_ptr_equal(export.pNext, &flags);
	assert_ptr_equal(flags.pNext, &dedicated);
	exportable_memory_free(&rig.device, memory, NULL);
	exportable_device_deinit(&rig.device);
}

static void test_large_alignment(void **state)
{
	VkExportMemoryAllocateInfo export = export_info(DMA_BUF);
	VkMemoryAllocateInfo info = memory_info(65537, &export);
	VkDeviceMemory memory;
	struct stat st;
	struct rig rig;
	int fd;

	(void)state;
	fake_driver_init(&rig.fake);
	rig.fake.alignment = 65536;
	rig_start(&rig);
	for (int i = 0; i < 16; i++) {
		assert_int_equal(rig_allocate(&rig, &info, &memory),
				 VK_SUCCESS);
		assert_int_equal((uintptr_t)rig.fake.asked_pointer % 65536, 0);
		assert_int_equal(rig.fake.asked_size, 131072);
		assert_int_equal(rig_export(&rig, memory, DMA_BUF, &fd),
				 VK_SUCCESS);
		assert_int_equal(fstat(fd, &st), 0);
		assert_int_equal(st.st_size, 131072);
		assert_int_equal(ftruncate(fd, 0), -1);
		close(fd);
	}
	exportable_device_deinit(&rig.device);
}

static void test_buffer(void **state)
{
	VkBufferUsageFlags2CreateInfoKHR usage = {
		.sType = VK_STRUCTURE_TYPE_BUFFER_USAGE_FLAGS_2_CREATE_INFO_KHR,
	};
	VkExternalMemoryBufferCreateInfo external = {
		.sType = VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_BUFFER_CREATE_INFO,
		.pNext = &usage,
		.handleTypes = DMA_BUF | OPAQUE_FD,
	};
	VkBufferCreateInfo info = {.pNext = &external};
	VkBaseOutStructure unknown = {.sType = 0x7ffffffe};
	VkBuffer buffer;
	struct rig rig;

	(void)state;
	rig_init(&rig);
	exportable_buffer_create(&rig.device, &info, NULL, &buffer);
	assert_int_equal(rig.fake.asked_types, HOST);
	assert_true(fake_driver_asked_for(&rig.fake, usage.sType));
	assert_int_equal(external.handleTypes, DMA_BUF | OPAQUE_FD);
	/* What cannot be copied is passed on whole. */
	usage.pNext = &unknown;
	exportable_buffer_create(&rig.device, &info, NULL, &buffer);
	assert_int_equal(rig.fake.asked_types, DMA_BUF | OPAQUE_FD);
	assert_true(fake_driver_asked_for(&rig.fake, unknown.sType));
	exportable_device_deinit(&rig.device);
}

static bool request_has(const struct exportable_device_info *request,
			const char *name)
{
	unsigned int found = 0;

	for (uint32_t i = 0; i < request->info.enabledExtensionCount; i++)
		found +=
			!strcmp(request->info.ppEnabledExtensionNames[i], name);
	assert_true(found <= 1);
	return found;
}

static void test_device_extensions(void **state)
{
	const char *const names[] = {
		VK_EXT_IMAGE_DRM_FORMAT_MODIFIER_EXTENSION_NAME,
		VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME,
		VK_KHR_EXTERNAL_MEMORY_FD_EXTENSION_NAME,
		"VK_unknown",
	};
	VkDeviceCreateInfo info = {
		.enabledExtensionCount = 4,
		.ppEnabledExtensionNames = names,
	};
	struct exportable_device_info request;
	struct rig rig;

	(void)state;
	rig_init(&rig);
	for (uint32_t count = 1; count <= 4; count += 3) {
		info.enabledExtensionCount = count;
		assert_int_equal(exportable_device_info_init(
					 &request, &rig.physical, &info),
				 VK_SUCCESS);
		assert_false(request_has(&request, names[0]));
		assert_true(request_has(&request, names[1]));
		assert_int_equal(request_has(&request, names[2]), count == 4);
		/* Refusing it is the driver's business. */
		assert_int_equal(request_has(&request, names[3]), count == 4);
		exportable_device_info_deinit(&request);
	}
	exportable_device_deinit(&rig.device);
}

/* ------------------------------------------------------------------------
 * Answers
 * ------------------------------------------------------------------------ */

static void test_enumerate(void **state)
{
	VkExtensionProperties list[8];
	uint32_t count = 0;
	struct rig rig;

	(void)state;
	rig_init(&rig);
	assert_int_equal(
		exportable_physical_enumerate(&rig.physical, &count, NULL),
		VK_SUCCESS);
	assert_int_equal(count, 6);
	count = 4;
	assert_int_equal(
		exportable_physical_enumerate(&rig.physical, &count, list),
		VK_INCOMPLETE);
	assert_int_equal(count, 4);
	count = 8;
	assert_int_equal(
		exportable_physical_enumerate(&rig.physical, &count, list),
		VK_SUCCESS);
	assert_int_equal(count, 6);
	assert_string_equal(list[5].extensionName,
			    VK_EXT_IMAGE_DRM_FORMAT_MODIFIER_EXTENSION_NAME);
	exportable_device_deinit(&rig.device);
}

static void test_image_query(void **state)
{
	VkBaseOutStructure unknown = {.sType = 0x7ffffffe};
	VkPhysicalDeviceExternalImageFormatInfo external = {
		.sType =
			VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_IMAGE_FORMAT_INFO,
		.handleType = OPAQUE_FD,
	};
	VkPhysicalDeviceImageFormatInfo2 info = {.pNext = &external};
	VkExternalImageFormatProperties answer = {
		.sType = VK_STRUCTURE_TYPE_EXTERNAL_IMAGE_FORMAT_PROPERTIES,
	};
	VkImageFormatProperties2 properties = {.pNext = &answer};
	struct rig rig;

	(void)state;
	rig_init(&rig);
	assert_int_equal(
		exportable_physical_image(&rig.physical, &info, &properties),
		VK_SUCCESS);
	assert_int_equal(answer.externalMemoryProperties.compatibleHandleTypes,
			 DMA_BUF | OPAQUE_FD);
	external.pNext = &unknown;
	assert_int_equal(
		exportable_physical_image(&rig.physical, &info, &properties),
		VK_ERROR_FORMAT_NOT_SUPPORTED);
	external.pNext = NULL;
	rig.fake.host = 0;
	assert_int_equal(
		exportable_physical_image(&rig.physical, &info, &properties),
		VK_ERROR_FORMAT_NOT_SUPPORTED);
	exportable_device_deinit(&rig.device);
}

/* ------------------------------------------------------------------------
 * Errors
 * ------------------------------------------------------------------------ */

static void check_failure(struct rig *rig, VkResult expected)
{
	VkExportMemoryAllocateInfo export = export_info(DMA_BUF);
	VkMemoryAllocateInfo info = memory_info(100, &export);
	VkImportMemoryFdInfoKHR import = {
		.sType = VK_STRUCTURE_TYPE_IMPORT_MEMORY_FD_INFO_KHR,
		.handleType = DMA_BUF,
	};
	VkMemoryAllocateInfo importing = memory_info(100, &import);
	struct backing backing;
	VkDeviceMemory memory;
	int fd = next_fd();

	assert_int_equal(rig_allocate(rig, &info, &memory), expected);
	assert_int_equal(next_fd(), fd);
	assert_int_equal(backing_init(&backing, 100, 1), 0);
	import.fd = backing.fd;
	assert_int_equal(rig_allocate(rig, &importing, &memory), expected);
	assert_true(fcntl(import.fd, F_GETFD) >= 0);
	backing_deinit(&backing);
	assert_int_equal(next_fd(), fd);
	assert_int_equal(rig->fake.live, 0);
}

static void test_driver_fails(void **state)
{
	struct rig rig;

	(void)state;
	rig_init(&rig);
	rig.fake.allocate_result = VK_ERROR_TOO_MANY_OBJECTS;
	check_failure(&rig, VK_ERROR_TOO_MANY_OBJECTS);
	rig.fake.allocate_result = VK_SUCCESS;
	rig.fake.host_types = 2;
	check_failure(&rig, VK_ERROR_OUT_OF_DEVICE_MEMORY);
	exportable_device_deinit(&rig.device);
}

static void test_sizes(void **state)
{
	static const VkDeviceSize sizes[] = {0, (UINT64_C(1) << 30) + 1,
					     UINT64_C(1) << 62, UINT64_MAX};
	VkExportMemoryAllocateInfo export = export_info(DMA_BUF);
	VkDeviceMemory memory;
	struct rig rig;

	(void)state;
	rig_init(&rig);
	for (size_t i = 0; i < 4; i++) {
		VkMemoryAllocateInfo info = memory_info(sizes[i], &export);

		assert_int_equal(rig_allocate(&rig, &info, &memory),
				 VK_ERROR_OUT_OF_DEVICE_MEMORY);
	}
	assert_int_equal(rig.fake.allocations, 0);
	exportable_device_deinit(&rig.device);
}

static void test_rounding(void **state)
{
	(void)state;
	assert_int_equal(backing_round(0, 1), 0);
	assert_int_equal(backing_round(1, 1), 4096);
	assert_int_equal(backing_round(4096, 1), 4096);
	assert_int_equal(backing_round(4097, 65536), 65536);
	assert_int_equal(backing_round(INT64_MAX, 1), 0);
	assert_int_equal(backing_round(UINT64_MAX, 65536), 0);
}

static void test_double_free(void **state)
{
	VkExportMemoryAllocateInfo export = export_info(DMA_BUF);
	VkMemoryAllocateInfo info = memory_info(100, &export);
	VkDeviceMemory memory;
	struct rig rig;
	int fd = -1, before = next_fd();

	(void)state;
	rig_init(&rig);
	assert_int_equal(rig_allocate(&rig, &info, &memory), VK_SUCCESS);
	exportable_memory_free(&rig.device, memory, NULL);
	exportable_memory_free(&rig.device, memory, NULL);
	exportable_memory_free(&rig.device, VK_NULL_HANDLE, NULL);
	/* Not ours any more, so the driver is asked. */
	assert_int_equal(rig_export(&rig, memory, DMA_BUF, &fd), VK_SUCCESS);
	assert_int_equal(fd, -2);
	assert_int_equal(next_fd(), before);
	exportable_device_deinit(&rig.device);
}

/* ------------------------------------------------------------------------
 * Threads
 * ------------------------------------------------------------------------ */

static void *thread_run(void *arg)
{
	VkExportMemoryAllocateInfo export = export_info(DMA_BUF);
	VkMemoryAllocateInfo info = memory_info(100, &export);
	VkDeviceMemory memory[4];
	struct rig *rig = arg;
	uintptr_t failures = 0;
	int fd;

	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < 4; i++)
			failures += rig_allocate(rig, &info, &memory[i]) !=
				    VK_SUCCESS;
		for (int i = 0; i < 4; i++) {
			if (rig_export(rig, memory[i], DMA_BUF, &fd) ==
			    VK_SUCCESS)
				close(fd);
			else
				failures++;
			exportable_memory_free(&rig->device, memory[i], NULL);
		}
	}
	return (void *)failures;
}

static void test_threads(void **state)
{
	pthread_t threads[THREADS];
	void *failures;
	struct rig rig;
	int fd = next_fd();

	(void)state;
	rig_init(&rig);
	rig.fake.threaded = true;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, thread_run, &rig), 0);
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], &failures), 0);
		assert_null(failures);
	}
	assert_int_equal(rig.fake.live, 0);
	assert_int_equal(next_fd(), fd);
	exportable_device_deinit(&rig.device);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_passes_exporting_driver),
		cmocka_unit_test(test_passes_without_host_import),
		cmocka_unit_test(test_passes_odd_alignment),
		cmocka_unit_test(test_passes_what_is_not_ours),
		cmocka_unit_test(test_passes_real_dma_buf),
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_large_alignment),
		cmocka_unit_test(test_buffer),
		cmocka_unit_test(test_device_extensions),
		cmocka_unit_test(test_enumerate),
		cmocka_unit_test(test_image_query),
		cmocka_unit_test(test_driver_fails),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_rounding),
		cmocka_unit_test(test_double_free),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
