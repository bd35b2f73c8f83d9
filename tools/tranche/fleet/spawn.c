// SPDX-License-Identifier: MIT
#include "tools/tranche/fleet/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/tranche/fleet/guest.h"
#include "tools/tranche/fleet/image.h"

#define WORDS_MAX 48
/* A guest that was held for long is not stuck. */
#define CONSOLE_APPEND "console=ttyS0 panic=-1 quiet nowatchdog"

/* A command line that grows; out of room or memory it stays bad. */
struct command {
	char *words[WORDS_MAX + 1];
	size_t count;
	bool bad;
};

__attribute__((format(printf, 2, 3))) static void add(struct command *command,
						      const char *format, ...)
{
	va_list args;

	if (command->count == WORDS_MAX) {
		command->bad = true;
		return;
	}
	va_start(args, format);
	if (vasprintf(&command->words[command->count], format, args) < 0) {
		command->words[command->count] = NULL;
		command->bad = true;
	} else {
		command->count++;
	}
	va_end(args);
}

static void add_pair(struct command *command, const char *option,
		     const char *value)
{
	add(command, "%s", option);
	add(command, "%s", value);
}

static void command_clear(struct command *command)
{
	for (size_t i = 0; i < command->count; i++)
		free(command->words[i]);
}

/* The child opens the image anew, by its own descriptor. */
static void add_boot(struct command *command, const struct guest_config *config,
		     const char *dashes)
{
	add(command, "%skernel", dashes);
	add(command, "%s", config->kernel);
	add(command, "%sinitrd", dashes);
	add(command, "/proc/self/fd/%d", config->image);
	add(command, "%sappend", dashes);
	add(command, CONSOLE_APPEND);
}

static void command_tranche_vmm(struct command *command,
				const struct guest_config *config)
{
	add(command, "tranche-vmm");
	add(command, "run");
	add_boot(command, config, "--");
	add(command, "--memory");
	add(command, "%uM", config->memory_mib);
	add_pair(command, "--name", config->name);
	if (config->vgpu)
		add_pair(command, "--vgpu", config->vgpu);
	if (config->gpu)
		add_pair(command, "--gpu", config->gpu);
}

/* The renderer needs to see the guest's memory. */
static void add_gl(struct command *command, const struct guest_config *config)
{
	add(command, "-object");
	add(command, "memory-backend-memfd,id=memory,size=%uM,share=on",
	    config->memory_mib);
	add_pair(command, "-machine", "memory-backend=memory");
	add_pair(command, "-display", "egl-headless");
	add_pair(command, "-device",
		 "virtio-gpu-gl-pci,blob=on,venus=on,hostmem=256M");
}

static void command_qemu(struct command *command,
			 const struct guest_config *config)
{
	add(command, "qemu-system-x86_64");
	add(command, "-nodefaults");
	add(command, "-no-user-config");
	add(command, "-no-reboot");
	add_pair(command, "-machine", "q35");
	add_pair(command, "-accel", "kvm");
	add_pair(command, "-cpu", "host");
	add_pair(command, "-serial", "stdio");
	add(command, "-m");
	add(command, "%uM", config->memory_mib);
	add_boot(command, config, "-");
	if (config->gl)
		add_gl(command, config);
	else
		add_pair(command, "-display", "none");
	if (config->vgpu) {
		add(command, "-device");
		add(command, "vfio-pci,sysfsdev=/sys/bus/mdev/devices/%s",
		    config->vgpu);
	}
	if (config->gpu) {
		add(command, "-device");
		add(command, "vfio-pci,host=%s", config->gpu);
	}
}

static void command_host(struct command *command,
			 const struct guest_config *config)
{
	add(command, "env");
	add(command, "FLEET_HOST=1");
	for (const char *const *word = config->environment; word && *word;
	     word++)
		add(command, "%s", *word);
	add(command, "sh");
	add_pair(command, "-c", image_script);
}

static int command_make(struct command *command,
			const struct guest_config *config)
{
	switch (config->kind) {
	case GUEST_TRANCHE_VMM:
		command_tranche_vmm(command, config);
		break;
	case GUEST_QEMU:
		command_qemu(command, config);
		break;
	case GUEST_HOST:
		command_host(command, config);
		break;
	}
	return command->bad ? -ENOMEM : 0;
}

static void child_exec(const struct command *command, pid_t parent, int input,
		       int output, int image)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	setpgid(0, 0);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(127);
	if (dup2(input, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 ||
	    dup2(output, STDERR_FILENO) < 0)
		_exit(127);
	if (image >= 0)
		fcntl(image, F_SETFD, 0);
	execvp(command->words[0], command->words);
	dprintf(STDERR_FILENO, "cannot run %s: install it\n",
		command->words[0]);
	_exit(127);
}

static int fork_child(struct spawned *process, const struct command *command,
		      const struct guest_config *config, int input, int output)
{
	int image = config->kind == GUEST_HOST ? -1 : config->image;
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		return -errno;
	if (pid == 0)
		child_exec(command, parent, input, output, image);
	/* Whoever comes first: it must be there before a kill of the group. */
	setpgid(pid, pid);
	process->pid = pid;
	return 0;
}

static void close_pair(const int fds[2])
{
	close(fds[0]);
	close(fds[1]);
}

static int start(struct spawned *process, const struct command *command,
		 const struct guest_config *config)
{
	int in[2], out[2], r;

	if (pipe2(in, O_CLOEXEC) < 0)
		return -errno;
	if (pipe2(out, O_CLOEXEC) < 0) {
		r = -errno;
		close_pair(in);
		return r;
	}
	r = fork_child(process, command, config, in[0], out[1]);
	if (r < 0) {
		close_pair(in);
		close_pair(out);
		return r;
	}
	close(in[0]);
	close(out[1]);
	process->input = in[1];
	process->output = out[0];
	fcntl(process->input, F_SETFL, O_NONBLOCK);
	fcntl(process->output, F_SETFL, O_NONBLOCK);
	return 0;
}

int spawn_guest(struct spawned *process, const struct guest_config *config)
{
	struct command command = {0};
	int r;

	r = command_make(&command, config);
	if (r == 0)
		r = start(process, &command, config);
	command_clear(&command);
	return r;
}

void spawn_end(struct spawned *process, bool lives)
{
	kill(-process->pid, SIGKILL);
	while (lives && waitpid(process->pid, NULL, 0) < 0 && errno == EINTR)
		;
	close(process->input);
	close(process->output);
}
