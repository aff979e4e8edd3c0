/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running the program itself.
 */
#include "config.h"

#include <assert.h>
#include <stdio.h>
#include <sys/random.h>

#include "ops/order.h"

/* ---- configuration ---- */

static void
on_reloaded(struct op_call *c, const struct msg *m)
{
	const struct msg_root_reloaded *r = as_root_reloaded(m);

	if (r->code != ERR_NONE) {
		reply_error(c, "%s", r->error);
		return;
	}
	json_str(reply_ok(c, "Config reloaded"), op_arg(c, "config"));
	reply_end(c);
}

void
op_run_reload_configuration(struct op_call *c)
{
	op_ask(c, op_app(c)->root, root_reload, OP_LIMIT, on_reloaded,
	    .extra_file = op_arg(c, "config"));
}

void
op_run_reload_cluster_alias(struct op_call *c)
{
	reply_error(c, "This API call has been retired");
}

void
op_run_dump_config(struct op_call *c)
{
	struct buf text = { 0 };

	config_dump(view_config(c), &text);
	while (text.len > 0 && text.data[text.len - 1] == '\n')
		text.len--;
	json_raw(reply_raw(c), text.data, text.len);
	buf_fini(&text);
	reply_sent(c, 200);
}

/* ---- history ---- */

static void
on_snapshot(struct op_call *c, const struct msg *m)
{
	const struct msg_store_done *d = as_store_done(m);
	const mono_t *began = c->memo;
	double took = (double)mono_sub(act_now(op_ctx(c)), *began).us / 1e6;

	if (d->code != ERR_NONE) {
		reply_error(c, "%s", d->error);
		return;
	}
	json_str(reply_ok(c, "Topology Snapshot completed"),
	    arena_printf(&c->arena, "Took %.6fs", took));
	reply_end(c);
}

void
op_run_snapshot_topologies(struct op_call *c)
{
	mono_t *began = arena_alloc(&c->arena, sizeof(*began));

	*began = act_now(op_ctx(c));
	c->memo = began;
	op_ask(c, op_app(c)->store, store_history, OP_PROBE_LIMIT,
	    on_snapshot, );
}

/* ---- tokens ---- */

enum { TOKEN_BYTES = 32 };

/* From the system, not from act_random(): nobody may guess it. */
static const char *
random_hex(struct op_call *c)
{
	char *text = arena_alloc(&c->arena, 2 * TOKEN_BYTES + 1);
	unsigned char bytes[TOKEN_BYTES];
	ssize_t got = getrandom(bytes, sizeof(bytes), 0);

	assert(got == (ssize_t)sizeof(bytes)); /* whole up to 256 bytes */
	for (size_t i = 0; i < TOKEN_BYTES; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	return text;
}

static void
on_token(struct op_call *c, const struct msg *m)
{
	if (order_failed(c, m, NULL))
		return;
	json_str(reply_raw(c), c->memo);
	reply_sent(c, 200);
}

/* Command line only. */
void
op_run_access_token(struct op_call *c)
{
	const char *public = random_hex(c);
	const char *owner = op_arg(c, "owner");

	c->memo = arena_strdup(&c->arena, public);
	op_order(c, on_token, token_add, .public = public,
	    .secret = random_hex(c), .by = owner != NULL ? owner : c->user,
	    .reentrant = false);
}

static void
on_token_acquired(struct op_call *c, const struct msg *m)
{
	struct pcur cur;
	struct bin result;
	const char *secret;

	if (order_failed(c, m, &result))
		return;
	pcur_init(&cur, result.data, result.len);
	secret = pcur_cstr(&cur);
	if (!pcur_ok(&cur) || secret == NULL) {
		reply_error(c, "the token has no secret");
		return;
	}
	json_str(reply_raw(c), arena_printf(&c->arena, "%s:%s",
	    (const char *)c->memo, secret));
	reply_sent(c, 200);
}

/* The web listener only: it makes a cookie of it. */
void
op_run_acquire_token(struct op_call *c)
{
	const char *public = op_arg(c, "publicToken");

	c->memo = arena_strdup(&c->arena, public != NULL ? public : "");
	op_order(c, on_token_acquired, token_acquire, .public = c->memo,
	    .within = DUR_S((int64_t)view_config(c)
				->access_token_use_expiry_seconds));
}
