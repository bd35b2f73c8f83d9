// SPDX-License-Identifier: MIT
/*
 * A confined process sees, has and may do what it was given, and nothing else.
 * As root; what needs a cgroup2 with its controllers is left out elsewhere.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "mdev/sandbox/paths.h"
#include "tests/unit/sandbox/attempts.h"

#define USER 61234
#define OUTPUT_MAX 16384
#define WAIT_MS 60000
#define CGROUP "/sys/fs/cgroup/tranche-test"
#define NAME "6b5a8e56-6cf0-4f41-8f0e-1f3c64c1a001"

struct fixture {
	char program[512]; /* the path inside, too */
	char folder[64]; /* of ours, with a file, a socket and a link in it */
	struct sandbox_paths paths;
	int log[2];
	int listener;
};

/* A string that may be pointed to by what execve() takes. */
#define TEXT(text) ((char[]){text})

static char *no_environment[] = {NULL};

static int listen_abstract(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path + 1, ATTEMPT_ABSTRACT);
	if (fd < 0 ||
	    bind(fd, (struct sockaddr *)&address,
		 offsetof(struct sockaddr_un, sun_path) + 1 +
			 strlen(ATTEMPT_ABSTRACT)) < 0 ||
	    listen(fd, 4) < 0)
		return -1;
	return fd;
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char *slash;

	assert_non_null(f);
	*state = f;
	snprintf(f->program, sizeof(f->program), "%s", getenv("TEST_INSIDE"));
	assert_return_code(pipe2(f->log, O_CLOEXEC), errno);
	f->listener = listen_abstract();
	assert_return_code(f->listener, errno);
	strcpy(f->folder, "/tmp/sandbox-test.XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	assert_return_code(chown(f->folder, USER, USER), errno);
	assert_int_equal(sandbox_paths_add_system(&f->paths), 0);
	slash = strrchr(f->program, '/');
	*slash = '\0';
	assert_int_equal(sandbox_paths_add(&f->paths, f->program, NULL, 0), 0);
	*slash = '/';
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	char command[128];

	sandbox_paths_deinit(&f->paths);
	snprintf(command, sizeof(command), "rm -r %s", f->folder);
	assert_int_equal(system(command), 0);
	close(f->log[0]);
	close(f->log[1]);
	close(f->listener);
	free(f);
	return 0;
}

static struct sandbox_config config_for(struct fixture *f, char **argv)
{
	return (struct sandbox_config){
		.name = NAME,
		.uid = USER,
		.argv = argv,
		.environment = no_environment,
		.paths = f->paths.list,
		.path_count = f->paths.count,
		.log_fd = f->log[1],
		.memlock_max = 1 << 20,
		.files_max = 1024,
	};
}

/* The exit status of a process; a signal counts as 128 and its number. */
static int status_of(int pidfd)
{
	struct pollfd fd = {.fd = pidfd, .events = POLLIN};
	siginfo_t info;

	assert_int_equal(poll(&fd, 1, WAIT_MS), 1);
	assert_return_code(waitid(P_PIDFD, pidfd, &info, WEXITED), errno);
	close(pidfd);
	return info.si_code == CLD_EXITED ? info.si_status
					  : 128 + info.si_status;
}

static int run(const struct sandbox_config *config)
{
	pid_t pid;
	int pidfd = sandbox_spawn(config, &pid);

	return pidfd < 0 ? pidfd : status_of(pidfd);
}

/* What was written to the log so far. */
static const char *logged(struct fixture *f)
{
	static char text[OUTPUT_MAX];
	struct pollfd fd = {.fd = f->log[0], .events = POLLIN};
	size_t length = 0;

	while (poll(&fd, 1, 0) == 1 && length < sizeof(text) - 1) {
		ssize_t more = read(f->log[0], text + length,
				    sizeof(text) - 1 - length);

		assert_true(more > 0);
		length += more;
	}
	text[length] = '\0';
	return text;
}

static void run_to_log(struct fixture *f, char **argv, const char *expected)
{
	const struct sandbox_config config = config_for(f, argv);
	const char *text;
	int status = run(&config);

	text = logged(f);
	if (status || strcmp(text, expected))
		print_message("status %d, '%s'\n", status, text);
	assert_int_equal(status, 0);
	assert_string_equal(text, expected);
}

