/* SPDX-License-Identifier: Apache-2.0 */
/* Where log lines go; see log.h. */
#include "config.h"

#include "base/log.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { LINE_MAX_BYTES = 2048 };

/* Set once before threads start; read by all afterwards. */
static enum log_level level_max = LOG_NOTICE;
static log_sink_fn *sink;
static void *sink_arg;
/* Guarded by the lock of stderr. */
static char status[LOG_STATUS_MAX];

#define LINE_CLEAR "\r\033[K"

const char *
log_level_name(enum log_level level)
{
	static const char *const name[] = { "ERROR", "WARNING", "NOTICE",
		"INFO", "DEBUG" };

	assert((unsigned)level < sizeof name / sizeof name[0]);
	return name[level];
}

void
log_set_sink(log_sink_fn *fn, void *arg)
{
	sink = fn;
	sink_arg = arg;
}

void
log_set_level(enum log_level level)
{
	level_max = level;
}

int
log_enabled(enum log_level level)
{
	return level <= level_max;
}

void
log_to_stderr(void *arg, enum log_level level, const char *line)
{
	time_t now = time(NULL);
	char when[32];
	struct tm tm;

	(void)arg;
	localtime_r(&now, &tm);
	strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", &tm);
	flockfile(stderr);
	fprintf(stderr, "%s%s %s %s\n%s", status[0] != '\0' ? LINE_CLEAR : "",
	    when, log_level_name(level), line, status);
	funlockfile(stderr);
}

void
log_status(const char *text)
{
	flockfile(stderr);
	if (strcmp(status, text) != 0) {
		snprintf(status, sizeof status, "%s", text);
		fprintf(stderr, LINE_CLEAR "%s", status);
	}
	funlockfile(stderr);
}

void
log_vline(enum log_level level, const char *prefix, const char *fmt,
    va_list ap)
{
	char line[LINE_MAX_BYTES];
	int n = 0;

	if (!log_enabled(level))
		return;
	if (prefix != NULL && prefix[0] != '\0')
		n = snprintf(line, sizeof line, "%s: ", prefix);
	if (n < 0 || (size_t)n >= sizeof line)
		n = 0;
	vsnprintf(line + n, sizeof line - (size_t)n, fmt, ap);
	/* Text from outside must not forge lines. */
	for (char *p = line; *p != '\0'; p++)
		if (*p == '\n' || *p == '\r')
			*p = ' ';
	if (sink != NULL)
		sink(sink_arg, level, line);
	else
		log_to_stderr(NULL, level, line);
}

void
log_line(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_vline(level, NULL, fmt, ap);
	va_end(ap);
}
