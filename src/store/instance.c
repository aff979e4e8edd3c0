/* SPDX-License-Identifier: Apache-2.0 */
/* Servers: one row each, columns from instance.def, and the health columns. */
#include "config.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/db.h"

/* health_bind() and health_read() know this order. */
static const struct db_column health_columns[] = {
	{ "first_known", "TEXT" },
	{ "last_attempted", "TEXT" },
	{ "last_checked", "TEXT" },
	{ "last_seen", "TEXT" },
	{ "latency_us", "INTEGER" },
	{ "failures", "INTEGER" },
	{ "last_check_partial", "INTEGER" },
	{ "last_error", "TEXT" },
	{ "last_error_code", "INTEGER" },
};

static bool
is_stored(const struct instance_field *f)
{
	return (f->from == IS_FACT || f->from == IS_EXTRA) &&
	    f->column[0] != '\0';
}

/* ---- columns ---- */

static void
field_columns(const struct instance_field *f, struct db_table *t)
{
	switch (f->kind) {
	case KIND_STR:
	case KIND_KEYS:
	case KIND_STRS: db_column_add(t, "TEXT", "%s", f->column); break;
	case KIND_UINT:
	case KIND_INT:
	case KIND_BOOL:
	case KIND_NULLINT:
	case KIND_NULLBOOL: db_column_add(t, "INTEGER", "%s", f->column); break;
	case KIND_COORD:
		db_column_add(t, "TEXT", "%s_file", f->column);
		db_column_add(t, "INTEGER", "%s_pos", f->column);
		db_column_add(t, "INTEGER", "%s_is_relay", f->column);
		break;
	case KIND_KEY:
		db_column_add(t, "TEXT", "%s_host", f->column);
		db_column_add(t, "INTEGER", "%s_port", f->column);
		break;
	case KIND_OBJ: assert(f->kind != KIND_OBJ);
	}
}

void
instance_table(struct db_table *t)
{
	t->name = "instance";
	t->nkeys = 2;
	db_column_add(t, "TEXT NOT NULL", "host");
	db_column_add(t, "INTEGER NOT NULL", "port");
	for (size_t i = 0; i < MEM_COUNT(health_columns); i++)
		db_column_add(t, health_columns[i].type, "%s",
		    health_columns[i].name);
	for (size_t i = 0; i < instance_field_count; i++) {
		if (is_stored(&instance_fields[i]))
			field_columns(&instance_fields[i], t);
	}
}

/* ---- lists as text: items joined by commas, commas and '%' as %XX ---- */

static void
list_add(struct buf *b, const char *item)
{
	for (const char *p = item; *p != '\0'; p++) {
		if (*p == ',' || *p == '%')
			buf_printf(b, "%%%02X", (unsigned char)*p);
		else
			buf_chr(b, *p);
	}
}

static void
keys_text(struct keys ks, struct buf *b)
{
	for (size_t i = 0; i < ks.n; i++) {
		if (i > 0)
			buf_chr(b, ',');
		list_add(b, ks.at[i].host);
		buf_printf(b, ":%u", (unsigned)ks.at[i].port);
	}
}

static void
strs_text(struct strs ss, struct buf *b)
{
	for (size_t i = 0; i < ss.n; i++) {
		if (i > 0)
			buf_chr(b, ',');
		list_add(b, ss.at[i]);
	}
}

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The reverse of list_add(), in place. */
static void
decode(char *s)
{
	char *to = s;

	for (; *s != '\0'; s++) {
		if (s[0] == '%' && hex(s[1]) >= 0 && hex(s[2]) >= 0) {
			*to++ = (char)(hex(s[1]) * 16 + hex(s[2]));
			s += 2;
		} else
			*to++ = *s;
	}
	*to = '\0';
}

/* Splits a copy; none for "". */
static struct strs
text_strs(const char *text, struct arena *a)
{
	char *s = arena_strdup(a, text);
	size_t n = text[0] != '\0';
	const char **at;

	for (const char *p = text; *p != '\0'; p++)
		n += *p == ',';
	at = arena_alloc(a, n * sizeof *at);
	for (size_t i = 0; i < n; i++) {
		char *end = s + strcspn(s, ",");

		at[i] = s;
		s = *end == ',' ? end + 1 : end;
		*end = '\0';
		decode((char *)(uintptr_t)at[i]);
	}
	return (struct strs){ at, n };
}

