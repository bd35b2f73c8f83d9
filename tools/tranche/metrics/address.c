// SPDX-License-Identifier: MIT
#include "tools/tranche/metrics/address.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "units/units.h"
#include "tools/tranche/message.h"

/* Parts 127.0.0.1:9 or [::1]:9; changes @text. Return: 0; -EINVAL. */
static int split(char *text, char **host, char **port)
{
	char *colon = strrchr(text, ':');
	size_t length;

	if (!colon || colon == text || !colon[1])
		return -EINVAL;
	*colon = '\0';
	*host = text;
	*port = colon + 1;
	length = strlen(text);
	if (text[0] != '[')
		return strchr(text, ':') ? -EINVAL : 0;
	if (text[length - 1] != ']')
		return -EINVAL;
	text[length - 1] = '\0';
	(*host)++;
	return 0;
}

static int parse(const char *text, struct addrinfo **found)
{
	const struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
	};
	char copy[ADDRESS_TEXT], *host, *port;
	uint64_t number;

	if (strlen(text) >= sizeof(copy))
		return -EINVAL;
	strcpy(copy, text);
	if (split(copy, &host, &port) < 0 ||
	    units_parse_count(port, 0, UINT16_MAX, &number) < 0 ||
	    getaddrinfo(host, port, &hints, found) != 0)
		return -EINVAL;
	return 0;
}

static int tell(const char *text, int error)
{
	switch (error) {
	case EADDRINUSE:
		message_error("%s is in use: end what listens there, or choose "
			      "another port with --listen",
			      text);
		break;
	case EADDRNOTAVAIL:
		message_error("%s is no address of this host: choose one of "
			      "'ip address' with --listen",
			      text);
		break;
	case EACCES:
	case EPERM:
		message_error("no permission to listen at %s: choose a port "
			      "above 1023 with --listen",
			      text);
		break;
	default:
		message_error("cannot listen at %s: %s: choose another address "
			      "with --listen",
			      text, strerror(error));
	}
	return -error;
}

static int open_at(const struct addrinfo *where)
{
	const int on = 1;
	int fd, r;

	fd = socket(where->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	/* A port whose last user has just ended is free. */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, where->ai_addr, where->ai_addrlen) == 0 &&
	    listen(fd, SOMAXCONN) == 0)
		return fd;
	r = -errno;
	close(fd);
	return r;
}

int address_listen(const char *text)
{
	struct addrinfo *where;
	int fd;

	if (parse(text, &where) < 0)
		return message_bad("--listen '%s': give an address and a port, "
				   "such as " ADDRESS_DEFAULT " or [::1]:12835",
				   text);
	fd = open_at(where);
	freeaddrinfo(where);
	return fd < 0 ? tell(text, -fd) : fd;
}

int address_format(int fd, char text[static ADDRESS_TEXT])
{
	struct sockaddr_storage address = {0};
	socklen_t length = sizeof(address);
	char host[64], port[8];

	if (getsockname(fd, (struct sockaddr *)&address, &length) < 0)
		return -errno;
	if (getnameinfo((struct sockaddr *)&address, length, host, sizeof(host),
			port, sizeof(port),
			NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		return -EINVAL;
	snprintf(text, ADDRESS_TEXT,
		 address.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host,
		 port);
	return 0;
}
