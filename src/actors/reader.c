/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions about the past, answered from a reading connection on a thread of
 * its own: a slow one delays nobody but the next one.
 */
#include "config.h"

#include "actors/reader.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "actors/classes.h"
#include "base/mem.h"
#include "config/conf.h"
#include "config/pattern.h"
#include "mysql/rows.h"
#include "store/store.h"

struct reader {
	char *path; /* as at the start: it is the store's as well */
	struct store *store;
};

/* ---- arguments ---- */

void
reader_pack_audit(struct buf *args, struct key key, uint32_t page)
{
	pack_array(args, 3);
	pack_cstr(args, key.host);
	pack_uint(args, key.port);
	pack_uint(args, page);
}

void
reader_pack_detection(struct buf *args, int64_t id, const char *alias,
    uint32_t page)
{
	pack_array(args, 3);
	pack_int(args, id);
	pack_cstr(args, alias);
	pack_uint(args, page);
}

void
reader_pack_history(struct buf *args, const char *cluster, const char *pattern)
{
	pack_array(args, 2);
	pack_cstr(args, cluster);
	pack_cstr(args, pattern);
}

/* ---- rows: collected first, since their count stands before them ---- */

struct answer {
	struct buf values;
	size_t rows;
};

static void
put(struct answer *a, const char *text)
{
	rows_put_value(&a->values, text, strlen(text));
}

static void
put_int(struct answer *a, int64_t v)
{
	char text[24];

	snprintf(text, sizeof text, "%" PRId64, v);
	put(a, text);
}

static void
put_time(struct answer *a, wall_t t)
{
	char text[WALL_TEXT_MAX];

	put(a, wall_rfc3339(t, text));
}

static void
put_key(struct answer *a, struct key key)
{
	put(a, key.host);
	put_int(a, key.port);
}

/* ---- audit ---- */

static void
audit_row(void *arg, const struct audit_row *row)
{
	struct answer *a = arg;

	a->rows++;
	put_int(a, row->id);
	put_time(a, row->at);
	put(a, row->type);
	put_key(a, row->key);
	put(a, row->cluster);
	put(a, row->message);
}

static enum err_code
read_audit(struct store *s, struct pcur *c, struct answer *a, struct err *err)
{
	const char *host;
	struct key key;
	uint32_t page;

	pcur_array(c);
	host = pcur_cstr(c);
	key.host = host != NULL ? host : "";
	key.port = (uint32_t)pcur_uint(c);
	page = (uint32_t)pcur_uint(c);
	assert(pcur_done(c));
	return store_read_audit(s, key, page, AUDIT_PAGE, audit_row, a, err);
}

/* ---- history ---- */

struct search {
	struct pattern *pattern;
	wall_t found;
};

static bool
try_time(void *arg, wall_t at)
{
	struct search *s = arg;
	char text[WALL_TEXT_MAX];

	snprintf(text, sizeof text, "%" PRId64, wall_seconds(at));
	if (pattern_match(s->pattern, text) ||
	    pattern_match(s->pattern, wall_text(at, text)))
		s->found = at;
	return s->found.us == 0;
}

static void
history_row(void *arg, const struct history_row *row)
{
	struct answer *a = arg;

	a->rows++;
	put_time(a, row->at);
	put_key(a, row->key);
	put_key(a, row->source);
	put(a, row->cluster);
	put(a, row->version);
}

static enum err_code
read_history(struct store *s, struct pcur *c, struct answer *a,
    struct err *err)
{
	struct search search = { 0 };
	const char *cluster, *pattern;
	enum err_code code;

	pcur_array(c);
	cluster = pcur_cstr(c);
	pattern = pcur_cstr(c);
	assert(pcur_done(c));
	search.pattern = pattern_new(pattern != NULL ? pattern : "", err);
	if (search.pattern == NULL)
		return err_wrap(err, "timestamp pattern");
	code = store_history_times(s, try_time, &search, err);
	if (code == ERR_NONE && search.found.us != 0)
		code = store_read_history(s, search.found,
		    cluster != NULL ? cluster : "", HISTORY_ROWS_MAX,
		    history_row, a, err);
	pattern_free(search.pattern);
	return code;
}

/* ---- analyses ---- */

static void
change_row(void *arg, const struct analysis_change *row)
{
	struct answer *a = arg;

	a->rows++;
	put_key(a, row->key);
	put_time(a, row->at);
	put(a, row->code);
}

