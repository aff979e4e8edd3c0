/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moves that are asked for by name: up, below a sibling, to an equivalent
 * place, to a source at the same place; and detaching.  A replica that uses
 * GTID keeps it where the new source can do that, too.
 * From: inst/instance_topology.go, 3.2.6.
 */
#include "config.h"

#include "plan/make.h"

#include "topology/coord.h"

/* ---- up ---- */

static bool
keeps_gtid(const struct member *a, const struct member *b)
{
	return may_speak(a->in, b->in) != MAY_NO_GTID;
}

static enum err_code
by_own_gtid(struct making *m, const struct member *a, const struct member *b)
{
	enum err_code code = make_may_replicate(m, a, b);

	if (code == ERR_NONE)
		code = make_may_gtid(m, a, b);
	if (code != ERR_NONE) {
		err_wrap(m->err, "it uses GTID (relocate finds another way, if "
		    "there is one)");
		return code;
	}
	m->p->method = "by GTID, which it uses";
	make_by_gtid(m, a, b, GTID_NEUTRAL);
	return ERR_NONE;
}

/* Past a binlog server, whose log is its source's. */
static enum err_code
by_same_place(struct making *m, const struct member *a,
    const struct member *b, enum gtid_hint hint)
{
	enum err_code code = make_may_repoint(m, a, b, hint);

	if (code != ERR_NONE)
		return code;
	m->p->method = "at the same place";
	make_by_repoint(m, a, b, hint);
	return ERR_NONE;
}

enum err_code
make_move_up(struct making *m)
{
	const struct member *a, *source, *above;
	enum err_code code;

	m->p->title = plan_text(m->p, "move %s up",
	    make_name(m, m->r->server));
	if ((code = make_movable(m, m->r->server, &a)) != ERR_NONE ||
	    (code = make_source_of(m, a, &source)) != ERR_NONE ||
	    (code = make_replica(m, source->in->key, &source)) != ERR_NONE ||
	    (code = make_source_of(m, source, &above)) != ERR_NONE ||
	    (code = make_no_ring(m, a, above)) != ERR_NONE ||
	    (code = make_fresh(m, above->in->key, &above)) != ERR_NONE)
		return code;
	m->p->title = plan_text(m->p, "move %s up, from below %s to below %s",
	    make_name(m, a->in->key), make_name(m, source->in->key),
	    make_name(m, above->in->key));
	if (make_is_bls(source))
		return by_same_place(m, a, above, GTID_NEUTRAL);
	if (keeps_gtid(a, above))
		return by_own_gtid(m, a, above);
	if ((code = make_may_up(m, a, source, above)) != ERR_NONE)
		return code;
	m->p->method = "by file and position";
	make_by_up(m, a, source, above);
	return ERR_NONE;
}

/* ---- below a sibling ---- */

enum err_code
make_move_below(struct making *m)
{
	const struct member *a, *b;
	enum err_code code;

	if (m->stage == 1)
		return make_below_rest(m, world_find(m->w, m->r->server),
		    world_find(m->w, m->r->target));
	m->p->title = plan_text(m->p, "move %s below its sibling %s",
	    make_name(m, m->r->server), make_name(m, m->r->target));
	if ((code = make_movable(m, m->r->server, &a)) != ERR_NONE ||
	    (code = make_replica(m, m->r->target, &b)) != ERR_NONE)
		return code;
	if (!make_siblings(a, b))
		return make_may_below(m, a, b);
	if ((code = make_no_ring(m, a, b)) != ERR_NONE)
		return code;
	if (make_is_bls(b))
		return by_same_place(m, a, b, GTID_NEUTRAL);
	if (keeps_gtid(a, b))
		return by_own_gtid(m, a, b);
	if ((code = make_may_below(m, a, b)) != ERR_NONE)
		return code;
	m->p->method = "by file and position";
	make_by_below(m, a, b);
	m->p->stage = 1;
	return ERR_NONE;
}

