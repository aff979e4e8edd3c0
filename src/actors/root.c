/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The start, the reload, and what must happen once a day or once a minute.
 *
 *	LOADING --store_loaded--> PLACING --directory_started--> UP
 *
 * What the store knew is published before root_wait is answered; only then
 * probes begin, and the seeds are added.  When the store cannot be read, that is
 * the answer, and main ends.
 */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "actors/classes.h"
#include "actors/reload.h"
#include "base/mem.h"
#include "config/conf.h"

enum { WAITING_MAX = 4 };

#define LOAD_LIMIT DUR_S(600)
#define UPKEEP_EVERY DUR_S(60)

struct root {
	enum { LOADING, PLACING, UP, FAILED } state;
	uint32_t servers;
	char error[ERR_TEXT_MAX];
	enum err_code code;
	size_t waiting;
	struct ask wait[WAITING_MAX];
	mono_t snapshot_due; /* of the topology history; 0: not wanted */
};

static void
init(void *self, struct ctx *ctx, const void *arg)
{
	(void)self;
	(void)arg;
	act_request(ctx, app_of(ctx)->store, store_load, LOAD_LIMIT);
}

static void
answer_wait(const struct root *r, struct ctx *ctx, struct ask ask)
{
	act_answer(ctx, ask, root_up, .code = r->code,
	    .error = r->code != ERR_NONE ? r->error : NULL,
	    .servers = r->servers);
}

static void
answer_all(struct root *r, struct ctx *ctx)
{
	for (size_t i = 0; i < r->waiting; i++)
		answer_wait(r, ctx, r->wait[i]);
	r->waiting = 0;
}

static void
on_root_wait(struct root *r, struct ctx *ctx, const struct msg *m)
{
	if (r->state == UP || r->state == FAILED)
		answer_wait(r, ctx, ask_of(m));
	else if (r->waiting == WAITING_MAX)
		act_answer(ctx, ask_of(m), root_up, .code = ERR_BUSY,
		    .error = "too many wait for the start");
	else
		r->wait[r->waiting++] = ask_of(m);
}

static void
fail(struct root *r, struct ctx *ctx, enum err_code code, const char *error)
{
	r->state = FAILED;
	r->code = code;
	snprintf(r->error, sizeof r->error, "%s", error);
	answer_all(r, ctx);
}

static void
on_store_loaded(struct root *r, struct ctx *ctx,
    const struct msg_store_loaded *l)
{
	assert(r->state == LOADING);
	if (l->code != ERR_NONE) {
		fail(r, ctx, l->code, l->error);
		return;
	}
	r->state = PLACING;
	act_request(ctx, app_of(ctx)->directory, directory_start, LOAD_LIMIT,
	    .expected = l->servers, .probe = app_of(ctx)->probe);
}

static void
add_seeds(struct ctx *ctx)
{
	const struct config_shared *c = config_ref(ctx);
	const struct config *cf = c->config;
	struct err err = ERR_INIT;
	struct arena a;
	struct key key;

	arena_init(&a);
	for (size_t i = 0; i < cf->discovery_seeds.count; i++) {
		if (key_parse(&key, cf->discovery_seeds.item[i],
			(unsigned)cf->default_instance_port, &a, &err) !=
		    ERR_NONE)
			act_log(ctx, LOG_WARNING, "DiscoverySeeds: %s",
			    err.text);
		else
			act_send(ctx, app_of(ctx)->directory, server_found,
			    .host = key.host, .port = key.port, .by = "seed");
	}
	arena_fini(&a);
	shared_unref(c);
}

static void
on_directory_started(struct root *r, struct ctx *ctx,
    const struct msg_directory_started *d)
{
	assert(r->state == PLACING);
	r->state = UP;
	r->servers = d->servers;
	act_log(ctx, LOG_INFO, "%u servers in %u clusters known from the store",
	    d->servers, d->clusters);
	answer_all(r, ctx);
	act_send(ctx, app_of(ctx)->moves, moves_begin);
	if (app_of(ctx)->daemon)
		act_signal(ctx, SIGHUP);
	if (!app_of(ctx)->probe)
		return;
	add_seeds(ctx);
	act_after(ctx, UPKEEP_EVERY, root_upkeep);
}

