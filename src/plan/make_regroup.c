/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regrouping: one replica of a source takes its siblings.
 *
 * All stop first.  Then the one that received most and is fit is chosen, it
 * applies what it received, and the others go below it: by GTID; or at the end
 * of its log when they stand at the same place, and by markers, or by applying
 * what they have, when they are behind.  Who is ahead of it or may not
 * replicate from it is left out, and goes on as it was found.
 */
#include "config.h"

#include "plan/make.h"

#include "plan/candidate.h"
#include "topology/coord.h"
#include "topology/note.h"

enum form { FORM_GTID, FORM_MARKERS, FORM_BINLOG_SERVERS };

struct group {
	struct making *m;
	const struct member *source;
	struct making_list list; /* all replicas, binlog servers' too */
	enum form form;
};

/* ---- who ---- */

static bool
uses_gtid(const struct member *a)
{
	return a->in->using_oracle_gtid || a->in->using_mariadb_gtid;
}

/* Of the direct replicas: what all of them are. */
static enum form
form_of(const struct member *source, const struct making_list *list)
{
	size_t gtid = 0, bls = 0, n = 0;

	for (size_t i = 0; i < list->n; i++) {
		if (!make_is_source(source, list->at[i]))
			continue;
		n++;
		gtid += uses_gtid(list->at[i]);
		bls += make_is_bls(list->at[i]);
	}
	return gtid == n ? FORM_GTID : bls == n ? FORM_BINLOG_SERVERS :
	    FORM_MARKERS;
}

/* ---- first all stop ---- */

static enum err_code
stop_all(struct group *g)
{
	struct making *m = g->m;
	struct making quiet = *m;
	struct err err = ERR_INIT;
	const struct member *found;

	quiet.err = &err;
	for (size_t i = 0; i < g->list.n; i++) {
		const struct member *r = g->list.at[i];

		if (make_is_bls(r)) {
			plan_leave_out(m->p, r->in->key, "a binlog server "
			    "keeps the log of its source");
			continue;
		}
		if (g->form == FORM_GTID && !uses_gtid(r)) {
			plan_leave_out(m->p, r->in->key, "%s does not use "
			    "GTID", make_name(m, r->in->key));
			continue;
		}
		if (make_movable(&quiet, r->in->key, &found) != ERR_NONE ||
		    make_no_ring(&quiet, r, g->source) != ERR_NONE) {
			plan_leave_out(m->p, r->in->key, "%s", err.text);
			continue;
		}
		make_track(m, r);
		make_stop(m, r, MUST(NOT_IN_GROUP), "so that it can be seen "
		    "how far it is");
	}
	make_trunk(m);
	m->p->stage = 1;
	if (m->p->steps == 0)
		return err_set(m->err, ERR_INVALID, "no replica of %s can be "
		    "moved: %.350s", make_name(m, g->source->in->key),
		    m->p->left_outs > 0 ? m->p->left_out[0].why : "");
	make_bulk(m, MAKE_BULK_MAX);
	return ERR_NONE;
}

/* ---- then one is chosen ---- */

/* The server of a track, when it did stop. */
static const struct member *
stopped(struct making *m, unsigned track)
{
	const struct member *r = world_find(m->w,
	    m->p->server[m->p->track[track].server].key);

	if (r == NULL || need_check(NEED_STOPPED, r, NULL, NULL, m->w, NULL) !=
	    ERR_NONE)
		return NULL;
	return r;
}

static enum err_code
choose(struct group *g, struct candidates *c, const struct member **all,
    size_t *n)
{
	struct making *m = g->m;
	const struct member **direct = arena_alloc(&m->p->arena,
	    (m->p->tracks + 1) * sizeof *direct);
	size_t directs = 0;
	enum err_code code;

	*n = 0;
	for (unsigned t = 1; t < m->p->tracks; t++) {
		const struct member *r = stopped(m, t);

		if (r == NULL)
			continue;
		all[(*n)++] = r;
		if (make_is_source(g->source, r))
			direct[directs++] = r;
	}
	if (*n == 0)
		return err_set(m->err, ERR_INVALID, "no replica of %s could be "
		    "stopped", make_name(m, g->source->in->key));
	code = candidate_choose(c, m->w, g->source, direct, directs,
	    &m->p->arena, m->err);
	if (code == ERR_NONE)
		m->p->chosen = key_dup(c->chosen->in->key, &m->p->arena);
	return code;
}

