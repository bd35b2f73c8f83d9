// SPDX-License-Identifier: MIT
#include "vmm-hooks/vmm/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "vmm-hooks/vmm/cleanup.h"
#include "vmm-hooks/vmm/report.h"
#include "vmm-hooks/vmm/vcpu.h"

#define ESCAPE 1 /* Ctrl-A */

static struct terminal *from_input(struct loop_handler *handler)
{
	return (struct terminal *)((char *)handler -
				   offsetof(struct terminal, input));
}

static struct terminal *from_resume(struct loop_handler *handler)
{
	return (struct terminal *)((char *)handler -
				   offsetof(struct terminal, resume));
}

static void watch(struct terminal *terminal, bool on)
{
	if (terminal->watching == on || terminal->input.fd < 0)
		return;
	if (!on)
		loop_remove(terminal->loop, &terminal->input);
	else if (loop_add(terminal->loop, &terminal->input, EPOLLIN) < 0)
		return;
	terminal->watching = on;
}

/* Takes the escape sequences out; returns how many bytes stay. */
static unsigned int filter(struct terminal *terminal, uint8_t *data,
			   unsigned int len)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < len; i++) {
		uint8_t byte = data[i];

		if (terminal->raw && !terminal->escape && byte == ESCAPE) {
			terminal->escape = true;
			continue;
		}
		if (terminal->escape && (byte == 'x' || byte == 'X'))
			loop_end(terminal->loop, VCPU_END_ERROR);
		if (terminal->escape && (byte == 'a' || byte == 'A'))
			byte = ESCAPE;
		terminal->escape = false;
		data[kept++] = byte;
	}
	return kept;
}

static void input_ready(struct loop_handler *handler, uint32_t events)
{
	struct terminal *terminal = from_input(handler);
	const struct terminal_sink *sink = atomic_load(&terminal->sink);
	unsigned int room = sink->room(sink->user);
	uint8_t data[64];
	ssize_t len;

	(void)events;
	if (!room) {
		watch(terminal, false);
		return;
	}
	len = read(handler->fd, data,
		   room < sizeof(data) ? room : sizeof(data));
	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	/* The end of the input is not the end of the guest. */
	if (len <= 0) {
		watch(terminal, false);
		terminal->input.fd = -1;
		return;
	}
	sink->input(sink->user, data, filter(terminal, data, len));
}

static void resume_ready(struct loop_handler *handler, uint32_t events)
{
	eventfd_t count;

	(void)events;
	eventfd_read(handler->fd, &count);
	watch(from_resume(handler), true);
}

static void make_raw(struct terminal *terminal)
{
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, &terminal->saved) < 0)
		return;
	raw = terminal->saved;
	cfmakeraw(&raw);
	raw.c_oflag |= OPOST;
	terminal->raw = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
}

static int open_pty(struct terminal *terminal)
{
	struct termios raw;
	char path[64];
	int fd = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);

	terminal->input.fd = terminal->output = fd;
	if (fd < 0 || grantpt(fd) < 0 || unlockpt(fd) < 0 ||
	    ptsname_r(fd, path, sizeof(path)))
		return report(-errno, "--console: cannot make a pty: %s",
			      strerror(errno));
	terminal->slave = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (terminal->slave >= 0 && tcgetattr(terminal->slave, &raw) == 0) {
		cfmakeraw(&raw);
		tcsetattr(terminal->slave, TCSANOW, &raw);
	}
	report(0, "console: %s", path);
	return 0;
}

int terminal_init(struct terminal *terminal, enum options_console kind,
		  struct loop *loop, const struct terminal_sink *sink)
{
	int r = 0;

	*terminal = (struct terminal){
		.input = {-1, input_ready},
		.resume = {eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
			   resume_ready},
		.loop = loop,
		.sink = sink,
		.output = -1,
		.slave = -1,
	};
	if (terminal->resume.fd < 0)
		return -errno;
	if (kind == OPTIONS_CONSOLE_STDIO) {
		terminal->input.fd = STDIN_FILENO;
		terminal->output = STDOUT_FILENO;
		make_raw(terminal);
	}
	if (kind == OPTIONS_CONSOLE_PTY)
		r = open_pty(terminal);
	if (r == 0)
		r = loop_add(loop, &terminal->resume, EPOLLIN);
	watch(terminal, true);
	return r;
}

void terminal_deinit(struct terminal *terminal)
{
	if (terminal->raw)
		tcsetattr(STDIN_FILENO, TCSANOW, &terminal->saved);
	if (terminal->output > STDOUT_FILENO)
		close_fd(&terminal->output);
	close_fd(&terminal->slave);
	close_fd(&terminal->resume.fd);
}

/* What a reader does not take in time is lost, as on a real serial line. */
void terminal_output(struct terminal *terminal,
		     const struct terminal_sink *sink, uint8_t byte)
{
	if (atomic_load_explicit(&terminal->sink, memory_order_relaxed) !=
	    sink) {
		atomic_store(&terminal->sink, sink);
		terminal_room(terminal);
	}
	if (terminal->output >= 0 && write(terminal->output, &byte, 1) < 0)
		return;
}

void terminal_room(struct terminal *terminal)
{
	eventfd_write(terminal->resume.fd, 1);
}
