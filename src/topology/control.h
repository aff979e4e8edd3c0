/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What operators said about servers and clusters: downtime, maintenance locks,
 * promotion rules, names, tags, pools, tokens, the recovery switch.
 *
 * A state machine: a version is immutable, a command makes the next one, and
 * the same commands in the same order give the same state everywhere.  Time is
 * in the command.  Versions share what did not change.
 *
 *	struct command_put_tag t = { .at = now, .key = k, .name = "role" };
 *	command_pack_put_tag(&b, &t);
 * or shorter
 *	command_pack(&b, put_tag, .at = now, .key = k, .name = "role");
 *	code = control_apply(old, (struct bin){ b.data, b.len }, &new, &res,
 *	    &err);
 *
 * From: db/generate_base.go and the *_dao.go of inst, 3.2.6.
 */
#ifndef ORC_TOPOLOGY_CONTROL_H
#define ORC_TOPOLOGY_CONTROL_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/pack.h"
#include "topology/key.h"
#include "topology/promotion.h"

/* Bounds: INVALID names the field, BUSY the table that is full. */
enum {
	CONTROL_ROWS_MAX = 200000, /* of one table */
	CONTROL_NAME_MAX = 255,	   /* bytes of a name, owner, alias, host */
	CONTROL_TEXT_MAX = 4096,   /* bytes of a reason or value */
	CONTROL_POOL_MAX = 20000,  /* members of one pool */
	CONTROL_DOWNTIME_S = 600,    /* when none was asked for */
	CONTROL_MAINTENANCE_S = 600, /* likewise */
	CONTROL_PSEUDO_GTID_S = 3600, /* life of an injected mark */
};
/* The longest span a command may ask for: about a hundred years. */
#define CONTROL_SPAN_MAX DUR_S(INT64_C(100) * 366 * 86400)

/* Reason of a downtime begun by a recovery (wire text). */
#define CONTROL_LOST_IN_RECOVERY "lost-in-recovery"

/* Strings are never NULL in rows; a NULL in a command counts as "". */
#define STR(f) const char *f;
#define TEXT(f) const char *f;
#define U64(f) uint64_t f;
#define BOOL(f) bool f;
#define TIME(f) wall_t f;
#define KEY(f) struct key f;
#define KEYS(f) struct keys f;
#define RULE(f) enum promotion_rule f;
#define DUR(f) dur_t f;
#define TABLE(name, nkeys, cols) \
	struct control_##name { \
		cols \
	};
#define COMMAND(name, fields) \
	struct command_##name { \
		wall_t at; \
		fields \
	}; \
	void command_pack_##name(struct buf *b, const struct command_##name *c);
#include "topology/control.def"
#undef TABLE
#undef COMMAND
#undef STR
#undef TEXT
#undef U64
#undef BOOL
#undef TIME
#undef KEY
#undef KEYS
#undef RULE
#undef DUR

#define command_pack(b, name, ...) \
	command_pack_##name((b), &(struct command_##name){ __VA_ARGS__ })

enum control_table {
#define TABLE(name, nkeys, cols) CONTROL_##name,
#include "topology/control.def"
#undef TABLE
	CONTROL_TABLES,
};

/* One version.  Counted; the counts may be dropped on any thread. */
struct control;

struct control *control_new(void); /* empty */
struct control *control_ref(const struct control *c);
void control_unref(const struct control *c); /* NULL is fine */

/* ---- changing ---- */

/*
 * Make the version that follows old.
 *
 * new	a reference for the caller: a new version, or old itself when the
 *	command changed nothing; NULL on error.
 * result	gets the command's result (see control.def), msgpack; may be NULL
 *
 * MALFORMED: not a command of this version; INVALID, EXISTS, NOT_FOUND, DENIED,
 * BUSY (a table is full): as the command says.  Cost: O(log rows) and a copy of
 * a few dozen rows; untag_all, expire and submit_pool look at a whole table.
 */
enum err_code control_apply(const struct control *old, struct bin command,
    struct control **new, struct buf *result, struct err *err);

/* "put_tag"; NULL when malformed.  Static. */
const char *command_name(struct bin command);

/*
 * For people: whom it is about, and the rest as "owner: ann, reason: disk".
 * false: malformed, or nothing to tell people (tokens, expire).
 *
 * key	KEY_NONE when it is about no server; points into command
 * cluster	"" when it names none; likewise
 */
bool command_describe(struct bin command, struct key *key,
    const char **cluster, struct buf *text);

/* Readers of results; false: not such a result. */
bool control_result_id(struct bin result, uint64_t *id); /* also counts */
bool control_result_keys(struct bin result, struct keys *keys, struct arena *a);
const char *control_result_text(struct bin result); /* NULL: none */

