// SPDX-License-Identifier: MIT
#include "tools/tranche/chrome.h"

#include <errno.h>
#include <inttypes.h>
#include <systemd/sd-json.h>

#include "tools/tranche/json.h"

void chrome_open(struct chrome *chrome, FILE *file)
{
	*chrome = (struct chrome){.file = file};
	fputs("{\"displayTimeUnit\":\"ms\",\"traceEvents\":[", file);
}

static void event_begin(struct chrome *chrome)
{
	fputs(chrome->count++ ? ",\n" : "\n", chrome->file);
}

static void json_write(struct chrome *chrome, sd_json_variant *variant)
{
	int r = sd_json_variant_dump(variant, 0, chrome->file, NULL);

	if (r < 0 && !chrome->error)
		chrome->error = r;
}

/* Microseconds, to the nanosecond: a double of ours would round them. */
static void time_write(struct chrome *chrome, const char *key, uint64_t ns)
{
	fprintf(chrome->file, ",\"%s\":%" PRIu64 ".%03u", key, ns / 1000,
		(unsigned int)(ns % 1000));
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
	_json_ sd_json_variant *arguments = NULL;

	if (span->end_ns <= span->begin_ns)
		return;
	arguments = arguments_new(span);
	if (!arguments) {
		chrome->error = -ENOMEM;
		return;
	}
	event_begin(chrome);
	fprintf(chrome->file,
		"{\"ph\":\"X\",\"cat\":\"gpu\",\"name\":\"%s\",\"pid\":%" PRIu64
		",\"tid\":%" PRIu64,
		span->waits ? "wait" : "slice", span->process, span->thread);
	time_write(chrome, "ts", span->begin_ns);
	time_write(chrome, "dur", span->end_ns - span->begin_ns);
	fputs(",\"args\":", chrome->file);
	json_write(chrome, arguments);
	fputc('}', chrome->file);
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
	if (r < 0) {
		chrome->error = r;
		return;
	}
	event_begin(chrome);
	json_write(chrome, event);
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
