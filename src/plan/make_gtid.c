/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moves by GTID and no other way, GTID on and off, errant transactions.
 * From: inst/instance_topology.go, 3.2.6.
 */
#include "config.h"

#include "plan/make.h"

enum err_code
make_move_gtid(struct making *m)
{
	const struct member *a, *b;
	enum err_code code;

	m->p->title = plan_text(m->p, "move %s below %s",
	    make_name(m, m->r->server), make_name(m, m->r->target));
	if ((code = make_movable(m, m->r->server, &a)) != ERR_NONE ||
	    (code = make_fresh(m, m->r->target, &b)) != ERR_NONE ||
	    (code = make_no_ring(m, a, b)) != ERR_NONE ||
	    (code = make_may_replicate(m, a, b)) != ERR_NONE ||
	    (code = make_may_gtid(m, a, b)) != ERR_NONE)
		return code;
	m->p->method = "by GTID";
	make_by_gtid(m, a, b, GTID_FORCE);
	return ERR_NONE;
}

/* ---- on and off ---- */

static enum err_code
turn(struct making *m, enum gtid_hint hint, const char *title,
    const struct member **a, const struct member **source)
{
	enum err_code code;

	m->p->title = plan_text(m->p, "%s %s", title,
	    make_name(m, m->r->server));
	if ((code = make_movable(m, m->r->server, a)) != ERR_NONE ||
	    (code = make_source_of(m, *a, source)) != ERR_NONE)
		return code;
	m->p->method = hint == GTID_FORCE ? "by GTID" : "by file and position";
	return make_fresh(m, (*source)->in->key, source);
}

static void
change(struct making *m, const struct member *a, const struct member *source,
    enum gtid_hint hint, const char *why)
{
	unsigned sa = make_server(m, a), sn = make_held(m, source);

	make_stop(m, a, MUST(NOT_IN_GROUP), "so that its source can be "
	    "changed");
	make_step(m, (struct step){ .verb = DO_CHANGE_SOURCE, .server = sa,
		.to = sn, .at = { .kind = AT_EXECUTED_OF, .server = sa },
		.gtid = hint, .needs = MUST(STOPPED), .why = why });
	make_restore(m, sa, true);
}

static bool
uses(const struct member *a)
{
	return a->in->using_oracle_gtid || a->in->using_mariadb_gtid;
}

enum err_code
make_enable_gtid(struct making *m)
{
	const struct member *a, *source;
	struct instance as_if;
	struct member moved;
	enum err_code code = turn(m, GTID_FORCE, "enable GTID on", &a, &source);

	if (code != ERR_NONE)
		return code;
	if (uses(a))
		return err_set(m->err, ERR_INVALID, "%s uses GTID already",
		    make_name(m, a->in->key));
	if (!may_is_mariadb(a->in) && !a->in->supports_oracle_gtid)
		return err_set(m->err, ERR_UNSUPPORTED, "%s has no GTID "
		    "(gtid_mode is %s)", make_name(m, a->in->key),
		    a->in->gtid_mode[0] != '\0' ? a->in->gtid_mode : "unset");
	as_if = *a->in;
	as_if.using_mariadb_gtid = may_is_mariadb(a->in);
	as_if.using_oracle_gtid = !as_if.using_mariadb_gtid;
	moved = (struct member){ .in = &as_if, .health = a->health };
	if ((code = make_may_gtid(m, &moved, source)) != ERR_NONE)
		return code;
	change(m, a, source, GTID_FORCE, "it says what it has, no longer "
	    "where it stands");
	return ERR_NONE;
}

enum err_code
make_disable_gtid(struct making *m)
{
	const struct member *a, *source;
	enum err_code code = turn(m, GTID_DENY, "disable GTID on", &a, &source);

	if (code != ERR_NONE)
		return code;
	if (!uses(a))
		return err_set(m->err, ERR_INVALID, "%s does not use GTID",
		    make_name(m, a->in->key));
	if ((code = make_has_place(m, a)) != ERR_NONE)
		return code;
	change(m, a, source, GTID_DENY, "it says where it stands, no longer "
	    "what it has");
	return ERR_NONE;
}

/* ---- errant transactions ---- */

