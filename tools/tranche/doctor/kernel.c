// SPDX-License-Identifier: MIT
/* The kernel: what it has loaded, what it could load, KVM and IOMMU groups. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "tools/tranche/doctor/checks.h"

enum module_state {
	MODULE_ABSENT,
	MODULE_AVAILABLE, /* modprobe finds it */
	MODULE_LOADED, /* or built in */
};

struct module {
	const char *name;
	const char *purpose;
	const char *load;
	const char *obtain;
};

static const struct module modules[] = {
	{"kvm", "virtual machines", "modprobe kvm_amd or kvm_intel",
	 "boot a kernel with CONFIG_KVM, and switch virtualisation on in the "
	 "firmware"},
	{"vfio", "devices for virtual machines", "modprobe vfio",
	 "boot a kernel with CONFIG_VFIO"},
	{"mdev", "mediated devices", "modprobe mdev",
	 "boot a kernel with CONFIG_VFIO_MDEV"},
	{"tranche", "vGPUs for virtual machines", "modprobe tranche",
	 "install Tranche's module for this kernel (dkms status tells why it "
	 "is missing)"},
};

/* Modules are listed as folder/name.ko, perhaps compressed. */
static bool list_has(const char *list, const char *name)
{
	char path[320], line[4096], wanted[64];
	struct utsname host;
	bool found = false;
	FILE *file;

	if (uname(&host) < 0)
		return false;
	snprintf(path, sizeof(path), "/lib/modules/%s/%s", host.release, list);
	snprintf(wanted, sizeof(wanted), "/%s.ko", name);
	file = fopen(path, "re");
	if (!file)
		return false;
	while (!found && fgets(line, sizeof(line), file)) {
		/* Behind the colon is what it needs. */
		line[strcspn(line, ":\n")] = '\0';
		found = strstr(line, wanted) != NULL;
	}
	fclose(file);
	return found;
}

static enum module_state module_state(const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/module/%s", name);
	if (access(path, F_OK) == 0 || list_has("modules.builtin", name))
		return MODULE_LOADED;
	return list_has("modules.dep", name) ? MODULE_AVAILABLE : MODULE_ABSENT;
}

static void check_module(struct doctor_report *report,
			 const struct module *module)
{
	char check[32];

	snprintf(check, sizeof(check), "module %s", module->name);
	switch (module_state(module->name)) {
	case MODULE_LOADED:
		doctor_add(report, DOCTOR_OK, check, NULL, "%s",
			   module->purpose);
		break;
	case MODULE_AVAILABLE:
		doctor_add(report, DOCTOR_FAIL, check, module->load,
			   "not loaded: no %s", module->purpose);
		break;
	case MODULE_ABSENT:
		doctor_add(report, DOCTOR_FAIL, check, module->obtain,
			   "this kernel has none: no %s", module->purpose);
		break;
	}
}

static void check_device(struct doctor_report *report, const char *path,
			 const char *missing, const char *denied)
{
	if (access(path, R_OK | W_OK) == 0)
		doctor_add(report, DOCTOR_OK, path, NULL, "can be opened");
	else if (errno == EACCES)
		doctor_add(report, DOCTOR_NOTE, path, denied,
			   "this user can't open it");
	else
		doctor_add(report, DOCTOR_FAIL, path, missing,
			   "it is not there");
}

static size_t folder_count(const char *path)
{
	DIR *folder = opendir(path);
	struct dirent *entry;
	size_t count = 0;

	if (!folder)
		return 0;
	while ((entry = readdir(folder)))
		count += entry->d_name[0] != '.';
	closedir(folder);
	return count;
}

/* vGPUs need none: nothing of theirs does DMA to a guest's memory by itself. */
static void check_iommu(struct doctor_report *report)
{
	size_t groups = folder_count("/sys/kernel/iommu_groups");

	if (groups)
		doctor_add(report, DOCTOR_OK, "IOMMU", NULL, "%zu groups",
			   groups);
	else
		doctor_add(report, DOCTOR_NOTE, "IOMMU",
			   "to pass a whole GPU through, switch the IOMMU on "
			   "in the firmware and boot with intel_iommu=on on "
			   "Intel",
			   "no groups: vGPUs work, passing a GPU through "
			   "doesn't");
}

void doctor_check_kernel(struct doctor_report *report)
{
	for (size_t i = 0; i < sizeof(modules) / sizeof(*modules); i++)
		check_module(report, &modules[i]);
	check_device(report, "/dev/kvm",
		     "switch virtualisation on in the firmware, then modprobe "
		     "kvm_amd or kvm_intel",
		     "add who starts VMs to the group kvm");
	check_iommu(report);
}
