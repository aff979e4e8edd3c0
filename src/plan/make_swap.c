/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A replica and its source change places, or follow each other.
 * From: inst/instance_topology.go, 3.2.6, TakeMaster, MakeCoMaster.
 */
#include "config.h"

#include <string.h>

#include "plan/make.h"

/* Its own transactions would go to whoever follows it. */
static enum err_code
no_errant(struct making *m, const struct member *a)
{
	if (a->in->gtid_errant[0] == '\0' || m->r->force)
		return ERR_NONE;
	return err_set(m->err, ERR_INVALID, "%s has transactions of its own "
	    "(errant), which would go to who replicates from it: %.200s",
	    make_name(m, a->in->key), a->in->gtid_errant);
}

/* ---- take-master ---- */

static bool
uses_gtid(const struct member *a)
{
	return a->in->using_oracle_gtid || a->in->using_mariadb_gtid;
}

/* The way it replicates now. */
static enum err_code
may_follow(struct making *m, const struct member *a, const struct member *b)
{
	enum err_code code = make_may_replicate(m, a, b);

	return code == ERR_NONE && uses_gtid(a) ? make_may_gtid(m, a, b) :
						  code;
}

static uint64_t
follow_needs(const struct member *a)
{
	return MUST(STOPPED) | MUST(MAY_REPLICATE) |
	    (uses_gtid(a) ? MUST(GTID_AVAILABLE) : 0);
}

static enum err_code
check_take(struct making *m, const struct member *a, const struct member *n,
    const struct member *above)
{
	enum err_code code;

	if (n->in->is_co_primary)
		return err_set(m->err, ERR_INVALID,
		    "%s is a co-primary", make_name(m, n->in->key));
	if (instance_is_group_secondary(n->in))
		return need_check(NEED_NOT_IN_GROUP, n, NULL, NULL, m->w,
		    m->err);
	code = may_follow(m, n, a);
	if (code == ERR_NONE)
		code = may_follow(m, a, above);
	if (code == ERR_NONE)
		code = no_errant(m, a);
	return code;
}

/*
 * a executes all that n has.  Where GTID counts, coordinates may be old ones:
 * a server that was given nothing since its source was changed has no others.
 */
static void
come_up(struct making *m, const struct member *a, const struct member *n)
{
	bool sets = a->in->using_oracle_gtid && n->in->using_oracle_gtid;
	const char *nn = make_name(m, n->in->key);
	struct step up = { .server = make_server(m, a), .to = PLAN_NOBODY,
		.at = { .kind = AT_OWN_OF, .server = make_server(m, n) },
		.limit = make_patience(m, a),
		.why = plan_text(m->p, "then it has executed what %s has",
		    nn) };

	if (uses_gtid(a) && instance_is_running(a->in)) {
		up.verb = DO_WAIT_FOR;
		make_step(m, up);
	}
	make_stop(m, a, MUST(NOT_IN_GROUP), "so that its source can be "
	    "changed");
	if ((uses_gtid(a) && instance_is_running(a->in)) || sets)
		return;
	up.verb = DO_START_UNTIL;
	up.needs = MUST(STOPPED);
	make_step(m, up);
}

