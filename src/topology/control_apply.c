/* SPDX-License-Identifier: Apache-2.0 */
/* Commands are decoded, carried out on a draft, and give the next version. */
#include "config.h"

#include <string.h>

#include "base/mem.h"
#include "topology/control_change.h"

const void *
change_find(const struct change *ch, enum control_table t, const void *probe)
{
	return table_find(ch->c->table[t], control_schema(t), probe);
}

void
change_replace(struct change *ch, enum control_table t, struct table *next)
{
	table_unref(ch->c->table[t]);
	ch->c->table[t] = next;
}

static void
edit(struct change *ch, enum control_table t, const void *row, bool gone)
{
	struct edit e = { row, gone };

	change_replace(ch, t, table_update(ch->c->table[t], control_schema(t), &e, 1,
	    NULL, NULL));
}

enum err_code
change_full(struct change *ch, enum control_table t)
{
	return err_set(ch->err, ERR_BUSY, "there are %d %s rows already",
	    CONTROL_ROWS_MAX, control_schema(t)->name);
}

enum err_code
change_put(struct change *ch, enum control_table t, const void *row)
{
	const struct control_schema *s = control_schema(t);
	const void *was = change_find(ch, t, row);
	enum err_code code = row_check(s, row, ch->err);

	if (code != ERR_NONE)
		return code;
	if (was != NULL && row_equal(s, was, row))
		return ERR_NONE;
	if (was == NULL && table_count(ch->c->table[t]) >= CONTROL_ROWS_MAX)
		return change_full(ch, t);
	edit(ch, t, row, false);
	return ERR_NONE;
}

bool
change_take(struct change *ch, enum control_table t, const void *probe)
{
	if (change_find(ch, t, probe) == NULL)
		return false;
	edit(ch, t, probe, true);
	return true;
}

enum err_code
change_result_uint(struct change *ch, uint64_t v)
{
	if (ch->result != NULL)
		pack_uint(ch->result, v);
	return ERR_NONE;
}

void
change_result_keys(struct change *ch, const struct key *at, size_t n)
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

/* ---- the machine ---- */

enum err_code
control_do_expire(struct change *ch, const struct command_expire *c)
{
	control_expire(ch->c, c, ch->result);
	return ERR_NONE;
}

/* One function type for all: each gets its own command behind the pointer. */
#define COMMAND(name, fields) \
	static enum err_code run_##name(struct change *ch, const void *c) \
	{ \
		return control_do_##name(ch, c); \
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
