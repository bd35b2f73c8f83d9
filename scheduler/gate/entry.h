/* SPDX-License-Identifier: MIT */
/*
 * The names under which the gate's functions are found. The loader asks an ICD
 * and a layer in the same way; they differ in what is below them.
 *
 * Locking: none needed, all is constant.
 */
#ifndef TRANCHE_GATE_ENTRY_H
#define TRANCHE_GATE_ENTRY_H

#include <vulkan/vulkan.h>

#define ENTRY_EXPORT __attribute__((visibility("default")))

/* A function and its Vulkan name. */
struct entry {
	const char *name;
	PFN_vkVoidFunction function;
};

#define ENTRY(name, function) {name, (PFN_vkVoidFunction)(function)}

PFN_vkVoidFunction entry_find(const struct entry *entries, size_t count,
			      const char *name);

/**
 * entry_instance() - A function of the gate that concerns physical devices or
 * instances, or a device
 * @name:	Vulkan's
 *
 * Return: NULL when the gate has no interest in it.
 */
PFN_vkVoidFunction entry_instance(const char *name);

/* entry_physical() - Of entry_instance(), those that take a physical device */
PFN_vkVoidFunction entry_physical(const char *name);

/**
 * entry_device() - A function of the gate that concerns a device
 * @name:	Vulkan's
 *
 * Return: NULL when the gate has no interest in it.
 */
PFN_vkVoidFunction entry_device(const char *name);

/**
 * gate_GetDeviceProcAddr() - vkGetDeviceProcAddr
 * @handle:	the device
 * @name:	of the function
 *
 * Return: the gate's function if the device has it, or the next one's.
 */
VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL
gate_GetDeviceProcAddr(VkDevice handle, const char *name);

#endif
