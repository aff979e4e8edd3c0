/* SPDX-License-Identifier: Apache-2.0 */
/* The directory: look-ups and probes under way for someone who waits. */
#include "config.h"

#include "actors/directory_state.h"

#include <string.h>

#include "base/mem.h"

/* A name that its method wants looked up first. */
bool
directory_look_up(struct directory *d, struct ctx *ctx, const struct lookup *what)
{
	const struct config_shared *c = config_ref(ctx);
	enum hostname_resolve method = c->config->rules.hostname_resolve;
	bool needed = method == HOSTNAME_RESOLVE_CNAME ||
	    method == HOSTNAME_RESOLVE_IP;
	struct lookup *l;

	shared_unref(c);
	if (!needed)
		return false;
	l = mem_alloc(sizeof *l);
	*l = *what;
	l->serial = act_request(ctx, app_of(ctx)->names, name_resolve,
	    PROBE_LIMIT, .host = l->host);
	HASH_ADD(hh, d->lookups, serial, sizeof l->serial, l);
	return true;
}

static void
answer_probe(struct ctx *ctx, struct ask ask, struct key key,
    enum err_code code, const char *error)
{
	act_answer(ctx, ask, server_probed, .host = key.host, .port = key.port,
	    .code = code, .error = error);
}

static void
probe_entry(struct directory *d, struct ctx *ctx, struct entry *e, bool added,
    bool follow, struct ask ask)
{
	struct passed *p = mem_zalloc(sizeof *p);

	p->ask = ask;
	p->added = added;
	strcpy(p->key, e->key);
	p->serial = act_request(ctx, e->actor, probe_now, PROBE_LIMIT,
	    .follow = follow);
	HASH_ADD(hh, d->probes, serial, sizeof p->serial, p);
}

static void
probe_key(struct directory *d, struct ctx *ctx, struct key key, bool follow,
    struct ask ask)
{
	struct entry *e = roster_find(&d->roster, key);
	bool added;

	/* Who is there now? */
	if (e != NULL && directory_doubts(d, ctx, e, key, DOUBT_ASKED))
		e = NULL;
	added = e == NULL;
	if (HASH_COUNT(d->probes) >= PROBES_MAX) {
		answer_probe(ctx, ask, key, ERR_BUSY,
		    "too many probes are under way");
		return;
	}
	if (added)
		e = directory_add(d, ctx, key, BY_API);
	else
		directory_suggest(ctx, e, key);
	probe_entry(d, ctx, e, added, follow, ask);
}

/* Ask e, which has the identity of one that was just reached. */
void
directory_verify(struct directory *d, struct ctx *ctx, struct entry *e,
    const struct entry *clone)
{
	struct passed *p, *tmp;

	HASH_ITER(hh, d->probes, p, tmp)
		if (p->clone[0] != '\0' && strcmp(p->key, e->key) == 0)
			return; /* it is being asked */
	if (HASH_COUNT(d->probes) >= PROBES_MAX)
		return;
	p = mem_zalloc(sizeof *p);
	strcpy(p->key, e->key);
	strcpy(p->clone, clone->key);
	p->serial = act_request(ctx, e->actor, probe_now, PROBE_LIMIT);
	HASH_ADD(hh, d->probes, serial, sizeof p->serial, p);
}

void
directory_on_probe(struct directory *d, struct ctx *ctx, const struct msg *m)
{
	const struct msg_server_probe *s = as_server_probe(m);
	struct key key = { s->host, s->port };
	struct lookup l = { .port = s->port, .by = BY_API, .asked = true,
		.follow = s->follow, .ask = ask_of(m) };

	if (!key_valid(key) || strlen(s->host) > KEY_HOST_MAX) {
		answer_probe(ctx, ask_of(m), key, ERR_INVALID,
		    "not a server's address");
		return;
	}
	if (!d->started) {
		answer_probe(ctx, ask_of(m), key, ERR_BUSY, "starting");
		return;
	}
	strcpy(l.host, s->host);
	if (roster_find_filed(&d->roster, key) != NULL ||
	    !directory_look_up(d, ctx, &l))
		probe_key(d, ctx, key, s->follow, ask_of(m));
}

void
directory_on_resolved(struct directory *d, struct ctx *ctx, const struct msg *m)
{
	const struct msg_name_resolved *r = as_name_resolved(m);
	struct key key = { r->name, 0 };
	struct lookup *l;

	HASH_FIND(hh, d->lookups, &m->serial, sizeof m->serial, l);
	if (l == NULL)
		return;
	HASH_DEL(d->lookups, l);
	key.port = l->port;
	/* A name that cannot be resolved is tried as it is. */
	if (r->code != ERR_NONE)
		key.host = l->host;
	else if (roster_alias(&d->roster, (struct key){ l->host, l->port },
		     key, CERTAIN))
		directory_names_changed(d, ctx,
		    (struct key){ l->host, l->port }, key);
	if (l->asked)
		probe_key(d, ctx, key, l->follow, l->ask);
	else if (!directory_filtered(ctx, key, l->by))
		directory_found(d, ctx, key, l->by);
	mem_free(l);
}

static void
finish_probe(struct directory *d, struct ctx *ctx, uint32_t serial,
    const struct msg_server_probed *r)
{
	struct entry *e;
	struct passed *p;

	HASH_FIND(hh, d->probes, &serial, sizeof serial, p);
	if (p == NULL)
		return;
	HASH_DEL(d->probes, p);
	if (p->clone[0] != '\0') {
		directory_on_verified(d, ctx, p, (enum err_code)r->code);
		mem_free(p);
		return;
	}
	msg_pack_server_probed(act_body(ctx), r);
	act_reply(ctx, p->ask, MSG_server_probed);
	HASH_FIND_STR(d->roster.by_key, p->key, e);
	if (e != NULL && p->added && r->code != ERR_NONE && !e->reached &&
	    !e->shown)
		directory_end(d, ctx, e, false);
	mem_free(p);
}

void
directory_on_probed(struct directory *d, struct ctx *ctx, const struct msg *m)
{
	finish_probe(d, ctx, m->serial, as_server_probed(m));
}

void
directory_on_refused(struct directory *d, struct ctx *ctx, const struct msg *m)
{
	struct lookup *l;

	HASH_FIND(hh, d->lookups, &m->serial, sizeof m->serial, l);
	if (l != NULL) {
		HASH_DEL(d->lookups, l);
		if (l->asked)
			answer_probe(ctx, l->ask,
			    (struct key){ l->host, l->port }, ERR_BUSY,
			    "name resolution is busy");
		mem_free(l);
		return;
	}
	finish_probe(d, ctx, m->serial,
	    &(struct msg_server_probed){ .host = "", .code = ERR_BUSY,
		.error = "the server's actor is busy or gone" });
}

void
directory_drop_asks(struct directory *d, struct ctx *ctx)
{
	struct lookup *l, *ltmp;
	struct passed *p, *ptmp;

	HASH_ITER(hh, d->probes, p, ptmp) {
		HASH_DEL(d->probes, p);
		if (p->clone[0] == '\0')
			answer_probe(ctx, p->ask, KEY_NONE, ERR_CLOSED,
			    "shutting down");
		mem_free(p);
	}
	HASH_ITER(hh, d->lookups, l, ltmp) {
		HASH_DEL(d->lookups, l);
		if (l->asked)
			answer_probe(ctx, l->ask, KEY_NONE, ERR_CLOSED,
			    "shutting down");
		mem_free(l);
	}
}
