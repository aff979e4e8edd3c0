/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables under control.c: sorted, immutable, shared between versions.
 *
 * A table is an array of chunks of at most CHUNK_MAX rows; a change copies the
 * chunks it touches and counts a reference on the others, so that one row of a
 * hundred thousand costs some microseconds.  Chunks and tables are counted;
 * the counters are the pure layer's only atomics, since a version may be dropped
 * on any thread (a release pairs with the acquire of the last drop).
 *
 * NULL is the empty table.
 */
#ifndef ORC_TOPOLOGY_CONTROL_TABLE_H
#define ORC_TOPOLOGY_CONTROL_TABLE_H

#include "topology/control.h"

enum { CHUNK_MAX = 64, CHUNK_MIN = 16 };

struct table;

/* ---- rows, commands: structs described by columns ---- */

/* The state of a new row: strings "", RULE_NEUTRAL, KEY_NONE, 0. */
void row_init(const struct control_schema *s, void *row);
int row_cmp(const struct control_schema *s, const void *a, const void *b,
    unsigned columns);
bool row_equal(const struct control_schema *s, const void *a, const void *b);
void *row_copy(const struct control_schema *s, const void *row,
    struct arena *a);
/* INVALID names the column; keys must be valid ones. */
enum err_code row_check(const struct control_schema *s, const void *row,
    struct err *err);
/* INVALID: a time outside of what can be counted, a span over the longest. */
enum err_code row_check_times(const struct control_schema *s, const void *row,
    struct err *err);
void row_pack(struct buf *b, const struct control_schema *s, const void *row);
/*
 * Reads the values of count columns, at least the first; missing ones are as
 * row_init() left them, more are skipped.  Strings point into the cursor's
 * bytes, lists are in a.
 */
void row_unpack(struct pcur *c, const struct control_schema *s, size_t count,
    void *row, struct arena *a);

/* A value as people read it. */
void column_print(struct buf *b, enum control_column_kind kind, const void *p);

/* ---- tables ---- */

struct table *table_ref(struct table *t);
void table_unref(struct table *t);
size_t table_count(const struct table *t);
/* By the key columns of probe. */
const void *table_find(const struct table *t, const struct control_schema *s,
    const void *probe);

/* One change: a row to put (it replaces its like), or to take away. */
struct edit {
	const void *row;
	bool gone;
};

/*
 * The next version of a table.
 *
 * edits	sorted by key, no two alike; rows are copied
 * drop		called for each row that is there unless NULL; true: goes
 *		(an edit's row is put all the same)
 */
struct table *table_update(const struct table *old,
    const struct control_schema *s, const struct edit *edits, size_t n,
    bool (*drop)(void *arg, const void *row), void *arg);

/*
 * it stands at the first row whose key columns are not below probe's; probe
 * NULL: at the first.
 */
void table_seek(const struct table *t, const struct control_schema *s,
    const void *probe, struct control_iter *it);

void table_diff(const struct table *was, const struct table *is,
    const struct control_schema *s,
    void (*fn)(void *arg, const void *was_row, const void *is_row), void *arg);

/* ---- commands ---- */

enum command {
#define COMMAND(name, fields) COMMAND_##name,
#include "topology/control.def"
#undef COMMAND
	COMMANDS,
};

/* A command's struct: "at", then its fields. */
const struct control_schema *command_schema(enum command command);

/* The command's number, or COMMANDS; c stands at its first field then. */
enum command command_open(struct bin bytes, struct pcur *c, size_t *fields);

/* Room for any command. */
union any_command {
#define COMMAND(name, fields) struct command_##name name;
#include "topology/control.def"
#undef COMMAND
};

/* ---- a version ---- */

struct control {
	uint32_t refs; /* atomic */
	struct table *table[CONTROL_TABLES];
};

/* What an expire command does; c is still nobody else's. */
void control_expire(struct control *c, const struct command_expire *limits,
    struct buf *result);

/* Names of rows of CONTROL_setting. */
#define SETTING_RECOVERIES "global_recovery_disable"
#define SETTING_MAINTENANCE_ID "last_maintenance_id"

#endif
