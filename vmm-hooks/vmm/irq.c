// SPDX-License-Identifier: MIT
#include "vmm-hooks/vmm/irq.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>

#include "vmm-hooks/vmm/cleanup.h"

int irq_init(struct irq *irq, struct vm *vm)
{
	*irq = (struct irq){.vm = vm, .fd = -1};
	irq->gsi = vm_message_alloc(vm);
	if (irq->gsi < 0)
		return irq->gsi;
	irq->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (irq->fd < 0) {
		vm_message_free(vm, irq->gsi);
		return -errno;
	}
	return 0;
}

void irq_deinit(struct irq *irq)
{
	if (!irq->vm || irq->fd < 0)
		return;
	irq_set(irq, NULL);
	vm_message_free(irq->vm, irq->gsi);
	close_fd(&irq->fd);
}

static int connect(struct irq *irq, bool on)
{
	int r;

	if (irq->connected == on)
		return 0;
	r = vm_irqfd(irq->vm, irq->gsi, irq->fd, -1, on);
	if (r == 0)
		irq->connected = on;
	return r;
}

int irq_set(struct irq *irq, const struct msix_message *message)
{
	int r;

	if (!message)
		return connect(irq, false);
	r = vm_message_set(irq->vm, irq->gsi, message);
	return r < 0 ? r : connect(irq, true);
}

void irq_raise(const struct irq *irq)
{
	eventfd_write(irq->fd, 1);
}

bool irq_pending(const struct irq *irq)
{
	struct pollfd poll_fd = {.fd = irq->fd, .events = POLLIN};

	return !irq->connected && poll(&poll_fd, 1, 0) > 0;
}
