// SPDX-License-Identifier: MIT
/* `tranche create`, `set`, `reset` and `rm`: what changes vGPUs. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-id128.h>

#include "tools/tranche/args.h"
#include "tools/tranche/broker.h"
#include "tools/tranche/json.h"
#include "tools/tranche/message.h"
#include "tools/tranche/names.h"
#include "tools/tranche/settings.h"

enum change_code {
	CHANGE_UUID = ARGS_FIRST,
	CHANGE_POLICY,
};

static int set_uuid(sd_json_variant **parameters, const char *text)
{
	char canonical[SD_ID128_UUID_STRING_MAX];
	sd_id128_t id;

	if (sd_id128_from_string(text, &id) < 0)
		return message_bad("--uuid '%s': give a UUID, as uuidgen "
				   "makes one, or leave it out",
				   text);
	return broker_set_text(parameters, "uuid",
			       sd_id128_to_uuid_string(id, canonical));
}

static int create_option(int code, sd_json_variant **parameters, bool *json)
{
	switch (code) {
	case ARGS_JSON:
		*json = true;
		return 0;
	case 'g':
		return broker_set_text(parameters, "gpu", optarg);
	case 'n':
		return broker_set_text(parameters, "name", optarg);
	case CHANGE_UUID:
		return set_uuid(parameters, optarg);
	default:
		return settings_parse(code, optarg, parameters);
	}
}

static int vgpu_print(sd_json_variant *reply, bool json)
{
	sd_json_variant *vgpu;

	vgpu = sd_json_variant_by_key(reply, "vgpu");
	if (json)
		return json_print(vgpu);
	puts(json_text(vgpu, "uuid", "?"));
	return fflush(stdout) == 0 ? STATUS_OK : STATUS_FAILED;
}

static int create_run(int argc, char **argv)
{
	static const struct option options[] = {
		SETTINGS_OPTIONS,
		{"gpu", required_argument, NULL, 'g'},
		{"name", required_argument, NULL, 'n'},
		{"uuid", required_argument, NULL, CHANGE_UUID},
		ARGS_COMMON,
	};
	_json_ sd_json_variant *parameters = NULL, *reply = NULL;
	bool json = false;
	int code, r = 0;

	while ((code = args_next(&verb_create, argc, argv, options, "g:n:")) !=
	       ARGS_END) {
		if (code < 0)
			return args_status(code);
		r = create_option(code, &parameters, &json);
		if (r < 0)
			return r;
	}
	r = args_operands(&verb_create, argc, argv, 1, 1,
			  "a type ('tranche types' lists them)");
	if (r == 0)
		r = broker_set_text(&parameters, "type", argv[optind]);
	if (r == 0)
		r = broker_request("CreateVgpu", parameters, &reply);
	return r < 0 ? r : vgpu_print(reply, json);
}

static int set_send(sd_json_variant **parameters, const char *word,
		    sd_json_variant **reply)
{
	_json_ sd_json_variant *vgpu = NULL;
	_link_ sd_varlink *link = NULL;
	int r;

	r = broker_connect(&link);
	if (r == 0)
		r = names_resolve(link, word, &vgpu);
	if (r == 0)
		r = broker_set_text(parameters, "uuid",
				    json_text(vgpu, "uuid", ""));
	if (r == 0)
		r = broker_call(link, "SetVgpu", *parameters, reply);
	return r;
}

/* The one setting of a GPU. */
static int policy_send(const char *policy, const char *gpu,
		       sd_json_variant **reply)
{
	_json_ sd_json_variant *parameters = NULL;
	int r;

	r = broker_set_text(&parameters, "gpu", gpu);
	if (r == 0)
		r = broker_set_text(&parameters, "policy", policy);
	return r < 0 ? r : broker_request("SetGpu", parameters, reply);
}

static int set_option(int code, sd_json_variant **parameters,
		      const char **policy, bool *json)
{
	switch (code) {
	case ARGS_JSON:
		*json = true;
		return 0;
	case CHANGE_POLICY:
		*policy = optarg;
		return 0;
	default:
		return settings_parse(code, optarg, parameters);
	}
}

static int set_check(const sd_json_variant *parameters, const char *policy)
{
	if (policy && parameters)
		return message_bad("--policy is for a GPU, the other settings "
				   "are for a vGPU: set one after the other");
	if (!policy && !parameters)
		return message_bad("name a setting, such as --weight 200: see "
				   "'tranche set --help'");
	return 0;
}

static int set_run(int argc, char **argv)
{
	static const struct option options[] = {
		SETTINGS_OPTIONS,
		SETTINGS_KILL_OPTION,
		{"policy", required_argument, NULL, CHANGE_POLICY},
		ARGS_COMMON,
	};
	_json_ sd_json_variant *parameters = NULL, *reply = NULL;
	const char *policy = NULL;
	bool json = false;
	int code, r;

	while ((code = args_next(&verb_set, argc, argv, options, "")) !=
	       ARGS_END) {
		if (code < 0)
			return args_status(code);
		r = set_option(code, &parameters, &policy, &json);
		if (r < 0)
			return r;
	}
	r = args_operands(&verb_set, argc, argv, 1, 1, "a vGPU or a GPU");
	if (r == 0)
		r = set_check(parameters, policy);
	if (r == 0)
		r = policy ? policy_send(policy, argv[optind], &reply)
			   : set_send(&parameters, argv[optind], &reply);
	if (r < 0)
		return r;
	if (!json)
		return STATUS_OK;
	return policy ? json_print(sd_json_variant_by_key(reply, "gpu"))
		      : vgpu_print(reply, true);
}

