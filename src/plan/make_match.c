/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moves by markers (Pseudo-GTID), and replacing a source by one of its
 * replicas that is not behind any other.
 * From: inst/instance_topology.go, 3.2.6.
 */
#include "config.h"

#include "plan/make.h"

#include "topology/coord.h"
#include "topology/note.h"

/* ---- one ---- */

static enum err_code
match_below(struct making *m, const struct member *a, struct key target)
{
	const struct member *b;
	enum err_code code;

	m->p->title = plan_text(m->p, "match %s below %s",
	    make_name(m, a->in->key), make_name(m, target));
	if ((code = make_fresh(m, target, &b)) != ERR_NONE)
		return code;
	if (!make_is_source(b, a) &&
	    (code = make_no_ring(m, a, b)) != ERR_NONE)
		return code;
	if ((code = make_may_match(m, a, b)) != ERR_NONE)
		return code;
	m->p->method = "by Pseudo-GTID";
	make_by_match(m, a, b);
	return ERR_NONE;
}

enum err_code
make_match(struct making *m)
{
	const struct member *a;
	enum err_code code = make_movable(m, m->r->server, &a);

	return code != ERR_NONE ? code : match_below(m, a, m->r->target);
}

enum err_code
make_rematch(struct making *m)
{
	const struct member *a, *b;
	enum err_code code = make_movable(m, m->r->server, &a);

	if (code == ERR_NONE)
		code = make_source_of(m, a, &b);
	return code != ERR_NONE ? code : match_below(m, a, b->in->key);
}

/* Of a's source; INVALID when that is no replica. */
static enum err_code
above_source(struct making *m, const struct member *a,
    const struct member **source, const struct member **above)
{
	enum err_code code = make_source_of(m, a, source);

	if (code != ERR_NONE)
		return code;
	if (!instance_is_replica((*source)->in))
		return err_set(m->err, ERR_INVALID, "%s, the source of %s, "
		    "replicates from nobody", make_name(m, (*source)->in->key),
		    make_name(m, a->in->key));
	return make_source_of(m, *source, above);
}

enum err_code
make_match_up(struct making *m)
{
	const struct member *a, *source, *above;
	enum err_code code = make_movable(m, m->r->server, &a);

	if (code == ERR_NONE)
		code = above_source(m, a, &source, &above);
	return code != ERR_NONE ? code : match_below(m, a, above->in->key);
}

/* ---- many ---- */

/* One track; left out when it may not be. */
static void
match_one(struct making *m, const struct member *r, const struct member *b)
{
	struct making quiet = *m;
	struct err err = ERR_INIT;
	const struct member *found;

	quiet.err = &err;
	if (make_movable(&quiet, r->in->key, &found) != ERR_NONE ||
	    make_no_ring(&quiet, r, b) != ERR_NONE ||
	    make_may_match(&quiet, r, b) != ERR_NONE) {
		plan_leave_out(m->p, r->in->key, "%s", err.text);
		return;
	}
	make_track(&quiet, r);
	make_by_match(&quiet, r, b);
}

static enum err_code
match_list(struct making *m, const struct making_list *list,
    const struct member *b)
{
	if (list->n > 0 && !m->w->policy->pseudo_gtid)
		return make_may_match(m, list->at[0], b);
	for (size_t i = 0; i < list->n; i++)
		if (make_is_bls(list->at[i]))
			plan_leave_out(m->p, list->at[i]->in->key,
			    "a binlog server has no log of its own to match");
		else
			match_one(m, list->at[i], b);
	m->p->method = "by Pseudo-GTID";
	make_bulk(m, MAKE_BULK_MAX);
	if (m->p->steps == 0 && m->p->left_outs > 0)
		return err_set(m->err, ERR_INVALID, "no replica can be "
		    "matched: %.400s", m->p->left_out[0].why);
	return ERR_NONE;
}

static bool
same_log(const struct member *a, const struct member *b)
{
	return (make_is_bls(a) && make_is_source(b, a)) ||
	    (make_is_bls(b) && make_is_source(a, b)) ||
	    (make_is_bls(a) && make_is_bls(b) && make_siblings(a, b));
}

