// SPDX-License-Identifier: MIT
#include "tools/tranche/args.h"

#include <errno.h>
#include <stdio.h>

#include "tools/tranche/message.h"

static int tell_unknown(const struct verb *verb, char **argv)
{
	if (optopt > 0 && optopt < ARGS_FIRST && optopt != ARGS_JSON)
		message_bad("unknown option '-%c': see 'tranche %s --help'",
			    optopt, verb->name);
	else
		message_bad("option '%s' is unknown or takes no value: see "
			    "'tranche %s --help'",
			    argv[optind - 1], verb->name);
	return ARGS_BAD;
}

int args_next(const struct verb *verb, int argc, char **argv,
	      const struct option *options, const char *shorts)
{
	char all[32];
	int code;

	/* ':' keeps getopt silent; '+' must stay in front of it. */
	snprintf(all, sizeof(all), "%s:h%s", shorts[0] == '+' ? "+" : "",
		 shorts[0] == '+' ? shorts + 1 : shorts);
	code = getopt_long(argc, argv, all, options, NULL);
	switch (code) {
	case -1:
		return ARGS_END;
	case 'h':
		return fputs(verb->help, stdout) < 0 ? ARGS_BAD : ARGS_HELP;
	case ':':
		message_bad("option '%s' needs a value: see "
			    "'tranche %s --help'",
			    argv[optind - 1], verb->name);
		return ARGS_BAD;
	case '?':
		return tell_unknown(verb, argv);
	default:
		return code;
	}
}

int args_status(int code)
{
	return code == ARGS_HELP ? STATUS_OK : STATUS_BAD;
}

int args_operands(const struct verb *verb, int argc, char **argv, int min,
		  int max, const char *what)
{
	int count = argc - optind;

	if (count < min)
		return message_bad("name %s: see 'tranche %s --help'", what,
				   verb->name);
	if (max >= 0 && count > max)
		return message_bad("'%s' is one word too many: see "
				   "'tranche %s --help'",
				   argv[optind + max], verb->name);
	return 0;
}

int args_json_only(const struct verb *verb, int argc, char **argv)
{
	static const struct option options[] = {ARGS_COMMON};
	int code, json = 0;

	while ((code = args_next(verb, argc, argv, options, "")) != ARGS_END) {
		if (code < 0)
			return code;
		json = 1;
	}
	return json;
}
