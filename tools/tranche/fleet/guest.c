// SPDX-License-Identifier: MIT
#include "tools/tranche/fleet/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/tranche/fleet/spawn.h"
#include "tools/tranche/json.h"

struct guest {
	char name[GUEST_TEXT];
	enum guest_state state;
	struct spawned process;
	struct console console;
	struct guest_job jobs[CONSOLE_JOBS];
	char words[GUEST_TEXT];
	char ending[GUEST_TEXT];
	sd_event_source *output;
	sd_event_source *death;
};

enum guest_state guest_state(const struct guest *guest)
{
	return guest->state;
}

const char *guest_name(const struct guest *guest)
{
	return guest->name;
}

pid_t guest_pid(const struct guest *guest)
{
	return guest->state == GUEST_GONE ? 0 : guest->process.pid;
}

const char *guest_ending(const struct guest *guest)
{
	return guest->ending;
}

const char *guest_words(const struct guest *guest)
{
	return guest->words;
}

const struct guest_job *guest_job(const struct guest *guest, unsigned int job)
{
	return &guest->jobs[job];
}

static void text_keep(char text[static GUEST_TEXT], const char *from)
{
	snprintf(text, GUEST_TEXT, "%.*s", GUEST_TEXT - 1, from);
}

static void json_replace(sd_json_variant **old, sd_json_variant *new)
{
	sd_json_variant_unref(*old);
	*old = sd_json_variant_ref(new);
}

static void job_line(struct guest_job *job, sd_json_variant *line)
{
	const char *type = json_text(line, "type", "");

	if (strcmp(type, "running") == 0) {
		job->computes = true;
	} else if (strcmp(type, "summary") == 0) {
		json_replace(&job->summary, line);
		job->summaries++;
		job->computes = false;
	} else if (strcmp(type, "calibration") == 0) {
		json_replace(&job->calibration, line);
	}
}

static void job_print(struct guest_job *job, const char *text)
{
	_json_ sd_json_variant *line = NULL;

	if (text[0] == '{' && sd_json_parse(text, 0, &line, NULL, NULL) >= 0)
		job_line(job, line);
	else
		text_keep(job->error, text);
}

static void job_clear(struct guest_job *job)
{
	sd_json_variant_unref(job->calibration);
	sd_json_variant_unref(job->summary);
	*job = (struct guest_job){0};
}

static void job_tell(struct guest_job *job,
		     const struct console_message *message)
{
	/* A guest may say anything at any time. */
	if (job->state != JOB_STARTING && job->state != JOB_RUNNING)
		return;
	switch (message->kind) {
	case CONSOLE_PID:
		job->pid = message->pid;
		job->state = JOB_RUNNING;
		break;
	case CONSOLE_EXIT:
		job->status = message->status;
		job->state = JOB_ENDED;
		break;
	default:
		job_print(job, message->text);
	}
}

static void line_receive(void *user, const char *line)
{
	struct guest *guest = user;
	struct console_message message = console_parse(line);

	if (message.kind == CONSOLE_READY && guest->state == GUEST_BOOTING)
		guest->state = GUEST_READY;
	else if (message.kind == CONSOLE_OTHER && line[0])
		text_keep(guest->words, line);
	else if (message.job > 0)
		job_tell(&guest->jobs[message.job], &message);
}

static void jobs_end(struct guest *guest)
{
	for (unsigned int i = 0; i < CONSOLE_JOBS; i++) {
		struct guest_job *job = &guest->jobs[i];

		if (job->state != JOB_STARTING && job->state != JOB_RUNNING)
			continue;
		job->state = JOB_ENDED;
		job->status = 255;
		text_keep(job->error, "the guest is gone");
	}
}

static int output_read(sd_event_source *source, int fd, uint32_t events,
		       void *user)
{
	struct guest *guest = user;
	char data[4096];
	ssize_t n = read(fd, data, sizeof(data));

	(void)events;
	if (n > 0)
		console_feed(&guest->console, data, (size_t)n, line_receive,
			     guest);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		sd_event_source_set_enabled(source, SD_EVENT_OFF);
	return 0;
}

