// SPDX-License-Identifier: MIT
#include "tools/tranche/chrome.h"

#include <errno.h>
#include <systemd/sd-json.h>

#include "tools/tranche/json.h"

void chrome_open(struct chrome *chrome, FILE *file)
{
	*chrome = (struct chrome){.file = file};
	fputs("{\"displayTimeUnit\":\"ms\",\"traceEvents\":[", file);
}

static void event_write(struct chrome *chrome, sd_json_variant *event)
{
	int r;

	fputs(chrome->count++ ? ",\n" : "\n", chrome->file);
	r = sd_json_variant_dump(event, 0, chrome->file, NULL);
	if (r < 0 && !chrome->error)
		chrome->error = r;
}

static sd_json_variant *arguments_new(const struct chrome_span *span)
{
	sd_json_variant *arguments = NULL;

	sd_json_buildo(&arguments,
		       SD_JSON_BUILD_PAIR_UNSIGNED("submits", span->submits),
		       SD_JSON_BUILD_PAIR_CONDITION(
			       span->reason != NULL, "ended",
			       SD_JSON_BUILD_STRING(span->reason)));
	return arguments;
}

void chrome_span(struct chrome *chrome, const struct chrome_span *span)
{
	_json_ sd_json_variant *arguments = arguments_new(span);
	_json_ sd_json_variant *event = NULL;
	uint64_t length = span->end_ns - span->begin_ns;
	int r;

	if (span->end_ns <= span->begin_ns)
		return;
	r = sd_json_buildo(
		&event, SD_JSON_BUILD_PAIR_STRING("ph", "X"),
		SD_JSON_BUILD_PAIR_STRING("name", span->name),
		SD_JSON_BUILD_PAIR_STRING("cat", span->category),
		SD_JSON_BUILD_PAIR_UNSIGNED("pid", span->process),
		SD_JSON_BUILD_PAIR_UNSIGNED("tid", span->thread),
		SD_JSON_BUILD_PAIR_REAL("ts", (double)span->begin_ns / 1000),
		SD_JSON_BUILD_PAIR_REAL("dur", (double)length / 1000),
		SD_JSON_BUILD_PAIR_VARIANT("args", arguments));
	if (r >= 0)
		event_write(chrome, event);
	else if (!chrome->error)
		chrome->error = r;
}

static void name_write(struct chrome *chrome, const char *kind,
		       uint64_t process, uint64_t thread, const char *name)
{
	_json_ sd_json_variant *event = NULL;
	int r;

	r = sd_json_buildo(
		&event, SD_JSON_BUILD_PAIR_STRING("ph", "M"),
		SD_JSON_BUILD_PAIR_STRING("name", kind),
		SD_JSON_BUILD_PAIR_UNSIGNED("pid", process),
		SD_JSON_BUILD_PAIR_UNSIGNED("tid", thread),
		SD_JSON_BUILD_PAIR_OBJECT(
			"args", SD_JSON_BUILD_PAIR_STRING("name", name)));
	if (r >= 0)
		event_write(chrome, event);
	else if (!chrome->error)
		chrome->error = r;
}

void chrome_name_process(struct chrome *chrome, uint64_t process,
			 const char *name)
{
	name_write(chrome, "process_name", process, 0, name);
}

void chrome_name_thread(struct chrome *chrome, uint64_t process,
			uint64_t thread, const char *name)
{
	name_write(chrome, "thread_name", process, thread, name);
}

int chrome_close(struct chrome *chrome)
{
	fputs("\n]}\n", chrome->file);
	if (chrome->error)
		return chrome->error;
	return fflush(chrome->file) != 0 || ferror(chrome->file) ? -EIO : 0;
}
