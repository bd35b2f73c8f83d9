// SPDX-License-Identifier: MIT
/*
 * `tranche run`: a program of this host as one of those that share a GPU.
 *
 * The broker ends the enrolment with the connection, so this process stays
 * until the program has ended, passes signals on to it, and takes it along when
 * it dies itself.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/tranche/args.h"
#include "tools/tranche/broker.h"
#include "tools/tranche/json.h"
#include "tools/tranche/message.h"
#include "tools/tranche/settings.h"

/* As shells have it. */
#define STATUS_NOT_EXECUTABLE 126
#define STATUS_NOT_FOUND 127
#define STATUS_SIGNAL 128

static int environment_set(sd_json_variant *reply)
{
	sd_json_variant *list = json_array(reply, "environment");
	size_t count = list ? sd_json_variant_elements(list) : 0;

	for (size_t i = 0; i < count; i++) {
		sd_json_variant *item = sd_json_variant_by_index(list, i);
		char *copy;

		if (!sd_json_variant_is_string(item))
			continue;
		copy = strdup(sd_json_variant_string(item));
		/* putenv() keeps it. */
		if (!copy || putenv(copy) != 0)
			return message_memory();
	}
	return 0;
}

/* The signals that this process takes while the program runs. */
static void signals_fill(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGCHLD);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGQUIT);
}

static void program_exec(char **argv, pid_t parent, const sigset_t *mask)
{
	int error;

	if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != parent)
		_exit(STATUS_FAILED);
	sigprocmask(SIG_SETMASK, mask, NULL);
	execvp(argv[0], argv);
	error = errno;
	if (error == ENOENT)
		message_error("there is no program '%s': check the name and "
			      "PATH",
			      argv[0]);
	else
		message_error("cannot run '%s': %s: check its permissions",
			      argv[0], strerror(error));
	_exit(error == ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_EXECUTABLE);
}

/* A terminal tells the whole foreground group, so the program knows already. */
static bool is_for_program(const siginfo_t *info)
{
	switch (info->si_signo) {
	case SIGINT:
	case SIGQUIT:
		return info->si_code <= 0;
	case SIGTERM:
	case SIGHUP:
		return true;
	default:
		return false;
	}
}

static int program_wait(pid_t pid, const sigset_t *signals)
{
	siginfo_t info;
	int status;

	for (;;) {
		if (sigwaitinfo(signals, &info) < 0)
			continue;
		if (is_for_program(&info))
			kill(pid, info.si_signo);
		if (waitpid(pid, &status, WNOHANG) != pid)
			continue;
		if (WIFEXITED(status))
			return WEXITSTATUS(status);
		return STATUS_SIGNAL + WTERMSIG(status);
	}
}

static int program_run(char **argv)
{
	sigset_t signals, before;
	pid_t parent = getpid(), pid;

	signals_fill(&signals);
	sigprocmask(SIG_BLOCK, &signals, &before);
	fflush(NULL);
	pid = fork();
	if (pid < 0) {
		message_error("cannot start a process: %s: see 'ulimit -u'",
			      strerror(errno));
		return STATUS_FAILED;
	}
	if (pid == 0)
		program_exec(argv, parent, &before);
	return program_wait(pid, &signals);
}

static int run_option(int code, sd_json_variant **parameters)
{
	switch (code) {
	case ARGS_JSON:
		return message_bad("--json: this verb prints nothing itself: "
				   "leave it out");
	case 'g':
		return broker_set_text(parameters, "gpu", optarg);
	case 'n':
		return broker_set_text(parameters, "name", optarg);
	default:
		return settings_parse(code, optarg, parameters);
	}
}

/* Without a name it is called as the program. */
static int name_default(sd_json_variant **parameters, const char *program)
{
	const char *slash = strrchr(program, '/');

	if (json_has(*parameters, "name"))
		return 0;
	return broker_set_text(parameters, "name", slash ? slash + 1 : program);
}

static int run_enrolled(sd_json_variant **parameters, char **argv)
{
	_json_ sd_json_variant *reply = NULL;
	_link_ sd_varlink *link = NULL;
	int r;

	r = name_default(parameters, argv[0]);
	if (r == 0)
		r = broker_connect(&link);
	if (r == 0)
		r = broker_call(link, "Enroll", *parameters, &reply);
	if (r == 0)
		r = environment_set(reply);
	return r < 0 ? r : program_run(argv);
}

static int run_run(int argc, char **argv)
{
	static const struct option options[] = {
		SETTINGS_OPTIONS,
		{"gpu", required_argument, NULL, 'g'},
		{"name", required_argument, NULL, 'n'},
		ARGS_COMMON,
	};
	_json_ sd_json_variant *parameters = NULL;
	int code, r;

	while ((code = args_next(&verb_run, argc, argv, options, "+g:n:")) !=
	       ARGS_END) {
		if (code < 0)
			return args_status(code);
		r = run_option(code, &parameters);
		if (r < 0)
			return r;
	}
	r = args_operands(&verb_run, argc, argv, 1, -1, "a command");
	return r < 0 ? r : run_enrolled(&parameters, argv + optind);
}

const struct verb verb_run = {
	.name = "run",
	.summary = "run a program of this host with a share of the GPU",
	.help = "Usage: tranche run [OPTION]... [--] COMMAND [ARGUMENT]...\n\n"
		"Runs a Vulkan program of this host under the same scheduler and the same\n"
		"quotas as the vGPUs of VMs. It is listed and can be changed like a vGPU for as\n"
		"long as it runs. The exit status is the command's.\n\n"
		"Options:\n"
		"  -g, --gpu GPU     on this GPU; needed where there are several\n"
		"  -n, --name NAME   what to call it; the command's name otherwise\n" SETTINGS_HELP
		"\n"
		"Examples:\n"
		"  tranche run --weight 50 -- vkmark\n"
		"  tranche run --cap 20% --vram 2G -- ./train\n",
	.run = run_run,
};
