/* SPDX-License-Identifier: MIT */
/*
 * The gate as the only Vulkan driver that a process can see: it loads the real
 * driver and hands on what it has no interest in. Without the real driver, the
 * door or the arbiter's consent there is no Vulkan at all.
 *
 * The library of the real driver is loaded once and stays. Locking: a once.
 */
#ifndef TRANCHE_GATE_ICD_H
#define TRANCHE_GATE_ICD_H

#include <stdbool.h>

/* Names the library of the real driver. */
#define ICD_DRIVER_ENVIRONMENT "TRANCHE_GATE_DRIVER"

/* icd_is_used() - Whether this process uses the gate as its driver */
bool icd_is_used(void);

#endif
