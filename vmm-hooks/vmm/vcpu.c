// SPDX-License-Identifier: MIT
#include "vmm-hooks/vmm/vcpu.h"

#include <errno.h>
#include <linux/kvm.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>

#include "vmm-hooks/vmm/bus.h"
#include "vmm-hooks/vmm/cleanup.h"
#include "vmm-hooks/vmm/layout.h"
#include "vmm-hooks/vmm/loop.h"
#include "vmm-hooks/vmm/report.h"
#include "vmm-hooks/vmm/sandbox.h"
#include "vmm-hooks/vmm/vm.h"

#define KICK_SIGNAL SIGUSR1

#define MSR_IA32_MISC_ENABLE 0x1a0
#define MISC_ENABLE_FAST_STRING 1
#define MSR_MTRR_DEF_TYPE 0x2ff
#define MTRR_ENABLE_WRITE_BACK (1 << 11 | 6)

#define CR0_PE (1u << 0)
#define CR0_ET (1u << 4)
#define CR0_PG (1u << 31)
#define CR4_PAE (1u << 5)
#define EFER_LME (1u << 8)
#define EFER_LMA (1u << 10)

#define CODE_SELECTOR 0x10
#define DATA_SELECTOR 0x18
#define TASK_SELECTOR 0x20

/* Local APIC registers, and delivery modes of its two pins. */
#define APIC_LVT0 0x350
#define APIC_LVT1 0x360
#define APIC_MODE_NMI 0x400
#define APIC_MODE_EXTINT 0x700

static void set_lvt(struct kvm_lapic_state *lapic, unsigned int offset,
		    uint32_t mode)
{
	uint32_t value;

	memcpy(&value, lapic->regs + offset, sizeof(value));
	value = (value & ~0x700u) | mode;
	memcpy(lapic->regs + offset, &value, sizeof(value));
}

static int init_lapic(struct vcpu *vcpu)
{
	struct kvm_lapic_state lapic;

	if (ioctl(vcpu->fd, KVM_GET_LAPIC, &lapic) < 0)
		return -errno;
	set_lvt(&lapic, APIC_LVT0, APIC_MODE_EXTINT);
	set_lvt(&lapic, APIC_LVT1, APIC_MODE_NMI);
	return ioctl(vcpu->fd, KVM_SET_LAPIC, &lapic) < 0 ? -errno : 0;
}

/* Memory is write-back unless the guest says otherwise, as firmware would. */
static int init_msrs(struct vcpu *vcpu)
{
	union {
		struct kvm_msrs header;
		uint8_t room[sizeof(struct kvm_msrs) +
			     2 * sizeof(struct kvm_msr_entry)];
	} msrs = {.header.nmsrs = 2};

	msrs.header.entries[0] = (struct kvm_msr_entry){
		.index = MSR_MTRR_DEF_TYPE, .data = MTRR_ENABLE_WRITE_BACK};
	msrs.header.entries[1] = (struct kvm_msr_entry){
		.index = MSR_IA32_MISC_ENABLE, .data = MISC_ENABLE_FAST_STRING};
	return ioctl(vcpu->fd, KVM_SET_MSRS, &msrs) < 0 ? -errno : 0;
}

static int create(struct vcpu *vcpu, struct kvm_cpuid2 *cpuid)
{
	void *run;
	int r;

	vcpu->fd = ioctl(vcpu->setup.vm->fd, KVM_CREATE_VCPU, vcpu->index);
	if (vcpu->fd < 0)
		return -errno;
	run = mmap(NULL, vcpu->setup.vm->run_size, PROT_READ | PROT_WRITE,
		   MAP_SHARED, vcpu->fd, 0);
	if (run == MAP_FAILED)
		return -errno;
	vcpu->run = run;
	if (ioctl(vcpu->fd, KVM_SET_CPUID2, cpuid) < 0)
		return -errno;
	r = init_lapic(vcpu);
	return r < 0 ? r : init_msrs(vcpu);
}

