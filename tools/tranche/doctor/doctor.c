// SPDX-License-Identifier: MIT
/* `tranche doctor`: whether this host is fit, and what to do where it is not. */
#include "tools/tranche/args.h"
#include "tools/tranche/doctor/checks.h"
#include "tools/tranche/json.h"

static int doctor_run(int argc, char **argv)
{
	__attribute__((cleanup(
		doctor_report_deinit))) struct doctor_report report = {0};
	_json_ sd_json_variant *vgpus = NULL;
	int json, r;

	json = args_json_only(&verb_doctor, argc, argv);
	if (json < 0)
		return args_status(json);
	r = args_operands(&verb_doctor, argc, argv, 0, 0, "nothing");
	if (r < 0)
		return r;
	doctor_check_kernel(&report);
	doctor_check_graphics(&report);
	doctor_check_broker(&report, &vgpus);
	doctor_check_leftovers(&report, vgpus);
	return doctor_print(&report, json);
}

const struct verb verb_doctor = {
	.name = "doctor",
	.summary = "check whether this host is fit",
	.help = "Usage: tranche doctor [--json]\n\n"
		"Checks the kernel and its modules, KVM, the GPUs and their drivers with their\n"
		"known bad combinations, the broker, and whether something is left of vGPUs that\n"
		"are gone. For each check that fails it says the cure. It changes nothing.\n\n"
		"Exit status: 0 when all is well, 1 when something fails.\n\n"
		"Examples:\n"
		"  tranche doctor\n"
		"  tranche doctor --json | jq '.findings[] | select(.level == \"fail\")'\n",
	.run = doctor_run,
};
