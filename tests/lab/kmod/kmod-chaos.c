// SPDX-License-Identifier: MIT
/*
 * kmod-chaos.c - ends things at random moments under load
 *
 *   kmod-chaos KIND ROUNDS
 *
 *   client   SIGKILL of the VMM
 *   device   SIGKILL of the device process; the VMM resets and goes on
 *   broker   SIGKILL of the broker; the next one finds everything
 *   unbind   the GPU's driver is unbound
 *   remove   removal while the VMM has it; it lets go when it is asked
 *   create   creation and removal by eight threads
 *   fork     VMM and device process have children that hold their descriptors
 *
 * Success is that all rounds end, that what should work works after each, and
 * that the kernel's log stays clean; the lab looks at that.
 */
#include <fcntl.h>
#include <linux/vfio.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "mdev/transport/sample.h"
#include "tests/lab/kmod/check.h"
#include "tests/lab/kmod/stand.h"
#include "tests/lab/kmod/vfio.h"

#define TIMEOUT_MS 20000
#define THREADS 8
#define REG(field) offsetof(struct sample_registers, field)

static struct stand stand;

static void sleep_us(unsigned int us)
{
	nanosleep(&(struct timespec){us / 1000000, us % 1000000 * 1000L}, NULL);
}

static unsigned int up_to(unsigned int most)
{
	return rand() % (most + 1);
}

static pid_t child(void)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		srand(getpid());
		/* A copy of the broker's descriptor would keep it alive. */
		close(stand.control);
	}
	return pid;
}

static void end(pid_t pid, int how)
{
	kill(pid, how);
	CHECK(waitpid(pid, NULL, 0) == pid);
}

/* A client that was asked to let go did so, without a complaint of its own. */
static void client_left(pid_t client)
{
	int status;

	CHECK(waitpid(client, &status, 0) == client);
	CHECK(!status);
}

static void command(struct vfio *vfio, uint32_t what)
{
	vfio_write(vfio, SAMPLE_BAR, REG(command), what, 4);
}

/* One of everything that a VMM and its guest do. */
static void load_once(struct vfio *vfio, volatile uint32_t *window, int irq)
{
	size_t page = up_to(SAMPLE_BUFFER / 4096 - 1) * 1024;

	switch (up_to(7)) {
	case 0:
		vfio_write(vfio, SAMPLE_BAR, 0, 1, 8);
		break;
	case 1:
		vfio_read(vfio, SAMPLE_CONFIG, 0, 8);
		break;
	case 2:
		vfio_write(vfio, SAMPLE_BAR, SAMPLE_DOORBELL, 1, 4);
		break;
	case 3:
		vfio_write(vfio, SAMPLE_BAR, REG(iova), GUEST_BASE, 8);
		vfio_write(vfio, SAMPLE_BAR, REG(length), 64 << 10, 4);
		command(vfio, up_to(1) ? SAMPLE_READ : SAMPLE_WRITE);
		break;
	case 4:
		vfio_write(vfio, SAMPLE_BAR, REG(length), SAMPLE_BUFFER, 4);
		command(vfio, up_to(2) ? SAMPLE_MAP : SAMPLE_UNMAP);
		break;
	case 5:
		(void)vfio_set_irq(vfio, VFIO_PCI_MSIX_IRQ_INDEX, 0,
				   up_to(1) ? irq : -1);
		break;
	default:
		window[page] = window[page] + 1;
	}
}

/* A VMM that works until it is ended, resets what broke, and lets go if asked. */
static void client_run(const char *uuid)
{
	int irq = eventfd(0, EFD_NONBLOCK), request = eventfd(0, EFD_NONBLOCK);
	volatile uint32_t *window;
	struct vfio vfio;
	eventfd_t count;

	if (vfio_try_open(&vfio, uuid))
		exit(0);
	window = vfio_map_window(&vfio, SAMPLE_WINDOW_BAR);
	(void)vfio_set_irq(&vfio, VFIO_PCI_REQ_IRQ_INDEX, 0, request);
	while (eventfd_read(request, &count)) {
		load_once(&vfio, window, irq);
		if (vfio_read(&vfio, SAMPLE_CONFIG, 0, 4) == 0xffffffff)
			(void)vfio_reset(&vfio);
	}
	exit(0);
}

static pid_t client_start(const char *uuid)
{
	pid_t pid = child();

	if (!pid)
		client_run(uuid);
	return pid;
}

/*
 * A copy that is under way holds the memory of a VMM that was killed, and what
 * that maps: the vGPU is free a moment after the VMM is gone.
 */
