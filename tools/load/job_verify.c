// SPDX-License-Identifier: MIT
/*
 * Checking what a job's dispatches have left in its buffers.
 */
#include "job.h"

#include <errno.h>
#include <stdlib.h>

#include "message.h"

/* Words read back at once. */
#define PART_WORDS 262144u
#define SAMPLE_WORDS 4096u
/* Bounds of the CPU's work: see the header. */
#define SAMPLE_STEPS (1u << 16)
#define VERIFY_STEPS (1u << 26)
#define VERIFY_PARTS 64u

static int verify_words(struct job *job, const struct load_check *check,
			uint64_t first, const uint32_t *words, uint64_t count,
			struct job_verdict *verdict)
{
	struct load_mismatch mismatch;
	uint64_t wrong;

	wrong = kernel_verify(job->kernel, check, first, words, count,
			      &mismatch);
	verdict->verified += count;
	verdict->wrong += wrong;
	if (!wrong)
		return 0;
	message_error("wrong result: %llu of %llu words; the first is word "
		      "%llu: 0x%08x, should be 0x%08x",
		      (unsigned long long)wrong, (unsigned long long)count,
		      (unsigned long long)mismatch.word, mismatch.found,
		      mismatch.expected);
	return -EBADMSG;
}

static int verify_part(struct job *job, const struct job_slot *slot,
		       const struct load_check *check, uint64_t first,
		       uint32_t *words, uint64_t count,
		       struct job_verdict *verdict)
{
	int r = device_read(job->device, &slot->output, first * 4, words,
			    count * 4);

	return r < 0 ? r
		     : verify_words(job, check, first, words, count, verdict);
}

static int verify_range(struct job *job, const struct job_slot *slot,
			uint64_t first, uint64_t count,
			struct job_verdict *verdict)
{
	uint64_t end = first + count;
	struct load_check check;
	uint32_t *words;
	int r = 0;

	words = malloc((count < PART_WORDS ? count : PART_WORDS) * 4);
	if (!words)
		return -ENOMEM;
	kernel_check_init(&check, job->kernel, &job->work, job->seed,
			  slot->nonce);
	for (; first < end && r == 0; first += PART_WORDS) {
		uint64_t part = end - first;

		if (part > PART_WORDS)
			part = PART_WORDS;
		r = verify_part(job, slot, &check, first, words, part, verdict);
	}
	free(words);
	return r;
}

static uint64_t words_within(const struct job *job, uint32_t steps)
{
	uint64_t words = steps / job->kernel->expect_cost(job->work.items);

	return words ? words : 1;
}

int job_sample_start(struct job *job)
{
	uint32_t last = (job->oldest + job->depth - 1) % job->depth;
	const struct job_slot *slot = &job->slots[last];
	uint64_t total = job->kernel->output_words(job->work.items);
	uint64_t count = words_within(job, SAMPLE_STEPS);
	uint64_t first = job->sample_next;
	int r;

	if (count > SAMPLE_WORDS)
		count = SAMPLE_WORDS;
	if (count > total - first)
		count = total - first;
	r = device_peek_start(job->device, &slot->output, first * 4, count * 4);
	if (r < 0)
		return r;
	job->sample_next = (first + count) % total;
	job->sample = (struct job_sample){true, slot->nonce, first, count};
	return 0;
}

int job_sample_check(struct job *job, bool wait, struct job_verdict *verdict)
{
	struct job_sample *sample = &job->sample;
	struct load_check check;
	const void *words;
	int r;

	if (!sample->pending)
		return 0;
	r = device_peek_end(job->device, wait, &words);
	if (r == -EAGAIN)
		return 0;
	sample->pending = false;
	if (r < 0)
		return r;
	kernel_check_init(&check, job->kernel, &job->work, job->seed,
			  sample->nonce);
	return verify_words(job, &check, sample->first, words, sample->count,
			    verdict);
}

static int verify_slot(struct job *job, const struct job_slot *slot,
		       struct job_verdict *verdict)
{
	uint64_t total = job->kernel->output_words(job->work.items);
	uint64_t bound = words_within(job, VERIFY_STEPS / job->depth);
	uint64_t part;

	if (total <= bound)
		return verify_range(job, slot, 0, total, verdict);
	part = bound / VERIFY_PARTS ? bound / VERIFY_PARTS : 1;
	for (uint64_t i = 0; i < VERIFY_PARTS; i++) {
		/* From the first word to the last, both included. */
		uint64_t first = (total - part) * i / (VERIFY_PARTS - 1);
		int r = verify_range(job, slot, first, part, verdict);

		if (r < 0)
			return r;
	}
	return 0;
}

/* The first and the last page of each chunk tell whether it was kept. */
static int verify_ballast(struct job *job, uint32_t index,
			  struct job_verdict *verdict)
{
	const struct buffer *buffer = &job->ballast[index];
	const uint64_t offsets[] = {0, buffer->size - JOB_PAGE};
	uint32_t words[JOB_PAGE / 4];

	for (size_t i = 0; i < 2; i++) {
		uint64_t wrong = 0;
		int r;

		r = device_read(job->device, buffer, offsets[i], words,
				JOB_PAGE);
		if (r < 0)
			return r;
		for (size_t j = 0; j < JOB_PAGE / 4; j++)
			wrong += words[j] != job_ballast_word(job, index);
		verdict->verified += JOB_PAGE / 4;
		verdict->wrong += wrong;
		if (wrong) {
			message_error("held memory has changed: %llu words of "
				      "chunk %u",
				      (unsigned long long)wrong, index);
			return -EBADMSG;
		}
	}
	return 0;
}

int job_verify_all(struct job *job, struct job_verdict *verdict)
{
	int r = 0;

	for (uint32_t i = 0; i < job->depth && r == 0; i++)
		if (job->slots[i].completed)
			r = verify_slot(job, &job->slots[i], verdict);
	for (uint32_t i = 0; i < job->n_ballast && r == 0; i++)
		r = verify_ballast(job, i, verdict);
	return r;
}
