/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quick: what comes out of comparing answers is what comes out of reading them.
 * Model servers live through random sequences of writes, stops, restarts,
 * refusals; their answers are changed at random on top (other columns, columns
 * twice, NULLs, more and fewer rows, cut off).  One reader compares whenever it
 * may, the other one always reads everything: all fields must agree.
 */
#include "config.h"

#include "mysql/probe_impl.h"

#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "base/mem.h"
#include "model/model.h"
#include "mysql/intern.h"
#include "mysql/rows.h"
#include "tap.h"

enum { SEEDS = 60, STEPS = 120 };

static const char *const versions[] = { "5.7.44", "8.0.36", "8.4.4", "9.1.0",
	"10.5.29-MariaDB", "10.11.6-MariaDB", "11.4.5-MariaDB" };
static const char lag_query[] = "select lag from meta.beat";
static const char dc_query[] = "select @@datacenter";

/* What the changed answers of this step are made from. */
struct change {
	uint64_t seed;
	bool values, rows, columns, cut;
};

/* One way of probing, and what it knows. */
struct reader {
	bool may_compare;
	struct probe_memory memory;
	struct arena arena; /* of facts */
	struct instance *facts; /* NULL: none yet */
	enum err_code code; /* of the last probe */
};

struct world {
	uint64_t rng;
	struct model *model;
	struct model_server *server, *source, *other;
	uint32_t generation;
	mono_t now;
	struct probe_options options;
	struct change change;
	struct reader quick, full;
	struct rows *r;
};

static unsigned taken_same, taken_moved, taken_other, compared, numbered;

static uint64_t
next(struct world *w)
{
	w->rng += UINT64_C(0x9e3779b97f4a7c15);
	return digest_num(DIGEST_START, w->rng);
}

static bool
chance(struct world *w, unsigned percent)
{
	return next(w) % 100 < percent;
}

/* ---- answers ---- */

/* The same for the same column in each answer of a step. */
static uint64_t
dice(const struct change *c, const char *name, size_t row)
{
	return digest_num(digest_str(c->seed, name), row);
}

static void
put_value(const struct world *w, struct buf *out, size_t column, size_t row)
{
	static const char *const text[] = { NULL, "", "0", "17", "abc", "-3",
		"Yes", "OFF", "99999999999999999999", "1.50", "mysql-bin.000009",
		"//mysql-bin.000009:4" };
	const struct rows *r = w->r;
	uint64_t d = dice(&w->change, r->name[column], row);
	const char *v = text[(d >> 8) % MEM_COUNT(text)];

	if (w->change.values && d % 24 == 0)
		rows_put_value(out, v, v != NULL ? strlen(v) : 0);
	else
		rows_put_value(out, r->value[column], r->length[column]);
}

static void
put_row(const struct world *w, struct buf *out, size_t row, bool twice)
{
	for (size_t i = 0; i < w->r->columns; i++) {
		put_value(w, out, i, row);
		if (twice && i == 0)
			put_value(w, out, i, row + 1);
	}
}

/* The first column stands there twice, the last has another name. */
static void
pack_columns(const struct world *w, struct buf *b, bool twice, bool renamed)
{
	const struct rows *r = w->r;

	pack_array(b, r->columns + twice);
	for (size_t i = 0; i < r->columns; i++) {
		bool other = renamed && i + 1 == r->columns;

		pack_cstr(b, other ? "Something" : r->name[i]);
		if (twice && i == 0)
			pack_cstr(b, r->name[i]);
	}
}

