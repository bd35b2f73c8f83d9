// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "internal.h"

#define SHARE_WHOLE 65536
#define KILL_NS_MIN ((uint64_t)1000000)
#define KILL_NS_MAX ((uint64_t)3600000000000)

/* A leaf is ready while it wants; others while somebody below them is. */
bool entity_is_ready(struct tsched_entity *entity)
{
	if (entity_is_leaf(entity))
		return entity->flags & ENTITY_WANTS;
	return entity->queue.tree.root;
}

/* Enter the competition, and with it everything above that was asleep. */
void entity_activate(struct tsched_entity *entity)
{
	for (; entity; entity = entity->parent) {
		if (avl_is_linked(&entity->node) || entity_is_current(entity))
			return;
		entity->due_ns = max_u64(entity->due_ns, entity->gpu->now_ns);
		if (!cap_left(entity)) {
			cap_throttle(entity);
			return;
		}
		queue_join(entity);
	}
}

/* Leave the competition, and with it everything above that is left empty. */
void entity_deactivate(struct tsched_entity *entity)
{
	for (; entity && !entity_is_ready(entity); entity = entity->parent) {
		if (entity->flags & ENTITY_THROTTLED ||
		    entity_is_current(entity) || !avl_is_linked(&entity->node))
			return;
		queue_remove(entity);
		queue_leave(entity);
	}
}

static uint32_t entity_weight(const struct tsched_entity *entity)
{
	enum tsched_policy policy = entity->gpu->config.policy;

	if (entity->kind == TSCHED_CONTEXT)
		return entity->weight;
	if (policy == TSCHED_EQUAL)
		return entity->kind == TSCHED_VGPU ? 1 : entity->vgpus + 1;
	if (policy == TSCHED_FIXED)
		return entity->share + 1;
	return entity->weight;
}

/* Let changed settings take effect on an entity in whatever state it is. */
void entity_refresh(struct tsched_entity *entity)
{
	bool throttled = entity->flags & ENTITY_THROTTLED;
	bool queued = !throttled && avl_is_linked(&entity->node);
	uint32_t weight = entity_weight(entity);

	if (queued)
		queue_remove(entity);
	if (weight != entity->weight_now)
		queue_reweigh(entity, weight);
	if (queued && cap_left(entity)) {
		queue_insert(entity);
	} else if (queued) {
		cap_throttle(entity);
		queue_leave(entity);
		entity_deactivate(entity->parent);
	} else if (throttled) {
		/* Back to the queue, or to a new end of its throttling. */
		cap_unthrottle(entity);
	}
}

/* Tell those above a vGPU how much of them it is. */
static void vgpu_count(struct tsched_entity *vgpu, int sign)
{
	struct tsched_entity *tenant = vgpu->parent;

	vgpu->share = SHARE_WHOLE / vgpu->instances;
	vgpu->gpu->vgpus += sign;
	if (!tenant)
		return;
	tenant->vgpus += sign;
	tenant->share += sign * (int32_t)vgpu->share;
	entity_refresh(tenant);
}

static bool kind_fits(enum tsched_kind kind, const struct tsched_entity *parent)
{
	switch (kind) {
	case TSCHED_TENANT:
		return !parent;
	case TSCHED_VGPU:
		return !parent || parent->kind == TSCHED_TENANT;
	case TSCHED_CONTEXT:
		return parent && parent->kind == TSCHED_VGPU;
	default:
		return false;
	}
}

static int parent_check(struct tsched_gpu *gpu, enum tsched_kind kind,
			struct tsched_entity *parent)
{
	if (!kind_fits(kind, parent))
		return -EINVAL;
	if (kind == TSCHED_VGPU && gpu->vgpus == UINT16_MAX)
		return -ENOSPC;
	if (!parent)
		return 0;
	if (parent->gpu != gpu)
		return -EINVAL;
	if (parent->children == UINT16_MAX)
		return -ENOSPC;
	if (entity_is_leaf(parent) &&
	    (entity_is_busy(parent) || gpu->holder == parent ||
	     avl_is_linked(&parent->node)))
		return -EBUSY;
	return 0;
}

static void list_add(struct tsched_entity *entity)
{
	struct tsched_gpu *gpu = entity->gpu;

	entity->next = gpu->entities;
	if (entity->next)
		entity->next->prev = entity;
	gpu->entities = entity;
}

static void list_remove(struct tsched_entity *entity)
{
	if (entity->next)
		entity->next->prev = entity->prev;
	if (entity->prev)
		entity->prev->next = entity->next;
	else
		entity->gpu->entities = entity->next;
}

int tsched_entity_add(struct tsched_gpu *gpu, struct tsched_entity *entity,
		      enum tsched_kind kind, struct tsched_entity *parent,
		      uint64_t now_ns)
{
	int r = parent_check(gpu, kind, parent);

	if (r)
		return r;
	gpu_advance(gpu, now_ns);
	*entity = (struct tsched_entity){
		.gpu = gpu,
		.parent = parent,
		.kind = kind,
		.weight = TSCHED_WEIGHT_DEFAULT,
		.cap = TSCHED_WHOLE,
		.instances = 1,
		.kill_us = gpu->config.kill_ns / 1000,
		.cap_period = gpu->now_ns / gpu->config.cap_period_ns,
	};
	list_add(entity);
	if (parent)
		parent->children++;
	if (kind == TSCHED_VGPU)
		vgpu_count(entity, 1);
	entity->weight_now = entity_weight(entity);
	entity->start = queue_of(entity)->floor;
	queue_note_leave(entity, entity->start);
	return 0;
}