static void
take(struct making *m, const struct member *a, const struct member *n,
    const struct member *above)
{
	unsigned sa = make_server(m, a), sn = make_server(m, n);
	unsigned sg = make_held(m, above);
	const char *an = make_name(m, a->in->key);
	const char *nn = make_name(m, n->in->key);

	make_stop(m, n, 0, "so that its log stands still");
	come_up(m, a, n);
	/* Its position below n does not count what GTID passed over. */
	if (!n->in->using_oracle_gtid && !n->in->using_mariadb_gtid)
		make_step(m, (struct step){ .verb = DO_READ, .server = sa,
			.to = sn, .needs = MUST(NO_ERRANT),
			.why = plan_text(m->p, "%s, which cannot tell by GTID, "
			    "would miss what it lacks now", nn) });
	make_step(m, (struct step){ .verb = DO_CHANGE_SOURCE, .server = sa,
		.to = sg, .at = { .kind = AT_EXECUTED_OF, .server = sn },
		.needs = follow_needs(a),
		.unresolved = true,
		.why = plan_text(m->p, "it goes on where %s stands", nn) });
	make_step(m, (struct step){ .verb = DO_CHANGE_SOURCE, .server = sn,
		.to = sa, .at = { .kind = AT_OWN_OF, .server = sa },
		.needs = follow_needs(n),
		.why = plan_text(m->p, "from now on it follows %s", an) });
	make_restore(m, sa, true);
	make_restore(m, sn, true);
	make_step(m, (struct step){ .verb = DO_RUN_HOOK, .server = sa,
		.to = sn, .text = "PostTakeMasterProcesses",
		.last_resort = true, .why = "they are told of it" });
}

enum err_code
make_take_primary(struct making *m)
{
	const struct member *a, *n, *above;
	enum err_code code;

	m->p->title = plan_text(m->p, "let %s take its source's place",
	    make_name(m, m->r->server));
	if ((code = make_movable(m, m->r->server, &a)) != ERR_NONE ||
	    (code = make_source_of(m, a, &n)) != ERR_NONE ||
	    (code = make_fresh(m, n->in->key, &n)) != ERR_NONE)
		return code;
	if (!instance_is_replica(n->in))
		return err_set(m->err, ERR_INVALID, "%s is the primary: only "
		    "an intermediate gives its place away like that (see "
		    "graceful-master-takeover)", make_name(m, n->in->key));
	if ((code = make_replica(m, n->in->key, &n)) != ERR_NONE ||
	    (code = make_source_of(m, n, &above)) != ERR_NONE ||
	    (code = make_fresh(m, above->in->key, &above)) != ERR_NONE ||
	    (code = check_take(m, a, n, above)) != ERR_NONE)
		return code;
	m->p->title = plan_text(m->p, "let %s take the place of its source %s "
	    "below %s", make_name(m, a->in->key), make_name(m, n->in->key),
	    make_name(m, above->in->key));
	m->p->method = "both stand still at the same place";
	take(m, a, n, above);
	return ERR_NONE;
}

/* ---- make-co-master ---- */

/* Whom n follows now must not be somebody whom that would cut off. */
static enum err_code
check_above(struct making *m, const struct member *a, const struct member *n)
{
	const struct member *other;

	if (!instance_is_replica(n->in))
		return ERR_NONE;
	if (key_is_detached(n->in->source_key))
		return err_set(m->err, ERR_INVALID, "%s is no primary: it is "
		    "detached from its source (%s); reattach it first",
		    make_name(m, n->in->key), n->in->source_key.host);
	if (make_is_source(a, n))
		return err_set(m->err, ERR_INVALID,
		    "%s follows %s already", make_name(m, n->in->key),
		    make_name(m, a->in->key));
	other = world_find(m->w, n->in->source_key);
	if (other == NULL)
		return ERR_NONE;
	if (!n->in->is_co_primary)
		return err_set(m->err, ERR_INVALID, "%s is no primary: it "
		    "replicates from %s", make_name(m, n->in->key),
		    make_name(m, other->in->key));
	if (!world_is_fresh(m->w, other) || other->in->read_only)
		return ERR_NONE;
	return err_set(m->err, ERR_INVALID, "%s has a co-primary already, %s, "
	    "which is written to", make_name(m, n->in->key),
	    make_name(m, other->in->key));
}

static enum err_code
check_co(struct making *m, const struct member *a, const struct member *n)
{
	enum err_code code = make_can_move(m, a);

	if (code == ERR_NONE)
		code = need_check(NEED_READ_ONLY, a, NULL, NULL, m->w, m->err);
	if (code == ERR_NONE)
		code = check_above(m, a, n);
	if (code == ERR_NONE && instance_is_group_secondary(n->in))
		code = need_check(NEED_NOT_IN_GROUP, n, NULL, NULL, m->w,
		    m->err);
	if (code == ERR_NONE)
		code = make_may_replicate(m, n, a);
	if (code == ERR_NONE)
		code = no_errant(m, a);
	return code;
}

