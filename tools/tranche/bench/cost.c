// SPDX-License-Identifier: MIT
#include "tools/tranche/bench/cost.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KVM_FOLDER "/sys/kernel/debug/kvm"
#define PROCESSES_MAX 4096

struct process {
	pid_t pid;
	pid_t parent;
	uint64_t ticks;
	bool counted;
};

int cost_parse(const char *line, pid_t *parent, uint64_t *ticks)
{
	/* The name before this may hold anything, parentheses too. */
	const char *rest = strrchr(line, ')');
	uint64_t user, system;
	int64_t user_below, system_below, guest, guest_below;

	if (!rest ||
	    sscanf(rest + 1,
		   " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u"
		   " %" SCNu64 " %" SCNu64 " %" SCNd64 " %" SCNd64
		   " %*d %*d %*d %*d %*u %*u %*d %*u %*u %*u %*u %*u %*u %*u"
		   " %*u %*u %*u %*u %*u %*u %*d %*d %*u %*u %*u"
		   " %" SCNd64 " %" SCNd64,
		   parent, &user, &system, &user_below, &system_below, &guest,
		   &guest_below) != 7)
		return -EINVAL;
	*ticks = user + system +
		 (uint64_t)(user_below + system_below - guest - guest_below);
	return 0;
}

static int process_read(const char *pid, struct process *process)
{
	char path[64], line[1024];
	FILE *file;
	bool read;

	snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	read = fgets(line, sizeof(line), file);
	fclose(file);
	process->pid = (pid_t)strtol(pid, NULL, 10);
	process->counted = false;
	return read ? cost_parse(line, &process->parent, &process->ticks)
		    : -ENOENT;
}

static size_t processes_read(struct process *processes)
{
	DIR *folder = opendir("/proc");
	struct dirent *entry;
	size_t n = 0;

	while (folder && n < PROCESSES_MAX && (entry = readdir(folder)))
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
		    process_read(entry->d_name, &processes[n]) == 0)
			n++;
	if (folder)
		closedir(folder);
	return n;
}

static uint64_t ticks_below(struct process *processes, size_t n, pid_t root)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++) {
		if (processes[i].counted ||
		    (processes[i].pid != root && processes[i].parent != root))
			continue;
		processes[i].counted = true;
		sum += processes[i].ticks;
		if (processes[i].pid != root)
			sum += ticks_below(processes, n, processes[i].pid);
	}
	return sum;
}

uint64_t cost_cpu(pid_t root)
{
	struct process *processes;
	uint64_t ticks;

	if (root <= 0)
		return 0;
	processes = calloc(PROCESSES_MAX, sizeof(*processes));
	if (!processes)
		return 0;
	ticks = ticks_below(processes, processes_read(processes), root);
	free(processes);
	return ticks * 1000000 / (uint64_t)sysconf(_SC_CLK_TCK);
}

static int exits_read(const char *vm, uint64_t *exits)
{
	char path[320];
	FILE *file;
	int n;

	snprintf(path, sizeof(path), KVM_FOLDER "/%.255s/exits", vm);
	file = fopen(path, "re");
	if (!file)
		return -ENOENT;
	n = fscanf(file, "%" SCNu64, exits);
	fclose(file);
	return n == 1 ? 0 : -ENOENT;
}

/* Each VM has a folder there, named by its process and descriptor. */
int cost_exits(pid_t vmm, uint64_t *exits)
{
	DIR *folder = opendir(KVM_FOLDER);
	struct dirent *entry;
	char prefix[16];
	int r = -ENOENT;

	snprintf(prefix, sizeof(prefix), "%d-", vmm);
	while (folder && r < 0 && (entry = readdir(folder)))
		if (strncmp(entry->d_name, prefix, strlen(prefix)) == 0)
			r = exits_read(entry->d_name, exits);
	if (folder)
		closedir(folder);
	return r;
}
