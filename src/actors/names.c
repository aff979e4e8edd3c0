/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host names: which other name a host is filed under, and the cache of it.
 *
 * A name is resolved by HostnameResolveMethod: "none" and "default" leave it as
 * it is unless a probe taught us under which name that host is filed; "cname"
 * and "ip" ask a resolver thread.  Whoever asks while a look-up is under way is
 * answered together with the first.  (inst/resolve.go, 3.2.6.)
 */
#include "config.h"

#include "actors/names.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "actors/classes.h"
#include "base/mem.h"
#include "config/conf.h"

enum {
	WAITING_MAX = 64,   /* askers of one name under way */
	NAMES_MAX = 200000, /* entries; the cache is emptied above it */
};

#define LOOKUP_LIMIT DUR_S(10)
#define FAILED_TTL DUR_S(60)
#define PUBLISH_AFTER DUR_MS(200)

struct name {
	UT_hash_handle hh;
	char *host;
	char *resolved;
	char *ipv4;
	char *ipv6;
	mono_t expires;
	wall_t expires_wall;
	uint32_t serial; /* of the look-up under way; 0: none */
	size_t waiting;
	struct ask ask[WAITING_MAX];
};

struct names {
	struct name *by_host;
	bool dirty;
	bool publishing; /* a names_tick is due */
};

static void
free_name(struct names *ns, struct name *n)
{
	HASH_DEL(ns->by_host, n);
	mem_free(n->host);
	mem_free(n->resolved);
	mem_free(n->ipv4);
	mem_free(n->ipv6);
	mem_free(n);
}

static struct name *
find(struct names *ns, const char *host)
{
	struct name *n;

	HASH_FIND_STR(ns->by_host, host, n);
	return n;
}

static void
drop_settled(struct names *ns)
{
	struct name *n, *tmp;

	HASH_ITER(hh, ns->by_host, n, tmp)
		if (n->serial == 0)
			free_name(ns, n);
}

static struct name *
find_or_add(struct names *ns, const char *host)
{
	struct name *n = find(ns, host);

	if (n != NULL)
		return n;
	if (HASH_COUNT(ns->by_host) >= NAMES_MAX)
		drop_settled(ns);
	n = mem_zalloc(sizeof *n);
	n->host = mem_strdup(host);
	n->resolved = mem_strdup(host);
	n->ipv4 = mem_strdup("");
	n->ipv6 = mem_strdup("");
	HASH_ADD_KEYPTR(hh, ns->by_host, n->host, strlen(n->host), n);
	return n;
}

static void
set_text(char **to, const char *text)
{
	if (strcmp(*to, text) == 0)
		return;
	mem_free(*to);
	*to = mem_strdup(text);
}

static void
changed(struct names *ns, struct ctx *ctx)
{
	ns->dirty = true;
	if (ns->publishing)
		return;
	ns->publishing = true;
	act_after(ctx, PUBLISH_AFTER, names_tick);
}

static dur_t
ttl(struct ctx *ctx)
{
	const struct config_shared *c = config_ref(ctx);
	int64_t minutes = c->config->expiry_hostname_resolves_minutes;

	shared_unref(c);
	return DUR_S((minutes > 0 ? minutes : 1) * 60);
}

static void
set_expiry(struct name *n, struct ctx *ctx, dur_t d)
{
	n->expires = mono_add(act_now(ctx), d);
	n->expires_wall = wall_add(act_wall(ctx), d);
}

static void
free_snap(struct shared *s)
{
	struct names_snap *snap = (struct names_snap *)s;

	arena_fini(&snap->arena);
	mem_free(snap);
}

static int
by_host(struct name *a, struct name *b)
{
	return strcmp(a->host, b->host);
}

static void
publish(struct names *ns, struct ctx *ctx)
{
	struct names_snap *snap = mem_zalloc(sizeof *snap);
	struct name *n, *tmp;

	shared_init(&snap->shared, free_snap);
	arena_init(&snap->arena);
	HASH_SORT(ns->by_host, by_host);
	snap->at = arena_alloc(&snap->arena,
	    HASH_COUNT(ns->by_host) * sizeof *snap->at);
	HASH_ITER(hh, ns->by_host, n, tmp) {
		if (n->serial != 0 || n->expires.us == 0)
			continue;
		snap->at[snap->n++] = (struct name_entry){
			.host = arena_strdup(&snap->arena, n->host),
			.resolved = arena_strdup(&snap->arena, n->resolved),
			.ipv4 = arena_strdup(&snap->arena, n->ipv4),
			.ipv6 = arena_strdup(&snap->arena, n->ipv6),
			.expires = n->expires_wall,
		};
	}
	board_put(ctx, BOARD_NAMES, "names", snap);
	ns->dirty = false;
}

