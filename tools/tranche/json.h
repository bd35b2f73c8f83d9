/* SPDX-License-Identifier: MIT */
/*
 * Reading and printing what the broker answers. A field that is missing or of
 * another type reads as nothing: an older broker may not know it. Stateless.
 */
#ifndef TRANCHE_JSON_H
#define TRANCHE_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-json.h>

#define _json_ __attribute__((cleanup(sd_json_variant_unrefp)))

/* json_text - a string, or @missing */
const char *json_text(sd_json_variant *object, const char *key,
		      const char *missing);

/* json_number - a whole number that is not negative, or 0 */
uint64_t json_number(sd_json_variant *object, const char *key);

/* json_has - whether there is something but null */
bool json_has(sd_json_variant *object, const char *key);

double json_real(sd_json_variant *object, const char *key);
bool json_flag(sd_json_variant *object, const char *key);

/* json_array - an array, or NULL, which has no elements */
sd_json_variant *json_array(sd_json_variant *object, const char *key);

/**
 * json_print - to standard output: in lines for people on a terminal, else in
 * one line
 * @variant: what; NULL is printed as an empty array
 *
 * Return: an exit status.
 */
int json_print(sd_json_variant *variant);

/* json_print_line - in one line, and at once, for a stream */
int json_print_line(sd_json_variant *variant);

#endif