int vcpu_init(struct vcpu *vcpu, const struct vcpu_setup *setup,
	      unsigned int index, struct kvm_cpuid2 *cpuid)
{
	int r;

	*vcpu = (struct vcpu){.setup = *setup, .index = index};
	r = create(vcpu, cpuid);
	if (r < 0)
		return report(r, "KVM cannot create processor %u: %s", index,
			      strerror(-r));
	return 0;
}

void vcpu_deinit(struct vcpu *vcpu)
{
	if (vcpu->run)
		munmap(vcpu->run, vcpu->setup.vm->run_size);
	vcpu->run = NULL;
	close_fd(&vcpu->fd);
}

static void flat_segments(struct kvm_sregs *sregs, bool long_mode)
{
	struct kvm_segment code = {
		.limit = 0xffffffff,
		.selector = CODE_SELECTOR,
		.type = 11,
		.present = 1,
		.s = 1,
		.g = 1,
		.l = long_mode,
		.db = !long_mode,
	};
	struct kvm_segment data = code;

	data.selector = DATA_SELECTOR;
	data.type = 3;
	data.l = 0;
	data.db = 1;
	sregs->cs = code;
	sregs->ds = sregs->es = sregs->fs = sregs->gs = sregs->ss = data;
	sregs->tr = (struct kvm_segment){.limit = 0x67,
					 .selector = TASK_SELECTOR,
					 .type = 11,
					 .present = 1};
	sregs->gdt.base = LAYOUT_GDT;
	sregs->gdt.limit = 5 * 8 - 1;
	sregs->idt = (struct kvm_dtable){0};
}

static int set_sregs(struct vcpu *vcpu, bool long_mode)
{
	struct kvm_sregs sregs;

	if (ioctl(vcpu->fd, KVM_GET_SREGS, &sregs) < 0)
		return -errno;
	flat_segments(&sregs, long_mode);
	sregs.cr0 = CR0_PE | CR0_ET;
	if (long_mode) {
		sregs.cr0 |= CR0_PG;
		sregs.cr3 = LAYOUT_PAGE_TABLES;
		sregs.cr4 = CR4_PAE;
		sregs.efer = EFER_LME | EFER_LMA;
	}
	return ioctl(vcpu->fd, KVM_SET_SREGS, &sregs) < 0 ? -errno : 0;
}

int vcpu_set_entry(struct vcpu *vcpu, const struct vcpu_entry *entry)
{
	struct kvm_regs regs = {
		.rip = entry->rip,
		.rsi = entry->rsi,
		.rbx = entry->rbx,
		.rsp = LAYOUT_STACK,
		.rbp = LAYOUT_STACK,
		.rflags = 2,
	};
	int r = set_sregs(vcpu, entry->long_mode);

	if (r < 0)
		return r;
	return ioctl(vcpu->fd, KVM_SET_REGS, &regs) < 0 ? -errno : 0;
}

/* Repeated string accesses come as one exit with many elements. */
static void serve_port(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	uint8_t *data = (uint8_t *)run + run->io.data_offset;
	unsigned int len = run->io.size;

	for (uint32_t i = 0; i < run->io.count; i++, data += len) {
		uint64_t value = 0;

		if (run->io.direction == KVM_EXIT_IO_OUT) {
			memcpy(&value, data, len);
			bus_write(vcpu->setup.ports, run->io.port, len, value);
			continue;
		}
		value = bus_read(vcpu->setup.ports, run->io.port, len);
		memcpy(data, &value, len);
	}
}

static void serve_register(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	unsigned int len = run->mmio.len;
	uint64_t value = 0;

	if (run->mmio.is_write) {
		memcpy(&value, run->mmio.data, len);
		bus_write(vcpu->setup.registers, run->mmio.phys_addr, len,
			  value);
		return;
	}
	value = bus_read(vcpu->setup.registers, run->mmio.phys_addr, len);
	memcpy(run->mmio.data, &value, len);
}