/* ---- to an equivalent place ---- */

static enum err_code
find_equivalent(struct making *m, const struct member *a,
    const struct member *b, struct coord *at)
{
	const struct instance *in = a->in;
	char text[COORD_TEXT_MAX];

	if (!coord_is_none(&in->exec_coord) && m->w->equivalent != NULL &&
	    m->w->equivalent(m->w->equivalent_arg, in->source_key,
		&in->exec_coord, b->in->key, at))
		return ERR_NONE;
	return err_set(m->err, ERR_NOT_FOUND, "nothing is known to be "
	    "equivalent on %s to %.200s of %s", make_name(m, b->in->key),
	    coord_text(&in->exec_coord, text), make_name(m, in->source_key));
}

enum err_code
make_may_equivalent(struct making *m, const struct member *a,
    const struct member *b)
{
	struct coord at;

	return find_equivalent(m, a, b, &at);
}

void
make_by_equivalent(struct making *m, const struct member *a)
{
	make_stop(m, a, MUST(NOT_IN_GROUP), "so that it is known where it "
	    "stands");
	m->p->stage = 1;
}

enum err_code
make_equivalent_rest(struct making *m, const struct member *a,
    const struct member *b)
{
	unsigned sa = make_server(m, a), sb = make_held(m, b);
	struct coord at = { "", 0, false };
	enum err_code code = find_equivalent(m, a, b, &at);

	if (code != ERR_NONE)
		return code;
	make_step(m, (struct step){ .verb = DO_CHANGE_SOURCE, .server = sa,
		.to = sb, .at = { .kind = AT_GIVEN, .coord = at },
		.gtid = GTID_NEUTRAL,
		.needs = MUST(STOPPED) | MUST(MAY_REPLICATE),
		.why = "an earlier move showed that both places are the "
		       "same" });
	make_restore(m, sa, true);
	return ERR_NONE;
}

enum err_code
make_move_equivalent(struct making *m)
{
	const struct member *a, *b;
	enum err_code code;

	if (m->stage == 1)
		return make_equivalent_rest(m, world_find(m->w, m->r->server),
		    world_find(m->w, m->r->target));
	m->p->title = plan_text(m->p, "move %s below %s",
	    make_name(m, m->r->server), make_name(m, m->r->target));
	if ((code = make_movable(m, m->r->server, &a)) != ERR_NONE ||
	    (code = make_fresh(m, m->r->target, &b)) != ERR_NONE ||
	    (code = make_no_ring(m, a, b)) != ERR_NONE ||
	    (code = make_may_equivalent(m, a, b)) != ERR_NONE ||
	    (code = make_may_replicate(m, a, b)) != ERR_NONE)
		return code;
	m->p->method = "at an equivalent place";
	make_held(m, b);
	make_by_equivalent(m, a);
	return ERR_NONE;
}

/* ---- to a source, at the same place ---- */

/* The target; without one, the present source. */
static enum err_code
repoint_target(struct making *m, const struct member *a,
    const struct member **b)
{
	enum err_code code;

	if (key_is_none(m->r->target))
		code = make_source_of(m, a, b);
	else
		code = make_known(m, m->r->target, b);
	if (code != ERR_NONE)
		return code;
	return make_no_ring(m, a, *b);
}

static void
warn_of_place(struct making *m, const struct member *a,
    const struct member *b, enum gtid_hint hint)
{
	bool gtid = a->in->using_oracle_gtid || a->in->using_mariadb_gtid;

	if (make_is_source(b, a) || make_is_bls(b) ||
	    (gtid && hint != GTID_DENY))
		return;
	if (world_find(m->w, a->in->source_key) != NULL &&
	    make_is_bls(world_find(m->w, a->in->source_key)))
		return;
	plan_warn(m->p, "%s keeps its place, file and position, although %s "
	    "has a log of its own: right only when that has the same places",
	    make_name(m, a->in->key), make_name(m, b->in->key));
}

