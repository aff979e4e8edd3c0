/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the servers would be like after a plan's steps, if all goes well and
 * nobody else does anything: how a plan of several stages is shown before it is
 * carried out, and what tests hold plans against.
 */
#include "config.h"

#include "plan/plan.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "plan/make.h"
#include "topology/coord.h"
#include "topology/gtid_mariadb.h"

struct seer {
	const struct plan *p;
	struct arena *a;
	struct instance **in; /* of each of the plan's servers; NULL: unknown */
	struct found {
		bool known; /* a step touched the threads */
		int64_t io, sql;
	} *found;
};

typedef void effect_fn(struct seer *v, const struct step *s,
    struct instance *in);

static struct instance *
of(struct seer *v, unsigned server)
{
	return server == PLAN_NOBODY ? NULL : v->in[server];
}

/* ---- threads ---- */

static void
set_threads(struct instance *in, int64_t io, int64_t sql)
{
	in->io_state = io;
	in->sql_state = sql;
	in->io_running = io == THREAD_RUNNING;
	in->sql_running = sql == THREAD_RUNNING;
	in->seconds_behind = in->lag_seconds = (struct nullint){ 0,
		in->io_running && in->sql_running };
}

static void
note_threads(struct seer *v, const struct step *s, const struct instance *in)
{
	struct found *f = &v->found[s->server];

	if (f->known)
		return;
	*f = (struct found){ true, in->io_state, in->sql_state };
}

static int64_t
stopped(int64_t state)
{
	return state == THREAD_NONE ? THREAD_NONE : THREAD_STOPPED;
}

static void
see_STOP(struct seer *v, const struct step *s, struct instance *in)
{
	note_threads(v, s, in);
	set_threads(in, stopped(in->io_state), stopped(in->sql_state));
}

static void
see_STOP_RECEIVER(struct seer *v, const struct step *s, struct instance *in)
{
	note_threads(v, s, in);
	set_threads(in, stopped(in->io_state), in->sql_state);
}

static void
see_STOP_APPLIER(struct seer *v, const struct step *s, struct instance *in)
{
	note_threads(v, s, in);
	set_threads(in, in->io_state, stopped(in->sql_state));
}

static void
see_START(struct seer *v, const struct step *s, struct instance *in)
{
	(void)v;
	(void)s;
	set_threads(in, THREAD_RUNNING, THREAD_RUNNING);
}

static void
see_START_RECEIVER(struct seer *v, const struct step *s, struct instance *in)
{
	(void)v;
	(void)s;
	set_threads(in, THREAD_RUNNING, in->sql_state);
}

static void
see_START_APPLIER(struct seer *v, const struct step *s, struct instance *in)
{
	(void)v;
	(void)s;
	set_threads(in, in->io_state, THREAD_RUNNING);
}

static void
see_RESTORE(struct seer *v, const struct step *s, struct instance *in)
{
	const struct found *f = &v->found[s->server];

	if (f->known)
		set_threads(in, f->io, f->sql);
}

/* ---- what is executed ---- */

/* It has executed what other has, too. */
static void
add_set(struct seer *v, struct instance *in, const char *other)
{
	struct gtid_set a, b, sum;
	struct buf text;

	gtid_set_init(&a);
	gtid_set_init(&b);
	gtid_set_init(&sum);
	buf_init(&text);
	if (gtid_set_parse(&a, in->executed_gtid_set, NULL) == ERR_NONE &&
	    gtid_set_parse(&b, other, NULL) == ERR_NONE) {
		gtid_set_union(&sum, &a, &b);
		gtid_set_text(&sum, &text);
		in->executed_gtid_set = arena_strdup(v->a, buf_text(&text));
	}
	buf_fini(&text);
	gtid_set_fini(&a);
	gtid_set_fini(&b);
	gtid_set_fini(&sum);
}

static void
execute_as(struct seer *v, struct instance *in, const struct instance *other)
{
	if (other == NULL)
		return;
	add_set(v, in, other->executed_gtid_set);
	if (in->mariadb_slave_pos[0] != '\0')
		in->mariadb_slave_pos = other->mariadb_slave_pos[0] != '\0' ?
		    other->mariadb_slave_pos : other->mariadb_binlog_pos;
}

static struct coord
place(struct seer *v, const struct plan_at *at, const struct instance *to)
{
	const struct instance *in = at->kind == AT_GIVEN ||
		at->kind == AT_NONE ? NULL : of(v, at->server);

	if (at->kind == AT_GIVEN)
		return at->coord;
	if (at->kind == AT_MATCHED_OF && to != NULL)
		return to->self_coord; /* nobody knows before it is searched */
	if (in == NULL || at->kind == AT_MATCHED_OF)
		return (struct coord){ "", 0, false };
	return at->kind == AT_OWN_OF ? in->self_coord : in->exec_coord;
}