static enum err_code
read_analysis(struct store *s, struct pcur *c, struct answer *a,
    struct err *err)
{
	(void)c;
	return store_read_analysis(s, ANALYSIS_ROWS_MAX, change_row, a, err);
}

static void
detection_row(void *arg, const struct detection_row *row)
{
	struct answer *a = arg;

	a->rows++;
	put_int(a, row->id);
	put_key(a, row->key);
	put_time(a, row->at);
	put_time(a, row->active_until);
	put(a, row->code);
	put(a, row->cluster);
	put(a, row->alias);
	put_int(a, row->replica_count);
	put(a, row->replicas);
	put(a, row->node);
	put(a, row->token);
}

static enum err_code
read_detections(struct store *s, struct pcur *c, struct answer *a,
    struct err *err)
{
	struct detection_page page = { .rows = AUDIT_PAGE };
	const char *alias;

	pcur_array(c);
	page.id = pcur_int(c);
	alias = pcur_cstr(c);
	page.alias = alias != NULL ? alias : "";
	page.page = (uint32_t)pcur_uint(c);
	assert(pcur_done(c));
	return store_read_detections(s, &page, detection_row, a, err);
}

/* ---- requests ---- */

static const struct {
	const char *what;
	enum err_code (*run)(struct store *s, struct pcur *c, struct answer *a,
	    struct err *err);
	size_t columns;
	const char *column[12];
} questions[] = {
	{ "audit", read_audit, 7,
	    { "id", "at", "type", "host", "port", "cluster", "message" } },
	{ "analysis", read_analysis, 4, { "host", "port", "at", "code" } },
	{ "detection", read_detections, 12,
	    { "id", "host", "port", "at", "until", "code", "cluster", "alias",
		"count", "replicas", "node", "token" } },
	{ "history", read_history, 7,
	    { "at", "host", "port", "source_host", "source_port", "cluster",
		"version" } },
};

/* Opened when first needed: the writer makes the file. */
static enum err_code
open_store(struct reader *r, struct err *err)
{
	struct store_arg arg = { .path = r->path, .readonly = true };

	return r->store != NULL ? ERR_NONE : store_open(&r->store, &arg, err);
}

static enum err_code
answer(struct reader *r, const struct msg_read_run *run, struct buf *rows,
    struct err *err)
{
	struct answer a = { 0 };
	enum err_code code;
	struct pcur c;
	size_t i = 0;

	while (i < MEM_COUNT(questions) &&
	    strcmp(questions[i].what, run->what) != 0)
		i++;
	if (i == MEM_COUNT(questions))
		return err_set(err, ERR_NOT_FOUND,
		    "nobody knows how to read \"%.40s\"", run->what);
	code = open_store(r, err);
	if (code != ERR_NONE)
		return code;
	pcur_init(&c, run->args.data, run->args.len);
	code = questions[i].run(r->store, &c, &a, err);
	if (code == ERR_NONE) {
		rows_put_result(rows, questions[i].column,
		    questions[i].columns, a.rows);
		buf_add(rows, a.values.data, a.values.len);
	}
	buf_fini(&a.values);
	return code;
}

static void
on_read_run(struct reader *r, struct ctx *ctx, const struct msg *m)
{
	struct err err = ERR_INIT;
	struct buf rows;
	enum err_code code;

	buf_init(&rows);
	if (m->deadline.us != 0 && act_now(ctx).us > m->deadline.us)
		code = err_set(&err, ERR_TIMEOUT, "the store is too busy");
	else
		code = answer(r, as_read_run(m), &rows, &err);
	act_answer(ctx, ask_of(m), read_ran, .code = code,
	    .error = code != ERR_NONE ? err.text : NULL,
	    .rows = { (uint8_t *)rows.data, rows.len });
	buf_fini(&rows);
}

/* ---- life ---- */

static void
init(void *self, struct ctx *ctx, const void *arg)
{
	const struct config_shared *c = config_ref(ctx);
	struct reader *r = self;

	(void)arg;
	r->path = mem_strdup(c->config->sqlite3_data_file);
	shared_unref(c);
}

static void
handle(void *self, struct ctx *ctx, struct msg *m)
{
	switch (m->type) {
	case MSG_read_run: on_read_run(self, ctx, m); break;
	default: act_unexpected(ctx, m);
	}
}

static void
fini(void *self, struct ctx *ctx)
{
	struct reader *r = self;

	(void)ctx;
	store_close(r->store);
	mem_free(r->path);
}

const struct actor_class reader_class = {
	.name = "reader",
	.size = sizeof(struct reader),
	.init = init,
	.handle = handle,
	.fini = fini,
};
