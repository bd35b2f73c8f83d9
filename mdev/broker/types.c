// SPDX-License-Identifier: MIT
#include "mdev/broker/types.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "mdev/device/layout.h"
#include "scheduler/core/sched.h"

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)
#define RESERVE_PART 32

uint64_t vram_lent(uint64_t vram)
{
	return vram - vram / RESERVE_PART;
}

/* Rounded, as people call memory: 1.94 GiB are 2gb. */
static void name_make(struct vgpu_type *type)
{
	uint64_t vram = type->vram;

	if (vram >= GIB)
		snprintf(type->name, sizeof(type->name), "%ug.%" PRIu64 "gb",
			 type->eighths, (vram + GIB / 2) / GIB);
	else
		snprintf(type->name, sizeof(type->name), "%ug.%" PRIu64 "mb",
			 type->eighths, vram / MIB);
}

int type_table_init(struct type_table *table, uint64_t vram,
		    unsigned int eighths, uint32_t weight)
{
	uint64_t unit = vram / EIGHTHS / MIB * MIB;

	*table = (struct type_table){.capacity = unit * EIGHTHS};
	if (!unit)
		return -ENOSPC;
	for (unsigned int n = 1; n <= EIGHTHS; n++) {
		struct vgpu_type *type = &table->types[table->count];
		uint32_t product = weight * n;

		if (!(eighths & 1u << (n - 1)))
			continue;
		*type = (struct vgpu_type){
			.eighths = n,
			.vram = unit * n,
			.weight = product < TSCHED_WEIGHT_MAX
					  ? product
					  : TSCHED_WEIGHT_MAX,
			.instances = EIGHTHS / n,
		};
		name_make(type);
		table->count++;
	}
	return 0;
}

/* "virtio-pci-1g.2gb" ends in "-1g.2gb". */
static int name_matches(const char *name, const char *text)
{
	size_t length = strlen(name), whole = strlen(text);

	if (!strcmp(name, text))
		return 1;
	return whole > length + 1 && text[whole - length - 1] == '-' &&
	       !strcmp(text + whole - length, name);
}

const struct vgpu_type *type_find(const struct type_table *table,
				  const char *name)
{
	for (unsigned int i = 0; i < table->count; i++)
		if (name_matches(table->types[i].name, name))
			return &table->types[i];
	return NULL;
}

int type_describe(const struct vgpu_type *type, uint64_t window,
		  struct tranche_type *out)
{
	*out = (struct tranche_type){
		.cost = type->vram,
		.instances = type->instances,
	};
	snprintf(out->id, sizeof(out->id), "%s", type->name);
	snprintf(out->name, sizeof(out->name), "%s", type->name);
	snprintf(out->description, sizeof(out->description),
		 "vram: %" PRIu64 "MiB\nweight: %" PRIu32
		 "\nmax_instances: %" PRIu32,
		 type->vram / MIB, type->weight, type->instances);
	return layout_init(&out->layout, window);
}
