/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plans carried out against model servers: at every order of every operation
 * each kind of trouble happens once, and the end must be complete, or undone,
 * or said.  Then random operations with random trouble on a random tree.
 */
#include "config.h"

#include "plan/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/model.h"
#include "mysql/probe.h"
#include "tap.h"

enum { SERVERS_MAX = 8, ORDERS_MAX = 4000, PENDING_MAX = 64 };

enum trouble {
	NO_TROUBLE,
	ERROR,	     /* the server refuses, with an error */
	TIMES_OUT,   /* no answer within the limit, and no effect */
	LOST_BEFORE, /* the connection breaks, and it did not arrive */
	LOST_AFTER,  /* the connection breaks, and it did */
	DIES,	     /* that server is gone from now on */
	CANCEL,	     /* somebody does */
	CRASH,	     /* our process ends; another one undoes */
	TROUBLES,
};
static const char *const trouble_name[] = { "no trouble", "an error",
	"a time-out", "lost before", "lost after", "a death", "a cancel",
	"a crash" };

/* One server's facts, as probed last. */
struct known {
	struct model_server *s;
	struct probe_memory memory;
	struct model_session probing, moving;
	struct arena arena;
	struct instance *in; /* the same as m.in */
	struct member m;
	bool dead;
};

struct stand {
	struct model *model;
	struct known at[SERVERS_MAX];
	size_t n;
	int64_t now_us;
	struct plan_policy policy;
	struct world world;
	const struct member *sorted[SERVERS_MAX];
	struct plan plan;
	struct run *run;
	struct buf kept;
	struct arena places; /* what places say, of all looks */
	enum trouble trouble;
	unsigned trouble_at, orders;
	unsigned errnum; /* of an error */
	bool mended;	 /* the run that ended well had to reset */
	bool happened;
};

static mono_t
now(const struct stand *st)
{
	return (mono_t){ st->now_us };
}

/* ---- looking at servers ---- */

static struct known *
known_of(struct stand *st, struct key key)
{
	for (size_t i = 0; i < st->n; i++)
		if (st->at[i].s->port == key.port &&
		    strcmp(st->at[i].s->hostname, key.host) == 0)
			return &st->at[i];
	return NULL;
}

/* What its place says, errant transactions above all. */
static void
place(struct stand *st)
{
	struct instance *all[SERVERS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < st->n; i++)
		if (st->at[i].in != NULL)
			all[n++] = st->at[i].in;
	cluster_place("a:3306", all, n, &st->places);
}

static void
look(struct stand *st, struct known *k)
{
	static const struct probe_options options = { .filed = FILED_ASKED,
		.skip_maxscale_check = true };
	struct probe *p = mem_alloc(sizeof *p);
	const char *text;

	arena_reset(&k->arena);
	probe_start(p, &options, &k->memory, (struct key){ k->s->hostname,
	    k->s->port }, &k->arena);
	probe_memory_distrust(&k->memory);
	while ((text = probe_text(p)) != NULL) {
		struct model_result res;
		struct buf rows;

		buf_init(&rows);
		if (probe_generation(p) != 1) {
			probe_take(p, &(struct probe_reply){ .generation = 1,
			    .stale = true });
			continue;
		}
		model_query(st->model, k->s, &k->probing, now(st), text, &rows,
		    &res);
		probe_take(p, &(struct probe_reply){ .generation = 1,
		    .code = res.errnum != 0 ? ERR_SERVER : ERR_NONE,
		    .errnum = res.errnum, .error = res.error,
		    .rows = { (uint8_t *)rows.data, rows.len } });
		buf_fini(&rows);
	}
	if (p->err.code != ERR_NONE)
		diag("probe of %s: %s", k->s->hostname, p->err.text);
	k->in = instance_dup(probe_facts(p), &k->arena);
	k->m.in = k->in;
	place(st);
	k->m.health = (struct health){ .error = "",
		.last_checked = { st->now_us }, .last_seen = { st->now_us },
		.last_attempted = { st->now_us } };
	probe_fini(p);
	mem_free(p);
}

