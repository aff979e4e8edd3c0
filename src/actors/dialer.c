/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dialer: paces connection attempts over the connector threads.
 *
 * An attempt occupies one connector, a line; there are as many attempts at a
 * time as there are lines.  Servers that did not answer last time wait in a
 * queue of their own, which gets at most half of the lines and always one, and
 * most of them get less time, so that servers that hang cost each other's time
 * and no one else's.  How often
 * an unreachable server is tried is its instance's affair.
 *
 * Every request is answered once.  When its time is over while a connector is
 * at it, the answer goes out, the attempt is broken off, and the line is free
 * again when the connector says so.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <utlist.h>

#include "actors/app.h"
#include "actors/classes.h"
#include "actors/connector.h"
#include "actors/dialer.h"
#include "base/mem.h"
#include "config/conf.h"
#include "mysql/connect.h"
#include "mysql/handles.h"
#include "topology/key.h"

/* The connector keeps the limit itself; this much later it is broken off. */
#define GRACE DUR_MS(300)
/* Between two snapshots. */
#define TELL_EVERY DUR_MS(100)

struct wish {
	struct ask ask;
	char host[KEY_HOST_MAX + 1];
	uint32_t port;
	mono_t until;
	bool tls, hung, quick;
	struct wish *prev, *next;
};

struct line {
	addr_t connector;
	uint32_t serial; /* of the attempt; 0: free */
	struct wish *wish; /* NULL: answered, the attempt still runs */
	mono_t until;
	bool hung;
};

struct dialer {
	struct line line[CONNECT_PLACES];
	unsigned lines;
	unsigned hung_lines; /* lines at servers that hung before */
	struct wish *queue[2]; /* by "hung" */
	uint32_t waiting;      /* in both */
	uint32_t connecting;   /* lines that are not free */
	uint32_t told_waiting, told_connecting; /* as published */
	bool telling;	       /* dial_tell comes */
	timer_ref timer;
	mono_t timer_at;
};

static void
init(void *self, struct ctx *ctx, const void *arg)
{
	struct dialer *d = self;
	const struct app *app = app_of(ctx);

	(void)arg;
	assert(app->connectors > 0 && app->connectors <= CONNECT_PLACES);
	d->lines = (unsigned)app->connectors;
	for (unsigned i = 0; i < d->lines; i++)
		d->line[i].connector = act_spawn(ctx, &connector_class,
		    &(struct connector_arg){ i },
		    home_pinned(app, PINNED_CONNECTOR) + (int)i);
}

/* ---- who waits ---- */

static void
on_dial_tell(struct dialer *d, struct ctx *ctx)
{
	struct dialer_snap *snap = mem_zalloc(sizeof *snap);

	shared_init(&snap->shared, (void (*)(struct shared *))mem_free);
	snap->waiting = d->told_waiting = d->waiting;
	snap->connecting = d->told_connecting = d->connecting;
	board_put(ctx, BOARD_DIALER, "dialer", snap);
	d->telling = false;
}

static void
tell_later(struct dialer *d, struct ctx *ctx)
{
	if (d->telling || (d->waiting == d->told_waiting &&
	    d->connecting == d->told_connecting))
		return;
	d->telling = true;
	act_after(ctx, TELL_EVERY, dial_tell);
}

/* ---- attempts ---- */

static void
answer_error(struct ctx *ctx, struct wish *w, enum err_code code,
    const char *text)
{
	act_answer(ctx, w->ask, dial_done, .code = code, .error = text,
	    .tls = w->tls);
	mem_free(w);
}

static void
drop_expired(struct dialer *d, struct ctx *ctx, int queue)
{
	struct wish *w;

	while ((w = d->queue[queue]) != NULL && w->until.us <= act_now(ctx).us) {
		DL_DELETE(d->queue[queue], w);
		d->waiting--;
		/* Not TIMEOUT: that would be said of the server. */
		answer_error(ctx, w, ERR_BUSY,
		    "time over: no connector was free");
	}
}

/* The next to be tried; NULL: none may be now. */
static struct wish *
take_wish(struct dialer *d)
{
	unsigned most = d->lines > 1 ? d->lines / 2 : 1;
	int first = d->hung_lines == 0 ? 1 : 0;

	for (int i = 0; i < 2; i++) {
		int queue = i == 0 ? first : !first;
		struct wish *w = d->queue[queue];

		if (w == NULL || (queue == 1 && d->hung_lines >= most))
			continue;
		DL_DELETE(d->queue[queue], w);
		d->waiting--;
		return w;
	}
	return NULL;
}

/* How long this attempt may take. */
static dur_t
limit_of(struct ctx *ctx, const struct wish *w)
{
	dur_t left = mono_sub(w->until, act_now(ctx)), most;
	const struct config_shared *c;

	if (!w->quick)
		return left;
	c = config_ref(ctx);
	most = DUR_S(c->config->mysql_connect_timeout_seconds);
	shared_unref(c);
	return most.us < left.us ? most : left;
}

static void
start(struct dialer *d, struct ctx *ctx, struct line *l, struct wish *w)
{
	dur_t left = limit_of(ctx, w);

	l->wish = w;
	l->hung = w->hung;
	l->until = mono_add(mono_add(act_now(ctx), left), GRACE);
	d->hung_lines += l->hung;
	d->connecting++;
	l->serial = act_request(ctx, l->connector, dial_run, left,
	    .host = w->host, .port = w->port, .limit_us = left.us,
	    .tls = w->tls);
}

