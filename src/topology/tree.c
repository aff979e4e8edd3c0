/* SPDX-License-Identifier: Apache-2.0 */
/* A cluster as a text tree; see tree.h. */
#include "config.h"

#include "topology/tree.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "topology/place.h"

/* ---- status ---- */

static bool
is_checked(const struct instance *in)
{
	return in->is_last_check_valid && in->is_recently_checked;
}

static void
add_lag(const struct instance *in, struct buf *out)
{
	if (in->is_detached)
		buf_str(out, "detached");
	else if (!is_checked(in))
		buf_str(out, "unknown");
	else if (instance_is_replica(in) && (!instance_is_running(in) ||
		!in->seconds_behind.valid))
		buf_str(out, "null");
	else
		buf_printf(out, "%" PRId64 "s",
		    in->lag_seconds.valid ? in->lag_seconds.v : 0);
}

/* A wanted delay is no lag. */
static bool
lags(const struct instance *in, dur_t limit)
{
	int64_t behind = in->seconds_behind.valid ? in->seconds_behind.v : 0;
	int64_t delay = in->sql_delay < INT32_MAX ? (int64_t)in->sql_delay :
						    INT32_MAX;

	if (behind < 0)
		behind = 0;
	behind -= delay;
	return (delay > 0 && behind < 0 ? -behind : behind) >
	    limit.us / 1000000;
}

static const char *
status(const struct instance *in, dur_t lag)
{
	if (!in->is_last_check_valid)
		return "invalid";
	if (!in->is_recently_checked)
		return "unchecked";
	if (!instance_is_replica(in))
		return "ok";
	if (!instance_is_running(in))
		return "nonreplicating";
	return lags(in, lag) ? "lag" : "ok";
}

static void
add_extra(struct buf *out, size_t from, bool is, const char *word)
{
	if (!is)
		return;
	if (out->len > from)
		buf_chr(out, ',');
	buf_str(out, word);
}

static void
add_extras(const struct instance *in, struct buf *out)
{
	size_t from = out->len;
	bool gtid = in->using_oracle_gtid || in->using_mariadb_gtid ||
	    in->supports_oracle_gtid;

	add_extra(out, from, in->log_bin && in->log_replica_updates, ">>");
	add_extra(out, from, gtid,
	    in->gtid_errant[0] != '\0' ? "GTID:errant" : "GTID");
	add_extra(out, from, in->using_pseudo_gtid, "P-GTID");
	add_extra(out, from, in->semi_sync_source_status, "semi:master");
	add_extra(out, from, in->semi_sync_replica_status, "semi:replica");
	add_extra(out, from, in->is_downtimed, "downtimed");
}

enum { PARTS = 6 };

/* The parts of a status one after the other; end[i] is where part i ends. */
static void
add_parts(const struct instance *in, dur_t lag, struct buf *out,
    size_t end[PARTS])
{
	add_lag(in, out);
	end[0] = out->len;
	buf_str(out, status(in, lag));
	end[1] = out->len;
	buf_str(out, in->version);
	end[2] = out->len;
	buf_str(out, in->read_only ? "ro" : "rw");
	end[3] = out->len;
	buf_str(out, in->log_bin ? in->binlog_format : "nobinlog");
	end[4] = out->len;
	add_extras(in, out);
	end[5] = out->len;
}

void
instance_status(const struct instance *in, dur_t lag, struct buf *out)
{
	size_t end[PARTS], from = 0;
	const char *comma = "[";
	struct buf b;

	buf_init(&b);
	add_parts(in, lag, &b, end);
	for (size_t i = 0; i < PARTS; i++) {
		if (end[i] > from) {
			buf_str(out, comma);
			buf_add(out, b.data + from, end[i] - from);
			comma = ",";
		}
		from = end[i];
	}
	buf_chr(out, ']');
	buf_fini(&b);
}

/* ---- lines in order ---- */

struct tree {
	const struct member *m;
	const struct tree_options *o;
	struct placing pl;
	uint32_t *first; /* child of each, PLACE_NOBODY: none */
	uint32_t *next;	 /* sibling */
	uint32_t top;	 /* the first of those without parent */
};

/* At the top: in a ring of two both, of more than two the head. */
static bool
is_top(const struct tree *t, uint32_t i)
{
	const struct place *p = &t->pl.at[i];

	return p->up == PLACE_NOBODY || t->m[i].in->is_co_primary;
}

static int
by_rank(const void *a, const void *b)
{
	return member_cmp(*(const struct member *const *)a,
	    *(const struct member *const *)b);
}

/* Everybody's children, in order. */
static void
link_children(struct tree *t, size_t n)
{
	const struct member **rank = mem_alloc(n * sizeof *rank);

	for (size_t i = 0; i < n; i++) {
		rank[i] = &t->m[i];
		t->first[i] = PLACE_NOBODY;
	}
	qsort(rank, n, sizeof *rank, by_rank);
	while (n-- > 0) { /* the last first: lists grow at the front */
		uint32_t i = (uint32_t)(rank[n] - t->m);
		uint32_t *list = is_top(t, i) ? &t->top :
						&t->first[t->pl.at[i].up];

		t->next[i] = *list;
		*list = i;
	}
	mem_free(rank);
}

static void
tree_init(struct tree *t, const struct member *m, size_t n,
    const struct tree_options *o)
{
	const struct instance **in = mem_alloc(n * sizeof *in);

	*t = (struct tree){ .m = m, .o = o, .top = PLACE_NOBODY };
	for (size_t i = 0; i < n; i++)
		in[i] = m[i].in;
	placing_init(&t->pl, n > 0 ? in[0]->cluster_name : "", in, n);
	mem_free(in);
	t->first = mem_alloc(n * sizeof *t->first);
	t->next = mem_alloc(n * sizeof *t->next);
	link_children(t, n);
}

