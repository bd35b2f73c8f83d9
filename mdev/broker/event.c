// SPDX-License-Identifier: MIT
#include "mdev/broker/event.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "mdev/broker/control.h"
#include "mdev/broker/host_gpu.h"
#include "mdev/broker/log.h"
#include "mdev/broker/vgpu.h"

#define TEXT_SIZE 384

const char *const event_names[EVENT_KINDS] = {
	[EVENT_SNAPSHOT] = "snapshot",
	[EVENT_CREATED] = "created",
	[EVENT_REMOVED] = "removed",
	[EVENT_CHANGED] = "changed",
	[EVENT_OPENED] = "opened",
	[EVENT_CLOSED] = "closed",
	[EVENT_BROKEN] = "broken",
	[EVENT_RECOVERED] = "recovered",
	[EVENT_DEVICE_STARTED] = "device-started",
	[EVENT_DEVICE_DIED] = "device-died",
	[EVENT_CONTEXT_JOINED] = "context-joined",
	[EVENT_CONTEXT_LEFT] = "context-left",
	[EVENT_CONTEXT_KILLED] = "context-killed",
	[EVENT_STOPPED] = "stopped",
	[EVENT_RESET] = "reset",
	[EVENT_VRAM_REFUSED] = "vram-refused",
	[EVENT_GPU_GONE] = "gpu-gone",
	[EVENT_GPU_BACK] = "gpu-back",
};

/* Contexts come and go with every program: too many lines for a journal. */
static int priority(enum event_kind kind)
{
	switch (kind) {
	case EVENT_CONTEXT_JOINED:
	case EVENT_CONTEXT_LEFT:
	case EVENT_VRAM_REFUSED:
		return LOG_DEBUG;
	case EVENT_BROKEN:
	case EVENT_DEVICE_DIED:
	case EVENT_CONTEXT_KILLED:
	case EVENT_STOPPED:
	case EVENT_GPU_GONE:
		return LOG_WARNING;
	default:
		return LOG_INFO;
	}
}

void event_init(struct event *event, enum event_kind kind, const char *gpu,
		const char *uuid, pid_t pid, const char *text)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	*event = (struct event){
		.kind = kind,
		.time_us = now.tv_sec * 1000000ull + now.tv_nsec / 1000,
		.gpu = gpu,
		.uuid = uuid,
		.pid = pid,
		.text = text,
	};
}

static void tell(struct broker *broker, const struct event *event)
{
	log_line(priority(event->kind), event->gpu, event->uuid, "%s: %s",
		 event_names[event->kind], event->text);
	control_event(broker, event);
}

void event_vgpu(const struct vgpu *vgpu, enum event_kind kind, pid_t pid,
		const char *format, ...)
{
	char text[TEXT_SIZE];
	struct event event;
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	event_init(&event, kind, vgpu->gpu->gpu->address, vgpu->uuid, pid,
		   text);
	tell(vgpu->gpu->broker, &event);
}

void event_gpu(const struct host_gpu *gpu, enum event_kind kind,
	       const char *format, ...)
{
	char text[TEXT_SIZE];
	struct event event;
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	event_init(&event, kind, gpu->gpu->address, NULL, 0, text);
	tell(gpu->broker, &event);
}
