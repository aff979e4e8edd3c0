/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stage's resolver, store, control and audit.  What the store was told
 * outlives the process, as a file does.
 */
#include "config.h"

#include "sim/stage.h"

#include <stdio.h>
#include <string.h>
#include <uthash.h>

#include "actors/control.h"
#include "base/mem.h"
#include "store/store.h"
#include "topology/health.h"

/* ---- names ---- */

const struct stage_name *
stage_find_name(const struct stage *st, const char *host)
{
	for (unsigned i = 0; i < st->names; i++)
		if (strcmp(st->name[i].host, host) == 0)
			return &st->name[i];
	return NULL;
}

struct stage_name *
stage_add_name(struct stage *st, const char *host, const char *cname,
    const char *ipv4)
{
	struct stage_name *n = &st->name[st->names++];

	assert(st->names <= STAGE_NAMES_MAX);
	snprintf(n->host, sizeof n->host, "%s", host);
	snprintf(n->cname, sizeof n->cname, "%s", cname);
	snprintf(n->ipv4, sizeof n->ipv4, "%s", ipv4);
	return n;
}

enum { WAITING_MAX = 128 };

struct resolver {
	struct {
		struct ask ask;
		char host[MODEL_HOST_MAX];
		bool cname;
		mono_t due;
	} waits[WAITING_MAX];
	size_t n;
};

static void
resolver_init(void *self, struct ctx *ctx, const void *arg)
{
	(void)self;
	(void)ctx;
	(void)arg;
}

static void
resolve(struct ctx *ctx, struct ask ask, const char *host)
{
	const struct stage_name *n = stage_find_name(stage_of(ctx), host);
	bool fails = n == NULL || n->fails;

	act_answer(ctx, ask, resolve_ran, .host = host,
	    .cname = fails ? "" : n->cname[0] != '\0' ? n->cname : host,
	    .ipv4 = fails ? "" : n->ipv4, .ipv6 = "",
	    .code = fails ? ERR_UNREACHABLE : ERR_NONE,
	    .error = fails ? "Name or service not known" : NULL);
}

static void
on_resolve_run(struct resolver *r, struct ctx *ctx, const struct msg *m)
{
	const char *host = as_resolve_run(m)->host;
	const struct stage_name *n = stage_find_name(stage_of(ctx), host);

	stage_of(ctx)->lookups++;
	if (n == NULL || n->delay.us == 0 || r->n == WAITING_MAX) {
		resolve(ctx, ask_of(m), host);
		return;
	}
	r->waits[r->n].ask = ask_of(m);
	r->waits[r->n].due = mono_add(act_now(ctx), n->delay);
	snprintf(r->waits[r->n].host, MODEL_HOST_MAX, "%s", host);
	r->n++;
	act_after(ctx, n->delay, session_idle);
}

static void
on_resolver_tick(struct resolver *r, struct ctx *ctx)
{
	for (size_t i = 0; i < r->n; i++) {
		if (r->waits[i].due.us > act_now(ctx).us)
			continue;
		resolve(ctx, r->waits[i].ask, r->waits[i].host);
		r->waits[i--] = r->waits[--r->n];
	}
	if (r->n > 0)
		act_after(ctx, DUR_MS(10), session_idle);
}

static void
resolver_handle(void *self, struct ctx *ctx, struct msg *m)
{
	switch (m->type) {
	case MSG_resolve_run: on_resolve_run(self, ctx, m); break;
	case MSG_session_idle: on_resolver_tick(self, ctx); break;
	default: act_unexpected(ctx, m);
	}
}

const struct actor_class stage_resolver_class = {
	.name = "resolver",
	.size = sizeof(struct resolver),
	.init = resolver_init,
	.handle = resolver_handle,
};

/* ---- store ---- */

struct stage_row {
	UT_hash_handle hh;
	char key[KEY_TEXT_MAX];
	char host[KEY_HOST_MAX + 1];
	uint32_t port;
	char *facts;
	size_t facts_len;
	char *health;
	size_t health_len;
};

static void
drop_row(struct stage_store *s, struct stage_row *row)
{
	HASH_DEL(s->rows, row);
	mem_free(row->facts);
	mem_free(row->health);
	mem_free(row);
}

void
stage_store_clear(struct stage_store *s)
{
	struct stage_row *row, *tmp;

	HASH_ITER(hh, s->rows, row, tmp)
		drop_row(s, row);
}

static struct stage_row *
find_row(const struct stage_store *s, const char *host, uint32_t port)
{
	char text[KEY_TEXT_MAX];
	struct stage_row *row;

	key_text((struct key){ host, port }, text);
	HASH_FIND_STR(s->rows, text, row);
	return row;
}

bool
stage_stored(const struct stage *st, const char *key)
{
	struct stage_row *row;

	HASH_FIND_STR(st->store.rows, key, row);
	return row != NULL;
}

static void
keep_bytes(char **to, size_t *len, struct bin b)
{
	mem_free(*to);
	*to = mem_alloc(b.len);
	memcpy(*to, b.data, b.len);
	*len = b.len;
}

