/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note OR MIT */
/*
 * tranche.h - the interface between tranche.ko and user space
 *
 * Two kinds of file descriptor:
 *
 *   control  open("/dev/tranche"): the broker. Registers GPUs as parents of
 *            mediated devices, hears of every vGPU, hands out vGPU descriptors.
 *   vGPU     from TRANCHE_VGPU_ATTACH: the device process. Serves the registers
 *            of one vGPU and reaches its guest. May be inherited or passed over
 *            a socket; it gives no power over anything else.
 *
 * Rules that hold everywhere:
 *
 *   - Every structure has the same layout for 32- and 64-bit callers.
 *   - Fields named "reserved" and flags without a name must be zero, else
 *     -EINVAL. A field marked [out] is written by the kernel only.
 *   - A request number holds its structure's size: a call with another size is
 *     an unknown request, -ENOTTY.
 *   - Strings are NUL-terminated inside their array, else -EINVAL.
 *   - "index of a region" and "index of an interrupt" are those of VFIO PCI
 *     (VFIO_PCI_BAR0_REGION_INDEX, VFIO_PCI_MSIX_IRQ_INDEX, ...).
 *   - New abilities get a bit in the features word; no bit changes its meaning.
 */
#ifndef _UAPI_TRANCHE_H
#define _UAPI_TRANCHE_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define TRANCHE_DEVICE "/dev/tranche"

#define TRANCHE_NAME_SIZE 32
#define TRANCHE_DESCRIPTION_SIZE 256
#define TRANCHE_UUID_SIZE 40
#define TRANCHE_VALUE_SIZE 64
#define TRANCHE_TYPES_MAX 64
#define TRANCHE_ATTRIBUTES_MAX 16
#define TRANCHE_REGIONS 9
#define TRANCHE_VECTORS_MAX 2048
#define TRANCHE_DOORBELLS_MAX 256
#define TRANCHE_DATA_MAX 256
#define TRANCHE_SEGMENTS_MAX 64
#define TRANCHE_DMA_BYTES_MAX (1U << 20)

/*
 * Either descriptor.
 */

/* Everything this header describes, but for what has a bit of its own. */
#define TRANCHE_FEATURE_BASE (1ULL << 0)
/*
 * Huge pages may stand behind the window. Without this bit (kernels whose KVM
 * takes a reference on every page it maps: before 6.13) TRANCHE_VGPU_MAP
 * refuses them with -EOPNOTSUPP.
 */
#define TRANCHE_FEATURE_HUGE_WINDOW (1ULL << 1)

/**
 * struct tranche_features - what the module can do
 * @features: [out] TRANCHE_FEATURE_* bits
 * @reserved: zero
 */
struct tranche_features {
	__u64 features;
	__u64 reserved;
};

#define TRANCHE_GET_FEATURES _IOWR(0xb9, 0x00, struct tranche_features)

/*
 * Control descriptor: parents.
 */

#define TRANCHE_REGION_READ (1U << 0)
#define TRANCHE_REGION_WRITE (1U << 1)

/**
 * struct tranche_region - one VFIO PCI region of a type
 * @size: bytes, at most 2^39; 0 for a region that does not exist. The
 *	  configuration space has 256 or 4096.
 * @flags: TRANCHE_REGION_*
 * @reserved: zero
 */
struct tranche_region {
	__u64 size;
	__u32 flags;
	__u32 reserved;
};

#define TRANCHE_NO_WINDOW (~0U)

/**
 * struct tranche_layout - what a VMM sees of a vGPU before it asks the device
 * @regions: by index of the region
 * @irqs: number of interrupts by index: INTx (0 or 1), MSI (0 to 32) and
 *	  MSI-X (0 to TRANCHE_VECTORS_MAX)
 * @window_region: index of the BAR that holds the window, or TRANCHE_NO_WINDOW
 * @window_offset: where in that BAR the window starts
 * @window_size: its size; both multiples of the page size, zero without window
 *
 * The VMM maps the window; everything else in the BARs is trapped.
 */
struct tranche_layout {
	struct tranche_region regions[TRANCHE_REGIONS];
	__u32 irqs[3];
	__u32 window_region;
	__u64 window_offset;
	__u64 window_size;
};

/**
 * struct tranche_type - one mdev type
 * @id: names the type's folder, "<driver of the GPU>-<id>"; no '/'
 * @name: the type's "name" attribute; unique, stable, without spaces
 * @description: the type's "description": lines "key: value"
 * @cost: what one vGPU of it takes from the parent's capacity (video memory)
 * @instances: most vGPUs of this type at a time, at least 1
 * @reserved: zero
 * @layout: its regions and interrupts
 * @values: what the attributes of a vGPU of it hold until they are written, in
 *	    the order of struct tranche_parent_register's @attributes
 */
