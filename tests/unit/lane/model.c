// SPDX-License-Identifier: MIT
#include "tests/unit/lane/model.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "scheduler/lane/lane_atomic.h"

#define STACK_BYTES 4096
#define PATH_MAX_STEPS 1000
#define SEEN_FIRST (1u << 16)
#define WORDS_MAX 3

enum thread_state {
	THREAD_READY,
	THREAD_SLEEPS, /* on a futex */
	THREAD_WAITS, /* for one of some words */
	THREAD_ENDED,
};

struct thread {
	ucontext_t context;
	enum thread_state state;
	bool daemon;
	uint64_t found; /* hash of what it found since its label */
	_Atomic uint32_t *futex;
	uint32_t *words[WORDS_MAX];
	unsigned int word_count;
	alignas(16) char stack[STACK_BYTES];
};

struct model {
	unsigned int count;
	unsigned int current;
	const char *failure;
	struct thread threads[MODEL_THREADS_MAX]; /* count of them */
};

/* One state on the way to the present one. */
struct level {
	struct model model;
	struct model_world world;
	unsigned int next; /* thread to try */
	unsigned int tried; /* thread that led on from here */
};

struct model_world world;

static struct model model;
static ucontext_t explorer;
static struct level *levels;
static bool in_thread; /* else in the explorer */

static struct {
	uint64_t *hashes;
	size_t size;
	size_t count;
} seen;

static struct thread *self(void)
{
	return &model.threads[model.current];
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = ((hash ^ value) + 1) * 0x9e3779b97f4a7c15u;
	return hash ^ hash >> 29;
}

static uint64_t mix_bytes(uint64_t hash, const void *bytes, size_t size)
{
	const char *at = bytes;
	uint64_t value;

	for (; size >= sizeof(value); size -= sizeof(value)) {
		memcpy(&value, at, sizeof(value));
		hash = mix(hash, value);
		at += sizeof(value);
	}
	return hash;
}

/* Where a thread is depends on what it found and how many steps it took. */
static void yield(void)
{
	struct thread *thread = self();

	thread->found = mix(thread->found, 0);
	swapcontext(&thread->context, &explorer);
}

void model_fail(const char *rule)
{
	model.failure = rule;
	if (in_thread)
		yield();
}

void model_label(uint64_t label)
{
	self()->found = mix(1, label);
}

void lane_model_step(void)
{
	yield();
}

void lane_model_found(uint64_t value)
{
	self()->found = mix(self()->found, value);
}

int lane_model_sleep(_Atomic uint32_t *word, uint32_t value)
{
	struct thread *thread = self();

	lane_model_step();
	if (atomic_load(word) != value) {
		lane_model_found(0);
		return 0;
	}
	thread->futex = word;
	thread->state = THREAD_SLEEPS;
	yield();
	lane_model_found(1);
	return 0;
}

void lane_model_wake(_Atomic uint32_t *word)
{
	unsigned int i;

	lane_model_step();
	for (i = 0; i < model.count; i++) {
		struct thread *thread = &model.threads[i];

		if (thread->state == THREAD_SLEEPS && thread->futex == word)
			thread->state = THREAD_READY;
	}
}

void lane_model_ring(int bell_fd)
{
	(void)bell_fd;
	lane_model_step();
	world.bell = 1;
}

uint64_t lane_model_now(void)
{
	if (world.timed)
		lane_model_step();
	lane_model_found(world.now_ns);
	return world.now_ns;
}

void model_wait(uint32_t *const *words, unsigned int count)
{
	struct thread *thread = self();

	memcpy(thread->words, words, count * sizeof(*words));
	thread->word_count = count;
	thread->state = THREAD_WAITS;
	yield();
	thread->state = THREAD_READY;
}

void model_kill(unsigned int index)
{
	model.threads[index].state = THREAD_ENDED;
}

static bool word_is_set(const struct thread *thread)
{
	unsigned int i;

	for (i = 0; i < thread->word_count; i++)
		if (*thread->words[i])
			return true;
	return false;
}

void model_lock(void)
{
	uint32_t *unlocked = &world.unlocked;

	lane_model_step();
	while (!world.unlocked)
		model_wait(&unlocked, 1);
	world.unlocked = 0;
}

void model_unlock(void)
{
	world.unlocked = 1;
}

static bool can_go_on(const struct thread *thread)
{
	return thread->state == THREAD_READY ||
	       (thread->state == THREAD_WAITS && word_is_set(thread));
}

static uint64_t state_hash(void)
{
	uint64_t hash = mix_bytes(1, &world, sizeof(world));
	unsigned int i;

	for (i = 0; i < model.count; i++) {
		hash = mix(hash, model.threads[i].found);
		hash = mix(hash, model.threads[i].state);
	}
	/* 0 marks a free place. */
	return hash ? hash : 1;
}

static void seen_put(uint64_t hash)
{
	size_t i = hash & (seen.size - 1);

	while (seen.hashes[i])
		i = (i + 1) & (seen.size - 1);
	seen.hashes[i] = hash;
}