static bool end(struct vcpu *vcpu, int status)
{
	loop_end(vcpu->setup.loop, status);
	return false;
}

static bool end_internal(struct vcpu *vcpu)
{
	struct kvm_regs regs = {0};

	ioctl(vcpu->fd, KVM_GET_REGS, &regs);
	report(0, "KVM gave up on processor %u at %#llx (sub-error %u)",
	       vcpu->index, (unsigned long long)regs.rip,
	       vcpu->run->internal.suberror);
	return end(vcpu, VCPU_END_ERROR);
}

/* Serves one exit; false when the processor has come to its end. */
static bool serve(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		serve_port(vcpu);
		return true;
	case KVM_EXIT_MMIO:
		serve_register(vcpu);
		return true;
	case KVM_EXIT_INTR:
	case KVM_EXIT_IRQ_WINDOW_OPEN:
		return true;
	case KVM_EXIT_SHUTDOWN:
		report(0, "the guest's processor %u shut down (triple fault)",
		       vcpu->index);
		return end(vcpu, VCPU_END_ERROR);
	case KVM_EXIT_SYSTEM_EVENT:
		return end(vcpu,
			   run->system_event.type == KVM_SYSTEM_EVENT_SHUTDOWN
				   ? VCPU_END_POWER_OFF
				   : VCPU_END_RESET);
	case KVM_EXIT_FAIL_ENTRY:
		report(0,
		       "the host's processor refuses to enter the guest "
		       "(reason %#llx)",
		       (unsigned long long)
			       run->fail_entry.hardware_entry_failure_reason);
		return end(vcpu, VCPU_END_ERROR);
	default:
		return end_internal(vcpu);
	}
}

static bool run_once(struct vcpu *vcpu)
{
	if (ioctl(vcpu->fd, KVM_RUN, 0) == 0)
		return serve(vcpu);
	if (errno == EINTR || errno == EAGAIN)
		return true;
	report(0, "processor %u cannot run: %s", vcpu->index, strerror(errno));
	return end(vcpu, VCPU_END_ERROR);
}

/* Registers may start and stop devices, move BARs and change interrupts. */
static const int thread_calls[] = {
	SCMP_SYS(epoll_ctl), SCMP_SYS(eventfd2), SCMP_SYS(ioctl),
	SCMP_SYS(poll),	     SCMP_SYS(ppoll),	 SCMP_SYS(pread64),
	SCMP_SYS(pwrite64),  SCMP_SYS(read),	 SCMP_SYS(write),
};

static void *thread_main(void *argument)
{
	struct vcpu *vcpu = argument;
	char name[16];
	bool alive = true;

	snprintf(name, sizeof(name), "vcpu%u", vcpu->index);
	pthread_setname_np(pthread_self(), name);
	if (SANDBOX_ENTER(thread_calls) < 0)
		alive = end(vcpu, VCPU_END_ERROR);
	while (alive && !atomic_load(&vcpu->stopping))
		alive = run_once(vcpu);
	return NULL;
}

static void kicked(int signal)
{
	(void)signal;
}

int vcpu_start(struct vcpu *vcpu)
{
	struct sigaction action = {.sa_handler = kicked};
	int r;

	sigaction(KICK_SIGNAL, &action, NULL);
	r = pthread_create(&vcpu->thread, NULL, thread_main, vcpu);
	vcpu->started = r == 0;
	return -r;
}

/* A kick that comes before KVM_RUN is remembered in immediate_exit. */
void vcpu_stop(struct vcpu *vcpu)
{
	if (!vcpu->started)
		return;
	atomic_store(&vcpu->stopping, true);
	vcpu->run->immediate_exit = 1;
	pthread_kill(vcpu->thread, KICK_SIGNAL);
	pthread_join(vcpu->thread, NULL);
	vcpu->started = false;
}
