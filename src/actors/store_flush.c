/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store actor's transactions.  A transaction takes what waits, in order, and
 * lets go of it only when it was committed.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "actors/cluster.h"
#include "actors/store_shared.h"
#include "actors/store_state.h"
#include "base/mem.h"
#include "config/conf.h"
#include "topology/health.h"

#define RETRY_FIRST DUR_S(1)
#define RETRY_LAST DUR_S(60)

bool
store_has_work(const struct store_actor *s)
{
	return s->first != NULL || s->first_op != NULL ||
	    s->control != s->written || s->kept != s->serial;
}

/* ---- trouble ---- */

/* For whoever asks how this node is. */
static void
publish_state(const struct store_actor *s, struct ctx *ctx)
{
	struct store_shared *state = mem_zalloc(sizeof *state);

	shared_init(&state->shared, (void (*)(struct shared *))mem_free);
	strcpy(state->trouble, s->trouble);
	board_put(ctx, BOARD_STORE, "store", state);
}

void
store_trouble(struct store_actor *s, struct ctx *ctx, const struct err *err)
{
	if (strcmp(s->trouble, err->text) != 0) {
		snprintf(s->trouble, sizeof s->trouble, "%s", err->text);
		act_log(ctx, LOG_ERROR, "%s; nothing is lost while this runs, "
		    "and it is tried again", err->text);
		publish_state(s, ctx);
	}
	s->retry.us = s->retry.us == 0 ? RETRY_FIRST.us : s->retry.us * 2;
	if (s->retry.us > RETRY_LAST.us)
		s->retry = RETRY_LAST;
	store_arm(s, ctx, s->retry);
}

void
store_well(struct store_actor *s, struct ctx *ctx)
{
	if (s->retry.us == 0)
		return;
	s->retry.us = 0;
	s->trouble[0] = '\0';
	publish_state(s, ctx);
	act_log(ctx, LOG_NOTICE, "the store can be written again");
	if (s->lost_ops > 0)
		act_log(ctx, LOG_WARNING, "%zu names, analyses and audit "
		    "entries were dropped meanwhile", s->lost_ops);
	s->lost_ops = 0;
}

/* A row that cannot be stored must not hold up the others. */
static enum err_code
skip_invalid(struct ctx *ctx, enum err_code code, const struct err *err)
{
	if (code != ERR_INVALID)
		return code;
	act_log(ctx, LOG_WARNING, "left out: %s", err->text);
	return ERR_NONE;
}

/* ---- servers ---- */

static enum err_code
write_facts(struct store_actor *s, const struct row *row,
    const struct health *h, struct err *err)
{
	struct instance in;
	struct arena a;
	struct pcur c;
	bool good;
	enum err_code code;

	arena_init(&a);
	pcur_init(&c, row->facts.data, row->facts.len);
	good = instance_unpack(&c, &in, &a);
	assert(good);
	in.key = row->key;
	code = store_put_instance(s->store, &in, h, err);
	arena_fini(&a);
	return code;
}

static enum err_code
write_row(struct store_actor *s, const struct row *row, struct err *err)
{
	struct health h;
	struct pcur c;
	bool good;

	if (row->dirty == ROW_CLEAN)
		return ERR_NONE;
	pcur_init(&c, row->health.data, row->health.len);
	good = health_unpack(&c, &h);
	assert(good);
	if (row->dirty == ROW_FACTS)
		return write_facts(s, row, &h, err);
	return store_put_health(s->store, row->key, &h, err);
}

static enum err_code
write_rows(struct store_actor *s, struct ctx *ctx, size_t max, size_t *n,
    struct err *err)
{
	enum err_code code = ERR_NONE;
	struct row *row = s->first;

	for (*n = 0; row != NULL && *n < max && code == ERR_NONE; ++*n) {
		code = write_row(s, row, err);
		if (code != ERR_NONE)
			err_wrap(err, "%s:%u", row->key.host,
			    (unsigned)row->key.port);
		row->stored = row->dirty == ROW_FACTS && code == ERR_NONE;
		code = skip_invalid(ctx, code, err);
		row = row->next;
	}
	return code;
}

static void
rows_written(struct store_actor *s, size_t n)
{
	for (; n > 0; n--) {
		struct row *row = s->first;

		assert(row != NULL && row->listed);
		s->first = row->next;
		if (s->first == NULL)
			s->last = &s->first;
		row->listed = false;
		row->in_file |= row->stored;
		row->dirty = ROW_CLEAN;
		buf_fini(&row->facts);
		buf_fini(&row->health);
		s->waiting--;
	}
}

/* ---- small things, in order ---- */

static const char *
or_empty(const char *s)
{
	return s != NULL ? s : "";
}

static enum err_code
write_audit(struct store *s, const struct msg_store_audit *a, struct err *err)
{
	struct audit_row row = { .at = { a->at_us },
		.type = or_empty(a->type),
		.key = { or_empty(a->host), a->port },
		.cluster = or_empty(a->cluster),
		.message = or_empty(a->message) };

	return store_put_audit(s, &row, err);
}