struct tranche_type {
	char id[TRANCHE_NAME_SIZE];
	char name[TRANCHE_NAME_SIZE];
	char description[TRANCHE_DESCRIPTION_SIZE];
	__u64 cost;
	__u32 instances;
	__u32 reserved;
	struct tranche_layout layout;
	char values[TRANCHE_ATTRIBUTES_MAX][TRANCHE_VALUE_SIZE];
};

/**
 * struct tranche_attribute - one attribute that every vGPU of a parent has
 * @name: its file in the vGPU's sysfs folder; no '/'
 */
struct tranche_attribute {
	char name[TRANCHE_NAME_SIZE];
};

/**
 * struct tranche_parent_register - make a PCI device a parent
 * @name: by which a later broker attaches; unique
 * @domain: PCI address
 * @bus: PCI address
 * @devfn: PCI address: device << 3 | function
 * @reserved: zero
 * @capacity: what @cost of all its vGPUs together may reach
 * @types: address of @nr_types struct tranche_type
 * @attributes: address of @nr_attributes struct tranche_attribute
 * @nr_types: 1 to TRANCHE_TYPES_MAX
 * @nr_attributes: 0 to TRANCHE_ATTRIBUTES_MAX
 * @access_timeout_ms: after which a device process that does not answer is
 *		       given up; 0 for the default of 10,000
 * @verdict_timeout_ms: after which a create or an attribute write that the
 *			broker does not answer fails with -ETIMEDOUT; 0 for the
 *			default of 10,000
 * @parent: [out] its number, in every event of its vGPUs
 * @flags: zero
 *
 * The device stays bound to its own driver. The registration outlives this
 * descriptor: after the broker's death available_instances is 0 until another
 * one attaches. It ends by TRANCHE_PARENT_UNREGISTER, when the device's driver
 * is unbound or the device removed, or when the module is unloaded.
 *
 * -EEXIST: the name is taken. -EBUSY: the device is a parent already.
 * -ENODEV: no such PCI device.
 */
struct tranche_parent_register {
	char name[TRANCHE_NAME_SIZE];
	__u32 domain;
	__u8 bus;
	__u8 devfn;
	__u16 reserved;
	__u64 capacity;
	__u64 types;
	__u64 attributes;
	__u32 nr_types;
	__u32 nr_attributes;
	__u32 access_timeout_ms;
	__u32 verdict_timeout_ms;
	__u32 parent;
	__u32 flags;
};

#define TRANCHE_PARENT_REGISTER \
	_IOWR(0xb9, 0x01, struct tranche_parent_register)

/**
 * struct tranche_parent_attach - become the broker of a registered parent
 * @name: as registered
 * @parent: [out] its number
 * @nr_vgpus: [out] vGPUs it has now
 *
 * A TRANCHE_EVENT_STATE with TRANCHE_EVENT_EXISTING follows for each vGPU.
 *
 * -ENOENT: no such parent. -EBUSY: it has a broker.
 */
struct tranche_parent_attach {
	char name[TRANCHE_NAME_SIZE];
	__u32 parent;
	__u32 nr_vgpus;
};

#define TRANCHE_PARENT_ATTACH _IOWR(0xb9, 0x02, struct tranche_parent_attach)

/* Do not wait. */
#define TRANCHE_UNREGISTER_NOWAIT (1U << 0)

/**
 * struct tranche_parent_unregister - end a registration
 * @parent: its number; it must be this descriptor's
 * @flags: TRANCHE_UNREGISTER_*
 *
 * No new vGPU can be made from here on; each existing one breaks, and its VMM
 * is asked to let go (REQ interrupt). The call waits until the last one has,
 * and may be interrupted: the registration ends all the same, and
 * TRANCHE_EVENT_PARENT_GONE tells when.
 */
struct tranche_parent_unregister {
	__u32 parent;
	__u32 flags;
};

#define TRANCHE_PARENT_UNREGISTER \
	_IOWR(0xb9, 0x03, struct tranche_parent_unregister)

/*
 * Control descriptor: events. poll() says POLLIN when there is one.
 */

/* States of a vGPU, combined. */
#define TRANCHE_STATE_SERVED (1U << 0) /* a device process is attached */
#define TRANCHE_STATE_OPEN (1U << 1) /* a VMM has it open */
#define TRANCHE_STATE_BROKEN (1U << 2) /* reads all-ones until it is reset */

