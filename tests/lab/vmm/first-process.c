// SPDX-License-Identifier: MIT
/*
 * A guest's first process, for bench-start: says that it is there, at once and
 * with no shell before it, waits to be looked at, and powers off.
 */
#include <sys/reboot.h>
#include <unistd.h>

int main(void)
{
	static const char text[] = "bench-init\n";

	if (write(STDOUT_FILENO, text, sizeof(text) - 1) < 0)
		return 1;
	sleep(1);
	return reboot(RB_POWER_OFF);
}
