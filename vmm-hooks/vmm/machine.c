// SPDX-License-Identifier: MIT
#include "vmm-hooks/vmm/machine.h"

#include <errno.h>
#include <linux/kvm.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>

#include "vmm-hooks/vmm/acpi.h"
#include "vmm-hooks/vmm/cleanup.h"
#include "vmm-hooks/vmm/cpuid.h"
#include "vmm-hooks/vmm/devices.h"
#include "vmm-hooks/vmm/layout.h"
#include "vmm-hooks/vmm/report.h"
#include "vmm-hooks/vmm/sandbox.h"

static void power_is_off(void *user)
{
	struct machine *machine = user;

	loop_end(&machine->loop, VCPU_END_POWER_OFF);
}

static void power_is_reset(void *user)
{
	struct machine *machine = user;

	loop_end(&machine->loop, VCPU_END_RESET);
}

static void power_has_event(void *user)
{
	struct machine *machine = user;

	vm_interrupt(&machine->vm, LAYOUT_POWER_GSI, true);
	vm_interrupt(&machine->vm, LAYOUT_POWER_GSI, false);
}

static const struct power_ops power_ops = {
	.off = power_is_off,
	.reset = power_is_reset,
	.interrupt = power_has_event,
};

static void serial_output(void *user, uint8_t byte)
{
	struct machine *machine = user;

	terminal_output(&machine->terminal, &machine->serial_sink, byte);
}

static void serial_interrupt(void *user, bool level)
{
	struct machine *machine = user;

	vm_interrupt(&machine->vm, LAYOUT_SERIAL_GSI, level);
}

static void serial_has_room(void *user)
{
	struct machine *machine = user;

	terminal_room(&machine->terminal);
}

static const struct serial_ops serial_ops = {
	.output = serial_output,
	.interrupt = serial_interrupt,
	.input_room = serial_has_room,
};

static unsigned int sink_room(void *user)
{
	return serial_room(user);
}

static void sink_input(void *user, const uint8_t *data, unsigned int len)
{
	serial_input(user, data, len);
}

static uint64_t serial_port_read(void *user, uint64_t offset, unsigned int len)
{
	(void)len;
	return serial_read(user, offset);
}

static void serial_port_write(void *user, uint64_t offset, unsigned int len,
			      uint64_t value)
{
	(void)len;
	serial_write(user, offset, value);
}

static uint64_t power_port_read(void *user, uint64_t offset, unsigned int len)
{
	(void)len;
	return power_read(user, offset);
}

static void power_port_write(void *user, uint64_t offset, unsigned int len,
			     uint64_t value)
{
	(void)len;
	power_write(user, offset, value);
}

static const struct bus_ops serial_ports = {serial_port_read,
					    serial_port_write};
static const struct bus_ops power_ports = {power_port_read, power_port_write};

