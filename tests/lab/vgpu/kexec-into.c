// SPDX-License-Identifier: MIT
/*
 * kexec-into: leaves this kernel for another one, without the firmware and
 * without a reset of any device.
 *
 *   kexec-into KERNEL INITRAMFS COMMAND-LINE
 *
 * Statically linked: a guest has no library.
 */
#include <err.h>
#include <fcntl.h>
#include <linux/kexec.h>
#include <linux/reboot.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int open_readable(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		err(2, "%s", path);
	return fd;
}

int main(int argc, char **argv)
{
	if (argc != 4)
		errx(2, "usage: kexec-into KERNEL INITRAMFS COMMAND-LINE");
	if (syscall(SYS_kexec_file_load, open_readable(argv[1]),
		    open_readable(argv[2]), strlen(argv[3]) + 1, argv[3], 0ul))
		err(1, "load %s", argv[1]);
	syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2,
		LINUX_REBOOT_CMD_KEXEC, NULL);
	err(1, "start %s", argv[1]);
}
