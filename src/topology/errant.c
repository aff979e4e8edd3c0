/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errant transactions: what a server has executed, and the head of its branch
 * (the primary, or the ring of co-primaries) has not.
 *
 * The sets compared were read at different moments, so a difference alone means
 * nothing: whoever is being written to may have committed since.  Left out is
 *   - every head's own uuid: the head may have gone on.  (Where a replica
 *     really has more of it, its source refuses it, and it does not replicate);
 *   - the names of replication groups, under which any of a group commits;
 *   - another member's uuid, beyond what that member's own facts show: it may
 *     have been made primary since;
 *   - uuids of strangers, when the head itself follows a server that is not
 *     known: they may come from above.
 * What is left was written where it should not have been: by the server itself,
 * by a server between it and the head, or by a former primary that the present
 * one did not get everything from.  The reference sees only a server's own
 * uuid, and what nobody above it uses (inst/instance_dao.go,
 * 3.2.6).
 *
 * MariaDB has positions, not sets: the last transaction of a domain, judged by
 * the same rules with server ids for uuids.  One that was hidden by a later
 * transaction of the same domain cannot be seen in a position.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "topology/gtid_build.h"
#include "topology/gtid_mariadb.h"
#include "topology/place.h"

/* What may be done with a transaction that the head lacks. */
enum verdict {
	LEAVE_OUT,
	COUNT,
	COUNT_IF_SHOWN, /* by the facts of the member who made it */
};

/* Who made it: a member, or PLACE_NOBODY for a stranger. */
static enum verdict
judge(const struct placing *pl, uint32_t i, uint32_t maker)
{
	const struct place *head = &pl->at[pl->at[i].head];

	if (maker == PLACE_NOBODY)
		return head->ring == PLACE_NOBODY &&
			!key_is_none(head->in->source_key) ?
		    LEAVE_OUT :
		    COUNT;
	if (maker == pl->at[i].head || pl->at[maker].ring == pl->at[i].head)
		return LEAVE_OUT;
	return maker == i ? COUNT : COUNT_IF_SHOWN;
}

/* ---- MySQL ---- */

struct sets {
	const struct placing *pl;
	struct gtid_set *executed; /* of each member */
	struct gtid_uuid *group; /* names of groups, sorted */
	uint32_t groups;
	struct gtid_set ring; /* what the ring's members have together */
	uint32_t ring_head;
};

static int
by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, GTID_UUID_LEN);
}

static void
sets_init(struct sets *s, const struct placing *pl)
{
	*s = (struct sets){ .pl = pl, .ring_head = PLACE_NOBODY };
	s->executed = mem_alloc(pl->n * sizeof *s->executed);
	s->group = mem_alloc(pl->n * sizeof *s->group);
	gtid_set_init(&s->ring);
	for (uint32_t i = 0; i < pl->n; i++) {
		const struct instance *in = pl->at[i].in;

		gtid_set_init(&s->executed[i]);
		gtid_set_parse(&s->executed[i], in->executed_gtid_set, NULL);
		if (instance_is_group_member(in) &&
		    gtid_uuid_parse(&s->group[s->groups], in->group_name,
			NULL) == ERR_NONE)
			s->groups++;
	}
	qsort(s->group, s->groups, sizeof *s->group, by_bytes);
}

static void
sets_fini(struct sets *s)
{
	for (uint32_t i = 0; i < s->pl->n; i++)
		gtid_set_fini(&s->executed[i]);
	gtid_set_fini(&s->ring);
	mem_free(s->executed);
	mem_free(s->group);
}

static void
sum_ring(struct sets *s, uint32_t head)
{
	struct gtid_set was;
	uint32_t k = head;

	gtid_set_init(&was);
	gtid_build_clear(&s->ring);
	do {
		gtid_set_copy(&was, &s->ring);
		gtid_set_union(&s->ring, &was, &s->executed[k]);
		k = s->pl->at[k].source;
	} while (k != head);
	gtid_set_fini(&was);
	s->ring_head = head;
}

