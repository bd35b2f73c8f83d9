// SPDX-License-Identifier: MIT
#include "mdev/broker/control.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "mdev/broker/event.h"
#include "mdev/broker/host_gpu.h"
#include "mdev/broker/interface.h"
#include "mdev/broker/json.h"
#include "mdev/broker/log.h"
#include "mdev/broker/vgpu.h"

#define GROUPS_MAX 4096

static bool in_groups(sd_varlink *link, gid_t group)
{
	gid_t groups[GROUPS_MAX], primary;
	socklen_t size = sizeof(groups);

	if (sd_varlink_get_peer_gid(link, &primary) >= 0 && primary == group)
		return true;
	if (getsockopt(sd_varlink_get_fd(link), SOL_SOCKET, SO_PEERGROUPS,
		       groups, &size) < 0)
		return false;
	for (size_t i = 0; i < size / sizeof(groups[0]); i++)
		if (groups[i] == group)
			return true;
	return false;
}

bool control_may_change(const struct broker *broker, sd_varlink *link)
{
	gid_t group = broker->control->group;
	uid_t uid;

	if (sd_varlink_get_peer_uid(link, &uid) >= 0 &&
	    (uid == 0 || uid == geteuid()))
		return true;
	return group != (gid_t)-1 && in_groups(link, group);
}

int control_check(const struct broker *broker, sd_varlink *link)
{
	if (control_may_change(broker, link))
		return 0;
	return sd_varlink_error(link, SD_VARLINK_ERROR_PERMISSION_DENIED, NULL);
}

int control_vgpu(struct broker *broker, sd_varlink *link, const char *uuid,
		 struct vgpu **vgpu)
{
	*vgpu = vgpu_find(broker, uuid);
	if (*vgpu)
		return 0;
	return sd_varlink_errorbo(
		link, BROKER_METHOD("NoSuchVgpu"),
		SD_JSON_BUILD_PAIR("uuid", SD_JSON_BUILD_STRING(uuid)));
}

int control_vgpu_change(struct broker *broker, sd_varlink *link,
			sd_json_variant *parameters, struct vgpu **vgpu)
{
	static const sd_json_dispatch_field fields[] = {
		{"uuid", SD_JSON_VARIANT_STRING, sd_json_dispatch_const_string,
		 0, SD_JSON_MANDATORY},
		{0},
	};
	const char *uuid = NULL;
	int r = sd_varlink_dispatch(link, parameters, fields, &uuid);

	if (r != 0)
		return r;
	r = control_check(broker, link);
	return r < 0 ? r : control_vgpu(broker, link, uuid, vgpu);
}

int control_gpu(struct broker *broker, sd_varlink *link, const char *address,
		struct host_gpu **gpu)
{
	*gpu = broker_gpu(broker, address);
	if (*gpu)
		return 0;
	return sd_varlink_errorbo(
		link, BROKER_METHOD("NoSuchGpu"),
		SD_JSON_BUILD_PAIR("gpu", SD_JSON_BUILD_STRING(address)));
}

int control_no_space(sd_varlink *link, const char *what, uint64_t wanted,
		     uint64_t available)
{
	return sd_varlink_errorbo(
		link, BROKER_METHOD("NoSpace"),
		SD_JSON_BUILD_PAIR("what", SD_JSON_BUILD_STRING(what)),
		SD_JSON_BUILD_PAIR("wanted", SD_JSON_BUILD_UNSIGNED(wanted)),
		SD_JSON_BUILD_PAIR("available",
				   SD_JSON_BUILD_UNSIGNED(available)));
}

int control_invalid(sd_varlink *link, const char *setting, const char *text)
{
	return sd_varlink_errorbo(
		link, BROKER_METHOD("InvalidSetting"),
		SD_JSON_BUILD_PAIR("setting", SD_JSON_BUILD_STRING(setting)),
		SD_JSON_BUILD_PAIR("text", SD_JSON_BUILD_STRING(text)));
}

int control_not_served(sd_varlink *link, const struct host_gpu *gpu,
		       const char *text)
{
	const char *address = gpu ? gpu->gpu->address : "";

	return sd_varlink_errorbo(
		link, BROKER_METHOD("NotServed"),
		SD_JSON_BUILD_PAIR("gpu", SD_JSON_BUILD_STRING(address)),
		SD_JSON_BUILD_PAIR("text", SD_JSON_BUILD_STRING(text)));
}

int control_reply_vgpu(sd_varlink *link, const struct vgpu *vgpu)
{
	sd_json_variant *json = NULL;
	int r = json_vgpu(vgpu, &json);

	if (r < 0)
		return sd_varlink_error_errno(link, r);
	r = sd_varlink_replybo(
		link, SD_JSON_BUILD_PAIR("vgpu", SD_JSON_BUILD_VARIANT(json)));
	sd_json_variant_unref(json);
	return r;
}

static sd_varlink *watcher_take(struct control *control, unsigned int index)
{
	sd_varlink *link = control->watchers[index];

	control->watchers[index] = control->watchers[--control->watcher_count];
	return link;
}

static int on_drop(sd_event_source *source, void *userdata)
{
	(void)source;
	sd_varlink_close_unref(userdata);
	return 0;
}

/*
 * Not at once: what goes with a connection may be what the event's sender is
 * at work on.
 */
static void watcher_drop(struct broker *broker, unsigned int index)
{
	sd_varlink *link = watcher_take(broker->control, index);

	if (sd_event_add_defer(broker->loop, NULL, on_drop, link) < 0)
		sd_varlink_unref(link);
}

