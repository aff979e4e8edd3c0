/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Carrying plans out on model servers.
 */
#include "config.h"

#include "moves/field.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define START (INT64_C(1790000000) * 1000000)
#define CONNECT_LIMIT DUR_S(2)
#define WAIT_EVERY DUR_MS(20)

struct field *
field_new(uint64_t seed)
{
	struct field *f = mem_zalloc(sizeof *f);

	f->m = model_new();
	f->rng = seed * 2 + 1;
	f->now = (mono_t){ DUR_S(1000).us };
	f->wall = (wall_t){ START };
	f->markers = (struct pgtid_rule){
		.fixed = "drop view if exists `_pseudo_gtid_`", .hint = "asc:",
		.chunk = 1000, .polite_lag = DUR_S(20) };
	f->policy = (struct plan_policy){ .poll = DUR_S(5),
		.maintenance_lag = DUR_S(20), .lag = DUR_S(10),
		.read_limit = DUR_S(60), .side_by_side = 5,
		.pseudo_gtid = true, .markers = &f->markers };
	for (size_t i = 0; i < FIELD_SERVERS_MAX; i++) {
		probe_memory_init(&f->server[i].memory);
		arena_init(&f->server[i].arena);
		f->server[i].health.error = "";
	}
	arena_init(&f->arena);
	plan_init(&f->plan);
	buf_init(&f->kept);
	buf_init(&f->words);
	return f;
}

static void
end_operation(struct field *f)
{
	while (f->orders > 0) {
		f->orders--;
		mem_free(f->order[f->orders].text);
		buf_fini(&f->order[f->orders].rows);
	}
	if (f->run != NULL)
		run_free(f->run);
	f->run = NULL;
	plan_fini(&f->plan);
	plan_init(&f->plan);
	arena_fini(&f->arena);
	arena_init(&f->arena);
	memset(f->session, 0, sizeof f->session);
	f->statements = 0;
	f->tracks = 0;
	f->killed = false;
	f->code = ERR_NONE;
	f->err = (struct err)ERR_INIT;
	buf_reset(&f->words);
}

void
field_free(struct field *f)
{
	end_operation(f);
	for (size_t i = 0; i < FIELD_SERVERS_MAX; i++) {
		probe_memory_fini(&f->server[i].memory);
		arena_fini(&f->server[i].arena);
	}
	plan_fini(&f->plan);
	arena_fini(&f->arena);
	buf_fini(&f->kept);
	buf_fini(&f->words);
	model_free(f->m);
	mem_free(f);
}

/* splitmix64 */
uint64_t
field_chance(struct field *f, uint64_t n)
{
	uint64_t z = f->rng += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (z ^ z >> 31) % n;
}

void
field_pass(struct field *f, dur_t d)
{
	assert(d.us >= 0);
	f->now = mono_add(f->now, d);
	model_settle(f->m, f->now);
	if (f->tick != NULL)
		f->tick(f);
}

static wall_t
wall_of(const struct field *f)
{
	return (wall_t){ START + f->now.us };
}

/* ---- what is known ---- */

/* Who does not answer, and how; NONE: it does. */
static enum err_code
trouble(const struct model_server *s, unsigned *errnum, const char **text)
{
	*errnum = 0;
	*text = "connecting timed out";
	switch (s->fault) {
	case MODEL_SILENT:
	case MODEL_HANGS:
		return ERR_TIMEOUT;
	case MODEL_REFUSES:
		*errnum = 2003;
		*text = "Can't connect to MySQL server (111)";
		return ERR_UNREACHABLE;
	default:
		return ERR_NONE;
	}
}

static void
take_facts(struct field *f, struct field_server *fs, struct probe *p)
{
	struct arena fresh;

	fs->health.last_checked = fs->health.last_attempted = wall_of(f);
	if (p->err.code != ERR_NONE) {
		fs->health.failures++;
		fs->health.error_code = p->err.code;
		fs->health.error = "it failed";
		return;
	}
	arena_init(&fresh);
	fs->facts = instance_dup(probe_facts(p), &fresh);
	arena_fini(&fs->arena);
	fs->arena = fresh;
	fs->health = (struct health){ .last_checked = wall_of(f),
		.last_attempted = wall_of(f), .last_seen = wall_of(f),
		.first_known = { START }, .uptime = p->uptime, .error = "" };
}