static struct keys
text_keys(const char *text, struct arena *a)
{
	struct strs ss = text_strs(text, a);
	struct key *at = arena_alloc(a, ss.n * sizeof *at);

	for (size_t i = 0; i < ss.n; i++) {
		const char *colon = strrchr(ss.at[i], ':');
		size_t len = colon != NULL ? (size_t)(colon - ss.at[i]) :
		    strlen(ss.at[i]);

		at[i].host = arena_strndup(a, ss.at[i], len);
		at[i].port = colon != NULL ?
		    (uint32_t)strtoul(colon + 1, NULL, 10) : 0;
	}
	return (struct keys){ at, ss.n };
}

/* ---- writing ---- */

/* Lists become text that must live until the row is written. */
static void
bind_list(sqlite3_stmt *stmt, int at, struct buf *b)
{
	int rc = sqlite3_bind_text(stmt, at, buf_text(b), (int)b->len,
	    SQLITE_TRANSIENT);

	assert(rc == SQLITE_OK || rc == SQLITE_TOOBIG);
	buf_fini(b);
}

/* The number of the next column. */
static int
field_bind(sqlite3_stmt *stmt, int at, const struct instance_field *f,
    const void *p)
{
	const struct coord *c = p;
	struct buf b;

	buf_init(&b);
	switch (f->kind) {
	case KIND_STR: db_bind_text(stmt, at, *(const char *const *)p); break;
	case KIND_UINT:
		db_bind_int(stmt, at, (int64_t)*(const uint64_t *)p);
		break;
	case KIND_INT: db_bind_int(stmt, at, *(const int64_t *)p); break;
	case KIND_BOOL: db_bind_int(stmt, at, *(const bool *)p); break;
	case KIND_NULLINT: /* unbound is NULL */
		if (((const struct nullint *)p)->valid)
			db_bind_int(stmt, at, ((const struct nullint *)p)->v);
		break;
	case KIND_NULLBOOL:
		if (((const struct nullbool *)p)->valid)
			db_bind_int(stmt, at, ((const struct nullbool *)p)->v);
		break;
	case KIND_COORD:
		db_bind_text(stmt, at, c->file);
		db_bind_int(stmt, at + 1, c->pos);
		db_bind_int(stmt, at + 2, c->relay);
		return at + 3;
	case KIND_KEY:
		db_bind_key(stmt, at, *(const struct key *)p);
		return at + 2;
	case KIND_KEYS:
		keys_text(*(const struct keys *)p, &b);
		bind_list(stmt, at, &b);
		break;
	case KIND_STRS:
		strs_text(*(const struct strs *)p, &b);
		bind_list(stmt, at, &b);
		break;
	case KIND_OBJ: assert(f->kind != KIND_OBJ);
	}
	return at + 1;
}

static int
health_bind(sqlite3_stmt *stmt, int at, const struct health *h)
{
	db_bind_time(stmt, at++, h->first_known);
	db_bind_time(stmt, at++, h->last_attempted);
	db_bind_time(stmt, at++, h->last_checked);
	db_bind_time(stmt, at++, h->last_seen);
	db_bind_int(stmt, at++, h->latency.us);
	db_bind_int(stmt, at++, h->failures);
	db_bind_int(stmt, at++, h->partial);
	db_bind_text(stmt, at++, h->error);
	db_bind_int(stmt, at++, h->error_code);
	return at;
}

/* Prepare what db_*_sql() made of the instance table. */
static sqlite3_stmt *
prepare(struct store *s, sqlite3_stmt **slot,
    void (*sql_of)(const struct db_table *, struct buf *), const char *tail,
    struct err *err)
{
	struct db_table *t;
	struct buf sql;

	if (*slot != NULL)
		return *slot;
	t = mem_zalloc(sizeof *t);
	buf_init(&sql);
	instance_table(t);
	sql_of(t, &sql);
	buf_str(&sql, tail);
	db_prepare(s, slot, buf_text(&sql), err);
	buf_fini(&sql);
	mem_free(t);
	return *slot;
}

