/* SPDX-License-Identifier: Apache-2.0 */
/* control.def as tables of columns, and commands as bytes. */
#include "config.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "base/mem.h"
#include "topology/control_table.h"

/* What begins each command's bytes. */
enum { COMMAND_VERSION = 1 };

/* ROW is the row's own struct, named inside each function below. */
#define STR(f) { #f, offsetof(ROW, f), COLUMN_STR },
#define TEXT(f) { #f, offsetof(ROW, f), COLUMN_TEXT },
#define U64(f) { #f, offsetof(ROW, f), COLUMN_U64 },
#define BOOL(f) { #f, offsetof(ROW, f), COLUMN_BOOL },
#define TIME(f) { #f, offsetof(ROW, f), COLUMN_TIME },
#define KEY(f) { #f, offsetof(ROW, f), COLUMN_KEY },
#define RULE(f) { #f, offsetof(ROW, f), COLUMN_RULE },
#define DUR(f) { #f, offsetof(ROW, f), COLUMN_DUR },
#define KEYS(f) { #f, offsetof(ROW, f), COLUMN_KEYS },

#define TABLE(name, nkeys, cols) \
	static const struct control_schema *table_##name(void) \
	{ \
		typedef struct control_##name ROW; \
		static const struct control_column c[] = { cols }; \
		static const struct control_schema s = { #name, sizeof(ROW), \
			c, MEM_COUNT(c), nkeys }; \
		return &s; \
	}
#include "topology/control.def"
#undef TABLE

#define COMMAND(name, fields) \
	static const struct control_schema *command_##name(void) \
	{ \
		typedef struct command_##name ROW; \
		static const struct control_column c[] = { TIME(at) fields }; \
		static const struct control_schema s = { #name, sizeof(ROW), \
			c, MEM_COUNT(c), 0 }; \
		return &s; \
	}
#include "topology/control.def"
#undef COMMAND

typedef const struct control_schema *schema_fn(void);

const struct control_schema *
control_schema(enum control_table table)
{
	static schema_fn *const of[] = {
#define TABLE(name, nkeys, cols) table_##name,
#include "topology/control.def"
#undef TABLE
	};

	assert((unsigned)table < CONTROL_TABLES);
	return of[table]();
}

const struct control_schema *
command_schema(enum command command)
{
	static schema_fn *const of[] = {
#define COMMAND(name, fields) command_##name,
#include "topology/control.def"
#undef COMMAND
	};

	assert((unsigned)command < COMMANDS);
	return of[command]();
}

static void
command_write(struct buf *b, enum command command, const void *row)
{
	const struct control_schema *s = command_schema(command);

	pack_array(b, 2 + s->n);
	pack_uint(b, COMMAND_VERSION);
	pack_cstr(b, s->name);
	row_pack(b, s, row);
}

#define COMMAND(name, fields) \
	void command_pack_##name(struct buf *b, const struct command_##name *c) \
	{ \
		command_write(b, COMMAND_##name, c); \
	}
#include "topology/control.def"
#undef COMMAND

enum command
command_open(struct bin bytes, struct pcur *c, size_t *fields)
{
	const char *name;
	size_t n;

	pcur_init(c, bytes.data, bytes.len);
	n = pcur_array(c);
	if (n < 3 || pcur_uint(c) != COMMAND_VERSION)
		return COMMANDS;
	name = pcur_cstr(c);
	if (name == NULL)
		return COMMANDS;
	*fields = n - 2;
	for (unsigned i = 0; i < COMMANDS; i++) {
		if (strcmp(name, command_schema((enum command)i)->name) == 0)
			return (enum command)i;
	}
	return COMMANDS;
}

const char *
command_name(struct bin command)
{
	struct pcur c;
	size_t fields;
	enum command which = command_open(command, &c, &fields);

	return which < COMMANDS ? command_schema(which)->name : NULL;
}

/* What was not given: a duration that is the usual one, an id. */
static bool
not_given(const struct control_column *c, const void *p)
{
	return (c->kind == COLUMN_DUR && ((const dur_t *)p)->us == 0) ||
	    (c->kind == COLUMN_U64 && *(const uint64_t *)p == 0);
}

/* What it is about is told apart from the rest. */
static void
describe(const struct control_schema *s, const union any_command *args,
    struct key *key, const char **cluster, struct buf *text)
{
	size_t start = text->len;

	for (unsigned i = 1; i < s->n; i++) { /* "at" comes first */
		const struct control_column *c = &s->columns[i];
		const void *p = (const char *)args + c->offset;

		if (c->kind == COLUMN_KEY)
			*key = *(const struct key *)p;
		else if (strcmp(c->name, "cluster") == 0)
			*cluster = *(const char *const *)p;
		else if (!not_given(c, p) && strcmp(c->name, "holder") != 0) {
			buf_printf(text, "%s%s: ",
			    text->len > start ? ", " : "", c->name);
			column_print(text, c->kind, p);
		}
	}
}

bool
command_describe(struct bin command, struct key *key, const char **cluster,
    struct buf *text)
{
	const struct control_schema *s;
	union any_command args;
	enum command which;
	struct arena a;
	struct pcur c;
	size_t fields;
	bool good;

	*key = KEY_NONE;
	*cluster = "";
	which = command_open(command, &c, &fields);
	if (which == COMMANDS || which == COMMAND_token_add ||
	    which == COMMAND_token_acquire ||
	    which == COMMAND_end_other_holders || which == COMMAND_expire)
		return false;
	s = command_schema(which);
	arena_init(&a);
	row_init(s, &args);
	row_unpack(&c, s, fields, &args, &a);
	good = pcur_done(&c);
	if (good)
		describe(s, &args, key, cluster, text);
	arena_fini(&a);
	return good;
}
