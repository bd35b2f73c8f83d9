/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TRANCHE_MEMORY_H
#define TRANCHE_MEMORY_H

#include <linux/types.h>

struct tranche_session;
struct tranche_vgpu;

long tranche_memory_vector(struct tranche_vgpu *vgpu,
			   struct tranche_session *session, void __user *arg);
ssize_t tranche_memory_copy(struct tranche_vgpu *vgpu,
			    struct tranche_session *session, u64 iova,
			    char __user *buf, size_t count, bool write);

#endif /* TRANCHE_MEMORY_H */
