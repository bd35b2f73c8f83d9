/* SPDX-License-Identifier: MIT */
/*
 * A whole virtual machine: everything that the options ask for, put together,
 * run, and taken apart.
 *
 *   init → run → deinit; deinit also after an init that failed
 *
 * Owner: main(). Locking: all three on the main thread.
 */
#ifndef VMM_MACHINE_H
#define VMM_MACHINE_H

#include "vmm-hooks/vmm/bus.h"
#include "vmm-hooks/vmm/events.h"
#include "vmm-hooks/vmm/loop.h"
#include "vmm-hooks/vmm/options.h"
#include "vmm-hooks/vmm/pci_bus.h"
#include "vmm-hooks/vmm/power.h"
#include "vmm-hooks/vmm/ram.h"
#include "vmm-hooks/vmm/serial.h"
#include "vmm-hooks/vmm/terminal.h"
#include "vmm-hooks/vmm/vcpu.h"
#include "vmm-hooks/vmm/vm.h"

struct machine_devices;

struct machine {
	const struct options *options;
	struct events events;
	struct loop loop;
	struct loop_handler signals;
	bool asked; /* the power button was pressed once */
	struct vm vm;
	struct ram ram;
	struct bus ports;
	struct bus registers;
	struct pci_bus pci;
	struct serial serial;
	struct terminal terminal;
	struct terminal_sink serial_sink;
	struct power power;
	struct machine_devices *devices;
	struct vcpu *vcpus;
	unsigned int vcpu_count;
};

/**
 * machine_init - everything up to the first instruction
 * @machine: zeroed; what to fill
 * @options: what to build; must outlive the machine
 *
 * Return: 0 or negative errno, reported.
 */
int machine_init(struct machine *machine, const struct options *options);

/**
 * machine_run - run the guest to its end
 * @machine: the machine
 *
 * Return: enum vcpu_end.
 */
int machine_run(struct machine *machine);
void machine_deinit(struct machine *machine);

#endif
