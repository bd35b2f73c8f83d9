/* SPDX-License-Identifier: MIT */
#include "scheduler/gate/exportable/exportable_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "scheduler/gate/chain.h"
#include "scheduler/gate/exportable/backing.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

struct exportable_record {
	VkDeviceMemory memory;
	VkExternalMemoryHandleTypeFlags types; /* as which it may leave */
	struct backing backing;
	struct exportable_record *next;
};

/* How a request is met. */
enum allocation_way {
	ALLOCATION_PASS, /* by the driver, as it is */
	ALLOCATION_NEW, /* with a new memory file */
	ALLOCATION_IMPORT, /* with the memory file that is being imported */
	ALLOCATION_REFUSE, /* not at all: a bad handle */
};

static const struct chain_kind memory_kinds[] = {
	{VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO,
	 sizeof(VkMemoryAllocateFlagsInfo)},
	{VK_STRUCTURE_TYPE_MEMORY_PRIORITY_ALLOCATE_INFO_EXT,
	 sizeof(VkMemoryPriorityAllocateInfoEXT)},
	{VK_STRUCTURE_TYPE_MEMORY_OPAQUE_CAPTURE_ADDRESS_ALLOCATE_INFO,
	 sizeof(VkMemoryOpaqueCaptureAddressAllocateInfo)},
};

static const struct chain_kind buffer_kinds[] = {
	{VK_STRUCTURE_TYPE_BUFFER_OPAQUE_CAPTURE_ADDRESS_CREATE_INFO,
	 sizeof(VkBufferOpaqueCaptureAddressCreateInfo)},
	{VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_CREATE_INFO_EXT,
	 sizeof(VkBufferDeviceAddressCreateInfoEXT)},
	{VK_STRUCTURE_TYPE_BUFFER_USAGE_FLAGS_2_CREATE_INFO_KHR,
	 sizeof(VkBufferUsageFlags2CreateInfoKHR)},
};

static const struct chain_kind image_kinds[] = {
	{VK_STRUCTURE_TYPE_IMAGE_FORMAT_LIST_CREATE_INFO,
	 sizeof(VkImageFormatListCreateInfo)},
	{VK_STRUCTURE_TYPE_IMAGE_STENCIL_USAGE_CREATE_INFO,
	 sizeof(VkImageStencilUsageCreateInfo)},
	{VK_STRUCTURE_TYPE_IMAGE_COMPRESSION_CONTROL_EXT,
	 sizeof(VkImageCompressionControlEXT)},
};

/* ------------------------------------------------------------------------
 * Records
 * ------------------------------------------------------------------------ */

static void record_free(struct exportable_record *record)
{
	if (!record)
		return;
	backing_deinit(&record->backing);
	free(record);
}

static void record_cleanup(struct exportable_record **recordp)
{
	record_free(*recordp);
}

#define _cleanup_record_ __attribute__((cleanup(record_cleanup)))

/* The link to the record of @memory. Called with the lock held. */
static struct exportable_record **record_seek(struct exportable_device *device,
					      VkDeviceMemory memory)
{
	uint64_t hash = (uint64_t)memory * 0x9e3779b97f4a7c15u;
	struct exportable_record **link;

	link = &device->records[(hash >> 32) % EXPORTABLE_BUCKETS];
	while (*link && (*link)->memory != memory)
		link = &(*link)->next;
	return link;
}

static void record_insert(struct exportable_device *device,
			  struct exportable_record *record)
{
	pthread_mutex_lock(&device->lock);
	record->next = NULL;
	*record_seek(device, record->memory) = record;
	pthread_mutex_unlock(&device->lock);
}

static struct exportable_record *record_find(struct exportable_device *device,
					     VkDeviceMemory memory)
{
	struct exportable_record *record;

	pthread_mutex_lock(&device->lock);
	record = *record_seek(device, memory);
	pthread_mutex_unlock(&device->lock);
	return record;
}

static struct exportable_record *record_remove(struct exportable_device *device,
					       VkDeviceMemory memory)
{
	struct exportable_record **link, *record;

	pthread_mutex_lock(&device->lock);
	link = record_seek(device, memory);
	record = *link;
	if (record)
		*link = record->next;
	pthread_mutex_unlock(&device->lock);
	return record;
}

void exportable_device_init(struct exportable_device *device,
			    const struct exportable_physical *physical,
			    const struct exportable_device_ops *ops,
			    VkDevice handle)
{
	*device = (struct exportable_device){
		.physical = physical,
		.ops = ops,
		.handle = handle,
		.lock = PTHREAD_MUTEX_INITIALIZER,
	};
}

