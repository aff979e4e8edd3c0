/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the probe's own files: its statements, and the tables of what is read.
 */
#ifndef ORC_MYSQL_PROBE_IMPL_H
#define ORC_MYSQL_PROBE_IMPL_H

#include "mysql/probe.h"
#include "mysql/rows.h"

/* In the order in which they stand in a batch. */
enum statement {
	/* once for each connection */
	ASK_MAXSCALE,
	ASK_FIXED,
	ASK_RIGHTS,
	/* a binlog server, instead of settings */
	ASK_MAXSCALE_ID,
	ASK_MAXSCALE_UUID,
	/* every time; the two needed ones first */
	ASK_SETTINGS,
	ASK_REPLICA_STATUS,
	ASK_STATUS,
	ASK_OWN_POSITION,
	ASK_LIST_REPLICAS,
	ASK_PROCESS_LIST,
	ASK_GROUP,
	ASK_CREDENTIALS,
	ASK_NDB,
	/* the operator's, as enum probe_query */
	ASK_QUERY,
	STATEMENTS = ASK_QUERY + QUERIES,
};

enum {
	NEEDED = 1, /* without it the probe fails */
	QUIET = 2,  /* its failure is not worth a note */
};

struct statement_info {
	const char *name; /* "replica status"; the configuration key of a query */
	unsigned flags;
	int word;  /* enum word, or -1 */
	int grant; /* enum grant, or -1 */
	bool (*wanted)(struct probe *p);
	void (*text)(const struct probe *p, struct buf *b);
	void (*read)(struct probe *p, struct rows *r);
};

extern const struct statement_info statement_info[STATEMENTS];

static inline uint32_t
statement_bit(unsigned s)
{
	return UINT32_C(1) << s;
}

/* ---- probe_text.c ---- */

/* All statements of the batch, in one text. */
void probe_write_batch(const struct probe *p, struct buf *b);
/* A query that is not a plain SELECT may answer several times (CALL). */
bool probe_query_is_plain(const char *text);
#define PROBE_QUERY_END "orchestrator_end" /* column of what follows such a one */

/* ---- probe_read.c: result to facts ---- */

void read_maxscale(struct probe *p, struct rows *r);
void read_fixed(struct probe *p, struct rows *r);
void read_rights(struct probe *p, struct rows *r);
void read_maxscale_id(struct probe *p, struct rows *r);
void read_maxscale_uuid(struct probe *p, struct rows *r);
void read_settings(struct probe *p, struct rows *r);
void read_replica_status(struct probe *p, struct rows *r);
void read_status(struct probe *p, struct rows *r);
void read_own_position(struct probe *p, struct rows *r);
void read_list_replicas(struct probe *p, struct rows *r);
void read_process_list(struct probe *p, struct rows *r);
void read_group(struct probe *p, struct rows *r);
void read_credentials(struct probe *p, struct rows *r);
void read_ndb(struct probe *p, struct rows *r);
/* What an operator's query gave: its first value, NULL for none. */
void read_query(struct probe *p, enum probe_query q, const char *value);

/* ---- probe_memory.c ---- */

/* The answers to come are of another connection, maybe of another server. */
void probe_memory_restart(struct probe_memory *m);
/* The statement was not refused this time, or is not asked any more. */
void probe_drop_note(struct probe_memory *m, unsigned s);

/* ---- quick.c ---- */

/* This answer was complete: the next may be like it. */
void quick_keep(struct probe *p, struct bin answer);

/* ---- probe_plan.c ---- */

void probe_begin_fixed(struct probe *p);
void probe_begin_main(struct probe *p);
void probe_end_fixed(struct probe *p); /* goes on to MAIN */
void probe_end_main(struct probe *p);  /* OVER, or one batch more */
/* What comes next in todo[], from at on. */
void probe_next_batch(struct probe *p);
/* OVER, with this error. */
void probe_fail(struct probe *p, enum err_code code, const char *text);

/* Goes into notes; the text is copied. */
void probe_note(struct probe *p, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void probe_found(struct probe *p, enum found_kind kind, const char *host,
    uint32_t port, const char *user);

/* ---- probe_fields.c: named values to members ---- */

enum value_kind {
	V_STR,
	V_UINT,
	V_BOOL,	      /* 1, ON, YES, TRUE */
	V_NOT_OFF,    /* true for any text but 0, OFF, NO, FALSE, "" */
	V_STATE,      /* Yes, No, other: enum thread_state */
	V_NULLBOOL,
	V_SECONDS,    /* struct nullint, not negative */
	V_PORT,	      /* uint32_t */
	V_POS,	      /* int64_t */
	V_FILTER,     /* bool, set by any text */
};

struct field {
	const char *name;
	uint16_t offset; /* in struct probe_seen */
	uint8_t kind;
	uint8_t when; /* FIXED: does not change while a connection lasts */
};
enum { CHANGING, FIXED };

/* Sorted by name, letter case aside. */
extern const struct field variable_fields[];
extern const size_t variable_field_count; /* <= 64 */

const struct field *variable_field(const char *name);
const struct field *status_field(const char *name);	    /* SHOW STATUS */
const struct field *replication_field(const char *name);    /* replica status */
/* The names of status_field(), quoted, a comma between them. */
void status_names(struct buf *b);
/* value may be NULL: SQL NULL.  Texts are copied to a. */
void field_set(struct probe_seen *to, const struct field *f, const char *value,
    struct arena *a);

bool text_is_true(const char *s);
/* Seconds behind: NULL stays NULL, negative ones are 0. */
struct nullint seconds_of(const char *s);
/* What ReplicationLagQuery gave; false: that is no number. */
bool lag_of(const char *value, struct nullint *lag);

/* Tables are in order: for the test. */
bool fields_sorted(void);

#endif
