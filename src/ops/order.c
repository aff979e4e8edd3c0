/* SPDX-License-Identifier: Apache-2.0 */
/* Operations that give the control actor a command; see order.h. */
#include "config.h"

#include "ops/order.h"

#include <assert.h>

/* A call's memo between the parts of an order. */
struct order {
	struct key key;
	void (*fn)(struct op_call *c, struct key key);
};

void
order_send(struct op_call *c, struct buf *command, op_answer_fn *fn)
{
	op_ask(c, op_app(c)->control, control_run, OP_LIMIT, fn,
	    .command = { (const uint8_t *)command->data, command->len });
	buf_fini(command);
}

bool
order_failed(struct op_call *c, const struct msg *m, struct bin *result)
{
	const struct msg_control_ran *ran;

	assert(m->type == MSG_control_ran);
	ran = as_control_ran(m);
	if (result != NULL)
		*result = ran->result;
	if (ran->code == ERR_NONE)
		return false;
	reply_error(c, "%s", ran->error);
	return true;
}

static void
go_on(struct op_call *c, const char *host)
{
	struct order *o = c->memo;

	o->key = view_key_known(c,
	    (struct key){ arena_strdup(&c->arena, host), o->key.port });
	o->fn(c, o->key);
}

static void
on_resolved(struct op_call *c, const struct msg *m)
{
	const struct msg_name_resolved *r;

	assert(m->type == MSG_name_resolved);
	r = as_name_resolved(m);
	if (r->code != ERR_NONE)
		reply_error(c, "%s", r->error);
	else
		go_on(c, r->name);
}

void
order_with_key(struct op_call *c, void (*fn)(struct op_call *c, struct key key))
{
	struct order *o = arena_alloc(&c->arena, sizeof(*o));
	struct found f;
	struct key asked;

	if (!view_key_arg(c, "host", "port", &asked))
		return;
	c->memo = o;
	o->fn = fn;
	o->key = view_key_known(c, asked);
	if (view_find(c, o->key, &f)) {
		fn(c, o->key);
		return;
	}
	o->key = asked;
	op_ask(c, op_app(c)->names, name_resolve, OP_LIMIT, on_resolved,
	    .host = asked.host);
}

struct key
order_key(const struct op_call *c)
{
	const struct order *o = c->memo;

	return o->key;
}

void
order_key_done(struct op_call *c, const char *fmt, ...)
{
	struct buf text = { 0 };
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	view_key_json(reply_ok(c, "%s", buf_text(&text)), order_key(c));
	buf_fini(&text);
	reply_end(c);
}