static void
put_result(const struct world *w, struct buf *out, bool by_number)
{
	struct rows *r = w->r;
	uint64_t d = r->columns > 0 ? dice(&w->change, r->name[0], 99) : 0;
	bool columns = w->change.columns && r->columns > 0;
	bool twice = columns && d % 4 == 0, renamed = columns && d % 4 == 1;
	bool again = w->change.rows && d % 8 < 2, less = w->change.rows &&
	    d % 8 == 2;
	size_t mark, n = 0, rows = r->rows_left;
	uint32_t number = 0;
	struct buf names;

	buf_init(&names);
	pack_columns(w, &names, twice, renamed);
	if (by_number)
		number = intern(names.data, names.len);
	if (number != 0) {
		mark = rows_begin_known(out, number);
	} else {
		buf_add(out, names.data, names.len);
		mark = rows_begin_count(out);
	}
	buf_fini(&names);
	for (size_t row = 0; rows_next(r); row++) {
		if (less && row + 1 == rows)
			continue;
		put_row(w, out, row, twice);
		n++;
		if (again && row == 0) {
			put_row(w, out, 50, twice);
			n++;
		}
	}
	rows_end(out, mark, n);
}

/* What the server answers now; changed as this step wants it. */
static struct probe_reply
answer(struct world *w, const char *text, bool by_number, struct buf *out,
    struct model_result *res)
{
	struct model_session session;
	struct buf plain;

	buf_init(&plain);
	model_session_init(&session);
	model_query(w->model, w->server, &session, w->now, text, &plain, res);
	rows_init(w->r, (struct bin){ (uint8_t *)plain.data, plain.len });
	while (rows_next_result(w->r))
		put_result(w, out, by_number);
	if (w->change.cut && out->len > 0)
		out->len -= 1 + w->change.seed % (out->len < 40 ? out->len : 40);
	numbered += by_number;
	buf_fini(&plain);
	return (struct probe_reply){ .generation = w->generation,
		.code = res->errnum != 0 ? ERR_SERVER : ERR_NONE,
		.errnum = res->errnum, .error = res->error,
		.rows = { (uint8_t *)out->data, out->len } };
}

/* ---- probes ---- */

static void
keep(struct reader *rd, const struct instance *in)
{
	struct arena old = rd->arena;

	arena_init(&rd->arena);
	rd->facts = instance_dup(in, &rd->arena);
	arena_fini(&old);
}

static void
end_probe(struct reader *rd, struct probe *p)
{
	rd->code = p->err.code;
	if (rd->code == ERR_NONE && !p->unchanged)
		keep(rd, probe_facts(p));
	else if (rd->code == ERR_NONE)
		rd->facts->uptime = p->uptime;
}

/* Reads it all; first: an answer that is there already, or NULL. */
static void
read_all(struct world *w, struct reader *rd, const struct probe_reply *first)
{
	struct model_result res;
	const char *text;
	struct arena a;
	struct probe p;

	arena_init(&a);
	probe_start(&p, &w->options, &rd->memory,
	    (struct key){ "db1", 3306 }, &a);
	while ((text = probe_text(&p)) != NULL) {
		struct probe_reply r = { .generation = w->generation,
			.stale = probe_generation(&p) != w->generation };
		struct buf out;

		buf_init(&out);
		if (!r.stale)
			r = first != NULL ? *first :
			    answer(w, text, false, &out, &res);
		first = NULL;
		probe_take(&p, &r);
		buf_fini(&out);
	}
	end_probe(rd, &p);
	probe_fini(&p);
	arena_fini(&a);
}

/* false: it has to be read. */
static bool
compare(struct world *w, struct reader *rd, const struct probe_reply *r)
{
	struct instance in = *rd->facts;
	struct quick_news news;

	switch (quick_take(&rd->memory.quick, r->rows, &news)) {
	case QUICK_OTHER: taken_other++; return false;
	case QUICK_SAME: taken_same++; break;
	case QUICK_MOVED: taken_moved++; break;
	}
	(void)w;
	quick_apply(&news, &in);
	keep(rd, &in);
	rd->code = ERR_NONE;
	return true;
}

