/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known about one server: the struct, its msgpack and JSON forms, and
 * questions about it that need no other server.
 */
#ifndef ORC_TOPOLOGY_INSTANCE_H
#define ORC_TOPOLOGY_INSTANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/pack.h"
#include "topology/key.h"

/* A place in a binary or relay log.  Compared as numbers: coord.h. */
struct coord {
	const char *file; /* "" when unset */
	int64_t pos;
	bool relay; /* a relay log's own position */
};

struct nullint {
	int64_t v;
	bool valid; /* false: SQL NULL */
};

struct nullbool {
	bool v;
	bool valid;
};

struct strs {
	const char *const *at;
	size_t n;
};

enum thread_state { /* of a replication thread, as v1 numbers them */
	THREAD_NONE = -1,
	THREAD_STOPPED = 0,
	THREAD_RUNNING = 1,
	THREAD_OTHER = 2, /* connecting, preparing */
};

/* Strings are never NULL after instance_init(); all of it is borrowed. */
struct instance {
#define FIELD_STR(m) const char *m;
#define FIELD_UINT(m) uint64_t m;
#define FIELD_INT(m) int64_t m;
#define FIELD_BOOL(m) bool m;
#define FIELD_NULLINT(m) struct nullint m;
#define FIELD_NULLBOOL(m) struct nullbool m;
#define FIELD_COORD(m) struct coord m;
#define FIELD_KEY(m) struct key m;
#define FIELD_KEYS(m) struct keys m;
#define FIELD_STRS(m) struct strs m;
#define FIELD_OBJ(m)
#define FROM_FACT(kind, m) FIELD_##kind(m)
#define FROM_EXTRA(kind, m) FIELD_##kind(m)
#define FROM_PLACE(kind, m) FIELD_##kind(m)
#define FROM_NOTE(kind, m) FIELD_##kind(m)
#define FROM_COPY(kind, m)
#define F(kind, wire, m, column, from) FROM_##from(kind, m)
#include "topology/instance.def"
#undef F
};

enum field_kind {
	KIND_STR, KIND_UINT, KIND_INT, KIND_BOOL, KIND_NULLINT, KIND_NULLBOOL,
	KIND_COORD, KIND_KEY, KIND_KEYS, KIND_STRS, KIND_OBJ,
};

enum field_from { IS_FACT, IS_PLACE, IS_NOTE, IS_COPY, IS_EXTRA };

/* One row of instance.def, for code that walks the table (JSON, store). */
struct instance_field {
	const char *wire;   /* "" when v1 does not show it */
	const char *quoted; /* the same as a JSON key, with its colon */
	size_t quoted_len;
	const char *column; /* "" when not stored */
	size_t offset;	    /* in struct instance; KIND_OBJ: 0 */
	enum field_kind kind;
	enum field_from from;
};

extern const struct instance_field instance_fields[];
extern const size_t instance_field_count;

/* Part of the packed form, the digest and the store. */
static inline bool
instance_field_packed(const struct instance_field *f)
{
	return f->from == IS_FACT || f->from == IS_EXTRA;
}

/* Every string "", every state "no replication": all there is of a new name. */
void instance_init(struct instance *in);

/* FACT and EXTRA rows, as one msgpack array. */
void instance_pack(struct buf *b, const struct instance *in);

/*
 * The reverse.  Strings point into what the cursor reads; lists are in a.
 * Unknown trailing elements are skipped, missing ones keep instance_init()'s
 * value, so that versions can differ by a few rows at the end.
 * false: malformed.
 */
bool instance_unpack(struct pcur *c, struct instance *in, struct arena *a);

/* What in points at is copied into a, in one block. */
void instance_own(struct instance *in, struct arena *a);
/* A deep copy of everything into a. */
struct instance *instance_dup(const struct instance *in, struct arena *a);

/*
 * A digest over the FACT and EXTRA rows, without those that change by
 * themselves with time (uptime); equal digests mean "same as before".
 */
uint64_t instance_digest(const struct instance *in);

/*
 * The v1 object: all 102 members in order.  last_sql_error and last_io_error
 * hold the server's own text; the quotes v1 puts around them are made here.
 */
void instance_json(struct json *w, const struct instance *in);

/* v1's small types, for other answers. */
void key_json(struct json *w, struct key k);
void keys_json(struct json *w, struct keys ks);
void coord_json(struct json *w, const struct coord *c);

/* What follows from the facts alone (inst/instance.go, 3.2.6). */
bool instance_is_replica(const struct instance *in);
bool instance_is_running(const struct instance *in); /* both threads run */
bool instance_is_group_member(const struct instance *in);
bool instance_is_group_primary(const struct instance *in);
bool instance_is_group_secondary(const struct instance *in);
bool instance_is_primary(const struct instance *in); /* nothing above it */
bool instance_is_binlog_server(const struct instance *in);

#endif
