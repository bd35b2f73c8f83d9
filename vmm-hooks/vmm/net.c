// SPDX-License-Identifier: MIT
#include "vmm-hooks/vmm/net.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/vhost.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>
#include <net/if.h>
#include <poll.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>

#include "vmm-hooks/vmm/cleanup.h"
#include "vmm-hooks/vmm/machine.h"
#include "vmm-hooks/vmm/report.h"
#include "vmm-hooks/vmm/sandbox.h"
#include "vmm-hooks/vmm/vhost.h"

#define CLASS_ETHERNET 0x020000
#define QUEUE_RECEIVE 0
#define QUEUE_TRANSMIT 1
#define QUEUES 2
#define HEADER sizeof(struct virtio_net_hdr_v1)
#define BUDGET 64

/* What is offered when vhost moves the packets, as far as it can. */
#define VHOST_FEATURES                                                       \
	(1ull << VIRTIO_NET_F_CSUM | 1ull << VIRTIO_NET_F_GUEST_CSUM |       \
	 1ull << VIRTIO_NET_F_GUEST_TSO4 | 1ull << VIRTIO_NET_F_GUEST_TSO6 | \
	 1ull << VIRTIO_NET_F_HOST_TSO4 | 1ull << VIRTIO_NET_F_HOST_TSO6 |   \
	 1ull << VIRTIO_NET_F_MRG_RXBUF)

/* Our own thread takes whole segments but hands out single packets. */
#define THREAD_FEATURES \
	(1ull << VIRTIO_NET_F_CSUM | 1ull << VIRTIO_NET_F_HOST_TSO4)

struct net {
	struct virtio_function device;
	struct virtio_net_config config;
	struct vhost vhost;
	int tap;

	/* Without vhost */
	pthread_mutex_t lock;
	bool started;
	bool starved; /* packets wait for receive buffers */
	int wake; /* eventfd: look at the state again */
	bool ending;
	bool has_thread;
	pthread_t thread;
};

static struct net *net_of(struct virtio_function *device)
{
	return (struct net *)device;
}

static int set_backend(struct net *net, unsigned int queue, int fd)
{
	struct vhost_vring_file file = {queue, fd};

	return ioctl(net->vhost.fd, VHOST_NET_SET_BACKEND, &file) < 0 ? -errno
								      : 0;
}

/* Which offloads the guest takes decides what the tap may hand us. */
static void set_offloads(struct net *net, uint64_t features)
{
	unsigned int offloads = 0;

	if (features & 1ull << VIRTIO_NET_F_GUEST_CSUM)
		offloads |= TUN_F_CSUM;
	if (features & 1ull << VIRTIO_NET_F_GUEST_TSO4)
		offloads |= TUN_F_TSO4;
	if (features & 1ull << VIRTIO_NET_F_GUEST_TSO6)
		offloads |= TUN_F_TSO6;
	ioctl(net->tap, TUNSETOFFLOAD, offloads);
}

static int start_vhost(struct net *net, uint64_t features)
{
	int r = vhost_start(&net->vhost, &net->device, QUEUES,
			    features & net->vhost.features);

	for (unsigned int i = 0; i < QUEUES && r == 0; i++)
		r = set_backend(net, i, net->tap);
	return r;
}

static int start(struct virtio_function *device)
{
	struct net *net = net_of(device);
	uint64_t features = device->registers.accepted;

	set_offloads(net, features);
	if (net->vhost.fd >= 0)
		return start_vhost(net, features);
	MUTEX_GUARD(&net->lock);
	net->started = true;
	net->starved = false;
	eventfd_write(net->wake, 1);
	return 0;
}

static void stop(struct virtio_function *device)
{
	struct net *net = net_of(device);

	if (net->vhost.fd >= 0) {
		for (unsigned int i = 0; i < QUEUES; i++)
			set_backend(net, i, -1);
		return;
	}
	MUTEX_GUARD(&net->lock);
	net->started = false;
}

static const struct virtio_function_ops ops = {start, stop};

/* One packet from the guest; the tap takes the virtio header as it is. */
static uint32_t transmit(struct virtio_function *device, unsigned int index,
			 const struct virtq_chain *chain)
{
	struct net *net = net_of(device);
	struct iovec iov[VIRTQ_SIZE_MAX];

	(void)index;
	if (ram_iov(device->ram, chain->spans, chain->readable, iov) == 0 &&
	    writev(net->tap, iov, chain->readable) < 0)
		return 0; /* dropped, as a full wire would */
	return 0;
}

/* One packet to the guest; false when there is none or no room for it. */
static bool receive(struct net *net)
{
	struct virtq *queue =
		virtio_function_queue(&net->device, QUEUE_RECEIVE);
	struct iovec iov[VIRTQ_SIZE_MAX];
	struct virtq_chain chain;
	struct virtq before = *queue;
	ssize_t len;

	if (virtq_pop(queue, &chain) <= 0 &&
	    (!virtq_await(queue) || virtq_pop(queue, &chain) <= 0)) {
		net->starved = true;
		return false;
	}
	if (ram_iov(net->device.ram, chain.spans + chain.readable,
		    chain.writable, iov) < 0)
		len = 0;
	else
		len = readv(net->tap, iov, chain.writable);
	if (len < 0) {
		*queue = before;
		return false;
	}
	return virtq_push(queue, chain.head, len) == 0;
}

static void receive_some(struct net *net)
{
	struct virtq *queue =
		virtio_function_queue(&net->device, QUEUE_RECEIVE);
	unsigned int count = 0;

	while (count < BUDGET && receive(net))
		count++;
	if (count && virtq_must_interrupt(queue))
		virtio_function_interrupt(&net->device, QUEUE_RECEIVE);
}

