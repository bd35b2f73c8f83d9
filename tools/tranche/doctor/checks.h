/* SPDX-License-Identifier: MIT */
/*
 * The checks of `tranche doctor`. Each looks at the host and adds its findings;
 * none changes anything. Stateless.
 */
#ifndef TRANCHE_DOCTOR_CHECKS_H
#define TRANCHE_DOCTOR_CHECKS_H

#include <systemd/sd-json.h>

#include "tools/tranche/doctor/report.h"

/* doctor_check_kernel - modules, KVM, IOMMU */
void doctor_check_kernel(struct doctor_report *report);

/* doctor_check_graphics - GPUs, their drivers, the renderer's version */
void doctor_check_graphics(struct doctor_report *report);

/**
 * doctor_check_broker - whether it runs, and how
 * @report: the report
 * @vgpus: gets what ListVgpus gave, to be unreferenced; NULL without a broker
 */
void doctor_check_broker(struct doctor_report *report, sd_json_variant **vgpus);

/**
 * doctor_check_leftovers - what stayed of vGPUs that are gone
 * @report: the report
 * @vgpus: those there are; NULL: nobody knows, nothing is judged
 */
void doctor_check_leftovers(struct doctor_report *report,
			    sd_json_variant *vgpus);

#endif