/* Files, users, sockets, neighbours, and the kernel's more dangerous parts. */
static void test_everything_is_denied(void **state)
{
	struct fixture *f = *state;
	char *argv[] = {f->program,
			TEXT("attempts"),
			TEXT("/etc/shadow"),
			TEXT("/etc/passwd"),
			TEXT("/root"),
			TEXT("/proc/self/mem"),
			TEXT("/dev/tranche"),
			TEXT("/dev/kvm"),
			TEXT("/dev/vfio/vfio"),
			TEXT("/dev/mem"),
			TEXT("/run"),
			TEXT("/home"),
			TEXT("/var"),
			TEXT("/sys/class"),
			TEXT("/tmp"),
			f->folder,
			NULL};
	const struct sandbox_config config = config_for(f, argv);
	int status = run(&config);
	const char *text = logged(f);

	print_message("%s", text);
	assert_int_equal(status, 0);
	assert_null(strstr(text, " done\n"));
	assert_non_null(strstr(text, "\n/tmp denied"));
}

/* The attempts themselves: outside, root succeeds. */
static void test_attempts_can_succeed(void **state)
{
	static const char *const expected[] = {"socket-inet",
					       "socket-netlink",
					       "socket-abstract",
					       "ptrace-neighbour",
					       "read-neighbour",
					       "write-neighbour",
					       "descriptor-of-neighbour",
					       "inherited-descriptor",
					       "list-root",
					       "create-in-dev",
					       "mknod",
					       "mount",
					       "fsopen",
					       "open-tree",
					       "unshare-user",
					       "unshare-mount",
					       "clone-user",
					       "clone3",
					       "setuid",
					       "setgroups",
					       "capabilities",
					       "new-privileges",
					       "keyctl",
					       "terminal-input",
					       "/etc/shadow"};
	struct fixture *f = *state;
	const char *text;
	char line[64];
	pid_t pid = fork();

	if (pid == 0) {
		dup2(open("/dev/null", O_RDWR), STDIN_FILENO);
		dup2(f->log[1], STDOUT_FILENO);
		dup2(f->log[1], 10);
		execl(f->program, f->program, "attempts", "/etc/shadow", NULL);
		_exit(127);
	}
	assert_int_equal(status_of(pidfd_open(pid, 0)), 1);
	text = logged(f);
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		snprintf(line, sizeof(line), "%s done\n", expected[i]);
		if (!strstr(text, line))
			print_message("%s: not done outside\n", expected[i]);
		assert_non_null(strstr(text, line));
	}
}

static void test_environment_and_user(void **state)
{
	struct fixture *f = *state;
	char *argv[] = {f->program, TEXT("environment"), NULL};
	char *environment[] = {TEXT("ONE=1"), TEXT("TWO=2"), NULL};
	struct sandbox_config config = config_for(f, argv);

	config.environment = environment;
	assert_int_equal(run(&config), 0);
	assert_string_equal(logged(f),
			    "ONE=1\nTWO=2\nuser 61234 61234 process 1\n");
}

static void test_descriptors(void **state)
{
	struct fixture *f = *state;
	char *argv[] = {f->program, TEXT("echo"), NULL};
	struct sandbox_config config = config_for(f, argv);
	struct sandbox_fd given = {.inside = 3};
	char text[8] = "";
	int pair[2], pidfd;
	pid_t pid;

	assert_return_code(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair),
		errno);
	given.host = pair[1];
	config.fds = &given;
	config.fd_count = 1;
	pidfd = sandbox_spawn(&config, &pid);
	assert_true(pidfd >= 0);
	assert_int_equal(kill(pid, 0), 0);
	close(pair[1]);
	assert_int_equal(write(pair[0], "hello", 5), 5);
	assert_int_equal(read(pair[0], text, sizeof(text)), 5);
	assert_string_equal(text, "hello");
	close(pair[0]);
	assert_int_equal(status_of(pidfd), 0);
}

