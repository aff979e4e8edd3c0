/* SPDX-License-Identifier: Apache-2.0 */
/* Operations that are plans, up to where they are carried out; see move.h. */
#include "config.h"

#include "ops/move.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "actors/world_board.h"
#include "topology/coord.h"

/* ---- arguments ---- */

/* The server of two arguments; unset when neither is given. */
static bool
key_arg(struct op_call *c, const char *host, const char *port, struct key *key)
{
	struct key asked;

	*key = KEY_NONE;
	if (op_arg(c, host) == NULL && op_arg(c, port) == NULL)
		return true;
	if (!view_key_arg(c, host, port, &asked))
		return false;
	*key = key_dup(view_key_known(c, asked), &c->arena);
	return true;
}

static bool
number_arg(struct op_call *c, const char *name, int64_t *number)
{
	const char *text = op_arg(c, name);
	char *end;

	*number = 0;
	if (text == NULL)
		return true;
	errno = 0;
	*number = strtoll(text, &end, 10);
	if (*text >= '0' && *text <= '9' && *end == '\0' && errno == 0)
		return true;
	reply_error(c, "Invalid %s: %s", name, text);
	return false;
}

static bool
coord_arg(struct op_call *c, const char *name, struct coord *at)
{
	const char *text = op_arg(c, name);
	struct err err = ERR_INIT;

	*at = (struct coord){ .file = "" };
	if (text == NULL ||
	    coord_parse(at, text, &c->arena, &err) == ERR_NONE)
		return true;
	reply_error(c, "%s", err.text);
	return false;
}

static const char *
text_arg(const struct op_call *c, const char *name)
{
	const char *text = op_arg(c, name);

	return text != NULL ? text : "";
}

/* Those of every operation: which of them matter is the plan's affair. */
static bool
fill_request(struct op_call *c, const char *plan, struct plan_request *r)
{
	*r = (struct plan_request){ .op = plan, .user = "", .password = "" };
	r->pattern = text_arg(c, "pattern");
	r->text = text_arg(c, "logFile");
	r->force = strcmp(text_arg(c, "force"), "true") == 0;
	return key_arg(c, "host", "port", &r->server) &&
	    key_arg(c, "belowHost", "belowPort", &r->target) &&
	    coord_arg(c, "at", &r->at) &&
	    number_arg(c, op_arg(c, "seconds") != NULL ? "seconds" : "process",
		&r->number);
}

/* ---- the plan ---- */

static void
open_world(struct op_call *c, const struct plan_request *r,
    struct world_board *b)
{
	struct key key[2] = { r->server, r->target };

	world_board_open(b, op_ctx(c), key, 2);
}

static void
show_plan(struct op_call *c, const struct plan *p, bool words)
{
	struct json *w = reply_ok(c, "Plan: %zu steps, %s", p->steps, p->title);
	struct buf text = { 0 };

	if (words) {
		plan_words(p, &text);
		json_str(w, buf_text(&text));
	} else {
		plan_json(p, w);
	}
	buf_fini(&text);
	reply_end(c);
}

static void
dry_run(struct op_call *c, const struct move *v)
{
	bool words = strcmp(text_arg(c, "dry-run"), "words") == 0;
	struct err err = ERR_INIT;
	struct world_board b;
	struct plan p;

	open_world(c, &v->r, &b);
	plan_init(&p);
	if (plan_make_whole(&p, &v->r, &b.world, &err) == ERR_NONE)
		show_plan(c, &p, words);
	else
		reply_error(c, "%s", err.text);
	plan_fini(&p);
	world_board_close(&b);
}

static void
carry_out(struct op_call *c, const struct move *v)
{
	struct buf request = { 0 };

	plan_request_pack(&request, &v->r);
	op_ask(c, op_app(c)->moves, move_run, MOVE_LIMIT, op_move_answer,
	    .request = { (const uint8_t *)request.data, request.len },
	    .user = c->user, .client = c->client);
	buf_fini(&request);
}

static void
go_on(struct op_call *c)
{
	const struct move *v = c->memo;

	if (op_dry_run(c))
		dry_run(c, v);
	else if (op_app(c)->noop)
		reply_error(c, "noop: %s is not carried out", c->op->name);
	else
		carry_out(c, v);
}

/* ---- looking first ---- */

static bool
is_known(struct op_call *c, struct key key)
{
	struct found f;

	return view_find(c, key, &f);
}

static void look_next(struct op_call *c);

/*
 * Who cannot be reached now is judged by what is known; a name that nobody
 * knows must answer.
 */
