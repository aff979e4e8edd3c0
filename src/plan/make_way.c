/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ways to move one replica below another server: for each what must be so,
 * and its steps.
 */
#include "config.h"

#include "plan/make.h"

#include <string.h>

#include "topology/coord.h"

/* ---- parts ---- */

enum err_code
make_may_replicate(struct making *m, const struct member *a,
    const struct member *b)
{
	struct err warn = ERR_INIT;
	enum err_code code = may_replicate(m->w, a, b, &warn, m->err);

	if (code == ERR_NONE && warn.text[0] != '\0')
		plan_warn(m->p, "%s", warn.text);
	return code;
}

void
make_stop(struct making *m, const struct member *a, uint64_t needs,
    const char *why)
{
	unsigned to = PLAN_NOBODY, server = make_server(m, a);
	struct key source = a->in->source_key;

	/* Nobody needs to know a source to know its name. */
	if (world_find(m->w, source) != NULL) {
		to = make_named(m, source);
		needs |= MUST(SOURCE);
	}
	make_step(m, (struct step){ .verb = DO_STOP, .server = server,
		.to = to, .needs = needs | MUST(REPLICA), .why = why });
}

static void
change(struct making *m, struct step s)
{
	s.verb = DO_CHANGE_SOURCE;
	s.needs |= MUST(STOPPED);
	make_step(m, s);
}

static bool
uses_gtid(const struct member *a)
{
	return a->in->using_oracle_gtid || a->in->using_mariadb_gtid;
}

/* By file and position from now on: not without saying so. */
static void
warn_leaves_gtid(struct making *m, const struct member *a)
{
	if (uses_gtid(a))
		plan_warn(m->p, "%s replicates by GTID now, and by file and "
		    "position afterwards", make_name(m, a->in->key));
}

/* ---- by GTID ---- */

enum err_code
make_may_gtid(struct making *m, const struct member *a, const struct member *b)
{
	struct err warn = ERR_INIT;
	enum err_code code = may_replicate_gtid(m->w, a, b, &warn, m->err);

	if (code == ERR_NONE && warn.text[0] != '\0')
		plan_warn(m->p, "%s", warn.text);
	return code;
}

/*
 * MariaDB's source refuses a replica that has executed more than itself, so one
 * that is behind must come up first.
 */
static void
wait_for_behind(struct making *m, const struct member *a,
    const struct member *b)
{
	if (may_speak(a->in, b->in) != MAY_MARIADB_GTID ||
	    !instance_is_replica(b->in) || make_is_below(m->w, a, b))
		return;
	make_step(m, (struct step){ .verb = DO_WAIT_FOR,
		.server = make_held(m, b), .to = PLAN_NOBODY,
		.at = { .kind = AT_EXECUTED_OF, .server = make_server(m, a) },
		.limit = make_patience(m, b),
		.why = plan_text(m->p, "a source must have executed all that "
		    "its replica %s has", make_name(m, a->in->key)) });
}

void
make_by_gtid(struct making *m, const struct member *a, const struct member *b,
    enum gtid_hint hint)
{
	unsigned sa = make_server(m, a), sb = make_held(m, b);

	make_stop(m, a, MUST(NOT_IN_GROUP), "so that its source can be "
	    "changed");
	wait_for_behind(m, a, b);
	change(m, (struct step){ .server = sa, .to = sb, .gtid = hint,
		.needs = MUST(MAY_REPLICATE) | MUST(GTID_AVAILABLE),
		.why = plan_text(m->p, "GTID tells what it lacks, and %s has "
		    "it", make_name(m, b->in->key)) });
	make_restore(m, sa, true);
}

/* ---- at the same place of the same log ---- */

enum err_code
make_has_place(struct making *m, const struct member *a)
{
	if (!coord_is_none(&a->in->exec_coord))
		return ERR_NONE;
	return err_set(m->err, ERR_INVALID, "no place in the log of %s is "
	    "known where %s stands: it executed nothing since it follows it",
	    make_name(m, a->in->source_key), make_name(m, a->in->key));
}

enum err_code
make_may_repoint(struct making *m, const struct member *a,
    const struct member *b, enum gtid_hint hint)
{
	/* A dead target was chosen by a person: its facts are old. */
	enum err_code code = make_may_replicate(m, a, b);

	if (code != ERR_NONE)
		return code;
	if (make_is_bls(b))
		return need_check(NEED_NOT_AHEAD, a, b, NULL, m->w, m->err);
	if (hint == GTID_DENY || !uses_gtid(a))
		return make_has_place(m, a);
	return make_is_source(b, a) ? ERR_NONE : make_may_gtid(m, a, b);
}

static uint64_t
repoint_needs(const struct making *m, const struct member *a,
    const struct member *b, enum gtid_hint hint)
{
	if (!world_is_fresh(m->w, b))
		return 0;
	if (make_is_bls(b))
		return MUST(MAY_REPLICATE) | MUST(NOT_AHEAD);
	if (hint == GTID_DENY || !uses_gtid(a) || make_is_source(b, a))
		return MUST(MAY_REPLICATE);
	return MUST(MAY_REPLICATE) | MUST(GTID_AVAILABLE);
}