static enum err_code
match_replicas(struct making *m, const struct member *a,
    const struct member *b)
{
	struct making_list list;
	enum err_code code;

	m->p->title = plan_text(m->p, "match the replicas of %s below %s",
	    make_name(m, a->in->key), make_name(m, b->in->key));
	if (same_log(a, b)) {
		code = make_replicas(m, a, b, false, &list);
		return code != ERR_NONE ? code :
		    make_relocate_list(m, &list, a, b);
	}
	code = make_replicas(m, a, b, true, &list);
	return code != ERR_NONE ? code : match_list(m, &list, b);
}

enum err_code
make_match_replicas(struct making *m)
{
	const struct member *a, *b;
	enum err_code code;

	if ((code = make_known(m, m->r->server, &a)) != ERR_NONE ||
	    (code = make_fresh(m, m->r->target, &b)) != ERR_NONE)
		return code;
	return match_replicas(m, a, b);
}

enum err_code
make_match_up_replicas(struct making *m)
{
	const struct member *a, *b;
	enum err_code code;

	if ((code = make_known(m, m->r->server, &a)) != ERR_NONE ||
	    (code = make_source_of(m, a, &b)) != ERR_NONE ||
	    (code = make_fresh(m, b->in->key, &b)) != ERR_NONE)
		return code;
	return match_replicas(m, a, b);
}

/* ---- a replica in its source's place ---- */

/* Nobody may have executed more than a will have. */
static enum err_code
nobody_ahead(struct making *m, const struct member *a,
    const struct making_list *list)
{
	const struct coord *is = &a->in->exec_coord;
	char its[COORD_TEXT_MAX], mine[COORD_TEXT_MAX];
	const struct coord *reach = is;

	if (coord_comparable(is, &a->in->read_coord) &&
	    coord_cmp(&a->in->read_coord, is) > 0)
		reach = &a->in->read_coord;
	for (size_t i = 0; i < list->n; i++) {
		const struct coord *at = &list->at[i]->in->exec_coord;

		if (!coord_comparable(at, reach) || coord_cmp(at, reach) <= 0)
			continue;
		return err_set(m->err, ERR_INVALID, "%s is ahead: it executed "
		    "up to %.150s, and %s has only up to %.150s",
		    make_name(m, list->at[i]->in->key), coord_text(at, its),
		    make_name(m, a->in->key), coord_text(reach, mine));
	}
	return ERR_NONE;
}

/* By GTID, else by markers; what cannot be moved is left out. */
static void
below_one(struct making *m, const struct member *r, const struct member *a)
{
	struct making quiet = *m;
	struct err err = ERR_INIT;
	const struct member *found;

	quiet.err = &err;
	if (make_movable(&quiet, r->in->key, &found) != ERR_NONE ||
	    make_no_ring(&quiet, r, a) != ERR_NONE ||
	    make_may_replicate(&quiet, r, a) != ERR_NONE) {
		plan_leave_out(m->p, r->in->key, "%s", err.text);
		return;
	}
	make_track(&quiet, r);
	if (may_replicate_gtid(m->w, r, a, NULL, &err) == ERR_NONE)
		make_by_gtid(&quiet, r, a, GTID_FORCE);
	else if (make_may_match(&quiet, r, a) == ERR_NONE)
		make_by_match(&quiet, r, a);
	else
		plan_leave_out(m->p, r->in->key, "%s", err.text);
}

static void
siblings_below(struct making *m, const struct member *a,
    const struct making_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		below_one(m, list->at[i], a);
	make_bulk(m, MAKE_BULK_MAX);
}

/* make-local-master: a takes its source's replicas, below the one above. */
static enum err_code
local_rest(struct making *m, const struct member *a,
    const struct member *above, const struct making_list *list)
{
	enum err_code code = nobody_ahead(m, a, list);

	if (code != ERR_NONE)
		return code;
	if (make_may_gtid(m, a, above) == ERR_NONE) {
		m->p->method = "by GTID";
		make_by_gtid(m, a, above, GTID_FORCE);
	} else {
		if ((code = make_may_match(m, a, above)) != ERR_NONE)
			return code;
		m->p->method = "by Pseudo-GTID";
		make_by_match(m, a, above);
	}
	siblings_below(m, a, list);
	return ERR_NONE;
}

