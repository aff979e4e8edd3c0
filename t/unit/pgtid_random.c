/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pgtid: a random history of a source, and two servers that wrote it down with
 * rotations, compression and notes of their own.  A match finds exactly the
 * place behind what A has, or says why not; never another place.
 *
 *	t/unit/pgtid_random.t [SEEDS [FIRST]]
 */
#include "config.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/mem.h"
#include "runtime/rng.h"
#include "tap.h"
#include "topology/coord.h"
#include "unit/log_server.h"

enum { TRX_MAX = 500, SEEDS = 2000 };
enum kind { MARKER, ROWS, DDL, STATEMENT };

struct trx {
	enum kind kind;
	unsigned id;
	uint64_t writer;
};

/* One server as it writes the history down. */
struct writer {
	struct log_server s;
	struct log_file *f;
	bool mysql, compress, annotate;
	unsigned number, xid, rotate; /* rotate: 1 in so many, 0 never */
	struct coord end[TRX_MAX + 1]; /* behind transaction n - 1 */
	int64_t source_pos;
};

static struct rng rng;
static struct arena arena;
static struct trx trx[TRX_MAX];
static unsigned trxs;
static struct writer a, b;

static uint64_t
below(uint64_t n)
{
	return rng_below(&rng, n);
}

static const char *
marker_text(const struct trx *t)
{
	return arena_printf(&arena, "%sdrop view if exists `_pseudo_gtid_`."
	    "`_asc:%08x:%08x:%016x`", t->id % 3 == 0 ? "use `x`; " : "",
	    0x65000000 + t->id, (unsigned)t->writer, t->id * 7919);
}

/* ---- writing down ---- */

static void
open_file(struct writer *w, bool relay)
{
	const char *name = arena_printf(&arena, "%s.%06u",
	    relay ? "relay" : "binlog", w->number++);

	if (w->f != NULL)
		log_add(w->f, "Rotate", w->s.in.server_id, 40, 0, name);
	w->f = log_server_file(&w->s, name, relay);
	log_add(w->f, w->mysql ? "Previous_gtids" : "Gtid_list",
	    w->s.in.server_id, 30 + (int64_t)below(30), 158, "[]");
	if (relay)
		log_add(w->f, "Rotate", 0, 40, 0, "binlog.000001;pos=4");
	else if (!w->mysql)
		log_add(w->f, "Binlog_checkpoint", w->s.in.server_id, 40, 0,
		    "binlog.000001");
}

static void
event(struct writer *w, const struct trx *t, bool embedded, const char *type,
    const char *info)
{
	if (embedded) {
		log_embed(w->f, type, t->writer, info);
		return;
	}
	w->source_pos += 100;
	log_add(w->f, type, t->writer, 40 + (int64_t)below(200),
	    w->source_pos, info);
}

static const char *
text(const char *fmt, unsigned n)
{
	char out[128];

	snprintf(out, sizeof out, fmt, n);
	return arena_strdup(&arena, out);
}

static void
begin(struct writer *w, const struct trx *t, bool group)
{
	if (w->mysql)
		event(w, t, false, "Anonymous_Gtid",
		    "SET @@SESSION.GTID_NEXT= 'ANONYMOUS'");
	else
		event(w, t, false, "Gtid", arena_printf(&arena,
		    "%sGTID 0-%" PRIu64 "-%u%s", group ? "BEGIN " : "",
		    t->writer, t->id, group && below(3) == 0
		    ? text(" cid=%u", (unsigned)below(9999)) : ""));
}

static void
write_group(struct writer *w, const struct trx *t)
{
	bool in = w->compress && t->kind == ROWS && below(2) == 0;
	unsigned table = 100 + (unsigned)below(50);

	begin(w, t, true);
	if (in)
		event(w, t, false, "Transaction_payload",
		    text("compression='ZSTD', decompressed_size=%u", table));
	if (w->mysql)
		event(w, t, in, "Query", "BEGIN");
	if (w->annotate && t->kind == ROWS)
		event(w, t, in, "Annotate_rows", text("insert %u", t->id));
	if (t->kind == ROWS) {
		event(w, t, in, "Table_map", arena_printf(&arena,
		    "table_id: %u (x.t%u)", table, t->id));
		for (unsigned i = 0; i < 1 + t->id % 3; i++)
			event(w, t, in, "Write_rows_v1", arena_printf(&arena,
			    "table_id: %u flags: STMT_END_F%s", table,
			    w->xid % 5 == 0 ? " USE_SQL_FOREIGN_KEY_F" : ""));
	} else {
		event(w, t, in, "Query", text("insert into x.s values (%u)",
		    t->id));
	}
	event(w, t, in, "Xid", text("COMMIT /* xid=%u */", w->xid++));
}

static void
write_trx(struct writer *w, const struct trx *t)
{
	if (w->rotate > 0 && below(w->rotate) == 0)
		open_file(w, w->f->relay);
	if (t->kind == MARKER) {
		begin(w, t, false);
		event(w, t, false, "Query", marker_text(t));
	} else if (t->kind == DDL) {
		begin(w, t, false);
		event(w, t, false, "Query", arena_printf(&arena,
		    "create table t%u (i int)%s", t->id, w->mysql
		    ? text(" /* xid=%u */", w->xid++) : ""));
	} else {
		write_group(w, t);
	}
}