static void serve(struct net *net, const struct pollfd *fds)
{
	eventfd_t count;

	MUTEX_GUARD(&net->lock);
	if (fds[0].revents)
		eventfd_read(net->wake, &count);
	if (fds[1].revents) {
		eventfd_read(fds[1].fd, &count);
		net->starved = false;
	}
	if (fds[2].revents)
		eventfd_read(fds[2].fd, &count);
	if (!net->started)
		return;
	if (fds[2].revents)
		virtio_function_drain(&net->device, QUEUE_TRANSMIT, transmit);
	if (!net->starved)
		receive_some(net);
}

static const int thread_calls[] = {
	SCMP_SYS(poll),	 SCMP_SYS(ppoll), SCMP_SYS(read),
	SCMP_SYS(readv), SCMP_SYS(write), SCMP_SYS(writev),
};

static void *thread_main(void *argument)
{
	struct net *net = argument;
	struct pollfd fds[] = {
		{.fd = net->wake, .events = POLLIN},
		{.fd = net->device.kicks[QUEUE_RECEIVE], .events = POLLIN},
		{.fd = net->device.kicks[QUEUE_TRANSMIT], .events = POLLIN},
		{.fd = net->tap, .events = POLLIN},
	};

	pthread_setname_np(pthread_self(), "net");
	if (SANDBOX_ENTER(thread_calls) < 0)
		return NULL;
	for (;;) {
		bool listen;

		pthread_mutex_lock(&net->lock);
		listen = net->started && !net->starved;
		pthread_mutex_unlock(&net->lock);
		fds[3].fd = listen ? net->tap : -1;
		if (poll(fds, 4, -1) < 0 && errno != EINTR)
			return NULL;
		if (__atomic_load_n(&net->ending, __ATOMIC_ACQUIRE))
			return NULL;
		serve(net, fds);
	}
}

static int open_tap(struct net *net, const char *name)
{
	struct ifreq request = {.ifr_flags =
					IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
	int header = HEADER;

	/* TUNSETIFF would make one that is not there. */
	if (!if_nametoindex(name))
		return report(-ENODEV,
			      "--net: there is no tap '%s': make it with 'ip "
			      "tuntap add %s mode tap'",
			      name, name);
	net->tap = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (net->tap < 0)
		return report(-errno,
			      "--net: cannot open /dev/net/tun: %s; "
			      "load the module tun",
			      strerror(errno));
	memcpy(request.ifr_name, name, strlen(name) + 1);
	if (ioctl(net->tap, TUNSETIFF, &request) < 0)
		return report(-errno,
			      "--net: cannot attach to '%s': %s; it must be a "
			      "tap of this user that no other guest uses",
			      name, strerror(errno));
	if (ioctl(net->tap, TUNSETVNETHDRSZ, &header) < 0)
		return report(-errno, "--net: '%s': %s", name, strerror(errno));
	return 0;
}

/* A local address that is the same for the same tap, so leases last. */
static void choose_address(uint8_t *mac, const char *name)
{
	uint32_t hash = 2166136261u;

	for (; *name; name++)
		hash = (hash ^ (uint8_t)*name) * 16777619u;
	mac[0] = 0x52;
	mac[1] = 0x54;
	memcpy(mac + 2, &hash, sizeof(hash));
}

int net_run(struct net *net)
{
	if (net->vhost.fd >= 0)
		return 0;
	net->has_thread =
		pthread_create(&net->thread, NULL, thread_main, net) == 0;
	return net->has_thread ? 0 : -EAGAIN;
}

static int init_device(struct net *net, struct machine *machine)
{
	struct virtio_function_setup setup = {
		.ops = &ops,
		.vm = &machine->vm,
		.ram = &machine->ram,
		.type = VIRTIO_ID_NET,
		.class_code = CLASS_ETHERNET,
		.features = 1ull << VIRTIO_NET_F_MAC |
			    1ull << VIRTIO_RING_F_EVENT_IDX,
		.queues = QUEUES,
		.config = &net->config,
		.config_len = sizeof(net->config),
	};

	if (net->vhost.fd >= 0)
		setup.features |= VHOST_FEATURES;
	else
		setup.features |= THREAD_FEATURES;
	return virtio_function_init(&net->device, &setup);
}

static int init(struct net *net, struct machine *machine, const char *tap)
{
	int r;

	pthread_mutex_init(&net->lock, NULL);
	net->tap = net->vhost.fd = -1;
	net->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = net->wake < 0 ? -errno : open_tap(net, tap);
	if (r < 0)
		return r;
	choose_address(net->config.mac, tap);
	if (vhost_init(&net->vhost, "/dev/vhost-net") == 0)
		r = vhost_set_memory(&net->vhost, &machine->ram);
	if (r == 0)
		r = init_device(net, machine);
	return r < 0 ? r : pci_bus_add(&machine->pci, &net->device.function);
}

struct net *net_new(struct machine *machine, const char *tap)
{
	struct net *net = calloc(1, sizeof(*net));
	int r = net ? init(net, machine, tap) : -ENOMEM;

	if (r == 0)
		return net;
	net_free(net);
	errno = -r;
	return NULL;
}

void net_free(struct net *net)
{
	if (!net)
		return;
	if (net->device.ops)
		virtio_pci_reset(&net->device.registers);
	if (net->has_thread) {
		__atomic_store_n(&net->ending, true, __ATOMIC_RELEASE);
		eventfd_write(net->wake, 1);
		pthread_join(net->thread, NULL);
	}
	if (net->device.ops)
		virtio_function_deinit(&net->device);
	vhost_deinit(&net->vhost);
	close_fd(&net->wake);
	close_fd(&net->tap);
	pthread_mutex_destroy(&net->lock);
	free(net);
}
