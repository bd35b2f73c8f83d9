// SPDX-License-Identifier: MIT
#include "mdev/broker/vulkan_cache.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-id128.h>

#include "mdev/broker/ini.h"
#include "mdev/broker/keep.h"

#define FACTS_SIZE 256

/* What is read: an answer, and what it was given for. */
struct answer {
	char facts[FACTS_SIZE];
	struct gpu gpu;
	size_t heaps;
};

static void answer_deinit(struct answer *answer)
{
	gpu_deinit(&answer->gpu);
}

static void path_format(const char *run, const struct gpu *gpu,
			char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/vulkan/%s", run, gpu->address);
}

static struct stat file_facts(const char *path)
{
	struct stat st;

	if (!path || stat(path, &st) < 0)
		return (struct stat){0};
	return st;
}

/* All that makes an answer old when it changes. */
static int facts_format(const struct gpu *gpu, const char *library,
			char facts[FACTS_SIZE])
{
	struct stat node = file_facts(gpu->render_node);
	struct stat file = file_facts(library);
	char boot[SD_ID128_STRING_MAX];
	uint64_t stamp;
	sd_id128_t id;
	int r;

	r = sd_id128_get_boot(&id);
	if (r >= 0)
		r = gpu_drivers_stamp(&stamp);
	if (r < 0)
		return r;
	snprintf(facts, FACTS_SIZE,
		 "%s %04x:%04x %.64s %jx %jx %jx %jx.%lx %" PRIx64,
		 sd_id128_to_string(id, boot), gpu->vendor_id, gpu->device_id,
		 gpu->driver ? gpu->driver : "-", (uintmax_t)node.st_rdev,
		 (uintmax_t)file.st_ino, (uintmax_t)file.st_size,
		 (uintmax_t)file.st_mtim.tv_sec, file.st_mtim.tv_nsec, stamp);
	return 0;
}

/* As ini_read() gives it back: one line, no blanks at its ends. */
static bool is_line(const char *text)
{
	size_t length = text ? strlen(text) : 0;

	if (!length || text[0] == ' ' || text[length - 1] == ' ')
		return false;
	for (; *text; text++)
		if ((unsigned char)*text < ' ')
			return false;
	return true;
}

int vulkan_cache_write(const char *run, const struct gpu *gpu)
{
	char path[PATH_MAX], facts[FACTS_SIZE];
	FILE *file;
	int r;

	if (!is_line(gpu->vulkan_name) || !is_line(gpu->vulkan_driver) ||
	    !is_line(gpu->vulkan_library))
		return -EINVAL;
	r = facts_format(gpu, gpu->vulkan_library, facts);
	if (r < 0)
		return r;
	path_format(run, gpu, path);
	file = keep_begin(path);
	if (!file)
		return -errno;
	fprintf(file, "facts=%s\nname=%s\ndriver=%s\nlibrary=%s\n", facts,
		gpu->vulkan_name, gpu->vulkan_driver, gpu->vulkan_library);
	fprintf(file, "api=%" PRIu32 "\nvram=%" PRIu64 "\nexports=%d\n",
		gpu->vulkan_api, gpu->vram, gpu->exports);
	for (int i = 0; i < GPU_HEAPS && gpu->heaps[i]; i++)
		fprintf(file, "heap=%" PRIu64 "\n", gpu->heaps[i]);
	return keep_end(file, path);
}

static int string_take(char **field, const char *value)
{
	if (*field || !*value)
		return -EBADMSG;
	*field = strdup(value);
	return *field ? 0 : -ENOMEM;
}

static int api_take(uint32_t *api, const char *value)
{
	uint64_t number;
	int r = keep_number(&number, UINT32_MAX, value);

	if (r == 0)
		*api = number;
	return r;
}

static int heap_take(struct answer *answer, const char *value)
{
	if (answer->heaps == GPU_HEAPS)
		return -EBADMSG;
	return keep_number(&answer->gpu.heaps[answer->heaps++], UINT64_MAX,
			   value);
}

static int line_take(void *owner, const struct ini_line *line)
{
	struct answer *answer = owner;
	const char *key = line->key, *value = line->value;
	struct gpu *gpu = &answer->gpu;

	if (!strcmp(key, "facts"))
		return keep_text(answer->facts, sizeof(answer->facts), value);
	if (!strcmp(key, "name"))
		return string_take(&gpu->vulkan_name, value);
	if (!strcmp(key, "driver"))
		return string_take(&gpu->vulkan_driver, value);
	if (!strcmp(key, "library"))
		return string_take(&gpu->vulkan_library, value);
	if (!strcmp(key, "api"))
		return api_take(&gpu->vulkan_api, value);
	if (!strcmp(key, "vram"))
		return keep_number(&gpu->vram, UINT64_MAX, value);
	if (!strcmp(key, "exports"))
		return keep_bool(&gpu->exports, value);
	return strcmp(key, "heap") ? -EBADMSG : heap_take(answer, value);
}

static int answer_check(const struct answer *answer, const struct gpu *gpu)
{
	const struct gpu *said = &answer->gpu;
	char facts[FACTS_SIZE];
	int r;

	if (!said->vulkan_name || !said->vulkan_driver || !said->vulkan_library)
		return -EBADMSG;
	r = facts_format(gpu, said->vulkan_library, facts);
	if (r < 0)
		return r;
	return strcmp(facts, answer->facts) ? -ESTALE : 0;
}

int vulkan_cache_read(const char *run, struct gpu *gpu)
{
	__attribute__((cleanup(answer_deinit))) struct answer answer = {0};
	char path[PATH_MAX];
	unsigned int line;
	int r;

	path_format(run, gpu, path);
	r = ini_read(path, line_take, &answer, &line);
	if (r == 0)
		r = answer_check(&answer, gpu);
	if (r == 0)
		gpu_vulkan_move(gpu, &answer.gpu);
	return r;
}
