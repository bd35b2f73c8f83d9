// SPDX-License-Identifier: MIT
#include "tools/tranche/broker.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/tranche/json.h"
#include "tools/tranche/message.h"
#include "tools/tranche/text.h"

const char *broker_socket(void)
{
	const char *path = getenv("TRANCHE_SOCKET");

	return path && path[0] ? path : BROKER_SOCKET;
}

int broker_open(sd_varlink **link)
{
	int r = sd_varlink_connect_address(link, broker_socket());

	return r < 0 ? r : 0;
}

int broker_connect(sd_varlink **link)
{
	int r = broker_open(link);

	switch (r) {
	case 0:
		break;
	case -ENOENT:
	case -ECONNREFUSED:
		message_error("no broker at %s: start it with 'systemctl start "
			      "tranched', or set TRANCHE_SOCKET",
			      broker_socket());
		break;
	case -EACCES:
	case -EPERM:
		message_error("no permission for %s: run this as root or as a "
			      "member of the socket's group",
			      broker_socket());
		break;
	default:
		message_error("cannot connect to %s: %s: check TRANCHE_SOCKET "
			      "and 'systemctl status tranched'",
			      broker_socket(), strerror(-r));
	}
	return r;
}

static int tell_no_space(sd_json_variant *parameters)
{
	const char *what = json_text(parameters, "what", "room");
	uint64_t wanted = json_number(parameters, "wanted");
	uint64_t available = json_number(parameters, "available");
	char wanted_text[TEXT_SIZE], available_text[TEXT_SIZE];

	if (strcmp(what, "vram") == 0)
		message_error("%s of video memory do not fit, %s are free: "
			      "take a smaller type, or remove a vGPU (see "
			      "'tranche list')",
			      text_size(wanted_text, wanted),
			      text_size(available_text, available));
	else if (strcmp(what, "reservation") == 0)
		message_error("a reservation of %" PRIu64 " %% does not fit, "
			      "%" PRIu64 " %% are free: reserve less, or take "
			      "from another vGPU with 'tranche set'",
			      wanted, available);
	else
		message_error("no %s left (%" PRIu64 " wanted, %" PRIu64
			      " free): take another type, or remove a vGPU "
			      "(see 'tranche list')",
			      what, wanted, available);
	return -ENOSPC;
}

static int tell_in_use(sd_json_variant *parameters)
{
	const char *uuid = json_text(parameters, "uuid", "?");
	uint64_t pid = json_number(parameters, "pid");

	if (pid)
		message_error("vGPU %s is in use by process %" PRIu64
			      ": shut that VM down first",
			      uuid, pid);
	else
		message_error("vGPU %s is in use: shut its VM down first",
			      uuid);
	return -EBUSY;
}

/* The broker names its parameter; people know the option. */
static int tell_invalid(sd_json_variant *parameters)
{
	static const char *const options[][2] = {
		{"weight", "--weight"},
		{"capPercent", "--cap"},
		{"reservationPercent", "--reservation"},
		{"vramLimitBytes", "--vram"},
		{"latency", "--latency"},
		{"tenant", "--tenant"},
		{"killMs", "--kill-after"},
		{"policy", "--policy"},
		{"name", "--name"},
		{"uuid", "--uuid"},
		{"gpu", "--gpu"},
	};
	const char *setting = json_text(parameters, "setting", "?");
	const char *text = json_text(parameters, "text", "another value");

	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
		if (strcmp(setting, options[i][0]) == 0)
			return message_bad("%s is refused: give %s",
					   options[i][1], text);
	return message_bad("%s is refused: give %s", setting, text);
}

static int tell_not_served(sd_json_variant *parameters)
{
	const char *gpu = json_text(parameters, "gpu", "");
	const char *text = json_text(parameters, "text", "not served");

	if (gpu[0])
		return message_bad("GPU %s is not served: %s: see 'tranche "
				   "doctor'",
				   gpu, text);
	return message_bad("%s: see 'tranche gpus'", text);
}

static int tell_own(const char *name, sd_json_variant *parameters)
{
	if (strcmp(name, "NoSuchGpu") == 0)
		return message_bad("there is no GPU '%s': see 'tranche gpus'",
				   json_text(parameters, "gpu", "?"));
	if (strcmp(name, "NoSuchType") == 0)
		return message_bad("there is no type '%s': see 'tranche types'",
				   json_text(parameters, "type", "?"));
	if (strcmp(name, "NoSuchVgpu") == 0)
		return message_bad("there is no vGPU '%s': see 'tranche list'",
				   json_text(parameters, "uuid", "?"));
	if (strcmp(name, "Exists") == 0)
		return message_bad("vGPU %s exists already: leave --uuid out, "
				   "or remove it with 'tranche rm'",
				   json_text(parameters, "uuid", "?"));
	if (strcmp(name, "InUse") == 0)
		return tell_in_use(parameters);
	if (strcmp(name, "NoSpace") == 0)
		return tell_no_space(parameters);
	if (strcmp(name, "InvalidSetting") == 0)
		return tell_invalid(parameters);
	if (strcmp(name, "NotServed") == 0)
		return tell_not_served(parameters);
	return 0;
}

