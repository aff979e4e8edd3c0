/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines to syslog; see syslog.h. */
#include "config.h"

#include "cli/syslog.h"

#include <stddef.h>

#include "base/log.h"

/* The system's names for levels are the same as ours, and hide them below. */
enum { OURS_INFO = LOG_INFO };

#include <syslog.h>

static void
to_both(void *arg, enum log_level level, const char *line)
{
	static const int priority[] = { LOG_ERR, LOG_WARNING, LOG_NOTICE,
		LOG_INFO, LOG_DEBUG };

	log_to_stderr(arg, level, line);
	if ((int)level <= OURS_INFO)
		syslog(priority[level], "%s", line);
}

void
syslog_start(void)
{
	openlog("orchestrator", LOG_PID, LOG_DAEMON);
	log_set_sink(to_both, NULL);
}