/* What expire dropped, one at a time. */
struct control_expired {
	enum control_table table;
	struct key key;	  /* KEY_NONE when it belongs to no server */
	const char *name; /* cluster, pool or host otherwise; "" */
};
struct pcur control_expired_begin(struct bin result);
bool control_expired_next(struct pcur *c, struct control_expired *e);

/*
 * When the next expire command (same limits) would have something to do;
 * unset: never.
 */
wall_t control_next_expiry(const struct control *c,
    const struct command_expire *limits);
/* Likewise of the rows only that are new in is, or other than in was. */
wall_t control_next_expiry_of(const struct control *was,
    const struct control *is, const struct command_expire *limits);

/* ---- reading: rows live as long as the version ---- */

/* NULL: none. */
const struct control_downtime *control_downtime(const struct control *c,
    struct key key);
const struct control_maintenance *control_maintenance(const struct control *c,
    struct key key);
const struct control_candidate *control_candidate(const struct control *c,
    struct key key);
enum promotion_rule control_rule(const struct control *c, struct key key);
/* NULL when there is none. */
const char *control_alias_override(const struct control *c,
    const char *cluster);
const char *control_cluster_of_alias(const struct control *c,
    const char *alias); /* of an override; looks at all of them */
const char *control_domain(const struct control *c, const char *cluster);
const char *control_tag(const struct control *c, struct key key,
    const char *name); /* its value */
const char *control_unresolve(const struct control *c, const char *host);
const struct control_attribute *control_attribute(const struct control *c,
    const char *host, const char *name);
wall_t control_pseudo_gtid(const struct control *c, const char *cluster);
/* The place on target that is pos of key's log file; NULL: not known. */
const struct control_equivalence *control_equivalent(const struct control *c,
    struct key key, const char *file, uint64_t pos, struct key target);
bool control_recoveries_disabled(const struct control *c);
/* The pair exists and is reentrant or younger than life; in constant time. */
bool control_token_valid(const struct control *c, const char *public,
    const char *secret, wall_t now, dur_t life);

/*
 * A tag condition: terms joined by commas, all of which must hold: name,
 * name=value, name= (empty value), ~name or !name (lacks it), ~name=value (has
 * it with another value).  A server without any tag lacks every name.
 */
enum err_code control_tags_match(const struct control *c, struct key key,
    const char *terms, bool *match, struct err *err);

/*
 * Rows in key order.
 *
 *	struct control_iter it;
 *	const struct control_tag *t;
 *	for (control_tags(c, key, &it); (t = control_next(&it)) != NULL;)
 */
struct control_iter {
	const void *table;
	const struct control_schema *schema;
	const void *like; /* ends where the first column differs from its */
	size_t chunk;
	size_t row;
};
void control_each(const struct control *c, enum control_table table,
    struct control_iter *it);
void control_tags(const struct control *c, struct key key,
    struct control_iter *it);
void control_pool(const struct control *c, const char *pool,
    struct control_iter *it);
/* The equivalences of a server's places. */
void control_equivalences(const struct control *c, struct key key,
    struct control_iter *it);
const void *control_next(struct control_iter *it);
size_t control_count(const struct control *c, enum control_table table);

/* ---- all of it ---- */

/* A snapshot: msgpack, the same bytes for the same state. */
void control_pack(struct buf *b, const struct control *c);
/* NULL and err when the bytes are not a snapshot. */
struct control *control_unpack(struct bin snapshot, struct err *err);

/* Tables walked generically (the store). */
enum control_column_kind {
	COLUMN_STR, COLUMN_TEXT, COLUMN_U64, COLUMN_BOOL, COLUMN_TIME,
	COLUMN_KEY, COLUMN_RULE,
	COLUMN_DUR, COLUMN_KEYS, /* in commands only */
};
struct control_column {
	const char *name;
	size_t offset; /* in struct control_TABLE */
	enum control_column_kind kind;
};
struct control_schema {
	const char *name;
	size_t size; /* of the struct */
	const struct control_column *columns;
	unsigned n;
	unsigned nkeys; /* leading ones that identify a row */
};
const struct control_schema *control_schema(enum control_table table);

/*
 * Rows that differ, in table and key order: was NULL: new; is NULL: gone.  Both
 * are struct control_TABLE.  Cheap for what two versions share.
 */
void control_diff(const struct control *was, const struct control *is,
    void (*fn)(void *arg, enum control_table table, const void *was_row,
	const void *is_row), void *arg);

/*
 * Rows in any order, for one who reads them from somewhere: then
 * control_build_end() gives the version (one reference).  Of two rows with one
 * key the later one stays.  INVALID: out of bounds; the row is left out.  Rows
 * are copied.
 */
struct control_build;
struct control_build *control_build_begin(void);
enum err_code control_build_row(struct control_build *b,
    enum control_table table, const void *row, struct err *err);
struct control *control_build_end(struct control_build *b);

#endif
