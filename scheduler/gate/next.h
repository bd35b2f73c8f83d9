/* SPDX-License-Identifier: MIT */
/*
 * The functions below the gate: of the driver when the gate is the process's
 * Vulkan driver, of the next layer when it is a layer.
 *
 * Each name stands once in a list; the tables and the loading follow from it.
 * A function that the instance or device does not have is NULL. Where a
 * function became core later, the name of its extension is tried second.
 *
 * Ownership: tables are parts of their instance or device and constant after
 * loading. Locking: none needed.
 */
#ifndef TRANCHE_GATE_NEXT_H
#define TRANCHE_GATE_NEXT_H

#include <vulkan/vulkan.h>

/* member, name without vk, name without vk as an extension */
#define NEXT_INSTANCE_FUNCTIONS(X)                                  \
	X(destroy, DestroyInstance, DestroyInstance)                \
	X(create_device, CreateDevice, CreateDevice)                \
	X(get_device_proc, GetDeviceProcAddr, GetDeviceProcAddr)    \
	X(enumerate_devices, EnumeratePhysicalDevices,              \
	  EnumeratePhysicalDevices)                                 \
	X(enumerate_groups, EnumeratePhysicalDeviceGroups,          \
	  EnumeratePhysicalDeviceGroupsKHR)                         \
	X(enumerate_extensions, EnumerateDeviceExtensionProperties, \
	  EnumerateDeviceExtensionProperties)                       \
	X(get_properties, GetPhysicalDeviceProperties,              \
	  GetPhysicalDeviceProperties)                              \
	X(get_properties2, GetPhysicalDeviceProperties2,            \
	  GetPhysicalDeviceProperties2KHR)                          \
	X(get_features2, GetPhysicalDeviceFeatures2,                \
	  GetPhysicalDeviceFeatures2KHR)                            \
	X(get_families, GetPhysicalDeviceQueueFamilyProperties,     \
	  GetPhysicalDeviceQueueFamilyProperties)                   \
	X(get_memory, GetPhysicalDeviceMemoryProperties,            \
	  GetPhysicalDeviceMemoryProperties)                        \
	X(get_memory2, GetPhysicalDeviceMemoryProperties2,          \
	  GetPhysicalDeviceMemoryProperties2KHR)

#define NEXT_DEVICE_FUNCTIONS(X)                                              \
	X(destroy, DestroyDevice, DestroyDevice)                              \
	X(get_queue, GetDeviceQueue, GetDeviceQueue)                          \
	X(get_queue2, GetDeviceQueue2, GetDeviceQueue2)                       \
	X(submit, QueueSubmit, QueueSubmit)                                   \
	X(submit2, QueueSubmit2, QueueSubmit2KHR)                             \
	X(bind_sparse, QueueBindSparse, QueueBindSparse)                      \
	X(present, QueuePresentKHR, QueuePresentKHR)                          \
	X(allocate, AllocateMemory, AllocateMemory)                           \
	X(free, FreeMemory, FreeMemory)                                       \
	X(create_queries, CreateQueryPool, CreateQueryPool)                   \
	X(destroy_queries, DestroyQueryPool, DestroyQueryPool)                \
	X(create_commands, CreateCommandPool, CreateCommandPool)              \
	X(destroy_commands, DestroyCommandPool, DestroyCommandPool)           \
	X(allocate_commands, AllocateCommandBuffers, AllocateCommandBuffers)  \
	X(begin_commands, BeginCommandBuffer, BeginCommandBuffer)             \
	X(end_commands, EndCommandBuffer, EndCommandBuffer)                   \
	X(reset_queries, CmdResetQueryPool, CmdResetQueryPool)                \
	X(write_stamp, CmdWriteTimestamp, CmdWriteTimestamp)                  \
	X(copy_queries, CmdCopyQueryPoolResults, CmdCopyQueryPoolResults)     \
	X(barrier, CmdPipelineBarrier, CmdPipelineBarrier)                    \
	X(create_buffer, CreateBuffer, CreateBuffer)                          \
	X(destroy_buffer, DestroyBuffer, DestroyBuffer)                       \
	X(get_buffer_needs, GetBufferMemoryRequirements,                      \
	  GetBufferMemoryRequirements)                                        \
	X(bind_buffer, BindBufferMemory, BindBufferMemory)                    \
	X(map, MapMemory, MapMemory)                                          \
	X(create_semaphore, CreateSemaphore, CreateSemaphore)                 \
	X(destroy_semaphore, DestroySemaphore, DestroySemaphore)              \
	X(signal_semaphore, SignalSemaphore, SignalSemaphoreKHR)              \
	X(wait_semaphores, WaitSemaphores, WaitSemaphoresKHR)                 \
	X(get_counter, GetSemaphoreCounterValue, GetSemaphoreCounterValueKHR) \
	X(get_semaphore_fd, GetSemaphoreFdKHR, GetSemaphoreFdKHR)             \
	X(get_fence_fd, GetFenceFdKHR, GetFenceFdKHR)                         \
	X(create_fence, CreateFence, CreateFence)                             \
	X(destroy_fence, DestroyFence, DestroyFence)                          \
	X(wait_fences, WaitForFences, WaitForFences)                          \
	X(reset_fences, ResetFences, ResetFences)                             \
	X(get_fence, GetFenceStatus, GetFenceStatus)

#define NEXT_MEMBER(member, name, extension) PFN_vk##name member;

struct next_instance {
	NEXT_INSTANCE_FUNCTIONS(NEXT_MEMBER)
};

struct next_device {
	NEXT_DEVICE_FUNCTIONS(NEXT_MEMBER)
};

void next_instance_load(struct next_instance *next,
			PFN_vkGetInstanceProcAddr get, VkInstance instance);
void next_device_load(struct next_device *next, PFN_vkGetDeviceProcAddr get,
		      VkDevice device);

#endif