/* What i is measured by; NULL: nothing stands above it. */
static const struct gtid_set *
base_of(struct sets *s, uint32_t i)
{
	const struct place *p = &s->pl->at[i];

	if (p->ring != PLACE_NOBODY)
		return &s->executed[p->source];
	if (p->head == i)
		return NULL;
	if (s->pl->at[p->head].ring == PLACE_NOBODY)
		return &s->executed[p->head];
	if (s->ring_head != p->head)
		sum_ring(s, p->head);
	return &s->ring;
}

static uint32_t
maker_of(const struct placing *pl, uint32_t i, struct gtid_uuid uuid)
{
	/* Cloned servers share a uuid: oneself and the head go first. */
	if (pl->at[i].has_uuid && gtid_uuid_eq(pl->at[i].uuid, uuid))
		return i;
	i = pl->at[i].head;
	if (pl->at[i].has_uuid && gtid_uuid_eq(pl->at[i].uuid, uuid))
		return i;
	return placing_find_uuid(pl, uuid);
}

/* Those of extra, which the base of i lacks, that count. */
static void
judge_set(const struct sets *s, uint32_t i, const struct gtid_set *extra,
    struct gtid_set *out)
{
	for (uint32_t k = 0; k < extra->nsources; k++) {
		const struct gtid_source *src = &extra->source[k];
		uint32_t maker = maker_of(s->pl, i, src->uuid);

		if (bsearch(&src->uuid, s->group, s->groups,
			sizeof *s->group, by_bytes) != NULL)
			continue;
		switch (judge(s->pl, i, maker)) {
		case LEAVE_OUT: break;
		case COUNT: gtid_build_copy(out, extra, src); break;
		case COUNT_IF_SHOWN:
			gtid_build_common(out, extra, src,
			    &s->executed[maker]);
			break;
		}
	}
}

static const char *
text_in(const struct gtid_set *set, struct arena *a)
{
	const char *text = "";
	struct buf b;

	if (gtid_set_is_empty(set))
		return text;
	buf_init(&b);
	gtid_set_text(set, &b);
	text = arena_strdup(a, buf_text(&b));
	buf_fini(&b);
	return text;
}

static void
find_mysql(const struct placing *pl, const char **errant, struct arena *a)
{
	struct gtid_set extra, out;
	struct sets s;

	sets_init(&s, pl);
	gtid_set_init(&extra);
	gtid_set_init(&out);
	for (uint32_t i = 0; i < pl->n; i++) {
		const struct gtid_set *base = base_of(&s, i);

		if (base == NULL || gtid_set_is_empty(base))
			continue;
		gtid_set_subtract(&extra, &s.executed[i], base);
		gtid_build_clear(&out);
		judge_set(&s, i, &extra, &out);
		errant[i] = text_in(&out, a);
	}
	gtid_set_fini(&extra);
	gtid_set_fini(&out);
	sets_fini(&s);
}

/* ---- MariaDB ---- */

struct by_id {
	uint64_t id;
	uint32_t i;
};

struct positions {
	const struct placing *pl;
	struct mariadb_pos *binlog, *current; /* of each member */
	struct by_id *by_id;
	struct arena arena;
};

static int
by_id(const void *a, const void *b)
{
	const struct by_id *x = a, *y = b;

	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return (x->i > y->i) - (x->i < y->i);
}

static void
positions_init(struct positions *ps, const struct placing *pl)
{
	struct arena *a = &ps->arena;

	ps->pl = pl;
	arena_init(a);
	ps->binlog = arena_alloc(a, pl->n * sizeof *ps->binlog);
	ps->current = arena_alloc(a, pl->n * sizeof *ps->current);
	ps->by_id = arena_alloc(a, pl->n * sizeof *ps->by_id);
	for (uint32_t i = 0; i < pl->n; i++) {
		const struct instance *in = pl->at[i].in;

		ps->by_id[i] = (struct by_id){ in->server_id, i };
		mariadb_pos_parse(&ps->binlog[i], in->mariadb_binlog_pos, a,
		    NULL);
		mariadb_pos_parse(&ps->current[i], in->mariadb_current_pos, a,
		    NULL);
	}
	qsort(ps->by_id, pl->n, sizeof *ps->by_id, by_id);
}

