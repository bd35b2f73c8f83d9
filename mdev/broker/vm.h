/* SPDX-License-Identifier: MIT */
/*
 * Which process has a vGPU open, and what it calls its machine. Found by
 * looking at who holds the vGPU's VFIO group or device file.
 *
 * Stateless. Locking: none.
 */
#ifndef BROKER_VM_H
#define BROKER_VM_H

#include <sys/types.h>

#define VM_NAME_SIZE 64

struct vm {
	pid_t pid; /* 0: unknown */
	char name[VM_NAME_SIZE];
};

/**
 * vm_find - look at what has it open now
 * @vm: filled in
 * @uuid: of the vGPU
 *
 * Return: 0; -ENOENT.
 */
int vm_find(struct vm *vm, const char *uuid);

/**
 * vm_name - the name that a VMM was given
 * @name: filled in
 * @arguments: its command line, strings that end with NUL
 * @length: of it
 *
 * Knows --name NAME and QEMU's -name guest=NAME,...; else the program's name.
 */
void vm_name(char name[VM_NAME_SIZE], const char *arguments, size_t length);

#endif
