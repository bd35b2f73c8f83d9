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

#include "kmod/uapi/tranche.h"
#include "mdev/broker/types.h"

/* module_open - Return: the control descriptor; -ENOENT without the module */
int module_open(void);

/**
 * module_register - make a GPU a parent
 * @control: descriptor
 * @address: of the GPU, and the name of the parent
 * @table: its types
 * @window: bytes
 * @attributes: SETTINGS of them
 * @parent: its number
 *
 * Return: 0; -EEXIST: attach to it instead; another negative errno.
 */
int module_register(int control, const char *address,
		    const struct type_table *table, uint64_t window,
		    const struct tranche_attribute *attributes,
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
