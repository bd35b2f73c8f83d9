/* SPDX-License-Identifier: MIT */
/*
 * Writes ACPI machine language (ACPI 6.5 §20): the few terms that a DSDT of
 * this machine needs. Terms nest by aml_begin/aml_end pairs.
 *
 * A buffer that is too small is remembered and told by aml_overflow(); nothing
 * is ever written past it.
 *
 * Owner: the caller, on its stack. Locking: none.
 */
#ifndef VMM_AML_H
#define VMM_AML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AML_DEPTH 8

struct aml {
	uint8_t *data;
	size_t size;
	size_t len;
	size_t open[AML_DEPTH]; /* where each open term's length stands */
	unsigned int depth;
	bool overflow;
};

void aml_init(struct aml *aml, void *data, size_t size);

/* Terms with a length; each is ended by aml_end(). Names have 4 letters. */
void aml_scope(struct aml *aml, const char *path);
void aml_device(struct aml *aml, const char *name);
void aml_method(struct aml *aml, const char *name, unsigned int arguments);
void aml_package(struct aml *aml, unsigned int elements);
void aml_end(struct aml *aml);

/* What names and packages hold. */
void aml_name(struct aml *aml, const char *name);
void aml_integer(struct aml *aml, uint64_t value);
void aml_string(struct aml *aml, const char *text);
/* A compressed identifier such as "PNP0A08" (§19.3.4). */
void aml_eisa_id(struct aml *aml, const char *id);

/* A resource template (§6.4), between begin and end. */
void aml_resources_begin(struct aml *aml);
void aml_resources_end(struct aml *aml);
void aml_bus_numbers(struct aml *aml, uint16_t first, uint16_t last);
void aml_memory_window(struct aml *aml, uint64_t base, uint64_t size);
void aml_memory_fixed(struct aml *aml, uint32_t base, uint32_t size);
void aml_ports(struct aml *aml, uint16_t base, uint8_t count);
void aml_interrupt(struct aml *aml, uint32_t gsi, bool level);

/* Raw bytes, for what has no helper. */
void aml_bytes(struct aml *aml, const void *data, size_t len);

static inline bool aml_overflow(const struct aml *aml)
{
	return aml->overflow;
}

#endif
