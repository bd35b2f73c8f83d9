// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Competition among siblings, in virtual time.
 *
 * Each sibling has a start tag S: the service it had, divided by its weight.
 * It is eligible while S is not past the weighted mean of those competing,
 * that is, while it had no more than its share; of the eligible, the one with
 * the earliest virtual deadline is served.
 *
 * The deadline is S - (q - r)/w, where q is the full slice and r the slice the
 * entity asks for. EEVDF's S + r/w differs from it by q/w. This form makes
 * requests of full length compete by S alone whatever their weights, and lets
 * a short request run ahead by no more than the part of a slice it forgoes.
 * Either way of choosing f over m (f's deadline is not later, or m is not
 * eligible and f is) leaves S_f - S_m <= (q + L_f)/w_f after the hold, and so
 * for any two siblings that stay in the queue, at every moment,
 *
 *   |H_f/w_f - H_m/w_m| <= (q + L_f)/w_f + (q + L_m)/w_m.
 *
 * EEVDF's own deadlines do not: with unequal weights they allow up to
 * (2q + L_f)/w_f on the lighter side.
 *
 * The queue's virtual time is `floor`: the least start tag of those competing,
 * as far as it ever got. Nobody who comes is placed before it, except by the
 * credit it had left with.
 */
#include "internal.h"

#define NS_PER_MS ((uint64_t)1000000)
#define VTIME_SHIFT 10
#define VTIME_NS_MAX ((uint64_t)1 << 52)

uint64_t vtime_of(uint64_t ns, uint64_t weight)
{
	return (min_u64(ns, VTIME_NS_MAX) << VTIME_SHIFT) / weight;
}

static uint64_t entity_deadline(const struct tsched_entity *entity)
{
	uint64_t forgone = entity->gpu->config.slice_ns - entity_slice(entity);

	if (!forgone)
		return entity->start;
	return entity->start - vtime_of(forgone, entity->weight_now);
}

static __int128 entity_weighted(const struct tsched_entity *entity,
				const struct tsched_queue *queue)
{
	return (__int128)(int64_t)(entity->start - queue->floor) *
	       entity->weight_now;
}

/* The least start tag of those competing; @otherwise, if nobody does. */
static uint64_t queue_least(const struct tsched_queue *queue,
			    uint64_t otherwise)
{
	const struct avl_node *root = queue->tree.root;

	if (!queue->curr)
		return root ? root->value_min : otherwise;
	if (root && avl_before(root->value_min, queue->curr->start))
		return root->value_min;
	return queue->curr->start;
}

static void floor_advance(struct tsched_queue *queue)
{
	uint64_t least = queue_least(queue, queue->floor);

	if (!avl_before(queue->floor, least))
		return;
	queue->weighted_sum -=
		(__int128)(least - queue->floor) * queue->weight_sum;
	queue->floor = least;
}

void queue_insert(struct tsched_entity *entity)
{
	struct tsched_queue *queue = queue_of(entity);

	avl_insert(&queue->tree, &entity->node, entity_deadline(entity),
		   entity->start);
	queue->weight_sum += entity->weight_now;
	queue->weighted_sum += entity_weighted(entity, queue);
	floor_advance(queue);
	reserve_insert(entity);
}

void queue_remove(struct tsched_entity *entity)
{
	struct tsched_queue *queue = queue_of(entity);

	reserve_remove(entity);
	avl_remove(&queue->tree, &entity->node);
	queue->weight_sum -= entity->weight_now;
	queue->weighted_sum -= entity_weighted(entity, queue);
}

/* Wraps after 49 days, which then count as a short absence. */
static uint32_t now_ms(const struct tsched_gpu *gpu)
{
	return (uint32_t)(gpu->now_ns / NS_PER_MS);
}

/* The most that may be owed to who left. */
static uint64_t credit_most(struct tsched_entity *entity)
{
	return max_u64(vtime_of(entity_slice(entity), entity->weight_now),
		       queue_of(entity)->hold_max);
}

/*
 * How much further virtual time went during an absence than serving others can
 * move it: it leaps when only one is left that is far ahead, and who was away for
 * that moment, or goes away for another one later, must not be put there while
 * others return to where they were.
 */
static uint64_t leap(struct tsched_entity *entity)
{
	const struct tsched_queue *queue = queue_of(entity);
	uint32_t away_ms = now_ms(entity->gpu) - entity->left_ms + 1;
	uint32_t weight = entity->weight_now;
	uint64_t served;

	if (queue->curr && queue->curr->weight_now < weight)
		weight = queue->curr->weight_now;
	served = vtime_of(away_ms * NS_PER_MS, weight);
	if (!avl_before(entity->left_least + served, queue->floor))
		return 0;
	return queue->floor - entity->left_least - served;
}

/*
 * Enter after an absence. What was served meanwhile it did not want, so it
 * starts at the present virtual time; what it was owed when it left it is
 * still owed; and if it owes, its own tag is the later one and stands.
 */
void queue_join(struct tsched_entity *entity)
{
	uint64_t credit, place;

	floor_advance(queue_of(entity));
	credit = min_u64(entity->owed + leap(entity), credit_most(entity));
	place = queue_of(entity)->floor - credit;
	if (avl_before(entity->start, place)) {
		entity->start = place;
		entity->start_rem = 0;
	}
	entity->owed = 0;
	queue_insert(entity);
}

/* From now on it is away; @least: of the start tags of those who stay. */
void queue_note_leave(struct tsched_entity *entity, uint64_t least)
{
	entity->left_least = least;
	entity->left_ms = now_ms(entity->gpu);
}