static void
on_looked(struct op_call *c, const struct msg *m)
{
	const struct msg_server_probed *p = as_server_probed(m);
	struct move *v = c->memo;
	struct key asked = v->look[v->looked++], got;

	view_drop(c); /* it has changed */
	if (p->code != ERR_NONE && !is_known(c, asked)) {
		reply_error(c, "Cannot read instance: %s:%u: %s", asked.host,
		    asked.port, p->error);
		return;
	}
	got = p->code == ERR_NONE
	    ? key_dup((struct key){ p->host, p->port }, &c->arena) : asked;
	if (key_eq(asked, v->r.server))
		v->r.server = got;
	else if (key_eq(asked, v->r.target))
		v->r.target = got;
	look_next(c);
}

static void
look_next(struct op_call *c)
{
	struct move *v = c->memo;

	if (v->looked < v->looks)
		op_ask(c, op_app(c)->directory, server_probe, OP_PROBE_LIMIT,
		    on_looked, .host = v->look[v->looked].host,
		    .port = v->look[v->looked].port, .follow = false);
	else
		go_on(c);
}

/* Whom plans for this request look at: both, those above, and those beside. */
static bool
matters(const struct world *w, const struct plan_request *r,
    const struct instance *in)
{
	const struct member *server = world_find(w, r->server);
	const struct member *target = world_find(w, r->target);
	struct key above = server != NULL ? server->in->source_key : KEY_NONE;
	struct key below = target != NULL ? target->in->source_key : KEY_NONE;
	const struct member *top = world_find(w, above);

	return key_eq(in->key, r->server) || key_eq(in->key, r->target) ||
	    key_eq(in->key, above) || key_eq(in->key, below) ||
	    key_eq(in->source_key, r->server) ||
	    (!key_is_none(above) && key_eq(in->source_key, above)) ||
	    (top != NULL && key_eq(in->key, top->in->source_key));
}

/*
 * The two that the operation is about are looked at, unless they could not be
 * reached the last time.  A process of one command probes nobody by itself:
 * what it has of others may be old, too.
 */
static bool
is_to_be_looked_at(struct op_call *c, const struct world *w,
    const struct member *m)
{
	const struct plan_request *r = &((const struct move *)c->memo)->r;

	if (!op_app(c)->probe && !world_is_fresh(w, m))
		return matters(w, r, m->in);
	return !op_dry_run(c) && m->health.failures == 0 &&
	    (key_eq(m->in->key, r->server) || key_eq(m->in->key, r->target));
}

static void
look_at_known(struct op_call *c, struct move *v)
{
	struct world_board b;

	open_world(c, &v->r, &b);
	v->look = arena_alloc(&c->arena, (b.world.n + 2) * sizeof(*v->look));
	for (size_t i = 0; i < b.world.n; i++)
		if (is_to_be_looked_at(c, &b.world, b.world.at[i]))
			v->look[v->looks++] = key_dup(b.world.at[i]->in->key,
			    &c->arena);
	world_board_close(&b);
}

/* Names that nobody knows are probed for those who may change something. */
static bool
look_at_unknown(struct op_call *c, struct move *v)
{
	struct key key[] = { v->r.server, v->r.target };

	for (size_t i = 0; i < 2; i++) {
		if (key_is_none(key[i]) || is_known(c, key[i]))
			continue;
		if (!c->authorized || !key_valid(key[i])) {
			reply_error(c, "Cannot read instance: %s:%u",
			    key[i].host, key[i].port);
			return false;
		}
		v->look[v->looks++] = key[i];
	}
	return true;
}

void
op_move_begin(struct op_call *c, const struct move_form *form)
{
	struct move *v = arena_alloc(&c->arena, sizeof(*v));

	c->memo = v;
	v->form = form;
	if (!fill_request(c, form->plan, &v->r))
		return;
	if (key_is_none(v->r.server)) {
		reply_error(c, "Cannot read instance: %s:%s",
		    text_arg(c, "host"), text_arg(c, "port"));
		return;
	}
	look_at_known(c, v);
	if (look_at_unknown(c, v))
		look_next(c);
}

/* ---- the operations ---- */

enum {
#define MOVE(symbol, plan, details, message) FORM_##symbol,
#include "ops/moves.def"
#undef MOVE
};

static const struct move_form forms[] = {
#define MOVE(symbol, plan, details, message) \
	[FORM_##symbol] = { plan, DETAILS_##details, message },
#include "ops/moves.def"
#undef MOVE
};

#define MOVE(symbol, plan, details, message) \
	void op_run_##symbol(struct op_call *c) \
	{ \
		op_move_begin(c, &forms[FORM_##symbol]); \
	}
#include "ops/moves.def"
#undef MOVE
