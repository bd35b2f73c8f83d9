// SPDX-License-Identifier: MIT
/*
 * Runs one arbiter in the foreground, with accounts given on the command line,
 * until SIGTERM or SIGINT. Prints "ready", and with --stats-interval a line of
 * JSON for each account and one for the GPU at each interval.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "scheduler/arbiter/arbiter.h"

#define ACCOUNTS_MAX 64
#define NS_PER_MS 1000000u
#define SLICES_AT_ONCE 256

struct stand {
	struct tsched_config config;
	struct arbiter *arbiter;
	char *accounts[ACCOUNTS_MAX];
	char *names[ACCOUNTS_MAX];
	unsigned int count;
	unsigned int stats_ms;
	bool slices;
	uint64_t slices_seen;
};

static const char usage[] =
	"usage: arbiter-stand [--policy fair|equal|fixed|best-effort]\n"
	"  [--slice US] [--lease MS] [--no-anticipation]\n"
	"  [--stats-interval MS] [--slices]\n"
	"  --account NAME[:KEY=VALUE,...]:/path/of/door ...\n"
	"keys: tenant weight cap reservation (permille) latency (0..2)\n"
	"  instances vram (with K, M, G) kill (ms) guard (kills) window (s)\n";

static int parse_number(const char *text, uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 10);
	if (errno || end == text)
		return -EINVAL;
	if (*end == 'K')
		*value <<= 10;
	else if (*end == 'M')
		*value <<= 20;
	else if (*end == 'G')
		*value <<= 30;
	else
		end--;
	return end[1] ? -EINVAL : 0;
}

static int setting_set(struct arbiter_settings *settings, const char *key,
		       const char *text)
{
	uint64_t value = 0;

	if (!strcmp(key, "tenant")) {
		if (strlen(text) >= sizeof(settings->tenant))
			return -EINVAL;
		strcpy(settings->tenant, text);
		return 0;
	}
	if (parse_number(text, &value) < 0)
		return -EINVAL;
	if (!strcmp(key, "weight"))
		settings->weight = value;
	else if (!strcmp(key, "cap"))
		settings->cap = value;
	else if (!strcmp(key, "reservation"))
		settings->reservation = value;
	else if (!strcmp(key, "latency"))
		settings->latency = (enum tsched_latency)value;
	else if (!strcmp(key, "instances"))
		settings->instances = value;
	else if (!strcmp(key, "vram"))
		settings->vram_limit = value;
	else if (!strcmp(key, "kill"))
		settings->kill_ns = value * NS_PER_MS;
	else if (!strcmp(key, "guard"))
		settings->guard_kills = value;
	else if (!strcmp(key, "window"))
		settings->guard_ns = value * 1000 * NS_PER_MS;
	else
		return -EINVAL;
	return 0;
}

static int settings_parse(struct arbiter_settings *settings, char *text)
{
	char *item, *value, *rest = NULL;

	for (item = strtok_r(text, ",", &rest); item;
	     item = strtok_r(NULL, ",", &rest)) {
		value = strchr(item, '=');
		if (!value)
			return -EINVAL;
		*value++ = 0;
		if (setting_set(settings, item, value) < 0)
			return -EINVAL;
	}
	return 0;
}

/* NAME[:SETTINGS]:PATH */
static int account_add(struct stand *stand, unsigned int index)
{
	char *name = stand->accounts[index];
	char *path = strrchr(name, ':');
	struct arbiter_settings settings;
	char *keys;
	int r;

	arbiter_settings_init(&settings);
	if (!path)
		return -EINVAL;
	*path++ = 0;
	keys = strchr(name, ':');
	if (keys) {
		*keys++ = 0;
		r = settings_parse(&settings, keys);
		if (r < 0)
			return r;
	}
	stand->names[index] = name;
	r = arbiter_account_add(stand->arbiter, name, &settings, path);
	if (r < 0)
		return r;
	/* Whoever the test runs as may come in. */
	return chmod(path, 0666) < 0 ? -errno : 0;
}

