// SPDX-License-Identifier: MIT
/*
 * tranche: the command line of the broker.
 */
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "tools/tranche/message.h"
#include "tools/tranche/verb.h"

static const struct verb *const verbs[] = {
	&verb_gpus,    &verb_types, &verb_list,	  &verb_show,
	&verb_create,  &verb_set,   &verb_reset,  &verb_rm,
	&verb_run,     &verb_top,   &verb_events, &verb_trace,
	&verb_metrics, &verb_demo,  &verb_bench,  &verb_doctor,
};
#define VERBS (sizeof(verbs) / sizeof(*verbs))

static int print_usage(void)
{
	puts("Usage: tranche VERB [OPTION]...\n\n"
	     "Shares one GPU among virtual machines and programs.\n\n"
	     "Verbs, each with its own --help:");
	for (size_t i = 0; i < VERBS; i++)
		printf("  %-8s %s\n", verbs[i]->name, verbs[i]->summary);
	puts("\nMost verbs print JSON with --json. A vGPU is named by its UUID, by\n"
	     "the beginning of one, or by its name.\n\n"
	     "Environment:\n"
	     "  TRANCHE_SOCKET  the broker's socket\n"
	     "                  (default /run/tranche/io.tranche.Broker)\n"
	     "  NO_COLOR        when set, no colours\n\n"
	     "Exit status: 0 well, 1 something failed, 2 bad input or refused.");
	return fflush(stdout) == 0 ? STATUS_OK : STATUS_FAILED;
}

static const struct verb *verb_find(const char *name)
{
	for (size_t i = 0; i < VERBS; i++)
		if (strcmp(verbs[i]->name, name) == 0)
			return verbs[i];
	return NULL;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";
	const struct verb *verb;
	int r;

	setlocale(LC_CTYPE, "");
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 ||
	    strcmp(name, "help") == 0)
		return print_usage();
	if (strcmp(name, "--version") == 0)
		return puts("tranche " TRANCHE_VERSION) < 0;
	verb = verb_find(name);
	if (!verb) {
		message_error(name[0] ? "'%s' is no verb: see 'tranche --help'"
				      : "name a verb%s: see 'tranche --help'",
			      name);
		return STATUS_BAD;
	}
	message_set_verb(verb->name);
	r = verb->run(argc - 1, argv + 1);
	return r < 0 ? STATUS_BAD : r;
}
