// SPDX-License-Identifier: MIT
#include "mdev/broker/spawn.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mdev/broker/host_gpu.h"
#include "mdev/broker/vgpu.h"
#include "mdev/sandbox/paths.h"
#include "scheduler/lane/door.h"

#define DEVICE_FD 3
#define FILES_MAX 65536
#define XSTR(x) #x
#define STR(x) XSTR(x)

__attribute__((format(printf, 3, 4))) static int
variable_add(char **variables, unsigned int *count, const char *format, ...)
{
	va_list args;
	int length;

	va_start(args, format);
	length = vasprintf(&variables[*count], format, args);
	va_end(args);
	if (length < 0) {
		variables[*count] = NULL;
		return -ENOMEM;
	}
	variables[++*count] = NULL;
	return 0;
}

void strv_clear(char **strings)
{
	for (; *strings; strings++) {
		free(*strings);
		*strings = NULL;
	}
}

int gate_environment(const struct config *config, const struct gpu *gpu,
		     const char *door, char *variables[GATE_VARIABLES + 1])
{
	unsigned int n = 0;
	int r;

	variables[0] = NULL;
	r = variable_add(variables, &n, "VK_DRIVER_FILES=%s", config->gate);
	if (r == 0)
		r = variable_add(variables, &n, DOOR_ENVIRONMENT "=%s", door);
	if (r == 0)
		r = variable_add(variables, &n, "TRANCHE_GATE_DRIVER=%s",
				 gpu->vulkan_library);
	if (r == 0 && !gpu->software)
		r = variable_add(variables, &n, "TRANCHE_GATE_PCI=%s",
				 gpu->address);
	if (r < 0)
		strv_clear(variables);
	return r;
}

/* A driver whose memory can't be exported gets a layer that can. */
static int layer_environment(const struct config *config, const struct gpu *gpu,
			     char **variables)
{
	unsigned int n = 0;
	int r;

	while (variables[n])
		n++;
	r = variable_add(variables, &n, "PATH=/usr/bin:/bin");
	if (r == 0)
		r = variable_add(variables, &n,
				 "MESA_SHADER_CACHE_DISABLE=true");
	if (r < 0 || gpu->exports)
		return r;
	r = variable_add(variables, &n, "VK_LAYER_PATH=%s", config->layers);
	if (r == 0)
		r = variable_add(
			variables, &n,
			"VK_INSTANCE_LAYERS=VK_LAYER_TRANCHE_exportable");
	return r;
}

/* Shows the folder that a file is in; /usr is shown already. */
static int folder_add(struct sandbox_paths *paths, const char *file)
{
	char folder[PATH_MAX], *slash;

	snprintf(folder, sizeof(folder), "%s", file);
	slash = strrchr(folder, '/');
	if (!slash || slash == folder || !strncmp(folder, "/usr/", 5))
		return 0;
	*slash = '\0';
	return sandbox_paths_add(paths, folder, NULL, 0);
}

static int paths_fill(struct sandbox_paths *paths, const struct vgpu *vgpu,
		      const char *door)
{
	const struct config *config = vgpu->gpu->broker->config;
	const struct gpu *gpu = vgpu->gpu->gpu;
	int r = sandbox_paths_add_system(paths);

	if (r == 0)
		r = folder_add(paths, config->device);
	if (r == 0)
		r = folder_add(paths, config->gate);
	if (r == 0)
		r = folder_add(paths, config->render_server);
	if (r == 0 && !gpu->exports)
		r = sandbox_paths_add(paths, config->layers, NULL, 0);
	/* The folder, because a new broker makes the socket anew. */
	if (r == 0)
		r = folder_add(paths, door);
	if (r == 0 && gpu->render_node)
		r = sandbox_paths_add_gpu(paths, gpu->render_node);
	return r;
}

static int spawn(const struct vgpu *vgpu, int fd, char *const *environment,
		 const struct sandbox_paths *paths, pid_t *pid)
{
	const struct config *config = vgpu->gpu->broker->config;
	static char option[] = "--device-fd", number[] = STR(DEVICE_FD),
		    server[] = "--render-server";
	char *const argv[] = {config->device,	     option, number, server,
			      config->render_server, NULL};
	const struct sandbox_fd fds[] = {{.host = fd, .inside = DEVICE_FD}};
	const struct sandbox_config sandbox = {
		.name = vgpu->uuid,
		.cgroup = config->cgroup,
		.uid = vgpu->uid,
		.argv = argv,
		.environment = environment,
		.paths = paths->list,
		.path_count = paths->count,
		.fds = fds,
		.fd_count = 1,
		.log_fd = STDERR_FILENO,
		.memory_max = vgpu->gpu->config->memory_max,
		.pids_max = vgpu->gpu->config->tasks_max,
		/* What a window shows of ordinary memory is pinned. */
		.memlock_max = 2 * vgpu->gpu->window,
		.files_max = FILES_MAX,
	};

	return sandbox_spawn(&sandbox, pid);
}

int spawn_device(const struct vgpu *vgpu, int fd, pid_t *pid)
{
	const struct config *config = vgpu->gpu->broker->config;
	char *environment[GATE_VARIABLES + 5];
	struct sandbox_paths paths = {0};
	char door[PATH_MAX];
	int r;

	vgpu_door(vgpu, door, sizeof(door));
	r = gate_environment(config, vgpu->gpu->gpu, door, environment);
	if (r == 0)
		r = layer_environment(config, vgpu->gpu->gpu, environment);
	if (r == 0)
		r = paths_fill(&paths, vgpu, door);
	if (r == 0)
		r = spawn(vgpu, fd, environment, &paths, pid);
	sandbox_paths_deinit(&paths);
	strv_clear(environment);
	return r;
}

static int file_check(const char *path, int mode, const char *what,
		      char *reason, size_t size)
{
	if (access(path, mode) == 0)
		return 0;
	snprintf(reason, size, "%s is not at %s", what, path);
	return -ENOENT;
}

int gate_check(const struct config *config, char *reason, size_t size)
{
	return file_check(config->gate, R_OK, "the gate's manifest (Gate=)",
			  reason, size);
}

int spawn_check(const struct config *config, char *reason, size_t size)
{
	int r = gate_check(config, reason, size);

	if (r == 0)
		r = file_check(config->device, X_OK,
			       "the device program (DeviceProgram=)", reason,
			       size);
	if (r == 0)
		r = file_check(config->render_server, X_OK,
			       "virglrenderer's server (RenderServer=)", reason,
			       size);
	return r;
}
