/* SPDX-License-Identifier: Apache-2.0 */
/* A plan from a request: the table of operations, and what all of them need. */
#include "config.h"

#include "plan/make.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "topology/note.h"

static const struct {
	const char *name;
	enum err_code (*make)(struct making *m);
} plans[] = {
#define PLAN(symbol, name, make) { name, make },
#include "plan/plans.def"
#undef PLAN
};

static enum err_code (*find_maker(const char *op))(struct making *m)
{
	for (size_t i = 0; i < MEM_COUNT(plans); i++)
		if (strcmp(plans[i].name, op) == 0)
			return plans[i].make;
	return NULL;
}

bool
plan_knows(const char *op)
{
	return find_maker(op) != NULL;
}

static void
set_text(const char **text)
{
	if (*text == NULL)
		*text = "";
}

/* What was left unset. */
static void
fill_in(struct plan_request *r)
{
	set_text(&r->server.host);
	set_text(&r->target.host);
	set_text(&r->pattern);
	set_text(&r->at.file);
	set_text(&r->text);
	set_text(&r->user);
	set_text(&r->password);
}

enum err_code
plan_make(struct plan *p, const struct plan_request *r, const struct world *w,
    struct err *err)
{
	enum err_code (*make)(struct making *m) = find_maker(r->op);
	struct plan_request whole = *r;
	struct making m = { p, &whole, w, err, p->stage, 0 };
	struct plan was = *p;
	enum err_code code;

	if (make == NULL)
		return err_set(err, ERR_UNSUPPORTED,
		    "%.100s: no such operation", r->op);
	assert(p->stage > 0 || p->steps == 0);
	fill_in(&whole);
	p->op = arena_strdup(&p->arena, r->op);
	p->stage = 0;
	code = make(&m);
	if (code != ERR_NONE) {
		/* Arrays that grew meanwhile stay in the arena. */
		was.arena = p->arena;
		*p = was;
	}
	return code;
}

/* ---- servers ---- */

const char *
make_name(struct making *m, struct key k)
{
	char text[KEY_TEXT_MAX];

	return arena_strdup(&m->p->arena, key_text(k, text));
}

enum err_code
make_known(struct making *m, struct key k, const struct member **out)
{
	char text[KEY_TEXT_MAX];

	*out = world_find(m->w, k);
	if (*out != NULL)
		return ERR_NONE;
	return err_set(m->err, ERR_NOT_FOUND, "%s is not known",
	    key_text(k, text));
}

enum err_code
make_seen(struct making *m, struct key k, const struct member **out)
{
	enum err_code code = make_known(m, k, out);
	const char *why;

	if (code != ERR_NONE || (*out)->health.last_seen.us != 0)
		return code;
	why = (*out)->health.error;
	return err_set(m->err, ERR_UNREACHABLE, "%s was never reached%s%.300s",
	    make_name(m, k), why != NULL && *why != '\0' ? ": " : "",
	    why != NULL ? why : "");
}

enum err_code
make_fresh(struct making *m, struct key k, const struct member **out)
{
	enum err_code code = make_seen(m, k, out);
	const struct health *h;

	if (code != ERR_NONE || world_is_fresh(m->w, *out))
		return code;
	h = &(*out)->health;
	if (!note_is_valid(h))
		return err_set(m->err, ERR_UNREACHABLE,
		    "%s cannot be reached%s%.300s", make_name(m, k),
		    h->error != NULL && *h->error != '\0' ? ": " : "",
		    h->error != NULL ? h->error : "");
	return err_set(m->err, ERR_BUSY, "%s was last looked at %lld s ago: "
	    "too long to decide by", make_name(m, k),
	    (long long)(wall_sub(m->w->now, h->last_checked).us / 1000000));
}

/* Statements without a channel's name are about all of them. */
static enum err_code
one_channel(struct making *m, const struct member *a)
{
	if (a->in->channels <= 1)
		return ERR_NONE;
	return err_set(m->err, ERR_UNSUPPORTED, "%s has %llu replication "
	    "channels: only servers with one can be changed",
	    make_name(m, a->in->key), (unsigned long long)a->in->channels);
}

enum err_code
make_replica(struct making *m, struct key k, const struct member **out)
{
	enum err_code code = make_fresh(m, k, out);
	const struct instance *in;

	if (code != ERR_NONE)
		return code;
	in = (*out)->in;
	if (!instance_is_replica(in))
		return err_set(m->err, ERR_INVALID,
		    "%s replicates from nobody", make_name(m, k));
	return one_channel(m, *out);
}

enum err_code
make_movable(struct making *m, struct key k, const struct member **out)
{
	enum err_code code = make_replica(m, k, out);

	if (code != ERR_NONE)
		return code;
	return need_check(NEED_NOT_IN_GROUP, *out, NULL, NULL, m->w, m->err);
}

