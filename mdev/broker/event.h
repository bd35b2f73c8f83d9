/* SPDX-License-Identifier: MIT */
/*
 * What happens, told to everybody who listens: one line for the journal, one
 * message for each watcher of the control socket.
 *
 * Stateless. Locking: the event loop's thread only.
 */
#ifndef BROKER_EVENT_H
#define BROKER_EVENT_H

#include <stdint.h>
#include <sys/types.h>

struct broker;
struct host_gpu;
struct vgpu;

enum event_kind {
	EVENT_SNAPSHOT,
	EVENT_CREATED,
	EVENT_REMOVED,
	EVENT_CHANGED,
	EVENT_OPENED,
	EVENT_CLOSED,
	EVENT_BROKEN,
	EVENT_RECOVERED,
	EVENT_DEVICE_STARTED,
	EVENT_DEVICE_DIED,
	EVENT_CONTEXT_JOINED,
	EVENT_CONTEXT_LEFT,
	EVENT_CONTEXT_KILLED,
	EVENT_STOPPED,
	EVENT_RESET,
	EVENT_VRAM_REFUSED,
	EVENT_GPU_GONE,
	EVENT_GPU_BACK,
	EVENT_KINDS,
};

/**
 * struct event - one of them
 * @kind: what
 * @time_us: CLOCK_REALTIME
 * @gpu: address, or NULL
 * @uuid: of the vGPU, or NULL
 * @pid: of the process, or 0
 * @text: one line for people
 */
struct event {
	enum event_kind kind;
	uint64_t time_us;
	const char *gpu;
	const char *uuid;
	pid_t pid;
	const char *text;
};

extern const char *const event_names[EVENT_KINDS];

/* event_init - one that happens now */
void event_init(struct event *event, enum event_kind kind, const char *gpu,
		const char *uuid, pid_t pid, const char *text);

/* event_vgpu - tell of a vGPU */
void event_vgpu(const struct vgpu *vgpu, enum event_kind kind, pid_t pid,
		const char *format, ...) __attribute__((format(printf, 4, 5)));

/* event_gpu - tell of a GPU */
void event_gpu(const struct host_gpu *gpu, enum event_kind kind,
	       const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