static void
see_STOP_NICELY(struct seer *v, const struct step *s, struct instance *in)
{
	see_STOP(v, s, in);
	if (in->sql_delay > 0)
		return;
	add_set(v, in, in->retrieved_gtid_set);
	if (coord_comparable(&in->read_coord, &in->exec_coord) &&
	    coord_cmp(&in->read_coord, &in->exec_coord) > 0)
		in->exec_coord = in->read_coord;
}

static void
see_START_UNTIL(struct seer *v, const struct step *s, struct instance *in)
{
	struct coord at = place(v, &s->at, NULL);

	note_threads(v, s, in);
	set_threads(in, stopped(in->io_state), stopped(in->sql_state));
	if (coord_is_none(&at))
		return;
	in->exec_coord = at;
	if (!coord_comparable(&in->read_coord, &at) ||
	    coord_cmp(&in->read_coord, &at) < 0)
		in->read_coord = at;
	execute_as(v, in, of(v, s->at.server));
}

static void
see_WAIT_FOR(struct seer *v, const struct step *s, struct instance *in)
{
	struct coord at = place(v, &s->at, NULL);

	if (s->at.kind != AT_EXECUTED_OF && !coord_is_none(&at))
		in->exec_coord = at;
	if (s->at.kind != AT_GIVEN)
		execute_as(v, in, of(v, s->at.server));
}

/* ---- the channel ---- */

static struct keys
keys_with(struct keys ks, struct key k, bool with, struct arena *a)
{
	struct key *at = arena_alloc(a, (ks.n + 1) * sizeof *at);
	size_t n = 0;

	for (size_t i = 0; i < ks.n; i++)
		if (!key_eq(ks.at[i], k))
			at[n++] = ks.at[i];
	if (with)
		at[n++] = k;
	return keys_sorted(at, n, a);
}

static void
leave_source(struct seer *v, const struct instance *in)
{
	for (size_t i = 0; i < v->p->servers; i++)
		if (v->in[i] != NULL &&
		    key_eq(v->in[i]->key, in->source_key))
			v->in[i]->replicas = keys_with(v->in[i]->replicas,
			    in->key, false, v->a);
}

static void
set_gtid(struct instance *in, enum gtid_hint hint)
{
	bool mariadb = may_is_mariadb(in);

	if (hint == GTID_NEUTRAL)
		return;
	in->using_mariadb_gtid = hint == GTID_FORCE && mariadb;
	in->using_oracle_gtid = hint == GTID_FORCE && !mariadb;
	if (mariadb)
		in->using_gtid_text = in->using_mariadb_gtid ? "Slave_Pos" :
							       "No";
}

static void
see_CHANGE_SOURCE(struct seer *v, const struct step *s, struct instance *in)
{
	const struct instance *to = of(v, s->to);
	struct coord at = place(v, &s->at, to);

	leave_source(v, in);
	in->source_key = v->p->server[s->to].key;
	in->source_uuid = to != NULL ? to->server_uuid : "";
	in->is_detached_source = false;
	if (v->in[s->to] != NULL)
		v->in[s->to]->replicas = keys_with(v->in[s->to]->replicas,
		    in->key, true, v->a);
	set_gtid(in, s->gtid);
	if (in->using_oracle_gtid || in->using_mariadb_gtid)
		at = (struct coord){ "", 0, false };
	in->exec_coord = in->read_coord = at;
	in->retrieved_gtid_set = "";
	if (in->io_state == THREAD_NONE)
		set_threads(in, THREAD_STOPPED, THREAD_STOPPED);
}

static void
see_RESET_REPLICA(struct seer *v, const struct step *s, struct instance *in)
{
	(void)s;
	leave_source(v, in);
	in->source_key = KEY_NONE;
	in->source_uuid = "";
	in->exec_coord = in->read_coord = (struct coord){ "", 0, false };
	in->using_oracle_gtid = in->using_mariadb_gtid = false;
	in->has_replication_credentials = false;
	set_threads(in, THREAD_NONE, THREAD_NONE);
}

static void
see_DETACH(struct seer *v, const struct step *s, struct instance *in)
{
	(void)s;
	leave_source(v, in);
	in->source_key.host = arena_printf(v->a, "//%s", in->source_key.host);
	in->is_detached_source = true;
}

static void
see_ATTACH(struct seer *v, const struct step *s, struct instance *in)
{
	(void)v;
	(void)s;
	in->source_key.host += strspn(in->source_key.host, "/");
	in->is_detached_source = false;
}