/* ---- what it lacks that a binlog server has ---- */

static const struct member *
best_binlog_server(const struct group *g)
{
	const struct member *best = NULL;

	for (size_t i = 0; i < g->list.n; i++) {
		const struct member *s = g->list.at[i];

		if (!make_is_bls(s) || !make_is_source(g->source, s) ||
		    !world_is_fresh(g->m->w, s))
			continue;
		if (best == NULL || coord_cmp(&s->in->self_coord,
		    &best->in->self_coord) > 0)
			best = s;
	}
	return best;
}

static void
fetch(struct group *g, const struct member *chosen, const struct member *s)
{
	struct making *m = g->m;
	unsigned sc = make_server(m, chosen), ss = make_held(m, s);
	struct step change = { .verb = DO_CHANGE_SOURCE, .server = sc,
		.to = ss, .at = { .kind = AT_EXECUTED_OF, .server = sc },
		.gtid = GTID_DENY, .needs = MUST(STOPPED),
		.why = "that binlog server has more of the same log" };

	make_step(m, change);
	make_step(m, (struct step){ .verb = DO_START_UNTIL, .server = sc,
		.to = PLAN_NOBODY, .at = { .kind = AT_OWN_OF, .server = ss },
		.needs = MUST(STOPPED), .limit = make_patience(m, chosen),
		.why = "what was sent to anybody is not lost" });
	change.to = make_named(m, g->source->in->key);
	change.unresolved = true;
	change.why = "back to its place";
	make_step(m, change);
}

/* The chosen one has applied all that can be had; where it stands then. */
static struct coord
bring_up(struct group *g, const struct member *chosen)
{
	const struct member *s = g->form == FORM_MARKERS ?
	    best_binlog_server(g) : NULL;
	struct coord reach = candidate_reach(chosen);
	struct making *m = g->m;

	if (candidate_must_drain(chosen))
		make_step(m, (struct step){ .verb = DO_STOP_NICELY,
			.server = make_server(m, chosen), .to = PLAN_NOBODY,
			.limit = make_patience(m, chosen),
			.why = "the chosen one applies all that it "
			       "received" });
	if (s == NULL || !coord_comparable(&s->in->self_coord, &reach) ||
	    coord_cmp(&s->in->self_coord, &reach) <= 0)
		return reach;
	fetch(g, chosen, s);
	return s->in->self_coord;
}

/* ---- and the others go below it ---- */

static void
goes_on(struct group *g, const struct member *r, const char *why)
{
	plan_leave_out(g->m->p, r->in->key, "%s", why);
	make_restore(g->m, make_server(g->m, r), false);
}

static void
change(struct group *g, const struct member *r, const struct member *chosen,
    struct step s)
{
	s.verb = DO_CHANGE_SOURCE;
	s.server = make_server(g->m, r);
	s.to = make_server(g->m, chosen);
	s.needs |= MUST(STOPPED) | MUST(MAY_REPLICATE);
	make_step(g->m, s);
	make_restore(g->m, s.server, true);
}

static void
by_gtid(struct group *g, const struct member *r, const struct member *chosen)
{
	struct err err = ERR_INIT;

	if (may_replicate_gtid(g->m->w, r, chosen, NULL, &err) != ERR_NONE) {
		goes_on(g, r, arena_strdup(&g->m->p->arena, err.text));
		return;
	}
	change(g, r, chosen, (struct step){ .gtid = GTID_FORCE,
		.needs = MUST(GTID_AVAILABLE),
		.why = "GTID tells what it lacks" });
}

