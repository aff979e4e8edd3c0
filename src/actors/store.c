/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store's one writing connection.  It lives on a thread of its own, which
 * may block; nobody waits for it but root at the start.
 *
 * Writes are collected: the latest facts and health of each server, the present
 * state of what operators said, and small things in order (names, audit).  With
 * BufferInstanceWrites they go to the file after InstanceFlushIntervalMilli-
 * seconds, or when InstanceWriteBufferSize servers wait; else at the end of
 * this actor's turn.  Trouble keeps them here, so that memory is bound by
 * the number of servers, and is tried again.
 *
 * Once a second store_watch asks SQLite whether another process (a command line)
 * wrote to the same file; what it wrote is then told to directory and control.
 */
#include "config.h"

#include "actors/store_state.h"

#include <string.h>

#include "actors/classes.h"
#include "base/mem.h"
#include "config/conf.h"

#define WATCH_EVERY DUR_S(1)
/* Quiet for so long: move the WAL into the file. */
#define IDLE DUR_S(5)
/* A late message of a forgotten server's actor comes within this time. */
#define GONE_FOR DUR_S(60)

/* ---- servers ---- */

struct row *
store_row(struct store_actor *s, struct key key, bool add)
{
	char text[KEY_TEXT_MAX];
	struct row *row;
	size_t len, host;

	HASH_FIND_STR(s->rows, key_text(key, text), row);
	if (row != NULL || !add)
		return row;
	len = strlen(text) + 1;
	host = strlen(key.host) + 1;
	row = mem_zalloc(sizeof *row + len + host);
	memcpy(row->text, text, len);
	memcpy(row->text + len, key.host, host);
	row->key = (struct key){ row->text + len, key.port };
	HASH_ADD_KEYPTR(hh, s->rows, row->text, len - 1, row);
	return row;
}

void
store_row_drop(struct store_actor *s, struct row *row)
{
	assert(!row->listed);
	HASH_DEL(s->rows, row);
	buf_fini(&row->facts);
	buf_fini(&row->health);
	mem_free(row);
}

static void
keep(struct buf *b, struct bin bytes)
{
	buf_reset(b);
	if (bytes.len > 0)
		buf_add(b, bytes.data, bytes.len);
}

void
store_arm(struct store_actor *s, struct ctx *ctx, dur_t wait)
{
	if (s->armed)
		return;
	s->armed = true;
	act_after(ctx, wait, store_flush);
}

/* Write soon, or now when enough waits; a failed store has its own pace. */
static void
soon(struct store_actor *s, struct ctx *ctx)
{
	const struct config_shared *c;
	const struct config *cf;
	dur_t wait = DUR_ZERO;
	size_t max;

	if (s->store == NULL || s->retry.us > 0)
		return;
	c = config_ref(ctx);
	cf = c->config;
	max = cf->instance_write_buffer_size > 0 ?
	    (size_t)cf->instance_write_buffer_size : 1;
	if (cf->buffer_instance_writes)
		wait = DUR_MS(cf->instance_flush_interval_milliseconds);
	shared_unref(c);
	if (s->waiting >= max && wait.us > 0)
		store_write_all(s, ctx);
	else
		store_arm(s, ctx, wait);
}

static void
wait_for_write(struct store_actor *s, struct ctx *ctx, struct row *row)
{
	if (!row->listed) {
		row->listed = true;
		row->next = NULL;
		row->since = act_now(ctx);
		*s->last = row;
		s->last = &row->next;
		s->waiting++;
	}
	soon(s, ctx);
}

/* The server was forgotten, and its actor did not know yet. */
static bool
is_late(const struct row *row, addr_t from)
{
	return row->gone.us != 0 && addr_eq(row->writer, from);
}

static void
on_store_instance(struct store_actor *s, struct ctx *ctx, const struct msg *m)
{
	const struct msg_store_instance *i = as_store_instance(m);
	struct row *row = store_row(s, (struct key){ i->host, i->port }, true);

	if (is_late(row, m->from))
		return;
	row->gone.us = 0;
	row->writer = m->from;
	row->dirty = ROW_FACTS;
	keep(&row->facts, i->facts);
	keep(&row->health, i->health);
	wait_for_write(s, ctx, row);
}

static void
on_store_health(struct store_actor *s, struct ctx *ctx, const struct msg *m)
{
	const struct msg_store_health *h = as_store_health(m);
	struct row *row = store_row(s, (struct key){ h->host, h->port }, false);

	if (row == NULL || row->gone.us != 0)
		return;
	row->writer = m->from;
	if (row->dirty == ROW_CLEAN)
		row->dirty = ROW_HEALTH;
	keep(&row->health, h->health);
	wait_for_write(s, ctx, row);
}

/* ---- the rest ---- */

