/* SPDX-License-Identifier: MIT */
/*
 * The control socket: io.tranche.Broker over Varlink. Anybody who may open it
 * may read; changes are for root and members of its group.
 *
 * States of a connection: idle; in a call, some of which end later (creating
 * and removing, whose writes of sysfs others do); watching.
 *
 * Ownership: the broker owns the server; a vGPU's owner and a call that ends
 * later hold a reference on their connection. Locking: the event loop's thread
 * only.
 */
#ifndef BROKER_CONTROL_H
#define BROKER_CONTROL_H

#include <stdbool.h>
#include <sys/types.h>
#include <systemd/sd-varlink.h>

#include "mdev/broker/broker.h"
#include "mdev/broker/settings.h"

#define WATCHERS_MAX 64
/* Of these for whoever may only read, so that they can't take all. */
#define READERS_MAX 48

struct creation;
struct event;

/**
 * struct control - the server
 * @server: of Varlink
 * @group: whose members may change things; -1: nobody's
 * @watchers: connections that hear of events
 * @watcher_count: how many
 * @creations: vGPUs on their way
 */
struct control {
	sd_varlink_server *server;
	gid_t group;
	sd_varlink *watchers[WATCHERS_MAX];
	unsigned int watcher_count;
	struct creation *creations;
};

/* control_init - listen, on systemd's socket if there is one */
int control_init(struct broker *broker);
void control_deinit(struct broker *broker);

/* control_event - tell all who watch */
void control_event(struct broker *broker, const struct event *event);

/*
 * For methods. Those that return int and take a link have sent an error when
 * they return a negative one.
 */

/* control_may_change - may the peer change things? */
bool control_may_change(const struct broker *broker, sd_varlink *link);

/* control_check - the same, with an error sent if not */
int control_check(const struct broker *broker, sd_varlink *link);

int control_vgpu(struct broker *broker, sd_varlink *link, const char *uuid,
		 struct vgpu **vgpu);

/**
 * control_vgpu_change - the vGPU that a method shall change
 * @broker: the broker
 * @link: gets the error
 * @parameters: with "uuid" alone
 * @vgpu: filled in when the return is 0
 *
 * Return: 0; otherwise an error was sent, and the method returns this.
 */
int control_vgpu_change(struct broker *broker, sd_varlink *link,
			sd_json_variant *parameters, struct vgpu **vgpu);

int control_gpu(struct broker *broker, sd_varlink *link, const char *address,
		struct host_gpu **gpu);
int control_no_space(sd_varlink *link, const char *what, uint64_t wanted,
		     uint64_t available);
int control_invalid(sd_varlink *link, const char *setting, const char *text);
int control_not_served(sd_varlink *link, const struct host_gpu *gpu,
		       const char *text);
int control_reply_vgpu(sd_varlink *link, const struct vgpu *vgpu);

/*
 * Parameters that may be missing or null.
 */
struct maybe_int {
	bool set;
	int64_t value;
};

struct maybe_real {
	bool set;
	double value;
};

/**
 * struct changes - settings that a caller wants
 */
struct changes {
	struct maybe_int weight;
	struct maybe_real cap;
	struct maybe_real reservation;
	struct maybe_int vram;
	struct maybe_int kill_ms;
	const char *latency;
	const char *tenant;
};

int dispatch_maybe_bool(const char *name, sd_json_variant *variant,
			sd_json_dispatch_flags_t flags, void *field);
int dispatch_maybe_int(const char *name, sd_json_variant *variant,
		       sd_json_dispatch_flags_t flags, void *field);
int dispatch_maybe_real(const char *name, sd_json_variant *variant,
			sd_json_dispatch_flags_t flags, void *field);

#define DISPATCH(name, type, function, structure, field) \
	{name, type, function, offsetof(structure, field), 0}