static void
same_place(struct group *g, const struct member *r,
    const struct member *chosen)
{
	make_same_sets(g->m, r, chosen);
	change(g, r, chosen, (struct step){ .gtid = GTID_DENY,
		.at = { .kind = AT_OWN_OF,
			.server = make_server(g->m, chosen) },
		.why = "both have executed the same" });
}

/* Can it apply up to there: from its source, or from what it has? */
static bool
can_apply(const struct group *g, const struct member *r,
    const struct coord *to)
{
	struct coord reach = candidate_reach(r);

	return world_is_fresh(g->m->w, g->source) ||
	    (coord_comparable(&reach, to) && coord_cmp(&reach, to) >= 0);
}

static void
behind(struct group *g, const struct member *r, const struct member *chosen,
    const struct coord *to)
{
	struct making *m = g->m;
	unsigned sr = make_server(m, r), sc = make_server(m, chosen);

	if (m->w->policy->pseudo_gtid) {
		make_step(m, (struct step){ .verb = DO_MATCH, .server = sr,
			.to = sc, .needs = MUST(STOPPED),
			.why = "markers tell where in the log of the chosen "
			       "one it stands" });
		change(g, r, chosen, (struct step){ .gtid = GTID_DENY,
			.at = { .kind = AT_MATCHED_OF, .server = sr },
			.why = "it goes on after what it executed last" });
		return;
	}
	if (!can_apply(g, r, to)) {
		goes_on(g, r, "it lacks what the chosen one has, and no "
		    "Pseudo-GTID is configured (PseudoGTIDPattern)");
		return;
	}
	make_step(m, (struct step){ .verb = DO_START_UNTIL, .server = sr,
		.to = PLAN_NOBODY,
		.at = { .kind = AT_EXECUTED_OF, .server = sc },
		.needs = MUST(STOPPED), .limit = make_patience(m, r),
		.why = "it comes up to where the chosen one stands" });
	same_place(g, r, chosen);
}

static void
place(struct group *g, const struct member *r, const struct member *chosen,
    const struct coord *to)
{
	struct making *m = g->m;
	struct err err = ERR_INIT;
	const struct coord *at = &r->in->exec_coord;
	bool placed = !coord_is_none(at) && coord_comparable(at, to);
	int cmp = placed ? coord_cmp(at, to) : 0;

	if (may_replicate(m->w, r, chosen, NULL, &err) != ERR_NONE)
		goes_on(g, r, arena_strdup(&m->p->arena, err.text));
	else if (cmp > 0)
		goes_on(g, r, plan_text(m->p, "it is ahead of %s, the chosen "
		    "one", make_name(m, chosen->in->key)));
	else if (g->form == FORM_GTID)
		by_gtid(g, r, chosen);
	else if (!placed)
		goes_on(g, r, "its place cannot be compared with that of the "
		    "chosen one");
	else if (cmp == 0)
		same_place(g, r, chosen);
	else
		behind(g, r, chosen, to);
}

static enum err_code
gather(struct group *g)
{
	struct making *m = g->m;
	const struct member **all = arena_alloc(&m->p->arena,
	    (m->p->tracks + 1) * sizeof *all);
	struct candidates c;
	struct coord to;
	size_t n;
	enum err_code code = choose(g, &c, all, &n);

	if (code != ERR_NONE)
		return code;
	m->p->method = plan_text(m->p, "%s, %s takes the others: of those that "
	    "are fit it has most", m->p->method,
	    make_name(m, c.chosen->in->key));
	to = bring_up(g, c.chosen);
	for (size_t i = 0; i < n; i++) {
		if (all[i] == c.chosen)
			continue;
		make_track(m, all[i]);
		place(g, all[i], c.chosen, &to);
	}
	make_trunk(m);
	make_restore(m, make_server(m, c.chosen), false);
	if (g->form == FORM_GTID && m->w->policy->side_by_side > 0)
		make_bulk(m, m->w->policy->side_by_side);
	return ERR_NONE;
}