enum tranche_event_kind {
	/*
	 * Somebody writes a type's "create" and waits for the verdict. An error
	 * of the verdict is the error of that write. The vGPU can be attached
	 * from here on.
	 */
	TRANCHE_EVENT_CREATE = 1,
	/*
	 * Somebody writes an attribute and waits for the verdict. Without an
	 * error the kernel keeps the value and shows it to readers.
	 */
	TRANCHE_EVENT_ATTRIBUTE = 2,
	/*
	 * The vGPU's state changed. Changes that were not read yet melt into
	 * one event; a VMM that closed and opened in between shows as a new
	 * generation. A vGPU that is open and not served waits, within the
	 * access time-out, for a device process: attach one.
	 */
	TRANCHE_EVENT_STATE = 3,
	/* The vGPU is gone; also after a CREATE that failed in the end. */
	TRANCHE_EVENT_REMOVED = 4,
	/* The parent is gone: unregistered, unbound or removed. */
	TRANCHE_EVENT_PARENT_GONE = 5,
};

/* The vGPU was there before this broker attached. */
#define TRANCHE_EVENT_EXISTING (1U << 0)

/**
 * struct tranche_event - one event
 * @id: to answer with; 0 where no answer is due
 * @kind: enum tranche_event_kind
 * @flags: TRANCHE_EVENT_EXISTING
 * @parent: number of the parent
 * @type: index into the types it was registered with
 * @attribute: index into the attributes it was registered with
 * @state: TRANCHE_STATE_*
 * @gen: generation: how many times the vGPU was opened or broke
 * @reserved: zero
 * @uuid: of the vGPU, as text
 * @value: what was written to the attribute, without a final newline
 */
struct tranche_event {
	__u64 id;
	__u32 kind;
	__u32 flags;
	__u32 parent;
	__u32 type;
	__u32 attribute;
	__u32 state;
	__u32 gen;
	__u32 reserved;
	char uuid[TRANCHE_UUID_SIZE];
	char value[TRANCHE_VALUE_SIZE];
};

/* Takes the next event. Waits for one unless O_NONBLOCK is set: -EAGAIN. */
#define TRANCHE_EVENT_RECEIVE _IOR(0xb9, 0x04, struct tranche_event)

/**
 * struct tranche_verdict - the answer to a CREATE or ATTRIBUTE event
 * @id: of the event
 * @error: 0 to accept, or a positive errno for the writer
 * @reserved: zero
 *
 * -ENOENT: nobody waits for it any more.
 */
struct tranche_verdict {
	__u64 id;
	__u32 error;
	__u32 reserved;
};

#define TRANCHE_EVENT_ANSWER _IOW(0xb9, 0x05, struct tranche_verdict)

/*
 * Control descriptor: vGPUs.
 */

/* Take the vGPU from a device process that still has it. */
#define TRANCHE_ATTACH_REPLACE (1U << 0)

/**
 * struct tranche_vgpu_attach - get a descriptor to serve a vGPU
 * @uuid: of the vGPU
 * @flags: TRANCHE_ATTACH_*
 * @fd: [out] the descriptor, close-on-exec and without O_NONBLOCK
 *
 * The vGPU is served from here until the last copy of the descriptor closes.
 * -EBUSY: it has a descriptor already that works; a broken one is replaced.
 * -ENOENT: no such vGPU on this broker's parents.
 */
struct tranche_vgpu_attach {
	char uuid[TRANCHE_UUID_SIZE];
	__u32 flags;
	__s32 fd;
};

#define TRANCHE_VGPU_ATTACH _IOWR(0xb9, 0x06, struct tranche_vgpu_attach)

/**
 * struct tranche_vgpu_query - what the kernel keeps of a vGPU
 * @uuid: of the vGPU
 * @parent: [out] number of its parent
 * @type: [out] index of its type
 * @state: [out] TRANCHE_STATE_*
 * @gen: [out] generation
 * @values: [out] its attributes
 */
struct tranche_vgpu_query {
	char uuid[TRANCHE_UUID_SIZE];
	__u32 parent;
	__u32 type;
	__u32 state;
	__u32 gen;
	char values[TRANCHE_ATTRIBUTES_MAX][TRANCHE_VALUE_SIZE];
};

#define TRANCHE_VGPU_QUERY _IOWR(0xb9, 0x07, struct tranche_vgpu_query)

/*
 * vGPU descriptor. poll() says POLLIN when a message waits and POLLHUP when
 * the descriptor serves nothing any more: the vGPU broke, was removed, or was
 * given to another device process. Every call then fails with -ESHUTDOWN.
 *
 * Calls that reach the guest carry the generation of the message they belong
 * to. After the VMM has closed the vGPU, calls of that generation fail with
 * -ESTALE; the kernel has dropped its mappings and interrupts by itself.
 */