static const char *event_name(enum arbiter_event_kind kind)
{
	static const char *const names[] = {
		[ARBITER_CONTEXT_JOINED] = "joined",
		[ARBITER_CONTEXT_LEFT] = "left",
		[ARBITER_CONTEXT_KILLED] = "killed",
		[ARBITER_ACCOUNT_STOPPED] = "stopped",
		[ARBITER_VRAM_REFUSED] = "vram-refused",
	};

	return names[kind];
}

/* By the clock that holds are told by. */
static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 * NS_PER_MS + (uint64_t)now.tv_nsec;
}

static void stand_event(void *owner, const struct arbiter_event *event)
{
	(void)owner;
	printf("{\"event\":\"%s\",\"account\":\"%s\",\"pid\":%d,"
	       "\"bytes\":%" PRIu64 ",\"now_ns\":%" PRIu64 "}\n",
	       event_name(event->kind), event->account, (int)event->pid,
	       event->bytes, now_ns());
}

static void print_account(struct stand *stand, const char *name)
{
	struct arbiter_account_stats s;

	if (arbiter_account_stats(stand->arbiter, name, &s) < 0)
		return;
	printf("{\"account\":\"%s\",\"gpu_ns\":%" PRIu64 ",\"wait_ns\":%" PRIu64
	       ",\"throttled_ns\":%" PRIu64 ",\"compute_ns\":%" PRIu64
	       ",\"graphics_ns\":%" PRIu64 ",\"copy_ns\":%" PRIu64
	       ",\"submits\":%" PRIu64 ",\"vram_used\":%" PRIu64
	       ",\"vram_limit\":%" PRIu64 ",\"contexts\":%u,\"kills\":%u"
	       ",\"vram_refusals\":%u,\"stopped\":%s,\"share\":%u"
	       ",\"wanted\":%u,\"submits_per_s\":%u,\"wait_p50_us\":%u"
	       ",\"wait_p99_us\":%u}\n",
	       name, s.gpu_ns, s.wait_ns, s.throttled_ns,
	       s.engine_ns[TSCHED_COMPUTE], s.engine_ns[TSCHED_GRAPHICS],
	       s.engine_ns[TSCHED_COPY], s.submits, s.vram_used, s.vram_limit,
	       s.contexts, s.kills, s.vram_refusals,
	       s.stopped ? "true" : "false", s.share, s.wanted, s.submits_per_s,
	       s.wait_p50_us, s.wait_p99_us);
}

static void print_gpu(struct stand *stand)
{
	struct arbiter_gpu_stats s;
	struct rusage used;

	arbiter_gpu_stats(stand->arbiter, &s);
	getrusage(RUSAGE_SELF, &used);
	printf("{\"gpu\":true,\"now_ns\":%" PRIu64 ",\"busy_ns\":%" PRIu64
	       ",\"idle_ns\":%" PRIu64 ",\"anticipate_ns\":%" PRIu64
	       ",\"holds\":%" PRIu64 ",\"vram_used\":%" PRIu64
	       ",\"contexts\":%u,\"cpu_us\":%" PRIu64 "}\n",
	       s.now_ns, s.busy_ns, s.idle_ns, s.anticipate_ns, s.holds,
	       s.vram_used, s.contexts,
	       (uint64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) *
			       1000000 +
		       (uint64_t)(used.ru_utime.tv_usec +
				  used.ru_stime.tv_usec));
}

static void print_slices(struct stand *stand)
{
	struct arbiter_slice slices[SLICES_AT_ONCE];
	size_t count, i;

	do {
		count = arbiter_slices(stand->arbiter, &stand->slices_seen,
				       slices, SLICES_AT_ONCE);
		for (i = 0; i < count; i++)
			printf("{\"slice\":\"%s\",\"pid\":%d,\"want_ns\":%" PRIu64
			       ",\"begin_ns\":%" PRIu64 ",\"end_ns\":%" PRIu64
			       ",\"submits\":%u,\"reason\":%u}\n",
			       slices[i].account, (int)slices[i].pid,
			       slices[i].want_ns, slices[i].begin_ns,
			       slices[i].end_ns, slices[i].submits,
			       slices[i].reason);
	} while (count);
}

