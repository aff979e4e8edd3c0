/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit: entries go to AuditLogFile, to syslog and to the store, as
 * configured; without file and syslog to the log.  In the order they came.
 *
 * A server gets PER_SERVER_MAX lines a minute; what is above is counted and told
 * when its minute is over, so that one that flaps cannot fill a disk.
 *
 * It writes a file: its home is a pinned thread.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uthash.h>

#include "actors/audit.h"
#include "actors/classes.h"
#include "base/mem.h"
#include "config/conf.h"

enum { PER_SERVER_MAX = 120, SERVERS_MAX = 20000 };

#define WINDOW DUR_S(60)
#define COMPLAIN_EVERY DUR_S(60)

/* A server's lines of the present minute. */
struct window {
	char key[KEY_TEXT_MAX];
	mono_t end;
	uint32_t lines;
	uint32_t more; /* not written */
	UT_hash_handle hh;
};

struct audit {
	struct window *windows;
	bool sweeping;	  /* audit_tick is due */
	mono_t complained; /* about the file, last */
};

/* ---- sinks ---- */

static void
complain(struct audit *a, struct ctx *ctx, const char *path, int no)
{
	if (a->complained.us != 0 && mono_sub(act_now(ctx), a->complained).us <
	    COMPLAIN_EVERY.us)
		return;
	a->complained = act_now(ctx);
	act_log(ctx, LOG_ERROR, "AuditLogFile %s: %s", path, strerror(no));
}

/* Opened for each line: whoever rotates it need not tell us. */
static void
to_file(struct audit *a, struct ctx *ctx, const char *path,
    const struct audit_entry *e)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
	struct buf b;

	if (fd < 0) {
		complain(a, ctx, path, errno);
		return;
	}
	buf_init(&b);
	audit_line(&b, e);
	if (write(fd, b.data, b.len) != (ssize_t)b.len)
		complain(a, ctx, path, errno);
	buf_fini(&b);
	close(fd);
}

static void
to_log(struct ctx *ctx, const struct audit_entry *e, bool syslog)
{
	struct buf b;

	buf_init(&b);
	audit_text(&b, e);
	if (syslog)
		audit_syslog(buf_text(&b));
	else
		act_log(ctx, LOG_INFO, "%s", buf_text(&b));
	buf_fini(&b);
}

static void
add(struct audit *a, struct ctx *ctx, const struct audit_entry *e)
{
	const struct config_shared *c = config_ref(ctx);
	const struct config *cf = c->config;

	if (cf->audit_to_backend_db)
		act_send(ctx, app_of(ctx)->store, store_audit,
		    .at_us = e->at.us, .type = e->type, .host = e->host,
		    .port = e->port, .cluster = e->cluster,
		    .message = e->message);
	if (cf->audit_log_file[0] != '\0')
		to_file(a, ctx, cf->audit_log_file, e);
	if (cf->audit_to_syslog || cf->audit_log_file[0] == '\0')
		to_log(ctx, e, cf->audit_to_syslog);
	shared_unref(c);
}

/* ---- so many lines a minute ---- */

static void
end_window(struct audit *a, struct ctx *ctx, struct window *w)
{
	struct audit_entry e = { .at = act_wall(ctx), .type = "audit-limited",
		.cluster = "" };
	char message[64];
	char *colon;

	HASH_DEL(a->windows, w);
	if (w->more > 0) {
		snprintf(message, sizeof message,
		    "%u more entries within a minute", (unsigned)w->more);
		colon = strrchr(w->key, ':');
		assert(colon != NULL);
		*colon = '\0';
		e.host = w->key;
		e.port = (unsigned)strtoul(colon + 1, NULL, 10);
		e.message = message;
		add(a, ctx, &e);
	}
	mem_free(w);
}

static void
on_audit_tick(struct audit *a, struct ctx *ctx)
{
	struct window *w, *tmp;

	HASH_ITER(hh, a->windows, w, tmp) {
		if (w->end.us <= act_now(ctx).us)
			end_window(a, ctx, w);
	}
	a->sweeping = a->windows != NULL;
	if (a->sweeping)
		act_after(ctx, WINDOW, audit_tick);
}

static struct window *
window_of(struct audit *a, struct ctx *ctx, const char *key)
{
	struct window *w;

	HASH_FIND_STR(a->windows, key, w);
	if (w != NULL && w->end.us <= act_now(ctx).us) {
		end_window(a, ctx, w);
		w = NULL;
	}
	if (w != NULL || HASH_COUNT(a->windows) >= SERVERS_MAX)
		return w;
	w = mem_zalloc(sizeof *w);
	snprintf(w->key, sizeof w->key, "%s", key);
	w->end = mono_add(act_now(ctx), WINDOW);
	HASH_ADD_STR(a->windows, key, w);
	if (!a->sweeping)
		act_after(ctx, WINDOW, audit_tick);
	a->sweeping = true;
	return w;
}

static const char *
or_empty(const char *s)
{
	return s != NULL ? s : "";
}

static void
on_audit_add(struct audit *a, struct ctx *ctx, const struct msg_audit_add *m)
{
	struct audit_entry e = { act_wall(ctx), or_empty(m->type),
		or_empty(m->host), m->port, or_empty(m->cluster),
		or_empty(m->message) };
	struct window *w = NULL;
	char key[KEY_TEXT_MAX];

	if (e.host[0] != '\0')
		w = window_of(a, ctx,
		    key_text((struct key){ e.host, e.port }, key));
	if (w != NULL && w->lines == PER_SERVER_MAX) {
		w->more++;
		return;
	}
	if (w != NULL)
		w->lines++;
	add(a, ctx, &e);
}

/* ---- life ---- */

static void
handle(void *self, struct ctx *ctx, struct msg *m)
{
	switch (m->type) {
	case MSG_audit_add: on_audit_add(self, ctx, as_audit_add(m)); break;
	case MSG_audit_tick: on_audit_tick(self, ctx); break;
	case MSG_audit_sync: act_answer(ctx, ask_of(m), audit_synced); break;
	default: act_unexpected(ctx, m);
	}
}

static void
fini(void *self, struct ctx *ctx)
{
	struct audit *a = self;
	struct window *w, *tmp;

	HASH_ITER(hh, a->windows, w, tmp)
		end_window(a, ctx, w);
}

const struct actor_class audit_class = {
	.name = "audit",
	.size = sizeof(struct audit),
	.handle = handle,
	.fini = fini,
};
