// SPDX-License-Identifier: MIT
#include "mdev/broker/interface.h"

#include "mdev/broker/settings.h"

/* Short, because a table of fields is read line by line. */
#define TEXT(text) SD_VARLINK_FIELD_COMMENT(text)
#define FIELD(name, type) SD_VARLINK_DEFINE_FIELD(name, SD_VARLINK_##type, 0)
#define MAYBE(name, type) \
	SD_VARLINK_DEFINE_FIELD(name, SD_VARLINK_##type, SD_VARLINK_NULLABLE)
#define IN(name, type) SD_VARLINK_DEFINE_INPUT(name, SD_VARLINK_##type, 0)
#define MAYBE_IN(name, type) \
	SD_VARLINK_DEFINE_INPUT(name, SD_VARLINK_##type, SD_VARLINK_NULLABLE)
#define OUT(name, type) SD_VARLINK_DEFINE_OUTPUT(name, SD_VARLINK_##type, 0)
#define OUT_TYPE(name, type) SD_VARLINK_DEFINE_OUTPUT_BY_TYPE(name, type, 0)
#define OUT_ARRAY(name, type) \
	SD_VARLINK_DEFINE_OUTPUT_BY_TYPE(name, type, SD_VARLINK_ARRAY)

/* clang-format off */
static SD_VARLINK_DEFINE_STRUCT_TYPE(Gpu,
	TEXT("PCI address such as 0000:01:00.0, or 'software'"),
	FIELD(address, STRING),
	TEXT("Names of pci.ids, or numbers"),
	FIELD(vendor, STRING),
	FIELD(name, STRING),
	TEXT("The kernel driver that it is bound to"),
	MAYBE(driver, STRING),
	MAYBE(renderNode, STRING),
	MAYBE(iommuGroup, INT),
	TEXT("What Vulkan calls the device and its driver"),
	MAYBE(vulkanName, STRING),
	MAYBE(vulkanDriver, STRING),
	TEXT("Video memory that is lent"),
	FIELD(vramBytes, INT),
	TEXT("Video memory that nobody was promised"),
	FIELD(vramFreeBytes, INT),
	TEXT("It is no hardware: programs can be enrolled, vGPUs can't be made"),
	FIELD(software, BOOL),
	TEXT("vGPUs (on software: programs) can be had"),
	FIELD(served, BOOL),
	TEXT("Why it is not served"),
	MAYBE(reason, STRING),
	TEXT(POLICY_RANGE),
	FIELD(policy, STRING),
	TEXT("How many vGPUs there are"),
	FIELD(vgpus, INT));

static SD_VARLINK_DEFINE_STRUCT_TYPE(Type,
	TEXT("Address of the GPU"),
	FIELD(gpu, STRING),
	TEXT("As in sysfs, without the driver's name before it"),
	FIELD(id, STRING),
	FIELD(name, STRING),
	TEXT("Lines 'key: value'"),
	FIELD(description, STRING),
	FIELD(vramBytes, INT),
	FIELD(weight, INT),
	TEXT("Most vGPUs of it at a time"),
	FIELD(maxInstances, INT),
	TEXT("How many more can be made now"),
	FIELD(availableInstances, INT));

static SD_VARLINK_DEFINE_STRUCT_TYPE(Vgpu,
	FIELD(uuid, STRING),
	TEXT("Address of the GPU"),
	FIELD(gpu, STRING),
	TEXT("Of a program: 'program'"),
	FIELD(type, STRING),
	TEXT("vGPUs of one tenant share one weight; '' for none"),
	FIELD(tenant, STRING),
	FIELD(name, STRING),
	TEXT("closed, open, broken, stopped (guard quota) or program"),
	FIELD(state, STRING),
	TEXT("It goes with the connection that made it"),
	FIELD(transient, BOOL),
	TEXT("Process that serves it; of a program: the one that enrolled"),
	MAYBE(devicePid, INT),
	TEXT("Process that has it open, and what that calls its machine"),
	MAYBE(vmPid, INT),
	MAYBE(vmName, STRING),
	TEXT("1 to 10000"),
	FIELD(weight, INT),
	TEXT("Percent of the GPU that it gets at most"),
	FIELD(capPercent, FLOAT),
	TEXT("Percent of the GPU that it can always have"),
	FIELD(reservationPercent, FLOAT),
	FIELD(vramLimitBytes, INT),
	TEXT("normal, low or lowest"),
	FIELD(latency, STRING),
	TEXT("How long a job may run before its context is ended"),
	FIELD(killMs, INT));

static SD_VARLINK_DEFINE_STRUCT_TYPE(Stats,
	FIELD(uuid, STRING),
	TEXT("Time that it had the GPU"),
	FIELD(gpuNs, INT),
	TEXT("Time that it waited for the GPU"),
	FIELD(waitNs, INT),
	TEXT("Time that its cap held it back"),
	FIELD(throttledNs, INT),
	FIELD(submits, INT),
	FIELD(vramUsedBytes, INT),
	FIELD(vramLimitBytes, INT),
	TEXT("Processes that use the GPU for it"),
	FIELD(contexts, INT),
	TEXT("Contexts ended for jobs past the kill limit"),
	FIELD(kills, INT),
	FIELD(vramRefusals, INT),
	TEXT("How many times its device process was started again"),
	FIELD(restarts, INT),
	TEXT("Of the last whole second: what it had, and was entitled to"),
	FIELD(sharePercent, FLOAT),
	FIELD(wantedPercent, FLOAT),
	FIELD(submitsPerSecond, INT),
	TEXT("Waits for grants over the last 10 seconds"),
	FIELD(waitP50Us, INT),
	FIELD(waitP99Us, INT),
	TEXT("All waits for grants by length: [0] below 1 us, [i] below 4^i us, the last all longer ones. Together they took waitNs"),
	SD_VARLINK_DEFINE_FIELD(waitCounts, SD_VARLINK_INT, SD_VARLINK_ARRAY));

static SD_VARLINK_DEFINE_STRUCT_TYPE(GpuStats,
	TEXT("Address of the GPU"),
	FIELD(gpu, STRING),
	TEXT("CLOCK_MONOTONIC"),
	FIELD(nowNs, INT),
	TEXT("Time that somebody had it, and that nobody wanted it"),
	FIELD(busyNs, INT),
	FIELD(idleNs, INT),
	FIELD(holds, INT),
	FIELD(vramUsedBytes, INT),
	FIELD(contexts, INT));

static SD_VARLINK_DEFINE_STRUCT_TYPE(Event,
	TEXT("CLOCK_REALTIME"),
	FIELD(timeUs, INT),
	TEXT("snapshot, created, removed, changed, opened, closed, broken, recovered, device-started, device-died, context-joined, context-left, context-killed, stopped, reset, vram-refused, gpu-gone or gpu-back"),
	FIELD(kind, STRING),
	MAYBE(gpu, STRING),
	MAYBE(uuid, STRING),
	MAYBE(pid, INT),
	TEXT("One line for people"),
	FIELD(text, STRING));

static SD_VARLINK_DEFINE_STRUCT_TYPE(Slice,
	FIELD(uuid, STRING),
	FIELD(pid, INT),
	TEXT("CLOCK_MONOTONIC: since when it waited, when it was granted and when it let go"),
	FIELD(wantNs, INT),
	FIELD(beginNs, INT),
	FIELD(endNs, INT),
	FIELD(submits, INT),
	TEXT("Why it ended: none, slice, idle, cap, latency, lease, overrun or policy"),
	FIELD(reason, STRING));

static SD_VARLINK_DEFINE_METHOD(ListGpus,
	OUT_ARRAY(gpus, Gpu));

static SD_VARLINK_DEFINE_METHOD(ListTypes,
	TEXT("Of this GPU only"),
	MAYBE_IN(gpu, STRING),
	OUT_ARRAY(types, Type));

static SD_VARLINK_DEFINE_METHOD(ListVgpus,
	TEXT("Of this GPU only"),
	MAYBE_IN(gpu, STRING),
	TEXT("This one only"),
	MAYBE_IN(uuid, STRING),
	OUT_ARRAY(vgpus, Vgpu));

static SD_VARLINK_DEFINE_METHOD(CreateVgpu,
	TEXT("Name of the type"),
	IN(type, STRING),
	TEXT("Default: the first that has room for it"),
	MAYBE_IN(gpu, STRING),
	TEXT("Default: a random one"),
	MAYBE_IN(uuid, STRING),
	MAYBE_IN(name, STRING),
	MAYBE_IN(tenant, STRING),
	TEXT("Remove it when this connection ends"),
	MAYBE_IN(transient, BOOL),
	MAYBE_IN(weight, INT),
	MAYBE_IN(capPercent, FLOAT),
	MAYBE_IN(reservationPercent, FLOAT),
	MAYBE_IN(vramLimitBytes, INT),
	MAYBE_IN(latency, STRING),
	OUT_TYPE(vgpu, Vgpu));

static SD_VARLINK_DEFINE_METHOD(RemoveVgpu,
	IN(uuid, STRING));

static SD_VARLINK_DEFINE_METHOD(SetVgpu,
	IN(uuid, STRING),
	MAYBE_IN(weight, INT),
	MAYBE_IN(capPercent, FLOAT),
	MAYBE_IN(reservationPercent, FLOAT),
	MAYBE_IN(vramLimitBytes, INT),
	MAYBE_IN(latency, STRING),
	MAYBE_IN(tenant, STRING),
	MAYBE_IN(killMs, INT),
	OUT_TYPE(vgpu, Vgpu));

static SD_VARLINK_DEFINE_METHOD(SetGpu,
	TEXT("Its address"),
	IN(gpu, STRING),
	TEXT(POLICY_RANGE),
	IN(policy, STRING),
	TEXT("It ends with this connection, and what held before holds again"),
	MAYBE_IN(transient, BOOL),
	OUT_TYPE(gpu, Gpu));

static SD_VARLINK_DEFINE_METHOD(ResetVgpu,
	IN(uuid, STRING));

static SD_VARLINK_DEFINE_METHOD(Enroll,
	TEXT("Default: the first that can be shared"),
	MAYBE_IN(gpu, STRING),
	MAYBE_IN(name, STRING),
	MAYBE_IN(tenant, STRING),
	MAYBE_IN(weight, INT),
	MAYBE_IN(capPercent, FLOAT),
	MAYBE_IN(reservationPercent, FLOAT),
	TEXT("Default: whatever nobody was promised, as that changes"),
	MAYBE_IN(vramLimitBytes, INT),
	MAYBE_IN(latency, STRING),
	OUT(uuid, STRING),
	TEXT("NAME=VALUE to run the program with"),
	SD_VARLINK_DEFINE_OUTPUT(environment, SD_VARLINK_STRING, SD_VARLINK_ARRAY));

static SD_VARLINK_DEFINE_METHOD(GetStats,
	TEXT("This one only"),
	MAYBE_IN(uuid, STRING),
	OUT_ARRAY(gpus, GpuStats),
	OUT_ARRAY(vgpus, Stats));

static SD_VARLINK_DEFINE_METHOD_FULL(Watch, SD_VARLINK_REQUIRES_MORE,
	OUT_TYPE(event, Event));

static SD_VARLINK_DEFINE_METHOD(GetSlices,
	TEXT("Default: the first that is shared"),
	MAYBE_IN(gpu, STRING),
	TEXT("Sequence number of the last one seen; 0: all that are kept"),
	IN(after, INT),
	OUT(after, INT),
	OUT_ARRAY(slices, Slice));

static SD_VARLINK_DEFINE_ERROR(NoSuchGpu,
	FIELD(gpu, STRING));
static SD_VARLINK_DEFINE_ERROR(NoSuchType,
	FIELD(type, STRING));
static SD_VARLINK_DEFINE_ERROR(NoSuchVgpu,
	FIELD(uuid, STRING));
static SD_VARLINK_DEFINE_ERROR(Exists,
	FIELD(uuid, STRING));
static SD_VARLINK_DEFINE_ERROR(InUse,
	FIELD(uuid, STRING),
	MAYBE(pid, INT));
static SD_VARLINK_DEFINE_ERROR(NoSpace,
	TEXT("vram (bytes), reservation (percent) or instances"),
	FIELD(what, STRING),
	FIELD(wanted, INT),
	FIELD(available, INT));
static SD_VARLINK_DEFINE_ERROR(InvalidSetting,
	TEXT("Name of the parameter"),
	FIELD(setting, STRING),
	TEXT("What it may be"),
	FIELD(text, STRING));
static SD_VARLINK_DEFINE_ERROR(NotServed,
	FIELD(gpu, STRING),
	TEXT("Why"),
	FIELD(text, STRING));

#define SYMBOL(text) SD_VARLINK_SYMBOL_COMMENT(text)

SD_VARLINK_DEFINE_INTERFACE(broker, BROKER_INTERFACE,
	SD_VARLINK_INTERFACE_COMMENT("The broker of Tranche: GPUs, their types, and the vGPUs made of them. Anybody who may open the socket may read; changes are for root and members of the socket's group."),
	SYMBOL("A physical GPU of this host"),
	&vl_type_Gpu,
	SYMBOL("A size of vGPU that a GPU offers"),
	&vl_type_Type,
	SYMBOL("A vGPU, or a program of the host that is enrolled as one"),
	&vl_type_Vgpu,
	SYMBOL("What a vGPU has had since it was made"),
	&vl_type_Stats,
	SYMBOL("What a GPU has done since the broker began"),
	&vl_type_GpuStats,
	SYMBOL("Something that happened"),
	&vl_type_Event,
	SYMBOL("One hold of a GPU, from grant to release"),
	&vl_type_Slice,
	SYMBOL("All GPUs of this host"),
	&vl_method_ListGpus,
	SYMBOL("Types that are offered"),
	&vl_method_ListTypes,
	SYMBOL("vGPUs and enrolled programs"),
	&vl_method_ListVgpus,
	SYMBOL("Makes a vGPU, as a write to the type's file create in sysfs does"),
	&vl_method_CreateVgpu,
	SYMBOL("Removes a vGPU that no VMM has, or ends a program's enrolment and what it runs on the GPU"),
	&vl_method_RemoveVgpu,
	SYMBOL("Changes settings, all that are given or none. In force within a slice"),
	&vl_method_SetVgpu,
	SYMBOL("Shares a GPU by another policy, at once. It holds for the next broker too, unless the configuration says another policy by then"),
	&vl_method_SetGpu,
	SYMBOL("Ends all contexts of a vGPU, lifts a stop by the guard quota, and starts a device process if none serves it"),
	&vl_method_ResetVgpu,
	SYMBOL("Lets a program of the host take part like a vGPU, for as long as this connection lives"),
	&vl_method_Enroll,
	SYMBOL("Figures of GPUs and vGPUs"),
	&vl_method_GetStats,
	SYMBOL("Events as they happen; the first is a snapshot"),
	&vl_method_Watch,
	SYMBOL("The latest holds of a GPU, for traces"),
	&vl_method_GetSlices,
	SYMBOL("No GPU has this address"),
	&vl_error_NoSuchGpu,
	SYMBOL("No GPU offers a type of this name"),
	&vl_error_NoSuchType,
	SYMBOL("No vGPU has this UUID"),
	&vl_error_NoSuchVgpu,
	SYMBOL("A vGPU of this UUID is there already"),
	&vl_error_Exists,
	SYMBOL("A VMM has it"),
	&vl_error_InUse,
	SYMBOL("Something does not fit"),
	&vl_error_NoSpace,
	SYMBOL("A setting can't have this value"),
	&vl_error_InvalidSetting,
	SYMBOL("The GPU can't be had"),
	&vl_error_NotServed);
/* clang-format on */
