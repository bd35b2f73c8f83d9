/* SPDX-License-Identifier: MIT */
/*
 * The layer where it is meant to be: under virglrenderer's render server, with
 * a program that uses Mesa's venus driver as a guest would. The way between
 * the two is virgl_test_server's socket instead of a virtio-gpu device.
 *
 * The environment names the drivers: TEST_HOST_DRIVER (lavapipe's manifest),
 * TEST_GUEST_DRIVER (venus's), TEST_LAYERS (the layer's folder) and
 * TEST_PROGRAM (venus-compute), TEST_PRELOAD (what the server has to preload,
 * for a layer with sanitizers; may be empty).
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SERVER "virgl_test_server"
#define STEP_MS 20
#define START_MS 10000
#define PROGRAM_MS 60000
/* Without the layer the program hangs: venus waits for a lost server. */
#define HANG_MS 5000
#define STATUS_TIMEOUT (-1)

/* What a server computes with. */
enum backend {
	BACKEND_PLAIN, /* lavapipe as it is */
	BACKEND_LAYER, /* lavapipe under the layer */
	BACKEND_VENUS, /* another server, as on a host inside a guest */
};

struct server {
	char folder[32];
	char socket[64];
	pid_t pid;
};

static void sleep_ms(int ms)
{
	struct timespec time = {.tv_sec = ms / 1000,
				.tv_nsec = ms % 1000 * 1000000L};

	nanosleep(&time, NULL);
}

static void require_env(const char *name)
{
	if (!getenv(name))
		fail_msg("%s is not set", name);
}

static bool socket_answers(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd, r;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	r = connect(fd, (struct sockaddr *)&address, sizeof(address));
	close(fd);
	return r == 0;
}

static void use_venus(const struct server *server)
{
	setenv("VK_DRIVER_FILES", getenv("TEST_GUEST_DRIVER"), 1);
	setenv("VN_DEBUG", "vtest", 1);
	setenv("VTEST_SOCKET_NAME", server->socket, 1);
	unsetenv("VK_INSTANCE_LAYERS");
}

static void use_lavapipe(bool layer)
{
	const char *preload = getenv("TEST_PRELOAD");

	setenv("VK_DRIVER_FILES", getenv("TEST_HOST_DRIVER"), 1);
	unsetenv("VK_INSTANCE_LAYERS");
	if (!layer)
		return;
	setenv("VK_LAYER_PATH", getenv("TEST_LAYERS"), 1);
	setenv("VK_INSTANCE_LAYERS", "VK_LAYER_TRANCHE_exportable", 1);
	if (preload && *preload)
		setenv("LD_PRELOAD", preload, 1);
}

/* Child: becomes the server. A group of its own ends with its workers. */
static void server_exec(const struct server *server, enum backend backend,
			const struct server *below)
{
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (backend == BACKEND_VENUS)
		use_venus(below);
	else
		use_lavapipe(backend == BACKEND_LAYER);
	execlp(SERVER, SERVER, "--venus", "--no-virgl", "--socket-path",
	       server->socket, NULL);
	_exit(127);
}

/* @below: the server that BACKEND_VENUS computes with. */
static void server_start(struct server *server, enum backend backend,
			 const struct server *below)
{
	snprintf(server->folder, sizeof(server->folder), "/tmp/venus-XXXXXX");
	assert_non_null(mkdtemp(server->folder));
	snprintf(server->socket, sizeof(server->socket), "%s/socket",
		 server->folder);
	server->pid = fork();
	assert_true(server->pid >= 0);
	if (!server->pid)
		server_exec(server, backend, below);
	setpgid(server->pid, server->pid);
	for (int ms = 0; !socket_answers(server->socket); ms += STEP_MS) {
		assert_true(ms < START_MS);
		assert_int_equal(waitpid(server->pid, NULL, WNOHANG), 0);
		sleep_ms(STEP_MS);
	}
}

static void server_stop(struct server *server)
{
	kill(-server->pid, SIGKILL);
	waitpid(server->pid, NULL, 0);
	unlink(server->socket);
	rmdir(server->folder);
}

/* Child: becomes the guest's program. */
static void program_exec(const struct server *server)
{
	const char *program = getenv("TEST_PROGRAM");

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	use_venus(server);
	execl(program, program, NULL);
	_exit(127);
}

/*
 * Runs the program for at most @limit_ms.
 *
 * Return: the program's exit status, 128 plus the number of the signal that
 * ended it, or STATUS_TIMEOUT when it had to be ended from here.
 */
static int program_run(const struct server *server, int limit_ms)
{
	int status, ms;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid)
		program_exec(server);
	for (ms = 0; ms < limit_ms; ms += STEP_MS) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return WIFEXITED(status) ? WEXITSTATUS(status)
						 : 128 + WTERMSIG(status);
		sleep_ms(STEP_MS);
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return STATUS_TIMEOUT;
}

static void test_computes_with_layer(void **state)
{
	struct server server;
	int status;

	(void)state;
	server_start(&server, BACKEND_LAYER, NULL);
	status = program_run(&server, PROGRAM_MS);
	server_stop(&server);
	assert_int_equal(status, 0);
}

/*
 * A guest in a guest: the inner host's venus offers exportable memory only
 * because the outer host lists what it asks for.
 */
static void test_computes_nested(void **state)
{
	struct server outer, inner;
	int status;

	(void)state;
	server_start(&outer, BACKEND_LAYER, NULL);
	server_start(&inner, BACKEND_VENUS, &outer);
	status = program_run(&inner, PROGRAM_MS);
	server_stop(&inner);
	server_stop(&outer);
	/* The inner guest computes; it need not be able to share further. */
	assert_true(status == 0 || status == 3);
}

/* Memory that no one can export never reaches the guest's mapping. */
static void test_fails_without_layer(void **state)
{
	struct server server;
	int status;

	(void)state;
	if (!access("/dev/udmabuf", R_OK | W_OK))
		skip();
	server_start(&server, BACKEND_PLAIN, NULL);
	status = program_run(&server, HANG_MS);
	server_stop(&server);
	assert_int_not_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_computes_with_layer),
		cmocka_unit_test(test_computes_nested),
		cmocka_unit_test(test_fails_without_layer),
	};

	require_env("TEST_HOST_DRIVER");
	require_env("TEST_GUEST_DRIVER");
	require_env("TEST_LAYERS");
	require_env("TEST_PROGRAM");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