/* To be done in the next transaction; see store_flush.c. */
static void
on_op(struct store_actor *s, struct ctx *ctx, const struct msg *m)
{
	struct op *op = mem_alloc(sizeof *op + m->body.len);

	op->next = NULL;
	op->type = m->type;
	op->len = m->body.len;
	memcpy(op->body, m->body.data, m->body.len);
	*s->last_op = op;
	s->last_op = &op->next;
	if (++s->ops > OPS_MAX) {
		op = s->first_op;
		s->first_op = op->next;
		mem_free(op);
		s->ops--;
		s->lost_ops++;
	}
	soon(s, ctx);
}

static void
on_store_forget(struct store_actor *s, struct ctx *ctx, const struct msg *m)
{
	const struct msg_store_forget *f = as_store_forget(m);
	struct row *row = store_row(s, (struct key){ f->host, f->port }, false);

	if (row != NULL) {
		row->dirty = ROW_CLEAN;
		row->in_file = false;
		row->forgetting = true;
		row->gone = act_now(ctx);
	}
	on_op(s, ctx, m);
}

static void
on_store_command(struct store_actor *s, struct ctx *ctx, const struct msg *m)
{
	const struct msg_store_command *c = as_store_command(m);
	struct err err = ERR_INIT;
	struct control *next;

	if (control_apply(s->control, c->command, &next, NULL, &err) ==
	    ERR_NONE) {
		control_unref(s->control);
		s->control = next;
	} else
		act_log(ctx, LOG_WARNING, "%s: %s", command_name(c->command),
		    err.text);
	s->serial = c->serial;
	soon(s, ctx);
}

static void
sweep_gone(struct store_actor *s, struct ctx *ctx)
{
	struct row *row, *tmp;

	HASH_ITER(hh, s->rows, row, tmp) {
		if (row->gone.us != 0 && !row->listed && !row->forgetting &&
		    mono_sub(act_now(ctx), row->gone).us > GONE_FOR.us)
			store_row_drop(s, row);
	}
}

static void
on_store_history(struct store_actor *s, struct ctx *ctx, const struct msg *m)
{
	struct err err = ERR_INIT;
	uint32_t count = 0;
	enum err_code code;

	if (s->store == NULL)
		code = err_set(&err, ERR_CLOSED, "the store is not open");
	else
		code = store_write_history(s, ctx, &count, &err);
	act_answer(ctx, ask_of(m), store_done, .code = code,
	    .error = code != ERR_NONE ? err.text : NULL, .count = count);
}

/* At once, and apart from what else waits: somebody is about to act on it. */
static void
on_store_move(struct store_actor *s, struct ctx *ctx, const struct msg *m)
{
	const struct msg_store_move *k = as_store_move(m);
	struct err err = ERR_INIT;
	enum err_code code = ERR_NONE;

	if (s->store == NULL)
		code = err_set(&err, ERR_CLOSED, "the store is not open");
	if (code == ERR_NONE)
		code = store_begin(s->store, &err);
	if (code == ERR_NONE) {
		code = store_put_move(s->store, k->id, k->kept, &err);
		if (code == ERR_NONE)
			code = store_commit(s->store, &err);
		if (code != ERR_NONE)
			store_rollback(s->store);
	}
	act_answer(ctx, ask_of(m), store_done, .code = code,
	    .error = code != ERR_NONE ? err.text : NULL);
}

/* ---- sync ---- */

/*
 * What others sent before store_sync may still be on its way from their threads.
 * A thread empties its rings, as far as a turn allows, before it looks at its
 * timers: when nothing new came for QUIET_TURNS of them, all of it is here.
 */
enum { QUIET_TURNS = 3 };

static void
answer_syncs(struct store_actor *s, struct ctx *ctx)
{
	store_write_all(s, ctx);
	for (uint32_t i = 0; i < s->syncs; i++)
		act_answer(ctx, s->sync[i], store_done,
		    .code = s->retry.us > 0 ? ERR_IO : ERR_NONE,
		    .error = s->retry.us > 0 ? s->trouble : NULL);
	s->syncs = 0;
}

static void
on_store_sync(struct store_actor *s, struct ctx *ctx, const struct msg *m)
{
	if (s->store == NULL || s->syncs == SYNCS_MAX) {
		act_answer(ctx, ask_of(m), store_done,
		    .code = s->store == NULL ? ERR_CLOSED : ERR_BUSY,
		    .error = s->store == NULL ? "the store is not open" :
			"the store is busy");
		return;
	}
	s->sync[s->syncs++] = ask_of(m);
	s->quiet = 0;
	act_after(ctx, DUR_MS(1), store_sync_turn);
}

static void
on_store_sync_turn(struct store_actor *s, struct ctx *ctx)
{
	if (s->syncs == 0)
		return;
	s->quiet = s->heard == s->heard_then ? s->quiet + 1 : 0;
	s->heard_then = s->heard;
	if (s->quiet >= QUIET_TURNS || act_now(ctx).us > s->sync[0].deadline.us)
		answer_syncs(s, ctx);
	else
		act_after(ctx, DUR_MS(1), store_sync_turn);
}

/* ---- ticks ---- */

