// SPDX-License-Identifier: MIT
/* The network card without vhost, on a socket in the tap's place. */
#include <sys/socket.h>

#include "tests/fuzz/vmm/harness.h"
#include "vmm-hooks/vmm/net.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static int far_end;

static struct net *make(void)
{
	static const struct options options;
	struct machine *machine = harness_machine(&options);
	struct net *net = calloc(1, sizeof(*net));
	int ends[2];

	if (!net || socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, ends))
		return NULL;
	pthread_mutex_init(&net->lock, NULL);
	net->vhost.fd = -1;
	net->wake = eventfd(0, EFD_NONBLOCK);
	net->tap = ends[0];
	far_end = ends[1];
	if (init_device(net, machine) < 0 ||
	    pci_bus_add(&machine->pci, &net->device.function) < 0)
		return NULL;
	return net;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct net *net;
	struct input input = {data, len};
	struct pollfd fds[4] = {{0}};
	uint8_t packet[2048] = {0};

	if (!net)
		net = make();
	if (!net)
		__builtin_trap();
	fds[1].fd = net->device.kicks[QUEUE_RECEIVE];
	fds[2].fd = net->device.kicks[QUEUE_TRANSMIT];
	fds[1].revents = fds[2].revents = POLLIN;
	harness_start(&net->device, &input);
	do {
		if (send(far_end, packet, input_take(&input, 1) * 8, 0) < 0)
			packet[0]++;
		serve(net, fds);
		while (recv(far_end, packet, sizeof(packet), 0) > 0)
			;
		harness_access(&net->device, &input);
	} while (input.len);
	virtio_pci_reset(&net->device.registers);
	return 0;
}
