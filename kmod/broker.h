/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TRANCHE_BROKER_H
#define TRANCHE_BROKER_H

#include <linux/completion.h>
#include <linux/fs.h>
#include <linux/list.h>

#include "uapi/tranche.h"

struct tranche_broker;

/**
 * struct tranche_notice - an event that nobody waits for
 * @entry: in the broker's queue; empty when it is not queued
 * @event: what the broker reads
 * @last: it is the broker's once it was queued, and freed when it was read
 */
struct tranche_notice {
	struct list_head entry;
	struct tranche_event event;
	bool last;
};

void tranche_notice_init(struct tranche_notice *notice, u32 kind);
struct tranche_notice *tranche_notice_last(u32 kind);

struct tranche_broker *tranche_broker_get(struct tranche_broker *broker);
void tranche_broker_put(struct tranche_broker *broker);

void tranche_broker_tell(struct tranche_broker *broker,
			 struct tranche_notice *notice);
void tranche_broker_forget(struct tranche_broker *broker,
			   struct tranche_notice *notice);
int tranche_broker_ask(struct tranche_broker *broker,
		       const struct tranche_event *event,
		       unsigned int timeout_ms);

extern const struct file_operations tranche_broker_fops;

#endif /* TRANCHE_BROKER_H */