/**
 * struct tranche_vgpu_info - which vGPU this is
 * @uuid: [out] its UUID
 * @parent: [out] number of its parent
 * @type: [out] index of its type
 * @state: [out] TRANCHE_STATE_*
 * @gen: [out] generation
 * @layout: [out] of its type
 */
struct tranche_vgpu_info {
	char uuid[TRANCHE_UUID_SIZE];
	__u32 parent;
	__u32 type;
	__u32 state;
	__u32 gen;
	struct tranche_layout layout;
};

#define TRANCHE_VGPU_INFO _IOR(0xb9, 0x10, struct tranche_vgpu_info)

enum tranche_op {
	/*
	 * The VMM reads a region. Naturally aligned 1, 2, 4 or 8 bytes, except
	 * in the configuration space: up to TRANCHE_DATA_MAX at any offset.
	 */
	TRANCHE_OP_READ = 1,
	/* The VMM writes a region; sizes and alignment as above. */
	TRANCHE_OP_WRITE = 2,
	/*
	 * The VMM resets the vGPU, or it is to work again after it broke.
	 * Forget everything of the guest, unmap the window, then answer.
	 */
	TRANCHE_OP_RESET = 3,
	/* A VMM opened the vGPU: a new generation. No answer. */
	TRANCHE_OP_OPEN = 4,
	/* The VMM closed the vGPU; its memory is out of reach. No answer. */
	TRANCHE_OP_CLOSE = 5,
};

/* An answer is due. */
#define TRANCHE_MESSAGE_ANSWER (1U << 0)

/**
 * struct tranche_message - one message to the device process
 * @seq: to answer with
 * @gen: generation it belongs to
 * @op: enum tranche_op
 * @region: index of the region
 * @offset: in the region; the access is inside the region
 * @length: bytes to read, or bytes in @data
 * @flags: TRANCHE_MESSAGE_ANSWER
 * @data: what the VMM wrote; beyond @length it is left as it was
 */
struct tranche_message {
	__u64 seq;
	__u32 gen;
	__u16 op;
	__u16 region;
	__u64 offset;
	__u32 length;
	__u32 flags;
	__u8 data[TRANCHE_DATA_MAX];
};

/**
 * struct tranche_answer - the answer to one message
 * @seq: of the message
 * @error: 0, or a positive errno: a read gives the VMM all-ones, a write is
 *	   lost, a reset fails
 * @length: bytes in @data: the message's length after a read without error,
 *	    else 0
 * @data: what was read
 */
struct tranche_answer {
	__u64 seq;
	__u32 error;
	__u32 length;
	__u8 data[TRANCHE_DATA_MAX];
};

#define TRANCHE_SERVE_ANSWER (1U << 0)
#define TRANCHE_SERVE_RECEIVE (1U << 1)
/* Do not wait for a message, as if O_NONBLOCK was set. */
#define TRANCHE_SERVE_NOWAIT (1U << 2)

/**
 * struct tranche_serve - answer a message, take the next one, or both in a row
 * @flags: TRANCHE_SERVE_*. The kernel clears TRANCHE_SERVE_ANSWER once the
 *	   answer is taken, so that an interrupted call can simply be repeated.
 * @reserved: zero
 * @answer: with TRANCHE_SERVE_ANSWER
 * @message: [out] with TRANCHE_SERVE_RECEIVE
 *
 * Any thread may take and any thread may answer, in any order. Receiving waits
 * for a message unless O_NONBLOCK is set: -EAGAIN.
 *
 * An answer to a message that is not due, or of another length, is nonsense:
 * -EPROTO, and the vGPU breaks.
 */
struct tranche_serve {
	__u32 flags;
	__u32 reserved;
	struct tranche_answer answer;
	struct tranche_message message;
};

#define TRANCHE_VGPU_SERVE _IOWR(0xb9, 0x11, struct tranche_serve)

#define TRANCHE_SEGMENT_WRITE (1U << 0)

/**
 * struct tranche_segment - one piece of guest memory
 * @iova: its address as the guest's device sees it
 * @address: of the caller's buffer
 * @length: bytes
 * @flags: TRANCHE_SEGMENT_WRITE to write guest memory, 0 to read it
 */
struct tranche_segment {
	__u64 iova;
	__u64 address;
	__u32 length;
	__u32 flags;
};