/* A number above may be wanted where a descriptor of the caller's stands. */
static void test_descriptors_cross(void **state)
{
	struct fixture *f = *state;
	char *argv[] = {f->program, TEXT("echo"), NULL};
	struct sandbox_config config = config_for(f, argv);
	struct sandbox_fd given[2] = {{.inside = 3}, {.inside = 4}};
	char text[8] = "";
	int pair[2], pidfd;
	pid_t pid;

	assert_return_code(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair),
		errno);
	given[0].host = dup2(pair[1], 60);
	given[1].host = dup2(pair[0], 3) < 0 ? -1 : 3;
	given[0].inside = 3;
	given[1].inside = 60;
	config.fds = given;
	config.fd_count = 2;
	pidfd = sandbox_spawn(&config, &pid);
	assert_true(pidfd >= 0);
	assert_int_equal(write(pair[0], "cross", 5), 5);
	assert_int_equal(read(pair[0], text, sizeof(text)), 5);
	assert_string_equal(text, "cross");
	assert_return_code(pidfd_send_signal(pidfd, SIGKILL, NULL, 0), errno);
	assert_int_equal(status_of(pidfd), 128 + SIGKILL);
	close(60);
	close(3);
	close(pair[0]);
	close(pair[1]);
}

/* Whether the other end of a pipe is closed everywhere. */
static bool closed_everywhere(int fd)
{
	struct pollfd end = {.fd = fd, .events = POLLIN};

	return poll(&end, 1, WAIT_MS) == 1 && end.revents == POLLHUP;
}

static void test_all_die_with_the_first(void **state)
{
	struct fixture *f = *state;
	char *argv[] = {f->program, TEXT("family"), NULL};
	struct sandbox_config config = config_for(f, argv);
	struct sandbox_fd given = {.inside = 3};
	int held[2], pidfd;
	pid_t pid;

	assert_return_code(pipe2(held, O_CLOEXEC), errno);
	given.host = held[1];
	config.fds = &given;
	config.fd_count = 1;
	pidfd = sandbox_spawn(&config, &pid);
	assert_true(pidfd >= 0);
	close(held[1]);
	assert_return_code(pidfd_send_signal(pidfd, SIGKILL, NULL, 0), errno);
	assert_int_equal(status_of(pidfd), 128 + SIGKILL);
	assert_true(closed_everywhere(held[0]));
	close(held[0]);
}

static void test_outlives_its_starter(void **state)
{
	struct fixture *f = *state;
	char *argv[] = {f->program, TEXT("echo"), NULL};
	struct sandbox_config config = config_for(f, argv);
	struct sandbox_fd given = {.inside = 3};
	char text[8] = "";
	int pair[2];
	pid_t starter, pid;

	assert_return_code(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair),
		errno);
	given.host = pair[1];
	config.fds = &given;
	config.fd_count = 1;
	starter = fork();
	if (starter == 0)
		_exit(sandbox_spawn(&config, &pid) < 0);
	close(pair[1]);
	assert_int_equal(status_of(pidfd_open(starter, 0)), 0);
	assert_int_equal(write(pair[0], "alive", 5), 5);
	assert_int_equal(read(pair[0], text, sizeof(text)), 5);
	assert_string_equal(text, "alive");
	close(pair[0]);
}

static void test_writable_only_where_asked(void **state)
{
	struct fixture *f = *state;
	char inside[128], program[128];
	char *write_usr[] = {f->program, TEXT("write"), TEXT("/usr/attempt"),
			     NULL};
	char *write_own[] = {f->program, TEXT("write"), inside, NULL};
	char *exec_own[] = {f->program, TEXT("exec"), program, NULL};
	char denied[16];

	snprintf(inside, sizeof(inside), "/data/file");
	snprintf(program, sizeof(program), "/data/file");
	assert_int_equal(sandbox_paths_add(&f->paths, f->folder, "/data",
					   SANDBOX_PATH_WRITE),
			 0);
	run_to_log(f, write_own, "0\n");
	snprintf(denied, sizeof(denied), "%d\n", EACCES);
	run_to_log(f, exec_own, denied);
	snprintf(denied, sizeof(denied), "%d\n", EROFS);
	run_to_log(f, write_usr, denied);
}

static void test_read_only_otherwise(void **state)
{
	struct fixture *f = *state;
	char *argv[] = {f->program, TEXT("write"), TEXT("/data/file"), NULL};
	char denied[16];

	assert_int_equal(sandbox_paths_add(&f->paths, f->folder, "/data", 0),
			 0);
	snprintf(denied, sizeof(denied), "%d\n", EROFS);
	run_to_log(f, argv, denied);
}

static int listen_at(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	assert_return_code(
		bind(fd, (struct sockaddr *)&address, sizeof(address)), errno);
	assert_return_code(listen(fd, 4), errno);
	assert_return_code(chmod(path, 0666), errno);
	return fd;
}