static int tell_any(const char *error)
{
	if (strcmp(error, SD_VARLINK_ERROR_PERMISSION_DENIED) == 0) {
		message_error("the broker refuses this to you: run it as root "
			      "or as a member of the socket's group");
		return -EACCES;
	}
	if (strcmp(error, SD_VARLINK_ERROR_METHOD_NOT_FOUND) == 0 ||
	    strcmp(error, SD_VARLINK_ERROR_METHOD_NOT_IMPLEMENTED) == 0 ||
	    strcmp(error, SD_VARLINK_ERROR_INTERFACE_NOT_FOUND) == 0) {
		message_error("the broker does not know this: restart it, it "
			      "is of another version than this program");
		return -EOPNOTSUPP;
	}
	if (strcmp(error, SD_VARLINK_ERROR_DISCONNECTED) == 0) {
		message_error("the broker ended: see 'journalctl -u tranched', "
			      "and try again");
		return -ECONNRESET;
	}
	if (strcmp(error, SD_VARLINK_ERROR_TIMEOUT) == 0) {
		message_error("the broker does not answer: see 'journalctl -u "
			      "tranched'");
		return -ETIMEDOUT;
	}
	return 0;
}

int broker_error_tell(const char *error, sd_json_variant *parameters)
{
	size_t length = strlen(BROKER_INTERFACE);
	int r;

	if (strncmp(error, BROKER_INTERFACE, length) == 0)
		r = tell_own(error + length, parameters);
	else
		r = tell_any(error);
	if (r < 0)
		return r;
	if (strcmp(error, SD_VARLINK_ERROR_INVALID_PARAMETER) == 0)
		return message_bad("the broker does not accept '%s': see "
				   "--help, or restart the broker if it is of "
				   "another version",
				   json_text(parameters, "parameter", "?"));
	r = sd_varlink_error_to_errno(error, parameters);
	if (r == -EINVAL)
		return message_bad("the settings do not go together: keep the "
				   "reservation no higher than the cap");
	message_error("the broker says %s: see 'journalctl -u tranched'",
		      r < 0 && r != -EBADR ? strerror(-r) : error);
	return r < 0 ? r : -EBADR;
}

/* What came is the link's, until it is asked again. */
static int ask(sd_varlink *link, const char *method,
	       sd_json_variant *parameters, sd_json_variant **answer,
	       const char **error)
{
	char name[64];

	snprintf(name, sizeof(name), BROKER_INTERFACE "%s", method);
	return sd_varlink_call(link, name, parameters, answer, error);
}

int broker_ask(sd_varlink *link, const char *method,
	       sd_json_variant *parameters, sd_json_variant **reply)
{
	sd_json_variant *answer = NULL;
	const char *error = NULL;
	int r;

	r = ask(link, method, parameters, &answer, &error);
	if (r < 0)
		return r;
	if (error)
		return -EREMOTEIO;
	*reply = sd_json_variant_ref(answer);
	return 0;
}

/* A connection that ends in the middle of a call shows in either way. */
static bool has_ended(int r, const char *error)
{
	return r == -ECONNRESET || r == -ENOTCONN || r == -EPIPE ||
	       (error && strcmp(error, SD_VARLINK_ERROR_DISCONNECTED) == 0);
}

int broker_try(sd_varlink *link, const char *method,
	       sd_json_variant *parameters, sd_json_variant **reply)
{
	sd_json_variant *answer = NULL;
	const char *error = NULL;
	int r;

	r = ask(link, method, parameters, &answer, &error);
	if (has_ended(r, error))
		return -ECONNRESET;
	if (r < 0) {
		message_error("the connection to the broker failed: %s: see "
			      "'systemctl status tranched'",
			      strerror(-r));
		return r;
	}
	if (error)
		return broker_error_tell(error, answer);
	if (reply)
		*reply = sd_json_variant_ref(answer);
	return 0;
}

int broker_call(sd_varlink *link, const char *method,
		sd_json_variant *parameters, sd_json_variant **reply)
{
	int r = broker_try(link, method, parameters, reply);

	if (r == -ECONNRESET)
		tell_any(SD_VARLINK_ERROR_DISCONNECTED);
	return r;
}

int broker_request(const char *method, sd_json_variant *parameters,
		   sd_json_variant **reply)
{
	_link_ sd_varlink *link = NULL;
	int r;

	r = broker_connect(&link);
	if (r < 0)
		return r;
	return broker_call(link, method, parameters, reply);
}

int broker_set_text(sd_json_variant **parameters, const char *name,
		    const char *value)
{
	int r;

	if (!value)
		return 0;
	r = sd_json_variant_set_field_string(parameters, name, value);
	return r == -ENOMEM ? message_memory() : r < 0 ? r : 0;
}
