/* SPDX-License-Identifier: Apache-2.0 */
/* Commands about tags and pools. */
#include "config.h"

#include <string.h>

#include "base/mem.h"
#include "topology/control_change.h"

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

enum err_code
control_do_put_tag(struct change *ch, const struct command_put_tag *c)
{
	enum err_code code = check_tag_name(ch, c->name);

	if (code != ERR_NONE)
		return code;
	return CHANGE_PUT(ch, tag, .key = c->key, .name = c->name, .value = c->value);
}

enum err_code
control_do_untag(struct change *ch, const struct command_untag *c)
{
	const struct control_tag *was =
	    CHANGE_FIND(ch, tag, .key = c->key, .name = c->name);
	enum err_code code = check_tag_name(ch, c->name);

	if (code != ERR_NONE)
		return code;
	if (was != NULL && c->has_value && strcmp(was->value, c->value) != 0)
		was = NULL;
	if (was != NULL)
		CHANGE_TAKE(ch, tag, .key = c->key, .name = c->name);
	change_result_keys(ch, &c->key, was != NULL);
	return ERR_NONE;
}

static bool
tag_is(void *arg, const void *row)
{
	const struct command_untag_all *c = arg;
	const struct control_tag *t = row;

	return strcmp(t->name, c->name) == 0 && strcmp(t->value, c->value) == 0;
}

enum err_code
control_do_untag_all(struct change *ch, const struct command_untag_all *c)
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
	change_result_keys(ch, keys, n);
	mem_free(keys);
	if (n > 0)
		change_replace(ch, CONTROL_tag, table_update(ch->c->table[CONTROL_tag],
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
		return change_full(ch, CONTROL_pool);
	return code;
}

enum err_code
control_do_submit_pool(struct change *ch, const struct command_submit_pool *c)
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
		change_replace(ch, CONTROL_pool,
		    table_update(ch->c->table[CONTROL_pool],
			control_schema(CONTROL_pool), edits, n, pool_is,
			(void *)(uintptr_t)c->pool));
		change_result_uint(ch, n);
	}
	arena_fini(&a);
	return code;
}