static void
on_store_instance(struct stage_store *s, const struct msg_store_instance *i)
{
	struct stage_row *row = find_row(s, i->host, i->port);

	s->writes++;
	if (row == NULL) {
		row = mem_zalloc(sizeof *row);
		key_text((struct key){ i->host, i->port }, row->key);
		snprintf(row->host, sizeof row->host, "%s", i->host);
		row->port = i->port;
		HASH_ADD_STR(s->rows, key, row);
	}
	keep_bytes(&row->facts, &row->facts_len, i->facts);
	keep_bytes(&row->health, &row->health_len, i->health);
}

static void
on_store_health(struct stage_store *s, const struct msg_store_health *h)
{
	struct stage_row *row = find_row(s, h->host, h->port);

	s->healths++;
	if (row != NULL)
		keep_bytes(&row->health, &row->health_len, h->health);
}

static void
on_store_forget(struct stage_store *s, const struct msg_store_forget *f)
{
	struct stage_row *row = find_row(s, f->host, f->port);

	s->forgets++;
	if (row != NULL)
		drop_row(s, row);
}

struct store_actor {
	struct ask load;
};

static void
send_known(struct ctx *ctx, const struct stage_row *row, wall_t pulse)
{
	struct health h;
	struct pcur c;
	struct buf b;
	bool good;

	pcur_init(&c, row->health, row->health_len);
	good = health_unpack(&c, &h);
	assert(good);
	store_take_pulse(&h, pulse);
	buf_init(&b);
	health_pack(&b, &h);
	act_send(ctx, app_of(ctx)->directory, server_known,
	    .host = row->host, .port = row->port,
	    .facts = { (const uint8_t *)row->facts, row->facts_len },
	    .health = { (const uint8_t *)b.data, b.len });
	buf_fini(&b);
}

static void
load(struct store_actor *sa, struct ctx *ctx)
{
	struct stage_store *s = &stage_of(ctx)->store;
	struct stage_row *row, *tmp;

	if (s->refuses_load) {
		act_answer(ctx, sa->load, store_loaded, .code = ERR_IO,
		    .error = "disk I/O error");
		return;
	}
	HASH_ITER(hh, s->rows, row, tmp)
		send_known(ctx, row, s->pulse);
	act_after(ctx, DUR_S(1), store_watch);
	act_answer(ctx, sa->load, store_loaded, .servers = HASH_COUNT(s->rows));
}

static void
store_handle(void *self, struct ctx *ctx, struct msg *m)
{
	struct stage_store *s = &stage_of(ctx)->store;
	struct store_actor *sa = self;

	switch (m->type) {
	case MSG_store_load:
		sa->load = ask_of(m);
		act_after(ctx, s->load_delay, store_flush);
		break;
	case MSG_store_flush: load(sa, ctx); break;
	case MSG_store_watch:
		s->pulse = act_wall(ctx);
		act_after(ctx, DUR_S(1), store_watch);
		break;
	case MSG_store_instance:
		on_store_instance(s, as_store_instance(m));
		break;
	case MSG_store_health: on_store_health(s, as_store_health(m)); break;
	case MSG_store_forget: on_store_forget(s, as_store_forget(m)); break;
	case MSG_store_detection:
		s->detections += as_store_detection(m)->actionable;
		break;
	case MSG_store_name:
	case MSG_store_names_reset:
	case MSG_store_analysis:
	case MSG_store_purge: break;
	default: act_unexpected(ctx, m);
	}
}

const struct actor_class stage_store_class = {
	.name = "store",
	.size = sizeof(struct store_actor),
	.init = resolver_init,
	.handle = store_handle,
};

/* ---- control and audit ---- */

static void
free_control(struct shared *s)
{
	struct control_shared *c = (struct control_shared *)s;

	control_unref(c->control);
	mem_free(c);
}

/* Nobody said anything. */
static void
control_init(void *self, struct ctx *ctx, const void *arg)
{
	struct control_shared *c = mem_zalloc(sizeof *c);

	(void)self;
	(void)arg;
	shared_init(&c->shared, free_control);
	c->control = control_new();
	board_put(ctx, BOARD_CONTROL, "control", c);
}

static void
control_handle(void *self, struct ctx *ctx, struct msg *m)
{
	(void)self;
	if (m->type != MSG_control_run)
		act_unexpected(ctx, m);
	stage_of(ctx)->commands++;
	act_answer(ctx, ask_of(m), control_ran, .code = ERR_NONE);
}

const struct actor_class stage_control_class = {
	.name = "control",
	.size = 1,
	.init = control_init,
	.handle = control_handle,
};

static void
audit_handle(void *self, struct ctx *ctx, struct msg *m)
{
	struct stage *st = stage_of(ctx);
	const struct msg_audit_add *a;
	size_t n = strlen(st->audit);

	(void)self;
	if (m->type != MSG_audit_add)
		act_unexpected(ctx, m);
	a = as_audit_add(m);
	st->audits++;
	snprintf(st->audit + n, sizeof st->audit - n, "%s %s:%u %s\n", a->type,
	    a->host, a->port, a->message);
}

const struct actor_class stage_audit_class = {
	.name = "audit",
	.size = 1,
	.init = resolver_init,
	.handle = audit_handle,
};