static int
by_key(const void *a, const void *b)
{
	const struct member *const *x = a, *const *y = b;

	return key_cmp((*x)->in->key, (*y)->in->key);
}

static void
look_at_all(struct stand *st)
{
	for (size_t i = 0; i < st->n; i++) {
		look(st, &st->at[i]);
		st->sorted[i] = &st->at[i].m;
	}
	qsort(st->sorted, st->n, sizeof *st->sorted, by_key);
	st->world = (struct world){ .at = st->sorted, .n = st->n,
		.policy = &st->policy, .now = { st->now_us } };
}

/* ---- the world ---- */

static void
stand_init(struct stand *st)
{
	*st = (struct stand){ .now_us = 1000000, .errnum = 1105 };
	st->model = model_new();
	st->policy = (struct plan_policy){ .poll = DUR_S(5),
		.maintenance_lag = DUR_S(20), .lag = DUR_S(10),
		.read_limit = DUR_S(60), .side_by_side = 3,
		.super_read_only = true };
}

static struct model_server *
add(struct stand *st, const char *host, const char *version, bool gtid,
    const char *source)
{
	struct known *k = &st->at[st->n++];

	k->s = model_add(st->model, host, 3306, version);
	k->s->gtid = gtid;
	k->s->log_bin = k->s->log_replica_updates = true;
	if (source != NULL)
		model_replicate(k->s, model_find(st->model, source, 3306));
	probe_memory_init(&k->memory);
	arena_init(&k->arena);
	model_session_init(&k->probing);
	model_session_init(&k->moving);
	return k->s;
}

static void
settle(struct stand *st, int64_t ms)
{
	for (int i = 0; i < 10; i++) {
		st->now_us += ms * 100;
		model_settle(st->model, now(st));
	}
}

static void
stand_fini(struct stand *st)
{
	for (size_t i = 0; i < st->n; i++) {
		probe_memory_fini(&st->at[i].memory);
		arena_fini(&st->at[i].arena);
	}
	model_free(st->model);
	buf_fini(&st->kept);
	arena_fini(&st->places);
}

/* ---- carrying out ---- */

static void
answer(struct stand *st, unsigned ticket, enum err_code code,
    const char *error)
{
	run_feed(st->run, ticket, &(struct run_reply){ .code = code,
	    .error = error, .errnum = code == ERR_SERVER ? st->errnum : 0 },
	    now(st));
}

static struct known *
asked(struct stand *st, const struct run_order *o)
{
	return known_of(st, run_plan(st->run)->server[o->server].key);
}

static void
ask(struct stand *st, const struct run_order *o, bool lose)
{
	struct known *k = asked(st, o);
	const char *text = o->text;
	struct model_result res;
	struct buf rows;
	int64_t until = st->now_us + o->limit.us;

	buf_init(&rows);
	for (;;) {
		model_query(st->model, k->s, &k->moving, now(st), text, &rows,
		    &res);
		if (res.rest == NULL || st->now_us >= until)
			break;
		text = res.rest;
		st->now_us += 20000;
	}
	if (lose) {
		model_session_init(&k->moving);
		answer(st, o->ticket, ERR_UNREACHABLE, "lost connection");
	} else
		run_feed(st->run, o->ticket, &(struct run_reply){
		    .code = res.errnum != 0 ? ERR_SERVER : ERR_NONE,
		    .errnum = res.errnum, .error = res.error,
		    .rows = { (uint8_t *)rows.data, rows.len } }, now(st));
	buf_fini(&rows);
}