static void stand_print(struct stand *stand)
{
	unsigned int i;

	for (i = 0; i < stand->count; i++)
		print_account(stand, stand->names[i]);
	print_gpu(stand);
	if (stand->slices)
		print_slices(stand);
}

/* Until a signal that ends it comes. */
static void stand_serve(struct stand *stand, const sigset_t *signals)
{
	struct timespec interval = {
		.tv_sec = stand->stats_ms / 1000,
		.tv_nsec = (long)(stand->stats_ms % 1000) * NS_PER_MS,
	};

	while (sigtimedwait(signals, NULL, stand->stats_ms ? &interval : NULL) <
	       0)
		if (errno == EAGAIN)
			stand_print(stand);
}

static int policy_parse(const char *name, enum tsched_policy *policy)
{
	static const char *const names[TSCHED_POLICIES] = {
		[TSCHED_FAIR] = "fair",
		[TSCHED_EQUAL] = "equal",
		[TSCHED_FIXED] = "fixed",
		[TSCHED_BEST_EFFORT] = "best-effort",
	};
	unsigned int i;

	for (i = 0; i < TSCHED_POLICIES; i++) {
		if (strcmp(name, names[i]))
			continue;
		*policy = (enum tsched_policy)i;
		return 0;
	}
	return -EINVAL;
}

static int option_set(struct stand *stand, int option)
{
	switch (option) {
	case 'p':
		return policy_parse(optarg, &stand->config.policy);
	case 's':
		stand->config.slice_ns = strtoull(optarg, NULL, 10) * 1000;
		return 0;
	case 'l':
		stand->config.lease_ns = strtoull(optarg, NULL, 10) * NS_PER_MS;
		return 0;
	case 'n':
		stand->config.anticipate_ns = 0;
		return 0;
	case 'i':
		stand->stats_ms = strtoul(optarg, NULL, 10);
		return 0;
	case 'S':
		stand->slices = true;
		return 0;
	case 'a':
		if (stand->count == ACCOUNTS_MAX)
			return -E2BIG;
		stand->accounts[stand->count++] = optarg;
		return 0;
	default:
		return -EINVAL;
	}
}

static int options_parse(struct stand *stand, int argc, char **argv)
{
	static const struct option options[] = {
		{"policy", required_argument, NULL, 'p'},
		{"slice", required_argument, NULL, 's'},
		{"lease", required_argument, NULL, 'l'},
		{"no-anticipation", no_argument, NULL, 'n'},
		{"stats-interval", required_argument, NULL, 'i'},
		{"slices", no_argument, NULL, 'S'},
		{"account", required_argument, NULL, 'a'},
		{NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (option_set(stand, option) < 0)
			return -EINVAL;
	return stand->count && optind == argc ? 0 : -EINVAL;
}

static int accounts_add(struct stand *stand)
{
	unsigned int i;
	int r;

	for (i = 0; i < stand->count; i++) {
		r = account_add(stand, i);
		if (r == 0)
			continue;
		fprintf(stderr,
			"arbiter-stand: account %s: %s: give it as NAME:"
			"KEY=VALUE,...:/path/of/door with values in range\n",
			stand->accounts[i], strerror(-r));
		return r;
	}
	return 0;
}

int main(int argc, char **argv)
{
	static const struct arbiter_ops ops = {.event = stand_event};
	struct stand stand = {0};
	sigset_t signals;
	int r;

	tsched_config_init(&stand.config);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (options_parse(&stand, argc, argv) < 0) {
		fputs(usage, stderr);
		return 2;
	}
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	r = arbiter_new(&stand.arbiter, &stand.config, &ops, NULL);
	if (r < 0) {
		fprintf(stderr,
			"arbiter-stand: %s: give a slice and a lease in range\n",
			strerror(-r));
		return 2;
	}
	if (accounts_add(&stand) < 0) {
		arbiter_free(stand.arbiter);
		return 2;
	}
	puts("ready");
	stand_serve(&stand, &signals);
	stand_print(&stand);
	arbiter_free(stand.arbiter);
	return 0;
}
