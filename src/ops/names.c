/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host names: what they resolve to, and whether somebody answers there.
 */
#include "config.h"

#include "ops/view.h"

/* v1 counts in nanoseconds since 1970. */
void
op_run_hostname_resolve_cache(struct op_call *c)
{
	const struct names_snap *names = view_names(c);
	struct json *w = reply_ok(c, "Cache retrieved");

	json_obj(w);
	for (size_t i = 0; names != NULL && i < names->n; i++) {
		json_key(w, names->at[i].host);
		json_obj(w);
		json_kstr(w, "Object", names->at[i].resolved);
		json_kint(w, "Expiration", names->at[i].expires.us * 1000);
		json_end(w);
	}
	json_end(w);
	reply_end(c);
}

/* Command line only. */
void
op_run_resolve_hosts(struct op_call *c)
{
	const struct names_snap *names = view_names(c);
	struct json *w = reply_raw(c);

	json_arr(w);
	for (size_t i = 0; names != NULL && i < names->n; i++) {
		json_obj(w);
		json_kstr(w, "Host", names->at[i].host);
		json_kstr(w, "Name", names->at[i].resolved);
		json_end(w);
	}
	json_end(w);
	reply_sent(c, 200);
}

static void
on_reset(struct op_call *c, const struct msg *m)
{
	const struct msg_name_done *d = as_name_done(m);

	if (d->code != ERR_NONE)
		reply_error(c, "%s", d->error);
	else
		reply_done(c, "Hostname cache cleared");
}

void
op_run_reset_hostname_resolve_cache(struct op_call *c)
{
	op_ask(c, op_app(c)->names, name_reset, OP_LIMIT, on_reset, );
}

/* ---- resolve ---- */

static void
on_reached(struct op_call *c, const struct msg *m)
{
	const struct msg_reach_ran *r = as_reach_ran(m);
	struct key *key = c->memo;

	if (r->code != ERR_NONE) {
		reply_error(c, "%s", r->error);
		return;
	}
	view_key_json(reply_ok(c, "Instance resolved and reachable"), *key);
	reply_end(c);
}

static void
on_resolved(struct op_call *c, const struct msg *m)
{
	const struct msg_name_resolved *r = as_name_resolved(m);
	struct key *key = c->memo;

	if (r->code != ERR_NONE) {
		reply_error(c, "%s", r->error);
		return;
	}
	key->host = arena_strdup(&c->arena, r->name);
	op_ask(c, op_app(c)->resolver[0], reach_run, OP_LIMIT, on_reached,
	    .host = key->host, .port = key->port,
	    .limit_us = DUR_S(view_config(c)->mysql_connect_timeout_seconds)
		.us);
}

void
op_run_resolve(struct op_call *c)
{
	struct key *key = arena_alloc(&c->arena, sizeof(*key));

	if (!view_key_arg(c, "host", "port", key))
		return;
	c->memo = key;
	op_ask(c, op_app(c)->names, name_resolve, OP_LIMIT, on_resolved,
	    .host = key->host);
}
