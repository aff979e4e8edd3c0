/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calls of one port: which are under way, whom they wait for, until when.
 *
 * A call waits for at most one answer at a time.  The record of that (struct
 * op_wait) outlives the call when it is closed or timed out before the answer
 * came: each request is answered exactly once, so records cannot pile up for
 * longer than the actors' own deadlines.
 */
#include "config.h"

#include "ops/call.h"

#include <assert.h>
#include <string.h>
#include <uthash.h>

#include "base/mem.h"
#include "ops/route.h"
#include "ops/view.h"

enum {
	CALLS_KEPT_MAX = 64,	     /* unused ones, for the next requests */
	CALL_BYTES_KEPT = 256 << 10, /* whose answer was not larger */
};

struct op_wait {
	uint32_t serial;
	struct op_call *call; /* NULL: abandoned */
	op_answer_fn *fn;
	mono_t deadline;
	uint16_t type; /* of the request */
	UT_hash_handle hh;
};

struct ops {
	struct ctx *ctx;
	const struct app *app;
	struct op_wait *waits; /* by serial */
	size_t opened;	       /* calls not closed yet */
	struct op_call *unused;
	size_t unused_count;
	struct op_aliases *aliases;
	struct op_rendered *rendered;
};

struct ops *
ops_new(struct ctx *port_ctx, const struct app *app)
{
	struct ops *ops = mem_zalloc(sizeof(*ops));

	ops->ctx = port_ctx;
	ops->app = app;
	return ops;
}

void
ops_free(struct ops *ops)
{
	struct op_wait *w, *next;

	assert(ops->opened == 0);
	HASH_ITER (hh, ops->waits, w, next) {
		HASH_DEL(ops->waits, w);
		mem_free(w);
	}
	while (ops->unused != NULL) {
		struct op_call *c = ops->unused;

		ops->unused = c->next;
		call_free(c);
	}
	view_aliases_free(ops->aliases);
	view_rendered_free(ops->rendered);
	mem_free(ops);
}

struct ctx *
op_ctx(const struct op_call *c)
{
	return c->ops->ctx;
}

const struct app *
op_app(const struct op_call *c)
{
	return c->ops->app;
}

struct op_aliases **
op_aliases(const struct op_call *c)
{
	return &c->ops->aliases;
}

struct op_rendered **
op_rendered(const struct op_call *c)
{
	return &c->ops->rendered;
}

size_t
ops_pending(const struct ops *ops)
{
	size_t running = 0;

	for (struct op_wait *w = ops->waits; w != NULL; w = w->hh.next)
		running += w->call == NULL;
	return ops->opened + running;
}

/* ---- opening and closing ---- */

static struct op_call *
open_call(struct ops *ops)
{
	struct op_call *c = ops->unused;

	if (c != NULL) {
		ops->unused = c->next;
		ops->unused_count--;
	} else {
		c = call_new(ops);
	}
	call_recycle(c);
	ops->opened++;
	return c;
}

static void
retire(struct op_call *c)
{
	struct ops *ops = c->ops;

	assert(ops->opened > 0);
	ops->opened--;
	view_drop(c);
	if (ops->unused_count == CALLS_KEPT_MAX ||
	    c->body.cap > CALL_BYTES_KEPT) {
		call_free(c);
		return;
	}
	c->next = ops->unused;
	ops->unused = c;
	ops->unused_count++;
}

struct op_call *
ops_open_path(struct ops *ops, const char *path, size_t len)
{
	struct op_call *c = open_call(ops);

	c->op = route_find(path, len, &c->arena, c->arg, &c->args);
	if (c->op != NULL)
		return c;
	retire(c);
	return NULL;
}

struct op_call *
ops_open(struct ops *ops, const char *name)
{
	for (size_t i = 0; i < op_table_count; i++) {
		if (strcmp(op_table[i].name, name) == 0) {
			struct op_call *c = open_call(ops);

			c->op = &op_table[i];
			return c;
		}
	}
	return NULL;
}

void
ops_close(struct op_call *c)
{
	if (c->wait != NULL) {
		c->wait->call = NULL;
		c->wait = NULL;
	}
	retire(c);
}

bool
ops_token_valid(struct ops *ops, const char *public_part, const char *secret)
{
	struct op_call *c = open_call(ops);
	int minutes = (int)view_config(c)->access_token_expiry_minutes;
	bool valid = control_token_valid(view_control(c), public_part, secret,
	    view_now(c), DUR_S((int64_t)minutes * 60));

	retire(c);
	return valid;
}

/* ---- running ---- */

void
ops_start(struct op_call *c,
    void (*done)(void *arg, struct op_call *call, const struct op_reply *reply),
    void *arg)
{
	assert(c->state == CALL_OPEN);
	c->state = CALL_RUNNING;
	c->done = done;
	c->done_arg = arg;
	if (!op_dry_run_fits(c))
		return;
	if ((c->op->flags & OP_WRITE) && !c->authorized && !op_dry_run(c))
		reply_error(c, "Unauthorized");
	else
		c->op->run(c);
}

void
op_wait_for(struct op_call *c, addr_t to, uint16_t type, dur_t limit,
    op_answer_fn *fn)
{
	struct ops *ops = c->ops;
	struct op_wait *w;

	assert(c->state == CALL_RUNNING);
	assert(c->wait == NULL);
	if (HASH_COUNT(ops->waits) >= OPS_CALLS_MAX) {
		buf_reset(act_body(ops->ctx));
		reply_busy(c, "this node");
		return;
	}
	w = mem_zalloc(sizeof(*w));
	w->serial = act_ask(ops->ctx, to, type, limit);
	w->call = c;
	w->fn = fn;
	w->type = type;
	w->deadline = mono_add(act_now(ops->ctx), limit);
	HASH_ADD(hh, ops->waits, serial, sizeof(w->serial), w);
	c->wait = w;
	c->state = CALL_WAITING;
}

static struct op_call *
end_wait(struct op_wait *w)
{
	struct op_call *c = w->call;

	w->call = NULL;
	if (c != NULL) {
		assert(c->state == CALL_WAITING);
		c->state = CALL_RUNNING;
		c->wait = NULL;
	}
	return c;
}

static void
on_refused(struct op_call *c, uint16_t type, const struct msg *m)
{
	if (sys_why(m) == REFUSED_BUSY)
		reply_busy(c, msg_name(type));
	else
		reply_error(c, "%s: this node is stopping", msg_name(type));
}

void
ops_deliver(struct ops *ops, struct msg *m)
{
	struct op_wait *w;
	struct op_call *c;
	op_answer_fn *fn;
	uint16_t type;

	HASH_FIND(hh, ops->waits, &m->serial, sizeof(m->serial), w);
	if (w == NULL)
		return; /* not an answer to one of ours */
	HASH_DEL(ops->waits, w);
	c = end_wait(w);
	fn = w->fn;
	type = w->type;
	mem_free(w);
	if (c == NULL)
		return; /* nobody waits for it any more */
	if (m->type == SYS_REFUSED)
		on_refused(c, type, m);
	else
		fn(c, m);
}

void
ops_expire(struct ops *ops)
{
	mono_t now = act_now(ops->ctx);
	struct op_wait *w, *next;

	HASH_ITER (hh, ops->waits, w, next) {
		struct op_call *c;

		if (w->call == NULL || w->deadline.us > now.us)
			continue;
		c = end_wait(w);
		reply_error(c, "%s: timed out", c->op->name);
	}
}