/**
 * struct tranche_dma - copy from or to guest memory
 * @gen: generation
 * @count: 1 to TRANCHE_SEGMENTS_MAX segments, TRANCHE_DMA_BYTES_MAX in total
 * @segments: address of the struct tranche_segment
 * @done: [out] segments copied whole, also on error; the copy goes in order and
 *	  stops at the first that fails
 * @reserved: zero
 *
 * -EFAULT: the guest has no memory there, or it may not be written.
 *
 * pread() and pwrite() on the descriptor copy one piece, at the file position
 * as IOVA, in the present generation.
 */
struct tranche_dma {
	__u32 gen;
	__u32 count;
	__u64 segments;
	__u32 done;
	__u32 reserved;
};

#define TRANCHE_VGPU_DMA _IOWR(0xb9, 0x12, struct tranche_dma)

/* Only a write of @value rings. */
#define TRANCHE_DOORBELL_MATCH (1U << 0)

/**
 * struct tranche_doorbell - turn writes of a register into eventfd signals
 * @region: index of a BAR
 * @length: 1, 2, 4 or 8: bytes of the write; 0 for any
 * @offset: in the region
 * @value: with TRANCHE_DOORBELL_MATCH
 * @flags: TRANCHE_DOORBELL_*
 * @fd: an eventfd to signal, or -1 to remove the doorbell that has the same
 *	other fields
 *
 * Such a write sends no message. Doorbells stay until they are removed or the
 * descriptor closes. -EEXIST: the doorbell is there. -ENOSPC: there are
 * TRANCHE_DOORBELLS_MAX.
 */
struct tranche_doorbell {
	__u32 region;
	__u32 length;
	__u64 offset;
	__u64 value;
	__u32 flags;
	__s32 fd;
};

#define TRANCHE_VGPU_DOORBELL _IOW(0xb9, 0x13, struct tranche_doorbell)

/* Raise the line; without it a message-signalled interrupt fires once. */
#define TRANCHE_IRQ_ASSERT (1U << 0)
/* Lower the line. */
#define TRANCHE_IRQ_DEASSERT (1U << 1)

/**
 * struct tranche_irq - interrupt the guest
 * @gen: generation
 * @index: VFIO_PCI_INTX_IRQ_INDEX, VFIO_PCI_MSI_IRQ_INDEX or
 *	   VFIO_PCI_MSIX_IRQ_INDEX
 * @vector: of that index
 * @flags: for INTx TRANCHE_IRQ_ASSERT or TRANCHE_IRQ_DEASSERT, else 0
 *
 * Returns 1 if the VMM was signalled, 0 if not: no eventfd stands behind the
 * vector, or the vector is masked and the interrupt pends.
 */
struct tranche_irq {
	__u32 gen;
	__u32 index;
	__u32 vector;
	__u32 flags;
};

#define TRANCHE_VGPU_IRQ _IOW(0xb9, 0x14, struct tranche_irq)

/* What stands behind a mapping. */
#define TRANCHE_MAP_PAGES 1 /* ordinary memory, pinned when first touched */
#define TRANCHE_MAP_PFN 2 /* a driver's memory, looked up again when it moves */

/**
 * struct tranche_map - show memory of the caller in the window
 * @gen: generation
 * @flags: zero
 * @offset: in the window
 * @length: bytes
 * @address: in the caller's address space: one mapping, shared and writable
 * @kind: [out] TRANCHE_MAP_PAGES or TRANCHE_MAP_PFN
 * @reserved: zero
 *
 * Everything is a multiple of the page size. Ordinary memory counts against
 * the caller's RLIMIT_MEMLOCK: -ENOMEM. -EEXIST: something is mapped there.
 * -EOPNOTSUPP: huge pages, see TRANCHE_FEATURE_HUGE_WINDOW. Where nothing is
 * mapped the window shows a page of zeros whose content nobody else sees.
 */
struct tranche_map {
	__u32 gen;
	__u32 flags;
	__u64 offset;
	__u64 length;
	__u64 address;
	__u32 kind;
	__u32 reserved;
};

#define TRANCHE_VGPU_MAP _IOWR(0xb9, 0x15, struct tranche_map)

/**
 * struct tranche_unmap - take a mapping out of the window
 * @gen: generation
 * @flags: zero
 * @offset: as it was mapped
 * @length: as it was mapped
 *
 * When it returns, neither guest nor VMM can reach the memory.
 * -ENOENT: no such mapping.
 */
struct tranche_unmap {
	__u32 gen;
	__u32 flags;
	__u64 offset;
	__u64 length;
};

#define TRANCHE_VGPU_UNMAP _IOW(0xb9, 0x16, struct tranche_unmap)

#endif /* _UAPI_TRANCHE_H */
