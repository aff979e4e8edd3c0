/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Relocation of one replica by whatever method fits.
 * From: inst/instance_topology.go, 3.2.6, relocateBelowInternal; unlike there,
 * a method that is refused before anything was changed gives way to the next
 * one, and the refusal is told.
 */
#include "config.h"

#include "plan/make.h"

#include <string.h>

enum { WAY_BELOW = 1, WAY_EQUIVALENT, WAY_DEPTH_MAX = 3 };

struct way {
	struct making *m;
	const struct member *a, *b;
	const struct member *source; /* of a; NULL: not known */
	struct buf why; /* of the methods that do not do */
	struct err err; /* of the last one */
	bool fell; /* GTID would do, had nothing been lost */
	unsigned depth;
};

static enum err_code go(struct way *w);

/* The method does not do: remember why. */
static void
note(struct way *w, const char *method)
{
	if (w->why.len > 0)
		buf_str(&w->why, "; ");
	buf_printf(&w->why, "%s: %s", method, w->err.text);
}

/* A method that is not the one to be expected: say why. */
static void
warn_of_others(struct way *w)
{
	if (w->fell)
		plan_warn(w->m->p, "%.400s", buf_text(&w->why));
}

static enum err_code
repoint(struct way *w, enum gtid_hint hint, const char *method)
{
	enum err_code code = make_may_repoint(w->m, w->a, w->b, hint);

	if (code != ERR_NONE)
		return code;
	w->m->p->method = method;
	make_by_repoint(w->m, w->a, w->b, hint);
	return ERR_NONE;
}

/* a' = a below another source: how it is after the steps so far. */
static void
move_on_paper(struct way *w, const struct member *source)
{
	struct making *m = w->m;
	struct arena *a = &m->p->arena;
	struct world *world = arena_alloc(a, sizeof *world);
	const struct member **at = arena_alloc(a, m->w->n * sizeof *at);
	struct instance *in = arena_alloc(a, sizeof *in);
	struct member *moved = arena_alloc(a, sizeof *moved);

	*in = *w->a->in;
	in->source_key = source->in->key;
	*moved = *w->a;
	moved->in = in;
	*world = *m->w;
	for (size_t i = 0; i < world->n; i++)
		at[i] = m->w->at[i] == w->a ? moved : m->w->at[i];
	world->at = at;
	m->w = world;
	w->a = moved;
	w->source = source;
}

/* To the server above its source, at the same places: a binlog server's. */
static enum err_code
past_binlog_server(struct way *w)
{
	const struct member *above, *b = w->b;
	enum err_code code = make_source_of(w->m, w->source, &above);

	if (code != ERR_NONE)
		return code;
	w->b = above;
	code = repoint(w, GTID_DENY, "");
	if (code != ERR_NONE)
		return code;
	move_on_paper(w, above);
	w->b = b;
	return go(w);
}

/* To the server above b, and then to b at the same places. */
static enum err_code
below_binlog_server(struct way *w)
{
	const struct member *above, *b = w->b;
	enum err_code code;

	if (!world_is_fresh(w->m->w, b))
		return err_set(w->m->err, ERR_UNREACHABLE,
		    "the binlog server %s cannot be reached",
		    make_name(w->m, b->in->key));
	code = make_source_of(w->m, b, &above);
	if (code != ERR_NONE)
		return code;
	w->b = above;
	code = go(w);
	if (code != ERR_NONE)
		return code;
	if (w->m->p->stage != 0)
		return err_set(w->m->err, ERR_UNSUPPORTED, "%s can be moved "
		    "below %s by position only: do that first",
		    make_name(w->m, w->a->in->key),
		    make_name(w->m, above->in->key));
	move_on_paper(w, above);
	w->b = b;
	return repoint(w, GTID_DENY, "by binlog server");
}

/* false: none of these rules is about them. */
static bool
binlog_servers(struct way *w, enum err_code *code)
{
	bool from = w->source != NULL && make_is_bls(w->source);

	if (make_is_bls(w->b) && make_siblings(w->a, w->b))
		*code = repoint(w, GTID_NEUTRAL, "by binlog server");
	else if (from && make_is_source(w->b, w->source))
		*code = repoint(w, GTID_DENY, "by binlog server");
	else if (make_is_bls(w->b) && from && make_siblings(w->source, w->b))
		*code = repoint(w, GTID_DENY, "by binlog server");
	else if (make_is_bls(w->b))
		*code = below_binlog_server(w);
	else if (make_is_bls(w->a))
		*code = err_set(w->m->err, ERR_UNSUPPORTED,
		    "%s is a binlog server: it can only go where the log is "
		    "the one that it has", make_name(w->m, w->a->in->key));
	else
		return false;
	return true;
}

/* true: done, or refused for good, as code says. */
static bool
by_gtid(struct way *w, enum err_code *code)
{
	*code = make_may_gtid(w->m, w->a, w->b);
	if (*code == ERR_NONE) {
		w->m->p->method = "by GTID";
		make_by_gtid(w->m, w->a, w->b, GTID_FORCE);
		return true;
	}
	if (*code != ERR_NOT_FOUND && *code != ERR_UNSUPPORTED) {
		*w->m->err = w->err; /* they have diverged */
		return true;
	}
	w->fell = *code == ERR_NOT_FOUND;
	note(w, "not by GTID");
	return false;
}