static enum err_code
write_analysis(struct store *s, const struct msg_store_analysis *a,
    struct err *err)
{
	struct analysis_change row = { { or_empty(a->host), a->port },
		{ a->at_us }, or_empty(a->code) };

	return store_put_analysis(s, &row, err);
}

static enum err_code
write_detection(struct store *s, const struct app *app,
    const struct msg_store_detection *d, struct err *err)
{
	struct detection_row row = { .key = { or_empty(d->host), d->port },
		.at = { d->at_us }, .active_until = { d->until_us },
		.actionable = d->actionable, .code = or_empty(d->code),
		.cluster = or_empty(d->cluster), .alias = or_empty(d->alias),
		.replica_count = d->replica_count,
		.replicas = or_empty(d->replicas),
		.node = app->hostname, .token = app->token };

	return store_put_detection(s, &row, err);
}

static enum err_code
purge(struct store *s, struct ctx *ctx, wall_t audit_before, struct err *err)
{
	const struct config_shared *c = config_ref(ctx);
	dur_t names = DUR_S(2 * 60 *
	    (int64_t)c->config->expiry_hostname_resolves_minutes);
	dur_t analyses = DUR_S((int64_t)3600 *
	    c->config->unseen_instance_forget_hours);
	enum err_code code;

	shared_unref(c);
	code = store_purge_audit(s, audit_before, err);
	if (code == ERR_NONE)
		code = store_purge_detections(s, audit_before, err);
	if (code == ERR_NONE && analyses.us > 0)
		code = store_purge_analysis(s,
		    (wall_t){ act_wall(ctx).us - analyses.us }, err);
	if (code != ERR_NONE)
		return code;
	return store_purge_names(s,
	    (wall_t){ act_wall(ctx).us - names.us }, err);
}

static enum err_code
write_op(struct store *s, struct ctx *ctx, const struct op *op,
    struct err *err)
{
	struct msg m = { .type = op->type, .body = { op->body, op->len } };
	const struct msg_store_forget *f;
	const struct msg_store_name *n;

	switch (op->type) {
	case MSG_store_forget:
		f = as_store_forget(&m);
		return store_forget(s, (struct key){ f->host, f->port }, err);
	case MSG_store_name:
		n = as_store_name(&m);
		return store_put_name(s, or_empty(n->host), or_empty(n->name),
		    (wall_t){ n->at_us }, err);
	case MSG_store_names_reset: return store_reset_names(s, err);
	case MSG_store_audit: return write_audit(s, as_store_audit(&m), err);
	case MSG_store_analysis:
		return write_analysis(s, as_store_analysis(&m), err);
	case MSG_store_detection:
		return write_detection(s, app_of(ctx),
		    as_store_detection(&m), err);
	default:
		assert(op->type == MSG_store_purge);
		return purge(s, ctx,
		    (wall_t){ as_store_purge(&m)->audit_before_us }, err);
	}
}

static enum err_code
write_ops(struct store_actor *s, struct ctx *ctx, size_t max, size_t *n,
    struct err *err)
{
	enum err_code code = ERR_NONE;
	struct op *op = s->first_op;

	for (*n = 0; op != NULL && *n < max && code == ERR_NONE; ++*n) {
		code = skip_invalid(ctx, write_op(s->store, ctx, op, err), err);
		op = op->next;
	}
	return code;
}

static void
forget_written(struct store_actor *s, const struct op *op)
{
	struct msg m = { .type = op->type, .body = { op->body, op->len } };
	const struct msg_store_forget *f = as_store_forget(&m);
	struct row *row = store_row(s, (struct key){ f->host, f->port }, false);

	if (row != NULL)
		row->forgetting = false;
}

static void
ops_written(struct store_actor *s, size_t n)
{
	for (; n > 0; n--) {
		struct op *op = s->first_op;

		if (op->type == MSG_store_forget)
			forget_written(s, op);
		s->first_op = op->next;
		if (s->first_op == NULL)
			s->last_op = &s->first_op;
		mem_free(op);
		s->ops--;
	}
}

/* ---- what operators say ---- */

static void
control_written(struct store_actor *s)
{
	control_unref(s->written);
	s->written = control_ref(s->control);
}

enum err_code
store_write_control(struct store_actor *s, struct err *err)
{
	enum err_code code;

	if (s->written == s->control)
		return ERR_NONE;
	code = store_begin(s->store, err);
	if (code != ERR_NONE)
		return code;
	code = store_put_control(s->store, s->written, s->control, err);
	if (code == ERR_NONE)
		code = store_commit(s->store, err);
	else
		store_rollback(s->store);
	if (code == ERR_NONE)
		control_written(s);
	return code;
}