bool
field_look(struct field *f, struct model_server *s)
{
	const struct probe_options options = { .version = 1,
		.query[QUERY_PSEUDO_GTID] = f->policy.pseudo_gtid ?
		    "select 1" : "" };
	struct field_server *fs = &f->server[s->origin];
	struct key key = { s->address[0].host, s->address[0].port };
	struct model_session session;
	struct model_result res;
	struct arena a;
	struct probe p;
	struct buf rows;
	const char *text;

	fs->s = s;
	arena_init(&a);
	buf_init(&rows);
	model_session_init(&session);
	probe_memory_distrust(&fs->memory);
	probe_start(&p, &options, &fs->memory, key, &a);
	while ((text = probe_text(&p)) != NULL) {
		struct probe_reply r = { 0 };

		r.code = trouble(s, &r.errnum, &r.error);
		if (fs->incarnation != s->incarnation) {
			fs->incarnation = s->incarnation;
			fs->generation++;
		}
		r.generation = fs->generation;
		r.stale = r.code == ERR_NONE &&
		    probe_generation(&p) != fs->generation;
		buf_reset(&rows);
		if (r.code == ERR_NONE && !r.stale) {
			model_query(f->m, s, &session, f->now, text, &rows,
			    &res);
			r.code = res.errnum != 0 ? ERR_SERVER : ERR_NONE;
			r.errnum = res.errnum;
			r.error = res.error;
			r.rows = (struct bin){ (const uint8_t *)rows.data,
				rows.len };
		}
		probe_take(&p, &r);
	}
	take_facts(f, fs, &p);
	probe_fini(&p);
	buf_fini(&rows);
	arena_fini(&a);
	return fs->health.failures == 0;
}

void
field_look_all(struct field *f)
{
	assert(f->m->n <= FIELD_SERVERS_MAX);
	for (uint32_t i = 0; i < f->m->n; i++)
		field_look(f, f->m->server[i]);
}

static const struct instance *
find_facts(void *arg, struct key key)
{
	struct field *f = arg;

	for (uint32_t i = 0; i < f->m->n; i++)
		if (f->server[i].facts != NULL &&
		    key_eq(f->server[i].facts->key, key))
			return f->server[i].facts;
	return NULL;
}

static int
by_key(const void *a, const void *b)
{
	return key_cmp((*(const struct member *const *)a)->in->key,
	    (*(const struct member *const *)b)->in->key);
}

/* Fill the PLACE rows, cluster by cluster. */
static void
place(struct field *f, struct instance **in, size_t n, struct arena *a)
{
	struct cluster_finder finder = { find_facts, f };
	struct instance *mine[FIELD_SERVERS_MAX];
	struct key root[FIELD_SERVERS_MAX];
	bool done[FIELD_SERVERS_MAX] = { false };
	char name[KEY_TEXT_MAX];

	for (size_t i = 0; i < n; i++)
		root[i] = cluster_root(in[i], &finder, "");
	for (size_t i = 0; i < n; i++) {
		size_t members = 0;

		if (done[i])
			continue;
		for (size_t k = i; k < n; k++)
			if (key_eq(root[k], root[i])) {
				mine[members++] = in[k];
				done[k] = true;
			}
		cluster_place(arena_strdup(a, key_text(root[i], name)), mine,
		    members, a);
	}
}

const struct world *
field_world(struct field *f, struct arena *a)
{
	struct world *w = arena_alloc(a, sizeof *w);
	struct member *m = arena_alloc(a, FIELD_SERVERS_MAX * sizeof *m);
	const struct member **at = arena_alloc(a, FIELD_SERVERS_MAX *
	    sizeof *at);
	struct instance *in[FIELD_SERVERS_MAX];
	size_t n = 0;

	for (uint32_t i = 0; i < f->m->n; i++) {
		if (f->server[i].facts == NULL)
			continue;
		in[n] = instance_dup(f->server[i].facts, a);
		m[n] = (struct member){ in[n], f->server[i].health };
		at[n] = &m[n];
		n++;
	}
	place(f, in, n, a);
	qsort(at, n, sizeof(struct member *), by_key);
	*w = (struct world){ .at = at, .n = n, .policy = &f->policy,
		.now = wall_of(f) };
	return w;
}

/* ---- orders ---- */

static struct model_server *
server_of(struct field *f, unsigned server)
{
	struct key key = run_plan(f->run)->server[server].key;

	return model_find(f->m, key.host, key.port);
}

