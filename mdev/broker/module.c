// SPDX-License-Identifier: MIT
#include "mdev/broker/module.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "mdev/broker/settings.h"

int module_open(void)
{
	int fd = open(TRANCHE_DEVICE, O_RDWR | O_CLOEXEC | O_NONBLOCK);

	return fd < 0 ? -errno : fd;
}

static int call(int control, unsigned long request, void *argument)
{
	return ioctl(control, request, argument) < 0 ? -errno : 0;
}

static int address_set(struct tranche_parent_register *args,
		       const char *address)
{
	unsigned int domain, bus, device, function;

	if (sscanf(address, "%x:%x:%x.%x", &domain, &bus, &device, &function) !=
	    4)
		return -EINVAL;
	args->domain = domain;
	args->bus = bus;
	args->devfn = device << 3 | function;
	snprintf(args->name, sizeof(args->name), "%s", address);
	return 0;
}

int module_register(int control, const char *address, uint64_t capacity,
		    const struct tranche_type *types, uint32_t count,
		    uint32_t *parent)
{
	struct tranche_attribute attributes[SETTINGS] = {0};
	struct tranche_parent_register args = {
		.capacity = capacity,
		.types = (uintptr_t)types,
		.attributes = (uintptr_t)attributes,
		.nr_types = count,
		.nr_attributes = SETTINGS,
	};
	int r = address_set(&args, address);

	for (int i = 0; i < SETTINGS; i++)
		snprintf(attributes[i].name, sizeof(attributes[i].name), "%s",
			 setting_names[i]);
	if (r == 0)
		r = call(control, TRANCHE_PARENT_REGISTER, &args);
	if (r == 0)
		*parent = args.parent;
	return r;
}

int module_attach(int control, const char *address, uint32_t *parent,
		  uint32_t *vgpus)
{
	struct tranche_parent_attach args = {0};
	int r;

	snprintf(args.name, sizeof(args.name), "%s", address);
	r = call(control, TRANCHE_PARENT_ATTACH, &args);
	if (r == 0) {
		*parent = args.parent;
		*vgpus = args.nr_vgpus;
	}
	return r;
}

int module_unregister(int control, uint32_t parent)
{
	struct tranche_parent_unregister args = {
		.parent = parent,
	};

	return call(control, TRANCHE_PARENT_UNREGISTER, &args);
}

int module_event(int control, struct tranche_event *event)
{
	return call(control, TRANCHE_EVENT_RECEIVE, event);
}

void module_answer(int control, uint64_t id, int error)
{
	struct tranche_verdict verdict = {.id = id, .error = -error};

	/* Whoever waited for it may have given up. */
	call(control, TRANCHE_EVENT_ANSWER, &verdict);
}

int module_vgpu_attach(int control, const char *uuid, bool replace)
{
	struct tranche_vgpu_attach args = {
		.flags = replace ? TRANCHE_ATTACH_REPLACE : 0,
	};
	int r;

	snprintf(args.uuid, sizeof(args.uuid), "%s", uuid);
	r = call(control, TRANCHE_VGPU_ATTACH, &args);
	return r < 0 ? r : args.fd;
}

int module_query(int control, const char *uuid,
		 struct tranche_vgpu_query *query)
{
	*query = (struct tranche_vgpu_query){0};
	snprintf(query->uuid, sizeof(query->uuid), "%s", uuid);
	return call(control, TRANCHE_VGPU_QUERY, query);
}
