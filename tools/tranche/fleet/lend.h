/* SPDX-License-Identifier: MIT */
/*
 * vGPUs for a fleet, and how their GPU is shared, lent by the broker over one
 * link: made transient, so that they end with it. vGPUs outlive a broker that ends
 * and end with this program then; a policy does not. What goes wrong is told.
 * Stateless.
 */
#ifndef TRANCHE_FLEET_LEND_H
#define TRANCHE_FLEET_LEND_H

#include <stdint.h>

#include "tools/tranche/fleet/link.h"

#define LEND_TEXT 128
#define LEND_UUID 37

struct lend_gpu {
	char address[LEND_TEXT];
	char name[LEND_TEXT]; /* by PCI */
	char driver[LEND_TEXT]; /* of the kernel */
	char vulkan[LEND_TEXT];
	char vulkan_driver[LEND_TEXT];
	char policy[LEND_TEXT];
	uint64_t vram;
	uint64_t vram_free;
};

/**
 * lend_gpu_find - the GPU to use
 * @link: to the broker
 * @address: which; NULL: the first that vGPUs can be made on
 * @gpu: filled in
 *
 * Return: 0 or a negative errno.
 */
int lend_gpu_find(struct link *link, const char *address, struct lend_gpu *gpu);

/**
 * lend_type_find - the largest type of which there is enough
 * @link: to the broker
 * @gpu: address of the GPU
 * @count: how many vGPUs of it are to be made
 * @type: gets its name
 *
 * Return: 0 or a negative errno.
 */
int lend_type_find(struct link *link, const char *gpu, unsigned int count,
		   char type[static LEND_TEXT]);

/**
 * lend_vgpu - make one
 * @link: to the broker; the vGPU ends with it
 * @gpu: address of the GPU
 * @type: name of the type
 * @name: for people
 * @weight: against the others
 * @uuid: gets its name
 *
 * Return: 0 or a negative errno.
 */
int lend_vgpu(struct link *link, const char *gpu, const char *type,
	      const char *name, unsigned int weight,
	      char uuid[static LEND_UUID]);

/* lend_return - remove it */
int lend_return(struct link *link, const char *uuid);

/**
 * lend_set - change a setting
 * @link: to the broker
 * @uuid: of the vGPU
 * @setting: a whole number's name, as SetVgpu has it
 * @value: the number
 *
 * Return: 0 or a negative errno.
 */
int lend_set(struct link *link, const char *uuid, const char *setting,
	     uint64_t value);

/**
 * lend_policy - share a GPU by another policy
 * @link: to the broker; with it the policy that was set before comes back
 * @gpu: address of the GPU
 * @policy: its name
 *
 * Return: 0 or a negative errno.
 */
int lend_policy(struct link *link, const char *gpu, const char *policy);

#endif