/*
 * Note what an entity that goes is owed: its distance to the least served of
 * those who stay. A gap of microseconds after a sibling's long job must not
 * cost it that job's time. No more than one longest hold can be owed.
 */
void queue_leave(struct tsched_entity *entity)
{
	uint64_t least = queue_least(queue_of(entity), entity->start);

	entity->owed = 0;
	if (avl_before(entity->start, least))
		entity->owed =
			min_u64(least - entity->start, credit_most(entity));
	queue_note_leave(entity, least);
}

/*
 * Note a hold of @ns, @waited of them with others waiting. The limit on credit
 * follows the longest one and shrinks by what was served, shared among all who
 * compete, because that is how credit shrinks.
 */
void queue_note_hold(struct tsched_entity *entity, uint64_t ns, uint64_t waited)
{
	struct tsched_queue *queue = queue_of(entity);
	uint64_t weight = queue->weight_sum + entity->weight_now;
	uint64_t hold = vtime_of(waited, entity->weight_now);

	queue->hold_max -= min_u64(queue->hold_max, vtime_of(ns, weight));
	queue->hold_max = max_u64(queue->hold_max, hold);
}

/* Take the one that will hold, or is on the path to it, out of the order. */
void queue_take(struct tsched_entity *entity)
{
	queue_remove(entity);
	queue_of(entity)->curr = entity;
}

void queue_charge(struct tsched_entity *entity, uint64_t ns)
{
	uint64_t scaled =
		(min_u64(ns, VTIME_NS_MAX) << VTIME_SHIFT) + entity->start_rem;

	entity->start += scaled / entity->weight_now;
	entity->start_rem = scaled % entity->weight_now;
	floor_advance(queue_of(entity));
}

/* Scale @x by @num/@den without a product that overflows. */
static uint64_t scale(uint64_t x, uint32_t num, uint32_t den)
{
	return x / den * num + x % den * num / den;
}

/*
 * Change the weight. Debt stays what it is in GPU time. Credit stays what it
 * is in virtual time, because it measures what siblings had meanwhile. The
 * entity must be out of the tree.
 */
void queue_reweigh(struct tsched_entity *entity, uint32_t weight)
{
	uint64_t floor = queue_of(entity)->floor;

	if (avl_before(floor, entity->start))
		entity->start = floor + scale(entity->start - floor,
					      entity->weight_now, weight);
	entity->start_rem = 0;
	entity->weight_now = weight;
}

/* The competitors' weights, and their weighted distance from the floor. */
struct queue_mean {
	uint64_t weight;
	__int128 sum;
};

static struct queue_mean queue_mean(const struct tsched_queue *queue,
				    bool with_curr)
{
	struct queue_mean mean = {
		.weight = queue->weight_sum,
		.sum = queue->weighted_sum,
	};

	if (with_curr && queue->curr) {
		mean.weight += queue->curr->weight_now;
		mean.sum += entity_weighted(queue->curr, queue);
	}
	return mean;
}

static bool tag_is_eligible(const struct tsched_queue *queue,
			    const struct queue_mean *mean, uint64_t start)
{
	__int128 distance = (int64_t)(start - queue->floor);

	return distance * mean->weight <= mean->sum;
}

bool queue_is_eligible(struct tsched_entity *entity)
{
	struct tsched_queue *queue = queue_of(entity);
	struct queue_mean mean = queue_mean(queue, true);

	return tag_is_eligible(queue, &mean, entity->start);
}

/*
 * The earliest deadline among the eligible of the tree: go left wherever the
 * subtree holds an eligible start tag.
 */
static struct avl_node *tree_pick(const struct tsched_queue *queue,
				  const struct queue_mean *mean)
{
	struct avl_node *node = avl_first(&queue->tree);

	if (!node || tag_is_eligible(queue, mean, node->value))
		return node;
	node = queue->tree.root;
	while (node) {
		struct avl_node *left = node->child[0];

		if (left && tag_is_eligible(queue, mean, left->value_min))
			node = left;
		else if (tag_is_eligible(queue, mean, node->value))
			return node;
		else
			node = node->child[1];
	}
	return NULL;
}

/**
 * queue_pick() - who of the siblings is to be served next
 * @queue: the queue
 * @with_curr: whether the one being served competes to be served on
 *
 * Return: the sibling, NULL if there is none.
 */
struct tsched_entity *queue_pick(struct tsched_queue *queue, bool with_curr)
{
	struct queue_mean mean = queue_mean(queue, with_curr);
	struct tsched_entity *curr = with_curr ? queue->curr : NULL;
	struct avl_node *node = tree_pick(queue, &mean);

	if (!node)
		return curr;
	if (curr && tag_is_eligible(queue, &mean, curr->start) &&
	    avl_before(entity_deadline(curr), node->key))
		return curr;
	return entity_of(node, node);
}

/* GPU time the entity is short of the weighted mean; negative if ahead. */
int64_t queue_lag_ns(struct tsched_entity *entity)
{
	struct tsched_queue *queue = queue_of(entity);
	struct queue_mean mean = queue_mean(queue, true);
	__int128 lag = -(__int128)(int64_t)(entity->start - queue->floor);

	/* There is no 128-bit division here; a sum that long is of years. */
	if (mean.weight && mean.sum <= INT64_MAX && mean.sum >= INT64_MIN)
		lag += (int64_t)mean.sum / (int64_t)mean.weight;
	return (int64_t)(lag * entity->weight_now >> VTIME_SHIFT);
}
