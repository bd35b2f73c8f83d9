/* SPDX-License-Identifier: MIT */
/*
 * Numbers with units, as people write and read them: sizes, durations, counts.
 * Pure functions without state; the C locale's decimal point is assumed.
 */
#ifndef TRANCHE_UNITS_H
#define TRANCHE_UNITS_H

#include <stddef.h>
#include <stdint.h>

#define NS_PER_US UINT64_C(1000)
#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S UINT64_C(1000000000)

/* The longest duration accepted: ten years. */
#define UNITS_DURATION_MAX (UINT64_C(3650) * 86400 * NS_PER_S)
/* Enough for every text that the format functions make. */
#define UNITS_TEXT 32

/**
 * units_parse_count() - read a whole number
 * @text: decimal, or hexadecimal after 0x; no sign, no blanks
 * @min: the least value accepted
 * @max: the largest value accepted
 * @valuep: where the value goes
 *
 * Return: 0; -EINVAL when @text is no number; -ERANGE when it is out of range.
 */
int units_parse_count(const char *text, uint64_t min, uint64_t max,
		      uint64_t *valuep);

/**
 * units_parse_size() - read an amount of memory
 * @text: a whole number, then nothing or one of K, M, G, T (times 1024 each),
 *        optionally followed by B or iB
 * @bytesp: where the bytes go
 *
 * Return: 0; -EINVAL when @text is no size; -ERANGE when it passes 2^63 bytes.
 */
int units_parse_size(const char *text, uint64_t *bytesp);

/**
 * units_parse_ms() - read milliseconds
 * @text: a decimal number such as 0.5
 * @nsp: where the nanoseconds go, rounded to the nearest
 *
 * Return: 0; -EINVAL when @text is no number or negative; -ERANGE above
 * %UNITS_DURATION_MAX.
 */
int units_parse_ms(const char *text, uint64_t *nsp);

/**
 * units_parse_duration() - read a duration
 * @text: a decimal number, then nothing (seconds) or one of ms, s, m, h, d
 * @nsp: where the nanoseconds go, rounded to the nearest
 *
 * Return: as units_parse_ms().
 */
int units_parse_duration(const char *text, uint64_t *nsp);

/**
 * units_format_size() - write an amount of memory for people
 * @text: where it goes, such as "1.5 GiB"
 * @bytes: the amount
 *
 * Return: @text.
 */
const char *units_format_size(char text[static UNITS_TEXT], uint64_t bytes);

/**
 * units_format_ns() - write a duration for people
 * @text: where it goes, such as "12.3 ms"
 * @ns: nanoseconds
 *
 * Return: @text.
 */
const char *units_format_ns(char text[static UNITS_TEXT], uint64_t ns);

/**
 * units_format_rate() - write a rate for people
 * @text: where it goes, such as "3.42 G"
 * @per_second: the rate, at least 0
 *
 * Return: @text, which ends in a decimal prefix (nothing, k, M, G, T) after a
 * blank, to be followed by the unit.
 */
const char *units_format_rate(char text[static UNITS_TEXT], double per_second);

/**
 * units_multiply() - a product that stays at the largest value, never wraps
 * @a: one factor
 * @b: the other
 *
 * Return: the product, or UINT64_MAX when it does not fit.
 */
uint64_t units_multiply(uint64_t a, uint64_t b);

#endif
