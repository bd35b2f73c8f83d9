/* SPDX-License-Identifier: MIT */
/*
 * Lines of the broker: to the journal with fields under systemd, else to
 * standard error.
 *
 * Stateless but for which of the two it is. Locking: any thread.
 */
#ifndef BROKER_LOG_H
#define BROKER_LOG_H

#include <stdarg.h>
#include <syslog.h>

/* log_init - find out where lines go */
void log_init(void);

/**
 * log_line - one line
 * @priority: LOG_ERR to LOG_DEBUG
 * @gpu: field GPU of the journal, or NULL
 * @uuid: field UUID of the journal, or NULL
 * @format: as for printf, without a final newline
 */
void log_line(int priority, const char *gpu, const char *uuid,
	      const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