/* What it said last may still be in the pipe. */
static void output_drain(struct guest *guest)
{
	char data[4096];
	ssize_t n;

	for (int i = 0; i < 64; i++) {
		n = read(guest->process.output, data, sizeof(data));
		if (n <= 0)
			return;
		console_feed(&guest->console, data, (size_t)n, line_receive,
			     guest);
	}
}

static void ending_keep(struct guest *guest, const siginfo_t *info)
{
	snprintf(guest->ending, sizeof(guest->ending),
		 info->si_code == CLD_EXITED ? "ended with status %d"
					     : "was killed by signal %d",
		 info->si_status);
}

static int process_died(sd_event_source *source, const siginfo_t *info,
			void *user)
{
	struct guest *guest = user;

	(void)source;
	ending_keep(guest, info);
	output_drain(guest);
	guest->state = GUEST_GONE;
	jobs_end(guest);
	return 0;
}

static int watch(struct guest *guest, sd_event *event)
{
	int r;

	r = sd_event_add_io(event, &guest->output, guest->process.output,
			    EPOLLIN, output_read, guest);
	if (r >= 0)
		r = sd_event_add_child(event, &guest->death, guest->process.pid,
				       WEXITED, process_died, guest);
	/* Before its death is told, what it said is. */
	if (r >= 0)
		r = sd_event_source_set_priority(guest->death,
						 SD_EVENT_PRIORITY_IDLE);
	return r < 0 ? r : 0;
}

int guest_new(struct guest **ret, const struct guest_config *config,
	      sd_event *event)
{
	struct guest *guest = calloc(1, sizeof(*guest));
	int r;

	if (!guest)
		return -ENOMEM;
	text_keep(guest->name, config->name);
	r = spawn_guest(&guest->process, config);
	if (r < 0) {
		free(guest);
		return r;
	}
	r = watch(guest, event);
	if (r < 0) {
		guest_free(guest);
		return r;
	}
	*ret = guest;
	return 0;
}

void guest_free(struct guest *guest)
{
	if (!guest)
		return;
	sd_event_source_disable_unref(guest->output);
	sd_event_source_disable_unref(guest->death);
	spawn_end(&guest->process, guest->state != GUEST_GONE);
	for (unsigned int i = 0; i < CONSOLE_JOBS; i++)
		job_clear(&guest->jobs[i]);
	free(guest);
}

/* Whole lines only: a pipe takes up to PIPE_BUF bytes at once or not at all. */
static int command_send(struct guest *guest, const char *line, size_t length)
{
	ssize_t n;

	if (guest->state != GUEST_READY)
		return -ENOTCONN;
	n = write(guest->process.input, line, length);
	if (n < 0)
		return errno == EPIPE ? -ENOTCONN : -errno;
	return (size_t)n == length ? 0 : -EAGAIN;
}

int guest_start(struct guest *guest, unsigned int job, const char *format, ...)
{
	struct guest_job *state = &guest->jobs[job];
	char line[1024];
	va_list args;
	int n, m, r;

	if (state->state == JOB_STARTING || state->state == JOB_RUNNING)
		return -EBUSY;
	n = snprintf(line, sizeof(line), "start %u ", job);
	va_start(args, format);
	m = vsnprintf(line + n, sizeof(line) - (size_t)n, format, args);
	va_end(args);
	if (m < 0 || (size_t)n + (size_t)m + 1 >= sizeof(line))
		return -E2BIG;
	line[n + m] = '\n';
	r = command_send(guest, line, (size_t)n + (size_t)m + 1);
	if (r < 0)
		return r;
	job_clear(state);
	state->state = JOB_STARTING;
	return 0;
}

int guest_signal(struct guest *guest, unsigned int job, const char *name)
{
	char line[64];
	int n;

	if (guest->jobs[job].state != JOB_RUNNING)
		return 0;
	n = snprintf(line, sizeof(line), "signal %s %d\n", name,
		     guest->jobs[job].pid);
	return command_send(guest, line, (size_t)n);
}

void guest_hold(struct guest *guest, bool hold)
{
	if (guest->state != GUEST_GONE)
		kill(guest->process.pid, hold ? SIGSTOP : SIGCONT);
}

int guest_end(struct guest *guest)
{
	return command_send(guest, "end\n", 4);
}
