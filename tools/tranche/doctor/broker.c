// SPDX-License-Identifier: MIT
/* The broker: whether it runs, of which version, and with which limits. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/tranche/broker.h"
#include "tools/tranche/doctor/checks.h"
#include "tools/tranche/json.h"
#include "tools/tranche/text.h"

/* What drivers lock of their own, with room. */
#define MEMLOCK_MIN (UINT64_C(64) << 20)

static void check_version(struct doctor_report *report, sd_varlink *link)
{
	sd_json_variant *reply = NULL;
	const char *error = NULL, *version;
	int r;

	r = sd_varlink_call(link, "org.varlink.service.GetInfo", NULL, &reply,
			    &error);
	version = r < 0 || error ? "?" : json_text(reply, "version", "?");
	if (strcmp(version, TRANCHE_VERSION) == 0)
		doctor_add(report, DOCTOR_OK, "broker", NULL,
			   "runs, version %s", version);
	else
		doctor_add(report, DOCTOR_NOTE, "broker",
			   "restart it, so that both are of one version: "
			   "systemctl restart tranched",
			   "runs, version %s; this program is %s", version,
			   TRANCHE_VERSION);
}

/* The soft limit; UINT64_MAX: none. */
static int memlock_read(pid_t pid, uint64_t *bytes)
{
	char path[64], line[256], soft[32];
	int r = -ENODATA;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/limits", pid);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	while (r == -ENODATA && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "Max locked memory %31s", soft) != 1)
			continue;
		r = 0;
		*bytes = UINT64_MAX;
		if (strcmp(soft, "unlimited") != 0 &&
		    sscanf(soft, "%" SCNu64, bytes) != 1)
			r = -EBADMSG;
	}
	fclose(file);
	return r;
}

static void check_memlock(struct doctor_report *report, sd_varlink *link)
{
	char text[TEXT_SIZE];
	uint64_t bytes;
	pid_t pid;

	if (sd_varlink_get_peer_pid(link, &pid) < 0 ||
	    memlock_read(pid, &bytes) < 0)
		return;
	if (bytes == UINT64_MAX)
		doctor_add(report, DOCTOR_OK, "memlock", NULL,
			   "the broker may lock all memory");
	else if (bytes >= MEMLOCK_MIN)
		doctor_add(report, DOCTOR_OK, "memlock", NULL,
			   "the broker may lock %s", text_size(text, bytes));
	else
		doctor_add(report, DOCTOR_NOTE, "memlock",
			   "set LimitMEMLOCK=infinity in tranched.service, and "
			   "restart it",
			   "the broker may lock only %s: some GPU drivers need "
			   "more",
			   text_size(text, bytes));
}

static void check_gpu(struct doctor_report *report, sd_json_variant *gpu)
{
	const char *address = json_text(gpu, "address", "?");

	if (json_flag(gpu, "served"))
		doctor_add(report, DOCTOR_OK, "served", NULL,
			   "%s, with %" PRIu64 " vGPUs and programs", address,
			   json_number(gpu, "vgpus"));
	else
		doctor_add(report, DOCTOR_NOTE, "served",
			   "see the other findings and tranched.conf(5)",
			   "not %s: %s", address,
			   json_text(gpu, "reason", "?"));
}

static void check_gpus(struct doctor_report *report, sd_varlink *link)
{
	sd_json_variant *reply = NULL, *gpus;
	const char *error = NULL;
	size_t served = 0;

	if (sd_varlink_call(link, BROKER_INTERFACE "ListGpus", NULL, &reply,
			    &error) < 0 ||
	    error)
		return;
	gpus = json_array(reply, "gpus");
	for (size_t i = 0; gpus && i < sd_json_variant_elements(gpus); i++) {
		sd_json_variant *gpu = sd_json_variant_by_index(gpus, i);

		check_gpu(report, gpu);
		served += json_flag(gpu, "served");
	}
	if (!served)
		doctor_add(report, DOCTOR_FAIL, "served",
			   "see the reasons above and 'journalctl -u "
			   "tranched'",
			   "the broker serves no GPU");
}

static void vgpus_get(sd_varlink *link, sd_json_variant **vgpus)
{
	sd_json_variant *reply = NULL;
	const char *error = NULL;

	if (sd_varlink_call(link, BROKER_INTERFACE "ListVgpus", NULL, &reply,
			    &error) >= 0 &&
	    !error)
		*vgpus = sd_json_variant_ref(json_array(reply, "vgpus"));
}

void doctor_check_broker(struct doctor_report *report, sd_json_variant **vgpus)
{
	_link_ sd_varlink *link = NULL;
	int r = broker_open(&link);

	if (r < 0) {
		doctor_add(report, DOCTOR_FAIL, "broker",
			   r == -EACCES ? "run this as root or as a member of "
					  "the socket's group"
					: "systemctl start tranched",
			   "none at %s: %s", broker_socket(), strerror(-r));
		return;
	}
	check_version(report, link);
	check_memlock(report, link);
	check_gpus(report, link);
	vgpus_get(link, vgpus);
}
