/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many replicas at once: each on a track of its own, by the method that fits
 * it.  Who may not be moved is left out, with the reason, before anything is
 * tried; when nobody may, that is a refusal.
 * From: inst/instance_topology.go, 3.2.6; what is moved by different methods is
 * one list here.
 */
#include "config.h"

#include "plan/make.h"

#include <stdio.h>
#include <string.h>

#include "topology/coord.h"

/* ---- parts ---- */

/* On the list, and fit to be moved at all? */
static bool
fits(struct making *m, const struct member *a, const struct member *b)
{
	struct making quiet = *m;
	struct err err = ERR_INIT;
	const struct member *found;

	quiet.err = &err;
	if (make_movable(&quiet, a->in->key, &found) == ERR_NONE &&
	    make_no_ring(&quiet, a, b) == ERR_NONE)
		return true;
	plan_leave_out(m->p, a->in->key, "%s", err.text);
	return false;
}

/* Everybody was left out. */
static enum err_code
check_any(struct making *m, size_t wanted)
{
	const struct plan *p = m->p;

	if (p->steps > 0 || wanted == 0)
		return ERR_NONE;
	return err_set(m->err, ERR_INVALID,
	    "no replica can be moved%s: %.350s", wanted > 1 ? ", of several" :
	    "", p->left_outs > 0 ? p->left_out[0].why : "");
}

static unsigned
gtid_side_by_side(const struct making *m)
{
	unsigned n = m->w->policy->side_by_side;

	return n > 0 && n < MAKE_BULK_MAX ? n : MAKE_BULK_MAX;
}

static unsigned
gtid_or_more(const struct making *m, bool gtid)
{
	return gtid ? gtid_side_by_side(m) : MAKE_BULK_MAX;
}

static bool
uses_gtid(const struct member *a)
{
	return a->in->using_oracle_gtid || a->in->using_mariadb_gtid;
}

/* ---- all to the same place ---- */

static enum err_code
repoint_all(struct making *m, const struct making_list *list,
    const struct member *b, enum gtid_hint hint)
{
	struct making quiet = *m;
	struct err err = ERR_INIT;
	bool gtid = false;

	quiet.err = &err;
	for (size_t i = 0; i < list->n; i++) {
		const struct member *a = list->at[i];

		if (!fits(m, a, b))
			continue;
		make_track(&quiet, a);
		if (make_may_repoint(&quiet, a, b, hint) != ERR_NONE) {
			plan_leave_out(m->p, a->in->key, "%s", err.text);
			continue;
		}
		make_repoint_hinted(&quiet, a, b, hint);
		gtid |= uses_gtid(a);
	}
	m->p->method = "at the same place";
	make_bulk(m, gtid_or_more(m, gtid));
	return check_any(m, list->n);
}

enum err_code
make_repoint_replicas(struct making *m)
{
	const struct member *a, *b;
	struct making_list list;
	enum err_code code = make_known(m, m->r->server, &a);

	if (code != ERR_NONE)
		return code;
	b = a;
	if (!key_is_none(m->r->target) &&
	    (code = make_known(m, m->r->target, &b)) != ERR_NONE)
		return code;
	m->p->title = plan_text(m->p, "repoint the replicas of %s to %s",
	    make_name(m, a->in->key), make_name(m, b->in->key));
	if ((code = make_replicas(m, a, b, false, &list)) != ERR_NONE)
		return code;
	return repoint_all(m, &list, b, GTID_NEUTRAL);
}

/* ---- by GTID ---- */

enum err_code
make_move_replicas_gtid(struct making *m)
{
	struct making quiet = *m;
	struct err err = ERR_INIT;
	const struct member *a, *b;
	struct making_list list;
	enum err_code code;

	if ((code = make_known(m, m->r->server, &a)) != ERR_NONE ||
	    (code = make_fresh(m, m->r->target, &b)) != ERR_NONE ||
	    (code = make_replicas(m, a, b, true, &list)) != ERR_NONE)
		return code;
	m->p->title = plan_text(m->p, "move the replicas of %s below %s",
	    make_name(m, a->in->key), make_name(m, b->in->key));
	m->p->method = "by GTID";
	quiet.err = &err;
	for (size_t i = 0; i < list.n; i++) {
		const struct member *r = list.at[i];

		if (!fits(m, r, b))
			continue;
		if (make_may_replicate(&quiet, r, b) != ERR_NONE ||
		    make_may_gtid(&quiet, r, b) != ERR_NONE) {
			plan_leave_out(m->p, r->in->key, "%s", err.text);
			continue;
		}
		make_track(&quiet, r);
		make_by_gtid(&quiet, r, b, GTID_FORCE);
	}
	make_bulk(m, gtid_side_by_side(m));
	return check_any(m, list.n);
}

