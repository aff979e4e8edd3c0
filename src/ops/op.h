/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations: each once, for HTTP and the command line alike.
 *
 * An operation is a row of ops.def: v1's path with named parameters, who may
 * call it, and a handler.  The handler reads what is published on the board and
 * answers at once, or asks an actor and answers when that one did.
 *
 * Everything here runs on the thread of the port it was made for.
 */
#ifndef ORC_OPS_OP_H
#define ORC_OPS_OP_H

#include <stdbool.h>
#include <stddef.h>

#include "actors/app.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"

struct ops;	/* what one port has under way */
struct op;	/* a row of ops.def */
struct op_call; /* one call of one operation */

enum op_flags {
	OP_WRITE = 1 << 0,   /* needs authorisation */
	OP_PROXIED = 1 << 1, /* raft followers pass it to the leader */
	OP_SAFE = 1 << 2,    /* changes nothing: HEAD may run it */
	OP_PLAN = 1 << 3,    /* carries out a plan: ?dry-run=true shows it */
};

/* Most calls one port has under way; more are answered "busy". */
enum { OPS_CALLS_MAX = 4096, OP_ARGS_MAX = 24 };

struct ops *ops_new(struct ctx *port_ctx, const struct app *app);
void ops_free(struct ops *ops);
/* Give it every message that the port receives. */
void ops_deliver(struct ops *ops, struct msg *m);
/*
 * Answer "timed out" to calls whose time is over: once a second or so while
 * ops_pending() > 0.
 */
void ops_expire(struct ops *ops);
/* Calls that are open, and abandoned ones whose actor has not answered yet. */
size_t ops_pending(const struct ops *ops);

/*
 * Find the operation of a raw (still percent-encoded) path below the URL prefix,
 * such as "/api/relocate/h/3306/b/3306": split first, then decode each segment,
 * so that %2F may stand in a value.  Aliases and one trailing slash are
 * accepted.  On success call has the path's parameters as arguments.
 * NULL: no such path.
 */
struct op_call *ops_open_path(struct ops *ops, const char *path, size_t len);
/* By v1's first words, for the command line: "begin-downtime". NULL: unknown. */
struct op_call *ops_open(struct ops *ops, const char *name);

const struct op *op_of(const struct op_call *call);
unsigned op_flags(const struct op *op);
const char *op_name(const struct op *op);

/*
 * Path and query, below /api/, of a call with these arguments; false: it has no
 * path.
 */
bool op_path(const struct op_call *call, struct buf *out);

/* Arguments: both are copied. A later one of the same name wins. */
void op_arg_set(struct op_call *call, const char *name, const char *value);
/* "a=1&b=2", decoded. */
void op_query_set(struct op_call *call, const char *query, size_t len);

/* Who calls; default: nobody in particular, not authorised. */
struct op_who {
	bool authorized;
	const char *user;      /* "" when unknown; copied */
	const char *client;    /* address, for the audit; copied */
};
void op_who_set(struct op_call *call, const struct op_who *who);
/* For /api/headers: name and value pairs, copied. */
void op_header_add(struct op_call *call, const char *name, size_t name_len,
    const char *value, size_t value_len);

struct op_reply {
	int status;		  /* HTTP */
	const char *content_type; /* static */
	const char *body;
	size_t len;
	int retry_after_s;	  /* > 0 with 503 */
	bool more;		  /* it goes on: ops_more() */
	size_t held; /* bytes kept until it was taken, in the end */
	const char *warning; /* done, but not all of it; NULL: nothing */
};

/*
 * Run it.  done is called exactly once, perhaps before ops_start() returns; the
 * reply lives until ops_close().
 */
void ops_start(struct op_call *call,
    void (*done)(void *arg, struct op_call *call, const struct op_reply *reply),
    void *arg);

/*
 * The next piece of a reply that goes on, in place of the last one, which is not
 * there any more.  At any time before ops_close(), or never.
 */
const struct op_reply *ops_more(struct op_call *call);
/* Such a reply as a whole; reply is the first piece. */
void ops_whole(struct op_call *call, const struct op_reply *reply,
    struct buf *out);

/*
 * Every opened call is closed once.  Closing one that is under way abandons it:
 * done will not be called, and it stays counted until its actor answers.
 */
void ops_close(struct op_call *call);

/*
 * Does this pair of an access token's public and secret part exist and still
 * hold?  Answered from what is published.
 */
bool ops_token_valid(struct ops *ops, const char *public_part,
    const char *secret);

/* The reference: one line per operation (orchestrator -x ops). */
void ops_manual(struct buf *b);

#endif
