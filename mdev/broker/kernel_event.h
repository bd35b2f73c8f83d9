/* SPDX-License-Identifier: MIT */
/*
 * What the module tells the broker: vGPUs that are made, set, opened, broken
 * and removed, by whatever tool. Verdicts are given at once.
 *
 * Stateless. Locking: the event loop's thread only.
 */
#ifndef BROKER_KERNEL_EVENT_H
#define BROKER_KERNEL_EVENT_H

struct broker;

/* kernel_events_take - handle all that wait */
void kernel_events_take(struct broker *broker);

/**
 * kernel_programs_restore - enrolled programs of an earlier broker, and what is
 * left of vGPUs that went meanwhile
 * @broker: after all existing vGPUs were told of
 */
void kernel_programs_restore(struct broker *broker);

#endif