static uint32_t
find_id(const struct positions *ps, uint32_t i, uint32_t id)
{
	uint32_t lo = 0, hi = ps->pl->n, head = ps->pl->at[i].head;

	if (ps->pl->at[i].in->server_id == id)
		return i;
	if (ps->pl->at[head].in->server_id == id)
		return head;
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (ps->by_id[mid].id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < ps->pl->n && ps->by_id[lo].id == id ? ps->by_id[lo].i :
							  PLACE_NOBODY;
}

/* A transaction is there when its domain went further, or just that far. */
static bool
pos_has(struct mariadb_pos pos, const struct mariadb_gtid *g)
{
	const struct mariadb_gtid *at = mariadb_pos_find(pos, g->domain);

	return at != NULL && (at->seq > g->seq ||
	    (at->seq == g->seq && at->server == g->server));
}

static bool
server_has(const struct positions *ps, uint32_t i, const struct mariadb_gtid *g)
{
	return pos_has(ps->binlog[i], g) || pos_has(ps->current[i], g);
}

/* Does anyone of the head, or of its ring, except i itself? */
static bool
heads_have(const struct positions *ps, uint32_t i, const struct mariadb_gtid *g)
{
	uint32_t head = ps->pl->at[i].head, k = head;

	do {
		if (k != i && server_has(ps, k, g))
			return true;
		k = ps->pl->at[k].source;
	} while (ps->pl->at[head].ring == head && k != head);
	return false;
}

static bool
gtid_counts(const struct positions *ps, uint32_t i,
    const struct mariadb_gtid *g)
{
	uint32_t maker = find_id(ps, i, g->server);

	switch (judge(ps->pl, i, maker)) {
	case LEAVE_OUT: return false;
	case COUNT: break;
	case COUNT_IF_SHOWN:
		if (!server_has(ps, maker, g))
			return false;
		break;
	}
	return !heads_have(ps, i, g);
}

/* Something stands above it, and both sides are known. */
static bool
is_judged(const struct positions *ps, uint32_t i)
{
	const struct place *p = &ps->pl->at[i];

	return p->in->using_mariadb_gtid && ps->binlog[i].n > 0 &&
	    (p->head != i || p->ring != PLACE_NOBODY) &&
	    ps->current[p->head].n + ps->binlog[p->head].n > 0;
}

static void
find_mariadb(const struct placing *pl, const char **errant, struct arena *a)
{
	struct positions ps;
	struct buf b;

	positions_init(&ps, pl);
	buf_init(&b);
	for (uint32_t i = 0; i < pl->n; i++) {
		if (!is_judged(&ps, i))
			continue;
		buf_reset(&b);
		for (size_t k = 0; k < ps.binlog[i].n; k++) {
			const struct mariadb_gtid *g = &ps.binlog[i].at[k];

			if (!gtid_counts(&ps, i, g))
				continue;
			if (b.len > 0)
				buf_chr(&b, ',');
			mariadb_pos_text((struct mariadb_pos){ g, 1 }, &b);
		}
		if (b.len > 0)
			errant[i] = arena_strdup(a, buf_text(&b));
	}
	buf_fini(&b);
	arena_fini(&ps.arena);
}

void
errant_find(const struct placing *pl, const char **errant, struct arena *a)
{
	for (uint32_t i = 0; i < pl->n; i++)
		errant[i] = "";
	find_mysql(pl, errant, a);
	find_mariadb(pl, errant, a);
}