static void
obey(struct stand *st, const struct run_order *o, enum trouble t)
{
	struct known *k = NULL;

	st->now_us += 1000;
	if (o->want == RUN_LOOK || o->want == RUN_QUERY)
		k = asked(st, o);
	if (k != NULL && t == DIES)
		k->dead = true;
	if (k != NULL && (k->dead || t == LOST_BEFORE ||
		(t == ERROR && o->want == RUN_LOOK))) {
		answer(st, o->ticket, ERR_UNREACHABLE, "it is gone");
		return;
	}
	if (k != NULL && t == TIMES_OUT) {
		st->now_us += o->limit.us;
		answer(st, o->ticket, ERR_TIMEOUT, "no answer in time");
		return;
	}
	switch (o->want) {
	case RUN_LOOK:
		look(st, k);
		run_feed(st->run, o->ticket, &(struct run_reply){
		    .facts = k->m.in, .health = &k->m.health }, now(st));
		break;
	case RUN_QUERY:
		if (t == ERROR)
			answer(st, o->ticket, ERR_SERVER, "refused on purpose");
		else
			ask(st, o, t == LOST_AFTER);
		break;
	case RUN_PAUSE:
		st->now_us += o->limit.us;
		model_settle(st->model, now(st));
		answer(st, o->ticket, ERR_NONE, NULL);
		break;
	case RUN_KEEP:
		buf_reset(&st->kept);
		buf_add(&st->kept, o->kept.data, o->kept.len);
		answer(st, o->ticket, ERR_NONE, NULL);
		break;
	case RUN_PLAN:
		look_at_all(st);
		run_stage(st->run, o->ticket, &st->world, now(st));
		break;
	case RUN_HOOK: answer(st, o->ticket, ERR_NONE, NULL); break;
	}
}

/* All that was under way is forgotten; another process reads the journal. */
static void
crash(struct stand *st, struct plan *old)
{
	struct err err = ERR_INIT;

	run_free(st->run);
	plan_fini(old);
	plan_init(old);
	for (size_t i = 0; i < st->n; i++)
		model_session_init(&st->at[i].moving);
	st->run = NULL;
	if (st->kept.len == 0)
		return;
	st->run = run_recover((struct bin){ (uint8_t *)st->kept.data,
	    st->kept.len }, &st->world, now(st), &err);
	if (st->run == NULL)
		diag("%s", err.text);
}

/* false: it does not end. */
static bool
drive(struct stand *st)
{
	struct run_order o;

	for (st->orders = 0; st->run != NULL && !run_ended(st->run);) {
		enum trouble t = NO_TROUBLE;

		if (st->orders++ > ORDERS_MAX || !run_next(st->run, now(st), &o))
			return run_ended(st->run);
		if (st->orders == st->trouble_at) {
			t = st->trouble;
			st->happened = true;
		}
		if (t == CANCEL)
			run_cancel(st->run, "somebody said so", now(st));
		if (t == CRASH && o.want != RUN_QUERY)
			crash(st, &st->plan);
		else if (t == CRASH) {
			obey(st, &o, NO_TROUBLE);
			crash(st, &st->plan);
		} else
			obey(st, &o, t);
	}
	return true;
}

/* ---- what is expected ---- */

/* How a server stands, as far as an operation could change it. */
static const char *
state_of(const struct model_server *s, char out[256])
{
	snprintf(out, 256, "%s:%u gtid=%d/%d io=%d sql=%d ro=%d hb=%s",
	    s->source.host, (unsigned)s->source.port, s->auto_position,
	    s->use_gtid, s->io_wanted, s->sql_wanted, s->read_only,
	    s->channel.heartbeat);
	return out;
}

struct op {
	const char *op, *server, *target;
	int64_t number;
	const char *text, *user, *password;
	bool force;
};

struct before {
	char at[SERVERS_MAX][256];
};

static void
remember(const struct stand *st, struct before *b)
{
	for (size_t i = 0; i < st->n; i++)
		state_of(st->at[i].s, b->at[i]);
}