/* As a set; INVALID when there are none. */
static enum err_code
errant_of(struct making *m, const struct member *a, struct gtid_set *set)
{
	unsigned i = make_server(m, a);
	const struct member *known = m->p->server[i].known;
	const char *text = a->in->gtid_errant;

	/* Facts that were read just now say nothing of its place. */
	if (text[0] == '\0' && m->stage > 0 && known != NULL)
		text = known->in->gtid_errant;
	if (text[0] == '\0')
		return err_set(m->err, ERR_INVALID,
		    "%s has no errant transactions",
		    make_name(m, a->in->key));
	if (!a->in->supports_oracle_gtid)
		return err_set(m->err, ERR_UNSUPPORTED,
		    "%s has not the GTID of MySQL: what is errant on MariaDB "
		    "must be mended by hand", make_name(m, a->in->key));
	return gtid_set_parse(set, text, m->err);
}

static const char *
text_of(struct making *m, const struct gtid_set *set)
{
	const char *text;
	struct buf b;

	buf_init(&b);
	gtid_set_text(set, &b);
	text = arena_strdup(&m->p->arena, buf_text(&b));
	buf_fini(&b);
	return text;
}

static enum err_code
reset_logs(struct making *m, const struct member *a,
    const struct gtid_set *errant)
{
	struct gtid_set executed, rest;
	enum err_code code;

	gtid_set_init(&executed);
	gtid_set_init(&rest);
	code = gtid_set_parse(&executed, a->in->executed_gtid_set, m->err);
	if (code == ERR_NONE) {
		gtid_set_subtract(&rest, &executed, errant);
		make_step(m, (struct step){ .verb = DO_RESET_LOGS,
			.server = make_server(m, a), .to = PLAN_NOBODY,
			.text = text_of(m, &rest),
			.needs = MUST(STOPPED) | MUST(NO_REPLICAS),
			.why = plan_text(m->p, "it forgets its logs, and is "
			    "told what it has, without %.300s",
			    text_of(m, errant)) });
		if (instance_is_replica(a->in))
			make_restore(m, make_server(m, a), true);
	}
	gtid_set_fini(&executed);
	gtid_set_fini(&rest);
	return code;
}

static enum err_code
begin_reset(struct making *m, const struct member *a)
{
	enum err_code code = need_check(NEED_NO_REPLICAS, a, NULL, NULL, m->w,
	    m->err);

	if (code != ERR_NONE)
		return code;
	if (instance_is_replica(a->in))
		make_stop(m, a, MUST(ERRANT) | MUST(NO_REPLICAS),
		    "so that what it has executed stands still");
	else
		make_step(m, (struct step){ .verb = DO_READ,
			.server = make_held(m, a), .to = PLAN_NOBODY,
			.needs = MUST(ERRANT) | MUST(NO_REPLICAS),
			.why = "what it has executed" });
	m->p->stage = 1;
	return ERR_NONE;
}

/* Its source would send again what it has forgotten, and it has the rows. */
static enum err_code
not_from_source(struct making *m, const struct member *a,
    const struct gtid_set *errant)
{
	const struct member *source = world_find(m->w, a->in->source_key);
	struct gtid_set theirs, both;
	enum err_code code = ERR_NONE;
	struct buf text;

	if (!a->in->using_oracle_gtid || source == NULL)
		return ERR_NONE;
	gtid_set_init(&theirs);
	gtid_set_init(&both);
	buf_init(&text);
	if (gtid_set_parse(&theirs, source->in->executed_gtid_set, NULL) ==
	    ERR_NONE)
		gtid_set_intersect(&both, errant, &theirs);
	gtid_set_text(&both, &text);
	if (!gtid_set_is_empty(&both))
		code = err_set(m->err, ERR_INVALID, "%s, the source of %s, has "
		    "these, too, and would send them again: %.200s",
		    make_name(m, source->in->key), make_name(m, a->in->key),
		    buf_text(&text));
	buf_fini(&text);
	gtid_set_fini(&both);
	gtid_set_fini(&theirs);
	return code;
}

