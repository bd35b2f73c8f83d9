/* SPDX-License-Identifier: MIT */
/*
 * VK_LAYER_TRANCHE_exportable over a driver that needs it (lavapipe where
 * there is no udmabuf), with the validation layer both above it, judging what
 * an application sees, and below it, judging what the driver is asked for.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/gate/vulkan_fixture.h"

#define COUNT 4096u
#define SIZE (COUNT * sizeof(uint32_t))
#define CYCLES 1000
#define DMA_BUF VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT
#define OPAQUE_FD VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD_BIT

static const char *const layers_none[] = {NULL};
static const char *const layers_ours[] = {FIXTURE_LAYER, NULL};
static const char *const layers_above[] = {FIXTURE_VALIDATION, FIXTURE_LAYER,
					   NULL};
static const char *const layers_below[] = {FIXTURE_LAYER, FIXTURE_VALIDATION,
					   NULL};
static const char *const extensions_none[] = {NULL};
static const char *const extensions_all[] = {
	VK_KHR_EXTERNAL_MEMORY_FD_EXTENSION_NAME,
	VK_EXT_EXTERNAL_MEMORY_DMA_BUF_EXTENSION_NAME,
	VK_EXT_QUEUE_FAMILY_FOREIGN_EXTENSION_NAME,
	VK_KHR_IMAGE_FORMAT_LIST_EXTENSION_NAME,
	VK_EXT_IMAGE_DRM_FORMAT_MODIFIER_EXTENSION_NAME,
	NULL};

static VkExportMemoryAllocateInfo export_info(VkFlags types)
{
	return (VkExportMemoryAllocateInfo){
		.sType = VK_STRUCTURE_TYPE_EXPORT_MEMORY_ALLOCATE_INFO,
		.handleTypes = types,
	};
}

static VkImportMemoryFdInfoKHR
import_info(VkExternalMemoryHandleTypeFlagBits type, int fd)
{
	return (VkImportMemoryFdInfoKHR){
		.sType = VK_STRUCTURE_TYPE_IMPORT_MEMORY_FD_INFO_KHR,
		.handleType = type,
		.fd = fd,
	};
}

static void open_ours(struct fixture *fixture)
{
	assert_int_equal(fixture_open(fixture, layers_ours, extensions_all),
			 VK_SUCCESS);
}

/* ------------------------------------------------------------------------
 * Queries
 * ------------------------------------------------------------------------ */

static VkExternalMemoryProperties
buffer_query(const struct fixture *fixture,
	     VkExternalMemoryHandleTypeFlagBits type)
{
	VkPhysicalDeviceExternalBufferInfo info = {
		.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_BUFFER_INFO,
		.usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT,
		.handleType = type,
	};
	VkExternalBufferProperties properties = {
		.sType = VK_STRUCTURE_TYPE_EXTERNAL_BUFFER_PROPERTIES,
	};

	vkGetPhysicalDeviceExternalBufferProperties(fixture->physical, &info,
						    &properties);
	return properties.externalMemoryProperties;
}

static VkResult image_query(const struct fixture *fixture, VkImageTiling tiling,
			    VkExternalMemoryFeatureFlags *features)
{
	VkPhysicalDeviceExternalImageFormatInfo external = {
		.sType =
			VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_IMAGE_FORMAT_INFO,
		.handleType = DMA_BUF,
	};
	VkPhysicalDeviceImageFormatInfo2 info = {
		.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_IMAGE_FORMAT_INFO_2,
		.pNext = &external,
		.format = VK_FORMAT_R8G8B8A8_UNORM,
		.type = VK_IMAGE_TYPE_2D,
		.tiling = tiling,
		.usage = VK_IMAGE_USAGE_TRANSFER_DST_BIT,
	};
	VkExternalImageFormatProperties answer = {
		.sType = VK_STRUCTURE_TYPE_EXTERNAL_IMAGE_FORMAT_PROPERTIES,
	};
	VkImageFormatProperties2 properties = {
		.sType = VK_STRUCTURE_TYPE_IMAGE_FORMAT_PROPERTIES_2,
		.pNext = &answer,
	};
	VkResult result;

	result = vkGetPhysicalDeviceImageFormatProperties2(fixture->physical,
							   &info, &properties);
	*features = answer.externalMemoryProperties.externalMemoryFeatures;
	return result;
}