static dur_t
latency_of(struct field *f, const struct run_order *o)
{
	const struct model_server *s;

	switch (o->want) {
	case RUN_PAUSE: return o->limit;
	case RUN_LOOK:
	case RUN_QUERY:
		s = server_of(f, o->server);
		return s != NULL ? s->latency : DUR_MS(1);
	default: return DUR_US(100);
	}
}

static void
begin_order(struct field *f, const struct run_order *o)
{
	struct field_order *fo = &f->order[f->orders++];

	assert(f->orders <= FIELD_ORDERS_MAX);
	*fo = (struct field_order){ .order = *o,
		.due = mono_add(f->now, latency_of(f, o)),
		.limit = mono_add(f->now, o->limit) };
	buf_init(&fo->rows);
	if (o->want == RUN_QUERY)
		fo->text = mem_strdup(o->text);
	if (fo->due.us > fo->limit.us)
		fo->due = fo->limit;
}

static void
answer_look(struct field *f, const struct run_order *o)
{
	struct run_reply r = { 0 };
	struct model_server *s = server_of(f, o->server);
	const struct member *m = NULL;
	struct arena a;

	arena_init(&a);
	if (s == NULL) {
		r.code = ERR_UNREACHABLE;
		r.error = "Unknown MySQL server host";
	} else if (!field_look(f, s)) {
		r.code = trouble(s, &r.errnum, &r.error);
		if (r.code == ERR_NONE)
			r.code = ERR_SERVER;
	} else {
		m = world_find(field_world(f, &a),
		    run_plan(f->run)->server[o->server].key);
		assert(m != NULL);
		r.facts = m->in;
		r.health = &m->health;
	}
	if (r.code == ERR_TIMEOUT)
		field_pass(f, CONNECT_LIMIT.us < o->limit.us ? CONNECT_LIMIT :
							       o->limit);
	run_feed(f->run, o->ticket, &r, f->now);
	arena_fini(&a);
}

static void
answer_lost(struct field *f, const struct run_order *o, enum err_code code,
    unsigned errnum, const char *text)
{
	run_feed(f->run, o->ticket, &(struct run_reply){ .code = code,
		.errnum = errnum, .error = text }, f->now);
}

/* Open the session, if it is not; false: answered that it cannot be. */
static bool
connect_session(struct field *f, struct model_server *s,
    const struct run_order *o)
{
	struct field_session *fs = &f->session[s->origin];
	enum err_code code;
	const char *text;
	unsigned errnum;

	code = trouble(s, &errnum, &text);
	if (code != ERR_NONE) {
		if (code == ERR_TIMEOUT)
			field_pass(f, CONNECT_LIMIT.us < o->limit.us ?
			    CONNECT_LIMIT : o->limit);
		answer_lost(f, o, code, errnum, text);
		return false;
	}
	if (!fs->open || fs->incarnation != s->incarnation) {
		fs->open = true;
		fs->incarnation = s->incarnation;
		model_session_init(&fs->session);
		s->connects++;
	}
	return true;
}

/* false: it is to be asked again later. */
static bool
answer_query(struct field *f, struct field_order *fo)
{
	const struct run_order *o = &fo->order;
	struct model_server *s = server_of(f, o->server);
	enum field_meddling meddling = FIELD_GO_ON;
	struct field_session *fs;
	struct model_result res;
	uint32_t incarnation;
	char *rest;

	if (s == NULL) {
		answer_lost(f, o, ERR_UNREACHABLE, 2005,
		    "Unknown MySQL server host");
		return true;
	}
	if (!fo->asked) {
		fo->asked = true;
		f->statements++;
		if (f->before != NULL)
			f->before(f, f->statements, s);
		if (f->killed || !connect_session(f, s, o))
			return true;
	}
	fs = &f->session[s->origin];
	incarnation = s->incarnation;
	if (s->fault != MODEL_UP || fs->incarnation != incarnation) {
		answer_lost(f, o, ERR_UNREACHABLE, 2013, "Lost connection");
		return true;
	}
	model_query(f->m, s, &fs->session, f->now, fo->text, &fo->rows, &res);
	if (res.rest != NULL && f->now.us < fo->limit.us) {
		rest = mem_strdup(res.rest);
		mem_free(fo->text);
		fo->text = rest;
		fo->due = mono_add(f->now, WAIT_EVERY);
		return false;
	}
	if (f->after != NULL)
		meddling = f->after(f, f->statements, s);
	if (f->killed)
		return true;
	if (meddling == FIELD_LOSE_ANSWER || s->fault != MODEL_UP ||
	    s->incarnation != incarnation)
		answer_lost(f, o, ERR_UNREACHABLE, 2013, "Lost connection");
	else if (res.rest != NULL)
		answer_lost(f, o, ERR_TIMEOUT, 0, "no answer within the limit");
	else
		run_feed(f->run, o->ticket, &(struct run_reply){
			.code = res.errnum != 0 ? ERR_SERVER : ERR_NONE,
			.errnum = res.errnum, .error = res.error,
			.rows = { (const uint8_t *)fo->rows.data,
			    fo->rows.len } }, f->now);
	return true;
}