void exportable_device_deinit(struct exportable_device *device)
{
	for (size_t i = 0; i < EXPORTABLE_BUCKETS; i++) {
		while (device->records[i]) {
			struct exportable_record *record = device->records[i];

			device->records[i] = record->next;
			record_free(record);
		}
	}
	pthread_mutex_destroy(&device->lock);
}

/* ------------------------------------------------------------------------
 * Allocating
 * ------------------------------------------------------------------------ */

static bool type_host_visible(const struct exportable_device *device,
			      uint32_t index)
{
	const VkPhysicalDeviceMemoryProperties *memory =
		&device->physical->memory;

	return index < memory->memoryTypeCount &&
	       memory->memoryTypes[index].propertyFlags &
		       VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT;
}

static VkDeviceSize heap_size(const struct exportable_device *device,
			      uint32_t index)
{
	const VkPhysicalDeviceMemoryProperties *memory =
		&device->physical->memory;

	return memory->memoryHeaps[memory->memoryTypes[index].heapIndex].size;
}

static VkExternalMemoryHandleTypeFlags
export_types(const VkMemoryAllocateInfo *info)
{
	const VkExportMemoryAllocateInfo *export = chain_find(
		info->pNext, VK_STRUCTURE_TYPE_EXPORT_MEMORY_ALLOCATE_INFO);

	return export ? export->handleTypes & EXPORTABLE_HANDLE_TYPES : 0;
}

/* An import of a descriptor, or NULL: a handle type of 0 means no import. */
static const VkImportMemoryFdInfoKHR *
import_info(const VkMemoryAllocateInfo *info)
{
	const VkImportMemoryFdInfoKHR *import = chain_find(
		info->pNext, VK_STRUCTURE_TYPE_IMPORT_MEMORY_FD_INFO_KHR);

	return import && import->handleType ? import : NULL;
}

/*
 * The driver's own opaque files are memory files too, with a layout that is
 * nobody else's business. So as an opaque file only what is marked as ours is
 * taken, and the rest is left to the driver.
 */
static enum allocation_way import_way(const VkImportMemoryFdInfoKHR *import)
{
	int kind;

	if (!(import->handleType & EXPORTABLE_HANDLE_TYPES))
		return ALLOCATION_PASS;
	kind = backing_identify(import->fd);
	if (kind < 0)
		return ALLOCATION_REFUSE;
	if (kind == BACKING_OURS)
		return ALLOCATION_IMPORT;
	if (import->handleType == VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD_BIT)
		return ALLOCATION_PASS;
	switch (kind) {
	case BACKING_SHAREABLE:
		return ALLOCATION_IMPORT;
	case BACKING_UNSAFE:
		return ALLOCATION_REFUSE;
	default:
		return ALLOCATION_PASS;
	}
}

static enum allocation_way
allocation_choose(const struct exportable_device *device,
		  const VkMemoryAllocateInfo *info)
{
	const VkImportMemoryFdInfoKHR *import = import_info(info);

	if (!device->physical->needed ||
	    !type_host_visible(device, info->memoryTypeIndex) ||
	    chain_find(info->pNext,
		       VK_STRUCTURE_TYPE_IMPORT_MEMORY_HOST_POINTER_INFO_EXT))
		return ALLOCATION_PASS;
	if (import)
		return import_way(import);
	return export_types(info) ? ALLOCATION_NEW : ALLOCATION_PASS;
}

static VkResult result_from_errno(int r, VkResult otherwise)
{
	switch (r) {
	case -ENOMEM:
		return VK_ERROR_OUT_OF_HOST_MEMORY;
	case -EMFILE:
	case -ENFILE:
		return VK_ERROR_TOO_MANY_OBJECTS;
	default:
		return otherwise;
	}
}

static VkResult record_back(struct exportable_record *record,
			    const struct exportable_device *device,
			    const VkMemoryAllocateInfo *info,
			    enum allocation_way way)
{
	VkDeviceSize alignment = device->physical->alignment;
	int r;

	if (way == ALLOCATION_IMPORT) {
		r = backing_init_fd(&record->backing, import_info(info)->fd,
				    info->allocationSize, alignment);
		return r < 0 ? result_from_errno(
				       r, VK_ERROR_INVALID_EXTERNAL_HANDLE)
			     : VK_SUCCESS;
	}
	if (info->allocationSize > heap_size(device, info->memoryTypeIndex))
		return VK_ERROR_OUT_OF_DEVICE_MEMORY;
	r = backing_init(&record->backing, info->allocationSize, alignment);
	return r < 0 ? result_from_errno(r, VK_ERROR_OUT_OF_DEVICE_MEMORY)
		     : VK_SUCCESS;
}

