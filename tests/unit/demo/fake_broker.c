// SPDX-License-Identifier: MIT
#include "fake_broker.h"

#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <systemd/sd-event.h>
#include <systemd/sd-varlink.h>
#include <unistd.h>

#include "tools/tranche/broker.h"
#include "tools/tranche/json.h"

static char socket_path[] = "/tmp/demo-broker.XXXXXX/socket";

static int on_stats(sd_varlink *link, sd_json_variant *parameters,
		    sd_varlink_method_flags_t flags, void *user)
{
	const struct fake_broker *fake = user;

	(void)parameters;
	(void)flags;
	if (fake->dies)
		_exit(0);
	return sd_varlink_replybo(
		link,
		SD_JSON_BUILD_PAIR(
			"gpus",
			SD_JSON_BUILD_ARRAY(SD_JSON_BUILD_OBJECT(
				SD_JSON_BUILD_PAIR_STRING("gpu", FAKE_GPU),
				SD_JSON_BUILD_PAIR_UNSIGNED("nowNs", 7),
				SD_JSON_BUILD_PAIR_UNSIGNED("contexts", 3)))),
		SD_JSON_BUILD_PAIR(
			"vgpus",
			SD_JSON_BUILD_ARRAY(SD_JSON_BUILD_OBJECT(
				SD_JSON_BUILD_PAIR_STRING("uuid", FAKE_UUID(1)),
				SD_JSON_BUILD_PAIR_UNSIGNED(
					"gpuNs", 1000 * fake->submits),
				SD_JSON_BUILD_PAIR_UNSIGNED("submits",
							    fake->submits),
				SD_JSON_BUILD_PAIR_UNSIGNED("kills", 1),
				SD_JSON_BUILD_PAIR_UNSIGNED("contexts", 2)))));
}

static int on_slices(sd_varlink *link, sd_json_variant *parameters,
		     sd_varlink_method_flags_t flags, void *user)
{
	const struct fake_broker *fake = user;
	sd_json_variant *slices = NULL;

	(void)flags;
	for (uint64_t i = json_number(parameters, "after"); i < fake->slices;
	     i++)
		if (sd_json_variant_append_arraybo(
			    &slices,
			    SD_JSON_BUILD_PAIR_STRING("uuid", FAKE_UUID(1)),
			    SD_JSON_BUILD_PAIR_UNSIGNED("beginNs", 10 * i),
			    SD_JSON_BUILD_PAIR_UNSIGNED("endNs", 10 * i + 5)) <
		    0)
			_exit(1);
	return sd_varlink_replybo(
		link, SD_JSON_BUILD_PAIR_UNSIGNED("after", fake->slices),
		SD_JSON_BUILD_PAIR_VARIANT("slices", slices));
}

static int on_list(sd_varlink *link, sd_json_variant *parameters,
		   sd_varlink_method_flags_t flags, void *user)
{
	static const char *const uuids[FAKE_VGPUS] = {
		FAKE_UUID(1), FAKE_UUID(2), FAKE_UUID(3)};
	const struct fake_broker *fake = user;
	_json_ sd_json_variant *vgpus = NULL;

	(void)parameters;
	(void)flags;
	for (size_t i = 0; fake->states && i < FAKE_VGPUS; i++)
		if (fake->states[i] &&
		    sd_json_variant_append_arraybo(
			    &vgpus, SD_JSON_BUILD_PAIR_STRING("uuid", uuids[i]),
			    SD_JSON_BUILD_PAIR_STRING("state",
						      fake->states[i])) < 0)
			_exit(1);
	return sd_varlink_replybo(link,
				  SD_JSON_BUILD_PAIR_VARIANT("vgpus", vgpus));
}

static int fake_listen(struct fake_broker *fake, sd_event *event,
		       sd_varlink_server *server)
{
	int r = sd_varlink_server_bind_method_many(
		server, BROKER_INTERFACE "GetStats", on_stats,
		BROKER_INTERFACE "GetSlices", on_slices,
		BROKER_INTERFACE "ListVgpus", on_list);

	sd_varlink_server_set_userdata(server, fake);
	if (r >= 0)
		r = sd_varlink_server_attach_event(server, event, 0);
	if (r >= 0)
		r = sd_varlink_server_listen_address(server, socket_path, 0600);
	return r;
}

static void fake_run(struct fake_broker *fake, int ready)
{
	sd_varlink_server *server = NULL;
	sd_event *event = NULL;
	int r;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	usleep(1000 * fake->delay_ms);
	unlink(socket_path);
	r = sd_event_new(&event);
	if (r >= 0)
		r = sd_varlink_server_new(&server,
					  SD_VARLINK_SERVER_INHERIT_USERDATA);
	if (r >= 0)
		r = fake_listen(fake, event, server);
	close(ready);
	if (r >= 0)
		r = sd_event_loop(event);
	dprintf(STDERR_FILENO, "this broker fails: %s\n", strerror(-r));
	_exit(1);
}

pid_t fake_broker_start(const struct fake_broker *fake)
{
	struct fake_broker copy = *fake;
	int ready[2];
	char end;
	pid_t pid;

	if (pipe(ready) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		close(ready[0]);
		fake_run(&copy, ready[1]);
	}
	close(ready[1]);
	if (!fake->delay_ms && read(ready[0], &end, 1) != 0)
		abort();
	close(ready[0]);
	return pid;
}

void fake_broker_kill(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

bool fake_broker_init(void)
{
	char *end = strrchr(socket_path, '/');
	bool made;

	signal(SIGPIPE, SIG_IGN);
	*end = '\0';
	made = mkdtemp(socket_path);
	*end = '/';
	return made && setenv("TRANCHE_SOCKET", socket_path, 1) == 0;
}

void fake_broker_deinit(void)
{
	unlink(socket_path);
	*strrchr(socket_path, '/') = '\0';
	rmdir(socket_path);
}
