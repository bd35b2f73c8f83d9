/* SPDX-License-Identifier: MIT */
/*
 * Lines for the journal, on standard error. What a guest can cause goes through
 * log_guest(), which lets few lines through, so that no guest fills a disk.
 *
 * Stateless but for that count. Locking: any thread.
 */
#ifndef DEVICE_LOG_H
#define DEVICE_LOG_H

/**
 * log_line - a line about this process itself
 * @format: as for printf, without a final newline
 */
void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

/**
 * log_guest - a line that a guest may have caused
 * @format: as for printf
 */
void log_guest(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
