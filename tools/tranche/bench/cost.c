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
	bool found;
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

static int stat_read(pid_t pid, pid_t *parent, uint64_t *ticks)
{
	char path[64], line[1024];
	FILE *file;
	bool read;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	read = fgets(line, sizeof(line), file);
	fclose(file);
	return read ? cost_parse(line, parent, ticks) : -ENOENT;
}

static size_t processes_read(struct process *processes)
{
	DIR *folder = opendir("/proc");
	struct dirent *entry;
	uint64_t ticks;
	size_t n = 0;

	while (folder && n < PROCESSES_MAX && (entry = readdir(folder))) {
		struct process *process = &processes[n];

		process->pid = (pid_t)strtol(entry->d_name, NULL, 10);
		process->found = false;
		if (process->pid > 0 &&
		    stat_read(process->pid, &process->parent, &ticks) == 0)
			n++;
	}
	if (folder)
		closedir(folder);
	return n;
}

static void find_below(struct cost_processes *found, struct process *processes,
		       size_t n, pid_t root)
{
	for (size_t i = 0; i < n && found->n < COST_PROCESSES; i++) {
		if (processes[i].found ||
		    (processes[i].pid != root && processes[i].parent != root))
			continue;
		processes[i].found = true;
		found->pids[found->n++] = processes[i].pid;
		if (processes[i].pid != root)
			find_below(found, processes, n, processes[i].pid);
	}
}

void cost_find(struct cost_processes *found, const pid_t *roots, size_t n)
{
	struct process *processes = calloc(PROCESSES_MAX, sizeof(*processes));
	size_t all = processes ? processes_read(processes) : 0;

	found->n = 0;
	for (size_t i = 0; i < n; i++)
		if (roots[i] > 0)
			find_below(found, processes, all, roots[i]);
	free(processes);
}

uint64_t cost_cpu(const struct cost_processes *processes)
{
	uint64_t sum = 0, ticks;
	pid_t parent;

	for (size_t i = 0; i < processes->n; i++)
		if (stat_read(processes->pids[i], &parent, &ticks) == 0)
			sum += ticks;
	return sum * 1000000 / (uint64_t)sysconf(_SC_CLK_TCK);
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
