/* SPDX-License-Identifier: Apache-2.0 */
/* What ends by itself: which rows, when, and the reading of results. */
#include "config.h"

#include <string.h>

#include "base/mem.h"
#include "topology/control_table.h"

/* A table whose rows end: at a time of theirs, plus a limit of the command. */
static const struct rule {
	enum control_table table;
	size_t time;  /* offset of a wall_t in the row */
	size_t limit; /* offset of a dur_t in command_expire */
} rules[] = {
#define LIMIT(f) offsetof(struct command_expire, f)
#define ENDS SIZE_MAX /* the time is the end itself */
	{ CONTROL_downtime, offsetof(struct control_downtime, end), ENDS },
	{ CONTROL_maintenance, offsetof(struct control_maintenance, end),
	    ENDS },
	{ CONTROL_candidate, offsetof(struct control_candidate, suggested),
	    LIMIT(candidate) },
	{ CONTROL_domain, offsetof(struct control_domain, registered),
	    LIMIT(domain) },
	{ CONTROL_pool, offsetof(struct control_pool, registered),
	    LIMIT(pool) },
	{ CONTROL_unresolve, offsetof(struct control_unresolve, registered),
	    LIMIT(unresolve) },
	{ CONTROL_pseudo_gtid, offsetof(struct control_pseudo_gtid, injected),
	    LIMIT(pseudo_gtid) },
	{ CONTROL_token, offsetof(struct control_token, generated),
	    LIMIT(token) },
	{ CONTROL_equivalence,
	    offsetof(struct control_equivalence, registered),
	    LIMIT(equivalence) },
};

/* When a row ends; INT64_MAX: never. */
static int64_t
end_us(const struct rule *r, const struct command_expire *limits,
    const void *row)
{
	const wall_t *t = (const wall_t *)(const void *)
	    ((const char *)row + r->time);
	dur_t limit = DUR_ZERO;

	if (r->table == CONTROL_token &&
	    ((const struct control_token *)row)->reentrant)
		return INT64_MAX;
	if (r->limit == ENDS)
		return t->us;
	memcpy(&limit, (const char *)limits + r->limit, sizeof limit);
	return limit.us > 0 ? t->us + limit.us : INT64_MAX;
}

struct ending {
	const struct rule *rule;
	const struct command_expire *limits;
	struct buf *names; /* of what ended; may be NULL */
	size_t n;
};

static bool
has_ended(void *arg, const void *row)
{
	const struct ending *e = arg;

	return end_us(e->rule, e->limits, row) <= e->limits->at.us;
}

/* Whom a row belongs to: its first key column, and the server if any. */
static void
note(struct ending *e, const void *row)
{
	const struct control_schema *s = control_schema(e->rule->table);
	struct key key = KEY_NONE;
	const char *name = "";

	for (unsigned i = 0; i < s->nkeys; i++) {
		const void *p = (const char *)row + s->columns[i].offset;

		if (s->columns[i].kind == COLUMN_KEY)
			key = *(const struct key *)p;
		else
			name = *(const char *const *)p;
	}
	pack_cstr(e->names, s->name);
	pack_cstr(e->names, key.host);
	pack_uint(e->names, key.port);
	pack_cstr(e->names, name);
}

void
control_expire(struct control *c, const struct command_expire *limits,
    struct buf *result)
{
	struct control_iter it;
	struct buf names;
	const void *row;
	size_t total = 0;

	buf_init(&names);
	for (size_t i = 0; i < MEM_COUNT(rules); i++) {
		struct ending e = { &rules[i], limits, &names, 0 };
		enum control_table t = rules[i].table;
		struct table *next;

		control_each(c, t, &it);
		while ((row = control_next(&it)) != NULL) {
			if (!has_ended(&e, row))
				continue;
			note(&e, row);
			e.n++;
		}
		total += e.n;
		if (e.n == 0)
			continue;
		next = table_update(c->table[t], control_schema(t), NULL, 0,
		    has_ended, &e);
		table_unref(c->table[t]);
		c->table[t] = next;
	}
	if (result != NULL) {
		pack_array(result, total * 4);
		buf_add(result, names.data, names.len);
	}
	buf_fini(&names);
}

wall_t
control_next_expiry(const struct control *c,
    const struct command_expire *limits)
{
	int64_t least = INT64_MAX;
	struct control_iter it;
	const void *row;

	for (size_t i = 0; i < MEM_COUNT(rules); i++) {
		control_each(c, rules[i].table, &it);
		while ((row = control_next(&it)) != NULL) {
			int64_t us = end_us(&rules[i], limits, row);

			if (us < least)
				least = us;
		}
	}
	return (wall_t){ least == INT64_MAX ? 0 : least };
}

struct earliest {
	const struct command_expire *limits;
	int64_t us;
};

static void
take_earlier(void *arg, enum control_table table, const void *was,
    const void *is)
{
	struct earliest *e = arg;

	(void)was;
	for (size_t i = 0; is != NULL && i < MEM_COUNT(rules); i++) {
		int64_t us = INT64_MAX;

		if (rules[i].table == table)
			us = end_us(&rules[i], e->limits, is);
		if (us < e->us)
			e->us = us;
	}
}

wall_t
control_next_expiry_of(const struct control *was, const struct control *is,
    const struct command_expire *limits)
{
	struct earliest e = { limits, INT64_MAX };

	control_diff(was, is, take_earlier, &e);
	return (wall_t){ e.us == INT64_MAX ? 0 : e.us };
}

/* ---- results ---- */

struct pcur
control_expired_begin(struct bin result)
{
	struct pcur c;

	pcur_init(&c, result.data, result.len);
	pcur_array(&c);
	return c;
}

bool
control_expired_next(struct pcur *c, struct control_expired *e)
{
	const char *table, *host, *name;

	if (!pcur_ok(c) || c->p == c->end)
		return false;
	table = pcur_cstr(c);
	host = pcur_cstr(c);
	e->key.port = (uint32_t)pcur_uint(c);
	name = pcur_cstr(c);
	if (!pcur_ok(c) || table == NULL)
		return false;
	e->key.host = host != NULL ? host : "";
	e->name = name != NULL ? name : "";
	for (unsigned i = 0; i < CONTROL_TABLES; i++) {
		e->table = (enum control_table)i;
		if (strcmp(control_schema(e->table)->name, table) == 0)
			return true;
	}
	return false;
}

bool
control_result_id(struct bin result, uint64_t *id)
{
	struct pcur c;

	pcur_init(&c, result.data, result.len);
	*id = pcur_uint(&c);
	return pcur_done(&c);
}

bool
control_result_keys(struct bin result, struct keys *keys, struct arena *a)
{
	struct pcur c;
	struct key *at;
	size_t n;

	pcur_init(&c, result.data, result.len);
	n = pcur_array(&c);
	at = arena_alloc(a, n * sizeof *at);
	for (size_t i = 0; i < n && pcur_ok(&c); i++) {
		const char *host;

		if (pcur_array(&c) != 2)
			return false;
		host = pcur_cstr(&c);
		at[i].host = host != NULL ? host : "";
		at[i].port = (uint32_t)pcur_uint(&c);
	}
	*keys = (struct keys){ at, n };
	return pcur_done(&c);
}

const char *
control_result_text(struct bin result)
{
	struct pcur c;
	const char *text;

	pcur_init(&c, result.data, result.len);
	text = pcur_cstr(&c);
	return pcur_done(&c) ? text : NULL;
}
