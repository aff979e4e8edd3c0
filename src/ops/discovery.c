/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Getting to know servers, and forgetting them.
 */
#include "config.h"

#include <assert.h>

#include "ops/view.h"

/* ---- probing now ---- */

static bool
probe_failed(struct op_call *c, const struct msg_server_probed *p)
{
	if (p->code == ERR_NONE)
		return false;
	if (p->code == ERR_BUSY)
		reply_busy(c, "discovery");
	else
		reply_error(c, "%s:%u: %s", p->host, p->port, p->error);
	return true;
}

/*
 * The place of what was just read among the others as they are published: the
 * cluster itself works that out a moment later.
 */
static void
take_place(struct op_call *c, struct found *f, struct instance *in)
{
	struct instance *copy, **at;

	if (!view_find(c, in->key, f))
		return;
	copy = arena_alloc(&c->arena, f->snap->n * sizeof(*copy));
	at = arena_alloc(&c->arena, f->snap->n * sizeof(*at));
	for (size_t i = 0; i < f->snap->n; i++) {
		const struct member *m = &f->snap->members[i];

		copy[i] = m == f->m ? *in : *m->in;
		at[i] = &copy[i];
	}
	cluster_place(f->snap->name, at, f->snap->n, &c->arena);
	*in = copy[f->m - f->snap->members];
}

static void
fresh_json(struct op_call *c, struct json *w, struct bin facts)
{
	struct member fresh = { 0 };
	struct instance in, out;
	struct found f = { 0 };
	struct pcur cur;

	instance_init(&in);
	pcur_init(&cur, facts.data, facts.len);
	if (!instance_unpack(&cur, &in, &c->arena))
		assert(!"facts of our own");
	take_place(c, &f, &in);
	if (f.m != NULL)
		fresh.health = f.m->health;
	fresh.health.last_attempted = fresh.health.last_checked =
	    fresh.health.last_seen = view_now(c);
	fresh.health.error = "";
	fresh.in = &in;
	view_notes(c, &fresh, &out);
	instance_json(w, &out);
}

static void
on_discovered(struct op_call *c, const struct msg *m)
{
	const struct msg_server_probed *p = as_server_probed(m);

	if (probe_failed(c, p))
		return;
	if (p->facts.len == 0) { /* a filter says to leave it alone */
		reply_done(c, "No instances discovered: %s:%u is ignored",
		    p->host, p->port);
		return;
	}
	fresh_json(c, reply_ok(c, "Instance discovered: %s:%u", p->host,
			  p->port), p->facts);
	reply_end(c);
}

void
op_run_discover(struct op_call *c)
{
	struct key key;

	if (view_key_arg(c, "host", "port", &key))
		op_ask(c, op_app(c)->directory, server_probe, OP_PROBE_LIMIT,
		    on_discovered, .host = key.host, .port = key.port,
		    .follow = true);
}

void
op_run_async_discover(struct op_call *c)
{
	struct key key;

	if (!view_key_arg(c, "host", "port", &key))
		return;
	act_send(op_ctx(c), op_app(c)->directory, server_found,
	    .host = key.host, .port = key.port, .by = "api");
	reply_done(c, "Asynchronous discovery initiated for Instance: %s:%u",
	    key.host, key.port);
}

static void
on_refreshed(struct op_call *c, const struct msg *m)
{
	const struct msg_server_probed *p = as_server_probed(m);

	if (probe_failed(c, p))
		return;
	view_key_json(reply_ok(c, "Instance refreshed: %s:%u", p->host,
			  p->port), (struct key){ p->host, p->port });
	reply_end(c);
}

void
op_run_refresh(struct op_call *c)
{
	struct key key;

	if (!view_key_arg(c, "host", "port", &key))
		return;
	key = view_key_known(c, key);
	op_ask(c, op_app(c)->directory, server_probe, OP_PROBE_LIMIT,
	    on_refreshed, .host = key.host, .port = key.port, .follow = false);
}

/* ---- forgetting ---- */

static bool
forget_failed(struct op_call *c, const struct msg *m)
{
	const struct msg_server_forgotten *f = as_server_forgotten(m);

	if (f->code == ERR_NONE)
		return false;
	reply_error(c, "%s", f->error);
	return true;
}

static void
on_forgotten(struct op_call *c, const struct msg *m)
{
	struct key key;

	if (forget_failed(c, m) || !view_key_arg(c, "host", "port", &key))
		return;
	view_key_json(reply_ok(c, "Instance forgotten: %s:%u", key.host,
			  key.port), key);
	reply_end(c);
}

/* The name is taken as it stands: who forgets must name it exactly. */
void
op_run_forget(struct op_call *c)
{
	struct key key;

	if (view_key_arg(c, "host", "port", &key))
		op_ask(c, op_app(c)->directory, server_forget, OP_LIMIT,
		    on_forgotten, .host = key.host, .port = key.port);
}

static void
on_cluster_forgotten(struct op_call *c, const struct msg *m)
{
	if (!forget_failed(c, m))
		reply_done(c, "Cluster forgotten: %s",
		    (const char *)c->memo);
}

void
op_run_forget_cluster(struct op_call *c)
{
	const struct cluster_snap *snap = view_cluster_arg(c);

	if (snap == NULL)
		return;
	c->memo = arena_strdup(&c->arena, snap->name);
	op_ask(c, op_app(c)->directory, server_forget_cluster, OP_LIMIT,
	    on_cluster_forgotten, .cluster = snap->name);
}