static void
on_store_flush(struct store_actor *s, struct ctx *ctx)
{
	s->armed = false;
	if (s->store != NULL)
		store_write_all(s, ctx);
}

/*
 * The times of all who are well, in one row; instances write their own at
 * leisure.  A store in trouble has other worries.
 */
static void
write_pulse(struct store_actor *s, struct ctx *ctx)
{
	const struct app *app = app_of(ctx);
	struct err err = ERR_INIT;

	if (!app->probe || !app->daemon || s->rows == NULL || s->outside ||
	    s->retry.us > 0 || store_begin(s->store, &err) != ERR_NONE)
		return;
	if (store_changed_outside(s->store))
		s->outside = true;
	if (s->outside ||
	    store_put_pulse(s->store, act_wall(ctx), &err) != ERR_NONE ||
	    store_commit(s->store, &err) != ERR_NONE)
		store_rollback(s->store);
}

static void
on_store_watch(struct store_actor *s, struct ctx *ctx)
{
	write_pulse(s, ctx);
	if (store_changed_outside(s->store))
		s->outside = true;
	if (s->outside && s->retry.us == 0)
		store_take_outside(s, ctx);
	if (s->wrote.us != 0 && !store_has_work(s) &&
	    mono_sub(act_now(ctx), s->wrote).us > IDLE.us) {
		store_checkpoint(s->store);
		s->wrote.us = 0;
	}
	act_after(ctx, WATCH_EVERY, store_watch);
}

/* How long the last transaction took: this handler runs right after it. */
static void
on_store_wrote(struct ctx *ctx, const struct msg_store_wrote *w)
{
	act_send(ctx, app_of(ctx)->metrics, metric_write,
	    .at_us = act_wall(ctx).us, .instances = w->instances,
	    .wait_us = w->wait_us,
	    .write_us = act_now(ctx).us - w->started_us, .error = w->error);
}

/* ---- life ---- */

static void
on_store_load(struct store_actor *s, struct ctx *ctx, const struct msg *m)
{
	struct err err = ERR_INIT;
	uint32_t servers = 0;
	enum err_code code;

	assert(s->store == NULL);
	code = store_load_all(s, ctx, &servers, &err);
	if (code == ERR_NONE) {
		act_after(ctx, WATCH_EVERY, store_watch);
		soon(s, ctx);
	}
	act_answer(ctx, ask_of(m), store_loaded, .code = code,
	    .error = code != ERR_NONE ? err.text : NULL, .servers = servers);
}

static void
init(void *self, struct ctx *ctx, const void *arg)
{
	struct store_actor *s = self;

	(void)ctx;
	(void)arg;
	s->last = &s->first;
	s->last_op = &s->first_op;
	s->control = control_new();
	s->written = control_ref(s->control);
}

static void
handle(void *self, struct ctx *ctx, struct msg *m)
{
	struct store_actor *s = self;

	if (!addr_eq(m->from, act_self(ctx)))
		s->heard++;
	switch (m->type) {
	case MSG_store_instance: on_store_instance(s, ctx, m); break;
	case MSG_store_health: on_store_health(s, ctx, m); break;
	case MSG_store_command: on_store_command(s, ctx, m); break;
	case MSG_store_forget: on_store_forget(s, ctx, m); break;
	case MSG_store_purge: sweep_gone(s, ctx); /* fall through */
	case MSG_store_name:
	case MSG_store_names_reset:
	case MSG_store_analysis:
	case MSG_store_detection:
	case MSG_store_audit: on_op(s, ctx, m); break;
	case MSG_store_history: on_store_history(s, ctx, m); break;
	case MSG_store_move: on_store_move(s, ctx, m); break;
	case MSG_store_sync: on_store_sync(s, ctx, m); break;
	case MSG_store_sync_turn: on_store_sync_turn(s, ctx); break;
	case MSG_store_flush: on_store_flush(s, ctx); break;
	case MSG_store_watch: on_store_watch(s, ctx); break;
	case MSG_store_wrote: on_store_wrote(ctx, as_store_wrote(m)); break;
	case MSG_store_load: on_store_load(s, ctx, m); break;
	case MSG_server_forgotten: break; /* it sent store_forget as well */
	case SYS_REFUSED: break; /* asked again when it changes again */
	default: act_unexpected(ctx, m);
	}
}

static void
fini(void *self, struct ctx *ctx)
{
	struct store_actor *s = self;
	struct row *row, *tmp;
	struct op *op;

	if (s->store != NULL && store_has_work(s))
		store_write_all(s, ctx);
	if (s->store != NULL)
		store_checkpoint(s->store);
	store_close(s->store);
	HASH_ITER(hh, s->rows, row, tmp) {
		row->listed = false;
		store_row_drop(s, row);
	}
	while ((op = s->first_op) != NULL) {
		s->first_op = op->next;
		mem_free(op);
	}
	control_unref(s->control);
	control_unref(s->written);
}

const struct actor_class store_class = {
	.name = "store",
	.size = sizeof(struct store_actor),
	.init = init,
	.handle = handle,
	.fini = fini,
};
