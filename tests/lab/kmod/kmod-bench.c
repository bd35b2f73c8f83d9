// SPDX-License-Identifier: MIT
/*
 * kmod-bench.c - what the module costs, beside the nearest thing that is stock
 *
 *   kmod-bench [ROUNDS]
 *
 * Prints medians in microseconds. Nothing is asserted: machines differ, and
 * only the ratios between lines of one run mean something.
 */
#include <fcntl.h>
#include <linux/vfio.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "mdev/transport/sample.h"
#include "mdev/transport/transport.h"
#include "tests/lab/kmod/check.h"
#include "tests/lab/kmod/stand.h"
#include "tests/lab/kmod/vfio.h"

#define WINDOW_PAGES 256

static unsigned int rounds = 2000;
static struct vfio vfio;
static int bell, back, go[2], come[2];

static double now_us(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1e6 + time.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

/* The median time of one call. */
static double median(void (*call)(unsigned int i), unsigned int count)
{
	double *times = calloc(count, sizeof(*times)), start, ret;
	unsigned int i;

	CHECK(times);
	for (i = 0; i < count; i++) {
		start = now_us();
		call(i);
		times[i] = now_us() - start;
	}
	qsort(times, count, sizeof(*times), compare);
	ret = times[count / 2];
	free(times);
	return ret;
}

static double line(const char *what, double us, const char *beside,
		   double other)
{
	printf("%-28s %9.1f us", what, us);
	if (beside)
		printf("   %5.2f x %s", us / other, beside);
	printf("\n");
	fflush(stdout);
	return us;
}

static void pipe_call(unsigned int i)
{
	char byte = i;

	CHECK(write(go[1], &byte, 1) == 1 && read(come[0], &byte, 1) == 1);
}

static void eventfd_call(unsigned int i)
{
	eventfd_t count;

	(void)i;
	CHECK(!eventfd_write(bell, 1) && !eventfd_read(back, &count));
}

static void doorbell_call(unsigned int i)
{
	eventfd_t count;

	vfio_write(&vfio, SAMPLE_BAR, SAMPLE_DOORBELL, i, 4);
	CHECK(!eventfd_read(back, &count));
}

static void register_call(unsigned int i)
{
	(void)i;
	vfio_read(&vfio, SAMPLE_BAR, 0, 4);
}

static volatile char *touched;

static void touch_call(unsigned int i)
{
	touched[i * 4096UL] = 1;
}

/* What the other process of a pair does, until it is killed. */
static void pipe_serve(void)
{
	char byte;

	while (read(go[0], &byte, 1) == 1)
		CHECK(write(come[1], &byte, 1) == 1);
}

static void eventfd_serve(void)
{
	eventfd_t count;

	while (!eventfd_read(bell, &count))
		CHECK(!eventfd_write(back, 1));
}

static void beside(void (*serve)(void), const char *what,
		   void (*call)(unsigned int), double *result,
		   const char *other, double against)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve();
		_exit(0);
	}
	call(0);
	*result = line(what, median(call, rounds), other, against);
	kill(pid, SIGKILL);
	CHECK(waitpid(pid, NULL, 0) == pid);
}

/*
 * The device process: register accesses by one thread that waits in the kernel,
 * the rest by what the bench asks for on a pipe.
 */
static struct tranche_transport *transport;
static char *buffer;

static int device_read(void *device, uint32_t region, uint64_t offset,
		       void *data, size_t length)
{
	(void)device;
	(void)region;
	(void)offset;
	memset(data, 0, length);
	return 0;
}

static int device_write(void *device, uint32_t region, uint64_t offset,
			const void *data, size_t length)
{
	(void)device;
	(void)region;
	(void)offset;
	(void)data;
	(void)length;
	return 0;
}

static int device_reset(void *device)
{
	(void)device;
	return 0;
}

static void device_turn(void *device)
{
	(void)device;
}

static const struct tranche_device_ops device_ops = {
	.read = device_read,
	.write = device_write,
	.reset = device_reset,
	.opened = device_turn,
	.closed = device_turn,
};

static void *device_thread(void *opaque)
{
	(void)opaque;
	(void)tranche_transport_run(transport);
	_exit(0);
}

static size_t copy_length;
static unsigned int copy_count;

static void copy_call(unsigned int i)
{
	CHECK(!tranche_memory_read(transport, GUEST_BASE + i % 64, buffer,
				   copy_length));
}

static void copies_call(unsigned int i)
{
	struct tranche_copy copies[32];
	unsigned int done;

	for (i = 0; i < copy_count; i++)
		copies[i] = (struct tranche_copy){
			.iova = GUEST_BASE + i * 64,
			.data = buffer + i * 64,
			.length = 16,
		};
	CHECK(!transport->ops->copy(transport, copies, copy_count, &done));
}

