// SPDX-License-Identifier: MIT
#include "tools/tranche/vgpu.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/tranche/json.h"
#include "tools/tranche/text.h"

const char *vgpu_vm(char text[static VGPU_VM_SIZE], sd_json_variant *vgpu)
{
	uint64_t pid = json_number(vgpu, "vmPid");
	const char *name = json_text(vgpu, "vmName", "");

	if (pid && name[0])
		snprintf(text, VGPU_VM_SIZE, "%.*s (%" PRIu64 ")",
			 (int)text_fit(name, 80), name, pid);
	else if (pid)
		snprintf(text, VGPU_VM_SIZE, "%" PRIu64, pid);
	else if (strcmp(json_text(vgpu, "state", ""), "program") == 0)
		snprintf(text, VGPU_VM_SIZE, "process %" PRIu64,
			 json_number(vgpu, "devicePid"));
	else
		snprintf(text, VGPU_VM_SIZE, "-");
	return text;
}