static void
see_DELAY(struct seer *v, const struct step *s, struct instance *in)
{
	(void)v;
	in->sql_delay = (uint64_t)s->number;
}

static void
see_SET_CREDENTIALS(struct seer *v, const struct step *s, struct instance *in)
{
	(void)v;
	(void)s;
	in->has_replication_credentials = true;
}

static void
see_SKIP_QUERY(struct seer *v, const struct step *s, struct instance *in)
{
	(void)v;
	(void)s;
	in->last_sql_error = "";
}

/* ---- the server ---- */

static void
see_READ_ONLY(struct seer *v, const struct step *s, struct instance *in)
{
	(void)v;
	(void)s;
	in->read_only = true;
}

static void
see_WRITABLE(struct seer *v, const struct step *s, struct instance *in)
{
	(void)v;
	(void)s;
	in->read_only = in->super_read_only = false;
}

static void
see_SEMI_SYNC_SOURCE(struct seer *v, const struct step *s, struct instance *in)
{
	(void)v;
	in->semi_sync_source_enabled = s->number != 0;
}

static void
see_SEMI_SYNC_REPLICA(struct seer *v, const struct step *s,
    struct instance *in)
{
	(void)v;
	in->semi_sync_replica_enabled = s->number != 0;
}

static void
see_FLUSH_LOGS(struct seer *v, const struct step *s, struct instance *in)
{
	if (s->text[0] != '\0')
		in->self_coord = (struct coord){ s->text, 4, false };
	else
		coord_next_file(&in->self_coord, &in->self_coord, v->a, NULL);
}

static void
see_RESET_LOGS(struct seer *v, const struct step *s, struct instance *in)
{
	(void)v;
	in->executed_gtid_set = in->gtid_purged = s->text;
	in->gtid_errant = "";
}

static void
see_INJECT_EMPTY(struct seer *v, const struct step *s, struct instance *in)
{
	add_set(v, in, s->text);
}

static void
see_nothing(struct seer *v, const struct step *s, struct instance *in)
{
	(void)v;
	(void)s;
	(void)in;
}
#define see_READ see_nothing
#define see_PURGE_LOGS see_nothing
#define see_KILL_QUERY see_nothing
#define see_MATCH see_nothing
#define see_RUN_HOOK see_nothing

static effect_fn *const effects[VERBS] = {
#define STEP(VERB, wire, changes) [DO_##VERB] = see_##VERB,
#include "plan/steps.def"
#undef STEP
};

/* ---- the whole ---- */

static void
seer_init(struct seer *v, const struct plan *p, const struct world *w,
    struct arena *a)
{
	*v = (struct seer){ .p = p, .a = a };
	v->in = arena_alloc(a, (p->servers + 1) * sizeof *v->in);
	v->found = arena_alloc(a, (p->servers + 1) * sizeof *v->found);
	for (size_t i = 0; i < p->servers; i++) {
		const struct member *m = world_find(w, p->server[i].key);

		if (m == NULL)
			continue;
		v->in[i] = arena_alloc(a, sizeof *v->in[i]);
		*v->in[i] = *m->in;
	}
}

/* The world with the plan's servers as they have become. */
static const struct world *
as_foreseen(const struct seer *v, const struct world *w)
{
	const struct member **at = arena_alloc(v->a,
	    (w->n + 1) * sizeof *at);
	struct world *out = arena_alloc(v->a, sizeof *out);

	*out = *w;
	memcpy(at, w->at, w->n * sizeof *at);
	for (size_t i = 0; i < v->p->servers; i++) {
		const struct member *was;
		struct member *m;

		if (v->in[i] == NULL)
			continue;
		was = world_find(w, v->p->server[i].key);
		m = arena_alloc(v->a, sizeof *m);
		*m = *was;
		m->in = v->in[i];
		for (size_t k = 0; k < w->n; k++)
			if (w->at[k] == was)
				at[k] = m;
	}
	out->at = at;
	return out;
}

const struct world *
plan_foresee(const struct plan *p, const struct world *w, struct arena *a)
{
	struct seer v;

	seer_init(&v, p, w, a);
	for (size_t i = 0; i < p->steps; i++) {
		const struct step *s = &p->step[i];

		if (v.in[s->server] != NULL)
			effects[s->verb](&v, s, v.in[s->server]);
	}
	return as_foreseen(&v, w);
}

enum err_code
plan_make_whole(struct plan *p, const struct plan_request *r,
    const struct world *w, struct err *err)
{
	enum err_code code = plan_make(p, r, w, err);

	for (unsigned n = 0; code == ERR_NONE && p->stage != 0; n++) {
		assert(n < PLAN_STAGES_MAX);
		code = plan_make(p, r, plan_foresee(p, w, &p->arena), err);
	}
	return code;
}
