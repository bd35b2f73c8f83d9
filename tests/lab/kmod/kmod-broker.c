// SPDX-License-Identifier: MIT
/*
 * kmod-broker.c - a broker for tests with stock tools
 *
 *   kmod-broker COMMAND...	runs COMMAND with the parent registered
 *
 * Accepts whatever is made, and starts a sample device for each vGPU when a VMM
 * opens it. Returns the command's exit status.
 */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lab/kmod/check.h"
#include "tests/lab/kmod/stand.h"

static void changed(struct stand *stand, const struct tranche_event *event)
{
	const uint32_t both = TRANCHE_STATE_OPEN | TRANCHE_STATE_SERVED;

	if ((event->state & both) == TRANCHE_STATE_OPEN)
		stand_device(stand, event->uuid, 0);
}

int main(int argc, char **argv)
{
	static struct stand stand;
	int status;
	pid_t pid;

	if (argc < 2)
		return 2;
	stand_begin(&stand, 20000);
	stand.changed = changed;
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		close(stand.control);
		execvp(argv[1], argv + 1);
		_exit(127);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	stand_end(&stand);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}
