/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statements of steps, for each flavour and version.  Pure text.
 */
#ifndef ORC_PLAN_SQL_H
#define ORC_PLAN_SQL_H

#include "plan/plan.h"

/* A string as an SQL literal, quotes and all, safe under any sql_mode. */
void sql_quote(struct buf *b, const char *text);

/* Where to change to, worked out from plan_at. */
struct sql_source {
	struct key key;
	struct coord at; /* with none: by GTID */
	enum { BY_FILE, BY_AUTO_POSITION, BY_REPLICA_POS, BY_CURRENT_POS } by;
};

/*
 * One statement that changes nothing of in's channel but the source: what
 * CHANGE would reset by itself on that version is restated from in.
 */
void sql_change_source(struct buf *b, const struct instance *in,
    const struct sql_source *to);

/* Statements that take no arguments, by the server's version. */
enum sql_word {
	SQL_START, SQL_STOP, SQL_START_RECEIVER, SQL_STOP_RECEIVER,
	SQL_START_APPLIER, SQL_STOP_APPLIER, SQL_RESET_ALL, SQL_RESET,
	SQL_RESET_LOGS, SQL_STATUS, SQL_OWN_POSITION, SQL_LOGS, SQL_FLUSH,
	SQL_WORDS,
};
const char *sql_word(const struct instance *in, enum sql_word w);

#endif
