// SPDX-License-Identifier: MIT
/* Needs root and a file system with access control lists: /dev has them. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

#include "mdev/broker/node.h"

static char path[] = "/dev/shm/tranche-node-XXXXXX";

/* Whether a user can open it for writing. */
static int may_open(uid_t uid)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		if (setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0)
			_exit(2);
		_exit(open(path, O_RDWR) < 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_not_equal(WEXITSTATUS(status), 2);
	return WEXITSTATUS(status) == 0;
}

static int make(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	if (fd < 0)
		return -1;
	fchmod(fd, 0660);
	close(fd);
	if (geteuid() != 0 || node_grant(path, 1) == -EOPNOTSUPP) {
		unlink(path);
		exit(77);
	}
	return node_revoke(path, 1);
}

static int end(void **state)
{
	(void)state;
	return unlink(path);
}

static void test_users(void **state)
{
	(void)state;
	assert_int_equal(node_grant(path, 2000), 0);
	assert_int_equal(node_grant(path, 1000), 0);
	assert_int_equal(node_grant(path, 1000), 0);
	assert_true(may_open(1000));
	assert_true(may_open(2000));
	assert_false(may_open(1500));
	assert_int_equal(node_revoke(path, 1000), 0);
	assert_int_equal(node_revoke(path, 1000), 0);
	assert_false(may_open(1000));
	assert_true(may_open(2000));
	assert_int_equal(node_revoke(path, 2000), 0);
	assert_false(may_open(2000));
}

static void test_everybody(void **state)
{
	(void)state;
	removexattr(path, "system.posix_acl_access");
	chmod(path, 0666);
	assert_int_equal(node_grant(path, 1000), 0);
	assert_true(getxattr(path, "system.posix_acl_access", NULL, 0) < 0);
	assert_int_equal(node_revoke(path, 1000), 0);
	assert_true(may_open(1500));
}

static void test_missing(void **state)
{
	(void)state;
	assert_int_equal(node_grant("/dev/shm/none", 1), -ENOENT);
	assert_int_equal(node_revoke("/dev/shm/none", 1), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_users),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_everybody),
	};

	return cmocka_run_group_tests(tests, make, end);
}