static void open_soon(struct vfio *vfio, const char *uuid)
{
	int i;

	for (i = 0; i < 1000; i++) {
		if (!vfio_try_open(vfio, uuid))
			return;
		sleep_us(10000);
	}
	vfio_open(vfio, uuid);
}

/* The vGPU works: a new VMM gets right answers. */
static void check_works(const char *uuid)
{
	struct vfio vfio;

	open_soon(&vfio, uuid);
	if (vfio_read(&vfio, SAMPLE_CONFIG, 0, 2) != SAMPLE_VENDOR)
		CHECK(!vfio_reset(&vfio));
	vfio_write(&vfio, SAMPLE_BAR, 0, 42, 8);
	CHECK(vfio_read(&vfio, SAMPLE_BAR, 0, 8) == 42);
	vfio_close(&vfio);
}

static void vgpu_new(char *uuid)
{
	stand_uuid(uuid);
	CHECK(!stand_create(&stand, STAND_TYPE, uuid));
}

static void chaos_client(unsigned int rounds)
{
	char uuid[TRANCHE_UUID_SIZE];
	pid_t device, client;

	stand_begin(&stand, TIMEOUT_MS);
	vgpu_new(uuid);
	device = stand_device(&stand, uuid, 0);
	while (rounds--) {
		client = client_start(uuid);
		sleep_us(up_to(60000));
		end(client, SIGKILL);
		check_works(uuid);
	}
	CHECK(!stand_remove(uuid));
	stand_end(&stand);
	end(device, SIGKILL);
}

static void chaos_device(unsigned int rounds)
{
	char uuid[TRANCHE_UUID_SIZE];
	pid_t device, client;

	stand_begin(&stand, TIMEOUT_MS);
	vgpu_new(uuid);
	device = stand_device(&stand, uuid, 0);
	client = client_start(uuid);
	while (rounds--) {
		sleep_us(up_to(60000));
		end(device, SIGKILL);
		sleep_us(up_to(5000));
		device = stand_device(&stand, uuid, 0);
		CHECK(!waitpid(client, NULL, WNOHANG));
	}
	end(client, SIGKILL);
	check_works(uuid);
	CHECK(!stand_remove(uuid));
	stand_end(&stand);
	end(device, SIGKILL);
}

static void broker_run(int ready)
{
	stand_attach(&stand);
	CHECK(write(ready, "r", 1) == 1);
	pause();
}

static void chaos_broker(unsigned int rounds)
{
	char uuid[TRANCHE_UUID_SIZE], one[TRANCHE_UUID_SIZE], byte;
	pid_t device, client, broker;
	int ready[2];

	stand_begin(&stand, TIMEOUT_MS);
	vgpu_new(uuid);
	device = stand_device(&stand, uuid, 0);
	client = client_start(uuid);
	stand_leave(&stand);
	CHECK(!pipe(ready));
	while (rounds--) {
		broker = child();
		if (!broker)
			broker_run(ready[1]);
		CHECK(read(ready[0], &byte, 1) == 1);
		stand_uuid(one);
		if (!stand_create(&stand, STAND_TYPE, one) && up_to(1))
			CHECK(!stand_remove(one));
		else
			(void)stand_remove(one);
		sleep_us(up_to(20000));
		end(broker, SIGKILL);
	}
	end(client, SIGKILL);
	CHECK(stand_attach(&stand) == 1);
	check_works(uuid);
	CHECK(!stand_remove(uuid));
	stand_end(&stand);
	end(device, SIGKILL);
}

static void driver_find(char *driver, size_t size)
{
	char link[128], target[256];
	ssize_t length;

	snprintf(link, sizeof(link), "/sys/bus/pci/devices/%s/driver",
		 stand.pci);
	length = readlink(link, target, sizeof(target) - 1);
	CHECK(length > 0);
	target[length] = '\0';
	snprintf(driver, size, "/sys/bus/pci/drivers/%s",
		 strrchr(target, '/') + 1);
}

static void driver_do(const char *driver, const char *what)
{
	char path[192];

	snprintf(path, sizeof(path), "%s/%s", driver, what);
	CHECK(!file_write(path, stand.pci));
}

static void chaos_unbind(unsigned int rounds)
{
	char uuid[TRANCHE_UUID_SIZE], driver[128];
	pid_t device, client;

	while (rounds--) {
		stand_begin(&stand, TIMEOUT_MS);
		driver_find(driver, sizeof(driver));
		vgpu_new(uuid);
		device = stand_device(&stand, uuid, 0);
		client = client_start(uuid);
		sleep_us(up_to(60000));
		driver_do(driver, "unbind");
		client_left(client);
		CHECK(waitpid(device, NULL, 0) == device);
		/* Until then its name is taken. */
		while (!stand.gone)
			sleep_us(1000);
		CHECK(access(stand.types, F_OK));
		stand_leave(&stand);
		driver_do(driver, "bind");
	}
}

