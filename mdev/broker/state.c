// SPDX-License-Identifier: MIT
#include "mdev/broker/state.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-id128.h>
#include <unistd.h>

#include "mdev/broker/ini.h"
#include "mdev/broker/keep.h"

static int folder_make(const char *run, const char *name, mode_t mode)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s%s", run, name);
	if (mkdir(path, mode) < 0 && errno != EEXIST)
		return -errno;
	return 0;
}

/* Programs of other users must get to their doors below vgpu. */
int state_init(const char *run)
{
	int r = folder_make(run, "", 0755);

	if (r == 0)
		r = folder_make(run, "/vgpu", 0711);
	if (r == 0)
		r = folder_make(run, "/gpu", 0700);
	if (r == 0)
		r = folder_make(run, "/policy", 0700);
	if (r == 0)
		r = folder_make(run, "/vulkan", 0700);
	if (r == 0)
		r = folder_make(run, "/state", 0700);
	return r;
}

static void vgpu_path(const char *run, const char *uuid, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/state/%s", run, uuid);
}

int state_vgpu_write(const char *run, const struct state_vgpu *state)
{
	char path[PATH_MAX];
	FILE *file;

	vgpu_path(run, state->uuid, path);
	file = keep_begin(path);
	if (!file)
		return -errno;
	fprintf(file,
		"gpu=%s\nname=%s\nprogram=%d\ntransient=%d\nelastic=%d\nstopped=%d\n",
		state->gpu, state->name, state->program, state->transient,
		state->elastic, state->stopped);
	fprintf(file, "uid=%u\nowner=%d\nowner_start=%" PRIu64 "\n", state->uid,
		state->owner, state->owner_start);
	fprintf(file, "kill_ns=%" PRIu64 "\n", state->kill_ns);
	for (int i = 0; i < SETTINGS; i++)
		fprintf(file, "%s=%s\n", setting_names[i], state->values[i]);
	return keep_end(file, path);
}

static int uid_take(uid_t *field, const char *value)
{
	uint64_t number;
	int r = keep_number(&number, UINT32_MAX - 1, value);

	if (r == 0)
		*field = number;
	return r;
}

static int pid_take(pid_t *field, const char *value)
{
	uint64_t number;
	int r = keep_number(&number, INT_MAX, value);

	if (r == 0)
		*field = number;
	return r;
}

static int vgpu_line(void *owner, const struct ini_line *line)
{
	struct state_vgpu *state = owner;
	const char *key = line->key, *value = line->value;
	int setting = name_find(setting_names, SETTINGS, key);

	if (setting >= 0)
		return keep_text(state->values[setting],
				 sizeof(state->values[setting]), value);
	if (!strcmp(key, "gpu"))
		return keep_text(state->gpu, sizeof(state->gpu), value);
	if (!strcmp(key, "name"))
		return keep_text(state->name, sizeof(state->name), value);
	if (!strcmp(key, "program"))
		return keep_bool(&state->program, value);
	if (!strcmp(key, "transient"))
		return keep_bool(&state->transient, value);
	if (!strcmp(key, "elastic"))
		return keep_bool(&state->elastic, value);
	if (!strcmp(key, "stopped"))
		return keep_bool(&state->stopped, value);
	if (!strcmp(key, "uid"))
		return uid_take(&state->uid, value);
	if (!strcmp(key, "owner"))
		return pid_take(&state->owner, value);
	if (!strcmp(key, "owner_start"))
		return keep_number(&state->owner_start, UINT64_MAX, value);
	if (!strcmp(key, "kill_ns"))
		return keep_number(&state->kill_ns, UINT64_MAX, value);
	return -EBADMSG;
}

int state_vgpu_read(const char *run, const char *uuid, struct state_vgpu *state)
{
	char path[PATH_MAX];
	unsigned int line;
	int r;

	*state = (struct state_vgpu){0};
	r = keep_text(state->uuid, sizeof(state->uuid), uuid);
	if (r < 0)
		return r;
	vgpu_path(run, uuid, path);
	r = ini_read(path, vgpu_line, state, &line);
	if (r == 0 && (!state->gpu[0] || !state->kill_ns))
		return -EBADMSG;
	return r;
}

void state_vgpu_remove(const char *run, const char *uuid)
{
	char path[PATH_MAX];

	vgpu_path(run, uuid, path);
	unlink(path);
}