/* The first server that differs, as text; NULL. */
static const char *
differs(const struct stand *st, const struct before *b)
{
	static char text[700];
	char is[256];

	for (size_t i = 0; i < st->n; i++) {
		if (strcmp(state_of(st->at[i].s, is), b->at[i]) == 0)
			continue;
		snprintf(text, sizeof text, "%s was %s and is %s",
		    st->at[i].s->hostname, b->at[i], is);
		return text;
	}
	return NULL;
}

/* It and all above it replicate, as far as they were told to. */
static bool
is_fed(const struct stand *st, const struct model_server *s)
{
	for (int hops = 0; s != NULL && hops < SERVERS_MAX; hops++) {
		if (s == st->at[0].s)
			return true;
		if (!s->io_wanted || !s->sql_wanted || s->sql_errno != 0 ||
		    s->io_errno != 0)
			return false;
		s = model_source(st->model, s);
	}
	return false;
}

/* After a while everyone who replicates has everything. */
static const char *
lacks(struct stand *st)
{
	static char text[200];

	model_write(st->at[0].s, 3);
	settle(st, 50000); /* some are delayed */
	if (st->model->wrongs > 0)
		return st->model->wrong;
	for (size_t i = 1; i < st->n; i++) {
		const struct model_server *s = st->at[i].s;

		if (!is_fed(st, s) || s->last_row == st->at[0].s->last_row)
			continue;
		snprintf(text, sizeof text, "%s has row %llu of %llu",
		    s->hostname, (unsigned long long)s->last_row,
		    (unsigned long long)st->at[0].s->last_row);
		return text;
	}
	return NULL;
}

/* What is wrong with the end; NULL: nothing. */
static const char *
verdict(struct stand *st, const struct before *b, bool ended, char *why)
{
	struct err err = ERR_INIT;
	const struct track_result *t;
	const char *d = differs(st, b);
	bool said = false;

	if (!ended)
		return "it does not end";
	if (st->run == NULL) /* crashed before anything was kept */
		return d;
	if (!run_failed(st->run, &err))
		return NULL;
	for (unsigned i = 0; i < run_plan(st->run)->tracks; i++)
		said |= run_track(st->run, i)->left[0] != '\0';
	t = run_track(st->run, 0);
	snprintf(why, 600, "%s; left: %s", err.text, t->left);
	if (err.text[0] == '\0')
		return "no reason is given";
	if (t->end == TRACK_FAILED && t->undone && said)
		return "it says undone, and what is left";
	if (d != NULL && !said)
		return d;
	return NULL;
}

static bool
was_mended(const struct stand *st)
{
	struct err err = ERR_INIT;
	struct buf told;
	bool reset;

	buf_init(&told);
	run_words(st->run, &told);
	reset = strstr(buf_text(&told), "RESET REPLICA") != NULL;
	buf_fini(&told);
	return reset && !run_failed(st->run, &err);
}

static const char *
carry_out(struct stand *st, const struct op *op, bool *refused)
{
	static char why[700];
	struct plan_request r = { .op = op->op, .server = { op->server, 3306 },
		.target = op->target != NULL ? (struct key){ op->target, 3306 }
		    : KEY_NONE, .pattern = "", .number = op->number,
		.text = op->text != NULL ? op->text : "",
		.user = op->user != NULL ? op->user : "",
		.password = op->password != NULL ? op->password : "",
		.force = op->force };
	struct err err = ERR_INIT;
	const char *bad;
	struct before b;
	bool ended;

	why[0] = '\0';
	look_at_all(st);
	remember(st, &b);
	plan_init(&st->plan);
	buf_reset(&st->kept);
	*refused = plan_make(&st->plan, &r, &st->world, &err) != ERR_NONE;
	if (*refused) {
		plan_fini(&st->plan);
		snprintf(why, sizeof why, "%s", err.text);
		return why;
	}
	st->run = run_new(&st->plan, &r, &st->world, now(st));
	ended = drive(st);
	bad = verdict(st, &b, ended, why);
	if (bad != NULL)
		diag("%s %s: %s [%s]", op->op, op->server, bad, why);
	if (bad != NULL && st->run != NULL && getenv("ORC_RUN_VERBOSE")) {
		struct buf told = { 0 };

		run_words(st->run, &told);
		diag("%s", buf_text(&told));
		buf_fini(&told);
	}
	if (st->run != NULL) {
		st->mended = was_mended(st);
		run_free(st->run);
	}
	st->run = NULL;
	plan_fini(&st->plan);
	return bad;
}