static void
tell_kept(struct store_actor *s, struct ctx *ctx)
{
	if (s->kept == s->serial)
		return;
	s->kept = s->serial;
	act_send(ctx, app_of(ctx)->control, control_kept, .serial = s->kept);
}

/* ---- a transaction ---- */

struct written {
	size_t rows;
	size_t ops;
};

static enum err_code
write_parts(struct store_actor *s, struct ctx *ctx, size_t max,
    struct written *w, struct err *err)
{
	enum err_code code = write_ops(s, ctx, max, &w->ops, err);

	if (code == ERR_NONE)
		code = store_put_control(s->store, s->written, s->control, err);
	if (code == ERR_NONE)
		code = write_rows(s, ctx, max, &w->rows, err);
	return code;
}

/* Before it writes it looks whether somebody else did: see store_load.c. */
static enum err_code
transaction(struct store_actor *s, struct ctx *ctx, size_t max,
    struct written *w, struct err *err)
{
	enum err_code code = store_begin(s->store, err);

	if (code != ERR_NONE)
		return code;
	if (store_changed_outside(s->store)) {
		s->outside = true;
		store_rollback(s->store);
		return ERR_NONE;
	}
	code = write_parts(s, ctx, max, w, err);
	if (code == ERR_NONE)
		code = store_commit(s->store, err);
	else
		store_rollback(s->store);
	if (code != ERR_NONE)
		return code;
	rows_written(s, w->rows);
	ops_written(s, w->ops);
	control_written(s);
	tell_kept(s, ctx);
	s->wrote = act_now(ctx);
	return ERR_NONE;
}

static size_t
batch_rows(struct ctx *ctx)
{
	const struct config_shared *c = config_ref(ctx);
	int n = c->config->instance_write_buffer_size;

	shared_unref(c);
	if (n < 1)
		return 1;
	return n < BATCH_ROWS_MAX ? (size_t)n : BATCH_ROWS_MAX;
}

static void
tell_wrote(struct ctx *ctx, size_t rows, int64_t wait_us,
    const struct err *err)
{
	if (rows > 0 || err->code != ERR_NONE)
		act_send(ctx, act_self(ctx), store_wrote,
		    .started_us = act_now(ctx).us,
		    .instances = (uint32_t)rows, .wait_us = wait_us,
		    .error = err->code != ERR_NONE ? err->text : NULL);
}

void
store_write_all(struct store_actor *s, struct ctx *ctx)
{
	size_t max = batch_rows(ctx), rows = 0;
	int64_t wait_us = s->first != NULL ?
	    mono_sub(act_now(ctx), s->first->since).us : 0;
	struct err err = ERR_INIT;

	if (!store_has_work(s) && !s->outside)
		s->retry.us = 0; /* nothing is left to try */
	while (store_has_work(s) || s->outside) {
		struct written w = { 0, 0 };

		if (s->outside) {
			store_take_outside(s, ctx);
			if (s->outside)
				return; /* which was trouble, and is told */
			continue;
		}
		if (transaction(s, ctx, max, &w, &err) != ERR_NONE) {
			store_trouble(s, ctx, &err);
			break;
		}
		rows += w.rows;
		store_well(s, ctx);
	}
	tell_wrote(ctx, rows, wait_us, &err);
}

/* ---- topology history ---- */

struct snaps {
	const struct cluster_snap **at;
	size_t n;
	size_t cap;
};

static void
take_snap(void *arg, const char *key, void *snap)
{
	struct snaps *s = arg;

	(void)key;
	if (s->n == s->cap) {
		s->cap = s->cap * 2 + 64;
		s->at = mem_resize(s->at, s->cap, sizeof *s->at);
	}
	s->at[s->n++] = shared_ref(snap);
}

static enum err_code
write_snap(struct store *s, wall_t at, const struct cluster_snap *snap,
    uint32_t *count, struct err *err)
{
	enum err_code code = ERR_NONE;

	for (size_t i = 0; i < snap->n && code == ERR_NONE; i++) {
		const struct instance *in = snap->members[i].in;

		code = store_put_history(s, &(struct history_row){ at, in->key,
			in->source_key, snap->name, in->version }, err);
		++*count;
	}
	return code;
}

enum err_code
store_write_history(struct store_actor *s, struct ctx *ctx, uint32_t *count,
    struct err *err)
{
	struct snaps snaps = { NULL, 0, 0 };
	enum err_code code = store_begin(s->store, err);

	if (code != ERR_NONE)
		return code;
	board_each(ctx, BOARD_CLUSTER, take_snap, &snaps);
	for (size_t i = 0; i < snaps.n; i++) {
		if (code == ERR_NONE)
			code = write_snap(s->store, act_wall(ctx), snaps.at[i],
			    count, err);
		shared_unref(snaps.at[i]);
	}
	mem_free(snaps.at);
	if (code == ERR_NONE)
		return store_commit(s->store, err);
	store_rollback(s->store);
	return code;
}
