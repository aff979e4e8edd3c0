/* SPDX-License-Identifier: Apache-2.0 */
/* The store actor's reading: at the start, and what another process wrote. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "actors/store_state.h"
#include "base/mem.h"
#include "config/conf.h"
#include "topology/health.h"

/* Nodes that started longer ago are forgotten. */
#define NODES_KEPT DUR_S(30 * 86400)

struct loading {
	struct store_actor *s;
	struct ctx *ctx;
	uint32_t servers;
};

/* ---- at the start ---- */

static void
on_instance(void *arg, const struct instance *in, const struct health *h)
{
	struct loading *l = arg;
	struct buf facts, health;

	store_row(l->s, in->key, true)->in_file = true;
	buf_init(&facts);
	buf_init(&health);
	instance_pack(&facts, in);
	health_pack(&health, h);
	act_send(l->ctx, app_of(l->ctx)->directory, server_known,
	    .host = in->key.host, .port = in->key.port,
	    .facts = { (uint8_t *)facts.data, facts.len },
	    .health = { (uint8_t *)health.data, health.len });
	buf_fini(&facts);
	buf_fini(&health);
	l->servers++;
}

static void
on_name(void *arg, const char *host, const char *name, wall_t at)
{
	struct loading *l = arg;

	act_send(l->ctx, app_of(l->ctx)->names, name_learn, .host = host,
	    .name = name, .at_us = at.us);
}

static void
on_move(void *arg, const char *id, struct bin kept)
{
	struct loading *l = arg;

	act_send(l->ctx, app_of(l->ctx)->moves, move_kept, .id = id,
	    .kept = kept);
}

/* Takes control over. */
static void
become(struct store_actor *s, struct ctx *ctx, struct control *control)
{
	struct buf b;

	control_unref(s->control);
	control_unref(s->written);
	s->control = control;
	s->written = control_ref(control);
	buf_init(&b);
	control_pack(&b, control);
	act_send(ctx, app_of(ctx)->control, control_load, .serial = s->serial,
	    .snapshot = { (uint8_t *)b.data, b.len });
	buf_fini(&b);
}

static enum err_code
load_control(struct store_actor *s, struct ctx *ctx, struct control **control,
    struct err *err)
{
	unsigned skipped;
	enum err_code code = store_load_control(s->store, control, &skipped,
	    err);

	if (code == ERR_NONE && skipped > 0)
		act_log(ctx, LOG_WARNING, "%u rows were left out, the last "
		    "one because %s", skipped, err->text);
	return code;
}

static enum err_code
open_store(struct store_actor *s, struct ctx *ctx, struct err *err)
{
	const struct config_shared *c = config_ref(ctx);
	const struct config *cf = c->config;
	struct store_arg arg = {
		.path = cf->sqlite3_data_file,
		.migrate = !cf->skip_orchestrator_database_update &&
		    !cf->panic_if_different_database_deploy,
	};
	enum err_code code = store_open(&s->store, &arg, err);

	shared_unref(c);
	return code;
}

/* A file that can only be read is of use, too. */
static void
note_node(struct store_actor *s, struct ctx *ctx)
{
	const struct app *app = app_of(ctx);
	struct err err = ERR_INIT;
	struct node_row row = { app->token, app->hostname, app->command,
		app->version, act_wall(ctx) };
	enum err_code code = store_begin(s->store, &err);

	if (code == ERR_NONE) {
		code = store_put_node(s->store, &row,
		    (wall_t){ row.started.us - NODES_KEPT.us }, &err);
		if (code == ERR_NONE)
			code = store_commit(s->store, &err);
		else
			store_rollback(s->store);
	}
	if (code != ERR_NONE)
		store_trouble(s, ctx, &err);
}

static enum err_code
load(struct store_actor *s, struct loading *l, struct err *err)
{
	struct control *control;
	enum err_code code = store_load_names(s->store, on_name, l, err);

	if (code == ERR_NONE)
		code = load_control(s, l->ctx, &control, err);
	if (code != ERR_NONE)
		return code;
	become(s, l->ctx, control);
	code = store_load_moves(s->store, on_move, l, err);
	if (code != ERR_NONE)
		return code;
	return store_load_instances(s->store, on_instance, l, err);
}