static void test_queries_without_layer(void **state)
{
	VkExternalMemoryFeatureFlags features = 0;
	struct fixture fixture;

	(void)state;
	assert_int_equal(fixture_open(&fixture, layers_none, extensions_none),
			 VK_SUCCESS);
	assert_false(buffer_query(&fixture, DMA_BUF).externalMemoryFeatures &
		     VK_EXTERNAL_MEMORY_FEATURE_EXPORTABLE_BIT);
	image_query(&fixture, VK_IMAGE_TILING_LINEAR, &features);
	assert_false(features & VK_EXTERNAL_MEMORY_FEATURE_EXPORTABLE_BIT);
	assert_false(fixture_has_extension(
		&fixture, VK_EXT_IMAGE_DRM_FORMAT_MODIFIER_EXTENSION_NAME));
	fixture_close(&fixture);
}

static void test_queries_with_layer(void **state)
{
	const VkExternalMemoryFeatureFlags both =
		VK_EXTERNAL_MEMORY_FEATURE_EXPORTABLE_BIT |
		VK_EXTERNAL_MEMORY_FEATURE_IMPORTABLE_BIT;
	VkExternalMemoryProperties buffer;
	VkExternalMemoryFeatureFlags features = 0;
	struct fixture fixture;

	(void)state;
	open_ours(&fixture);
	buffer = buffer_query(&fixture, DMA_BUF);
	assert_int_equal(buffer.externalMemoryFeatures, both);
	assert_int_equal(buffer.compatibleHandleTypes, DMA_BUF | OPAQUE_FD);
	buffer = buffer_query(&fixture, OPAQUE_FD);
	assert_int_equal(buffer.externalMemoryFeatures, both);
	assert_int_equal(
		image_query(&fixture, VK_IMAGE_TILING_LINEAR, &features),
		VK_SUCCESS);
	assert_int_equal(features, both);
	for (size_t i = 0; extensions_all[i]; i++)
		assert_true(fixture_has_extension(&fixture, extensions_all[i]));
	fixture_close(&fixture);
}

/* The modifier extension is listed for venus; it must not promise anything. */
static void test_no_modifiers(void **state)
{
	VkDrmFormatModifierPropertiesListEXT list = {
		.sType =
			VK_STRUCTURE_TYPE_DRM_FORMAT_MODIFIER_PROPERTIES_LIST_EXT,
		.drmFormatModifierCount = 7,
	};
	VkFormatProperties2 format = {
		.sType = VK_STRUCTURE_TYPE_FORMAT_PROPERTIES_2,
		.pNext = &list,
	};
	VkExternalMemoryFeatureFlags features;
	struct fixture fixture;

	(void)state;
	open_ours(&fixture);
	vkGetPhysicalDeviceFormatProperties2(fixture.physical,
					     VK_FORMAT_R8G8B8A8_UNORM, &format);
	assert_int_equal(list.drmFormatModifierCount, 0);
	assert_int_equal(image_query(&fixture,
				     VK_IMAGE_TILING_DRM_FORMAT_MODIFIER_EXT,
				     &features),
			 VK_ERROR_FORMAT_NOT_SUPPORTED);
	fixture_close(&fixture);
}

/* ------------------------------------------------------------------------
 * Sharing
 * ------------------------------------------------------------------------ */

static void numbers_write(uint32_t *data)
{
	for (uint32_t i = 0; i < COUNT; i++)
		data[i] = i ^ 0xa5;
}

static void numbers_check(const uint32_t *data)
{
	for (uint32_t i = 0; i < COUNT; i++)
		assert_int_equal(data[i], 3 * (i ^ 0xa5) + i);
}

static void exporter_open(struct fixture *fixture,
			  struct fixture_buffer *buffer,
			  VkExternalMemoryHandleTypeFlagBits type, int *fdp)
{
	VkExportMemoryAllocateInfo export = export_info(type);

	assert_int_equal(
		fixture_buffer_open(fixture, buffer, SIZE, type, &export),
		VK_SUCCESS);
	assert_int_equal(fixture_export(fixture, buffer->memory, type, fdp),
			 VK_SUCCESS);
	assert_true(fcntl(*fdp, F_GETFD) & FD_CLOEXEC);
}