/* @done gets the UUID. */
static int call_for(sd_varlink *link, const char *method, const char *word,
		    sd_json_variant **done)
{
	_json_ sd_json_variant *vgpu = NULL, *parameters = NULL;
	int r;

	r = names_resolve(link, word, &vgpu);
	if (r == 0)
		r = broker_set_text(&parameters, "uuid",
				    json_text(vgpu, "uuid", ""));
	if (r == 0)
		r = broker_call(link, method, parameters, NULL);
	if (r == 0 &&
	    sd_json_variant_append_arrayb(done, SD_JSON_BUILD_STRING(json_text(
							vgpu, "uuid", ""))) < 0)
		r = message_memory();
	return r;
}

/* All of them, whatever becomes of one; the first error counts. */
static int call_for_each(const struct verb *verb, const char *method, int argc,
			 char **argv)
{
	_json_ sd_json_variant *done = NULL;
	_link_ sd_varlink *link = NULL;
	int json, r, error;

	json = args_json_only(verb, argc, argv);
	if (json < 0)
		return args_status(json);
	r = args_operands(verb, argc, argv, 1, -1, "a vGPU");
	if (r == 0)
		r = broker_connect(&link);
	if (r < 0)
		return r;
	for (int i = optind; i < argc; i++) {
		error = call_for(link, method, argv[i], &done);
		if (error < 0 && r == 0)
			r = error;
	}
	if (json && json_print(done) != STATUS_OK && r == 0)
		return STATUS_FAILED;
	return r;
}

static int reset_run(int argc, char **argv)
{
	return call_for_each(&verb_reset, "ResetVgpu", argc, argv);
}

static int rm_run(int argc, char **argv)
{
	return call_for_each(&verb_rm, "RemoveVgpu", argc, argv);
}

const struct verb verb_create = {
	.name = "create",
	.summary = "make a vGPU",
	.help = "Usage: tranche create [OPTION]... TYPE\n\n"
		"Makes a vGPU and prints its UUID. What is not given is as the type or the\n"
		"broker's configuration has it.\n\n"
		"Options:\n"
		"  -g, --gpu GPU         on this GPU; needed where several offer the type\n"
		"  -n, --name NAME       what to call it\n"
		"      --uuid UUID       which UUID it gets\n" SETTINGS_HELP
		"      --json            print all about it as JSON\n\n"
		"Examples:\n"
		"  tranche create 2g.4gb\n"
		"  tranche create 1g.2gb --name build-vm --weight 200 --cap 50%\n"
		"  qemu-system-x86_64 ... -device \\\n"
		"    vfio-pci,sysfsdev=/sys/bus/mdev/devices/$(tranche create 2g.4gb)\n",
	.run = create_run,
};

const struct verb verb_set = {
	.name = "set",
	.summary = "change a vGPU's share, or how a GPU is shared",
	.help = "Usage: tranche set VGPU OPTION...\n"
		"       tranche set GPU --policy POLICY\n\n"
		"Changes a vGPU's settings, or by which policy a GPU is shared; it holds at\n"
		"once, while VMs run.\n\n"
		"Options:\n" SETTINGS_HELP
		"  --kill-after TIME a job that takes longer ends its context, such as 2s\n"
		"  --policy POLICY   of a GPU: fair, equal, fixed or best-effort\n"
		"  --json            print all about it as JSON\n\n"
		"Examples:\n"
		"  tranche set build-vm --weight 300\n"
		"  tranche set 6f1c --cap 20% --reservation 10%\n"
		"  tranche set 0000:01:00.0 --policy equal\n",
	.run = set_run,
};

const struct verb verb_reset = {
	.name = "reset",
	.summary = "let a stopped or broken vGPU begin anew",
	.help = "Usage: tranche reset VGPU... [--json]\n\n"
		"Ends what a vGPU is doing and starts its device anew. Needed after its guard\n"
		"quota has stopped it, or when its device process has died too often. Its VM\n"
		"sees a device that was reset. With --json, prints the UUIDs of those done.\n\n"
		"Example:\n"
		"  tranche reset build-vm\n",
	.run = reset_run,
};

const struct verb verb_rm = {
	.name = "rm",
	.summary = "remove vGPUs",
	.help = "Usage: tranche rm VGPU... [--json]\n\n"
		"Removes vGPUs. One that a VM uses is refused: shut the VM down first.\n"
		"With --json, prints the UUIDs of those removed.\n\n"
		"Examples:\n"
		"  tranche rm build-vm\n"
		"  tranche list -q | xargs tranche rm\n",
	.run = rm_run,
};
