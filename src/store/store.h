/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is remembered over a restart: an SQLite file, WAL, one writing
 * connection and readers apart.  A connection belongs to one thread at a time.
 *
 * Memory is the truth while we run and this its journal: every function gives an
 * error instead of failing hard, and after any error the file is as it was
 * before the transaction.
 *
 * Errors: IO (cannot be read or written; the disk is full), BUSY (another
 * process writes for longer than five seconds), MALFORMED (not a database, or
 * damaged), UNSUPPORTED (of a newer program, or of another one), INVALID (a row
 * that cannot be stored; others can).  The text names the file.
 *
 * Times in the file are UTC as wall_rfc3339() writes them, "" when unset.
 */
#ifndef ORC_STORE_STORE_H
#define ORC_STORE_STORE_H

#include "topology/cluster.h"
#include "topology/control.h"

enum {
	STORE_BUSY_MS = 5000,	/* patience with another process */
	STORE_BATCH = 100,	/* rows of a transaction, about */
	STORE_TEXT_MAX = 64 << 20, /* bytes of one value */
};

struct store;

struct store_arg {
	const char *path; /* ":memory:" is one database for the process */
	bool migrate;	  /* make the file, or bring it up to date (writers) */
	bool readonly;	  /* the file must be there and up to date */
};

/*
 * With migrate a missing directory is made (0700), a missing file too (0600).
 */
enum err_code store_open(struct store **s, const struct store_arg *arg,
    struct err *err);
void store_close(struct store *s); /* NULL is fine */

/*
 * Writes belong into a transaction.  After a failed put other than INVALID roll
 * back: the transaction is void.
 */
enum err_code store_begin(struct store *s, struct err *err);
enum err_code store_commit(struct store *s, struct err *err);
void store_rollback(struct store *s); /* without one: nothing */

/* Move the WAL's content into the file and empty it; for idle moments. */
void store_checkpoint(struct store *s);

/* Did another connection commit since the last call?  The first: false. */
bool store_changed_outside(struct store *s);

/* ---- servers ---- */

typedef void store_instance_fn(void *arg, const struct instance *in,
    const struct health *h); /* borrowed for the call */

enum err_code store_load_instances(struct store *s, store_instance_fn *fn,
    void *arg, struct err *err);
/* One; NOT_FOUND. */
enum err_code store_load_instance(struct store *s, struct key key,
    store_instance_fn *fn, void *arg, struct err *err);
enum err_code store_each_key(struct store *s,
    void (*fn)(void *arg, struct key key), void *arg, struct err *err);
/* All columns of a server: a new row, or instead of its old one. */
enum err_code store_put_instance(struct store *s, const struct instance *in,
    const struct health *h, struct err *err);
/* The health columns of a row that is there; else nothing. */
enum err_code store_put_health(struct store *s, struct key key,
    const struct health *h, struct err *err);
/*
 * Who is well in the file, and was written less than STORE_PULSE_S before, was
 * checked and seen at this moment, whatever its row says: so one row a second
 * keeps all times fresh.  Whoever writes it writes rows of servers that fail, or
 * recover, at once.
 */
enum { STORE_PULSE_S = 120 };
enum err_code store_put_pulse(struct store *s, wall_t at, struct err *err);
/* What reading does to each row's health; 0: there was no pulse. */
void store_take_pulse(struct health *h, wall_t pulse);
enum err_code store_forget(struct store *s, struct key key, struct err *err);

/* ---- what operators say ---- */

/*
 * A new version, one reference.  Rows out of bounds (somebody edited them) are
 * left out: skipped counts them, err's text names the last one's trouble.
 */
enum err_code store_load_control(struct store *s, struct control **c,
    unsigned *skipped, struct err *err);
/* The rows that differ. */
enum err_code store_put_control(struct store *s, const struct control *was,
    const struct control *is, struct err *err);

/* ---- resolved names ---- */

typedef void store_name_fn(void *arg, const char *host, const char *name,
    wall_t at);

enum err_code store_load_names(struct store *s, store_name_fn *fn, void *arg,
    struct err *err);