/* What a peer does with the file: map it, read and write. */
static void share_with_mapping(struct fixture *fixture)
{
	struct fixture_buffer buffer;
	uint32_t *peer;
	int fd;

	exporter_open(fixture, &buffer, DMA_BUF, &fd);
	peer = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(peer, MAP_FAILED);
	close(fd);
	numbers_write(peer);
	assert_memory_equal(buffer.map, peer, SIZE);
	assert_int_equal(fixture_scale(fixture, &buffer, COUNT), VK_SUCCESS);
	numbers_check(peer);
	munmap(peer, SIZE);
	fixture_buffer_close(fixture, &buffer);
}

/* Two buffers over one file; the import outlives what it was taken from. */
static void share_with_import(struct fixture *fixture,
			      VkExternalMemoryHandleTypeFlagBits type)
{
	struct fixture_buffer exporter, importer;
	VkImportMemoryFdInfoKHR import;
	int fd;

	exporter_open(fixture, &exporter, type, &fd);
	numbers_write(exporter.map);
	import = import_info(type, fd);
	assert_int_equal(
		fixture_buffer_open(fixture, &importer, SIZE, type, &import),
		VK_SUCCESS);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_int_equal(fixture_scale(fixture, &importer, COUNT), VK_SUCCESS);
	numbers_check(exporter.map);
	fixture_buffer_close(fixture, &exporter);
	numbers_check(importer.map);
	fixture_buffer_close(fixture, &importer);
}

static void test_shares(void **state)
{
	struct fixture fixture;

	(void)state;
	open_ours(&fixture);
	share_with_mapping(&fixture);
	share_with_import(&fixture, DMA_BUF);
	share_with_import(&fixture, OPAQUE_FD);
	fixture_close(&fixture);
}

/* An opaque file of the driver's own, made without the layer. */
static int driver_opaque_fd(void)
{
	static const char *const extensions[] = {
		VK_KHR_EXTERNAL_MEMORY_FD_EXTENSION_NAME, NULL};
	VkExportMemoryAllocateInfo export = export_info(OPAQUE_FD);
	struct fixture_buffer buffer;
	struct fixture fixture;
	int fd = -1;

	assert_int_equal(fixture_open(&fixture, layers_none, extensions),
			 VK_SUCCESS);
	assert_int_equal(fixture_buffer_open(&fixture, &buffer, SIZE, OPAQUE_FD,
					     &export),
			 VK_SUCCESS);
	numbers_write(buffer.map);
	assert_int_equal(fixture_scale(&fixture, &buffer, COUNT), VK_SUCCESS);
	assert_int_equal(
		fixture_export(&fixture, buffer.memory, OPAQUE_FD, &fd),
		VK_SUCCESS);
	fixture_buffer_close(&fixture, &buffer);
	fixture_close(&fixture);
	return fd;
}

static void test_driver_opaque_passes(void **state)
{
	struct fixture_buffer buffer;
	VkImportMemoryFdInfoKHR import;
	struct fixture fixture;

	(void)state;
	import = import_info(OPAQUE_FD, driver_opaque_fd());
	open_ours(&fixture);
	assert_int_equal(fixture_buffer_open(&fixture, &buffer, SIZE, OPAQUE_FD,
					     &import),
			 VK_SUCCESS);
	numbers_check(buffer.map);
	fixture_buffer_close(&fixture, &buffer);
	fixture_close(&fixture);
}

/* ------------------------------------------------------------------------
 * Images
 * ------------------------------------------------------------------------ */

static VkResult image_create(struct fixture *fixture, VkImage *image)
{
	VkExternalMemoryImageCreateInfo external = {
		.sType = VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_IMAGE_CREATE_INFO,
		.handleTypes = DMA_BUF,
	};
	VkImageCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
		.pNext = &external,
		.imageType = VK_IMAGE_TYPE_2D,
		.format = VK_FORMAT_R8G8B8A8_UNORM,
		.extent = {64, 64, 1},
		.mipLevels = 1,
		.arrayLayers = 1,
		.samples = VK_SAMPLE_COUNT_1_BIT,
		.tiling = VK_IMAGE_TILING_LINEAR,
		.usage = VK_IMAGE_USAGE_TRANSFER_DST_BIT,
	};

	return vkCreateImage(fixture->device, &info, NULL, image);
}