void control_event(struct broker *broker, const struct event *event)
{
	struct control *control = broker->control;
	sd_json_variant *json = NULL;
	unsigned int i = 0;
	int r;

	if (!control || !control->watcher_count || json_event(event, &json) < 0)
		return;
	/* One that does not read is cut off when its queue is full. */
	while (i < control->watcher_count) {
		r = sd_varlink_notifybo(
			control->watchers[i],
			SD_JSON_BUILD_PAIR("event",
					   SD_JSON_BUILD_VARIANT(json)));
		if (r < 0)
			watcher_drop(broker, i);
		else
			i++;
	}
	sd_json_variant_unref(json);
}

static void watchers_forget(struct control *control, sd_varlink *link)
{
	for (unsigned int i = 0; i < control->watcher_count; i++)
		if (control->watchers[i] == link) {
			sd_varlink_unref(watcher_take(control, i));
			return;
		}
}

static struct vgpu *owned_by(struct broker *broker, const sd_varlink *link)
{
	struct vgpu *vgpu;

	for (vgpu = broker->vgpus; vgpu; vgpu = vgpu->next)
		if (vgpu->owner.link == link)
			return vgpu;
	return NULL;
}

/* What lives for a connection goes with it. */
static void on_disconnect(sd_varlink_server *server, sd_varlink *link,
			  void *userdata)
{
	struct broker *broker = userdata;
	struct vgpu *vgpu;

	(void)server;
	watchers_forget(broker->control, link);
	creations_forget(broker, link);
	host_gpu_policies_return(broker, link);
	while ((vgpu = owned_by(broker, link))) {
		vgpu->owner.link = NULL;
		vgpu_end(vgpu);
	}
}

static int methods_bind(sd_varlink_server *server)
{
	return sd_varlink_server_bind_method_many(
		server, BROKER_METHOD("ListGpus"), control_list_gpus,
		BROKER_METHOD("ListTypes"), control_list_types,
		BROKER_METHOD("ListVgpus"), control_list_vgpus,
		BROKER_METHOD("CreateVgpu"), control_create_vgpu,
		BROKER_METHOD("RemoveVgpu"), control_remove_vgpu,
		BROKER_METHOD("SetVgpu"), control_set_vgpu,
		BROKER_METHOD("SetGpu"), control_set_gpu,
		BROKER_METHOD("ResetVgpu"), control_reset_vgpu,
		BROKER_METHOD("Enroll"), control_enroll,
		BROKER_METHOD("GetStats"), control_get_stats,
		BROKER_METHOD("Watch"), control_watch,
		BROKER_METHOD("GetSlices"), control_get_slices);
}

/* systemd's socket has the group that its unit says. */
static int listen_inherited(struct broker *broker)
{
	struct control *control = broker->control;
	struct sockaddr_un address;
	socklen_t size = sizeof(address);
	struct stat status;

	if (getsockname(SD_LISTEN_FDS_START, (struct sockaddr *)&address,
			&size) == 0 &&
	    address.sun_family == AF_UNIX && address.sun_path[0] &&
	    stat(address.sun_path, &status) == 0)
		control->group = status.st_gid;
	return sd_varlink_server_listen_fd(control->server,
					   SD_LISTEN_FDS_START);
}

static int listen_own(struct broker *broker)
{
	const struct config *config = broker->config;
	struct control *control = broker->control;
	const struct group *group = NULL;
	int r = sd_varlink_server_listen_address(control->server,
						 config->socket, 0666);

	if (r < 0) {
		log_line(LOG_ERR, NULL, NULL,
			 "can't listen at %s: %s: set Socket=", config->socket,
			 strerror(-r));
		return r;
	}
	if (config->group[0])
		group = getgrnam(config->group);
	if (!group)
		return 0;
	control->group = group->gr_gid;
	return chown(config->socket, -1, group->gr_gid) < 0 ? -errno : 0;
}

static int server_init(struct broker *broker)
{
	sd_varlink_server **server = &broker->control->server;
	int r;

	r = sd_varlink_server_new(server,
				  SD_VARLINK_SERVER_ACCOUNT_UID |
					  SD_VARLINK_SERVER_INHERIT_USERDATA);
	if (r < 0)
		return r;
	sd_varlink_server_set_userdata(*server, broker);
	r = sd_varlink_server_set_info(*server, "Tranche", "tranched",
				       TRANCHE_VERSION, NULL);
	if (r >= 0)
		r = sd_varlink_server_add_interface(*server,
						    &vl_interface_broker);
	if (r >= 0)
		r = methods_bind(*server);
	if (r >= 0)
		r = sd_varlink_server_bind_disconnect(*server, on_disconnect);
	if (r >= 0)
		r = sd_varlink_server_attach_event(*server, broker->loop,
						   SD_EVENT_PRIORITY_NORMAL);
	return r;
}

int control_init(struct broker *broker)
{
	int r;

	broker->control = calloc(1, sizeof(*broker->control));
	if (!broker->control)
		return -ENOMEM;
	broker->control->group = (gid_t)-1;
	r = server_init(broker);
	if (r < 0)
		return r;
	r = sd_listen_fds(true) > 0 ? listen_inherited(broker)
				    : listen_own(broker);
	return r < 0 ? r : 0;
}

void control_deinit(struct broker *broker)
{
	struct control *control = broker->control;

	if (!control)
		return;
	/* Owners that only lose the broker keep what is theirs. */
	if (control->server)
		sd_varlink_server_bind_disconnect(control->server, NULL);
	while (control->watcher_count)
		sd_varlink_unref(watcher_take(control, 0));
	sd_varlink_server_unref(control->server);
	free(control);
	broker->control = NULL;
}
