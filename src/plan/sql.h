/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statements of steps, for each flavour and version.  Pure text.
 *
 * What a change of source resets by itself was found out on MySQL 9.7 and
 * MariaDB 10.11: naming host or port resets the heartbeat period, to half of
 * the server's net timeout, and places in logs; all else of the channel stays.
 * On MariaDB a log file without a word on GTID means "by file from now on".
 */
#ifndef ORC_PLAN_SQL_H
#define ORC_PLAN_SQL_H

#include "plan/plan.h"

/*
 * A string as an SQL literal, quotes and all.  It ends where it should under
 * any sql_mode; its value is the text's, too, unless NO_BACKSLASH_ESCAPES is
 * set, which is why a session begins with sql_session().
 */
void sql_quote(struct buf *b, const char *text);

/*
 * For the first statement on a session: text as sql_quote() writes it, and no
 * wait for a lock for longer than that.
 */
void sql_session(struct buf *b, dur_t lock_wait);

/* Where to change to, worked out from plan_at. */
struct sql_source {
	struct key key;
	struct coord at; /* BY_FILE */
	enum sql_by {
		BY_FILE, BY_AUTO_POSITION, BY_REPLICA_POS, BY_CURRENT_POS,
	} by;
	const char *heartbeat; /* seconds, as the server says; "": unknown */
	bool gtid_only;	       /* MySQL: it was, so BY_FILE takes that away and
				* BY_AUTO_POSITION brings it back */
};

/* How the channel reads now, from the facts. */
enum sql_by sql_by_now(const struct instance *in);

/*
 * One statement that changes nothing of in's channel but the source: what
 * CHANGE would reset by itself on that version is restated.
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
/* The same for in's channel, where it has a name. */
void sql_threads(struct buf *b, const struct instance *in, enum sql_word w);

/*
 * Waits on the server, at most so long: one column, one row; 0 or more: reached,
 * -1 (GTID: 1 or -1): time over, NULL: the applier does not run.
 */
void sql_wait_coord(struct buf *b, const struct instance *in,
    const struct coord *at, int seconds);
void sql_wait_gtid(struct buf *b, const struct instance *in, const char *set,
    int seconds);

void sql_start_until(struct buf *b, const struct instance *in,
    const struct coord *at);
void sql_delay(struct buf *b, const struct instance *in, int64_t seconds);
/* What is NULL or "" stays as it is. */
struct sql_account {
	const char *user, *password;
	const char *ca, *cert, *key; /* files; they switch TLS on */
};
void sql_credentials(struct buf *b, const struct instance *in,
    const struct sql_account *a);
/* Which statement reads what the probe leaves out of the channel (MySQL): rows
 * of HEARTBEAT_INTERVAL, GTID_ONLY and more. */
void sql_channel(struct buf *b, const struct instance *in);
/* The names of the variables, as the server has them. */
const char *sql_semi_sync(const struct instance *in, bool source);
const char *sql_skip_counter(const struct instance *in);
/* Has super_read_only. */
bool sql_has_super(const struct instance *in);
bool sql_is_mariadb(const struct instance *in);

/*
 * What a step sends, as far as that is known before it runs: statements, each
 * ended by a NUL, to out; the value is their number.
 *
 * in	the server's facts
 * to	for CHANGE_SOURCE, DETACH and ATTACH
 * at	for START_UNTIL and WAIT_FOR; file "" when it is not known yet
 * account	for SET_CREDENTIALS
 */
struct sql_ask {
	const struct step *step;
	const struct instance *in;
	const struct sql_source *to;
	struct coord at;
	const struct sql_account *account;
	bool super; /* READ_ONLY with super_read_only */
};
size_t sql_step(struct buf *out, const struct sql_ask *ask);

#endif
