/* SPDX-License-Identifier: MIT */
/*
 * stand.h - a broker for tests, and device processes at its command
 */
#ifndef TESTS_LAB_KMOD_STAND_H
#define TESTS_LAB_KMOD_STAND_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "kmod/uapi/tranche.h"

#define STAND_TYPE "one"
#define STAND_BIG "four"
#define STAND_CAPACITY 8

/**
 * struct stand - a broker
 * @control: its descriptor
 * @parent: number of its parent
 * @pci: address of the parent
 * @types: folder of its types in sysfs, up to the type's own name
 * @thread: answers events
 * @lock: protects what follows
 * @silent: do not answer
 * @verdict: for the next creations
 * @last: last state event
 * @existing: events with TRANCHE_EVENT_EXISTING
 * @removed: TRANCHE_EVENT_REMOVED
 * @gone: TRANCHE_EVENT_PARENT_GONE
 * @changed: called for each state event; may be NULL
 */
struct stand {
	int control;
	uint32_t parent;
	char pci[16];
	char types[128];
	pthread_t thread;
	pthread_mutex_t lock;
	bool silent;
	int verdict;
	struct tranche_event last;
	unsigned int existing;
	unsigned int removed;
	unsigned int gone;
	void (*changed)(struct stand *stand, const struct tranche_event *event);
};

void stand_pci(char *pci, size_t size);
void stand_begin(struct stand *stand, uint32_t timeout_ms);
int stand_attach(struct stand *stand);
void stand_end(struct stand *stand);
void stand_leave(struct stand *stand);

void stand_uuid(char *uuid);
int stand_create(struct stand *stand, const char *type, const char *uuid);
int stand_remove(const char *uuid);
int stand_available(struct stand *stand, const char *type);

int stand_serve(struct stand *stand, const char *uuid, uint32_t flags);
pid_t stand_device(struct stand *stand, const char *uuid, uint32_t flags);

int file_write(const char *path, const char *value);
int file_read(const char *path, char *value, size_t size);

#endif /* TESTS_LAB_KMOD_STAND_H */
