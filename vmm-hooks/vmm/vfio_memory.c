// SPDX-License-Identifier: MIT
#include "vmm-hooks/vmm/vfio_memory.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/resource.h>

#include "vmm-hooks/vmm/layout.h"
#include "vmm-hooks/vmm/report.h"

void vfio_memory_raise(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_MEMLOCK, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_MEMLOCK, &limit);
}

int vfio_memory_report(int error, uint64_t size)
{
	struct rlimit limit;

	getrlimit(RLIMIT_MEMLOCK, &limit);
	if (error == -ENOMEM && limit.rlim_cur < size)
		return report(error,
			      "the limit of locked memory is %" PRIu64
			      " KiB but the guest needs %" PRIu64
			      " KiB: raise it with 'ulimit -l %" PRIu64
			      "', or LimitMEMLOCK= of the service",
			      (uint64_t)limit.rlim_cur / KIB, size / KIB,
			      size / KIB);
	return report(error, "cannot map the guest's memory for devices: %s",
		      strerror(-error));
}
