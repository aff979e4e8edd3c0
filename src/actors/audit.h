/* SPDX-License-Identifier: Apache-2.0 */
/* Audit entries as text, and syslog, whose LOG_ names clash with ours. */
#ifndef ORC_ACTORS_AUDIT_H
#define ORC_ACTORS_AUDIT_H

#include "base/buf.h"
#include "base/clock.h"

struct audit_entry {
	wall_t at;
	const char *type;
	const char *host; /* "" of no server */
	unsigned port;
	const char *cluster;
	const char *message;
};

/*
 * One line for AuditLogFile: local time, type, host, port, [cluster], message,
 * each followed by a TAB; control characters become blanks, so that it stays one
 * line.  With newline.
 */
void audit_line(struct buf *b, const struct audit_entry *e);

/* "auditType:T instance:K cluster:C message:M" */
void audit_text(struct buf *b, const struct audit_entry *e);

void audit_syslog(const char *text);

#endif
