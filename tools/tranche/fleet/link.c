// SPDX-License-Identifier: MIT
#include "tools/tranche/fleet/link.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "tools/tranche/broker.h"
#include "tools/tranche/fleet/wait.h"
#include "tools/tranche/message.h"

#define PATIENCE_SECONDS 30

int link_open(struct link *link)
{
	return broker_connect(&link->varlink);
}

void link_close(struct link *link)
{
	link->varlink = sd_varlink_close_unref(link->varlink);
}

/* One that is blocked, as an event loop's are, interrupts no wait. */
static bool signal_waits(void)
{
	sigset_t set;

	return sigpending(&set) == 0 && (sigismember(&set, SIGINT) == 1 ||
					 sigismember(&set, SIGTERM) == 1 ||
					 sigismember(&set, SIGHUP) == 1);
}

static int reopen(struct link *link)
{
	static const struct timespec pause = {.tv_nsec = 100000000};
	uint64_t end = wait_now_us() + PATIENCE_SECONDS * WAIT_SECOND_US;

	while (broker_open(&link->varlink) < 0) {
		if (signal_waits())
			return -EINTR;
		if (wait_now_us() >= end) {
			message_error("no broker has come back to %s within "
				      "%d s: see 'journalctl -u tranched'",
				      broker_socket(), PATIENCE_SECONDS);
			return -ETIMEDOUT;
		}
		nanosleep(&pause, NULL);
	}
	return 0;
}

static int renew(struct link *link)
{
	link_close(link);
	if (link->renewals == LINK_RENEWALS) {
		message_error("the broker ends again and again: see "
			      "'journalctl -u tranched'");
		return -ECONNABORTED;
	}
	message_error("the broker ended: this goes on when it is back");
	link->renewals++;
	return reopen(link);
}

int link_call(struct link *link, const char *method,
	      sd_json_variant *parameters, sd_json_variant **reply)
{
	int r = -ENOTCONN;

	while (link->varlink) {
		r = broker_try(link->varlink, method, parameters, reply);
		if (r != -ECONNRESET)
			return r;
		r = renew(link);
	}
	return r;
}