void state_vgpu_each(const char *run,
		     void (*callback)(void *owner, const char *uuid),
		     void *owner)
{
	char path[PATH_MAX];
	struct dirent *entry;
	sd_id128_t id;
	DIR *folder;

	snprintf(path, sizeof(path), "%s/state", run);
	folder = opendir(path);
	if (!folder)
		return;
	while ((entry = readdir(folder)))
		if (strlen(entry->d_name) == SD_ID128_UUID_STRING_MAX - 1 &&
		    sd_id128_from_string(entry->d_name, &id) == 0)
			callback(owner, entry->d_name);
	closedir(folder);
}

static void gpu_path(const char *run, const char *address, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/gpu/%s", run, address);
}

int state_gpu_write(const char *run, const struct state_gpu *state)
{
	char path[PATH_MAX];
	FILE *file;

	gpu_path(run, state->address, path);
	file = keep_begin(path);
	if (!file)
		return -errno;
	fprintf(file,
		"vram=%" PRIu64 "\ntypes=%u\nwindow=%" PRIu64 "\ndefaults=%s\n",
		state->vram, state->types, state->window, state->defaults);
	return keep_end(file, path);
}

static int gpu_line(void *owner, const struct ini_line *line)
{
	struct state_gpu *state = owner;
	uint64_t number;
	int r;

	if (!strcmp(line->key, "vram"))
		return keep_number(&state->vram, UINT64_MAX, line->value);
	if (!strcmp(line->key, "window"))
		return keep_number(&state->window, UINT64_MAX, line->value);
	if (!strcmp(line->key, "defaults"))
		return keep_text(state->defaults, sizeof(state->defaults),
				 line->value);
	if (strcmp(line->key, "types"))
		return -EBADMSG;
	r = keep_number(&number, 0xff, line->value);
	if (r == 0)
		state->types = number;
	return r;
}

int state_gpu_read(const char *run, const char *address,
		   struct state_gpu *state)
{
	char path[PATH_MAX];
	unsigned int line;
	int r;

	*state = (struct state_gpu){0};
	r = keep_text(state->address, sizeof(state->address), address);
	if (r < 0)
		return r;
	gpu_path(run, address, path);
	r = ini_read(path, gpu_line, state, &line);
	if (r == 0 && (!state->vram || !state->types || !state->window))
		return -EBADMSG;
	return r;
}

/* -1: none was read. */
struct policies {
	int configured;
	int set;
};

static void policy_path(const char *run, const char *address,
			char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/policy/%s", run, address);
}

int state_policy_write(const char *run, const char *address,
		       enum tsched_policy configured, enum tsched_policy set)
{
	char path[PATH_MAX];
	FILE *file;

	policy_path(run, address, path);
	file = keep_begin(path);
	if (!file)
		return -errno;
	fprintf(file, "configured=%s\nset=%s\n", policy_names[configured],
		policy_names[set]);
	return keep_end(file, path);
}

static int policy_line(void *owner, const struct ini_line *line)
{
	int policy = name_find(policy_names, TSCHED_POLICIES, line->value);
	struct policies *policies = owner;

	if (!strcmp(line->key, "configured"))
		policies->configured = policy;
	else if (!strcmp(line->key, "set"))
		policies->set = policy;
	else
		return -EBADMSG;
	return policy < 0 ? -EBADMSG : 0;
}

enum tsched_policy state_policy_read(const char *run, const char *address,
				     enum tsched_policy configured)
{
	struct policies policies = {-1, -1};
	char path[PATH_MAX];
	unsigned int line;

	policy_path(run, address, path);
	if (ini_read(path, policy_line, &policies, &line) < 0 ||
	    policies.configured != (int)configured || policies.set < 0)
		return configured;
	return policies.set;
}

int process_began(pid_t pid, uint64_t *start)
{
	char path[32], line[1024], *text;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "re");
	if (!file)
		return -ESRCH;
	text = fgets(line, sizeof(line), file);
	fclose(file);
	/* The name before may hold anything: count from its end. */
	text = text ? strrchr(line, ')') : NULL;
	if (!text ||
	    sscanf(text,
		   ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u "
		   "%*d %*d %*d %*d %*d %*d %" SCNu64,
		   start) != 1)
		return -ESRCH;
	return 0;
}