static void
init(void *self, struct ctx *ctx, const void *arg)
{
	(void)arg;
	publish(self, ctx);
}

static void
answer(struct ctx *ctx, struct ask ask, const struct name *n,
    enum err_code code, const char *error)
{
	act_answer(ctx, ask, name_resolved, .host = n->host,
	    .name = n->resolved, .ipv4 = n->ipv4, .ipv6 = n->ipv6,
	    .code = code, .error = error);
}

/* The method asks the network: "cname" or "ip". */
static bool
looks_up(struct ctx *ctx, bool *cname)
{
	const struct config_shared *c = config_ref(ctx);
	enum hostname_resolve method = c->config->rules.hostname_resolve;

	shared_unref(c);
	*cname = method == HOSTNAME_RESOLVE_CNAME;
	return *cname || method == HOSTNAME_RESOLVE_IP;
}

static void
ask_resolver(struct name *n, struct ctx *ctx, bool cname)
{
	const struct app *app = app_of(ctx);
	unsigned which = 0;

	for (const char *p = n->host; *p != '\0'; p++)
		which = which * 31 + (unsigned char)*p;
	which %= MEM_COUNT(app->resolver);

	n->serial = act_request(ctx, app->resolver[which], resolve_run,
	    LOOKUP_LIMIT, .host = n->host, .cname = cname);
}

static const char *
refusal(const char *host)
{
	if (host == NULL || host[0] == '\0')
		return "empty host name";
	if (strchr(host, ',') != NULL)
		return "a host name cannot have a comma";
	return NULL;
}

/* Without a look-up: by what probes told, else as it is written. */
static void
answer_known(struct ctx *ctx, struct ask ask, const char *host,
    const struct name *n)
{
	act_answer(ctx, ask, name_resolved, .host = host,
	    .name = n != NULL ? n->resolved : host,
	    .ipv4 = n != NULL ? n->ipv4 : "", .ipv6 = n != NULL ? n->ipv6 : "",
	    .code = ERR_NONE);
}

static void
on_name_resolve(struct names *ns, struct ctx *ctx, const struct msg *m)
{
	const char *host = as_name_resolve(m)->host;
	const char *why = refusal(host);
	struct name *n;
	bool cname;

	if (why != NULL) {
		act_answer(ctx, ask_of(m), name_resolved, .host = host,
		    .name = host, .ipv4 = "", .ipv6 = "", .code = ERR_INVALID,
		    .error = why);
		return;
	}
	n = find(ns, host);
	if (strncmp(host, "//", 2) == 0 || !looks_up(ctx, &cname) ||
	    (n != NULL && n->serial == 0 && act_now(ctx).us < n->expires.us)) {
		answer_known(ctx, ask_of(m), host, n);
		return;
	}
	n = find_or_add(ns, host);
	if (n->waiting == WAITING_MAX) {
		answer(ctx, ask_of(m), n, ERR_BUSY,
		    "too many look-ups of this name");
		return;
	}
	n->ask[n->waiting++] = ask_of(m);
	if (n->serial == 0)
		ask_resolver(n, ctx, cname);
}

static bool
rejected(struct ctx *ctx, const char *resolved)
{
	const struct config_shared *c = config_ref(ctx);
	const struct pattern *p = c->config->rules.reject_resolve;
	bool yes = p != NULL && pattern_match(p, resolved);

	shared_unref(c);
	return yes;
}

/* What the resolver found, by method; the name itself when that is refused. */
static void
take_result(struct names *ns, struct name *n, struct ctx *ctx,
    const struct msg_resolve_ran *r)
{
	const char *name = n->host;
	bool cname;

	if (looks_up(ctx, &cname) && cname)
		name = r->cname;
	else if (r->ipv4[0] != '\0')
		name = r->ipv4;
	else if (r->ipv6[0] != '\0')
		name = r->ipv6;
	set_text(&n->ipv4, r->ipv4);
	set_text(&n->ipv6, r->ipv6);
	if (name[0] == '\0' || rejected(ctx, name)) {
		set_text(&n->resolved, n->host);
		n->expires = (mono_t){ 0 };
		return;
	}
	set_text(&n->resolved, name);
	set_expiry(n, ctx, ttl(ctx));
	act_send(ctx, app_of(ctx)->store, store_name, .host = n->host,
	    .name = n->resolved, .at_us = act_wall(ctx).us);
	changed(ns, ctx);
}