static struct coord
now_at(const struct writer *w)
{
	return (struct coord){ arena_strdup(&arena, w->f->name), w->f->size,
		w->f->relay };
}

/* What is wrong with one of the servers; at: before that transaction. */
struct fault {
	enum { NO_FAULT, OWN_WRITE, LEFT_OUT } kind;
	unsigned at;
};

static void
write_all(struct writer *w, unsigned n, const struct fault *fault)
{
	struct trx own = { .kind = ROWS, .id = 999999,
		.writer = w->s.in.server_id };

	w->end[0] = now_at(w);
	for (unsigned i = 0; i < n; i++) {
		if (fault->kind == OWN_WRITE && fault->at == i)
			write_trx(w, &own);
		if (fault->kind != LEFT_OUT || fault->at != i)
			write_trx(w, &trx[i]);
		w->end[i + 1] = now_at(w);
	}
}

static void
begin_writer(struct writer *w, const char *host, unsigned id, bool mysql,
    bool relay)
{
	memset(w, 0, sizeof *w);
	log_server_init(&w->s, host, id);
	w->mysql = mysql;
	w->compress = mysql && below(2) == 0;
	w->annotate = below(2) == 0;
	w->number = below(4) == 0 ? 999990 + (unsigned)below(12)
	    : 1 + (unsigned)below(100);
	w->xid = (unsigned)below(100000);
	w->rotate = below(3) == 0 ? 0 : 2 + (unsigned)below(60);
	if (mysql)
		w->s.in.version = "8.4.3";
	open_file(w, relay);
}

/* Places of the past, some of them wrong. */
static void
remember(const struct writer *w, unsigned n, struct pgtid_history *h)
{
	struct coord *at = w->f->relay ? h->relay : h->own;
	size_t k = below(PGTID_HISTORY_MAX);

	memset(h, 0, sizeof *h);
	for (size_t i = 0; i < k; i++) {
		n = (unsigned)below(n + 1);
		at[i] = w->end[n];
		if (below(10) == 0)
			at[i].pos += 1 + (int64_t)below(90);
	}
	*(w->f->relay ? &h->relays : &h->owns) = k;
}

/* ---- one seed ---- */

static void
make_history(void)
{
	unsigned every = 1 + (unsigned)below(30);

	trxs = 1 + (unsigned)below(TRX_MAX);
	for (unsigned i = 0; i < trxs; i++)
		trx[i] = (struct trx){ .kind = below(every) == 0 ? MARKER
		    : (enum kind)(1 + below(3)), .id = i + 1,
		    .writer = 1 + below(2) };
}

static int
last_marker(unsigned n)
{
	int i = (int)n - 1;

	while (i >= 0 && trx[i].kind != MARKER)
		i--;
	return i;
}

static bool
parts(const struct fault *f, int marker, unsigned n)
{
	return f->kind != NO_FAULT && (int)f->at > marker && f->at < n;
}

/* A marker that was left out is not there. */
static bool
takes_marker(const struct fault *f, int marker)
{
	return f->kind == LEFT_OUT && (int)f->at == marker;
}

static struct fault
some_fault(unsigned n)
{
	struct fault f = { NO_FAULT, (unsigned)below(n + 1) };

	if (below(4) == 0)
		f.kind = below(2) == 0 ? OWN_WRITE : LEFT_OUT;
	return f;
}

struct story {
	unsigned has_a, has_b;
	bool relay;
	struct coord oldest; /* of b's logs */
	struct fault fault_a, fault_b;
};

/* The first logs go; oldest: where what is left begins. */
static struct coord
purge(struct writer *w)
{
	size_t n = w->s.files > 1 && below(4) == 0 ? below(w->s.files) : 0;

	log_server_purge(&w->s, n);
	return (struct coord){ .file = arena_strdup(&arena,
	    w->s.file[0]->name) };
}

static enum err_code
match(const struct story *st, struct pgtid_result *res, struct err *err)
{
	struct pgtid_rule rule = { .fixed = "drop view if exists `_pseudo",
		.hint = below(4) == 0 ? "" : "asc:",
		.chunk = 1 + (unsigned)below(300),
		.relay_only = st->relay };
	struct pgtid_history past[2];
	struct pgtid_request r = { .goal = PGTID_MATCH, .rule = &rule,
		.a = &a.s.in, .b = &b.s.in, .text = "", .at.file = "",
		.limit = DUR_S(60), .a_history = &past[0],
		.b_history = &past[1] };
	struct pgtid_cost cost;

	remember(&a, st->has_a, &past[0]);
	remember(&b, st->has_b, &past[1]);
	return log_search(&r, &a.s, &b.s, &arena, res, &cost, err);
}

static unsigned good, refused;

