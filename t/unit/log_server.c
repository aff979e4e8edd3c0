/* SPDX-License-Identifier: Apache-2.0 */
/* Servers that are nothing but logs; see log_server.h. */
#include "config.h"

#include "unit/log_server.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "mysql/rows.h"
#include "runtime/rng.h"

void
log_server_init(struct log_server *s, const char *host, unsigned id)
{
	memset(s, 0, sizeof *s);
	instance_init(&s->in);
	s->in.key = (struct key){ host, 3306 };
	s->in.server_id = id;
	s->in.version = "10.11.6-MariaDB-log";
	s->in.log_bin = s->in.log_replica_updates = true;
	s->in.binlog_format = "ROW";
}

static void
free_file(struct log_file *f)
{
	for (size_t i = 0; i < f->rows; i++)
		mem_free(f->row[i].info);
	mem_free(f->row);
	mem_free(f);
}

void
log_server_fini(struct log_server *s)
{
	for (size_t i = 0; i < s->files; i++)
		free_file(s->file[i]);
	s->files = 0;
}

void
log_server_purge(struct log_server *s, size_t files)
{
	assert(files < s->files);
	for (size_t i = 0; i < files; i++)
		free_file(s->file[i]);
	s->files -= files;
	memmove(s->file, s->file + files, s->files * sizeof s->file[0]);
}

struct log_row *
log_add(struct log_file *f, const char *type, uint64_t id, int64_t length,
    int64_t end, const char *info)
{
	struct log_row *r;

	if (f->rows == f->cap) {
		f->cap = f->cap == 0 ? 64 : f->cap * 2;
		f->row = mem_resize(f->row, f->cap, sizeof *f->row);
	}
	r = &f->row[f->rows++];
	*r = (struct log_row){ .pos = f->size, .server_id = id, .type = type,
		.info = mem_strdup(info) };
	f->size += length;
	r->end = f->relay ? end : f->size;
	return r;
}

struct log_row *
log_embed(struct log_file *f, const char *type, uint64_t id, const char *info)
{
	struct log_row *r = log_add(f, type, id, 0, f->row[f->rows - 1].end,
	    info);

	r->embedded = true;
	return r;
}

struct log_file *
log_server_file(struct log_server *s, const char *name, bool relay)
{
	struct log_file *f = mem_zalloc(sizeof *f);

	assert(s->files < MEM_COUNT(s->file));
	snprintf(f->name, sizeof f->name, "%s", name);
	f->relay = relay;
	f->size = 4;
	s->file[s->files++] = f;
	log_add(f, "Format_desc", s->in.server_id, 252, 256,
	    "Server ver: 10.11.6-MariaDB-log, Binlog ver: 4");
	return f;
}

/* ---- answers ---- */

struct query {
	char what[16], file[64];
	int64_t pos;
	uint64_t skip, n;
};

static bool
parse(struct query *q, const char *sql)
{
	uint64_t a, b;
	int used = 0;

	if (sscanf(sql, "show %15s events in '%63[^']' from %" SCNd64
	    " limit %" SCNu64 "%n", q->what, q->file, &q->pos, &a, &used) != 4)
		return false;
	q->n = a;
	q->skip = 0;
	if (sscanf(sql + used, ",%" SCNu64, &b) == 1) {
		q->skip = a;
		q->n = b;
	}
	return true;
}

static struct pgtid_reply
refuse(const char *why)
{
	return (struct pgtid_reply){ .code = ERR_SERVER, .errnum = 1220,
		.error = why };
}

static void
put_number(struct buf *b, int64_t v)
{
	char text[24];

	rows_put_value(b, text, (size_t)snprintf(text, sizeof text,
	    "%" PRId64, v));
}

static void
put_text(struct buf *b, const char *text)
{
	rows_put_value(b, text, strlen(text));
}

static void
put_row(struct buf *b, const struct log_file *f, const struct log_row *r)
{
	put_text(b, f->name);
	put_number(b, r->pos);
	put_text(b, r->type);
	put_number(b, (int64_t)r->server_id);
	put_number(b, r->end);
	put_text(b, r->info);
}

static size_t
first_row(const struct log_file *f, int64_t pos)
{
	size_t i = 0;

	while (i < f->rows && (f->row[i].embedded || f->row[i].pos != pos))
		i++;
	return i;
}