static void interrupt_call(unsigned int i)
{
	(void)i;
	CHECK(transport->ops->interrupt(transport, 0) >= 0);
}

static void device_figures(void)
{
	static const size_t lengths[] = {16, 4096, 65536};
	double single = 0, many;
	char what[64];
	size_t i;

	for (i = 0; i < 3; i++) {
		copy_length = lengths[i];
		snprintf(what, sizeof(what), "guest memory, %zu B", lengths[i]);
		many = line(what, median(copy_call, rounds / 4), NULL, 0);
		if (!i)
			single = many;
	}
	copy_count = 32;
	many = median(copies_call, rounds / 4);
	line("guest memory, 32 x 16 B", many, "of 32 single ones", 32 * single);
	line("interrupt, call", median(interrupt_call, rounds), NULL, 0);
}

static void device_run(int fd)
{
	static const struct tranche_doorbell_register where = {
		.region = SAMPLE_BAR,
		.offset = SAMPLE_DOORBELL,
	};
	pthread_t thread;
	eventfd_t count;
	unsigned int i;
	char byte;

	buffer = mmap(NULL, WINDOW_PAGES * 4096, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(!tranche_module_open(&transport, fd, &device_ops, NULL));
	CHECK(!transport->ops->doorbell(transport, &where, bell));
	CHECK(!pthread_create(&thread, NULL, device_thread, NULL));
	while (read(go[0], &byte, 1) == 1) {
		if (byte == 'm')
			CHECK(!transport->ops->map(transport, 0, buffer,
						   WINDOW_PAGES * 4096));
		if (byte == 'f')
			device_figures();
		CHECK(write(come[1], &byte, 1) == 1);
		/* One leg ours, the other as the eventfds beside it. */
		for (i = 0; byte == 'e' && i < rounds; i++)
			CHECK(!eventfd_read(bell, &count) &&
			      !eventfd_write(back, 1));
		while (byte == 'd' && !eventfd_read(bell, &count))
			(void)transport->ops->interrupt(transport, 0);
	}
	_exit(0);
}

static void ask(char what)
{
	CHECK(write(go[1], &what, 1) == 1 && read(come[0], &what, 1) == 1);
}

static double touch_stock(void)
{
	touched = mmap(NULL, WINDOW_PAGES * 4096, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return line("first touch, shared memory",
		    median(touch_call, WINDOW_PAGES), NULL, 0);
}

int main(int argc, char **argv)
{
	char uuid[TRANCHE_UUID_SIZE];
	double pipes, eventfds, ignored, touch;
	struct stand stand;
	pid_t device;
	int fd;

	if (argc > 1)
		rounds = atoi(argv[1]);
	bell = eventfd(0, 0);
	back = eventfd(0, 0);
	CHECK(rounds >= 8 && !pipe(go) && !pipe(come));
	beside(pipe_serve, "pipe, round trip", pipe_call, &pipes, NULL, 0);
	beside(eventfd_serve, "eventfd, round trip", eventfd_call, &eventfds,
	       NULL, 0);

	stand_begin(&stand, 20000);
	stand_uuid(uuid);
	CHECK(!stand_create(&stand, STAND_TYPE, uuid));
	fd = stand_serve(&stand, uuid, 0);
	CHECK(fd >= 0);
	device = fork();
	if (!device) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		device_run(fd);
	}
	close(fd);
	vfio_open(&vfio, uuid);
	CHECK(!vfio_set_irq(&vfio, VFIO_PCI_MSIX_IRQ_INDEX, 0, back));
	register_call(0);
	line("register, round trip", median(register_call, rounds), "the pipe",
	     pipes);
	touch = touch_stock();
	ask('m');
	touched = vfio_map_window(&vfio, SAMPLE_WINDOW_BAR);
	line("first touch, window", median(touch_call, WINDOW_PAGES),
	     "shared memory", touch);
	ask('f');
	/* The interrupts of those figures. */
	CHECK(read(back, &ignored, 8) == 8);
	ask('e');
	line("doorbell, eventfd back", median(doorbell_call, rounds),
	     "the eventfds", eventfds);
	ask('d');
	line("doorbell and interrupt", median(doorbell_call, rounds),
	     "the eventfds", eventfds);
	vfio_close(&vfio);
	kill(device, SIGKILL);
	CHECK(waitpid(device, NULL, 0) == device);
	CHECK(!stand_remove(uuid));
	stand_end(&stand);
	return 0;
}
