// SPDX-License-Identifier: MIT
#include "mdev/gpu/manifest.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-json.h>

static const char *const system_folders[] = {
	"/etc/xdg/vulkan/icd.d",
	"/etc/vulkan/icd.d",
	"/usr/local/share/vulkan/icd.d",
	"/usr/share/vulkan/icd.d",
};

static void freep(char **textp)
{
	free(*textp);
}

void manifest_list_deinit(struct manifest_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->paths[i]);
	free(list->paths);
	*list = (struct manifest_list){0};
}

static int path_append(struct manifest_list *list, const char *path)
{
	char **paths, *copy;

	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->paths[i], path) == 0)
			return 0;
	paths = reallocarray(list->paths, list->count + 1, sizeof(*paths));
	if (!paths)
		return -ENOMEM;
	list->paths = paths;
	copy = strdup(path);
	if (!copy)
		return -ENOMEM;
	paths[list->count++] = copy;
	return 0;
}

static int is_manifest(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return length > 5 && strcmp(entry->d_name + length - 5, ".json") == 0;
}

static int folder_append(struct manifest_list *list, const char *folder)
{
	struct dirent **entries;
	int count, r = 0;

	count = scandir(folder, &entries, is_manifest, alphasort);
	if (count < 0)
		return errno == ENOMEM ? -ENOMEM : 0;
	for (int i = 0; i < count; i++) {
		__attribute__((cleanup(freep))) char *path = NULL;

		if (r == 0 &&
		    asprintf(&path, "%s/%s", folder, entries[i]->d_name) < 0) {
			path = NULL;
			r = -ENOMEM;
		}
		if (r == 0)
			r = path_append(list, path);
		free(entries[i]);
	}
	free(entries);
	return r;
}

static int entry_append(struct manifest_list *list, const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return 0;
	return S_ISDIR(st.st_mode) ? folder_append(list, path)
				   : path_append(list, path);
}

static int names_append(struct manifest_list *list, const char *names)
{
	__attribute__((cleanup(freep))) char *copy = strdup(names);
	char *save, *name;
	int r = 0;

	if (!copy)
		return -ENOMEM;
	for (name = strtok_r(copy, ":", &save); name && r == 0;
	     name = strtok_r(NULL, ":", &save))
		r = entry_append(list, name);
	return r;
}

static int folders_append(struct manifest_list *list)
{
	size_t count = sizeof(system_folders) / sizeof(*system_folders);
	int r = 0;

	for (size_t i = 0; i < count && r == 0; i++)
		r = folder_append(list, system_folders[i]);
	return r;
}

int manifest_list_init(struct manifest_list *list)
{
	const char *names = secure_getenv("VK_DRIVER_FILES");
	int r;

	*list = (struct manifest_list){0};
	if (names && names[0])
		r = names_append(list, names);
	else
		r = folders_append(list);
	if (r < 0)
		manifest_list_deinit(list);
	return r;
}

/* As the loader reads it: a relative path starts at the manifest's folder. */
static int library_resolve(const char *manifest, const char *library,
			   char **libraryp)
{
	const char *slash = strrchr(manifest, '/');

	if (library[0] == '/' || !strchr(library, '/') || !slash) {
		*libraryp = strdup(library);
		return *libraryp ? 0 : -ENOMEM;
	}
	if (asprintf(libraryp, "%.*s/%s", (int)(slash - manifest), manifest,
		     library) < 0)
		return -ENOMEM;
	return 0;
}

int manifest_library(const char *path, char **libraryp)
{
	__attribute__((cleanup(sd_json_variant_unrefp))) sd_json_variant *all =
		NULL;
	sd_json_variant *icd, *library;
	int r;

	r = sd_json_parse_file(NULL, path, 0, &all, NULL, NULL);
	if (r == -ENOENT || r == -EACCES || r == -ENOMEM)
		return r;
	if (r < 0 || !sd_json_variant_is_object(all))
		return -EBADMSG;
	icd = sd_json_variant_by_key(all, "ICD");
	if (!icd || !sd_json_variant_is_object(icd))
		return -EBADMSG;
	library = sd_json_variant_by_key(icd, "library_path");
	if (!library || !sd_json_variant_is_string(library))
		return -EBADMSG;
	return library_resolve(path, sd_json_variant_string(library), libraryp);
}

/* FNV-1a. */
static uint64_t stamp_add(uint64_t stamp, const void *data, size_t size)
{
	const unsigned char *byte = data;

	for (size_t i = 0; i < size; i++)
		stamp = (stamp ^ byte[i]) * UINT64_C(0x100000001b3);
	return stamp;
}

/* A file that can't be looked at has a stamp as well: that of nothing. */
static uint64_t stamp_add_file(uint64_t stamp, const char *path)
{
	struct stat st = {0};
	int64_t facts[5];

	if (stat(path, &st) < 0)
		st = (struct stat){0};
	facts[0] = (int64_t)st.st_dev;
	facts[1] = (int64_t)st.st_ino;
	facts[2] = st.st_size;
	facts[3] = st.st_mtim.tv_sec;
	facts[4] = st.st_mtim.tv_nsec;
	stamp = stamp_add(stamp, path, strlen(path) + 1);
	return stamp_add(stamp, facts, sizeof(facts));
}

uint64_t manifest_list_stamp(const struct manifest_list *list)
{
	uint64_t stamp = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < list->count; i++) {
		__attribute__((cleanup(freep))) char *library = NULL;

		stamp = stamp_add_file(stamp, list->paths[i]);
		if (manifest_library(list->paths[i], &library) == 0)
			stamp = stamp_add_file(stamp, library);
	}
	return stamp;
}