enum err_code store_put_name(struct store *s, const char *host,
    const char *name, wall_t at, struct err *err);
enum err_code store_reset_names(struct store *s, struct err *err);
enum err_code store_purge_names(struct store *s, wall_t before,
    struct err *err);

/* ---- audit ---- */

struct audit_row {
	int64_t id; /* given by the store */
	wall_t at;
	const char *type;
	struct key key; /* KEY_NONE: of no server */
	const char *cluster;
	const char *message;
};

enum err_code store_put_audit(struct store *s, const struct audit_row *row,
    struct err *err);
/* Newest first; key KEY_NONE: of all servers. */
enum err_code store_read_audit(struct store *s, struct key key, uint32_t page,
    uint32_t page_rows, void (*fn)(void *arg, const struct audit_row *row),
    void *arg, struct err *err);
enum err_code store_purge_audit(struct store *s, wall_t before,
    struct err *err);

/* ---- history of topologies ---- */

struct history_row {
	wall_t at; /* of the snapshot */
	struct key key;
	struct key source;
	const char *cluster;
	const char *version;
};

enum err_code store_put_history(struct store *s, const struct history_row *row,
    struct err *err);
/* Times of snapshots, newest first, until fn gives false. */
enum err_code store_history_times(struct store *s,
    bool (*fn)(void *arg, wall_t at), void *arg, struct err *err);
/* One snapshot's rows of a cluster, by key, at most max. */
enum err_code store_read_history(struct store *s, wall_t at,
    const char *cluster, uint32_t max,
    void (*fn)(void *arg, const struct history_row *row), void *arg,
    struct err *err);

/* ---- what servers were analysed as ---- */

struct analysis_change {
	struct key key;
	wall_t at;
	const char *code; /* v1's name */
};

/*
 * A server's analysis is this one from then on.  Kept as a change when another
 * one is known; the first one ever is none, nor is the same again.
 */
enum err_code store_put_analysis(struct store *s,
    const struct analysis_change *row, struct err *err);
/* The latest max changes: by host and port, then oldest first. */
enum err_code store_read_analysis(struct store *s, uint32_t max,
    void (*fn)(void *arg, const struct analysis_change *row), void *arg,
    struct err *err);
/* Changes before that time, and what is known of forgotten servers. */
enum err_code store_purge_analysis(struct store *s, wall_t before,
    struct err *err);

/* ---- operations on servers that run ---- */

/* What undoing one needs (plan/run.h); no bytes: it is over. */
enum err_code store_put_move(struct store *s, const char *id, struct bin kept,
    struct err *err);
enum err_code store_load_moves(struct store *s,
    void (*fn)(void *arg, const char *id, struct bin kept), void *arg,
    struct err *err);

/* ---- failures that were detected ---- */

struct detection_row {
	int64_t id; /* given by the store */
	struct key key;
	wall_t at;
	wall_t active_until; /* FailureDetectionPeriodBlockMinutes later */
	bool actionable;     /* a recovery exists for it */
	const char *code;    /* v1's name */
	const char *cluster, *alias;
	uint32_t replica_count;
	const char *replicas; /* host:port by commas */
	const char *node, *token;
};

/* Nothing when one of that server, as actionable, is active at that time. */
enum err_code store_put_detection(struct store *s,
    const struct detection_row *row, struct err *err);

/* Which ones: of that id unless 0, else of that alias unless "", else all. */
struct detection_page {
	int64_t id;
	const char *alias;
	uint32_t page, rows; /* from 0; of a page */
};
/* Newest first. */
enum err_code store_read_detections(struct store *s,
    const struct detection_page *page,
    void (*fn)(void *arg, const struct detection_row *row), void *arg,
    struct err *err);
enum err_code store_purge_detections(struct store *s, wall_t before,
    struct err *err);

/* ---- who uses the file ---- */

struct node_row {
	const char *token; /* new at each start */
	const char *hostname;
	const char *command;
	const char *version;
	wall_t started;
};

/* Nodes started before "before" are dropped. */
enum err_code store_put_node(struct store *s, const struct node_row *row,
    wall_t before, struct err *err);

#endif