/* Below one who has them, too, they would be applied once more. */
static void
warn_of_others(struct making *m, const struct member *a,
    const struct gtid_set *errant)
{
	for (size_t i = 0; i < m->w->n; i++) {
		const struct member *b = m->w->at[i];
		struct gtid_set theirs, both;

		if (b == a)
			continue;
		gtid_set_init(&theirs);
		gtid_set_init(&both);
		if (gtid_set_parse(&theirs, b->in->executed_gtid_set, NULL) ==
		    ERR_NONE)
			gtid_set_intersect(&both, errant, &theirs);
		if (!gtid_set_is_empty(&both))
			plan_warn(m->p, "%s has executed them, too: below it "
			    "%s would apply them once more; inject them "
			    "empty instead", make_name(m, b->in->key),
			    make_name(m, a->in->key));
		gtid_set_fini(&both);
		gtid_set_fini(&theirs);
	}
}

enum err_code
make_errant_reset(struct making *m)
{
	const struct member *a;
	struct gtid_set errant;
	enum err_code code = make_fresh(m, m->r->server, &a);

	if (code == ERR_NONE && instance_is_replica(a->in))
		code = make_movable(m, m->r->server, &a);
	if (code != ERR_NONE)
		return code;
	gtid_set_init(&errant);
	m->p->title = plan_text(m->p, "reset the binary logs of %s without its "
	    "errant transactions", make_name(m, a->in->key));
	code = errant_of(m, a, &errant);
	if (code == ERR_NONE)
		code = not_from_source(m, a, &errant);
	if (code == ERR_NONE && m->stage == 0)
		warn_of_others(m, a, &errant);
	if (code == ERR_NONE)
		code = m->stage == 0 ? begin_reset(m, a) :
		    reset_logs(m, a, &errant);
	gtid_set_fini(&errant);
	return code;
}

/* The writable head of its cluster. */
static enum err_code
find_primary(struct making *m, const struct member *a,
    const struct member **out)
{
	const struct member *head = a;
	enum err_code code;

	for (unsigned hops = 0; hops < MAKE_HOPS_MAX; hops++) {
		const struct member *up = world_find(m->w,
		    cluster_parent(head->in));

		if (up == NULL || (up->in->is_co_primary && hops > 0 &&
			head->in->is_co_primary && !head->in->read_only))
			break;
		head = up;
	}
	code = make_fresh(m, head->in->key, out);
	if (code != ERR_NONE)
		return code;
	if (head->in->read_only)
		return err_set(m->err, ERR_INVALID, "%s, the head of the "
		    "cluster of %s, is read-only",
		    make_name(m, head->in->key), make_name(m, a->in->key));
	if (!head->in->supports_oracle_gtid)
		return err_set(m->err, ERR_UNSUPPORTED,
		    "%s has not the GTID of MySQL",
		    make_name(m, head->in->key));
	return ERR_NONE;
}

static enum err_code
inject(struct making *m, const struct member *a, const struct gtid_set *errant)
{
	uint64_t n = gtid_set_count(errant);
	const struct member *head;
	enum err_code code;

	if (n > MAKE_INJECT_MAX)
		return err_set(m->err, ERR_INVALID, "%s has %llu errant "
		    "transactions: more than %d are not injected one by one",
		    make_name(m, a->in->key), (unsigned long long)n,
		    MAKE_INJECT_MAX);
	code = find_primary(m, a, &head);
	if (code != ERR_NONE)
		return code;
	make_step(m, (struct step){ .verb = DO_READ,
		.server = make_server(m, a), .to = PLAN_NOBODY,
		.needs = MUST(ERRANT),
		.why = "they must be there still" });
	make_step(m, (struct step){ .verb = DO_INJECT_EMPTY,
		.server = make_server(m, head), .to = PLAN_NOBODY,
		.text = text_of(m, errant),
		.why = plan_text(m->p, "as %llu empty transactions they go to "
		    "everybody, and are errant no longer",
		    (unsigned long long)n) });
	return ERR_NONE;
}

enum err_code
make_errant_inject(struct making *m)
{
	const struct member *a;
	struct gtid_set errant;
	enum err_code code = make_fresh(m, m->r->server, &a);

	if (code != ERR_NONE)
		return code;
	gtid_set_init(&errant);
	m->p->title = plan_text(m->p, "inject the errant transactions of %s "
	    "as empty ones", make_name(m, a->in->key));
	code = errant_of(m, a, &errant);
	if (code == ERR_NONE)
		code = inject(m, a, &errant);
	gtid_set_fini(&errant);
	return code;
}