/* As a gate reaches its door. */
static void test_shown_socket_is_reached(void **state)
{
	struct fixture *f = *state;
	char *argv[] = {f->program, TEXT("attempts"), TEXT("/door/socket"),
			NULL};
	struct sandbox_config config;
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/socket", f->folder);
	fd = listen_at(path);
	assert_int_equal(sandbox_paths_add(&f->paths, f->folder, "/door", 0),
			 0);
	config = config_for(f, argv);
	assert_int_equal(run(&config), 1);
	assert_non_null(strstr(logged(f), "\n/door/socket done\n"));
	close(fd);
}

static void test_missing_path(void **state)
{
	struct fixture *f = *state;
	char *argv[] = {f->program, TEXT("environment"), NULL};
	struct sandbox_config config;

	assert_int_equal(sandbox_paths_add(&f->paths, "/not/there", NULL,
					   SANDBOX_PATH_OPTIONAL),
			 0);
	config = config_for(f, argv);
	assert_int_equal(run(&config), 0);
	assert_int_equal(sandbox_paths_add(&f->paths, "/not/there", NULL, 0),
			 0);
	logged(f);
	config = config_for(f, argv);
	assert_int_equal(run(&config), -ENOENT);
	assert_string_equal(logged(f),
			    "sandbox " NAME
			    ": path /not/there: No such file or directory\n");
}

static void test_missing_program(void **state)
{
	struct fixture *f = *state;
	char *argv[] = {TEXT("/usr/bin/not-there"), NULL};
	const struct sandbox_config config = config_for(f, argv);

	assert_int_equal(run(&config), -ENOENT);
	assert_string_equal(
		logged(f),
		"sandbox " NAME
		": program /usr/bin/not-there: No such file or directory\n");
	/* No child stays behind. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void test_wrong_configuration(void **state)
{
	struct fixture *f = *state;
	char *argv[] = {f->program, TEXT("environment"), NULL};
	struct sandbox_fd low = {.host = 1, .inside = 2};
	struct sandbox_path up = {"/usr", "/usr/../x", 0};
	struct sandbox_config config = config_for(f, argv);

	config.uid = 0;
	assert_int_equal(run(&config), -EINVAL);
	config = config_for(f, argv);
	config.fds = &low;
	config.fd_count = 1;
	assert_int_equal(run(&config), -EINVAL);
	config = config_for(f, argv);
	config.name = "../x";
	assert_int_equal(run(&config), -EINVAL);
	config = config_for(f, argv);
	config.memory_max = 1 << 20;
	assert_int_equal(run(&config), -EINVAL);
	config = config_for(f, argv);
	config.paths = &up;
	config.path_count = 1;
	assert_int_equal(run(&config), -EINVAL);
}

/* Allocates all the time, so that its lock is held at most clones. */
static void *allocate(void *arg)
{
	const atomic_bool *end = arg;

	while (!*end)
		free(malloc(100000));
	return NULL;
}

/* Spawns all the time: that takes locks of its own. */
static void *spawn(void *arg)
{
	const atomic_bool *end = arg;
	char *argv[] = {TEXT("true"), NULL};
	pid_t pid;

	while (!*end)
		if (posix_spawn(&pid, "/bin/true", NULL, NULL, argv,
				no_environment) == 0)
			waitpid(pid, NULL, 0);
	return NULL;
}

static void test_caller_with_threads(void **state)
{
	struct fixture *f = *state;
	char *argv[] = {f->program, TEXT("environment"), NULL};
	const struct sandbox_config config = config_for(f, argv);
	atomic_bool end = false;
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, i % 2 ? spawn : allocate,
			       &end);
	for (int i = 0; i < 40; i++)
		assert_int_equal(run(&config), 0);
	end = true;
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
}

/* A cgroup2 whose root can give both controllers. */
static bool have_cgroup(void)
{
	FILE *file = fopen("/sys/fs/cgroup/cgroup.controllers", "re");
	char line[256] = "";
	bool all = file && fgets(line, sizeof(line), file) &&
		   strstr(line, "memory") && strstr(line, "pids");

	if (file)
		fclose(file);
	return all;
}