static VkResult host_types(const struct exportable_device *device,
			   const void *address, uint32_t *types)
{
	VkMemoryHostPointerPropertiesEXT properties = {
		.sType = VK_STRUCTURE_TYPE_MEMORY_HOST_POINTER_PROPERTIES_EXT,
	};
	VkResult result;

	result = device->ops->get_host_properties(
		device->handle,
		VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT, address,
		&properties);
	*types = properties.memoryTypeBits;
	return result;
}

/* Makes the driver use the memory of @backing. */
static VkResult backing_import(struct exportable_device *device,
			       const struct backing *backing,
			       const VkMemoryAllocateInfo *info,
			       const VkAllocationCallbacks *allocator,
			       VkDeviceMemory *memory)
{
	VkImportMemoryHostPointerInfoEXT host = {
		.sType = VK_STRUCTURE_TYPE_IMPORT_MEMORY_HOST_POINTER_INFO_EXT,
		.handleType =
			VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT,
		.pHostPointer = backing->address,
	};
	VkMemoryAllocateInfo request = *info;
	_cleanup_chain_ struct chain chain = {};
	VkResult result;
	uint32_t types;

	result = host_types(device, backing->address, &types);
	if (result != VK_SUCCESS || !(types & 1u << info->memoryTypeIndex))
		return VK_ERROR_OUT_OF_DEVICE_MEMORY;
	if (chain_init_copy(&chain, info->pNext, memory_kinds,
			    ARRAY_SIZE(memory_kinds)) < 0)
		return VK_ERROR_OUT_OF_HOST_MEMORY;
	chain_push(&chain, &host);
	request.pNext = chain.head;
	request.allocationSize = backing->size;
	return device->ops->allocate(device->handle, &request, allocator,
				     memory);
}

static VkResult allocate_backed(struct exportable_device *device,
				const VkMemoryAllocateInfo *info,
				enum allocation_way way,
				const VkAllocationCallbacks *allocator,
				VkDeviceMemory *memory)
{
	_cleanup_record_ struct exportable_record *record = NULL;
	VkResult result;

	record = calloc(1, sizeof(*record));
	if (!record)
		return VK_ERROR_OUT_OF_HOST_MEMORY;
	record->backing = BACKING_EMPTY;
	record->types = export_types(info);
	result = record_back(record, device, info, way);
	if (result != VK_SUCCESS)
		return result;
	result = backing_import(device, &record->backing, info, allocator,
				memory);
	if (result != VK_SUCCESS)
		return result;
	record->memory = *memory;
	record_insert(device, record);
	record = NULL;
	/* The import succeeded: the descriptor has become ours. */
	if (way == ALLOCATION_IMPORT)
		close(import_info(info)->fd);
	return VK_SUCCESS;
}

VkResult exportable_memory_allocate(struct exportable_device *device,
				    const VkMemoryAllocateInfo *info,
				    const VkAllocationCallbacks *allocator,
				    VkDeviceMemory *memory)
{
	enum allocation_way way = allocation_choose(device, info);

	switch (way) {
	case ALLOCATION_NEW:
	case ALLOCATION_IMPORT:
		return allocate_backed(device, info, way, allocator, memory);
	case ALLOCATION_REFUSE:
		return VK_ERROR_INVALID_EXTERNAL_HANDLE;
	default:
		return device->ops->allocate(device->handle, info, allocator,
					     memory);
	}
}

void exportable_memory_free(struct exportable_device *device,
			    VkDeviceMemory memory,
			    const VkAllocationCallbacks *allocator)
{
	struct exportable_record *record = NULL;

	/*
	 * The record goes first: once the driver has freed the handle, another
	 * thread may be given the same one. Its memory goes last.
	 */
	if (memory != VK_NULL_HANDLE)
		record = record_remove(device, memory);
	device->ops->free(device->handle, memory, allocator);
	record_free(record);
}

/* ------------------------------------------------------------------------
 * Descriptors
 * ------------------------------------------------------------------------ */