/* ---- up ---- */

/* Those who need their source to stand still. */
static bool
may_rise(struct making *m, const struct member *r, const struct member *above)
{
	struct making quiet = *m;
	struct err err = ERR_INIT;

	quiet.err = &err;
	if (make_may_replicate(&quiet, r, above) == ERR_NONE &&
	    make_can_move(&quiet, r) == ERR_NONE)
		return true;
	plan_leave_out(m->p, r->in->key, "%s", err.text);
	return false;
}

static void
rise(struct making *m, const struct member *r, unsigned sa, unsigned sg)
{
	unsigned sr = make_server(m, r);

	make_track(m, r);
	make_stop(m, r, MUST(NOT_IN_GROUP), "so that it can be brought to that "
	    "place");
	make_step(m, (struct step){ .verb = DO_START_UNTIL, .server = sr,
		.to = PLAN_NOBODY, .at = { .kind = AT_OWN_OF, .server = sa },
		.needs = MUST(STOPPED), .limit = make_patience(m, r),
		.why = "then it has executed what its source has" });
	make_step(m, (struct step){ .verb = DO_CHANGE_SOURCE, .server = sr,
		.to = sg, .at = { .kind = AT_EXECUTED_OF, .server = sa },
		.gtid = GTID_DENY, .unresolved = true,
		.needs = MUST(STOPPED) | MUST(MAY_REPLICATE),
		.why = "it goes on where its source stands" });
	make_restore(m, sr, true);
	make_trunk(m);
}

/* Appends for those of the list; the others are left out. */
static void
rise_all(struct making *m, const struct member *a, const struct member *above,
    struct making_list *list)
{
	unsigned sa, sg;
	size_t n = 0;

	for (size_t i = 0; i < list->n; i++)
		if (may_rise(m, list->at[i], above))
			list->at[n++] = list->at[i];
	list->n = n;
	if (n == 0)
		return;
	sa = make_held(m, a);
	sg = make_held(m, above);
	make_stop(m, a, MUST(LAG_OK), "so that its log stands still");
	for (size_t i = 0; i < n; i++)
		rise(m, list->at[i], sa, sg);
	make_restore(m, sa, false);
}

static enum err_code
move_all_up(struct making *m, const struct member *a,
    const struct member *above, const struct making_list *list)
{
	struct making_list rest = { arena_alloc(&m->p->arena,
	    (list->n + 1) * sizeof *rest.at), 0 };
	struct making quiet = *m;
	struct err err = ERR_INIT;
	enum err_code code;

	quiet.err = &err;
	for (size_t i = 0; i < list->n; i++) {
		const struct member *r = list->at[i];

		if (!fits(m, r, above))
			continue;
		if (may_speak(r->in, above->in) == MAY_NO_GTID) {
			rest.at[rest.n++] = r;
		} else if (make_may_replicate(&quiet, r, above) != ERR_NONE ||
		    make_may_gtid(&quiet, r, above) != ERR_NONE) {
			plan_leave_out(m->p, r->in->key, "%s", err.text);
		} else {
			make_track(m, r);
			make_by_gtid(m, r, above, GTID_NEUTRAL);
			make_trunk(m);
		}
	}
	if (rest.n > 0 && ((code = make_can_move(m, a)) != ERR_NONE ||
		(code = make_no_pair(m, a)) != ERR_NONE))
		return code;
	rise_all(m, a, above, &rest);
	m->p->method = rest.n > 0 ? "by file and position" :
	    "by GTID, which they use";
	make_bulk(m, gtid_or_more(m, rest.n < list->n));
	return check_any(m, list->n);
}