static void test_processes_are_limited(void **state)
{
	struct fixture *f = *state;
	char *argv[] = {f->program, TEXT("processes"), NULL};
	struct sandbox_config config = config_for(f, argv);

	if (!have_cgroup())
		skip();
	config.cgroup = CGROUP;
	config.pids_max = 32;
	assert_int_equal(run(&config), 0);
	assert_string_equal(logged(f), "31\n");
	assert_int_equal(sandbox_kill(CGROUP, NAME), 0);
}

/* Whoever takes too much dies, not its neighbours. */
static void test_memory_is_limited(void **state)
{
	struct fixture *f = *state;
	char *argv[] = {f->program, TEXT("memory"), NULL};
	struct sandbox_config config = config_for(f, argv);

	if (!have_cgroup())
		skip();
	config.cgroup = CGROUP;
	config.memory_max = 32 << 20;
	assert_int_equal(run(&config), 0);
	assert_string_equal(logged(f), "killed\n");
	assert_int_equal(sandbox_kill(CGROUP, NAME), 0);
}

static void test_found_and_killed(void **state)
{
	struct fixture *f = *state;
	char *argv[] = {f->program, TEXT("family"), NULL};
	struct sandbox_config config = config_for(f, argv);
	struct sandbox_fd given = {.inside = 3};
	pid_t pid, found;
	int held[2], pidfd, other;

	if (!have_cgroup())
		skip();
	assert_return_code(pipe2(held, O_CLOEXEC), errno);
	given.host = held[1];
	config.cgroup = CGROUP;
	config.fds = &given;
	config.fd_count = 1;
	assert_int_equal(sandbox_find(CGROUP, NAME, &found), -ENOENT);
	pidfd = sandbox_spawn(&config, &pid);
	assert_true(pidfd >= 0);
	assert_int_equal(sandbox_spawn(&config, &found), -EBUSY);
	other = sandbox_find(CGROUP, NAME, &found);
	assert_true(other >= 0);
	assert_int_equal(found, pid);
	close(other);
	close(held[1]);
	assert_int_equal(sandbox_kill(CGROUP, NAME), 0);
	assert_true(closed_everywhere(held[0]));
	assert_int_equal(status_of(pidfd), 128 + SIGKILL);
	assert_int_equal(sandbox_find(CGROUP, NAME, &found), -ENOENT);
	assert_int_equal(access(CGROUP "/" NAME, F_OK), -1);
	assert_int_equal(sandbox_kill(CGROUP, NAME), 0);
	close(held[0]);
}

/*
 * What it is for: virglrenderer, its server and workers with a software driver
 * find all they need. The test of the renderer is the program.
 */
static void test_renderer_runs(void **state)
{
	struct fixture *f = *state;
	char *argv[] = {getenv("TEST_RENDERER"), NULL};
	char *environment[] = {
		TEXT("TEST_RENDER_SERVER=/usr/libexec/virgl_render_server"),
		TEXT("VK_DRIVER_FILES=/usr/share/vulkan/icd.d/lvp_icd.json"),
		TEXT("MESA_SHADER_CACHE_DISABLE=true"), NULL};
	struct sandbox_config config = config_for(f, argv);
	int status;

	config.environment = environment;
	status = run(&config);
	print_message("%s", logged(f));
	if (status == 77)
		skip();
	assert_int_equal(status, 0);
}

/* Return: whether this root and this user can have namespaces at all. */
static bool possible(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(geteuid() != 0 || unshare(CLONE_NEWUSER) < 0);
	return waitpid(pid, &status, 0) == pid && status == 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_everything_is_denied),
		TEST(test_attempts_can_succeed),
		TEST(test_environment_and_user),
		TEST(test_descriptors),
		TEST(test_descriptors_cross),
		TEST(test_all_die_with_the_first),
		TEST(test_outlives_its_starter),
		TEST(test_writable_only_where_asked),
		TEST(test_read_only_otherwise),
		TEST(test_shown_socket_is_reached),
		TEST(test_missing_path),
		TEST(test_missing_program),
		TEST(test_wrong_configuration),
		TEST(test_caller_with_threads),
		TEST(test_renderer_runs),
		TEST(test_processes_are_limited),
		TEST(test_memory_is_limited),
		TEST(test_found_and_killed),
	};
	int r;

	if (!possible()) {
		puts("needs root, and user namespaces: not in a chroot");
		return 77;
	}
	r = cmocka_run_group_tests(tests, NULL, NULL);
	if (have_cgroup())
		rmdir(CGROUP);
	return r;
}