/* ---- every order, every trouble ---- */

struct scene {
	const char *what;
	const char *version;
	bool gtid;
	struct op op;
	const char *source_after; /* of op.server */
	void (*prepare)(struct stand *st);
	bool (*is_so)(const struct stand *st); /* after a success */
};

/* a > b c; b > d e; c's and d's threads as they are after a start. */
static void
set_scene(struct stand *st, const struct scene *sc)
{
	stand_init(st);
	add(st, "a", sc->version, sc->gtid, NULL);
	model_write(st->at[0].s, 5);
	add(st, "b", sc->version, sc->gtid, "a");
	add(st, "c", sc->version, sc->gtid, "a");
	add(st, "d", sc->version, sc->gtid, "b");
	add(st, "e", sc->version, sc->gtid, "b");
	settle(st, 3000);
	model_write(st->at[0].s, 5);
	settle(st, 3000);
	for (size_t i = 1; i < st->n; i++)
		strcpy(st->at[i].s->channel.heartbeat, "7.5");
	if (sc->prepare != NULL)
		sc->prepare(st);
}

/* ---- what the server itself is asked for ---- */

static struct model_server *
named(const struct stand *st, char name)
{
	return st->at[name - 'a'].s;
}

/* c has a row of its own. */
static void
make_errant(struct stand *st)
{
	model_write(named(st, 'c'), 2);
	settle(st, 1000);
}

/* c cannot apply what a writes: it has it. */
static void
break_applier(struct stand *st)
{
	struct model_server *c = named(st, 'c');

	c->sql_errno = 1062;
	snprintf(c->sql_error, sizeof c->sql_error, "Worker 1 failed executing"
	    " transaction '%s:11' at source log binlog.000001", named(st,
	    'a')->uuid);
	c->sql_wanted = false;
	model_write(named(st, 'a'), 1);
	settle(st, 1000);
}

static void
stop_c(struct stand *st)
{
	named(st, 'c')->io_wanted = named(st, 'c')->sql_wanted = false;
	settle(st, 1000);
}

static void
make_writable(struct stand *st)
{
	named(st, 'c')->read_only = named(st, 'c')->super_read_only = false;
}

static void
add_plugin(struct stand *st)
{
	named(st, 'c')->semi_sync_plugin = true;
}

static bool
is_delayed(const struct stand *st)
{
	return named(st, 'c')->channel.delay_s == 30;
}

static bool
is_super_read_only(const struct stand *st)
{
	return named(st, 'c')->read_only && named(st, 'c')->super_read_only;
}

static bool
is_semi_sync_replica(const struct stand *st)
{
	return named(st, 'c')->semi_sync_replica;
}

static bool
is_no_replica(const struct stand *st)
{
	return named(st, 'c')->source.host[0] == '\0';
}

static bool
has_credentials(const struct stand *st)
{
	return strcmp(named(st, 'c')->channel.user, "repl2") == 0 &&
	    strcmp(named(st, 'c')->channel.password, "it's") == 0;
}

static bool
is_clean(const struct stand *st)
{
	const struct model_server *c = named(st, 'c');

	return model_set_holds(&named(st, 'a')->executed, &c->executed);
}