enum err_code
store_put_instance(struct store *s, const struct instance *in,
    const struct health *h, struct err *err)
{
	sqlite3_stmt *stmt = prepare(s, &s->instance_put, db_upsert_sql, "",
	    err);
	int at = 3;

	if (stmt == NULL)
		return db_fail(s, err, "preparing to write a server");
	db_bind_key(stmt, 1, in->key);
	at = health_bind(stmt, at, h);
	for (size_t i = 0; i < instance_field_count; i++) {
		const struct instance_field *f = &instance_fields[i];

		if (is_stored(f))
			at = field_bind(stmt, at, f,
			    (const char *)in + f->offset);
	}
	assert(at == sqlite3_bind_parameter_count(stmt) + 1);
	return db_run(s, stmt, "writing a server", err);
}

/* "UPDATE instance SET first_known = ?, ... WHERE host = ? AND port = ?" */
static void
health_sql(const struct db_table *t, struct buf *out)
{
	buf_printf(out, "UPDATE \"%s\" SET ", t->name);
	for (size_t i = 0; i < MEM_COUNT(health_columns); i++)
		buf_printf(out, "%s%s = ?", i > 0 ? ", " : "",
		    health_columns[i].name);
}

enum err_code
store_put_health(struct store *s, struct key key, const struct health *h,
    struct err *err)
{
	sqlite3_stmt *stmt = prepare(s, &s->instance_health, health_sql,
	    " WHERE host = ? AND port = ?", err);

	if (stmt == NULL)
		return db_fail(s, err, "preparing to write a server's health");
	db_bind_key(stmt, health_bind(stmt, 1, h), key);
	return db_run(s, stmt, "writing a server's health", err);
}

enum err_code
store_put_pulse(struct store *s, wall_t at, struct err *err)
{
	sqlite3_stmt *stmt = db_stmt(s, DB_put_pulse, err);

	if (stmt == NULL)
		return db_fail(s, err, "preparing to write the time");
	db_bind_time(stmt, 1, at);
	return db_run(s, stmt, "writing the time", err);
}

enum err_code
store_forget(struct store *s, struct key key, struct err *err)
{
	sqlite3_stmt *stmt = db_stmt(s, DB_forget, err);

	if (stmt == NULL)
		return db_fail(s, err, "preparing to forget a server");
	db_bind_key(stmt, 1, key);
	return db_run(s, stmt, "forgetting a server", err);
}

/* ---- reading ---- */

static bool
is_null(sqlite3_stmt *stmt, int at)
{
	return sqlite3_column_type(stmt, at) == SQLITE_NULL;
}

static uint32_t
read_port(sqlite3_stmt *stmt, int at)
{
	int64_t port = sqlite3_column_int64(stmt, at);

	return port > 0 && port <= 65535 ? (uint32_t)port : 0;
}

/* NULL (a column that a later version added) keeps what is there. */
static int
field_read(sqlite3_stmt *stmt, int at, const struct instance_field *f, void *p,
    struct arena *a)
{
	struct coord *c = p;
	struct key *k = p;
	bool null = is_null(stmt, at);
	int64_t v = sqlite3_column_int64(stmt, at);

	switch (f->kind) {
	case KIND_NULLINT:
		*(struct nullint *)p = (struct nullint){ v, !null };
		return at + 1;
	case KIND_NULLBOOL:
		*(struct nullbool *)p = (struct nullbool){ v != 0, !null };
		return at + 1;
	case KIND_COORD:
		c->file = arena_strdup(a, db_text(stmt, at));
		c->pos = sqlite3_column_int64(stmt, at + 1);
		c->relay = sqlite3_column_int(stmt, at + 2) != 0;
		return at + 3;
	case KIND_KEY:
		k->host = arena_strdup(a, db_text(stmt, at));
		k->port = read_port(stmt, at + 1);
		return at + 2;
	default: break;
	}
	if (null)
		return at + 1;
	switch (f->kind) {
	case KIND_STR:
		*(const char **)p = arena_strdup(a, db_text(stmt, at));
		break;
	case KIND_UINT: *(uint64_t *)p = (uint64_t)v; break;
	case KIND_INT: *(int64_t *)p = v; break;
	case KIND_BOOL: *(bool *)p = v != 0; break;
	case KIND_KEYS:
		*(struct keys *)p = text_keys(db_text(stmt, at), a);
		break;
	case KIND_STRS:
		*(struct strs *)p = text_strs(db_text(stmt, at), a);
		break;
	default: assert(!"a stored field");
	}
	return at + 1;
}

