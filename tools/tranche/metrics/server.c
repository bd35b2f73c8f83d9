// SPDX-License-Identifier: MIT
#include "tools/tranche/metrics/server.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/tranche/message.h"
#include "tools/tranche/metrics/exposition.h"
#include "tools/tranche/metrics/families.h"

/* Scrapers are few; whoever connects more often waits. */
#define CONNECTIONS_MAX 32u
#define CONNECTION_S 10u
#define CONNECTION_BYTES ((size_t)32 << 10)

struct server {
	struct MHD_Daemon *daemon;
	bool up; /* the broker answered last */
};

static const char index_page[] =
	"<!DOCTYPE html><title>Tranche</title>"
	"<p>Metrics of vGPUs: <a href=\"/metrics\">/metrics</a>\n";

static enum MHD_Result reply(struct MHD_Connection *connection,
			     unsigned int status, const char *mime,
			     const char *text,
			     enum MHD_ResponseMemoryMode memory)
{
	struct MHD_Response *response;
	enum MHD_Result result;

	response = MHD_create_response_from_buffer(strlen(text), (void *)text,
						   memory);
	if (!response) {
		if (memory == MHD_RESPMEM_MUST_FREE)
			free((void *)text);
		return MHD_NO;
	}
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, mime);
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW,
					"GET, HEAD");
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result reply_error(struct MHD_Connection *connection,
				   unsigned int status, const char *text)
{
	return reply(connection, status, "text/plain; charset=utf-8", text,
		     MHD_RESPMEM_PERSISTENT);
}

/* Told when it changes, and not at every scrape. */
static bool broker_read(struct server *server, struct reading *reading)
{
	bool up = reading_take(reading, server->up) == 0;

	if (up && !server->up)
		message_error("the broker answers again");
	server->up = up;
	return up;
}

static enum MHD_Result reply_metrics(struct server *server,
				     struct MHD_Connection *connection)
{
	_reading_ struct reading reading = {0};
	char *text;
	int r;

	r = families_text(broker_read(server, &reading) ? &reading : NULL,
			  &text);
	if (r < 0)
		return reply_error(connection, MHD_HTTP_SERVICE_UNAVAILABLE,
				   "out of memory\n");
	return reply(connection, MHD_HTTP_OK, EXPOSITION_MIME, text,
		     MHD_RESPMEM_MUST_FREE);
}

static bool is_read(const char *method)
{
	return strcmp(method, MHD_HTTP_METHOD_GET) == 0 ||
	       strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
}

/* Called once with the headers, then with each part of a body, then at last. */
static enum MHD_Result handle(void *userdata, struct MHD_Connection *connection,
			      const char *url, const char *method,
			      const char *version, const char *body,
			      size_t *body_size, void **request)
{
	static char seen;

	(void)version;
	(void)body;
	if (!is_read(method))
		return reply_error(connection, MHD_HTTP_METHOD_NOT_ALLOWED,
				   "only GET and HEAD\n");
	if (!*request) {
		*request = &seen;
		return MHD_YES;
	}
	if (*body_size) {
		*body_size = 0;
		return MHD_YES;
	}
	if (strcmp(url, "/metrics") == 0)
		return reply_metrics(userdata, connection);
	if (strcmp(url, "/") == 0)
		return reply(connection, MHD_HTTP_OK,
			     "text/html; charset=utf-8", index_page,
			     MHD_RESPMEM_PERSISTENT);
	return reply_error(connection, MHD_HTTP_NOT_FOUND, "see /metrics\n");
}

int server_start(struct server **serverp, int fd)
{
	struct server *server = calloc(1, sizeof(*server));

	if (!server) {
		close(fd);
		return message_memory();
	}
	server->up = true;
	server->daemon = MHD_start_daemon(
		MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC, 0, NULL, NULL,
		handle, server, MHD_OPTION_LISTEN_SOCKET, (MHD_socket)fd,
		MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX,
		MHD_OPTION_CONNECTION_TIMEOUT, CONNECTION_S,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_BYTES,
		MHD_OPTION_END);
	if (!server->daemon) {
		message_error("cannot start the HTTP server: raise this "
			      "process's limits of memory and files");
		close(fd);
		free(server);
		return -EAGAIN;
	}
	*serverp = server;
	return 0;
}

void server_stop(struct server *server)
{
	MHD_stop_daemon(server->daemon);
	free(server);
}