static struct pgtid_reply
show(const struct log_server *s, const struct query *q, struct buf *out)
{
	static const char *const columns[] = { "Log_name", "Pos", "Event_type",
		"Server_id", "End_log_pos", "Info" };
	const struct log_file *f = NULL;
	uint64_t n = 0;
	size_t mark, i;

	for (i = 0; i < s->files; i++)
		if (strcmp(s->file[i]->name, q->file) == 0
		    && s->file[i]->relay == (q->what[0] == 'r'))
			f = s->file[i];
	if (f == NULL)
		return refuse("Error when executing command SHOW BINLOG EVENTS:"
		    " Could not find target log");
	i = first_row(f, q->pos);
	if (i == f->rows && q->pos != f->size)
		return refuse("Error when executing command SHOW BINLOG EVENTS:"
		    " Wrong offset or I/O error");
	if (s->in.server_id % 2 == 0)
		rows_put_ok(out); /* of a SET before it */
	mark = rows_begin(out, columns, MEM_COUNT(columns));
	for (i += q->skip; i < f->rows && n < q->n; i++, n++)
		put_row(out, f, &f->row[i]);
	rows_end(out, mark, n);
	if (s->answers_max > 0 && n > s->answers_max)
		return (struct pgtid_reply){ .code = ERR_MALFORMED,
			.error = "the answer is too large" };
	return (struct pgtid_reply){ .rows = { (uint8_t *)out->data,
		out->len } };
}

static struct pgtid_reply
status(struct log_server *s, struct buf *out)
{
	static const char *const columns[] = { "Seconds_Behind_Master" };
	size_t mark = rows_begin(out, columns, 1);

	s->statuses++;
	put_number(out, s->lag);
	rows_end(out, mark, 1);
	return (struct pgtid_reply){ .rows = { (uint8_t *)out->data,
		out->len } };
}

static struct pgtid_reply
answer(struct log_server *s, const char *sql, struct buf *out)
{
	struct query q;

	buf_reset(out);
	if (parse(&q, sql))
		return show(s, &q, out);
	assert(strstr(sql, "STATUS") != NULL);
	return status(s, out);
}

/* Some bytes become others, some are missing, or it is an error. */
static void
spoil(struct log_server *s, struct pgtid_reply *r, struct buf *out)
{
	struct rng rng = { s->spoil };

	if (s->spoil == 0 || r->rows.len == 0)
		return;
	for (uint64_t n = rng_below(&rng, 4); n > 0; n--)
		out->data[rng_below(&rng, out->len)] = (char)rng_next(&rng);
	if (rng_below(&rng, 8) == 0)
		r->rows.len = (size_t)rng_below(&rng, r->rows.len);
	if (rng_below(&rng, 16) == 0)
		*r = refuse("Wrong offset or I/O error");
	s->spoil = rng.state;
}

static void
copy_result(const struct pgtid_result *from, struct arena *arena,
    struct pgtid_result *to)
{
	const char **names = arena_alloc(arena,
	    (from->files.n + 1) * sizeof *names);

	*to = *from;
	to->at.file = arena_strdup(arena, from->at.file);
	to->found.file = arena_strdup(arena, from->found.file);
	to->next.file = arena_strdup(arena, from->next.file);
	to->text = arena_strdup(arena, from->text);
	for (size_t i = 0; i < from->files.n; i++)
		names[i] = arena_strdup(arena, from->files.at[i]);
	to->files.at = names;
}

enum err_code
log_search(const struct pgtid_request *r, struct log_server *a,
    struct log_server *b, struct arena *arena, struct pgtid_result *out,
    struct pgtid_cost *cost, struct err *err)
{
	mono_t now = { 1000 };
	struct pgtid *s = pgtid_new(r, now);
	struct pgtid_order order;
	struct pgtid_result result;
	enum err_code code;
	struct buf bytes;

	buf_init(&bytes);
	while (pgtid_next(s, now, &order)) {
		assert(!pgtid_next(s, now, &(struct pgtid_order){ 0 }));
		if (order.text == NULL) {
			now = mono_add(now, order.limit);
			pgtid_feed(s, NULL, now);
		} else {
			struct pgtid_reply reply = answer(
			    order.side == PGTID_A ? a : b, order.text, &bytes);

			spoil(order.side == PGTID_A ? a : b, &reply, &bytes);
			now = mono_add(now, DUR_MS(1));
			pgtid_feed(s, &reply, now);
		}
	}
	assert(pgtid_ended(s));
	code = pgtid_result(s, &result, err);
	copy_result(&result, arena, out);
	*cost = pgtid_cost(s);
	pgtid_free(s);
	buf_fini(&bytes);
	return code;
}
