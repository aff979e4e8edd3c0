/* SPDX-License-Identifier: Apache-2.0 */
/* What each command does: one function a row of control.def. */
#include "config.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "topology/control_table.h"

/* A version in the making; reads see what was changed so far. */
struct change {
	struct control *c;
	struct buf *result; /* may be NULL */
	struct err *err;
};

static const void *
find(const struct change *ch, enum control_table t, const void *probe)
{
	return table_find(ch->c->table[t], control_schema(t), probe);
}

#define FIND(ch, name, ...) \
	((const struct control_##name *)find((ch), CONTROL_##name, \
	    &(struct control_##name){ __VA_ARGS__ }))

static void
replace(struct change *ch, enum control_table t, struct table *next)
{
	table_unref(ch->c->table[t]);
	ch->c->table[t] = next;
}

static void
edit(struct change *ch, enum control_table t, const void *row, bool gone)
{
	struct edit e = { row, gone };

	replace(ch, t, table_update(ch->c->table[t], control_schema(t), &e, 1,
	    NULL, NULL));
}

static enum err_code
full(struct change *ch, enum control_table t)
{
	return err_set(ch->err, ERR_BUSY, "there are %d %s rows already",
	    CONTROL_ROWS_MAX, control_schema(t)->name);
}

static enum err_code
put(struct change *ch, enum control_table t, const void *row)
{
	const struct control_schema *s = control_schema(t);
	const void *was = find(ch, t, row);
	enum err_code code = row_check(s, row, ch->err);

	if (code != ERR_NONE)
		return code;
	if (was != NULL && row_equal(s, was, row))
		return ERR_NONE;
	if (was == NULL && table_count(ch->c->table[t]) >= CONTROL_ROWS_MAX)
		return full(ch, t);
	edit(ch, t, row, false);
	return ERR_NONE;
}

#define PUT(ch, name, ...) \
	put((ch), CONTROL_##name, &(struct control_##name){ __VA_ARGS__ })

/* true: it was there. */
static bool
take(struct change *ch, enum control_table t, const void *probe)
{
	if (find(ch, t, probe) == NULL)
		return false;
	edit(ch, t, probe, true);
	return true;
}

#define TAKE(ch, name, ...) \
	take((ch), CONTROL_##name, &(struct control_##name){ __VA_ARGS__ })

static enum err_code
result_uint(struct change *ch, uint64_t v)
{
	if (ch->result != NULL)
		pack_uint(ch->result, v);
	return ERR_NONE;
}

static enum err_code
check_span(struct change *ch, dur_t d)
{
	if (d.us >= 0 && d.us <= CONTROL_SPAN_MAX.us)
		return ERR_NONE;
	return err_set(ch->err, ERR_INVALID,
	    "%" PRId64 " seconds is no usable duration", d.us / 1000000);
}

/* When something of that length ends; 0 stands for the usual length. */
static wall_t
end_of(wall_t at, dur_t d, int64_t usual_s)
{
	return wall_add(at, d.us > 0 ? d : DUR_S(usual_s));
}

/* ---- downtime and maintenance ---- */

static enum err_code
apply_begin_downtime(struct change *ch, const struct command_begin_downtime *c)
{
	enum err_code code = check_span(ch, c->duration);

	if (code != ERR_NONE)
		return code;
	return PUT(ch, downtime, .key = c->key, .owner = c->owner,
	    .reason = c->reason, .begin = c->at,
	    .end = end_of(c->at, c->duration, CONTROL_DOWNTIME_S));
}

static enum err_code
apply_end_downtime(struct change *ch, const struct command_end_downtime *c)
{
	return result_uint(ch, TAKE(ch, downtime, .key = c->key));
}

/* Ids begin at 1 and are not used twice. */
static enum err_code
next_maintenance_id(struct change *ch, wall_t at, uint64_t *id)
{
	const struct control_setting *last =
	    FIND(ch, setting, .name = SETTING_MAINTENANCE_ID);
	char text[24];

	*id = (last != NULL ? strtoull(last->value, NULL, 10) : 0) + 1;
	snprintf(text, sizeof text, "%" PRIu64, *id);
	return PUT(ch, setting, .name = SETTING_MAINTENANCE_ID, .value = text,
	    .changed = at);
}

static enum err_code
locked(struct change *ch, const struct control_maintenance *m)
{
	char key[KEY_TEXT_MAX], end[WALL_TEXT_MAX];

	return err_set(ch->err, ERR_EXISTS,
	    "%s is locked for maintenance by %.64s (%.128s) until %s",
	    key_text(m->key, key), m->owner, m->reason, wall_text(m->end, end));
}

static enum err_code
apply_begin_maintenance(struct change *ch,
    const struct command_begin_maintenance *c)
{
	const struct control_maintenance *m =
	    FIND(ch, maintenance, .key = c->key);
	enum err_code code = check_span(ch, c->duration);
	uint64_t id;

	if (code != ERR_NONE)
		return code;
	if (m != NULL && m->end.us > c->at.us)
		return locked(ch, m);
	code = next_maintenance_id(ch, c->at, &id);
	if (code == ERR_NONE)
		code = PUT(ch, maintenance, .key = c->key, .id = id,
		    .owner = c->owner, .reason = c->reason, .begin = c->at,
		    .end = end_of(c->at, c->duration, CONTROL_MAINTENANCE_S));
	return code == ERR_NONE ? result_uint(ch, id) : code;
}

static struct key
maintenance_of(const struct control *c, uint64_t id)
{
	const struct control_maintenance *m;
	struct control_iter it;

	control_each(c, CONTROL_maintenance, &it);
	while ((m = control_next(&it)) != NULL) {
		if (m->id == id)
			return m->key;
	}
	return KEY_NONE;
}

static enum err_code
apply_end_maintenance(struct change *ch,
    const struct command_end_maintenance *c)
{
	struct key key = c->key;

	if (key_is_none(key))
		key = maintenance_of(ch->c, c->id);
	return result_uint(ch, TAKE(ch, maintenance, .key = key));
}

/* ---- promotion, names ---- */

static enum err_code
apply_register_candidate(struct change *ch,
    const struct command_register_candidate *c)
{
	return PUT(ch, candidate, .key = c->key, .rule = c->rule,
	    .suggested = c->at);
}

static enum err_code
apply_set_alias_override(struct change *ch,
    const struct command_set_alias_override *c)
{
	const char *other;

	if (c->alias[0] == '\0') {
		TAKE(ch, alias_override, .cluster = c->cluster);
		return ERR_NONE;
	}
	other = control_cluster_of_alias(ch->c, c->alias);
	if (other != NULL && strcmp(other, c->cluster) != 0)
		TAKE(ch, alias_override, .cluster = other);
	return PUT(ch, alias_override, .cluster = c->cluster,
	    .alias = c->alias);
}

static enum err_code
apply_set_domain(struct change *ch, const struct command_set_domain *c)
{
	if (c->domain[0] == '\0') {
		TAKE(ch, domain, .cluster = c->cluster);
		return ERR_NONE;
	}
	return PUT(ch, domain, .cluster = c->cluster, .domain = c->domain,
	    .registered = c->at);
}

/* A row of a table whose key is a cluster name and comes first. */
static enum err_code
rename_row(struct change *ch, enum control_table t, const char *from,
    const char *to)
{
	const struct control_schema *s = control_schema(t);
	union {
		const char *cluster;
		struct control_alias_override alias_override;
		struct control_domain domain;
		struct control_pseudo_gtid pseudo_gtid;
	} row = { .cluster = from };
	const void *was = find(ch, t, &row);
	enum err_code code;

	assert(s->columns[0].offset == 0 && s->size <= sizeof row);
	if (was == NULL)
		return ERR_NONE;
	memcpy(&row, was, s->size);
	row.cluster = to;
	code = put(ch, t, &row);
	if (code == ERR_NONE)
		take(ch, t, &(const char *){ from });
	return code;
}

static enum err_code
apply_rename_cluster(struct change *ch, const struct command_rename_cluster *c)
{
	static const enum control_table tables[] = { CONTROL_alias_override,
		CONTROL_domain, CONTROL_pseudo_gtid };
	enum err_code code = ERR_NONE;

	if (strcmp(c->from, c->to) == 0)
		return ERR_NONE;
	for (size_t i = 0; i < MEM_COUNT(tables) && code == ERR_NONE; i++)
		code = rename_row(ch, tables[i], c->from, c->to);
	return code;
}

static enum err_code
apply_register_unresolve(struct change *ch,
    const struct command_register_unresolve *c)
{
	if (c->name[0] == '\0')
		return err_set(ch->err, ERR_INVALID, "virtual name is empty");
	return PUT(ch, unresolve, .host = c->host, .name = c->name,
	    .registered = c->at);
}

static enum err_code
apply_deregister_unresolve(struct change *ch,
    const struct command_deregister_unresolve *c)
{
	return result_uint(ch, TAKE(ch, unresolve, .host = c->host));
}

static enum err_code
apply_set_attribute(struct change *ch, const struct command_set_attribute *c)
{
	return PUT(ch, attribute, .host = c->host, .name = c->name,
	    .value = c->value, .submitted = c->at);
}

static enum err_code
apply_mark_pseudo_gtid(struct change *ch,
    const struct command_mark_pseudo_gtid *c)
{
	return PUT(ch, pseudo_gtid, .cluster = c->cluster, .injected = c->at);
}

/* ---- tags and pools ---- */

static enum err_code
check_tag_name(struct change *ch, const char *name)
{
	if (name[0] != '\0' && name[0] != '~' && name[0] != '!' &&
	    strpbrk(name, ",=") == NULL)
		return ERR_NONE;
	return err_set(ch->err, ERR_INVALID,
	    "\"%.64s\" cannot be the name of a tag", name);
}

static enum err_code
apply_put_tag(struct change *ch, const struct command_put_tag *c)
{
	enum err_code code = check_tag_name(ch, c->name);

	if (code != ERR_NONE)
		return code;
	return PUT(ch, tag, .key = c->key, .name = c->name, .value = c->value);
}

static void
result_keys(struct change *ch, const struct key *at, size_t n)
{
	if (ch->result == NULL)
		return;
	pack_array(ch->result, n);
	for (size_t i = 0; i < n; i++) {
		pack_array(ch->result, 2);
		pack_cstr(ch->result, at[i].host);
		pack_uint(ch->result, at[i].port);
	}
}

static enum err_code
apply_untag(struct change *ch, const struct command_untag *c)
{
	const struct control_tag *was =
	    FIND(ch, tag, .key = c->key, .name = c->name);
	enum err_code code = check_tag_name(ch, c->name);

	if (code != ERR_NONE)
		return code;
	if (was != NULL && c->has_value && strcmp(was->value, c->value) != 0)
		was = NULL;
	if (was != NULL)
		TAKE(ch, tag, .key = c->key, .name = c->name);
	result_keys(ch, &c->key, was != NULL);
	return ERR_NONE;
}

static bool
tag_is(void *arg, const void *row)
{
	const struct command_untag_all *c = arg;
	const struct control_tag *t = row;

	return strcmp(t->name, c->name) == 0 && strcmp(t->value, c->value) == 0;
}

static enum err_code
apply_untag_all(struct change *ch, const struct command_untag_all *c)
{
	struct command_untag_all want = *c;
	enum err_code code = check_tag_name(ch, c->name);
	const struct control_tag *t;
	struct control_iter it;
	struct key *keys;
	size_t n = 0;

	if (code != ERR_NONE)
		return code;
	keys = mem_resize(NULL, control_count(ch->c, CONTROL_tag) + 1,
	    sizeof *keys);
	control_each(ch->c, CONTROL_tag, &it);
	while ((t = control_next(&it)) != NULL) {
		if (tag_is(&want, t))
			keys[n++] = t->key;
	}
	result_keys(ch, keys, n);
	mem_free(keys);
	if (n > 0)
		replace(ch, CONTROL_tag, table_update(ch->c->table[CONTROL_tag],
		    control_schema(CONTROL_tag), NULL, 0, tag_is, &want));
	return ERR_NONE;
}

static bool
pool_is(void *arg, const void *row)
{
	return strcmp(((const struct control_pool *)row)->pool, arg) == 0;
}

/* Rows of the members, sorted, each once; BUSY when they would not fit. */
static enum err_code
pool_rows(struct change *ch, const struct command_submit_pool *c,
    struct arena *a, struct edit **edits, size_t *n)
{
	struct keys members = keys_sorted(c->members.at, c->members.n, a);
	struct control_pool *rows = arena_alloc(a, members.n * sizeof *rows);
	enum err_code code = ERR_NONE;
	size_t i;

	*edits = arena_alloc(a, members.n * sizeof **edits);
	*n = 0;
	for (i = 0; i < members.n && code == ERR_NONE; i++) {
		if (i > 0 && key_eq(members.at[i], members.at[i - 1]))
			continue;
		rows[i] = (struct control_pool){ .pool = c->pool,
			.key = members.at[i], .registered = c->at };
		(*edits)[(*n)++].row = &rows[i];
		code = row_check(control_schema(CONTROL_pool), &rows[i],
		    ch->err);
	}
	if (code == ERR_NONE &&
	    control_count(ch->c, CONTROL_pool) + *n > CONTROL_ROWS_MAX)
		return full(ch, CONTROL_pool);
	return code;
}

static enum err_code
apply_submit_pool(struct change *ch, const struct command_submit_pool *c)
{
	struct edit *edits;
	struct arena a;
	enum err_code code;
	size_t n;

	if (c->pool[0] == '\0')
		return err_set(ch->err, ERR_INVALID, "the pool has no name");
	arena_init(&a);
	code = pool_rows(ch, c, &a, &edits, &n);
	if (code == ERR_NONE) {
		replace(ch, CONTROL_pool,
		    table_update(ch->c->table[CONTROL_pool],
			control_schema(CONTROL_pool), edits, n, pool_is,
			(void *)(uintptr_t)c->pool));
		result_uint(ch, n);
	}
	arena_fini(&a);
	return code;
}

/* ---- the switch, forgetting ---- */

static enum err_code
apply_disable_recoveries(struct change *ch,
    const struct command_disable_recoveries *c)
{
	return PUT(ch, setting, .name = SETTING_RECOVERIES, .value = "1",
	    .changed = c->at);
}

static enum err_code
apply_enable_recoveries(struct change *ch,
    const struct command_enable_recoveries *c)
{
	(void)c;
	TAKE(ch, setting, .name = SETTING_RECOVERIES);
	return ERR_NONE;
}

static bool
pool_has(void *arg, const void *row)
{
	return key_eq(((const struct control_pool *)row)->key,
	    *(const struct key *)arg);
}

static enum err_code
apply_forget(struct change *ch, const struct command_forget *c)
{
	struct key key = c->key;
	struct control_iter it;
	const void *row;

	TAKE(ch, downtime, .key = key);
	TAKE(ch, maintenance, .key = key);
	TAKE(ch, candidate, .key = key);
	control_each(ch->c, CONTROL_pool, &it);
	while ((row = control_next(&it)) != NULL && !pool_has(&key, row))
		;
	if (row != NULL)
		replace(ch, CONTROL_pool,
		    table_update(ch->c->table[CONTROL_pool],
			control_schema(CONTROL_pool), NULL, 0, pool_has, &key));
	return ERR_NONE;
}

/* ---- tokens ---- */

static enum err_code
apply_token_add(struct change *ch, const struct command_token_add *c)
{
	if (c->secret[0] == '\0')
		return err_set(ch->err, ERR_INVALID, "the secret is empty");
	if (FIND(ch, token, .public = c->public) != NULL)
		return err_set(ch->err, ERR_EXISTS, "that token exists");
	return PUT(ch, token, .public = c->public, .secret = c->secret,
	    .by = c->by, .generated = c->at, .reentrant = c->reentrant);
}

static enum err_code
apply_token_acquire(struct change *ch, const struct command_token_acquire *c)
{
	const struct control_token *was = FIND(ch, token, .public = c->public);
	struct control_token is;
	enum err_code code;

	if (was == NULL || (was->acquired && !was->reentrant) ||
	    wall_sub(c->at, was->generated).us >= c->within.us)
		return err_set(ch->err, ERR_DENIED,
		    "no such access token, or it was used, or is too old");
	is = *was;
	if (!is.acquired) {
		is.acquired = true;
		is.acquired_at = c->at;
		code = put(ch, CONTROL_token, &is);
		if (code != ERR_NONE)
			return code;
	}
	if (ch->result != NULL) {
		was = FIND(ch, token, .public = c->public);
		pack_cstr(ch->result, was->secret);
	}
	return ERR_NONE;
}

/* ---- the machine ---- */

static enum err_code
apply_expire(struct change *ch, const struct command_expire *c)
{
	control_expire(ch->c, c, ch->result);
	return ERR_NONE;
}

/* One function type for all: each gets its own command behind the pointer. */
#define COMMAND(name, fields) \
	static enum err_code run_##name(struct change *ch, const void *c) \
	{ \
		return apply_##name(ch, c); \
	}
#include "topology/control.def"
#undef COMMAND

static enum err_code (*const run[COMMANDS])(struct change *, const void *) = {
#define COMMAND(name, fields) run_##name,
#include "topology/control.def"
#undef COMMAND
};

static struct control *
draft_of(const struct control *old)
{
	struct control *c = control_new();

	for (unsigned i = 0; i < CONTROL_TABLES; i++)
		c->table[i] = table_ref(old->table[i]);
	return c;
}

/* The draft, or old when nothing in it changed. */
static struct control *
settle(const struct control *old, struct control *draft)
{
	if (memcmp(old->table, draft->table, sizeof draft->table) != 0)
		return draft;
	control_unref(draft);
	return control_ref(old);
}

enum err_code
control_apply(const struct control *old, struct bin command,
    struct control **new, struct buf *result, struct err *err)
{
	struct change ch = { NULL, result, err };
	const struct control_schema *s;
	union any_command args;
	enum err_code code;
	enum command which;
	struct arena a;
	struct pcur c;
	size_t fields;

	*new = NULL;
	which = command_open(command, &c, &fields);
	if (which == COMMANDS)
		return err_set(err, ERR_MALFORMED, "not a control command");
	s = command_schema(which);
	arena_init(&a);
	row_init(s, &args);
	row_unpack(&c, s, fields, &args, &a);
	code = pcur_done(&c) ? row_check_times(s, &args, err) :
	    err_set(err, ERR_MALFORMED, "command %s is cut short", s->name);
	if (code == ERR_NONE) {
		ch.c = draft_of(old);
		code = run[which](&ch, &args);
		if (code == ERR_NONE)
			*new = settle(old, ch.c);
		else
			control_unref(ch.c);
	}
	arena_fini(&a);
	return code;
}