static VkCommandBuffer image_clear_record(struct fixture *fixture,
					  VkImage image)
{
	VkCommandBufferAllocateInfo info = {
		.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
		.commandPool = fixture->pool,
		.commandBufferCount = 1,
	};
	VkCommandBufferBeginInfo begin = {
		.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
	};
	VkImageSubresourceRange range = {
		.aspectMask = VK_IMAGE_ASPECT_COLOR_BIT,
		.levelCount = 1,
		.layerCount = 1,
	};
	VkImageMemoryBarrier barrier = {
		.sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER,
		.dstAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT,
		.newLayout = VK_IMAGE_LAYOUT_GENERAL,
		.image = image,
		.subresourceRange = range,
	};
	VkClearColorValue colour = {.float32 = {1.0f, 0.0f, 1.0f, 0.0f}};
	VkCommandBuffer commands;

	assert_int_equal(
		vkAllocateCommandBuffers(fixture->device, &info, &commands),
		VK_SUCCESS);
	assert_int_equal(vkBeginCommandBuffer(commands, &begin), VK_SUCCESS);
	vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TOP_OF_PIPE_BIT,
			     VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 0, NULL, 0,
			     NULL, 1, &barrier);
	vkCmdClearColorImage(commands, image, VK_IMAGE_LAYOUT_GENERAL, &colour,
			     1, &range);
	assert_int_equal(vkEndCommandBuffer(commands), VK_SUCCESS);
	return commands;
}

static void image_clear(struct fixture *fixture, VkImage image)
{
	VkCommandBuffer commands = image_clear_record(fixture, image);
	VkSubmitInfo submit = {
		.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
		.commandBufferCount = 1,
		.pCommandBuffers = &commands,
	};

	assert_int_equal(
		vkQueueSubmit(fixture->queue, 1, &submit, VK_NULL_HANDLE),
		VK_SUCCESS);
	assert_int_equal(vkQueueWaitIdle(fixture->queue), VK_SUCCESS);
	vkFreeCommandBuffers(fixture->device, fixture->pool, 1, &commands);
}

/* Clears a linear image and looks at its pixels through the exported file. */
static void share_image(struct fixture *fixture)
{
	VkExportMemoryAllocateInfo export = export_info(DMA_BUF);
	VkMemoryRequirements needs;
	VkDeviceMemory memory;
	VkImage image;
	uint32_t *peer;
	int fd;

	assert_int_equal(image_create(fixture, &image), VK_SUCCESS);
	vkGetImageMemoryRequirements(fixture->device, image, &needs);
	assert_int_equal(
		fixture_allocate(fixture, needs.size, &export, &memory),
		VK_SUCCESS);
	assert_int_equal(vkBindImageMemory(fixture->device, image, memory, 0),
			 VK_SUCCESS);
	assert_int_equal(fixture_export(fixture, memory, DMA_BUF, &fd),
			 VK_SUCCESS);
	peer = mmap(NULL, needs.size, PROT_READ, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(peer, MAP_FAILED);
	close(fd);
	image_clear(fixture, image);
	for (size_t i = 0; i < 64; i++)
		assert_int_equal(peer[i], 0x00ff00ff);
	munmap(peer, needs.size);
	vkDestroyImage(fixture->device, image, NULL);
	vkFreeMemory(fixture->device, memory, NULL);
}

static void test_shares_image(void **state)
{
	struct fixture fixture;

	(void)state;
	open_ours(&fixture);
	share_image(&fixture);
	fixture_close(&fixture);
}

/* ------------------------------------------------------------------------
 * Refusals
 * ------------------------------------------------------------------------ */

static int file_new(off_t size, int seals)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, size), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

/* The import is refused, and the descriptor stays the caller's. */
static void refuse_import(struct fixture *fixture, int fd, VkDeviceSize size)
{
	VkImportMemoryFdInfoKHR import = import_info(DMA_BUF, fd);
	VkDeviceMemory memory;

	assert_int_equal(fixture_allocate(fixture, size, &import, &memory),
			 VK_ERROR_INVALID_EXTERNAL_HANDLE);
	if (fd >= 0 && fcntl(fd, F_GETFD) >= 0)
		close(fd);
}

