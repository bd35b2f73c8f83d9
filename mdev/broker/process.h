/* SPDX-License-Identifier: MIT */
/*
 * The device process of a vGPU: started confined, watched by its pidfd, and
 * started again when it dies, a bounded number of times in a row.
 *
 * States:
 *
 *   none     process_start() -> running; process_adopt() -> running
 *   running  it dies -> waiting, or given up after too many deaths
 *   waiting  for the timer -> running
 *   given up process_reset() -> none
 *
 * Ownership: the vGPU owns it; the kernel keeps the process when the broker
 * dies. Locking: the event loop's thread only.
 */
#ifndef BROKER_PROCESS_H
#define BROKER_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

struct vgpu;

struct process {
	pid_t pid; /* 0: none runs */
	int pidfd;
	sd_event_source *watch;
	sd_event_source *timer; /* while waiting */
	uint64_t row_ns; /* when the present row of deaths began */
	unsigned int deaths; /* in the row */
	unsigned int restarts; /* ever */
	bool given_up;
};

/**
 * process_start - attach the vGPU and start its process
 * @vgpu: of which none runs
 *
 * Return: 0 or a negative errno.
 */
int process_start(struct vgpu *vgpu);

/* process_adopt - find the one of an earlier broker; -ENOENT */
int process_adopt(struct vgpu *vgpu);

/* process_ensure - start one unless one runs, is due or was given up */
void process_ensure(struct vgpu *vgpu);

/* process_reset - end the one there is and forget its deaths */
void process_reset(struct vgpu *vgpu);

/* process_stop - end it for ever */
void process_stop(struct vgpu *vgpu);

#endif
