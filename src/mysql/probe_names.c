/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which name a server is filed under, and other servers' names in its facts.
 */
#include "config.h"

#include "mysql/probe_impl.h"

#include "base/mem.h"

enum err_code
probe_filed_key(const struct probe *p, struct key *out, struct err *err)
{
	const struct probe_memory *m = p->memory;
	const char *name;

	*out = key_dup(p->asked, p->arena);
	if (p->options->filed == FILED_ASKED ||
	    m->dialect.flavour == FLAVOUR_MAXSCALE)
		return ERR_NONE;
	name = p->options->filed == FILED_HOSTNAME ?
	    m->fixed.names.hostname : m->fixed.names.report_host;
	if (name[0] == '\0')
		return err_set(err, ERR_INVALID, "%s:%u has an empty %s",
		    p->asked.host, p->asked.port,
		    p->options->filed == FILED_HOSTNAME ? "hostname" :
							  "report_host");
	*out = key_dup((struct key){ name, p->asked.port }, p->arena);
	return ERR_NONE;
}

struct renamer {
	struct arena *a;
	const char *(*resolve)(void *arg, const char *host);
	void *arg;
};

static struct key
renamed(const struct renamer *r, struct key k)
{
	if (key_is_none(k) || key_is_detached(k))
		return k;
	k.host = r->resolve(r->arg, k.host);
	return key_dup(k, r->a);
}

/* Without the server's own key, which other names may lead to. */
static struct keys
all_renamed(const struct renamer *r, struct keys ks, struct key own)
{
	struct key *to = arena_alloc(r->a, ks.n * sizeof *to);
	size_t n = 0;

	for (size_t i = 0; i < ks.n; i++) {
		to[n] = renamed(r, ks.at[i]);
		if (!key_eq(to[n], own))
			n++;
	}
	return keys_sorted(to, n, r->a);
}

void
probe_resolve(struct instance *in, struct arena *a,
    const char *(*resolve)(void *arg, const char *host), void *arg)
{
	const struct renamer r = { a, resolve, arg };

	in->source_key = renamed(&r, in->source_key);
	in->group_primary = renamed(&r, in->group_primary);
	in->replicas = all_renamed(&r, in->replicas, in->key);
	in->group_members = all_renamed(&r, in->group_members,
	    in->key);
}
