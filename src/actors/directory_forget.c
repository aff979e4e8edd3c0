/* SPDX-License-Identifier: Apache-2.0 */
/* The directory: what is to be forgotten, and stays so for a while. */
#include "config.h"

#include "actors/directory_state.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

struct forgetting {
	struct directory *d;
	mono_t until;
};

/* How long no list brings it back.  (inst/instance_dao.go, 3.2.6.) */
static mono_t
forget_until(struct ctx *ctx)
{
	const struct config_shared *c = config_ref(ctx);
	dur_t d = DUR_S(3 * (int64_t)c->config->instance_poll_seconds);

	shared_unref(c);
	return mono_add(act_now(ctx), d);
}

static void
drop(struct directory *d, struct forgotten *f)
{
	HASH_DEL(d->forgotten, f);
	mem_free(f);
}

static void
purge(struct directory *d, struct ctx *ctx)
{
	struct forgotten *f, *tmp;

	HASH_ITER(hh, d->forgotten, f, tmp)
		if (act_now(ctx).us >= f->until.us)
			drop(d, f);
}

static void
remember(void *arg, const char *key)
{
	const struct forgetting *fg = arg;
	struct forgotten *f;

	HASH_FIND_STR(fg->d->forgotten, key, f);
	if (f == NULL) {
		if (HASH_COUNT(fg->d->forgotten) >= FORGOTTEN_MAX)
			return;
		f = mem_zalloc(sizeof *f);
		strcpy(f->key, key);
		HASH_ADD_STR(fg->d->forgotten, key, f);
	}
	f->until = fg->until;
}

bool
directory_is_forgotten(struct directory *d, struct ctx *ctx, struct key key)
{
	char text[KEY_TEXT_MAX];
	struct forgotten *f;

	HASH_FIND_STR(d->forgotten, key_text(key, text), f);
	if (f == NULL)
		return false;
	if (act_now(ctx).us < f->until.us)
		return true;
	drop(d, f);
	return false;
}

static void
forget(struct directory *d, struct ctx *ctx, struct entry *e)
{
	struct forgetting fg = { d, forget_until(ctx) };

	directory_audit(ctx, "forget", e, "");
	if (HASH_COUNT(d->forgotten) >= FORGOTTEN_MAX)
		purge(d, ctx);
	remember(&fg, e->key);
	roster_drop_names(&d->roster, e, remember, &fg);
	directory_end(d, ctx, e, true);
}

void
directory_on_forget(struct directory *d, struct ctx *ctx, const struct msg *m)
{
	const struct msg_server_forget *f = as_server_forget(m);
	struct key key = { f->host, f->port };
	struct entry *e = roster_find(&d->roster, key);
	char text[ERR_TEXT_MAX], name[KEY_TEXT_MAX];

	if (!d->started) {
		act_answer(ctx, ask_of(m), server_forgotten, .code = ERR_BUSY,
		    .error = "starting");
		return;
	}
	if (e == NULL) {
		snprintf(text, sizeof text, "unknown instance: %s",
		    key_text(key, name));
		act_answer(ctx, ask_of(m), server_forgotten,
		    .code = ERR_NOT_FOUND, .error = text);
		return;
	}
	forget(d, ctx, e);
	act_answer(ctx, ask_of(m), server_forgotten, .count = 1);
}

void
directory_on_forget_cluster(struct directory *d, struct ctx *ctx,
    const struct msg *m)
{
	const char *cluster = as_server_forget_cluster(m)->cluster;
	struct entry *e, *tmp;
	uint32_t count = 0;

	if (!d->started) {
		act_answer(ctx, ask_of(m), server_forgotten, .code = ERR_BUSY,
		    .error = "starting");
		return;
	}
	HASH_ITER(hh, d->roster.by_key, e, tmp) {
		if (cluster[0] == '\0' || strcmp(e->cluster, cluster) != 0)
			continue;
		forget(d, ctx, e);
		count++;
	}
	act_answer(ctx, ask_of(m), server_forgotten, .count = count,
	    .code = count > 0 ? ERR_NONE : ERR_NOT_FOUND,
	    .error = count > 0 ? NULL : "unknown cluster");
}

void
directory_drop_forgotten(struct directory *d)
{
	struct forgotten *f, *tmp;

	HASH_ITER(hh, d->forgotten, f, tmp)
		drop(d, f);
}