enum err_code
store_load_all(struct store_actor *s, struct ctx *ctx, uint32_t *servers,
    struct err *err)
{
	struct loading l = { .s = s, .ctx = ctx };
	enum err_code code = open_store(s, ctx, err);

	if (code != ERR_NONE)
		return code;
	code = load(s, &l, err);
	*servers = l.servers;
	if (code == ERR_NONE) {
		note_node(s, ctx);
		return code;
	}
	store_close(s->store);
	s->store = NULL;
	return code;
}

/* ---- what another process wrote ---- */

/* Keys in the file, sorted by the query. */
struct found {
	struct arena arena;
	struct key *at;
	size_t n;
	size_t cap;
};

static void
on_key(void *arg, struct key key)
{
	struct found *f = arg;

	if (!key_valid(key))
		return;
	if (f->n == f->cap) {
		f->cap = f->cap * 2 + 256;
		f->at = mem_resize(f->at, f->cap, sizeof *f->at);
	}
	f->at[f->n++] = key_dup(key, &f->arena);
}

static int
cmp(const void *a, const void *b)
{
	return key_cmp(*(const struct key *)a, *(const struct key *)b);
}

static bool
is_in(const struct found *f, struct key key)
{
	return f->n > 0 &&
	    bsearch(&key, f->at, f->n, sizeof *f->at, cmp) != NULL;
}

/* A row that we wrote or read is gone: somebody forgot the server. */
static void
forget_missing(struct store_actor *s, struct ctx *ctx, const struct found *f)
{
	struct row *row, *tmp;

	HASH_ITER(hh, s->rows, row, tmp) {
		if (!row->in_file || is_in(f, row->key))
			continue;
		row->in_file = false;
		row->dirty = ROW_CLEAN;
		row->gone = act_now(ctx);
		act_request(ctx, app_of(ctx)->directory, server_forget,
		    DUR_S(60), .host = row->key.host, .port = row->key.port);
	}
}

static void
find_new(struct store_actor *s, struct ctx *ctx, const struct found *f)
{
	for (size_t i = 0; i < f->n; i++) {
		struct row *row = store_row(s, f->at[i], true);

		if (row->in_file || row->forgetting)
			continue;
		row->in_file = true;
		row->gone.us = 0;
		act_send(ctx, app_of(ctx)->directory, server_found,
		    .host = f->at[i].host, .port = f->at[i].port, .by = "api");
	}
}

static enum err_code
take_servers(struct store_actor *s, struct ctx *ctx, struct err *err)
{
	struct found f = { .at = NULL };
	enum err_code code;

	arena_init(&f.arena);
	code = store_each_key(s->store, on_key, &f, err);
	if (code == ERR_NONE) {
		qsort(f.at, f.n, sizeof *f.at, cmp);
		forget_missing(s, ctx, &f);
		find_new(s, ctx, &f);
	}
	mem_free(f.at);
	arena_fini(&f.arena);
	return code;
}

static void
count(void *arg, enum control_table table, const void *was, const void *is)
{
	(void)table;
	(void)was;
	(void)is;
	++*(size_t *)arg;
}

/* Our own changes go in first, row by row; then the file is the truth. */
static enum err_code
take_control(struct store_actor *s, struct ctx *ctx, struct err *err)
{
	struct control *control;
	size_t differ = 0;
	enum err_code code = store_write_control(s, err);

	if (code == ERR_NONE)
		code = load_control(s, ctx, &control, err);
	if (code != ERR_NONE)
		return code;
	control_diff(s->control, control, count, &differ);
	if (differ > 0)
		become(s, ctx, control);
	else
		control_unref(control);
	return ERR_NONE;
}

void
store_take_outside(struct store_actor *s, struct ctx *ctx)
{
	struct err err = ERR_INIT;
	enum err_code code = take_servers(s, ctx, &err);

	if (code == ERR_NONE)
		code = take_control(s, ctx, &err);
	if (code != ERR_NONE) {
		s->outside = true;
		store_trouble(s, ctx, &err);
		return;
	}
	s->outside = false;
	store_well(s, ctx);
}