enum err_code
make_make_local_primary(struct making *m)
{
	const struct member *a, *source, *above;
	struct making_list list;
	enum err_code code;

	if ((code = make_movable(m, m->r->server, &a)) != ERR_NONE ||
	    (code = above_source(m, a, &source, &above)) != ERR_NONE ||
	    (code = make_fresh(m, above->in->key, &above)) != ERR_NONE ||
	    (code = make_replicas(m, source, a, false, &list)) != ERR_NONE ||
	    (code = make_may_replicate(m, a, above)) != ERR_NONE)
		return code;
	if (m->stage == 1)
		return local_rest(m, a, above, &list);
	m->p->title = plan_text(m->p, "make %s the local primary of the "
	    "replicas of %s, below %s", make_name(m, a->in->key),
	    make_name(m, source->in->key), make_name(m, above->in->key));
	if ((code = nobody_ahead(m, a, &list)) != ERR_NONE)
		return code;
	if (may_replicate_gtid(m->w, a, above, NULL, NULL) != ERR_NONE &&
	    (code = make_may_match(m, a, above)) != ERR_NONE)
		return code;
	for (size_t i = 0; i < list.n; i++)
		make_held(m, list.at[i]);
	make_held(m, above);
	make_step(m, (struct step){ .verb = DO_STOP_NICELY,
		.server = make_server(m, a),
		.to = make_named(m, source->in->key),
		.needs = MUST(SOURCE) | MUST(NOT_IN_GROUP),
		.limit = make_patience(m, a),
		.why = "it applies all that it received, and stands still" });
	m->p->stage = 1;
	return ERR_NONE;
}

/* make-master: its source is gone. */
static enum err_code
check_gone(struct making *m, const struct member *source)
{
	enum err_code code;

	if (instance_is_replica(source->in))
		return err_set(m->err, ERR_INVALID, "%s is no primary: it "
		    "replicates from %s", make_name(m, source->in->key),
		    make_name(m, source->in->source_key));
	code = need_check(NEED_UNREACHABLE, source, NULL, NULL, m->w, m->err);
	if (code != ERR_NONE)
		return err_wrap(m->err, "only a primary that is gone is "
		    "replaced like that (see graceful-master-takeover)");
	return ERR_NONE;
}

static enum err_code
primary_rest(struct making *m, const struct member *a,
    const struct making_list *list)
{
	unsigned sa = make_server(m, a);
	enum err_code code = nobody_ahead(m, a, list);

	if (code != ERR_NONE)
		return code;
	siblings_below(m, a, list);
	make_step(m, (struct step){ .verb = DO_WRITABLE, .server = sa,
		.to = PLAN_NOBODY, .why = "it is the primary now" });
	make_restore(m, sa, false);
	return ERR_NONE;
}

enum err_code
make_make_primary(struct making *m)
{
	const struct member *a, *source;
	struct making_list list;
	unsigned gone;
	enum err_code code;

	if ((code = make_movable(m, m->r->server, &a)) != ERR_NONE ||
	    (code = make_source_of(m, a, &source)) != ERR_NONE ||
	    (code = make_replicas(m, source, a, false, &list)) != ERR_NONE)
		return code;
	if (m->stage == 1)
		return primary_rest(m, a, &list);
	m->p->title = plan_text(m->p, "make %s the primary in place of %s",
	    make_name(m, a->in->key), make_name(m, source->in->key));
	m->p->method = "its siblings by GTID or Pseudo-GTID";
	if ((code = check_gone(m, source)) != ERR_NONE ||
	    (code = nobody_ahead(m, a, &list)) != ERR_NONE)
		return code;
	for (size_t i = 0; i < list.n; i++)
		make_held(m, list.at[i]);
	gone = make_named(m, source->in->key);
	make_step(m, (struct step){ .verb = DO_READ, .server = gone,
		.to = PLAN_NOBODY, .needs = MUST(UNREACHABLE),
		.why = "it must be gone" });
	make_step(m, (struct step){ .verb = DO_STOP_NICELY,
		.server = make_server(m, a), .to = gone,
		.needs = MUST(SOURCE) | MUST(NOT_IN_GROUP),
		.limit = make_patience(m, a),
		.why = "it applies all that it received" });
	m->p->stage = 1;
	return ERR_NONE;
}