enum err_code
make_repoint_hinted(struct making *m, const struct member *a,
    const struct member *b, enum gtid_hint hint)
{
	enum err_code code = make_may_repoint(m, a, b, hint);

	if (code != ERR_NONE)
		return code;
	if (!world_is_fresh(m->w, b))
		plan_warn(m->p, "%s cannot be reached: %s will follow it when "
		    "it is back", make_name(m, b->in->key),
		    make_name(m, a->in->key));
	warn_of_place(m, a, b, hint);
	make_by_repoint(m, a, b, hint);
	return ERR_NONE;
}

enum err_code
make_repoint(struct making *m)
{
	const struct member *a, *b;
	enum err_code code;

	if ((code = make_movable(m, m->r->server, &a)) != ERR_NONE ||
	    (code = repoint_target(m, a, &b)) != ERR_NONE)
		return code;
	m->p->title = plan_text(m->p, "repoint %s to %s",
	    make_name(m, a->in->key), make_name(m, b->in->key));
	m->p->method = "at the same place";
	return make_repoint_hinted(m, a, b, GTID_NEUTRAL);
}

/* ---- no source, or an impossible one ---- */

enum err_code
make_reset_replica(struct making *m)
{
	const struct member *a;
	enum err_code code = make_fresh(m, m->r->server, &a);

	if (code == ERR_NONE && instance_is_replica(a->in))
		code = make_replica(m, m->r->server, &a);
	if (code != ERR_NONE)
		return code;
	m->p->title = plan_text(m->p, "make %s forget its source",
	    make_name(m, a->in->key));
	if (instance_is_replica(a->in))
		make_stop(m, a, MUST(NOT_IN_GROUP),
		    "so that its source can be forgotten");
	make_step(m, (struct step){ .verb = DO_RESET_REPLICA,
		.server = make_server(m, a), .to = PLAN_NOBODY,
		.needs = MUST(STOPPED), .why = "it is asked for" });
	return ERR_NONE;
}

static void
rename_source(struct making *m, const struct member *a, enum verb verb,
    const char *why)
{
	unsigned sa = make_server(m, a);

	make_stop(m, a, 0, "so that its source can be changed");
	make_step(m, (struct step){ .verb = verb, .server = sa,
		.to = PLAN_NOBODY, .needs = MUST(STOPPED),
		.at = { .kind = AT_EXECUTED_OF, .server = sa },
		.unresolved = true, .why = why });
	make_restore(m, sa, false);
}

enum err_code
make_detach(struct making *m)
{
	const struct member *a;
	enum err_code code = make_replica(m, m->r->server, &a);

	if (code != ERR_NONE)
		return code;
	if (key_is_detached(a->in->source_key))
		return err_set(m->err, ERR_INVALID,
		    "%s is detached already: its source reads %s",
		    make_name(m, a->in->key),
		    make_name(m, a->in->source_key));
	m->p->title = plan_text(m->p, "detach %s from %s",
	    make_name(m, a->in->key), make_name(m, a->in->source_key));
	rename_source(m, a, DO_DETACH, "it cannot connect to that name, and "
	    "the place that it has is kept");
	return ERR_NONE;
}

enum err_code
make_attach(struct making *m)
{
	const struct member *a;
	enum err_code code = make_replica(m, m->r->server, &a);

	if (code != ERR_NONE)
		return code;
	if (!key_is_detached(a->in->source_key))
		return err_set(m->err, ERR_INVALID,
		    "%s is not detached: its source is %s",
		    make_name(m, a->in->key),
		    make_name(m, a->in->source_key));
	m->p->title = plan_text(m->p, "reattach %s",
	    make_name(m, a->in->key));
	rename_source(m, a, DO_ATTACH, "it goes on where it was detached");
	return ERR_NONE;
}