static void test_refuses_imports(void **state)
{
	struct fixture fixture;
	int closed;

	(void)state;
	open_ours(&fixture);
	closed = file_new(SIZE, F_SEAL_SHRINK);
	close(closed);
	refuse_import(&fixture, -1, SIZE);
	refuse_import(&fixture, closed, SIZE);
	refuse_import(&fixture, file_new(SIZE, 0), SIZE);
	refuse_import(&fixture, file_new(SIZE, F_SEAL_GROW), SIZE);
	refuse_import(&fixture, file_new(SIZE - 1, F_SEAL_SHRINK), SIZE);
	refuse_import(&fixture, file_new(SIZE, F_SEAL_SHRINK), SIZE + 1);
	refuse_import(&fixture, file_new(SIZE, F_SEAL_SHRINK | F_SEAL_WRITE),
		      SIZE);
	refuse_import(&fixture, file_new(SIZE, F_SEAL_SHRINK), 0);
	fixture_close(&fixture);
}

static void test_accepts_peer_file(void **state)
{
	struct fixture_buffer buffer;
	VkImportMemoryFdInfoKHR import;
	struct fixture fixture;

	(void)state;
	open_ours(&fixture);
	import = import_info(DMA_BUF, file_new(SIZE, F_SEAL_SHRINK));
	assert_int_equal(
		fixture_buffer_open(&fixture, &buffer, SIZE, DMA_BUF, &import),
		VK_SUCCESS);
	numbers_write(buffer.map);
	assert_int_equal(fixture_scale(&fixture, &buffer, COUNT), VK_SUCCESS);
	numbers_check(buffer.map);
	fixture_buffer_close(&fixture, &buffer);
	fixture_close(&fixture);
}

static void test_refuses_exports(void **state)
{
	VkExportMemoryAllocateInfo export = export_info(DMA_BUF);
	struct fixture fixture;
	VkDeviceMemory memory;
	int fd = -1;

	(void)state;
	open_ours(&fixture);
	assert_int_equal(fixture_allocate(&fixture, 0, &export, &memory),
			 VK_ERROR_OUT_OF_DEVICE_MEMORY);
	assert_int_equal(
		fixture_allocate(&fixture, UINT64_MAX, &export, &memory),
		VK_ERROR_OUT_OF_DEVICE_MEMORY);
	assert_int_equal(fixture_allocate(&fixture, SIZE, &export, &memory),
			 VK_SUCCESS);
	assert_int_equal(fixture_export(&fixture, memory, OPAQUE_FD, &fd),
			 VK_ERROR_VALIDATION_FAILED_EXT);
	assert_int_equal(fd, -1);
	vkFreeMemory(fixture.device, memory, NULL);
	vkFreeMemory(fixture.device, VK_NULL_HANDLE, NULL);
	fixture_close(&fixture);
}

static void test_fd_properties(void **state)
{
	VkMemoryFdPropertiesKHR properties = {
		.sType = VK_STRUCTURE_TYPE_MEMORY_FD_PROPERTIES_KHR,
	};
	struct fixture fixture;
	int fd;

	(void)state;
	open_ours(&fixture);
	fd = file_new(SIZE, F_SEAL_SHRINK);
	assert_int_equal(fixture.get_fd_properties(fixture.device, DMA_BUF, fd,
						   &properties),
			 VK_SUCCESS);
	assert_true(properties.memoryTypeBits & 1);
	close(fd);
	assert_int_equal(fixture.get_fd_properties(fixture.device, DMA_BUF, fd,
						   &properties),
			 VK_ERROR_INVALID_EXTERNAL_HANDLE);
	fd = file_new(SIZE, 0);
	assert_int_equal(fixture.get_fd_properties(fixture.device, DMA_BUF, fd,
						   &properties),
			 VK_ERROR_INVALID_EXTERNAL_HANDLE);
	close(fd);
	fixture_close(&fixture);
}

/* ------------------------------------------------------------------------
 * Leaks
 * ------------------------------------------------------------------------ */

static int count_fds(void)
{
	DIR *folder = opendir("/proc/self/fd");
	int count = 0;

	assert_non_null(folder);
	while (readdir(folder))
		count++;
	closedir(folder);
	return count;
}

/* Mappings of files of ours; the driver's heap may grow as it likes. */
static int count_maps(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];
	int count = 0;

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps))
		count += strstr(line, "tranche-exportable") != NULL;
	fclose(maps);
	return count;
}

