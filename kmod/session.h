/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TRANCHE_SESSION_H
#define TRANCHE_SESSION_H

#include <linux/kref.h>

#include "call.h"
#include "doorbell.h"

struct tranche_vgpu;

/**
 * struct tranche_session - a device process's hold on a vGPU
 * @ref: one by its file, one by the vGPU it serves
 * @vgpu: the vGPU; referenced
 * @calls: messages
 * @doorbells: doorbells
 */
struct tranche_session {
	struct kref ref;
	struct tranche_vgpu *vgpu;
	struct tranche_calls calls;
	struct tranche_doorbells doorbells;
};

static inline struct tranche_session *
tranche_session_get(struct tranche_session *session)
{
	kref_get(&session->ref);
	return session;
}

void tranche_session_put(struct tranche_session *session);
long tranche_session_open(struct tranche_vgpu *vgpu, bool replace,
			  __s32 __user *user_fd);

#endif /* TRANCHE_SESSION_H */