/* What is wrong; NULL: nothing. */
static const char *
judge(const struct story *st, enum err_code code, const struct coord *found)
{
	int marker = last_marker(st->has_a);
	const struct coord *want = &b.end[st->has_a];
	bool parted;

	while (marker >= 0 && takes_marker(&st->fault_a, marker))
		marker = last_marker((unsigned)marker);
	parted = marker < 0 || st->has_b < st->has_a
	    || coord_cmp(&b.end[marker + 1], &st->oldest) < 0
	    || parts(&st->fault_a, marker, st->has_a)
	    || parts(&st->fault_b, marker, st->has_a)
	    || takes_marker(&st->fault_b, marker);
	if (code == ERR_NONE && parted)
		return "a place was found that cannot be";
	if (code == ERR_NONE && !coord_eq(found, want))
		return "another place was found";
	if (code != ERR_NONE && !parted)
		return "no place was found";
	good += code == ERR_NONE;
	refused += code != ERR_NONE;
	return NULL;
}

static const char *
play(uint64_t seed, struct err *err)
{
	struct story st = { 0 };
	struct pgtid_result res;
	bool mysql;
	enum err_code code;
	const char *wrong;

	rng.state = seed * 7777777;
	mysql = below(2) == 0;
	make_history();
	st.has_b = 1 + (unsigned)below(trxs);
	st.has_a = below(10) == 0 ? 1 + (unsigned)below(trxs)
	    : 1 + (unsigned)below(st.has_b);
	st.relay = below(2) == 0;
	st.fault_a = some_fault(st.has_a);
	/* A log without its last transaction is whole. */
	if (st.fault_a.kind == LEFT_OUT && st.fault_a.at + 1 >= st.has_a)
		st.fault_a.kind = NO_FAULT;
	st.fault_b = some_fault(st.has_b);
	begin_writer(&a, "a", 11, mysql, st.relay);
	begin_writer(&b, "b", 12, mysql, false);
	write_all(&b, st.has_b, &st.fault_b);
	b.s.in.self_coord = now_at(&b);
	write_all(&a, st.relay ? trxs : st.has_a, &st.fault_a);
	a.s.in.self_coord = now_at(&a);
	a.s.in.log_bin = !st.relay;
	if (st.relay)
		a.s.in.relay_coord = a.end[st.has_a];
	st.oldest = purge(&b);
	code = match(&st, &res, err);
	wrong = judge(&st, code, &res.found);
	if (wrong != NULL)
		diag("%s, %u of %u, faults %d before %u, %d before %u, "
		    "marker %d", st.relay ? "relay log" : "binary log",
		    st.has_a, st.has_b, (int)st.fault_a.kind, st.fault_a.at,
		    (int)st.fault_b.kind, st.fault_b.at,
		    last_marker(st.has_a));
	log_server_fini(&a.s);
	log_server_fini(&b.s);
	return wrong;
}

/* Answers that are nonsense: it ends, whatever with. */
static void
test_hostile(uint64_t n)
{
	struct story st = { .has_a = 100, .has_b = 120 };
	static const struct fault none;
	uint64_t ended = 0;

	for (uint64_t seed = 1; seed <= n; seed++) {
		struct pgtid_result res;
		struct err err = ERR_INIT;

		arena_init(&arena);
		rng.state = seed;
		trxs = 120;
		for (unsigned i = 0; i < trxs; i++)
			trx[i] = (struct trx){ .kind = (enum kind)below(4),
			    .id = i + 1, .writer = 1 };
		st.relay = below(2) == 0;
		begin_writer(&a, "a", 11, true, st.relay);
		begin_writer(&b, "b", 12, true, false);
		write_all(&a, st.relay ? trxs : st.has_a, &none);
		write_all(&b, st.has_b, &none);
		a.s.in.self_coord = now_at(&a);
		b.s.in.self_coord = now_at(&b);
		a.s.in.log_bin = !st.relay;
		if (st.relay)
			a.s.in.relay_coord = a.end[st.has_a];
		a.s.spoil = seed * 3;
		b.s.spoil = seed * 5;
		match(&st, &res, &err);
		ended++;
		log_server_fini(&a.s);
		log_server_fini(&b.s);
		arena_fini(&arena);
	}
	is_int((int64_t)ended, (int64_t)n, "spoilt answers: all ended");
}

int
main(int argc, char **argv)
{
	uint64_t n = argc > 1 ? strtoull(argv[1], NULL, 10) : SEEDS;
	uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	unsigned bad = 0;

	for (uint64_t seed = first; seed < first + n; seed++) {
		struct err err = ERR_INIT;
		const char *wrong;

		arena_init(&arena);
		wrong = play(seed, &err);
		if (wrong != NULL && bad++ < 10)
			diag("seed %" PRIu64 ": %s %s", seed, wrong, err.text);
		arena_fini(&arena);
	}
	ok(bad == 0, "%" PRIu64 " histories: never a wrong place", n);
	ok(good > n / 4 && refused > n / 10 && good + refused + bad == n,
	    "%u places found, %u refused", good, refused);
	test_hostile(n / 4);
	return tap_done();
}