void
make_by_repoint(struct making *m, const struct member *a,
    const struct member *b, enum gtid_hint hint)
{
	bool there = world_is_fresh(m->w, b);
	unsigned sa = make_server(m, a), sb;
	const char *why;

	sb = there ? make_held(m, b) : make_named(m, b->in->key);
	m->p->server[sb].locked = true;
	if (hint == GTID_DENY)
		warn_leaves_gtid(m, a);
	why = hint != GTID_DENY && uses_gtid(a) ?
	    "GTID tells what it lacks" :
	    make_is_source(b, a) ? "it goes on where it stopped" :
	    plan_text(m->p, "the log of %s has the same places",
		make_name(m, b->in->key));
	make_stop(m, a, MUST(NOT_IN_GROUP), "so that its source can be "
	    "changed");
	change(m, (struct step){ .server = sa, .to = sb, .gtid = hint,
		.at = { .kind = AT_EXECUTED_OF, .server = sa },
		.needs = repoint_needs(m, a, b, hint), .unresolved = !there,
		.why = why });
	make_restore(m, sa, there);
}

/* ---- by markers ---- */

enum err_code
make_may_match(struct making *m, const struct member *a,
    const struct member *b)
{
	if (!m->w->policy->pseudo_gtid)
		return err_set(m->err, ERR_UNSUPPORTED,
		    "no Pseudo-GTID is configured (PseudoGTIDPattern)");
	if (make_is_bls(b))
		return err_set(m->err, ERR_UNSUPPORTED,
		    "%s is a binlog server: its log cannot be searched",
		    make_name(m, b->in->key));
	return make_may_replicate(m, a, b);
}

enum err_code
make_may_marked(struct making *m, const struct member *a,
    const struct member *b)
{
	const struct member *who = a->in->using_pseudo_gtid ? b : a;

	if (!who->in->using_pseudo_gtid)
		return err_set(m->err, ERR_UNSUPPORTED,
		    "%s has no markers", make_name(m, who->in->key));
	return make_may_match(m, a, b);
}

void
make_by_match(struct making *m, const struct member *a, const struct member *b)
{
	unsigned sa = make_server(m, a), sb = make_held(m, b);

	warn_leaves_gtid(m, a);
	make_stop(m, a, MUST(NOT_IN_GROUP), "so that it stands still while its "
	    "place is looked for");
	make_step(m, (struct step){ .verb = DO_MATCH, .server = sa, .to = sb,
		.needs = MUST(STOPPED) | MUST(MAY_REPLICATE),
		.why = plan_text(m->p, "markers tell where in the log of %s it "
		    "stands", make_name(m, b->in->key)) });
	change(m, (struct step){ .server = sa, .to = sb, .gtid = GTID_DENY,
		.at = { .kind = AT_MATCHED_OF, .server = sa },
		.why = "it goes on after what it executed last" });
	make_restore(m, sa, true);
}

/* Does it follow itself, over however many? */
static bool
in_ring(const struct making *m, const struct member *x)
{
	const struct member *at = x;

	for (unsigned i = 0; i < CLUSTER_ANCESTRY_MAX; i++) {
		if (!instance_is_replica(at->in))
			return false;
		at = world_find(m->w, at->in->source_key);
		if (at == NULL || key_eq(at->in->key, x->in->key))
			return at != NULL;
	}
	return false;
}

/*
 * What a server writes itself comes back to it in the log of whom it follows, and
 * it passes that over: its place there says nothing about others.
 */
enum err_code
make_no_pair(struct making *m, const struct member *x)
{
	if (x->in->read_only || !in_ring(m, x))
		return ERR_NONE;
	return err_set(m->err, ERR_INVALID, "%s is written to, and %s, which it "
	    "replicates from, has that from it: where it stands there tells "
	    "nothing about others", make_name(m, x->in->key),
	    make_name(m, x->in->source_key));
}

/* ---- below a sibling ---- */

enum err_code
make_may_below(struct making *m, const struct member *a,
    const struct member *b)
{
	enum err_code code;

	if (!make_siblings(a, b))
		return err_set(m->err, ERR_INVALID, "%s and %s are no siblings",
		    make_name(m, a->in->key), make_name(m, b->in->key));
	code = make_may_replicate(m, a, b);
	if (code == ERR_NONE)
		code = make_no_pair(m, b);
	if (code == ERR_NONE)
		code = make_can_move(m, a);
	if (code == ERR_NONE)
		code = make_can_move(m, b);
	return code;
}

void
make_by_below(struct making *m, const struct member *a, const struct member *b)
{
	warn_leaves_gtid(m, a);
	make_stop(m, a, MUST(NOT_IN_GROUP) | MUST(LAG_OK),
	    "so that it can be seen how far it is");
	make_stop(m, b, MUST(LAG_OK), "so that it can be seen how far it is");
}