static void
tree_fini(struct tree *t)
{
	placing_fini(&t->pl);
	mem_free(t->first);
	mem_free(t->next);
}

/* The one whose line follows; *level moves with it. */
static uint32_t
step(const struct tree *t, uint32_t i, uint32_t *level)
{
	if (t->first[i] != PLACE_NOBODY) {
		(*level)++;
		return t->first[i];
	}
	while (t->next[i] == PLACE_NOBODY && !is_top(t, i)) {
		i = t->pl.at[i].up;
		(*level)--;
	}
	return t->next[i];
}

/* ---- a line ---- */

static void
add_tags(const struct strs *tags, struct buf *out)
{
	buf_str(out, " [");
	for (size_t i = 0; i < tags->n; i++) {
		if (i > 0)
			buf_chr(out, ',');
		buf_str(out, tags->at[i]);
	}
	buf_chr(out, ']');
}

static const char *
mark(const struct instance *in)
{
	if (instance_is_group_secondary(in))
		return "\xe2\x80\xa1 ";
	return instance_is_running(in) && is_checked(in) ? "+ " : "- ";
}

/* Mark, key and alias: the first column. */
static void
add_name(const struct tree *t, uint32_t i, uint32_t level, struct buf *out)
{
	const struct instance *in = t->m[i].in;
	char key[KEY_TEXT_MAX];

	if (level > 0) {
		level = level < TREE_LEVELS_MAX ? level : TREE_LEVELS_MAX;
		buf_pad(out, ' ', 2 * (level - 1));
		buf_str(out, mark(in));
	}
	buf_str(out, key_text(in->key, key));
	if (in->instance_alias[0] != '\0') {
		buf_str(out, " (");
		buf_str(out, in->instance_alias);
		buf_chr(out, ')');
	}
}

/* A ring's members replicate: they have their mark at the top already. */
static uint32_t
top_level(const struct tree *t, uint32_t top)
{
	return t->pl.at[top].ring != PLACE_NOBODY ? 1 : 0;
}

/* How wide a text shows: characters, not bytes. */
static size_t
width(const char *s, size_t n)
{
	size_t w = 0;

	for (size_t i = 0; i < n; i++)
		w += ((unsigned char)s[i] & 0xc0) != 0x80;
	return w;
}

struct columns {
	size_t width[PARTS + 1];
};

/* A line's cells, in text; end[0] ends the name. */
static void
add_cells(const struct tree *t, uint32_t i, uint32_t level, struct buf *text,
    size_t end[PARTS + 1])
{
	buf_reset(text);
	add_name(t, i, level, text);
	end[0] = text->len;
	add_parts(t->m[i].in, t->o->lag, text, end + 1);
	if (t->o->tags != NULL)
		add_tags(&t->o->tags[i], text);
	end[PARTS] = text->len;
}

static void
measure(const struct tree *t, uint32_t i, uint32_t level, struct columns *c,
    struct buf *tmp)
{
	size_t end[PARTS + 1], from = 0;

	add_cells(t, i, level, tmp, end);
	for (size_t k = 0; k <= PARTS; k++) {
		size_t w = width(tmp->data + from, end[k] - from);

		if (w > c->width[k])
			c->width[k] = w;
		from = end[k];
	}
}

static void
add_tabulated(const struct tree *t, uint32_t i, uint32_t level,
    const struct columns *c, struct buf *tmp, struct buf *out)
{
	size_t end[PARTS + 1], from = 0;

	add_cells(t, i, level, tmp, end);
	for (size_t k = 0; k <= PARTS; k++) {
		size_t n = end[k] - from;
		size_t blank = c->width[k] - width(tmp->data + from, n);

		if (k > 0) {
			buf_chr(out, '|');
			buf_pad(out, ' ', blank);
		}
		buf_add(out, tmp->data + from, n);
		if (k == 0)
			buf_pad(out, ' ', blank);
		from = end[k];
	}
}

static void
add_plain(const struct tree *t, uint32_t i, uint32_t level,
    const struct columns *c, struct buf *tmp, struct buf *out)
{
	buf_reset(tmp);
	add_name(t, i, level, tmp);
	buf_str(out, buf_text(tmp));
	buf_pad(out, ' ', c->width[0] - width(tmp->data, tmp->len) + 1);
	instance_status(t->m[i].in, t->o->lag, out);
	if (t->o->tags != NULL)
		add_tags(&t->o->tags[i], out);
}

static void
add_line(const struct tree *t, uint32_t i, uint32_t level,
    const struct columns *c, struct buf *tmp, struct buf *out)
{
	switch (t->o->form) {
	case TREE_PLAIN: add_plain(t, i, level, c, tmp, out); break;
	case TREE_TABULATED: add_tabulated(t, i, level, c, tmp, out); break;
	case TREE_KEYS: add_name(t, i, level, out); break;
	}
}

void
tree_text(const struct member *m, size_t n, const struct tree_options *o,
    struct buf *out)
{
	struct columns c = { { 0 } };
	struct tree t;
	struct buf tmp;

	if (n == 0)
		return;
	tree_init(&t, m, n, o);
	buf_init(&tmp);
	for (int pass = 0; pass < 2; pass++) {
		uint32_t i = t.top, level = 0, line = 0;

		for (; i != PLACE_NOBODY; i = step(&t, i, &level), line++) {
			if (is_top(&t, i))
				level = top_level(&t, i);
			if (pass == 0) {
				measure(&t, i, level, &c, &tmp);
				continue;
			}
			if (line > 0)
				buf_chr(out, '\n');
			add_line(&t, i, level, &c, &tmp, out);
		}
	}
	buf_fini(&tmp);
	tree_fini(&t);
}