#define DISPATCH_STRING(name, structure, field)       \
	DISPATCH(name, _SD_JSON_VARIANT_TYPE_INVALID, \
		 sd_json_dispatch_const_string, structure, field)
#define DISPATCH_INT(name, structure, field)                              \
	DISPATCH(name, _SD_JSON_VARIANT_TYPE_INVALID, dispatch_maybe_int, \
		 structure, field)
#define DISPATCH_BOOL(name, structure, field)                              \
	DISPATCH(name, _SD_JSON_VARIANT_TYPE_INVALID, dispatch_maybe_bool, \
		 structure, field)
#define DISPATCH_REAL(name, structure, field)                              \
	DISPATCH(name, _SD_JSON_VARIANT_TYPE_INVALID, dispatch_maybe_real, \
		 structure, field)
#define DISPATCH_CHANGES(structure, changes)                             \
	DISPATCH_INT("weight", structure, changes.weight),               \
		DISPATCH_REAL("capPercent", structure, changes.cap),     \
		DISPATCH_REAL("reservationPercent", structure,           \
			      changes.reservation),                      \
		DISPATCH_INT("vramLimitBytes", structure, changes.vram), \
		DISPATCH_STRING("latency", structure, changes.latency),  \
		DISPATCH_STRING("tenant", structure, changes.tenant)

/**
 * changes_apply - put them into settings
 * @link: gets InvalidSetting
 * @changes: what is wanted
 * @limits: of the type
 * @settings: changed
 *
 * Return: 0 or, with an error sent, a negative errno.
 */
int changes_apply(sd_varlink *link, const struct changes *changes,
		  const struct setting_limits *limits,
		  struct arbiter_settings *settings);

/**
 * changes_refused - say why the arbiter or the module refused settings
 * @link: gets the error
 * @gpu: of the vGPU
 * @vgpu: whose they would be, or NULL for a new one
 * @settings: what was wanted
 * @error: what came back
 *
 * Return: a negative errno.
 */
int changes_refused(sd_varlink *link, const struct host_gpu *gpu,
		    const struct vgpu *vgpu,
		    const struct arbiter_settings *settings, int error);

/* Methods; the userdata is the broker. */
int control_list_gpus(sd_varlink *link, sd_json_variant *parameters,
		      sd_varlink_method_flags_t flags, void *userdata);
int control_list_types(sd_varlink *link, sd_json_variant *parameters,
		       sd_varlink_method_flags_t flags, void *userdata);
int control_list_vgpus(sd_varlink *link, sd_json_variant *parameters,
		       sd_varlink_method_flags_t flags, void *userdata);
int control_create_vgpu(sd_varlink *link, sd_json_variant *parameters,
			sd_varlink_method_flags_t flags, void *userdata);
int control_remove_vgpu(sd_varlink *link, sd_json_variant *parameters,
			sd_varlink_method_flags_t flags, void *userdata);
int control_set_vgpu(sd_varlink *link, sd_json_variant *parameters,
		     sd_varlink_method_flags_t flags, void *userdata);
int control_set_gpu(sd_varlink *link, sd_json_variant *parameters,
		    sd_varlink_method_flags_t flags, void *userdata);
int control_reset_vgpu(sd_varlink *link, sd_json_variant *parameters,
		       sd_varlink_method_flags_t flags, void *userdata);
int control_enroll(sd_varlink *link, sd_json_variant *parameters,
		   sd_varlink_method_flags_t flags, void *userdata);
int control_get_stats(sd_varlink *link, sd_json_variant *parameters,
		      sd_varlink_method_flags_t flags, void *userdata);
int control_watch(sd_varlink *link, sd_json_variant *parameters,
		  sd_varlink_method_flags_t flags, void *userdata);
int control_get_slices(sd_varlink *link, sd_json_variant *parameters,
		       sd_varlink_method_flags_t flags, void *userdata);

/* creations_forget - a connection ended */
void creations_forget(struct broker *broker, sd_varlink *link);

#endif