static int
health_read(sqlite3_stmt *stmt, int at, struct health *h, struct arena *a)
{
	h->first_known = db_time(stmt, at++);
	h->last_attempted = db_time(stmt, at++);
	h->last_checked = db_time(stmt, at++);
	h->last_seen = db_time(stmt, at++);
	h->latency.us = sqlite3_column_int64(stmt, at++);
	h->failures = (uint32_t)sqlite3_column_int64(stmt, at++);
	h->partial = sqlite3_column_int(stmt, at++) != 0;
	h->error = arena_strdup(a, db_text(stmt, at++));
	h->error_code = (enum err_code)sqlite3_column_int(stmt, at++);
	return at;
}

/* 0: there is none, which is no error. */
static enum err_code
read_pulse(struct store *s, wall_t *at, struct err *err)
{
	sqlite3_stmt *stmt = db_stmt(s, DB_read_pulse, err);
	enum err_code code;

	at->us = 0;
	if (stmt == NULL)
		return db_fail(s, err, "preparing to read the time");
	if (db_row(s, stmt, "reading the time", &code, err)) {
		*at = db_time(stmt, 0);
		db_reset(stmt);
	}
	return code;
}

void
store_take_pulse(struct health *h, wall_t pulse)
{
	bool well = h->failures == 0 && h->last_seen.us != 0 &&
	    h->last_checked.us == h->last_seen.us;

	if (!well || pulse.us <= h->last_checked.us ||
	    wall_sub(pulse, h->last_checked).us > DUR_S(STORE_PULSE_S).us)
		return;
	h->last_attempted = h->last_checked = h->last_seen = pulse;
}

/* A row that does not name a server is not shown. */
static void
read_row(sqlite3_stmt *stmt, wall_t pulse, struct arena *a,
    store_instance_fn *fn, void *arg)
{
	struct instance in;
	struct health h;
	int at = 2;

	instance_init(&in);
	in.key.host = arena_strdup(a, db_text(stmt, 0));
	in.key.port = read_port(stmt, 1);
	if (!key_valid(in.key))
		return;
	at = health_read(stmt, at, &h, a);
	store_take_pulse(&h, pulse);
	for (size_t i = 0; i < instance_field_count; i++) {
		const struct instance_field *f = &instance_fields[i];

		if (is_stored(f))
			at = field_read(stmt, at, f, (char *)&in + f->offset,
			    a);
	}
	assert(at == sqlite3_column_count(stmt));
	fn(arg, &in, &h);
}

enum err_code
store_load_instances(struct store *s, store_instance_fn *fn, void *arg,
    struct err *err)
{
	sqlite3_stmt *stmt = prepare(s, &s->instance_load, db_select_sql,
	    " ORDER BY host, port", err);
	wall_t pulse;
	enum err_code code = read_pulse(s, &pulse, err);
	struct arena a;

	if (code != ERR_NONE)
		return code;
	if (stmt == NULL)
		return db_fail(s, err, "preparing to read servers");
	arena_init(&a);
	while (db_row(s, stmt, "reading servers", &code, err)) {
		read_row(stmt, pulse, &a, fn, arg);
		arena_reset(&a);
	}
	arena_fini(&a);
	return code;
}

enum err_code
store_load_instance(struct store *s, struct key key, store_instance_fn *fn,
    void *arg, struct err *err)
{
	sqlite3_stmt *stmt = prepare(s, &s->instance_load_one, db_select_sql,
	    " WHERE host = ? AND port = ?", err);
	wall_t pulse;
	enum err_code code = read_pulse(s, &pulse, err);
	struct arena a;

	if (code != ERR_NONE)
		return code;
	if (stmt == NULL)
		return db_fail(s, err, "preparing to read a server");
	db_bind_key(stmt, 1, key);
	if (!db_row(s, stmt, "reading a server", &code, err))
		return code != ERR_NONE ? code : err_set(err, ERR_NOT_FOUND,
		    "%s:%u is not in the store", key.host, (unsigned)key.port);
	arena_init(&a);
	read_row(stmt, pulse, &a, fn, arg);
	arena_fini(&a);
	db_reset(stmt);
	return ERR_NONE;
}

enum err_code
store_each_key(struct store *s, void (*fn)(void *, struct key), void *arg,
    struct err *err)
{
	sqlite3_stmt *stmt = db_stmt(s, DB_each_key, err);
	enum err_code code;

	if (stmt == NULL)
		return db_fail(s, err, "preparing to read servers");
	while (db_row(s, stmt, "reading servers", &code, err))
		fn(arg, db_key(stmt, 0));
	return code;
}
