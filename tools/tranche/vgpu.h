/* SPDX-License-Identifier: MIT */
/*
 * What several verbs say of a vGPU. Stateless.
 */
#ifndef TRANCHE_VGPU_H
#define TRANCHE_VGPU_H

#include <systemd/sd-json.h>

#define VGPU_VM_SIZE 128

/**
 * vgpu_vm - who uses it, such as "web-1 (4711)"
 * @text: where it goes
 * @vgpu: as ListVgpus has it
 *
 * Return: @text.
 */
const char *vgpu_vm(char text[static VGPU_VM_SIZE], sd_json_variant *vgpu);

#endif