static void
probe(struct world *w, struct reader *rd)
{
	const char *text;
	struct model_result res;
	struct probe_reply r;
	struct buf out;
	bool done;

	if (!rd->may_compare) {
		probe_memory_distrust(&rd->memory);
		read_all(w, rd, NULL);
		return;
	}
	if (rd->facts == NULL || !rd->memory.fixed_known ||
	    rd->memory.generation != w->generation ||
	    !quick_ready(&rd->memory.quick, w->options.version)) {
		read_all(w, rd, NULL);
		return;
	}
	text = (const char *)interned(rd->memory.quick.text).data;
	buf_init(&out);
	r = answer(w, text, true, &out, &res);
	done = r.code == ERR_NONE && compare(w, rd, &r);
	/* The text of one that tries a statement again is another one. */
	if (!done)
		read_all(w, rd, rd->memory.refused == 0 ? &r : NULL);
	buf_fini(&out);
}

/* ---- what happens ---- */

static void
set_query(struct model_server *s, const char *text, const char *value,
    unsigned errnum)
{
	unsigned i = 0;

	while (i < s->queries && strcmp(s->query[i].text, text) != 0)
		i++;
	if (i == s->queries) {
		model_set_query(s, text, value, errnum);
		return;
	}
	snprintf(s->query[i].value, sizeof s->query[i].value, "%s", value);
	s->query[i].errnum = errnum;
}

static void
set_lag(struct world *w)
{
	static const char *const lag[] = { "0", "3", "12", "none", "2.5", "" };

	set_query(w->server, lag_query, lag[next(w) % MEM_COUNT(lag)],
	    chance(w, 10) ? 1146 : 0);
}

static void
happen(struct world *w)
{
	w->now = mono_add(w->now, DUR_MS(700 + (int64_t)(next(w) % 600)));
	if (chance(w, 60))
		model_write(w->source, 1 + next(w) % 40);
	if (chance(w, 10))
		model_write(w->server, 1);
	if (chance(w, 10))
		w->server->lag_s = (int64_t)(next(w) % 100);
	if (chance(w, 5))
		w->server->sql_wanted = !w->server->sql_wanted;
	if (chance(w, 5))
		w->server->io_wanted = !w->server->io_wanted;
	if (chance(w, 3))
		model_replicate(w->server, chance(w, 50) ? w->source :
							   w->other);
	if (chance(w, 2))
		model_detach(w->server);
	if (chance(w, 5))
		w->server->read_only = !w->server->read_only;
	if (chance(w, 20))
		set_lag(w);
	if (chance(w, 5))
		set_query(w->server, dc_query, "dc1",
		    chance(w, 50) ? 1146 : 0);
	if (chance(w, 2)) {
		model_restart(w->server, w->now);
		w->generation++;
	}
	w->change.cut = chance(w, 2);
	if (!chance(w, 20))
		return; /* as in the step before */
	w->change = (struct change){ .seed = next(w) };
	if (chance(w, 25))
		w->change.values = true;
	if (chance(w, 5))
		w->change.columns = true;
	if (chance(w, 5))
		w->change.rows = true;
}

/* ---- the test ---- */

static bool
same_facts(const struct instance *a, const struct instance *b)
{
	struct buf x, y;
	bool same;

	buf_init(&x);
	buf_init(&y);
	instance_pack(&x, a);
	instance_pack(&y, b);
	same = x.len == y.len && memcmp(x.data, y.data, x.len) == 0;
	buf_fini(&x);
	buf_fini(&y);
	return same;
}

static void
reader_init(struct reader *rd, bool may_compare)
{
	*rd = (struct reader){ .may_compare = may_compare };
	probe_memory_init(&rd->memory);
	arena_init(&rd->arena);
}

static void
reader_fini(struct reader *rd)
{
	probe_memory_fini(&rd->memory);
	arena_fini(&rd->arena);
}

