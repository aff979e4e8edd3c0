/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the handlers of operations use: a call's arguments, its reply, and asking
 * actors on its behalf.  Inside src/ops only.
 *
 * A handler answers exactly once, by one of the reply functions, either before
 * it returns or in the function that it left with op_ask().
 */
#ifndef ORC_OPS_CALL_H
#define ORC_OPS_CALL_H

#include "actors/messages.h"
#include "ops/op.h"

struct op {
	const char *name;  /* v1's first words */
	unsigned flags;	   /* enum op_flags */
	const char *group; /* as in the manual */
	const char *paths; /* below /api/ unless they begin with "/"; blanks part
			    * several */
	const char *help;
	void (*run)(struct op_call *c);
};

extern const struct op op_table[];
extern const size_t op_table_count;

#define OP(symbol, name, flags, group, paths, help) \
	void op_run_##symbol(struct op_call *c);
#include "ops/ops.def"
#undef OP

struct op_arg {
	const char *name;
	const char *value;
};

typedef void op_answer_fn(struct op_call *c, const struct msg *m);

struct op_call {
	struct ops *ops;
	const struct op *op;
	struct arena arena; /* lives as long as the call */
	struct op_arg arg[OP_ARGS_MAX];
	size_t args;
	bool authorized;
	const char *user;
	const char *client;
	struct op_arg *header; /* values in the order they came */
	size_t headers;
	void (*done)(void *arg, struct op_call *call,
	    const struct op_reply *reply);
	void *done_arg;
	enum { CALL_OPEN, CALL_RUNNING, CALL_WAITING, CALL_DONE } state;
	struct op_wait *wait; /* while CALL_WAITING */
	void *memo;	      /* a handler's own, between its parts */
	struct op_view {
		const struct config_shared *config;
		const struct control_shared *control;
		const struct names_snap *names;
		const struct directory_snap *directory;
		wall_t now; /* 0: nobody looked yet */
		const void **kept; /* counted references, in the arena */
		size_t kept_n, kept_max;
	} view; /* view.c: what the call looked at so far */
	struct buf body;
	struct json json; /* writes to body */
	struct op_reply reply;
	bool (*more)(struct op_call *c); /* see reply_pieces() */
	struct op_call *next; /* in the list of unused ones */
};

/* ---- the call ---- */

struct op_aliases;  /* cluster_view.c: which cluster has which alias */
struct op_rendered; /* rendered.c: answers of the present second */

struct ctx *op_ctx(const struct op_call *c);
struct op_aliases **op_aliases(const struct op_call *c); /* one per port */
struct op_rendered **op_rendered(const struct op_call *c); /* likewise */
const struct app *op_app(const struct op_call *c);
/* NULL when not given, or given empty. */
const char *op_arg(const struct op_call *c, const char *name);
/* ?dry-run of an operation that is a plan, so that nothing is to be changed. */
bool op_dry_run(const struct op_call *c);
/* It has one, or no such argument.  false: the error was answered. */
bool op_dry_run_fits(struct op_call *c);
/* A call without operation; dispatch.c keeps unused ones. */
struct op_call *call_new(struct ops *ops);
void call_free(struct op_call *c);
void call_recycle(struct op_call *c); /* as new, memory kept */

/* ---- asking actors ---- */

/*
 * Send the request packed in act_body() and go on in fn when its answer came.
 * A refusal and a passed deadline are answered by dispatch.c: fn is not called.
 */
void op_wait_for(struct op_call *c, addr_t to, uint16_t type, dur_t limit,
    op_answer_fn *fn);

#define op_ask(c, to, msg, limit, fn, ...) \
	(msg_pack_##msg(act_body(op_ctx(c)), \
	     &(struct msg_##msg){ __VA_ARGS__ }), \
	    op_wait_for((c), (to), MSG_##msg, (limit), (fn)))

/* Our patience; the actor that is asked keeps the same deadline. */
#define OP_LIMIT DUR_S(10)
#define OP_PROBE_LIMIT DUR_S(60)

/* ---- answering ---- */

/* A bare JSON value: write it to the result, then reply_sent(c, status). */
struct json *reply_raw(struct op_call *c);
void reply_sent(struct op_call *c, int status);

/*
 * The same, status 200, in pieces: write() adds the next one to the result, and
 * says whether another one follows.  It is called once now, then as the client
 * takes what there is.  held: bytes kept for the rest of it.
 */
void reply_pieces(struct op_call *c, bool (*write)(struct op_call *c),
    size_t held);

/* {"Code":"OK","Message":...,"Details": what is written to the result}; then
 * reply_end(). */
struct json *reply_ok(struct op_call *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* The same with Code ERROR and status 500, for errors with details. */
struct json *reply_bad(struct op_call *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void reply_end(struct op_call *c);

/* Details null, complete. */
void reply_done(struct op_call *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void reply_error(struct op_call *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* 503: may be tried again. */
void reply_busy(struct op_call *c, const char *what);

#endif
