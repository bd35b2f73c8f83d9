/* SPDX-License-Identifier: MIT */
/*
 * Which vGPU somebody means: by UUID, by the beginning of one that no other
 * has, or by its name. Stateless.
 */
#ifndef TRANCHE_NAMES_H
#define TRANCHE_NAMES_H

#include <systemd/sd-json.h>
#include <systemd/sd-varlink.h>

/**
 * names_find - look for it in a list
 * @vgpus: what ListVgpus gave
 * @word: what somebody typed
 *
 * The whole UUID wins over a name, a name over the beginning of a UUID.
 *
 * Return: the vGPU, borrowed from @vgpus, or NULL: told.
 */
sd_json_variant *names_find(sd_json_variant *vgpus, const char *word);

/**
 * names_resolve - ask the broker
 * @link: the connection
 * @word: what somebody typed
 * @vgpu: gets the vGPU, to be unreferenced
 *
 * Return: 0 or a negative errno; told.
 */
int names_resolve(sd_varlink *link, const char *word, sd_json_variant **vgpu);

#endif