VkResult exportable_memory_get_fd(struct exportable_device *device,
				  const VkMemoryGetFdInfoKHR *info, int *fdp)
{
	struct exportable_record *record = record_find(device, info->memory);
	int fd;

	if (!record && device->ops->get_fd)
		return device->ops->get_fd(device->handle, info, fdp);
	if (!record || !(record->types & info->handleType))
		return VK_ERROR_VALIDATION_FAILED_EXT;
	fd = fcntl(record->backing.fd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return result_from_errno(-errno, VK_ERROR_OUT_OF_HOST_MEMORY);
	*fdp = fd;
	return VK_SUCCESS;
}

static VkResult file_properties(struct exportable_device *device, int fd,
				VkMemoryFdPropertiesKHR *properties)
{
	_cleanup_backing_ struct backing backing = BACKING_EMPTY;
	int r;

	/* One unit of alignment is enough to learn the memory types. */
	r = backing_init_fd(&backing, fd, 1, device->physical->alignment);
	if (r < 0)
		return result_from_errno(r, VK_ERROR_INVALID_EXTERNAL_HANDLE);
	return host_types(device, backing.address, &properties->memoryTypeBits);
}

VkResult
exportable_memory_fd_properties(struct exportable_device *device,
				VkExternalMemoryHandleTypeFlagBits type, int fd,
				VkMemoryFdPropertiesKHR *properties)
{
	int kind = backing_identify(fd);

	if (device->physical->needed &&
	    type == VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT &&
	    kind != BACKING_FOREIGN)
		return file_properties(device, fd, properties);
	if (!device->ops->get_fd_properties)
		return VK_ERROR_INVALID_EXTERNAL_HANDLE;
	return device->ops->get_fd_properties(device->handle, type, fd,
					      properties);
}

/* ------------------------------------------------------------------------
 * Buffers and images
 * ------------------------------------------------------------------------ */

/*
 * Fills @chain with what to pass on for a resource whose memory is to be ours:
 * the structure of @type with host memory in place of our handle types, which
 * no driver reports as compatible with it, and the known rest.
 *
 * Return: 1 when @chain replaces @head, 0 when @head can be passed on as it is
 * (or has to be, for what is unknown in it), or -ENOMEM.
 */
static int resource_chain(struct chain *chain, const void *head,
			  VkStructureType type, const struct chain_kind *kinds,
			  size_t count, VkExternalMemoryBufferCreateInfo *mine)
{
	const VkExternalMemoryBufferCreateInfo *external =
		chain_find(head, type);
	int skipped;

	if (!external || !(external->handleTypes & EXPORTABLE_HANDLE_TYPES))
		return 0;
	skipped = chain_init_copy(chain, head, kinds, count);
	if (skipped < 0)
		return skipped;
	if (skipped > 1)
		return 0;
	*mine = *external;
	mine->handleTypes &= ~EXPORTABLE_HANDLE_TYPES;
	mine->handleTypes |=
		VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT;
	chain_push(chain, mine);
	return 1;
}

VkResult exportable_buffer_create(struct exportable_device *device,
				  const VkBufferCreateInfo *info,
				  const VkAllocationCallbacks *allocator,
				  VkBuffer *buffer)
{
	VkExternalMemoryBufferCreateInfo external;
	VkBufferCreateInfo request = *info;
	_cleanup_chain_ struct chain chain = {};
	int r = 0;

	if (device->physical->needed)
		r = resource_chain(
			&chain, info->pNext,
			VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_BUFFER_CREATE_INFO,
			buffer_kinds, ARRAY_SIZE(buffer_kinds), &external);
	if (r < 0)
		return VK_ERROR_OUT_OF_HOST_MEMORY;
	if (r)
		request.pNext = chain.head;
	return device->ops->create_buffer(device->handle, &request, allocator,
					  buffer);
}

/* resource_chain() takes the structure of images for that of buffers. */
_Static_assert(sizeof(VkExternalMemoryImageCreateInfo) ==
		       sizeof(VkExternalMemoryBufferCreateInfo),
	       "the two differ only in their sType");

VkResult exportable_image_create(struct exportable_device *device,
				 const VkImageCreateInfo *info,
				 const VkAllocationCallbacks *allocator,
				 VkImage *image)
{
	VkExternalMemoryBufferCreateInfo external;
	VkImageCreateInfo request = *info;
	_cleanup_chain_ struct chain chain = {};
	int r = 0;

	if (device->physical->needed)
		r = resource_chain(
			&chain, info->pNext,
			VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_IMAGE_CREATE_INFO,
			image_kinds, ARRAY_SIZE(image_kinds), &external);
	if (r < 0)
		return VK_ERROR_OUT_OF_HOST_MEMORY;
	if (r)
		request.pNext = chain.head;
	return device->ops->create_image(device->handle, &request, allocator,
					 image);
}