/* ---- reload ---- */

static enum err_code
reload(struct ctx *ctx, const char *extra, struct err *err)
{
	enum err_code code = reload_config(ctx, extra, err);

	if (code != ERR_NONE)
		act_log(ctx, LOG_ERROR, "reload refused, the old configuration "
		    "stays in force: %s", err->text);
	else
		act_log(ctx, LOG_NOTICE, "configuration reloaded");
	act_send(ctx, app_of(ctx)->audit, audit_add,
	    .type = "reload-configuration", .host = "", .cluster = "",
	    .message = code == ERR_NONE ? "Triggered" : err->text);
	return code;
}

static void
on_root_reload(struct ctx *ctx, const struct msg *m)
{
	struct err err = ERR_INIT;
	enum err_code code = reload(ctx, as_root_reload(m)->extra_file, &err);

	act_answer(ctx, ask_of(m), root_reloaded, .code = code,
	    .error = code != ERR_NONE ? err.text : NULL);
}

/* ---- upkeep ---- */

static void
on_root_upkeep(struct root *r, struct ctx *ctx)
{
	const struct config_shared *c = config_ref(ctx);
	dur_t every = DUR_S(
	    (int64_t)c->config->snapshot_topologies_interval_hours * 3600);
	dur_t keep = DUR_S((int64_t)c->config->audit_purge_days * 86400);

	shared_unref(c);
	act_send(ctx, app_of(ctx)->store, store_purge,
	    .audit_before_us = act_wall(ctx).us - keep.us);
	if (every.us == 0)
		r->snapshot_due = (mono_t){ 0 };
	else if (r->snapshot_due.us == 0)
		r->snapshot_due = mono_add(act_now(ctx), every);
	else if (act_now(ctx).us >= r->snapshot_due.us) {
		act_request(ctx, app_of(ctx)->store, store_history, LOAD_LIMIT);
		r->snapshot_due = mono_add(r->snapshot_due, every);
	}
	act_after(ctx, UPKEEP_EVERY, root_upkeep);
}

static void
on_store_done(struct ctx *ctx, const struct msg_store_done *d)
{
	if (d->code != ERR_NONE)
		act_log(ctx, LOG_WARNING, "topology history: %s", d->error);
}

static void
on_refused(struct root *r, struct ctx *ctx)
{
	if (r->state == LOADING || r->state == PLACING)
		fail(r, ctx, ERR_CLOSED, "an actor of the start is gone");
}

static void
handle(void *self, struct ctx *ctx, struct msg *m)
{
	struct err err = ERR_INIT;

	switch (m->type) {
	case MSG_root_wait: on_root_wait(self, ctx, m); break;
	case MSG_root_reload: on_root_reload(ctx, m); break;
	case MSG_root_upkeep: on_root_upkeep(self, ctx); break;
	case MSG_store_loaded:
		on_store_loaded(self, ctx, as_store_loaded(m));
		break;
	case MSG_store_done: on_store_done(ctx, as_store_done(m)); break;
	case MSG_directory_started:
		on_directory_started(self, ctx, as_directory_started(m));
		break;
	case SYS_SIGNAL: reload(ctx, NULL, &err); break;
	case SYS_REFUSED: on_refused(self, ctx); break;
	default: act_unexpected(ctx, m);
	}
}

static void
fini(void *self, struct ctx *ctx)
{
	struct root *r = self;

	if (r->state != UP && r->state != FAILED)
		fail(r, ctx, ERR_CLOSED, "shutting down");
}

const struct actor_class root_class = {
	.name = "root",
	.size = sizeof(struct root),
	.init = init,
	.handle = handle,
	.fini = fini,
};
