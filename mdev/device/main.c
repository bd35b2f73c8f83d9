// SPDX-License-Identifier: MIT
/*
 * tranche-vgpu: serves one vGPU, from a descriptor that the broker hands over,
 * until the vGPU is gone or SIGTERM comes.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "mdev/device/device.h"
#include "mdev/device/log.h"
#include "mdev/device/layout.h"
#include "mdev/device/virgl.h"
#include "mdev/transport/transport.h"

#define EXIT_USAGE 2

struct options {
	int device_fd;
	const char *render_server;
};

static const char usage_text[] =
	"Usage: tranche-vgpu --device-fd N [--render-server PATH]\n"
	"\n"
	"Serves one virtual GPU. Started by tranched.\n"
	"\n"
	"Options:\n"
	"  --device-fd N         descriptor of the vGPU, open in this process\n"
	"  --render-server PATH  virglrenderer's server (default\n"
	"                        " TRANCHE_RENDER_SERVER ")\n"
	"  --help                print this\n"
	"\n"
	"SIGUSR1 prints what it has counted so far.\n"
	"Exit status: 0 after SIGTERM, 1 when the vGPU ended or can't be\n"
	"served, 2 for a wrong option.\n";

static int parse_fd(const char *text)
{
	char *end;
	long fd;

	errno = 0;
	fd = strtol(text, &end, 10);
	if (errno || *end || end == text || fd < 0 || fd > 1 << 20)
		return -EINVAL;
	return fd;
}

/* Return: 0 to go on, 1 when help was printed, -EINVAL. */
static int parse_options(int argc, char **argv, struct options *options)
{
	static const struct option known[] = {
		{"device-fd", required_argument, NULL, 'd'},
		{"render-server", required_argument, NULL, 'r'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "h", known, NULL)) != -1) {
		switch (c) {
		case 'd':
			options->device_fd = parse_fd(optarg);
			break;
		case 'r':
			options->render_server = optarg;
			break;
		case 'h':
			fputs(usage_text, stdout);
			return 1;
		default:
			return -EINVAL;
		}
	}
	return optind == argc && options->device_fd >= 0 ? 0 : -EINVAL;
}

/* Each blob of a guest takes a descriptor here. */
static void raise_limits(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static int signals_open(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	/* A render server that died shows as an error of a call. */
	signal(SIGPIPE, SIG_IGN);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

/* The broker and this program may be of different versions. */
static int vgpu_check(int fd, struct tranche_vgpu_info *info)
{
	struct tranche_layout ours;
	int r;

	/* The render server must not inherit it. */
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ||
	    ioctl(fd, TRANCHE_VGPU_INFO, info) < 0)
		return -errno;
	r = layout_init(&ours, info->layout.window_size);
	if (r < 0 || memcmp(&ours, &info->layout, sizeof(ours)))
		return -EPROTO;
	return 0;
}

static int serve(struct device *device, const char *uuid, int signals)
{
	int r;

	log_line("serving vGPU %s", uuid);
	r = device_serve(device, signals);
	if (r < 0)
		log_line("vGPU %s ended: %s", uuid, strerror(-r));
	if (device_deinit(device) == 0)
		return r;
	/* A thread hangs in there: nothing can be taken down. */
	log_line("the renderer does not answer: leaving as it is");
	_exit(EXIT_FAILURE);
}

static int serve_with(struct virgl *virgl, int fd,
		      const struct tranche_vgpu_info *info, int signals)
{
	static struct device device;
	struct tranche_transport *transport;
	int r = tranche_module_open(&transport, fd, &device_ops, &device);

	if (r < 0)
		return r;
	r = device_init(&device, transport, info->layout.window_size,
			&virgl->renderer);
	if (r < 0)
		log_line("cannot start the vGPU: %s", strerror(-r));
	else
		r = serve(&device, info->uuid, signals);
	tranche_transport_close(transport);
	return r;
}

static int run(const struct options *options)
{
	struct tranche_vgpu_info info;
	struct virgl virgl;
	int signals, r;

	raise_limits();
	signals = signals_open();
	if (signals < 0)
		return signals;
	r = vgpu_check(options->device_fd, &info);
	if (r < 0) {
		log_line("descriptor %d is no vGPU to serve: %s",
			 options->device_fd, strerror(-r));
		return r;
	}
	r = virgl_init(&virgl, options->render_server);
	if (r < 0)
		log_line("virglrenderer with %s does not start: %s",
			 options->render_server, strerror(-r));
	else
		r = serve_with(&virgl, options->device_fd, &info, signals);
	virgl_deinit(&virgl);
	return r;
}

int main(int argc, char **argv)
{
	struct options options = {
		.device_fd = -1,
		.render_server = TRANCHE_RENDER_SERVER,
	};
	int r = parse_options(argc, argv, &options);

	if (r > 0)
		return EXIT_SUCCESS;
	if (r < 0) {
		fputs("tranche-vgpu: see --help\n", stderr);
		return EXIT_USAGE;
	}
	return run(&options) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