static void
answer_all(struct name *n, struct ctx *ctx, enum err_code code,
    const char *error)
{
	size_t waiting = n->waiting;

	n->serial = 0;
	n->waiting = 0;
	for (size_t i = 0; i < waiting; i++)
		answer(ctx, n->ask[i], n, code, error);
}

static struct name *
under_way(struct names *ns, uint32_t serial)
{
	struct name *n, *tmp;

	HASH_ITER(hh, ns->by_host, n, tmp)
		if (n->serial == serial)
			return n;
	return NULL;
}

static void
on_resolve_ran(struct names *ns, struct ctx *ctx, const struct msg *m)
{
	const struct msg_resolve_ran *r = as_resolve_ran(m);
	struct name *n = find(ns, r->host);

	if (n == NULL || n->serial != m->serial)
		return; /* the cache was reset meanwhile */
	if (r->code == ERR_NONE) {
		take_result(ns, n, ctx, r);
	} else {
		/* Bad news is remembered for a short time only. */
		set_text(&n->resolved, n->host);
		set_expiry(n, ctx, FAILED_TTL);
	}
	answer_all(n, ctx, r->code, r->error);
	if (n->expires.us == 0)
		free_name(ns, n); /* refused, or never found: not kept */
}

static void
on_refused(struct names *ns, struct ctx *ctx, const struct msg *m)
{
	struct name *n = under_way(ns, m->serial);

	if (n != NULL)
		answer_all(n, ctx, ERR_BUSY, "the resolver is busy");
}

/* A probe, or the store, tells under which name a host is filed. */
static void
on_name_learn(struct names *ns, struct ctx *ctx, const struct msg_name_learn *l)
{
	struct name *n;
	bool news;

	if (refusal(l->host) != NULL || refusal(l->name) != NULL)
		return;
	n = find_or_add(ns, l->host);
	if (n->serial != 0)
		return;
	news = strcmp(n->resolved, l->name) != 0;
	set_text(&n->resolved, l->name);
	set_expiry(n, ctx, ttl(ctx));
	if (l->at_us == 0 && news)
		act_send(ctx, app_of(ctx)->store, store_name, .host = n->host,
		    .name = n->resolved, .at_us = act_wall(ctx).us);
	if (news || l->at_us != 0)
		changed(ns, ctx);
}

static void
on_name_reset(struct names *ns, struct ctx *ctx, const struct msg *m)
{
	drop_settled(ns);
	act_send(ctx, app_of(ctx)->store, store_names_reset);
	publish(ns, ctx);
	act_answer(ctx, ask_of(m), name_done, .code = ERR_NONE);
}

static void
on_names_tick(struct names *ns, struct ctx *ctx)
{
	struct name *n, *tmp;

	ns->publishing = false;
	HASH_ITER(hh, ns->by_host, n, tmp)
		if (n->serial == 0 && n->expires.us <= act_now(ctx).us)
			free_name(ns, n);
	if (ns->dirty)
		publish(ns, ctx);
}

static void
handle(void *self, struct ctx *ctx, struct msg *m)
{
	switch (m->type) {
	case MSG_name_resolve: on_name_resolve(self, ctx, m); break;
	case MSG_resolve_ran: on_resolve_ran(self, ctx, m); break;
	case MSG_name_learn: on_name_learn(self, ctx, as_name_learn(m)); break;
	case MSG_name_reset: on_name_reset(self, ctx, m); break;
	case MSG_names_tick: on_names_tick(self, ctx); break;
	case SYS_REFUSED: on_refused(self, ctx, m); break;
	default: act_unexpected(ctx, m);
	}
}

static void
fini(void *self, struct ctx *ctx)
{
	struct names *ns = self;
	struct name *n, *tmp;

	HASH_ITER(hh, ns->by_host, n, tmp) {
		if (n->serial != 0)
			answer_all(n, ctx, ERR_CLOSED, "shutting down");
		free_name(ns, n);
	}
}

const struct actor_class names_class = {
	.name = "names",
	.size = sizeof(struct names),
	.init = init,
	.handle = handle,
	.fini = fini,
};