/* ---- the operations ---- */

static enum err_code
begin(struct group *g, struct making *m, bool deep)
{
	enum err_code code = make_known(m, m->r->server, &g->source);

	g->m = m;
	if (code == ERR_NONE)
		code = make_replicas(m, g->source, NULL, deep, &g->list);
	if (code == ERR_NONE && m->stage == 0)
		m->p->title = plan_text(m->p, "regroup the replicas of %s",
		    make_name(m, m->r->server));
	return code;
}

static enum err_code
regroup(struct group *g, enum form form)
{
	g->form = form;
	g->m->p->method = form == FORM_GTID ? "by GTID" :
	    g->m->w->policy->pseudo_gtid ? "by Pseudo-GTID" :
	    "by file and position";
	if (g->m->stage == 1)
		return gather(g);
	if (g->list.n == 0)
		return ERR_NONE;
	for (size_t i = 0; form != FORM_GTID && i < g->list.n; i++)
		if (make_no_pair(g->m, g->list.at[i]) != ERR_NONE)
			return g->m->err->code;
	if (g->list.n == 1) {
		g->m->p->chosen = key_dup(g->list.at[0]->in->key,
		    &g->m->p->arena);
		return ERR_NONE;
	}
	return stop_all(g);
}

enum err_code
make_regroup_gtid(struct making *m)
{
	struct group g;
	enum err_code code = begin(&g, m, false);

	return code != ERR_NONE ? code : regroup(&g, FORM_GTID);
}

enum err_code
make_regroup_pgtid(struct making *m)
{
	struct group g;
	enum err_code code = begin(&g, m, true);

	if (code != ERR_NONE)
		return code;
	if (!m->w->policy->pseudo_gtid)
		return err_set(m->err, ERR_UNSUPPORTED,
		    "no Pseudo-GTID is configured (PseudoGTIDPattern)");
	return regroup(&g, FORM_MARKERS);
}

/* Binlog servers: the most advanced takes the others, at their places. */
static enum err_code
regroup_binlog_servers(struct group *g)
{
	const struct member *best = best_binlog_server(g);
	struct making *m = g->m;
	struct making quiet = *m;
	struct err err = ERR_INIT;

	if (best == NULL)
		return err_set(m->err, ERR_NOT_FOUND, "%s has no binlog server "
		    "that can be reached", make_name(m, g->source->in->key));
	m->p->chosen = key_dup(best->in->key, &m->p->arena);
	m->p->method = "at the same places";
	quiet.err = &err;
	for (size_t i = 0; i < g->list.n; i++) {
		const struct member *s = g->list.at[i], *found;

		if (s == best || !make_is_bls(s) ||
		    !make_is_source(g->source, s))
			continue;
		if (make_movable(&quiet, s->in->key, &found) != ERR_NONE ||
		    make_may_repoint(&quiet, s, best, GTID_NEUTRAL) !=
			ERR_NONE) {
			plan_leave_out(m->p, s->in->key, "%s", err.text);
			continue;
		}
		make_track(m, s);
		make_by_repoint(m, s, best, GTID_NEUTRAL);
	}
	make_trunk(m);
	make_bulk(m, MAKE_BULK_MAX);
	return ERR_NONE;
}

enum err_code
make_regroup_bls(struct making *m)
{
	struct group g;
	enum err_code code = begin(&g, m, false);

	return code != ERR_NONE ? code : regroup_binlog_servers(&g);
}

enum err_code
make_regroup(struct making *m)
{
	struct group g;
	enum err_code code = begin(&g, m, true);
	enum form form;

	if (code != ERR_NONE)
		return code;
	if (m->stage == 0)
		m->p->way = form_of(g.source, &g.list);
	form = (enum form)m->p->way;
	if (form == FORM_BINLOG_SERVERS && g.list.n > 1)
		return regroup_binlog_servers(&g);
	return regroup(&g, form);
}