static void
credentials(struct making *m, const struct member *a, const struct member *n)
{
	const char *query = m->w->policy->credentials_query;

	if (n->in->has_replication_credentials)
		return;
	if (!a->in->replication_credentials_available &&
	    (query == NULL || *query == '\0')) {
		plan_warn(m->p, "%s has no replication user, and that of %s "
		    "cannot be read", make_name(m, n->in->key),
		    make_name(m, a->in->key));
		return;
	}
	make_step(m, (struct step){ .verb = DO_SET_CREDENTIALS,
		.server = make_server(m, n), .to = make_server(m, a),
		.needs = MUST(STOPPED),
		.why = plan_text(m->p, "it has no replication user: it takes "
		    "that of %s", make_name(m, a->in->key)) });
}

static void
co(struct making *m, const struct member *a, const struct member *n)
{
	unsigned sa = make_held(m, a), sn = make_server(m, n);

	make_step(m, (struct step){ .verb = DO_READ, .server = sa, .to = sn,
		.needs = MUST(SOURCE) | MUST(LAG_OK) | MUST(READ_ONLY) |
		    (m->r->force ? 0 : MUST(NO_ERRANT)),
		.why = "it is going to be a source of its own source" });
	if (instance_is_replica(n->in))
		make_stop(m, n, 0, "so that its source can be changed");
	credentials(m, a, n);
	/* What n did not write itself would come back to it. */
	if (n->in->read_only && !a->in->using_oracle_gtid)
		make_step(m, (struct step){ .verb = DO_WAIT_FOR, .server = sa,
			.to = PLAN_NOBODY,
			.at = { .kind = AT_OWN_OF, .server = sn },
			.limit = make_patience(m, a),
			.why = plan_text(m->p, "then it has all that %s has",
			    make_name(m, n->in->key)) });
	make_step(m, (struct step){ .verb = DO_CHANGE_SOURCE, .server = sn,
		.to = sa, .at = a->in->using_oracle_gtid ?
		    (struct plan_at){ .kind = AT_NONE } :
		    (struct plan_at){ .kind = AT_OWN_OF, .server = sa },
		.gtid = a->in->using_oracle_gtid ? GTID_FORCE : GTID_NEUTRAL,
		.needs = MUST(STOPPED) | MUST(MAY_REPLICATE),
		.why = plan_text(m->p, "all that %s logged until now came from "
		    "here", make_name(m, a->in->key)) });
	make_step(m, (struct step){ .verb = DO_START, .server = sn,
		.to = PLAN_NOBODY, .why = "co-primaries follow each other" });
}

enum err_code
make_make_co_primary(struct making *m)
{
	const struct member *a, *n;
	enum err_code code;

	m->p->title = plan_text(m->p, "make %s a co-primary",
	    make_name(m, m->r->server));
	if ((code = make_movable(m, m->r->server, &a)) != ERR_NONE ||
	    (code = make_source_of(m, a, &n)) != ERR_NONE ||
	    (code = make_fresh(m, n->in->key, &n)) != ERR_NONE)
		return code;
	if (instance_is_replica(n->in) &&
	    (code = make_replica(m, n->in->key, &n)) != ERR_NONE)
		return code;
	if ((code = check_co(m, a, n)) != ERR_NONE)
		return code;
	m->p->title = plan_text(m->p, "make %s and its source %s co-primaries",
	    make_name(m, a->in->key), make_name(m, n->in->key));
	m->p->method = a->in->using_oracle_gtid ? "by GTID" :
	    "at the end of its log";
	co(m, a, n);
	return ERR_NONE;
}