int tsched_entity_remove(struct tsched_entity *entity, uint64_t now_ns)
{
	struct tsched_gpu *gpu = entity->gpu;

	if (!gpu)
		return -EINVAL;
	if (entity->children)
		return -EBUSY;
	gpu_advance(gpu, now_ns);
	entity->flags &= ~ENTITY_WANTS;
	patience_update(entity);
	if (gpu->holder == entity)
		hold_finish(gpu);
	patience_leave(entity);
	entity_deactivate(entity);
	if (entity->flags & ENTITY_THROTTLED)
		avl_remove(&gpu->throttled, &entity->node);
	if (avl_is_linked(&entity->watch))
		avl_remove(&gpu->watched, &entity->watch);
	/* Lowering a reservation to nothing can't be refused. */
	reserve_set(entity, 0);
	if (entity->kind == TSCHED_VGPU)
		vgpu_count(entity, -1);
	if (entity->parent)
		entity->parent->children--;
	gpu->urgent -= !!entity->latency;
	list_remove(entity);
	entity->gpu = NULL;
	return 0;
}

int tsched_entity_set_weight(struct tsched_entity *entity, uint32_t weight,
			     uint64_t now_ns)
{
	if (weight < TSCHED_WEIGHT_MIN || weight > TSCHED_WEIGHT_MAX)
		return -EINVAL;
	gpu_advance(entity->gpu, now_ns);
	entity->weight = weight;
	entity_refresh(entity);
	return 0;
}

int tsched_entity_set_cap(struct tsched_entity *entity, uint32_t permille,
			  uint64_t now_ns)
{
	if (!permille || permille > TSCHED_WHOLE ||
	    permille < reserve_needed(entity))
		return -EINVAL;
	gpu_advance(entity->gpu, now_ns);
	entity->cap = permille;
	entity_refresh(entity);
	return 0;
}

int tsched_entity_set_reservation(struct tsched_entity *entity,
				  uint32_t permille, uint64_t now_ns)
{
	int r;

	if (permille > TSCHED_WHOLE)
		return -EINVAL;
	gpu_advance(entity->gpu, now_ns);
	r = reserve_set(entity, permille);
	if (r)
		return r;
	entity->due_ns = entity->gpu->now_ns;
	entity_refresh(entity);
	return 0;
}

int tsched_entity_set_latency(struct tsched_entity *entity,
			      enum tsched_latency latency, uint64_t now_ns)
{
	if (latency >= TSCHED_LATENCIES)
		return -EINVAL;
	gpu_advance(entity->gpu, now_ns);
	entity->gpu->urgent += !!latency - !!entity->latency;
	entity->latency = latency;
	entity_refresh(entity);
	return 0;
}

int tsched_entity_set_instances(struct tsched_entity *entity,
				uint32_t instances, uint64_t now_ns)
{
	if (entity->kind != TSCHED_VGPU || !instances ||
	    instances > TSCHED_INSTANCES_MAX)
		return -EINVAL;
	gpu_advance(entity->gpu, now_ns);
	vgpu_count(entity, -1);
	entity->instances = instances;
	vgpu_count(entity, 1);
	entity_refresh(entity);
	return 0;
}

int tsched_entity_set_kill_limit(struct tsched_entity *entity, uint64_t kill_ns,
				 uint64_t now_ns)
{
	struct tsched_gpu *gpu = entity->gpu;

	if (kill_ns < KILL_NS_MIN || kill_ns > KILL_NS_MAX)
		return -EINVAL;
	gpu_advance(gpu, now_ns);
	entity->kill_us = kill_ns / 1000;
	if (!avl_is_linked(&entity->watch))
		return 0;
	avl_remove(&gpu->watched, &entity->watch);
	avl_insert(&gpu->watched, &entity->watch,
		   entity->run_since + entity_kill_ns(entity), 0);
	return 0;
}

/* From here on an entity with nothing queued and nothing in flight is idle. */
void entity_gap_begin(struct tsched_entity *entity)
{
	if (entity_is_busy(entity))
		return;
	entity->flags |= ENTITY_GAP;
	entity->state_since = entity->gpu->now_ns;
}

/* The gap between a completion and the next work is over. */
void entity_gap_end(struct tsched_entity *entity)
{
	if (entity->flags & ENTITY_GAP)
		estimate_add(&entity->gaps,
			     entity->gpu->now_ns - entity->state_since);
	entity->flags &= ~ENTITY_GAP;
}

int tsched_entity_want(struct tsched_entity *entity, uint64_t now_ns)
{
	struct tsched_gpu *gpu = entity->gpu;

	if (!gpu || !entity_is_leaf(entity))
		return -EINVAL;
	gpu_advance(gpu, now_ns);
	if (entity->flags & ENTITY_WANTS)
		return 0;
	entity_gap_end(entity);
	entity->flags |= ENTITY_WANTS;
	entity->state_since = gpu->now_ns;
	patience_update(entity);
	entity_activate(entity);
	return 0;
}

int tsched_entity_idle(struct tsched_entity *entity, uint64_t now_ns)
{
	struct tsched_gpu *gpu = entity->gpu;

	if (!gpu || !entity_is_leaf(entity))
		return -EINVAL;
	gpu_advance(gpu, now_ns);
	if (!(entity->flags & ENTITY_WANTS))
		return 0;
	entity->flags &= ~ENTITY_WANTS;
	patience_update(entity);
	entity_gap_begin(entity);
	entity_deactivate(entity);
	return 0;
}
