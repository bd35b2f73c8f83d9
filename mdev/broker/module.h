/* SPDX-License-Identifier: MIT */
/*
 * The control descriptor of tranche.ko, kmod/uapi/tranche.h, with negative
 * errnos.
 *
 * Stateless: the caller owns the descriptor. Locking: none.
 */
#ifndef BROKER_MODULE_H
#define BROKER_MODULE_H

#include <stdbool.h>
#include <stdint.h>

#include "kmod/uapi/tranche.h"

/* module_open - Return: the control descriptor; -ENOENT without the module */
int module_open(void);

/**
 * module_register - make a GPU a parent whose vGPUs have the settings.h files
 * @control: descriptor
 * @address: of the GPU, and the name of the parent
 * @capacity: bytes of video memory that its vGPUs share
 * @types: with the first values of settings
 * @count: how many
 * @parent: its number
 *
 * Return: 0; -EEXIST: attach to it instead; another negative errno.
 */
int module_register(int control, const char *address, uint64_t capacity,
		    const struct tranche_type *types, uint32_t count,
		    uint32_t *parent);

int module_attach(int control, const char *address, uint32_t *parent,
		  uint32_t *vgpus);
int module_unregister(int control, uint32_t parent);

/* module_event - Return: 0; -EAGAIN when there is none */
int module_event(int control, struct tranche_event *event);
void module_answer(int control, uint64_t id, int error);

/**
 * module_vgpu_attach - a descriptor to serve a vGPU by
 * @control: descriptor
 * @uuid: of the vGPU
 * @replace: take it from whoever has it
 *
 * Return: the descriptor, close-on-exec, or a negative errno.
 */
int module_vgpu_attach(int control, const char *uuid, bool replace);
int module_query(int control, const char *uuid,
		 struct tranche_vgpu_query *query);

#endif
