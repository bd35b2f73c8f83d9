/* SPDX-License-Identifier: MIT */
/*
 * A guest that runs loads: a VMM as a child process, with the fleet's image in
 * it, and its console on two pipes. The host itself can stand in the place of
 * a guest, by the same script without a VMM.
 *
 * States: GUEST_BOOTING -> GUEST_READY (takes jobs) -> GUEST_GONE (its process
 * has ended). A job: JOB_NONE -> JOB_STARTING -> JOB_RUNNING -> JOB_ENDED, and
 * again. What a job printed last is kept with it until it is started anew.
 *
 * Ownership: a guest owns its process and kills it with the guest; the process
 * dies with this program too. The event loop is the caller's; everything
 * happens within it. Locking: none, one thread.
 */
#ifndef TRANCHE_FLEET_GUEST_H
#define TRANCHE_FLEET_GUEST_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-event.h>
#include <systemd/sd-json.h>

#include "tools/tranche/fleet/console.h"

#define GUEST_TEXT 256

enum guest_kind {
	GUEST_TRANCHE_VMM,
	GUEST_QEMU,
	GUEST_HOST, /* no guest: the host itself */
};

/**
 * struct guest_config - what a guest is to be; not needed after guest_new()
 * @kind: which VMM
 * @name: for people
 * @kernel: path of the kernel
 * @image: descriptor of image_open()
 * @memory_mib: of the guest
 * @vgpu: UUID of its vGPU, or NULL
 * @gpu: PCI address of a GPU that is passed through, or NULL
 * @gl: QEMU's own virtio-gpu, on the host's GPU
 * @environment: for GUEST_HOST: more of it, NAME=VALUE, ending with NULL; or
 *		 NULL
 */
struct guest_config {
	enum guest_kind kind;
	const char *name;
	const char *kernel;
	int image;
	unsigned int memory_mib;
	const char *vgpu;
	const char *gpu;
	bool gl;
	const char *const *environment;
};

enum guest_state {
	GUEST_BOOTING,
	GUEST_READY,
	GUEST_GONE,
};

enum job_state {
	JOB_NONE,
	JOB_STARTING,
	JOB_RUNNING,
	JOB_ENDED,
};

/**
 * struct guest_job - what is known of a job
 * @state: of the job
 * @pid: in the guest, while it runs
 * @status: exit status, as a shell gives it, after the end
 * @calibration: what tranche-load printed of this type, or NULL
 * @computes: it has said so (tranche-load --count-on-signal), and not yet ended
 * @summary: of the load that ended last, or NULL
 * @summaries: how many there were
 * @error: the latest line that was no JSON
 */
struct guest_job {
	enum job_state state;
	pid_t pid;
	int status;
	sd_json_variant *calibration;
	bool computes;
	sd_json_variant *summary;
	unsigned int summaries;
	char error[GUEST_TEXT];
};

struct guest;

/**
 * guest_new - start it
 * @ret: receives the guest
 * @config: what it is to be
 * @event: the loop
 *
 * Return: 0 or a negative errno.
 */
int guest_new(struct guest **ret, const struct guest_config *config,
	      sd_event *event);

/* guest_free - end it at once, and wait until it has gone; NULL is fine */
void guest_free(struct guest *guest);

enum guest_state guest_state(const struct guest *guest);
const char *guest_name(const struct guest *guest);

/* guest_pid - of the VMM; 0 when it has gone */
pid_t guest_pid(const struct guest *guest);

/* guest_ending - how its process ended, such as "was killed by signal 9" */
const char *guest_ending(const struct guest *guest);

/* guest_words - the latest line of its console that was no job's */
const char *guest_words(const struct guest *guest);

/**
 * guest_job - look at a job
 * @guest: the guest
 * @job: 1 to CONSOLE_JOBS - 1
 *
 * Return: the job; valid as long as the guest.
 */
const struct guest_job *guest_job(const struct guest *guest, unsigned int job);

/**
 * guest_start - start a program in a ready guest
 * @guest: the guest
 * @job: which job it is to be; not one that runs
 * @format: the command, split at blanks; words with = in front are environment
 *
 * Return: 0; -EBUSY; -ENOTCONN: not ready; -E2BIG; -EAGAIN: the guest does not
 * read its console.
 */
__attribute__((format(printf, 3, 4))) int
guest_start(struct guest *guest, unsigned int job, const char *format, ...);

/**
 * guest_signal - send a signal to a job
 * @guest: the guest
 * @job: the job; one that does not run is left alone
 * @name: of the signal, such as TERM
 *
 * Return: 0; -EAGAIN: the guest does not read its console.
 */
int guest_signal(struct guest *guest, unsigned int job, const char *name);

/**
 * guest_hold - stop a guest's processors, or let them go on
 * @guest: the guest, which has a VMM
 * @hold: whether they are to stand
 *
 * A guest that idles still takes a processor's time with its timers.
 */
void guest_hold(struct guest *guest, bool hold);

/* guest_end - end all its jobs and power it off */
int guest_end(struct guest *guest);

#endif