static const struct scene scenes[] = {
	{ .what = "MySQL, GTID: relocate", .version = "9.7.0", .gtid = true,
	    .op = { .op = "relocate", .server = "c", .target = "b" }, .source_after = "b" },
	{ .what = "MySQL 5.7, GTID: relocate", .version = "5.7.44", .gtid = true,
	    .op = { .op = "relocate", .server = "d", .target = "c" }, .source_after = "c" },
	{ .what = "MariaDB, by file or GTID: relocate", .version = "10.11.6-MariaDB", .gtid = true,
	    .op = { .op = "relocate", .server = "c", .target = "b" }, .source_after = "b" },
	{ .what = "MySQL, no GTID: move below", .version = "8.0.36", .gtid = false,
	    .op = { .op = "move-below", .server = "c", .target = "b" }, .source_after = "b" },
	{ .what = "MySQL, no GTID: move up", .version = "8.4.3", .gtid = false,
	    .op = { .op = "move-up", .server = "d", .target = NULL }, .source_after = "a", .prepare = NULL, .is_so = NULL },
	{ .what = "MySQL, GTID: replicas of b below c", .version = "8.4.3", .gtid = true,
	    .op = { .op = "relocate-replicas", .server = "b", .target = "c" }, .source_after = NULL },
	{ .what = "MySQL, no GTID: replicas of b up", .version = "8.0.36", .gtid = false,
	    .op = { .op = "move-up-replicas", .server = "b", .target = NULL }, .source_after = NULL },
	{ .what = "MySQL, GTID: stop", .version = "9.7.0", .gtid = true, .op = { .op = "stop-replica", .server = "c", .target = NULL },
	    .source_after = "a" },
	{ .what = "MariaDB: stop nicely", .version = "11.4.2-MariaDB", .gtid = true,
	    .op = { .op = "stop-replica-nice", .server = "c", .target = NULL }, .source_after = "a", .prepare = NULL, .is_so = NULL },
	{ .what = "MySQL: restart", .version = "8.0.20", .gtid = true, .op = { .op = "restart-replica", .server = "c", .target = NULL },
	    .source_after = "a", .prepare = NULL, .is_so = NULL },
	{ .what = "MySQL, GTID: take the source's place", .version = "8.4.3", .gtid = true,
	    .op = { .op = "take-master", .server = "d", .target = NULL }, .source_after = "a", .prepare = NULL, .is_so = NULL },
	{ .what = "MySQL: detach", .version = "8.4.3", .gtid = true,
	    .op = { .op = "detach-replica-master-host", .server = "c", .target = NULL }, .source_after = "//a" },
	{ .what = "MySQL: repoint", .version = "8.4.3", .gtid = true, .op = { .op = "repoint", .server = "c", .target = "b" }, .source_after = "b" },
	{ .what = "MySQL: without GTID from now on", .version = "8.4.3", .gtid = true,
	    .op = { .op = "disable-gtid", .server = "c", .target = NULL }, .source_after = "a", .prepare = NULL, .is_so = NULL },
	{ .what = "MySQL: writeable", .version = "9.7.0", .gtid = true, .op = { .op = "set-writeable", .server = "c", .target = NULL },
	    .source_after = "a", .prepare = NULL, .is_so = NULL },
	{ .what = "MySQL: read-only", .version = "9.7.0", .gtid = true, .op = { .op = "set-read-only", .server = "c", .target = NULL },
	    .source_after = "a", .prepare = make_writable, .is_so = is_super_read_only },
	{ .what = "MySQL: a delay", .version = "8.4.3", .gtid = true, .op = { .op = "delay-replication",
	    .server = "c", .number = 30 }, .source_after = "a", .prepare = NULL, .is_so = is_delayed },
	{ .what = "MySQL: semi-sync, the replica's side", .version = "8.4.3", .gtid = true,
	    .op = { .op = "enable-semi-sync-replica", .server = "c", .target = NULL }, .source_after = "a", .prepare = add_plugin,
	    .is_so = is_semi_sync_replica },
	{ .what = "MySQL: forget the source", .version = "8.4.3", .gtid = true,
	    .op = { .op = "reset-replica", .server = "c", .target = NULL }, .source_after = "", .prepare = NULL, .is_so = is_no_replica },
	{ .what = "MySQL: errant ones, injected", .version = "8.4.3", .gtid = true,
	    .op = { .op = "gtid-errant-inject-empty", .server = "c", .target = NULL }, .source_after = "a", .prepare = make_errant,
	    .is_so = is_clean },
	{ .what = "MySQL: errant ones, reset", .version = "9.7.0", .gtid = true,
	    .op = { .op = "gtid-errant-reset-master", .server = "c", .target = NULL }, .source_after = "a", .prepare = make_errant,
	    .is_so = is_clean },
	{ .what = "MySQL, GTID: skip", .version = "8.4.3", .gtid = true, .op = { .op = "skip-query", .server = "c", .target = NULL }, .source_after = "a",
	    .prepare = break_applier, .is_so = NULL },
	{ .what = "MySQL: new logs", .version = "8.4.3", .gtid = true, .op = { .op = "flush-binary-logs",
	    .server = "c", .number = 3 }, .source_after = "a", .prepare = NULL, .is_so = NULL },
	{ .what = "MySQL: credentials", .version = "8.4.3", .gtid = true,
	    .op = { .op = "change-master-credentials", .server = "c",
	    .user = "repl2", .password = "it's" }, .source_after = "a", .prepare = stop_c,
	    .is_so = has_credentials },
	{ .what = "MySQL: co-primaries", .version = "8.4.3", .gtid = true,
	    .op = { .op = "make-co-master", .server = "c", .target = NULL }, .source_after = "a", .prepare = NULL, .is_so = NULL },
};