static bool
by_match(struct way *w)
{
	if (make_may_marked(w->m, w->a, w->b) != ERR_NONE) {
		note(w, "not by Pseudo-GTID");
		return false;
	}
	warn_of_others(w);
	w->m->p->method = "by Pseudo-GTID";
	make_by_match(w->m, w->a, w->b);
	return true;
}

static enum err_code
may_below(struct way *w)
{
	enum err_code code = make_may_below(w->m, w->a, w->b);

	if (code == ERR_NONE && w->b->in->is_co_primary &&
	    !w->b->in->read_only)
		return err_set(w->m->err, ERR_INVALID,
		    "%s is a co-primary that is written to",
		    make_name(w->m, w->b->in->key));
	return code;
}

static bool
by_position(struct way *w)
{
	struct making *m = w->m;

	if (may_below(w) == ERR_NONE) {
		warn_of_others(w);
		m->p->method = "by file and position, as siblings";
		make_by_below(m, w->a, w->b);
		m->p->way = WAY_BELOW;
		m->p->stage = 1;
		return true;
	}
	if (w->source == NULL || !make_is_source(w->b, w->source)) {
		note(w, "not by position");
		return false;
	}
	if (make_may_up(m, w->a, w->source, w->b) != ERR_NONE) {
		note(w, "not by position");
		return false;
	}
	warn_of_others(w);
	m->p->method = "by file and position, one level up";
	make_by_up(m, w->a, w->source, w->b);
	return true;
}

/* Only one that stands still: a place that is left says nothing. */
static bool
by_equivalent(struct way *w)
{
	struct making quiet = *w->m;

	quiet.err = NULL;
	if (make_is_bls(w->a) || w->a->in->sql_state != THREAD_STOPPED ||
	    make_may_equivalent(&quiet, w->a, w->b) != ERR_NONE)
		return false;
	make_held(w->m, w->b);
	w->m->p->method = "at an equivalent place";
	make_by_equivalent(w->m, w->a);
	w->m->p->way = WAY_EQUIVALENT;
	return true;
}

/* The rules in their order. */
static enum err_code
go(struct way *w)
{
	struct err *err = w->m->err;
	enum err_code code = make_may_replicate(w->m, w->a, w->b);
	bool done;

	if (code != ERR_NONE)
		return code;
	if (w->depth++ > WAY_DEPTH_MAX)
		return err_set(err, ERR_UNSUPPORTED,
		    "too many binlog servers in a row");
	if (make_is_source(w->b, w->a))
		return repoint(w, GTID_NEUTRAL, "to its present source");
	if (by_equivalent(w))
		return ERR_NONE;
	if (binlog_servers(w, &code))
		return code;
	w->m->err = &w->err;
	done = by_gtid(w, &code);
	if (done && code != ERR_NONE)
		*err = w->err;
	if (!done) {
		code = ERR_NONE;
		done = by_match(w) || by_position(w);
	}
	w->m->err = err;
	if (done)
		return code;
	if (w->source != NULL && make_is_bls(w->source))
		return past_binlog_server(w);
	return err_set(err, ERR_UNSUPPORTED, "%s cannot be moved below %s: %s",
	    make_name(w->m, w->a->in->key), make_name(w->m, w->b->in->key),
	    buf_text(&w->why));
}

/* A group's primary does not follow its own group. */
static enum err_code
not_below_own_group(struct making *m, const struct member *a,
    const struct member *b)
{
	if (!instance_is_group_primary(a->in) ||
	    strcmp(a->in->group_name, b->in->group_name) != 0)
		return ERR_NONE;
	return err_set(m->err, ERR_INVALID, "%s is the primary of the "
	    "replication group %s, of which %s is a member",
	    make_name(m, a->in->key), a->in->group_name,
	    make_name(m, b->in->key));
}

enum err_code
make_relocate_one(struct making *m, const struct member *a,
    const struct member *b)
{
	enum err_code code = not_below_own_group(m, a, b);
	const struct world *world = m->w;
	struct way w = { m, a, b, world_find(m->w, a->in->source_key),
		{ 0 }, ERR_INIT, false, 0 };

	if (code == ERR_NONE)
		code = make_no_ring(m, a, b);
	if (code != ERR_NONE)
		return code;
	buf_init(&w.why);
	code = go(&w);
	buf_fini(&w.why);
	m->w = world;
	return code;
}

enum err_code
make_relocate(struct making *m)
{
	const struct member *a, *b;
	enum err_code code;

	if (m->stage == 1) {
		a = world_find(m->w, m->r->server);
		b = world_find(m->w, m->r->target);
		return m->p->way == WAY_EQUIVALENT ?
		    make_equivalent_rest(m, a, b) : make_below_rest(m, a, b);
	}
	m->p->title = plan_text(m->p, "relocate %s below %s",
	    make_name(m, m->r->server), make_name(m, m->r->target));
	if ((code = make_movable(m, m->r->server, &a)) != ERR_NONE ||
	    (code = make_fresh(m, m->r->target, &b)) != ERR_NONE)
		return code;
	return make_relocate_one(m, a, b);
}