/* Who is behind comes up to where the other one stands. */
static enum err_code
level(struct making *m, const struct member *a, const struct member *b)
{
	const struct coord *at_a = &a->in->exec_coord;
	const struct coord *at_b = &b->in->exec_coord;
	const struct member *behind = a, *ahead = b;
	char text[COORD_TEXT_MAX];
	int cmp = coord_cmp(at_a, at_b);

	if (coord_is_none(at_a) || coord_is_none(at_b) ||
	    !coord_comparable(at_a, at_b))
		return err_set(m->err, ERR_INVALID, "the places of %s and %s "
		    "cannot be compared", make_name(m, a->in->key),
		    make_name(m, b->in->key));
	if (cmp == 0)
		return ERR_NONE;
	if (cmp > 0) {
		behind = b;
		ahead = a;
	}
	make_step(m, (struct step){ .verb = DO_START_UNTIL,
		.server = make_server(m, behind), .to = PLAN_NOBODY,
		.at = { .kind = AT_EXECUTED_OF,
			.server = make_server(m, ahead) },
		.needs = MUST(STOPPED), .limit = make_patience(m, behind),
		.why = plan_text(m->p, "%s is ahead: both are to stand at "
		    "%.200s", make_name(m, ahead->in->key),
		    coord_text(&ahead->in->exec_coord, text)) });
	return ERR_NONE;
}

static bool
has_sets(const struct member *x)
{
	return x->in->executed_gtid_set[0] != '\0' ||
	    x->in->mariadb_binlog_pos[0] != '\0';
}

/*
 * Who came by GTID may have passed transactions over, and stand at the same
 * place with more than the other.  Where sets are known, they tell.
 */
void
make_same_sets(struct making *m, const struct member *a,
    const struct member *b)
{
	if (!has_sets(a) || !has_sets(b))
		return;
	make_step(m, (struct step){ .verb = DO_READ,
		.server = make_held(m, b), .to = make_server(m, a),
		.needs = MUST(NO_ERRANT),
		.why = plan_text(m->p, "%s would miss it",
		    make_name(m, a->in->key)) });
	/* MySQL passes over what it has already. */
	if (may_is_mariadb(a->in))
		make_step(m, (struct step){ .verb = DO_READ,
			.server = make_server(m, a), .to = make_held(m, b),
			.needs = MUST(NO_ERRANT),
			.why = "it would get it twice" });
}

enum err_code
make_below_rest(struct making *m, const struct member *a,
    const struct member *b)
{
	unsigned sa = make_server(m, a), sb = make_held(m, b);
	enum err_code code = level(m, a, b);

	if (code != ERR_NONE)
		return code;
	make_same_sets(m, a, b);
	change(m, (struct step){ .server = sa, .to = sb, .gtid = GTID_DENY,
		.at = { .kind = AT_OWN_OF, .server = sb },
		.needs = MUST(MAY_REPLICATE),
		.why = plan_text(m->p, "both have executed the same, so it "
		    "goes on at the end of %s's log",
		    make_name(m, b->in->key)) });
	make_restore(m, sa, true);
	make_restore(m, sb, false);
	return ERR_NONE;
}

/* ---- one level up ---- */

enum err_code
make_may_up(struct making *m, const struct member *a,
    const struct member *source, const struct member *above)
{
	enum err_code code = make_may_replicate(m, a, above);

	if (code == ERR_NONE)
		code = make_no_pair(m, source);
	if (code == ERR_NONE)
		code = make_can_move(m, a);
	if (code == ERR_NONE)
		code = make_can_move(m, source);
	return code;
}

void
make_by_up(struct making *m, const struct member *a,
    const struct member *source, const struct member *above)
{
	unsigned sa = make_server(m, a), sn = make_held(m, source);
	unsigned sb = make_held(m, above);
	const char *n = make_name(m, source->in->key);

	warn_leaves_gtid(m, a);
	make_stop(m, source, MUST(LAG_OK), "so that its log stands still");
	make_stop(m, a, MUST(NOT_IN_GROUP), "so that it can be brought to that "
	    "place");
	make_step(m, (struct step){ .verb = DO_START_UNTIL, .server = sa,
		.to = PLAN_NOBODY, .at = { .kind = AT_OWN_OF, .server = sn },
		.needs = MUST(STOPPED), .limit = make_patience(m, a),
		.why = plan_text(m->p, "then it has executed what %s has",
		    n) });
	change(m, (struct step){ .server = sa, .to = sb, .gtid = GTID_DENY,
		.at = { .kind = AT_EXECUTED_OF, .server = sn },
		.needs = MUST(MAY_REPLICATE), .unresolved = true,
		.why = plan_text(m->p, "it goes on where %s stands in the log "
		    "of %s", n, make_name(m, above->in->key)) });
	make_restore(m, sa, true);
	make_restore(m, sn, false);
}
