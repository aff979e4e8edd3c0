/* SPDX-License-Identifier: Apache-2.0 */
/* The choice among the replicas of one source; see candidate.h. */
#include "config.h"

#include "plan/candidate.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "topology/coord.h"
#include "topology/gtid.h"
#include "topology/note.h"
#include "topology/version.h"

/* What the order looks at, worked out once. */
struct rated {
	const struct member *m;
	struct coord reach;
	struct gtid_set set; /* executed and received */
	bool by_set;	     /* there is one */
	struct version series;
	int format;
	bool near; /* in the source's data centre */
	enum promotion_rule rule;
};

struct choosing {
	const struct world *w;
	const struct member *source;
	struct rated *at;
	size_t n;
	struct version version; /* of the most */
	int format;		/* likewise */
	struct arena *a;
};

/* ---- what is known of one ---- */

struct coord
candidate_reach(const struct member *m)
{
	const struct coord *is = &m->in->exec_coord;
	const struct coord *got = &m->in->read_coord;

	if (coord_is_none(is) || (coord_comparable(is, got) &&
		coord_cmp(got, is) > 0))
		return *got;
	return *is;
}

bool
candidate_must_drain(const struct member *m)
{
	struct coord reach = candidate_reach(m);

	return !coord_is_none(&reach) &&
	    !coord_eq(&reach, &m->in->exec_coord);
}

static int
rank_format(const char *format)
{
	static const char *const rank[] = { "STATEMENT", "MIXED", "ROW" };

	for (size_t i = 0; i < MEM_COUNT(rank); i++)
		if (strcasecmp(format, rank[i]) == 0)
			return (int)i;
	return (int)MEM_COUNT(rank); /* unknown: as the widest */
}

static void
read_sets(struct rated *r)
{
	struct gtid_set executed, received;

	gtid_set_init(&r->set);
	gtid_set_init(&executed);
	gtid_set_init(&received);
	if (gtid_set_parse(&executed, r->m->in->executed_gtid_set, NULL) ==
		ERR_NONE &&
	    gtid_set_parse(&received, r->m->in->retrieved_gtid_set, NULL) ==
		ERR_NONE)
		gtid_set_union(&r->set, &executed, &received);
	r->by_set = !gtid_set_is_empty(&r->set);
	gtid_set_fini(&executed);
	gtid_set_fini(&received);
}

static void
rate(const struct choosing *c, struct rated *r, const struct member *m)
{
	const struct instance *in = m->in;

	r->m = m;
	r->reach = candidate_reach(m);
	r->series = version_parse(in->version);
	r->series.patch = 0;
	r->format = rank_format(in->binlog_format);
	r->near = c->source != NULL &&
	    strcmp(in->data_center, c->source->in->data_center) == 0;
	r->rule = c->w->control != NULL ?
	    control_rule(c->w->control, in->key) : RULE_NEUTRAL;
	read_sets(r);
}

/* ---- order ---- */

/* Has it strictly more? */
static int
cmp_sets(const struct rated *x, const struct rated *y)
{
	bool more = gtid_set_contains(&x->set, &y->set);
	bool less = gtid_set_contains(&y->set, &x->set);

	return more && !less ? -1 : less && !more ? 1 : 0;
}

/*
 * More first.  Places of one log decide; servers whose places say nothing (by
 * GTID, nothing received since the last change) are told apart by their sets,
 * among themselves, and come after.
 */
static int
cmp_places(const struct rated *x, const struct rated *y)
{
	bool nx = coord_is_none(&x->reach), ny = coord_is_none(&y->reach);

	if (nx != ny)
		return nx ? 1 : -1;
	if (!nx) {
		int cmp = coord_cmp(&y->reach, &x->reach);

		return cmp != 0 ? cmp :
		    coord_cmp(&y->m->in->exec_coord, &x->m->in->exec_coord);
	}
	return x->by_set && y->by_set ? cmp_sets(x, y) : 0;
}

static int
cmp_rated(const void *a, const void *b)
{
	const struct rated *x = a, *y = b;
	int d;

	if ((d = cmp_places(x, y)) != 0)
		return d;
	if ((d = y->m->in->log_replica_updates - x->m->in->log_replica_updates)
	    != 0)
		return d;
	if ((d = version_cmp(x->series, y->series)) != 0)
		return d;
	if ((d = x->format - y->format) != 0)
		return d;
	if ((d = y->near - x->near) != 0)
		return d;
	d = (x->m->in->gtid_errant[0] != '\0') -
	    (y->m->in->gtid_errant[0] != '\0');
	if (d != 0)
		return d;
	if ((d = (int)x->rule - (int)y->rule) != 0)
		return d;
	return key_cmp(x->m->in->key, y->m->in->key);
}