/* The first signal asks the guest, the second one does not. */
static void signal_ready(struct loop_handler *handler, uint32_t events)
{
	struct machine *machine =
		(struct machine *)((char *)handler -
				   offsetof(struct machine, signals));
	struct signalfd_siginfo info;

	(void)events;
	if (read(handler->fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (machine->asked) {
		loop_end(&machine->loop, VCPU_END_ERROR);
		return;
	}
	machine->asked = true;
	events_tell(&machine->events, "power-button", NULL);
	power_button(&machine->power);
}

/* Blocked before any thread exists, so that all threads inherit it. */
static int init_signals(struct machine *machine)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	machine->signals.ready = signal_ready;
	machine->signals.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (machine->signals.fd < 0)
		return -errno;
	return loop_add(&machine->loop, &machine->signals, EPOLLIN);
}

static int init_ports(struct machine *machine)
{
	struct bus_range serial = {LAYOUT_SERIAL_PORT, SERIAL_PORTS,
				   &serial_ports, &machine->serial};
	struct bus_range power = {LAYOUT_POWER_PORT, POWER_PORTS, &power_ports,
				  &machine->power};
	int r;

	machine->serial_sink =
		(struct terminal_sink){sink_room, sink_input, &machine->serial};
	serial_init(&machine->serial, &serial_ops, machine);
	power_init(&machine->power, &power_ops, machine);
	r = bus_add(&machine->ports, &serial);
	return r < 0 ? r : bus_add(&machine->ports, &power);
}

static int init_base(struct machine *machine)
{
	int r;

	r = loop_init(&machine->loop);
	if (r == 0)
		r = init_signals(machine);
	if (r == 0)
		r = bus_init(&machine->ports);
	if (r == 0)
		r = bus_init(&machine->registers);
	if (r == 0)
		r = init_ports(machine);
	if (r == 0)
		r = terminal_init(&machine->terminal, machine->options->console,
				  &machine->loop, &machine->serial_sink);
	return r;
}

static int map_ram(struct machine *machine)
{
	struct ram *ram = &machine->ram;

	for (unsigned int i = 0; i < ram->range_count; i++) {
		const struct ram_range *range = &ram->ranges[i];
		int slot = vm_map(&machine->vm, range->addr, range->size,
				  ram->base + range->offset);

		if (slot < 0)
			return report(slot,
				      "KVM refuses the guest's memory: "
				      "%s",
				      strerror(-slot));
	}
	return 0;
}

/* 64-bit BARs may be anywhere above memory that the processor reaches. */
static int init_pci(struct machine *machine, unsigned int address_bits)
{
	uint64_t end = 1ull << address_bits;
	uint64_t start = ram_end(&machine->ram);

	if (start < LAYOUT_HIGH)
		start = LAYOUT_HIGH;
	start = (start + GIB - 1) & ~(GIB - 1);
	return pci_bus_init(&machine->pci, &machine->registers, start,
			    end > start ? end - start : 0);
}

static int create_vcpu(struct machine *machine, const struct kvm_cpuid2 *host,
		       unsigned int index)
{
	struct vcpu_setup setup = {
		.vm = &machine->vm,
		.ports = &machine->ports,
		.registers = &machine->registers,
		.loop = &machine->loop,
	};
	size_t size = sizeof(*host) + host->nent * sizeof(host->entries[0]);
	CLEANUP_MEMORY struct kvm_cpuid2 *own = malloc(size);

	if (!own)
		return -ENOMEM;
	memcpy(own, host, size);
	cpuid_personalise(own, index, machine->options->cpus);
	return vcpu_init(&machine->vcpus[index], &setup, index, own);
}

static int create_vcpus(struct machine *machine, const struct kvm_cpuid2 *host)
{
	machine->vcpus =
		calloc(machine->options->cpus, sizeof(*machine->vcpus));
	if (!machine->vcpus)
		return -ENOMEM;
	for (unsigned int i = 0; i < machine->options->cpus; i++) {
		int r;

		machine->vcpus[i].fd = -1;
		machine->vcpu_count++;
		r = create_vcpu(machine, host, i);
		if (r < 0)
			return r;
	}
	return 0;
}

static int load(struct machine *machine)
{
	struct acpi_setup setup = {
		.processors = machine->options->cpus,
		.bars_64 = machine->pci.bars_64,
		.bars_64_size = machine->pci.bars_64_size,
		.intx_slots = devices_intx_slots(machine->devices),
	};
	struct vcpu_entry entry;
	uint64_t rsdp;
	int r;

	r = acpi_write(&machine->ram, &setup, &rsdp);
	if (r < 0)
		return r;
	r = boot_load(&machine->ram, &machine->options->files, rsdp, &entry);
	if (r < 0)
		return r;
	return vcpu_set_entry(&machine->vcpus[0], &entry);
}

static int init_guest(struct machine *machine)
{
	CLEANUP_MEMORY struct kvm_cpuid2 *host = cpuid_host(&machine->vm);
	int r;

	if (!host)
		return report(-errno,
			      "KVM does not say what processor it "
			      "offers: %s",
			      strerror(errno));
	r = init_pci(machine, cpuid_address_bits(host));
	if (r == 0)
		r = create_vcpus(machine, host);
	if (r == 0)
		r = devices_new(machine, &machine->devices);
	if (r == 0)
		r = load(machine);
	return r;
}

int machine_init(struct machine *machine, const struct options *options)
{
	int r;

	machine->options = options;
	machine->vm.fd = machine->vm.kvm = -1;
	machine->signals.fd = machine->loop.epoll = machine->loop.wake.fd = -1;
	machine->terminal.resume.fd = machine->terminal.slave = -1;
	machine->terminal.output = -1;
	r = events_init(&machine->events, options->events, options->name);
	if (r < 0)
		return r;
	r = init_base(machine);
	if (r == 0)
		r = vm_init(&machine->vm);
	if (r == 0)
		r = ram_init(&machine->ram, options->memory,
			     options->hugepages);
	if (r == 0)
		r = map_ram(machine);
	if (r == 0)
		r = init_guest(machine);
	return r;
}

static const char *end_name(int status)
{
	switch (status) {
	case VCPU_END_POWER_OFF:
		return "power-off";
	case VCPU_END_RESET:
		return "reboot";
	default:
		return "error";
	}
}

/* The loop's own thread: descriptors, and what ends the machine. */
static const int loop_calls[] = {
	SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait),
	SCMP_SYS(getrandom), SCMP_SYS(ioctl),	   SCMP_SYS(poll),
	SCMP_SYS(ppoll),     SCMP_SYS(read),	   SCMP_SYS(write),
	SCMP_SYS(wait4), /* a keeper */
	SCMP_SYS(pread64),   SCMP_SYS(pwrite64),
};

/* Threads begin after privileges are gone, so that each one lacks them. */
static int start_threads(struct machine *machine)
{
	int r = sandbox_drop(machine->options->user);

	if (r == 0)
		r = devices_run(machine->devices);
	for (unsigned int i = 0; i < machine->vcpu_count && r == 0; i++)
		r = vcpu_start(&machine->vcpus[i]);
	return r < 0 ? r : SANDBOX_ENTER(loop_calls);
}

int machine_run(struct machine *machine)
{
	int status = VCPU_END_ERROR;
	int r;

	events_tell(&machine->events, "start", NULL);
	r = start_threads(machine);
	if (r == 0)
		status = loop_run(&machine->loop);
	else
		report(0, "cannot start the guest: %s", strerror(-r));
	for (unsigned int i = 0; i < machine->vcpu_count; i++)
		vcpu_stop(&machine->vcpus[i]);
	events_tell(&machine->events, end_name(status), NULL);
	return status;
}

void machine_deinit(struct machine *machine)
{
	devices_free(machine->devices);
	for (unsigned int i = 0; i < machine->vcpu_count; i++)
		vcpu_deinit(&machine->vcpus[i]);
	free(machine->vcpus);
	pci_bus_deinit(&machine->pci);
	ram_deinit(&machine->ram);
	if (machine->vm.kvm >= 0)
		vm_deinit(&machine->vm);
	if (machine->terminal.loop)
		terminal_deinit(&machine->terminal);
	if (machine->serial.ops)
		serial_deinit(&machine->serial);
	close_fd(&machine->signals.fd);
	loop_deinit(&machine->loop);
	if (machine->ports.ranges)
		bus_deinit(&machine->ports);
	if (machine->registers.ranges)
		bus_deinit(&machine->registers);
	events_deinit(&machine->events);
}
