/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where log lines go.  Actors use act_log() (runtime/actor.h), which prefixes
 * actor and key; only main() and the runtime call these directly.
 */
#ifndef ORC_BASE_LOG_H
#define ORC_BASE_LOG_H

#include <stdarg.h>

enum log_level {
	LOG_ERROR,   /* someone must act */
	LOG_WARNING, /* someone may */
	LOG_NOTICE,  /* roles, leaders, failures changed */
	LOG_INFO,    /* normal life */
	LOG_DEBUG,   /* for us */
};

/* Gets each line that passes the level, without newline.  Thread-safe. */
typedef void log_sink_fn(void *arg, enum log_level level, const char *line);

/* Default: "YYYY-MM-DD HH:MM:SS LEVEL line" on stderr, level NOTICE. */
void log_set_sink(log_sink_fn *fn, void *arg); /* NULL: back to the default */
/* The default sink, for sinks that do more. */
void log_to_stderr(void *arg, enum log_level level, const char *line);
/*
 * A line that stays below what is logged, on a terminal: replaced by each next
 * one, taken away by "".  The caller knows that stderr is a terminal.
 */
enum { LOG_STATUS_MAX = 256 };
void log_status(const char *text);
void log_set_level(enum log_level level);
int log_enabled(enum log_level level);
void log_line(enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void log_vline(enum log_level level, const char *prefix, const char *fmt,
    va_list ap) __attribute__((format(printf, 3, 0)));
const char *log_level_name(enum log_level level); /* "ERROR" ... */

#endif