static void cycle(struct fixture *fixture)
{
	VkExportMemoryAllocateInfo export = export_info(DMA_BUF);
	VkImportMemoryFdInfoKHR import;
	VkDeviceMemory memory, second;
	int fd;

	assert_int_equal(fixture_allocate(fixture, SIZE, &export, &memory),
			 VK_SUCCESS);
	assert_int_equal(fixture_export(fixture, memory, DMA_BUF, &fd),
			 VK_SUCCESS);
	import = import_info(DMA_BUF, fd);
	assert_int_equal(fixture_allocate(fixture, 2 * SIZE, &import, &second),
			 VK_ERROR_INVALID_EXTERNAL_HANDLE);
	assert_int_equal(fixture_allocate(fixture, SIZE, &import, &second),
			 VK_SUCCESS);
	vkFreeMemory(fixture->device, memory, NULL);
	vkFreeMemory(fixture->device, second, NULL);
}

static void test_no_leak(void **state)
{
	struct fixture fixture;
	int fds, maps;

	(void)state;
	open_ours(&fixture);
	cycle(&fixture);
	fds = count_fds();
	maps = count_maps();
	assert_int_equal(maps, 0);
	for (int i = 0; i < CYCLES; i++)
		cycle(&fixture);
	assert_int_equal(count_fds(), fds);
	assert_int_equal(count_maps(), maps);
	fixture_close(&fixture);
}

/* What the application forgot goes with the device. */
static void test_device_releases(void **state)
{
	VkExportMemoryAllocateInfo export = export_info(DMA_BUF);
	struct fixture fixture;
	VkDeviceMemory memory;

	(void)state;
	open_ours(&fixture);
	for (int i = 0; i < 10; i++)
		assert_int_equal(
			fixture_allocate(&fixture, SIZE, &export, &memory),
			VK_SUCCESS);
	assert_int_equal(count_maps(), 10);
	fixture_device_close(&fixture);
	assert_int_equal(count_maps(), 0);
	fixture_close(&fixture);
}

static void test_without_descriptors(void **state)
{
	VkExportMemoryAllocateInfo export = export_info(DMA_BUF);
	struct rlimit limit, none;
	struct fixture fixture;
	VkDeviceMemory memory, second;
	int fd;

	(void)state;
	open_ours(&fixture);
	assert_int_equal(fixture_allocate(&fixture, SIZE, &export, &memory),
			 VK_SUCCESS);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	/* Below the lowest free one; 0 would make F_DUPFD itself invalid. */
	none = (struct rlimit){.rlim_cur = 3, .rlim_max = limit.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(fixture_export(&fixture, memory, DMA_BUF, &fd),
			 VK_ERROR_TOO_MANY_OBJECTS);
	assert_int_equal(fixture_allocate(&fixture, SIZE, &export, &second),
			 VK_ERROR_TOO_MANY_OBJECTS);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	vkFreeMemory(fixture.device, memory, NULL);
	assert_int_equal(count_maps(), 0);
	fixture_close(&fixture);
}

/* ------------------------------------------------------------------------
 * Validity
 * ------------------------------------------------------------------------ */

static void validate(const char *const *layers)
{
	struct fixture fixture;

	assert_int_equal(fixture_open(&fixture, layers, extensions_all),
			 VK_SUCCESS);
	share_with_mapping(&fixture);
	share_with_import(&fixture, DMA_BUF);
	share_with_import(&fixture, OPAQUE_FD);
	share_image(&fixture);
	fixture_device_close(&fixture);
	assert_int_equal(fixture.complaints, 0);
	fixture_close(&fixture);
}

static void test_valid_above(void **state)
{
	(void)state;
	validate(layers_above);
}

static void test_valid_below(void **state)
{
	(void)state;
	validate(layers_below);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_queries_without_layer),
		cmocka_unit_test(test_queries_with_layer),
		cmocka_unit_test(test_no_modifiers),
		cmocka_unit_test(test_shares),
		cmocka_unit_test(test_driver_opaque_passes),
		cmocka_unit_test(test_shares_image),
		cmocka_unit_test(test_refuses_imports),
		cmocka_unit_test(test_accepts_peer_file),
		cmocka_unit_test(test_refuses_exports),
		cmocka_unit_test(test_fd_properties),
		cmocka_unit_test(test_no_leak),
		cmocka_unit_test(test_device_releases),
		cmocka_unit_test(test_without_descriptors),
		cmocka_unit_test(test_valid_above),
		cmocka_unit_test(test_valid_below),
	};

	/* A driver with udmabuf exports by itself; the layer keeps out. */
	if (!access("/dev/udmabuf", R_OK | W_OK))
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