/* qsort() wants an order; sets alone are only a partial one. */
static void
sort(struct rated *at, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct rated r = at[i];
		size_t k = i;

		while (k > 0 && cmp_rated(&r, &at[k - 1]) < 0) {
			at[k] = at[k - 1];
			k--;
		}
		at[k] = r;
	}
}

/* ---- the most ---- */

static bool
counts(const struct rated *r)
{
	return note_is_valid(&r->m->health) && r->m->in->version[0] != '\0';
}

/* The most frequent; of several the lower. */
static void
find_majority(struct choosing *c)
{
	size_t most_v = 0, most_f = 0;

	for (size_t i = 0; i < c->n; i++) {
		const struct rated *r = &c->at[i];
		size_t v = 0, f = 0;

		if (!counts(r))
			continue;
		for (size_t k = 0; k < c->n; k++) {
			v += counts(&c->at[k]) &&
			    version_cmp(c->at[k].series, r->series) == 0;
			f += counts(&c->at[k]) && c->at[k].format == r->format;
		}
		if (v > most_v ||
		    (v == most_v && version_cmp(r->series, c->version) < 0)) {
			most_v = v;
			c->version = r->series;
		}
		if (f > most_f || (f == most_f && r->format < c->format)) {
			most_f = f;
			c->format = r->format;
		}
	}
}

/* ---- who will do ---- */

static bool
is_downtimed(const struct choosing *c, struct key k)
{
	const struct control_downtime *d = c->w->control == NULL ? NULL :
	    control_downtime(c->w->control, k);

	return d != NULL && wall_sub(d->end, c->w->now).us > 0;
}

/* Why it cannot be taken at all; NULL: it can. */
static const char *
unfit(const struct choosing *c, const struct rated *r)
{
	const struct instance *in = r->m->in;
	char series[VERSION_MAJOR_TEXT_MAX];

	if (!note_is_valid(&r->m->health))
		return "it cannot be reached";
	if (instance_is_binlog_server(in))
		return "it is a binlog server";
	if (!in->log_bin)
		return "it has no binary log";
	if (!in->log_replica_updates)
		return "it does not log what it replicates";
	if (r->rule == RULE_MUST_NOT)
		return "its promotion rule is must_not";
	if (c->w->policy->banned != NULL &&
	    c->w->policy->banned(c->w->policy->banned_arg, in->key))
		return "PromotionIgnoreHostnameFilters names it";
	if (version_cmp(r->series, c->version) > 0)
		return arena_printf(c->a, "most are %s, and it is newer: %s",
		    version_major_text(c->version, series), in->version);
	if (r->format > c->format)
		return arena_printf(c->a, "most have a narrower binlog format "
		    "than its %s", in->binlog_format);
	return NULL;
}

/* Why another one is better, wherever that stands; NULL: nothing. */
static const char *
unwanted(const struct choosing *c, const struct rated *r)
{
	const struct instance *in = r->m->in;

	if (is_downtimed(c, in->key))
		return "it is downtimed";
	if (in->sql_delay > 0)
		return arena_printf(c->a, "it is delayed by %llu s on purpose",
		    (unsigned long long)in->sql_delay);
	if (in->gtid_errant[0] != '\0')
		return arena_printf(c->a, "it has errant transactions: %.200s",
		    in->gtid_errant);
	return NULL;
}

static size_t
choose(const struct choosing *c)
{
	size_t second = c->n;

	for (size_t i = 0; i < c->n; i++) {
		if (unfit(c, &c->at[i]) != NULL)
			continue;
		if (unwanted(c, &c->at[i]) == NULL)
			return i;
		if (second == c->n)
			second = i;
	}
	return second;
}

/* ---- words ---- */

static const char *
why_not(const struct choosing *c, const struct rated *best,
    const struct rated *r)
{
	const char *why = unfit(c, r);
	char mine[COORD_TEXT_MAX], its[COORD_TEXT_MAX];

	if (why == NULL)
		why = unwanted(c, r);
	if (why != NULL)
		return why;
	if (cmp_places(best, r) < 0 && !coord_is_none(&r->reach))
		return arena_printf(c->a, "it has only up to %.200s, not to "
		    "%.200s", coord_text(&r->reach, mine),
		    coord_text(&best->reach, its));
	if (cmp_places(best, r) < 0)
		return "it has fewer transactions";
	if (version_cmp(best->series, r->series) != 0)
		return arena_printf(c->a, "the other one is older: %s, and it "
		    "is %s", best->m->in->version, r->m->in->version);
	if (best->format != r->format)
		return "the other one has the narrower binlog format";
	if (best->near != r->near)
		return "the other one is in the data centre of the source";
	if (best->rule != r->rule)
		return arena_printf(c->a, "its promotion rule is %s",
		    promotion_rule_name(r->rule));
	return "by name only";
}

