/* SPDX-License-Identifier: MIT */
/*
 * One clear line for people: what is wrong and what to do about it. Whoever
 * finds the cause reports it; callers only pass the error on.
 */
#ifndef VMM_REPORT_H
#define VMM_REPORT_H

/**
 * report - print one line to standard error
 * @error: negative errno to pass on
 * @format: printf format without a final newline
 *
 * Return: @error.
 */
__attribute__((format(printf, 2, 3))) int report(int error, const char *format,
						 ...);

#endif