static void
test_scene(const struct scene *sc)
{
	unsigned bad = 0, runs = 0, orders = 0;
	bool refused = false;
	struct stand st;
	const char *trouble;

	set_scene(&st, sc);
	trouble = carry_out(&st, &sc->op, &refused);
	ok(trouble == NULL, "%s", sc->what);
	if (trouble != NULL)
		diag("%s", trouble);
	orders = st.orders;
	if (sc->source_after != NULL)
		is_str(known_of(&st, (struct key){ sc->op.server, 3306 })
		    ->s->source.host, sc->source_after, "its source");
	if (sc->is_so != NULL)
		ok(sc->is_so(&st), "it is so");
	trouble = lacks(&st);
	ok(trouble == NULL, "nothing is missing");
	if (trouble != NULL)
		diag("%s", trouble);
	stand_fini(&st);
	for (unsigned t = ERROR; !refused && t < TROUBLES; t++)
		for (unsigned at = 1; at <= orders; at++) {
			set_scene(&st, sc);
			st.trouble = (enum trouble)t;
			st.trouble_at = at;
			trouble = carry_out(&st, &sc->op, &refused);
			if (trouble == NULL)
				trouble = lacks(&st);
			if (trouble != NULL && bad++ < 5)
				diag("%s at order %u: %s", trouble_name[t], at,
				    trouble);
			runs++;
			stand_fini(&st);
		}
	is_int(bad, 0, "%u times trouble: complete, undone or said", runs);
}

/* Error 1201 of a change, by GTID: relay logs are begun anew, and it works. */
static void
test_relay_logs(void)
{
	unsigned bad = 0, mended = 0;
	bool refused;

	for (unsigned at = 1; at <= 14; at++) {
		struct stand st;

		set_scene(&st, &scenes[0]);
		st.trouble = ERROR;
		st.trouble_at = at;
		st.errnum = 1201;
		bad += carry_out(&st, &scenes[0].op, &refused) != NULL;
		bad += lacks(&st) != NULL;
		mended += st.mended;
		stand_fini(&st);
	}
	is_int(bad, 0, "error 1201, wherever: complete, undone or said");
	is_int(mended, 1, "under the change it is mended");
}

/* ---- the journal ---- */