enum err_code
make_source_of(struct making *m, const struct member *a,
    const struct member **out)
{
	struct key k = a->in->source_key;

	if (key_is_detached(k))
		return err_set(m->err, ERR_INVALID, "%s is detached from its "
		    "source (%s): reattach it first", make_name(m, a->in->key),
		    make_name(m, k));
	*out = world_find(m->w, k);
	if (*out != NULL)
		return ERR_NONE;
	return err_set(m->err, ERR_NOT_FOUND, "%s, the source of %s, is not "
	    "known", make_name(m, k), make_name(m, a->in->key));
}

enum err_code
make_can_move(struct making *m, const struct member *a)
{
	enum err_code code = one_channel(m, a);

	if (code == ERR_NONE)
		code = need_check(NEED_NOT_IN_GROUP, a, NULL, NULL, m->w,
		    m->err);
	if (code == ERR_NONE)
		code = need_check(NEED_LAG_OK, a, NULL, NULL, m->w, m->err);
	return code;
}

bool
make_siblings(const struct member *a, const struct member *b)
{
	return !key_eq(a->in->key, b->in->key) &&
	    instance_is_replica(a->in) && instance_is_replica(b->in) &&
	    key_eq(a->in->source_key, b->in->source_key);
}

bool
make_is_source(const struct member *source, const struct member *a)
{
	return instance_is_replica(a->in) &&
	    key_eq(a->in->source_key, source->in->key);
}

bool
make_is_bls(const struct member *m)
{
	return instance_is_binlog_server(m->in);
}

bool
make_is_below(const struct world *w, const struct member *b,
    const struct member *a)
{
	for (unsigned hops = 0; b != NULL && hops < MAKE_HOPS_MAX; hops++) {
		if (key_eq(b->in->key, a->in->key))
			return true;
		b = world_find(w, cluster_parent(b->in));
	}
	return false;
}

enum err_code
make_no_ring(struct making *m, const struct member *a, const struct member *b)
{
	if (!make_is_below(m->w, b, a))
		return ERR_NONE;
	if (key_eq(a->in->key, b->in->key))
		return err_set(m->err, ERR_INVALID,
		    "%s cannot replicate from itself",
		    make_name(m, a->in->key));
	return err_set(m->err, ERR_INVALID, "%s stands below %s: they would "
	    "replicate from each other", make_name(m, b->in->key),
	    make_name(m, a->in->key));
}

/* ---- steps ---- */

unsigned
make_server(struct making *m, const struct member *s)
{
	unsigned i = plan_server(m->p, m->w, s->in->key);

	m->p->server[i].reached = true;
	return i;
}

unsigned
make_named(struct making *m, struct key k)
{
	size_t servers = m->p->servers;
	unsigned i = plan_server(m->p, m->w, k);

	if (m->p->servers > servers)
		m->p->server[i].reached = false;
	return i;
}

unsigned
make_held(struct making *m, const struct member *s)
{
	unsigned i = make_server(m, s);

	m->p->server[i].locked = true;
	return i;
}

void
make_step(struct making *m, struct step s)
{
	s.track = m->track;
	if (s.limit.us <= 0)
		s.limit = m->w->policy->read_limit.us > 0 ?
		    m->w->policy->read_limit : DUR_S(MAKE_CATCH_UP_MIN_S);
	plan_step(m->p, &s);
}

dur_t
make_patience(const struct making *m, const struct member *s)
{
	int64_t us = m->w->policy->maintenance_lag.us * MAKE_CATCH_UP;

	if (us < DUR_S(MAKE_CATCH_UP_MIN_S).us)
		us = DUR_S(MAKE_CATCH_UP_MIN_S).us;
	/* A server may claim any delay. */
	if (s->in->sql_delay < 86400)
		us += DUR_S(s->in->sql_delay).us;
	return (dur_t){ us };
}

void
make_track(struct making *m, const struct member *s)
{
	unsigned server = make_server(m, s);

	for (unsigned i = 1; i < m->p->tracks; i++)
		if (m->p->track[i].server == server) {
			m->track = i;
			return;
		}
	m->track = plan_track(m->p, server);
}

void
make_trunk(struct making *m)
{
	m->track = 0;
}

void
make_bulk(struct making *m, unsigned side_by_side)
{
	m->p->side_by_side = side_by_side > 0 ? side_by_side : 1;
	m->p->any_track_is_enough = true;
}

void
make_restore(struct making *m, unsigned server, bool moved)
{
	make_step(m, (struct step){ .verb = DO_RESTORE, .server = server,
		.to = PLAN_NOBODY, .last_resort = !moved,
		.why = moved ? "only when it follows is it known that it can" :
			       "nothing else of it was changed" });
}
