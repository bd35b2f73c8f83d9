/* SPDX-License-Identifier: MIT */
/*
 * Text on its way to a terminal. Names of VMs and programs were chosen by
 * others and may hold anything. Stateless.
 */
#ifndef TRANCHE_TEXT_H
#define TRANCHE_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* Enough for every text that the format functions make. */
#define TEXT_SIZE 32

/* text_clean - put ? in the place of bytes that would steer a terminal */
void text_clean(char *text);

/* text_width - columns of a UTF-8 text; what is no UTF-8 counts by bytes */
size_t text_width(const char *text);

/**
 * text_fit - the bytes of a text that fit
 * @text: UTF-8
 * @width: columns
 *
 * Return: how many bytes, at a border of characters.
 */
size_t text_fit(const char *text, size_t width);

/* text_percent - such as "20 %" or "12.5 %" */
const char *text_percent(char text[static TEXT_SIZE], double percent);

/* text_size - such as "512 MiB" */
const char *text_size(char text[static TEXT_SIZE], uint64_t bytes);

/* text_us - such as "1.2 ms" */
const char *text_us(char text[static TEXT_SIZE], uint64_t us);

/* text_size_short, text_us_short - the same in at most 6 columns: "2.8G" */
const char *text_size_short(char text[static TEXT_SIZE], uint64_t bytes);
const char *text_us_short(char text[static TEXT_SIZE], uint64_t us);

#endif