/* Where r stands when the chosen one has applied all that it has. */
static enum candidate_stand
stand_of(const struct choosing *c, const struct rated *best,
    const struct rated *r)
{
	const struct coord *at = &r->m->in->exec_coord;
	int cmp;

	if (may_replicate(c->w, r->m, best->m, NULL, NULL) != ERR_NONE)
		return CANDIDATE_CANNOT;
	if (coord_is_none(at) || coord_is_none(&best->reach)) {
		cmp = best->by_set && r->by_set ? -cmp_sets(best, r) : 0;
		return cmp > 0 ? CANDIDATE_BEHIND :
		    cmp < 0    ? CANDIDATE_AHEAD : CANDIDATE_EQUAL;
	}
	cmp = coord_cmp(at, &best->reach);
	return cmp < 0 ? CANDIDATE_BEHIND :
	    cmp > 0    ? CANDIDATE_AHEAD : CANDIDATE_EQUAL;
}

static void
tell(const struct choosing *c, size_t chosen, struct candidates *out)
{
	const struct rated *best = chosen < c->n ? &c->at[chosen] : NULL;
	struct err err = ERR_INIT;

	out->n = c->n;
	out->at = arena_alloc(c->a, (c->n + 1) * sizeof *out->at);
	out->chosen = best != NULL ? best->m : NULL;
	for (size_t i = 0; i < c->n; i++) {
		struct candidate *o = &out->at[i];
		const struct rated *r = &c->at[i];

		o->m = r->m;
		if (best == NULL) {
			o->stand = CANDIDATE_CANNOT;
			o->why = unfit(c, r);
			continue;
		}
		o->stand = r == best ? CANDIDATE_CHOSEN :
		    stand_of(c, best, r);
		o->why = r == best ? "of those that are fit it has most" :
		    why_not(c, best, r);
		if (o->stand == CANDIDATE_CANNOT &&
		    may_replicate(c->w, r->m, best->m, NULL, &err) != ERR_NONE)
			o->why = arena_strdup(c->a, err.text);
	}
}

enum err_code
candidate_choose(struct candidates *out, const struct world *w,
    const struct member *source, const struct member *const *replica, size_t n,
    struct arena *a, struct err *err)
{
	struct choosing c = { .w = w, .source = source, .n = n, .a = a };
	char name[KEY_TEXT_MAX];
	size_t chosen;

	c.at = mem_zalloc((n + 1) * sizeof *c.at);
	for (size_t i = 0; i < n; i++)
		rate(&c, &c.at[i], replica[i]);
	sort(c.at, n);
	find_majority(&c);
	chosen = choose(&c);
	tell(&c, chosen, out);
	if (chosen == n && n > 0)
		err_set(err, ERR_NOT_FOUND, "no replica is fit to take the "
		    "others; %s, the most advanced: %s",
		    key_text(out->at[0].m->in->key, name), out->at[0].why);
	else if (n == 0)
		err_set(err, ERR_NOT_FOUND, "there are no replicas");
	for (size_t i = 0; i < n; i++)
		gtid_set_fini(&c.at[i].set);
	mem_free(c.at);
	return chosen < n ? ERR_NONE : ERR_NOT_FOUND;
}

void
candidates_json(const struct candidates *c, struct json *w)
{
	static const char *const stand[] = { "chosen", "equal", "behind",
		"ahead", "cannot-replicate" };

	json_obj(w);
	json_key(w, "Replicas");
	json_arr(w);
	for (size_t i = 0; i < c->n; i++) {
		json_obj(w);
		json_key(w, "Key");
		key_json(w, c->at[i].m->in->key);
		json_kstr(w, "Stand", stand[c->at[i].stand]);
		json_kstr(w, "Why", c->at[i].why);
		json_end(w);
	}
	json_end(w);
	json_key(w, "Chosen");
	key_json(w, c->chosen != NULL ? c->chosen->in->key : KEY_NONE);
	json_end(w);
}