static bool
answer(struct field *f, struct field_order *fo)
{
	const struct run_order *o = &fo->order;
	struct run_reply good = { 0 };

	switch (o->want) {
	case RUN_LOOK: answer_look(f, o); return true;
	case RUN_QUERY: return answer_query(f, fo);
	case RUN_KEEP:
		buf_reset(&f->kept);
		buf_add(&f->kept, o->kept.data, o->kept.len);
		break;
	case RUN_PLAN:
		field_look_all(f);
		run_stage(f->run, o->ticket, field_world(f, &f->arena), f->now);
		return true;
	case RUN_PAUSE:
	case RUN_HOOK: break;
	}
	run_feed(f->run, o->ticket, &good, f->now);
	return true;
}

/* Time goes on to the next order that is due, and that is answered. */
static void
answer_next(struct field *f)
{
	struct field_order fo;
	size_t next = 0;

	assert(f->orders > 0);
	for (size_t i = 1; i < f->orders; i++)
		if (f->order[i].due.us < f->order[next].due.us)
			next = i;
	fo = f->order[next];
	f->order[next] = f->order[--f->orders];
	if (fo.due.us > f->now.us)
		field_pass(f, mono_sub(fo.due, f->now));
	if (!answer(f, &fo)) {
		f->order[f->orders++] = fo;
		return;
	}
	mem_free(fo.text);
	buf_fini(&fo.rows);
}

/* ---- operations ---- */

static void
carry_out(struct field *f)
{
	struct run_order o;
	const struct track_result *t;

	while (!f->killed) {
		while (run_next(f->run, f->now, &o))
			begin_order(f, &o);
		if (run_ended(f->run))
			break;
		answer_next(f);
	}
	run_words(f->run, &f->words);
	if (f->killed) {
		f->code = err_set(&f->err, ERR_CLOSED, "killed");
		return;
	}
	for (f->tracks = 0; f->tracks < run_plan(f->run)->tracks &&
	     f->tracks < FIELD_TRACKS_MAX; f->tracks++) {
		t = run_track(f->run, f->tracks);
		f->track[f->tracks] = *t;
	}
	f->code = run_failed(f->run, &f->err) ? f->err.code : ERR_NONE;
	assert(f->orders == 0);
}

enum err_code
field_do_request(struct field *f, const struct plan_request *r)
{
	const struct world *w;

	end_operation(f);
	buf_reset(&f->kept);
	w = field_world(f, &f->arena);
	f->code = plan_make(&f->plan, r, w, &f->err);
	if (f->code == ERR_NONE && f->heeds_warnings && f->plan.warnings > 0)
		f->code = err_set(&f->err, ERR_INVALID, "who is warned does "
		    "not do it: %s", f->plan.warning[0]);
	if (f->code != ERR_NONE)
		return f->code;
	f->run = run_new(&f->plan, r, w, f->now);
	carry_out(f);
	return f->code;
}

enum err_code
field_do(struct field *f, const char *op, const char *server,
    const char *target)
{
	struct plan_request r = { .op = op, .server = KEY_NONE,
		.target = KEY_NONE, .pattern = "", .text = "", .user = "",
		.password = "", .at = { .file = "" } };

	if (server != NULL)
		r.server = (struct key){ server, 3306 };
	if (target != NULL)
		r.target = (struct key){ target, 3306 };
	return field_do_request(f, &r);
}

enum err_code
field_recover(struct field *f)
{
	/* What was kept stays until something else is: it may happen again. */
	struct buf kept;

	buf_init(&kept);
	buf_add(&kept, buf_text(&f->kept), f->kept.len);
	end_operation(f);
	f->run = run_recover((struct bin){ (const uint8_t *)kept.data,
		kept.len }, field_world(f, &f->arena), f->now, &f->err);
	buf_fini(&kept);
	if (f->run == NULL)
		return f->code = f->err.code;
	carry_out(f);
	return f->code;
}