static void seen_grow(void)
{
	uint64_t *old = seen.hashes;
	size_t old_size = seen.size;
	size_t i;

	seen.size = old_size ? 2 * old_size : SEEN_FIRST;
	seen.hashes = calloc(seen.size, sizeof(*seen.hashes));
	if (!seen.hashes)
		abort();
	for (i = 0; i < old_size; i++)
		if (old[i])
			seen_put(old[i]);
	free(old);
}

/* Return: whether the present state is a new one. */
static bool state_is_new(void)
{
	uint64_t hash = state_hash();
	size_t i;

	if (2 * seen.count >= seen.size)
		seen_grow();
	for (i = hash & (seen.size - 1); seen.hashes[i];
	     i = (i + 1) & (seen.size - 1))
		if (seen.hashes[i] == hash)
			return false;
	seen.hashes[i] = hash;
	seen.count++;
	return true;
}

static void thread_main(unsigned int index, unsigned int high, unsigned int low)
{
	void (*run)(void) =
		(void (*)(void))((uintptr_t)high << 32 | (uintptr_t)low);

	run();
	model.threads[index].state = THREAD_ENDED;
	yield();
}

static void thread_begin(unsigned int index,
			 const struct model_thread_spec *spec)
{
	struct thread *thread = &model.threads[index];
	uintptr_t run = (uintptr_t)spec->run;

	thread->state = THREAD_READY;
	thread->daemon = spec->daemon;
	getcontext(&thread->context);
	thread->context.uc_stack.ss_sp = thread->stack;
	thread->context.uc_stack.ss_size = sizeof(thread->stack);
	thread->context.uc_link = NULL;
	/* makecontext() passes int-sized arguments only. */
	makecontext(&thread->context, (void (*)(void))thread_main, 3, index,
		    (unsigned int)(run >> 32), (unsigned int)run);
}

static void scenario_begin(const struct model_scenario *scenario)
{
	memset(&world, 0, sizeof(world));
	memset(&model, 0, sizeof(model));
	world.memory.magic = LANE_MAGIC;
	world.lane = (struct lane){
		.memory = &world.memory,
		.memory_fd = -1,
		.bell_fd = -1,
	};
	world.unlocked = 1;
	while (model.count < MODEL_THREADS_MAX &&
	       scenario->threads[model.count].run) {
		thread_begin(model.count, &scenario->threads[model.count]);
		model.count++;
	}
	if (scenario->begin)
		scenario->begin();
}

static void step(unsigned int index)
{
	model.current = index;
	in_thread = true;
	swapcontext(&explorer, &model.threads[index].context);
	in_thread = false;
}

/* A state in which nobody can go on: all have ended, or a wake-up was lost. */
static void end_check(const struct model_scenario *scenario)
{
	unsigned int i;

	for (i = 0; i < model.count; i++)
		if (!model.threads[i].daemon &&
		    model.threads[i].state != THREAD_ENDED)
			model.failure = "a thread sleeps for ever";
	if (!model.failure && scenario->end)
		scenario->end();
}

static bool anybody_can_go_on(void)
{
	unsigned int i;

	for (i = 0; i < model.count; i++)
		if (can_go_on(&model.threads[i]))
			return true;
	return false;
}

static void model_copy(struct model *to, const struct model *from)
{
	memcpy(to, from,
	       offsetof(struct model, threads) +
		       from->count * sizeof(*from->threads));
}

static void level_save(struct level *level)
{
	model_copy(&level->model, &model);
	level->world = world;
	level->next = 0;
}

static void level_restore(const struct level *level)
{
	model_copy(&model, &level->model);
	world = level->world;
}

/* Take the next untried way from a level. Return: false when there is none. */
static bool level_advance(struct level *level)
{
	while (level->next < level->model.count) {
		unsigned int index = level->next++;

		level_restore(level);
		if (!can_go_on(&model.threads[index]))
			continue;
		level->tried = index;
		step(index);
		return true;
	}
	return false;
}

static void failure_print(const struct model_scenario *scenario,
			  unsigned int depth)
{
	unsigned int i;

	printf("%s: %s, in the order of threads", scenario->name,
	       model.failure);
	for (i = 0; i < depth; i++)
		printf(" %u", levels[i].tried);
	printf("\n");
}

static bool explore(const struct model_scenario *scenario)
{
	unsigned int depth = 1;

	state_is_new();
	level_save(&levels[0]);
	while (depth) {
		if (!level_advance(&levels[depth - 1])) {
			depth--;
			continue;
		}
		if (!model.failure && !anybody_can_go_on())
			end_check(scenario);
		if (model.failure || depth == PATH_MAX_STEPS) {
			failure_print(scenario, depth);
			return false;
		}
		if (state_is_new())
			level_save(&levels[depth++]);
	}
	return true;
}

bool model_explore(const struct model_scenario *scenario)
{
	bool good;

	levels = calloc(PATH_MAX_STEPS, sizeof(*levels));
	if (!levels)
		abort();
	scenario_begin(scenario);
	good = explore(scenario);
	if (good)
		printf("%s: %zu states, every order kept every rule\n",
		       scenario->name, seen.count);
	free(levels);
	free(seen.hashes);
	memset(&seen, 0, sizeof(seen));
	return good;
}
