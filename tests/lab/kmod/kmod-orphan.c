// SPDX-License-Identifier: MIT
/*
 * kmod-orphan.c - leaves a parent with a vGPU and no broker behind
 *
 * While it has them the module cannot be unloaded.
 */
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/lab/kmod/check.h"
#include "tests/lab/kmod/stand.h"

int main(void)
{
	char uuid[TRANCHE_UUID_SIZE];
	struct stand stand;

	stand_begin(&stand, 5000);
	stand_uuid(uuid);
	CHECK(!stand_create(&stand, STAND_TYPE, uuid));
	CHECK_ERRNO(syscall(SYS_delete_module, "tranche", O_NONBLOCK),
		    EWOULDBLOCK);
	stand_leave(&stand);
	return 0;
}