static bool
takes(struct stand *st, const uint8_t *bytes, size_t n)
{
	struct err err = ERR_INIT;
	struct run *r = run_recover((struct bin){ bytes, n }, &st->world,
	    now(st), &err);

	if (r != NULL)
		run_free(r);
	return r != NULL;
}

/* Bytes that are cut or changed are refused or read, and never followed. */
static void
test_journal(void)
{
	unsigned taken = 0;
	bool refused;
	struct stand st;
	uint8_t *bytes;
	size_t n;

	set_scene(&st, &scenes[0]);
	carry_out(&st, &scenes[0].op, &refused);
	n = st.kept.len;
	bytes = mem_alloc(n);
	memcpy(bytes, st.kept.data, n);
	ok(n > 0 && takes(&st, bytes, n), "%zu bytes of a journal", n);
	for (size_t i = 0; i < n; i++)
		taken += takes(&st, bytes, i);
	is_int(taken, 0, "no part of it is taken");
	for (size_t i = 0; i < n; i++)
		for (unsigned x = 1; x < 256; x *= 2) {
			bytes[i] ^= (uint8_t)x;
			taken += takes(&st, bytes, n);
			bytes[i] ^= (uint8_t)x;
		}
	ok(taken < n * 8, "one bit changed: %u of %zu are read", taken, n * 8);
	mem_free(bytes);
	stand_fini(&st);
}

/* ---- random ---- */

static uint64_t
next_random(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

static void
test_random(uint64_t seeds)
{
	static const char *const ops[] = { "relocate", "relocate", "move-up",
		"move-below", "repoint", "stop-replica", "start-replica",
		"relocate-replicas", "regroup-replicas", "take-siblings",
		"take-master", "move-up-replicas", "restart-replica",
		"move-below-gtid", "detach-replica-master-host",
		"reattach-replica-master-host" };
	static const char *const versions[] = { "9.7.0", "5.7.44", "8.0.36",
		"10.11.6-MariaDB" };
	unsigned bad = 0, done = 0, no = 0;
	char name[2] = "a", target[2] = "a";

	for (uint64_t seed = 1; seed <= seeds; seed++) {
		uint64_t x = seed * UINT64_C(0x9e3779b97f4a7c15);
		struct scene sc = { .version = versions[next_random(&x) % 4],
			.gtid = next_random(&x) % 3 != 0 };
		const char *trouble = NULL;
		struct stand st;

		set_scene(&st, &sc);
		for (int i = 0; i < 6 && trouble == NULL; i++) {
			bool refused = false;

			name[0] = (char)('a' + next_random(&x) % 5);
			target[0] = (char)('a' + next_random(&x) % 5);
			sc.op = (struct op){ .op = ops[next_random(&x) %
			    MEM_COUNT(ops)], .server = name, .target = target };
			st.trouble = (enum trouble)(next_random(&x) % TROUBLES);
			st.trouble_at = (unsigned)(next_random(&x) % 40);
			trouble = carry_out(&st, &sc.op, &refused);
			if (refused)
				trouble = NULL;
			no += refused;
			done += !refused;
			for (size_t k = 0; k < st.n; k++)
				st.at[k].dead = false;
			model_write(st.at[0].s, 1);
			settle(&st, 3000);
		}
		if (trouble == NULL)
			trouble = lacks(&st);
		if (trouble != NULL && bad++ < 5)
			diag("seed %llu: %s", (unsigned long long)seed,
			    trouble);
		stand_fini(&st);
	}
	is_int(bad, 0, "%u random operations, %u refused", done, no);
}

int
main(int argc, char **argv)
{
	uint64_t seeds = argc > 1 ? strtoull(argv[1], NULL, 10) : 60;

	for (size_t i = 0; i < MEM_COUNT(scenes); i++)
		test_scene(&scenes[i]);
	test_relay_logs();
	test_journal();
	test_random(seeds);
	return tap_done();
}
