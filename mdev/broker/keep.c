// SPDX-License-Identifier: MIT
#include "mdev/broker/keep.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "units/units.h"

#define SUFFIX ".new"

FILE *keep_begin(const char *path)
{
	char temporary[PATH_MAX + sizeof(SUFFIX)];

	snprintf(temporary, sizeof(temporary), "%s" SUFFIX, path);
	return fopen(temporary, "we");
}

int keep_end(FILE *file, const char *path)
{
	char temporary[PATH_MAX + sizeof(SUFFIX)];
	int r = ferror(file) ? -EIO : 0;

	snprintf(temporary, sizeof(temporary), "%s" SUFFIX, path);
	if (fclose(file) && r == 0)
		r = -errno;
	if (r == 0 && rename(temporary, path) < 0)
		r = -errno;
	if (r < 0)
		unlink(temporary);
	return r;
}

int keep_text(char *field, size_t size, const char *value)
{
	if (strlen(value) >= size)
		return -EBADMSG;
	strcpy(field, value);
	return 0;
}

int keep_number(uint64_t *field, uint64_t max, const char *value)
{
	return units_parse_count(value, 0, max, field) < 0 ? -EBADMSG : 0;
}

int keep_bool(bool *field, const char *value)
{
	uint64_t number;
	int r = keep_number(&number, 1, value);

	if (r == 0)
		*field = number;
	return r;
}
