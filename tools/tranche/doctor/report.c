// SPDX-License-Identifier: MIT
#include "tools/tranche/doctor/report.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/tranche/json.h"
#include "tools/tranche/message.h"
#include "tools/tranche/table.h"
#include "tools/tranche/text.h"
#include "tools/tranche/verb.h"

static const char *const level_names[] = {"ok", "note", "FAIL"};
static const char *const level_colours[] = {"\033[32m", "\033[33m", "\033[31m"};

void doctor_report_deinit(struct doctor_report *report)
{
	for (size_t i = 0; i < report->count; i++) {
		free(report->findings[i].check);
		free(report->findings[i].text);
		free(report->findings[i].cure);
	}
	free(report->findings);
	*report = (struct doctor_report){0};
}

static struct doctor_finding *finding_append(struct doctor_report *report)
{
	struct doctor_finding *findings;

	findings = reallocarray(report->findings, report->count + 1,
				sizeof(*findings));
	if (!findings)
		return NULL;
	report->findings = findings;
	findings[report->count] = (struct doctor_finding){0};
	return &findings[report->count];
}

void doctor_add(struct doctor_report *report, enum doctor_level level,
		const char *check, const char *cure, const char *format, ...)
{
	struct doctor_finding *finding = finding_append(report);
	va_list ap;
	int length;

	if (!finding) {
		report->incomplete = true;
		return;
	}
	va_start(ap, format);
	length = vasprintf(&finding->text, format, ap);
	va_end(ap);
	if (length < 0)
		finding->text = NULL;
	finding->level = level;
	finding->check = strdup(check);
	finding->cure = cure ? strdup(cure) : NULL;
	if (!finding->text || !finding->check || (cure && !finding->cure))
		report->incomplete = true;
	else
		text_clean(finding->text);
	report->count++;
}

size_t doctor_failures(const struct doctor_report *report)
{
	size_t failures = 0;

	for (size_t i = 0; i < report->count; i++)
		failures += report->findings[i].level == DOCTOR_FAIL;
	return failures;
}

static int finding_append_json(sd_json_variant **list,
			       const struct doctor_finding *finding)
{
	static const char *const levels[] = {"ok", "note", "fail"};

	return sd_json_variant_append_arraybo(
		list, SD_JSON_BUILD_PAIR_STRING("check", finding->check),
		SD_JSON_BUILD_PAIR_STRING("level", levels[finding->level]),
		SD_JSON_BUILD_PAIR_STRING("text", finding->text),
		SD_JSON_BUILD_PAIR_CONDITION(
			finding->cure != NULL, "cure",
			SD_JSON_BUILD_STRING(finding->cure)));
}

static int print_json(const struct doctor_report *report)
{
	_json_ sd_json_variant *list = NULL, *all = NULL;
	int r = 0;

	for (size_t i = 0; i < report->count && r >= 0; i++)
		r = finding_append_json(&list, &report->findings[i]);
	if (r >= 0)
		r = sd_json_buildo(
			&all, SD_JSON_BUILD_PAIR_VARIANT("findings", list),
			SD_JSON_BUILD_PAIR_UNSIGNED("failures",
						    doctor_failures(report)));
	return r < 0 ? message_memory() : json_print(all);
}

static int print_text(const struct doctor_report *report)
{
	bool colour = table_colour();

	for (size_t i = 0; i < report->count; i++) {
		const struct doctor_finding *finding = &report->findings[i];

		printf("%s%-4s%s  %-16s %s\n",
		       colour ? level_colours[finding->level] : "",
		       level_names[finding->level], colour ? "\033[0m" : "",
		       finding->check, finding->text);
		if (finding->cure)
			printf("      %-16s -> %s\n", "", finding->cure);
	}
	return fflush(stdout) == 0 ? STATUS_OK : STATUS_FAILED;
}

int doctor_print(const struct doctor_report *report, bool json)
{
	int r;

	if (report->incomplete)
		return message_memory();
	r = json ? print_json(report) : print_text(report);
	if (r != STATUS_OK)
		return r;
	return doctor_failures(report) ? STATUS_FAILED : STATUS_OK;
}