static void
world_init(struct world *w, unsigned seed)
{
	const char *version = versions[seed % MEM_COUNT(versions)];

	*w = (struct world){ .rng = seed, .generation = 1,
		.model = model_new(), .now = { 5000000 } };
	w->r = mem_alloc(sizeof *w->r);
	w->source = model_add(w->model, "db0", 3306, version);
	w->server = model_add(w->model, "db1", 3306, version);
	w->other = model_add(w->model, "db2", 3306, version);
	model_replicate(w->server, w->source);
	model_replicate(w->other, chance(w, 50) ? w->server : w->source);
	w->options = (struct probe_options){ .version = 1,
		.skip_maxscale_check = true, .list_replicas = chance(w, 50) };
	if (chance(w, 50))
		w->options.query[QUERY_LAG] = lag_query;
	if (chance(w, 50))
		w->options.query[QUERY_DATA_CENTER] = dc_query;
	set_lag(w);
	set_query(w->server, dc_query, "dc1", 0);
	reader_init(&w->quick, true);
	reader_init(&w->full, false);
}

static void
world_fini(struct world *w)
{
	reader_fini(&w->quick);
	reader_fini(&w->full);
	model_free(w->model);
	mem_free(w->r);
}

/*
 * What one has noticed and the other not yet tells them apart for a while; and
 * what is left of an answer that is cut off.
 */
static bool
comparable(const struct world *w)
{
	return w->quick.memory.refused == w->full.memory.refused &&
	    w->full.code == ERR_NONE && !w->change.cut;
}

static void
tell(const struct world *w, unsigned seed, unsigned step)
{
	const struct instance *a = w->quick.facts, *b = w->full.facts;

	diag("seed %u, step %u: %d and %d", seed, step, w->quick.code,
	    w->full.code);
	for (size_t i = 0; i < instance_field_count; i++) {
		const struct instance_field *f = &instance_fields[i];
		const char *const *x = (const void *)((const char *)a +
		    f->offset);
		const char *const *y = (const void *)((const char *)b +
		    f->offset);

		if (f->kind == KIND_STR && strcmp(*x, *y) != 0)
			diag("%s: %s, %s", f->column, *x, *y);
		else if (f->kind != KIND_STR && instance_field_packed(f) &&
		    memcmp(x, y, sizeof(uint32_t)) != 0)
			diag("%s", f->column);
	}
}

static bool
live(unsigned seed)
{
	struct world w;
	bool good = true;

	world_init(&w, seed);
	for (unsigned i = 0; i < STEPS && good; i++) {
		happen(&w);
		probe(&w, &w.quick);
		probe(&w, &w.full);
		if (!comparable(&w))
			continue;
		compared++;
		good = w.quick.code == ERR_NONE &&
		    same_facts(w.quick.facts, w.full.facts);
		if (!good)
			tell(&w, seed, i);
	}
	world_fini(&w);
	return good;
}

static void
test_numbers(void)
{
	static const char text[] = "SELECT 1";
	uint32_t n = intern(text, strlen(text));

	ok(n != 0 && intern("SELECT 1", 8) == n, "the same bytes, the same number");
	ok(intern("SELECT 2", 8) != n, "others, another one");
	ok(interned(n).len == 8 && strcmp((const char *)interned(n).data,
	    text) == 0, "and back");
	ok(interned(0).data == NULL && interned(INTERN_MAX).data == NULL &&
	    interned(UINT32_MAX).data == NULL, "a number of nothing");
}

/* After all else: there is no room any more. */
static void
test_bound(void)
{
	char text[32];
	unsigned i = 0;

	do {
		snprintf(text, sizeof text, "text %u", i++);
	} while (intern(text, strlen(text)) != 0);
	ok(i <= INTERN_MAX, "there is a bound");
	snprintf(text, sizeof text, "text %u", 0);
	ok(intern(text, strlen(text)) != 0, "who has a number keeps it");
}

int
main(void)
{
	unsigned bad = 0;

	test_numbers();
	for (unsigned seed = 1; seed <= SEEDS; seed++)
		bad += !live(seed);
	is_int(bad, 0, "both ways find the same, field by field");
	ok(compared > SEEDS * STEPS / 2, "in most of the steps");
	ok(taken_same > 100 && taken_moved > 1000 && taken_other > 100,
	    "all three ways were taken");
	diag("%u same, %u moved, %u other, %u compared", taken_same,
	    taken_moved, taken_other, compared);
	test_bound();
	return tap_done();
}
