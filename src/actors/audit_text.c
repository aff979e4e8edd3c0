/* SPDX-License-Identifier: Apache-2.0 */
/* Audit entries as text, and syslog; see audit.h. */
#include "config.h"

#include "actors/audit.h"

#include <stdbool.h>
#include <syslog.h>
#include <time.h>

/* A field's bytes; what would end a line or a field becomes a blank. */
static void
add_plain(struct buf *b, const char *text)
{
	for (const char *p = text; *p != '\0'; p++)
		buf_chr(b, (unsigned char)*p < 0x20 || *p == 0x7f ? ' ' : *p);
}

static void
add_local_time(struct buf *b, wall_t at)
{
	time_t seconds = (time_t)wall_seconds(at);
	char text[32];
	struct tm tm;

	if (localtime_r(&seconds, &tm) != NULL &&
	    strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm) > 0)
		buf_str(b, text);
}

void
audit_line(struct buf *b, const struct audit_entry *e)
{
	add_local_time(b, e->at);
	buf_chr(b, '\t');
	add_plain(b, e->type);
	buf_chr(b, '\t');
	add_plain(b, e->host);
	buf_printf(b, "\t%u\t[", e->port);
	add_plain(b, e->cluster);
	buf_str(b, "]\t");
	add_plain(b, e->message);
	buf_str(b, "\t\n");
}

void
audit_text(struct buf *b, const struct audit_entry *e)
{
	buf_str(b, "auditType:");
	add_plain(b, e->type);
	buf_str(b, " instance:");
	add_plain(b, e->host);
	buf_printf(b, ":%u cluster:", e->port);
	add_plain(b, e->cluster);
	buf_str(b, " message:");
	add_plain(b, e->message);
}

void
audit_syslog(const char *text)
{
	static bool open;

	if (!open)
		openlog("orchestrator", LOG_PID, LOG_DAEMON);
	open = true;
	syslog(LOG_INFO, "%s", text);
}
