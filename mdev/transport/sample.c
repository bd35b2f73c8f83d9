// SPDX-License-Identifier: MIT
/*
 * sample.c - a small device, to show and to test how one is served
 *
 * tranche-sample-device FD serves the vGPU descriptor FD; see sample.h.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "mdev/transport/sample.h"
#include "mdev/transport/transport.h"

struct sample {
	struct tranche_transport *transport;
	uint8_t config[256];
	struct sample_registers registers;
	char *buffer;
};

static int command(struct sample *s, uint32_t what)
{
	struct sample_registers *r = &s->registers;
	struct tranche_transport *t = s->transport;
	size_t n = r->length % (SAMPLE_BUFFER + 1);

	switch (what) {
	case SAMPLE_READ:
		return tranche_memory_read(t, r->iova, s->buffer, n);
	case SAMPLE_WRITE:
		return tranche_memory_write(t, r->iova, s->buffer, n);
	case SAMPLE_MAP:
		return t->ops->map(t, r->offset, s->buffer, n);
	case SAMPLE_UNMAP:
		return t->ops->unmap(t, r->offset, n);
	case SAMPLE_FIRE:
		return t->ops->interrupt(t, r->length);
	case SAMPLE_RAISE:
	case SAMPLE_LOWER:
		return t->ops->intx(t, what == SAMPLE_RAISE);
	case SAMPLE_DIE:
		_exit(1);
	case SAMPLE_HANG:
		pause();
	}
	return -EINVAL;
}

static void *place(struct sample *s, uint32_t region, uint64_t offset,
		   size_t length)
{
	if (region == SAMPLE_BAR && offset + length <= sizeof(s->registers))
		return (char *)&s->registers + offset;
	if (region == SAMPLE_CONFIG && offset + length <= sizeof(s->config))
		return s->config + offset;
	return NULL;
}

static int sample_read(void *device, uint32_t region, uint64_t offset,
		       void *data, size_t length)
{
	const void *from = place(device, region, offset, length);

	if (!from)
		return -ENXIO;
	memcpy(data, from, length);
	return 0;
}

static int sample_write(void *device, uint32_t region, uint64_t offset,
			const void *data, size_t length)
{
	struct sample *s = device;
	void *to = place(s, region, offset, length);

	if (!to)
		return -ENXIO;
	memcpy(to, data, length);
	if (to == &s->registers.command)
		s->registers.result = -command(s, s->registers.command);
	return 0;
}

static void sample_turn(void *device)
{
	struct sample *s = device;
	uint32_t resets = s->registers.resets;

	s->transport->ops->unmap(s->transport, s->registers.offset,
				 s->registers.length);
	s->registers = (struct sample_registers){.resets = resets};
}

static int sample_reset(void *device)
{
	sample_turn(device);
	((struct sample *)device)->registers.resets++;
	return 0;
}

static const struct tranche_device_ops sample_ops = {
	.read = sample_read,
	.write = sample_write,
	.reset = sample_reset,
	.opened = sample_turn,
	.closed = sample_turn,
};

static int serve(struct sample *s, int bell)
{
	struct pollfd polls[] = {
		{.fd = s->transport->ops->fd(s->transport), .events = POLLIN},
		{.fd = bell, .events = POLLIN},
	};
	eventfd_t count;
	int ret = 0;

	while (!ret || ret == -EAGAIN) {
		if (poll(polls, 2, -1) < 0)
			return -errno;
		if (polls[1].revents && !eventfd_read(bell, &count))
			s->transport->ops->interrupt(s->transport, 0);
		ret = s->transport->ops->dispatch(s->transport, false);
	}
	return ret == -ESHUTDOWN ? 0 : ret;
}

int main(int argc, char **argv)
{
	static const struct tranche_doorbell_register where = {
		.region = SAMPLE_BAR, .offset = SAMPLE_DOORBELL};
	static struct sample s = {.config = SAMPLE_CONFIG_SPACE};
	int memory = memfd_create("sample", MFD_CLOEXEC);
	int bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int ret;

	if (argc != 2 || bell < 0 || ftruncate(memory, SAMPLE_BUFFER))
		return 2;
	s.buffer = mmap(NULL, SAMPLE_BUFFER, PROT_READ | PROT_WRITE, MAP_SHARED,
			memory, 0);
	ret = tranche_module_open(&s.transport, atoi(argv[1]), &sample_ops, &s);
	if (!ret)
		ret = s.transport->ops->doorbell(s.transport, &where, bell);
	return ret || serve(&s, bell);
}
