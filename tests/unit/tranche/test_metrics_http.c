// SPDX-License-Identifier: MIT
/*
 * The exporter as a process of its own, over HTTP: what it answers, and that no
 * broker and no client brings it down.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/tranche/scrape.h"

#define ANSWER_SIZE 65536
/* How long anything may take on a busy machine. */
#define PATIENCE_S 60

struct exporter {
	pid_t pid;
	in_port_t port;
	char folder[64];
	char socket[96];
};

static void exporter_execute(const struct exporter *exporter, int output)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(output, STDOUT_FILENO);
	setenv("TRANCHE_SOCKET", exporter->socket, 1);
	execl(TRANCHE_PROGRAM, "tranche", "metrics", "--listen", "127.0.0.1:0",
	      NULL);
	_exit(127);
}

/* It says where it listens as soon as it does. */
static int exporter_start(void **state)
{
	struct exporter *exporter = calloc(1, sizeof(*exporter));
	unsigned int port;
	int output[2];
	FILE *file;

	assert_non_null(exporter);
	strcpy(exporter->folder, "/tmp/tranche-metrics-XXXXXX");
	assert_non_null(mkdtemp(exporter->folder));
	snprintf(exporter->socket, sizeof(exporter->socket), "%s/socket",
		 exporter->folder);
	assert_int_equal(pipe(output), 0);
	exporter->pid = fork();
	if (exporter->pid == 0)
		exporter_execute(exporter, output[1]);
	close(output[1]);
	file = fdopen(output[0], "r");
	assert_non_null(file);
	assert_int_equal(fscanf(file, "http://127.0.0.1:%u/metrics", &port), 1);
	fclose(file);
	exporter->port = (in_port_t)port;
	*state = exporter;
	return 0;
}

static int exporter_stop(void **state)
{
	struct exporter *exporter = *state;
	int status;

	kill(exporter->pid, SIGTERM);
	assert_int_equal(waitpid(exporter->pid, &status, 0), exporter->pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	unlink(exporter->socket);
	rmdir(exporter->folder);
	free(exporter);
	return 0;
}

static int http_connect(const struct exporter *exporter)
{
	const struct timeval patience = {.tv_sec = PATIENCE_S};
	const struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(exporter->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	assert_int_equal(
		connect(fd, (const struct sockaddr *)&address, sizeof(address)),
		0);
	return fd;
}

/* Sends @request and reads until the other side ends. */
static void http_ask(const struct exporter *exporter, const char *request,
		     char answer[static ANSWER_SIZE])
{
	int fd = http_connect(exporter);
	size_t length = 0;
	ssize_t count;

	assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL),
			 strlen(request));
	while (length < ANSWER_SIZE - 1 &&
	       (count = recv(fd, answer + length, ANSWER_SIZE - 1 - length,
			     0)) > 0)
		length += (size_t)count;
	answer[length] = '\0';
	close(fd);
}

static const char *http_body(const char *answer)
{
	const char *end = strstr(answer, "\r\n\r\n");

	assert_non_null(end);
	return end + 4;
}

#define GET(path) \
	"GET " path " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

static double scrape_up(const struct exporter *exporter)
{
	const char *const none[] = {NULL};
	char answer[ANSWER_SIZE], error[256];
	struct scrape *scrape;
	double up;

	http_ask(exporter, GET("/metrics"), answer);
	scrape = scrape_new(http_body(answer), error, sizeof(error));
	if (!scrape)
		fail_msg("%s: %s", error, answer);
	assert_non_null(scrape_find(scrape, "tranche_up", none));
	up = scrape_find(scrape, "tranche_up", none)->value;
	scrape_free(scrape);
	return up;
}

static void metrics_are_text(void **state)
{
	char answer[ANSWER_SIZE];

	http_ask(*state, GET("/metrics"), answer);
	assert_int_equal(strncmp(answer, "HTTP/1.1 200 ", 13), 0);
	assert_non_null(strstr(
		answer,
		"\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
	assert_true(scrape_up(*state) == 0);
	http_ask(*state, "HEAD /metrics HTTP/1.0\r\n\r\n", answer);
	assert_non_null(strstr(answer, " 200 "));
	assert_string_equal(http_body(answer), "");
}

static void other_requests_are_refused(void **state)
{
	char answer[ANSWER_SIZE];

	http_ask(*state, GET("/"), answer);
	assert_non_null(strstr(answer, "href=\"/metrics\""));
	http_ask(*state, GET("/metrics/../etc/passwd"), answer);
	assert_non_null(strstr(answer, " 404 "));
	http_ask(*state,
		 "POST /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
		 "Content-Length: 3\r\n\r\nabc",
		 answer);
	assert_non_null(strstr(answer, " 405 "));
	assert_non_null(strstr(answer, "\r\nAllow: GET, HEAD\r\n"));
	http_ask(*state, "nonsense\r\n\r\n", answer);
	assert_null(strstr(answer, " 200 "));
	assert_true(scrape_up(*state) == 0);
}

/* Clients that say nothing, or end in the middle, keep nobody else waiting. */
static void silent_clients_harm_nobody(void **state)
{
	int silent[20];

	for (size_t i = 0; i < 20; i++) {
		silent[i] = http_connect(*state);
		if (i % 2)
			send(silent[i], "GET /met", 8, MSG_NOSIGNAL);
	}
	assert_true(scrape_up(*state) == 0);
	for (size_t i = 0; i < 20; i++)
		close(silent[i]);
	assert_true(scrape_up(*state) == 0);
}

static int broker_listen(const struct exporter *exporter)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s",
		 exporter->socket);
	unlink(exporter->socket);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)),
			 0);
	assert_int_equal(listen(fd, 16), 0);
	return fd;
}

/* Whoever connects waits in the queue, and is never answered. */
static void a_broker_that_hangs_is_down(void **state)
{
	int fd = broker_listen(*state);

	assert_true(scrape_up(*state) == 0);
	close(fd);
	assert_true(scrape_up(*state) == 0);
}

/* Answers each connection with @answer and ends it. */
static pid_t broker_fork(int fd, const char *answer, size_t size)
{
	pid_t pid = fork();
	int client;

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while ((client = accept(fd, NULL, NULL)) >= 0) {
		send(client, answer, size, MSG_NOSIGNAL);
		close(client);
	}
	_exit(0);
}

static void a_broker_that_raves_is_down(void **state)
{
	static const struct {
		const char *text;
		size_t size;
	} answers[] = {
		{"nonsense", 9},
		{"{\"parameters\":{\"gpus\":7}}", 25},
		{"{\"error\":\"x.y.Z\"}", 18},
		{"{\"parameters\":{\"gpus\":[\377]}}", 26},
		{"{\"parameters\":", 14},
	};

	for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
		int fd = broker_listen(*state);
		pid_t pid = broker_fork(fd, answers[i].text, answers[i].size);

		close(fd);
		assert_true(scrape_up(*state) == 0);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(metrics_are_text),
		cmocka_unit_test(other_requests_are_refused),
		cmocka_unit_test(silent_clients_harm_nobody),
		cmocka_unit_test(a_broker_that_hangs_is_down),
		cmocka_unit_test(a_broker_that_raves_is_down),
	};

	return cmocka_run_group_tests(tests, exporter_start, exporter_stop);
}