enum err_code
make_move_up_replicas(struct making *m)
{
	const struct member *a, *above;
	struct making_list list;
	enum err_code code;

	if ((code = make_replica(m, m->r->server, &a)) != ERR_NONE ||
	    (code = make_source_of(m, a, &above)) != ERR_NONE ||
	    (code = make_fresh(m, above->in->key, &above)) != ERR_NONE ||
	    (code = make_replicas(m, a, above, false, &list)) != ERR_NONE)
		return code;
	m->p->title = plan_text(m->p, "move the replicas of %s up, below %s",
	    make_name(m, a->in->key), make_name(m, above->in->key));
	if (make_is_bls(a))
		return repoint_all(m, &list, above, GTID_NEUTRAL);
	return move_all_up(m, a, above, &list);
}

/* ---- by whatever fits ---- */

struct lot {
	struct making *m;
	const struct member *a, *b; /* from below a to below b */
	struct making_list rest; /* neither by GTID nor by Pseudo-GTID */
	const char **why;	 /* of each of the rest */
	size_t gtid, matched;
};

/* To the binlog server beyond, after the server above it. */
static void
then_below(struct lot *l, const struct member *r, const struct member *bls)
{
	unsigned s = make_server(l->m, r), sb;

	if (bls == NULL)
		return;
	sb = make_held(l->m, bls);
	make_step(l->m, (struct step){ .verb = DO_STOP, .server = s,
		.to = PLAN_NOBODY, .needs = MUST(REPLICA),
		.why = "so that its source can be changed again" });
	make_step(l->m, (struct step){ .verb = DO_CHANGE_SOURCE, .server = s,
		.to = sb, .at = { .kind = AT_EXECUTED_OF, .server = s },
		.gtid = GTID_DENY, .needs = MUST(STOPPED) | MUST(NOT_AHEAD),
		.why = "a binlog server's log has the same places" });
	make_restore(l->m, s, true);
}

/* true: steps were appended, or it is left out for good. */
static bool
move_one(struct lot *l, const struct member *r, const struct member *bls,
    struct err *gtid, struct err *err)
{
	struct making *m = l->m;
	enum err_code code = make_may_replicate(m, r, l->b);

	if (code != ERR_NONE) {
		plan_leave_out(m->p, r->in->key, "%s", err->text);
		return true;
	}
	code = make_may_gtid(m, r, l->b);
	if (code == ERR_NONE) {
		make_track(m, r);
		make_by_gtid(m, r, l->b, GTID_FORCE);
		then_below(l, r, bls);
		l->gtid++;
		return true;
	}
	if (code != ERR_NOT_FOUND && code != ERR_UNSUPPORTED) {
		plan_leave_out(m->p, r->in->key, "%s", err->text);
		return true;
	}
	if (code == ERR_NOT_FOUND)
		plan_warn(m->p, "%s: not by GTID: %.300s",
		    make_name(m, r->in->key), err->text);
	*gtid = *err;
	if (make_may_marked(m, r, l->b) != ERR_NONE)
		return false;
	make_track(m, r);
	make_by_match(m, r, l->b);
	then_below(l, r, bls);
	l->matched++;
	return true;
}

static void
sort_out(struct lot *l, const struct making_list *list,
    const struct member *bls)
{
	struct making *m = l->m;
	struct err *was = m->err, err = ERR_INIT, gtid = ERR_INIT;

	m->err = &err;
	for (size_t i = 0; i < list->n; i++) {
		const struct member *r = list->at[i];

		make_trunk(m);
		if (!fits(m, r, l->b) || move_one(l, r, bls, &gtid, &err))
			continue;
		l->why[l->rest.n] = plan_text(m->p, "not by GTID: %s; not by "
		    "Pseudo-GTID: %s", gtid.text, err.text);
		l->rest.at[l->rest.n++] = r;
	}
	make_trunk(m);
	m->err = was;
}

static const char *
method_of(const struct lot *l)
{
	if (l->matched == 0)
		return l->gtid > 0 ? "by GTID" : "by file and position";
	return l->gtid > 0 ? "by GTID and by Pseudo-GTID" : "by Pseudo-GTID";
}

