/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A statement under way, for the files that answer statements.
 */
#ifndef ORC_T_MODEL_STMT_H
#define ORC_T_MODEL_STMT_H

#include "base/arena.h"
#include "model/lex.h"
#include "model/model.h"

enum { VALUE_MAX = 4096 };

struct stmt {
	struct model *m;
	struct model_server *s;
	struct model_session *ss;
	mono_t now;
	struct buf *out;
	struct model_result *res;
	struct arena *arena;
	const char *text; /* as it was sent */
	struct lex lex;	  /* behind the words that chose the handler */
	bool waits;	  /* it is to be asked again */
};

void stmt_fail(struct stmt *st, unsigned errnum, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void stmt_syntax(struct stmt *st); /* 1064 */
void stmt_put(struct stmt *st, const char *v);
void stmt_ok(struct stmt *st);
bool stmt_at_least(const struct stmt *st, unsigned major, unsigned minor,
    unsigned patch);
/* MySQL, from that version on. */
bool stmt_mysql(const struct stmt *st, unsigned major, unsigned minor,
    unsigned patch);
/* May this account change the server?  false: said so. */
bool stmt_may_change(struct stmt *st);

/* ---- variables.c ---- */
bool stmt_variable(const struct stmt *st, const char *name, char *out);
void stmt_show_variables(struct stmt *st);
void stmt_show_status(struct stmt *st);
void stmt_select_variables(struct stmt *st);
/* GTIDs of a set as text. */
void stmt_gtid_text(const struct stmt *st, const struct model_set *set,
    char *out, size_t size);
void stmt_pos_text(const struct model_gtid *pos, char *out, size_t size);
void stmt_current_pos(const struct model_server *s, struct model_gtid *pos);
/* false: malformed. */
bool stmt_gtid_set(const struct stmt *st, const char *text,
    struct model_set *out);
bool stmt_pos(const char *text, struct model_gtid *pos);

/* ---- status.c ---- */
void stmt_replica_status(struct stmt *st);
void stmt_slave_status(struct stmt *st);
void stmt_all_slaves_status(struct stmt *st);
void stmt_own_position(struct stmt *st);
void stmt_list_replicas(struct stmt *st);
void stmt_process_list(struct stmt *st);
void stmt_group_members(struct stmt *st);
void stmt_has_credentials(struct stmt *st);
void stmt_connection_configuration(struct stmt *st);

/* ---- change.c ---- */
void stmt_start(struct stmt *st);
void stmt_stop(struct stmt *st);
void stmt_change(struct stmt *st);
void stmt_reset_replica(struct stmt *st);
void stmt_reset_logs(struct stmt *st);

/* ---- setting.c ---- */
void stmt_set(struct stmt *st);
void stmt_begin(struct stmt *st);
void stmt_commit(struct stmt *st);
void stmt_rollback(struct stmt *st);
void stmt_drop_view(struct stmt *st);
void stmt_kill(struct stmt *st);

/* ---- select.c ---- */
void stmt_select(struct stmt *st);

/* ---- events.c ---- */
void stmt_binary_logs(struct stmt *st);
void stmt_binlog_events(struct stmt *st);
void stmt_relaylog_events(struct stmt *st);
void stmt_flush(struct stmt *st);
void stmt_purge(struct stmt *st);
void stmt_grants(struct stmt *st);

#endif