static void chaos_remove(unsigned int rounds)
{
	char uuid[TRANCHE_UUID_SIZE];
	pid_t device, client;

	stand_begin(&stand, TIMEOUT_MS);
	while (rounds--) {
		vgpu_new(uuid);
		device = stand_device(&stand, uuid, 0);
		client = client_start(uuid);
		sleep_us(up_to(60000));
		CHECK(!stand_remove(uuid));
		client_left(client);
		CHECK(waitpid(device, NULL, 0) == device);
	}
	stand_end(&stand);
}

static void *create_thread(void *opaque)
{
	unsigned int rounds = *(unsigned int *)opaque;
	char uuid[TRANCHE_UUID_SIZE];
	int ret;

	while (rounds--) {
		stand_uuid(uuid);
		ret = stand_create(&stand, up_to(3) ? STAND_TYPE : STAND_BIG,
				   uuid);
		/* Another thread may have the last of them. */
		CHECK(!ret || ret == -EUSERS);
		if (!ret)
			CHECK(!stand_remove(uuid));
	}
	return NULL;
}

static void chaos_create(unsigned int rounds)
{
	pthread_t threads[THREADS];
	int i;

	stand_begin(&stand, TIMEOUT_MS);
	for (i = 0; i < THREADS; i++)
		CHECK(!pthread_create(&threads[i], NULL, create_thread,
				      &rounds));
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	CHECK(stand_available(&stand, STAND_TYPE) == STAND_CAPACITY);
	stand_end(&stand);
}

/* A process that has forked, and whose child keeps the descriptors a while. */
static pid_t fork_vmm(const char *uuid)
{
	struct vfio vfio;
	volatile uint32_t *window;
	pid_t pid = child();

	if (pid)
		return pid;
	/* The children of the round before may still have it. */
	if (vfio_try_open(&vfio, uuid))
		exit(0);
	window = vfio_map_window(&vfio, SAMPLE_WINDOW_BAR);
	window[0] = 1;
	if (fork())
		client_run(uuid);
	/* The child works on with what it has inherited. */
	for (;;)
		load_once(&vfio, window, -1);
}

static pid_t fork_device(const char *uuid)
{
	int fd = stand_serve(&stand, uuid, TRANCHE_ATTACH_REPLACE);
	char text[16];
	pid_t pid;

	CHECK(fd >= 0);
	pid = child();
	if (!pid) {
		CHECK(!setpgid(0, 0));
		if (!fork()) {
			pause();
			_exit(0);
		}
		CHECK(!fcntl(fd, F_SETFD, 0));
		snprintf(text, sizeof(text), "%d", fd);
		execlp("tranche-sample-device", "tranche-sample-device", text,
		       NULL);
		_exit(127);
	}
	close(fd);
	return pid;
}

static void chaos_fork(unsigned int rounds)
{
	char uuid[TRANCHE_UUID_SIZE];
	pid_t device, client;

	stand_begin(&stand, 300);
	vgpu_new(uuid);
	while (rounds--) {
		device = fork_device(uuid);
		client = child();
		if (!client) {
			CHECK(!setpgid(0, 0));
			fork_vmm(uuid);
			pause();
		}
		sleep_us(up_to(60000));
		end(device, SIGKILL);
		sleep_us(up_to(10000));
		(void)kill(-client, SIGKILL);
		end(client, SIGKILL);
		(void)kill(-device, SIGKILL);
	}
	device = stand_device(&stand, uuid, TRANCHE_ATTACH_REPLACE);
	while (stand_remove(uuid))
		sleep_us(1000);
	stand_end(&stand);
	end(device, SIGKILL);
}

static const struct {
	const char *name;
	void (*run)(unsigned int rounds);
} kinds[] = {
	{"client", chaos_client}, {"device", chaos_device},
	{"broker", chaos_broker}, {"unbind", chaos_unbind},
	{"remove", chaos_remove}, {"create", chaos_create},
	{"fork", chaos_fork},
};

int main(int argc, char **argv)
{
	size_t i;

	if (argc != 3)
		return 2;
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(argv[1], kinds[i].name))
			continue;
		kinds[i].run(atoi(argv[2]));
		printf("chaos %s: %s rounds\n", argv[1], argv[2]);
		return 0;
	}
	return 2;
}