/* By position, where all stand in the same log. */
static enum err_code
rest_by_position(struct lot *l, const struct member *bls)
{
	struct making quiet = *l->m;
	struct err err = ERR_INIT;

	quiet.err = &err;
	if (l->rest.n == 0)
		return ERR_NONE;
	if (bls == NULL && make_is_source(l->b, l->a) &&
	    make_can_move(&quiet, l->a) == ERR_NONE &&
	    make_no_pair(&quiet, l->a) == ERR_NONE) {
		rise_all(l->m, l->a, l->b, &l->rest);
		return ERR_NONE;
	}
	if (bls == NULL && make_is_source(l->a, l->b))
		return make_below_lot(l->m, &l->rest, l->b);
	for (size_t i = 0; i < l->rest.n; i++)
		plan_leave_out(l->m->p, l->rest.at[i]->in->key, "%s%s%s",
		    l->why[i], err.text[0] != '\0' ? "; not by position: " : "",
		    err.text);
	return ERR_NONE;
}

static enum err_code
move_lot(struct making *m, const struct making_list *list,
    const struct member *a, const struct member *b, const struct member *bls)
{
	struct lot l = { .m = m, .a = a, .b = b };
	enum err_code code;

	l.rest.at = arena_alloc(&m->p->arena,
	    (list->n + 1) * sizeof *l.rest.at);
	l.why = arena_alloc(&m->p->arena, (list->n + 1) * sizeof *l.why);
	sort_out(&l, list, bls);
	code = rest_by_position(&l, bls);
	if (code != ERR_NONE)
		return code;
	m->p->method = method_of(&l);
	make_bulk(m, gtid_or_more(m, l.gtid > 0));
	return check_any(m, list->n);
}

static bool
same_log(const struct member *a, const struct member *b)
{
	bool bls = make_is_bls(a) || make_is_bls(b);

	return (make_is_bls(a) && make_is_source(b, a)) ||
	    (make_is_bls(b) && make_is_source(a, b)) ||
	    (bls && make_is_bls(a) && make_is_bls(b) && make_siblings(a, b));
}

/* Replicas of a below b, by whatever method fits each. */
enum err_code
make_relocate_list(struct making *m, const struct making_list *list,
    const struct member *a, const struct member *b)
{
	const struct member *above;
	enum err_code code;

	if (list->n == 0)
		return ERR_NONE;
	if (key_eq(a->in->key, b->in->key) || same_log(a, b))
		return repoint_all(m, list, b, GTID_NEUTRAL);
	if (!make_is_bls(b))
		return move_lot(m, list, a, b, NULL);
	code = make_source_of(m, b, &above);
	if (code == ERR_NONE)
		code = make_fresh(m, above->in->key, &above);
	if (code != ERR_NONE)
		return code;
	return move_lot(m, list, a, above, b);
}

enum err_code
make_relocate_replicas(struct making *m)
{
	const struct member *a, *b;
	struct making_list list;
	enum err_code code;

	if (m->stage == 1)
		return make_below_lot_rest(m,
		    world_find(m->w, m->r->target));
	if ((code = make_known(m, m->r->server, &a)) != ERR_NONE ||
	    (code = make_fresh(m, m->r->target, &b)) != ERR_NONE ||
	    (code = make_replicas(m, a, b, false, &list)) != ERR_NONE)
		return code;
	m->p->title = plan_text(m->p, "relocate the replicas of %s below %s",
	    make_name(m, a->in->key), make_name(m, b->in->key));
	return make_relocate_list(m, &list, a, b);
}

enum err_code
make_take_siblings(struct making *m)
{
	const struct member *a, *source;
	struct making_list list;
	enum err_code code;

	if (m->stage == 1)
		return make_below_lot_rest(m,
		    world_find(m->w, m->r->server));
	if ((code = make_replica(m, m->r->server, &a)) != ERR_NONE ||
	    (code = make_source_of(m, a, &source)) != ERR_NONE ||
	    (code = make_replicas(m, source, a, false, &list)) != ERR_NONE)
		return code;
	m->p->title = plan_text(m->p, "move the siblings of %s below it",
	    make_name(m, a->in->key));
	return make_relocate_list(m, &list, source, a);
}