static struct line *
free_line(struct dialer *d)
{
	for (unsigned i = 0; i < d->lines; i++)
		if (d->line[i].serial == 0)
			return &d->line[i];
	return NULL;
}

static void
sooner(mono_t *at, mono_t t)
{
	if (at->us == 0 || t.us < at->us)
		*at = t;
}

/* One timer, for whoever's time is over first. */
static void
set_timer(struct dialer *d, struct ctx *ctx)
{
	mono_t at = { 0 };

	for (unsigned i = 0; i < d->lines; i++)
		if (d->line[i].serial != 0 && d->line[i].wish != NULL)
			sooner(&at, d->line[i].until);
	for (int q = 0; q < 2; q++)
		if (d->queue[q] != NULL)
			sooner(&at, d->queue[q]->until);
	if (at.us == d->timer_at.us)
		return;
	act_cancel(ctx, &d->timer);
	d->timer_at = at;
	if (at.us != 0)
		d->timer = act_after(ctx, mono_sub(at, act_now(ctx)), dial_next);
}

/* Give free lines to those who wait. */
static void
pump(struct dialer *d, struct ctx *ctx)
{
	struct line *l;
	struct wish *w;

	drop_expired(d, ctx, 0);
	drop_expired(d, ctx, 1);
	while ((l = free_line(d)) != NULL && (w = take_wish(d)) != NULL)
		start(d, ctx, l, w);
	set_timer(d, ctx);
	tell_later(d, ctx);
}

static void
on_dial(struct dialer *d, struct ctx *ctx, const struct msg *m)
{
	const struct msg_dial *r = as_dial(m);
	struct wish *w = mem_zalloc(sizeof *w);

	w->ask = ask_of(m);
	snprintf(w->host, sizeof w->host, "%s", r->host);
	w->port = r->port;
	w->until = mono_add(act_now(ctx), DUR_US(r->limit_us));
	w->tls = r->tls;
	w->hung = r->hung;
	w->quick = r->quick;
	DL_APPEND(d->queue[w->hung], w);
	d->waiting++;
	pump(d, ctx);
}

static struct line *
line_of(struct dialer *d, uint32_t serial)
{
	for (unsigned i = 0; i < d->lines; i++)
		if (d->line[i].serial == serial)
			return &d->line[i];
	assert(!"an answer to an attempt that nobody made");
	return NULL;
}

static void
release(struct dialer *d, struct line *l)
{
	d->hung_lines -= l->hung;
	d->connecting--;
	l->serial = 0;
	l->wish = NULL;
}

static void
on_dial_ran(struct dialer *d, struct ctx *ctx, const struct msg *m)
{
	const struct msg_dial_ran *r = as_dial_ran(m);
	struct line *l = line_of(d, m->serial);
	struct st_mysql *late;

	if (l->wish != NULL) {
		act_answer(ctx, l->wish->ask, dial_done, .handle = r->handle,
		    .code = r->code, .errnum = r->errnum, .error = r->error,
		    .tls = r->tls);
		mem_free(l->wish);
	} else {
		late = handle_claim(r->handle);
		if (late != NULL)
			connect_drop(late);
	}
	release(d, l);
	pump(d, ctx);
}

static void
on_refused(struct dialer *d, struct ctx *ctx, const struct msg *m)
{
	struct line *l = line_of(d, m->serial);

	if (l->wish != NULL)
		answer_error(ctx, l->wish, ERR_CLOSED,
		    "the connector is gone");
	release(d, l);
	pump(d, ctx);
}

static void
on_dial_next(struct dialer *d, struct ctx *ctx)
{
	d->timer_at = (mono_t){ 0 };
	for (unsigned i = 0; i < d->lines; i++) {
		struct line *l = &d->line[i];

		if (l->wish == NULL || l->until.us > act_now(ctx).us)
			continue;
		answer_error(ctx, l->wish, ERR_TIMEOUT,
		    "time over: the server does not finish the handshake");
		l->wish = NULL;
		connect_interrupt(i, l->serial);
	}
	pump(d, ctx);
}

static void
handle(void *self, struct ctx *ctx, struct msg *m)
{
	switch (m->type) {
	case MSG_dial: on_dial(self, ctx, m); break;
	case MSG_dial_ran: on_dial_ran(self, ctx, m); break;
	case MSG_dial_next: on_dial_next(self, ctx); break;
	case MSG_dial_tell: on_dial_tell(self, ctx); break;
	case SYS_REFUSED: on_refused(self, ctx, m); break;
	default: act_unexpected(ctx, m);
	}
}

static void
fini(void *self, struct ctx *ctx)
{
	struct dialer *d = self;
	struct wish *w, *next;

	(void)ctx;
	for (unsigned i = 0; i < d->lines; i++)
		mem_free(d->line[i].wish);
	for (int q = 0; q < 2; q++)
		DL_FOREACH_SAFE(d->queue[q], w, next)
			mem_free(w);
}

const struct actor_class dialer_class = {
	.name = "dialer",
	.size = sizeof(struct dialer),
	.init = init,
	.handle = handle,
	.fini = fini,
	.inbox_max = 100000, /* each session may ask at once, after a start */
};
