/* SPDX-License-Identifier: MIT */
/*
 * Takes a PCI device from its driver, gives it to vfio-pci, and puts it back,
 * whatever happens: a process of its own does both, and puts the device back
 * when it is told to or when whoever asked is gone, by SIGKILL too.
 *
 * States: taken between rebind_take() and rebind_return().
 * Ownership: struct rebind owns the process. Locking: none.
 */
#ifndef TRANCHE_BENCH_REBIND_H
#define TRANCHE_BENCH_REBIND_H

#include <sys/types.h>

struct rebind {
	pid_t keeper;
	int hold; /* closed, it ends the keeper */
};

/**
 * rebind_take - give it to vfio-pci
 * @rebind: filled in
 * @address: of the device
 *
 * Return: 0; a negative errno: told, and the device is as it was.
 */
int rebind_take(struct rebind *rebind, const char *address);

/* rebind_return - put it back; 0 or a negative errno: told */
int rebind_return(struct rebind *rebind);

#endif
