/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory: who is whom.  Two names that are one server, one server that
 * is at another address now, two servers that say they are one.
 *
 * When two entries have one identity, the one that fails is asked, else the
 * older one: a server that moved does not answer at its old address, and a clone
 * does.  Clones are kept apart for good, whichever of them fails later.
 */
#include "config.h"

#include "actors/directory_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/names.h"
#include "base/mem.h"

static void
tell_moved(struct ctx *ctx, const struct entry *e, const char *to)
{
	char text[KEY_TEXT_MAX + 64];

	snprintf(text, sizeof text, "now at %s", to);
	act_log(ctx, LOG_NOTICE, "%s moved to %s (%s)", e->key, to,
	    e->identity);
	directory_audit(ctx, "server-moved", e, text);
}

/* One server under two entries, of which one is dead. */
static void
join_moved(struct directory *d, struct ctx *ctx, struct entry *gone,
    struct entry *stays)
{
	struct arena tmp;
	struct key old;

	arena_init(&tmp);
	old = roster_key(gone->key, &tmp);
	tell_moved(ctx, gone, stays->key);
	/* It may come back there. */
	act_send(ctx, stays->actor, inst_address, .host = old.host,
	    .port = old.port);
	directory_end(d, ctx, gone, true);
	roster_alias(&d->roster, old, stays->edge.key, UNCHECKED);
	directory_names_changed(d, ctx, old, stays->edge.key);
	arena_fini(&tmp);
}

/*
 * Ask the one that fails, else the older one; what is known of it may be old
 * news.
 */
void
directory_check_twin(struct directory *d, struct ctx *ctx, struct entry *e)
{
	struct entry *twin = roster_twin(&d->roster, e);

	if (twin == NULL)
		return;
	if (e->failing && twin->reached)
		directory_verify(d, ctx, e, twin);
	else if (!e->failing && e->reached)
		directory_verify(d, ctx, twin, e);
}

/* What was taken for a server's old address answered, or did not. */
void
directory_on_verified(struct directory *d, struct ctx *ctx,
    const struct passed *p, enum err_code code)
{
	struct entry *e, *clone;

	HASH_FIND_STR(d->roster.by_key, p->key, e);
	HASH_FIND_STR(d->roster.by_key, p->clone, clone);
	if (e == NULL || clone == NULL || clone->failing ||
	    e->identity[0] == '\0' ||
	    strcmp(e->identity, clone->identity) != 0)
		return;
	if (code == ERR_UNREACHABLE || code == ERR_TIMEOUT) {
		join_moved(d, ctx, e, clone);
	} else if (code == ERR_NONE) {
		e->cloned = clone->cloned = true;
		act_log(ctx, LOG_WARNING, "%s and %s are alive and have one "
		    "identity (%s): kept apart", e->key, clone->key,
		    e->identity);
	}
}

/* ---- filing ---- */

/* The same server is filed already: this one's actor is not needed. */
static void
merge(struct directory *d, struct ctx *ctx, struct entry *e,
    const struct entry *other, struct key asked)
{
	struct key filed = other->edge.key;
	struct arena tmp;
	struct key old;

	arena_init(&tmp);
	old = roster_key(e->key, &tmp);
	act_send(ctx, other->actor, inst_address, .host = asked.host,
	    .port = asked.port);
	directory_end(d, ctx, e, true);
	roster_alias(&d->roster, old, filed, act_now(ctx));
	roster_alias(&d->roster, asked, filed, act_now(ctx));
	directory_names_changed(d, ctx, old, filed);
	arena_fini(&tmp);
}

static void
rename_to(struct directory *d, struct ctx *ctx, struct entry *e,
    struct key filed)
{
	struct arena tmp;
	struct key old;
	char to[KEY_TEXT_MAX];

	arena_init(&tmp);
	old = roster_key(e->key, &tmp);
	if (e->identity[0] != '\0')
		tell_moved(ctx, e, key_text(filed, to));
	roster_rename(&d->roster, e, filed);
	roster_alias(&d->roster, old, filed, act_now(ctx));
	if (e->cluster[0] != '\0')
		directory_send_place(ctx, e, directory_group(d, e->cluster));
	directory_names_changed(d, ctx, old, filed);
	arena_fini(&tmp);
}

/* Found by a list under a name that nobody forgot. */
static bool
unwanted(struct directory *d, struct ctx *ctx, const struct entry *e,
    struct key filed)
{
	return e->by != BY_SEED && e->by != BY_API && e->by != BY_STORE &&
	    directory_is_forgotten(d, ctx, filed);
}

void
directory_on_filed(struct directory *d, struct ctx *ctx, const struct msg *m)
{
	const struct msg_server_filed *f = as_server_filed(m);
	struct key asked = { f->asked_host, f->asked_port };
	struct key filed = { f->host, f->port };
	struct entry *e = roster_find_actor(&d->roster, m->from), *other;

	if (e == NULL) {
		act_send(ctx, m->from, inst_end);
		return;
	}
	if (!key_eq(e->edge.key, filed) && unwanted(d, ctx, e, filed)) {
		directory_end(d, ctx, e, true);
		return;
	}
	other = roster_find_filed(&d->roster, filed);
	if (other != NULL && other != e) {
		merge(d, ctx, e, other, asked);
		return;
	}
	if (other == NULL)
		rename_to(d, ctx, e, filed);
	key_text(asked, e->asked);
	if (roster_alias(&d->roster, asked, filed, act_now(ctx)))
		directory_names_changed(d, ctx, asked, filed);
	if (roster_unalias(&d->roster, e->edge.key))
		directory_names_changed(d, ctx, filed, filed);
	roster_set_identity(&d->roster, e, f->identity);
	e->reached = true;
	directory_set_failing(d, e, false);
	directory_check_twin(d, ctx, e);
}

/* Its address leads to another server, which is to be found there. */
void
directory_on_strayed(struct directory *d, struct ctx *ctx,
    const struct msg *m)
{
	const struct msg_server_strayed *s = as_server_strayed(m);
	struct key asked = { s->asked_host, s->asked_port };
	struct entry *e = roster_find_actor(&d->roster, m->from);
	struct entry *is = roster_find(&d->roster, asked);

	if (e == NULL || key_eq(asked, e->edge.key) ||
	    (is != NULL && is != e))
		return;
	roster_unalias(&d->roster, asked);
	if (!directory_filtered(ctx, asked, BY_REPLICA))
		directory_add(d, ctx, asked, BY_REPLICA);
	directory_names_changed(d, ctx, asked, asked);
}

/* ---- what a replica calls its source ---- */

static struct entry *
find_uuid(const struct directory *d, const char *uuid)
{
	char id[IDENTITY_MAX];
	struct entry *e;

	if (strlen(uuid) != 36)
		return NULL;
	snprintf(id, sizeof id, "uuid:%s", uuid);
	HASH_FIND(hh_id, d->roster.by_identity, id, strlen(id), e);
	return e != NULL && e->same == NULL ? e : NULL;
}

static int
by_host(const void *host, const void *name)
{
	return strcmp(host, ((const struct name_entry *)name)->host);
}

/* By what probes and look-ups taught, also before a restart. */
static struct entry *
find_learnt(const struct directory *d, struct ctx *ctx, struct key key)
{
	const struct names_snap *snap = board_get(ctx, BOARD_NAMES, "names");
	const struct name_entry *n = NULL;
	struct entry *e = NULL;

	if (snap != NULL && snap->n > 0)
		n = bsearch(key.host, snap->at, snap->n, sizeof *snap->at,
		    by_host);
	if (n != NULL)
		e = roster_find(&d->roster,
		    (struct key){ n->resolved, key.port });
	shared_unref(snap);
	return e;
}

/* The replica is connected to another server than the name leads to. */
static bool
denies(const struct instance *replica, const struct entry *e)
{
	return strlen(replica->source_uuid) == 36 &&
	    strncmp(e->identity, "uuid:", 5) == 0 &&
	    strcmp(e->identity + 5, replica->source_uuid) != 0;
}

/*
 * A replica names its source as it likes: by an alias, an address, a virtual
 * one.  Its uuid says who that is; else what was learnt of the name does, until
 * a probe of that address tells.
 */
void
directory_learn_source(struct directory *d, struct ctx *ctx,
    const struct entry *of, const struct instance *replica)
{
	struct key key = replica->source_key;
	struct entry *e, *is;

	if (!key_valid(key) || roster_find_filed(&d->roster, key) != NULL)
		return;
	e = roster_find(&d->roster, key);
	is = find_uuid(d, replica->source_uuid);
	if (is == NULL && e == NULL)
		is = find_learnt(d, ctx, key);
	if (is == of)
		return; /* a copy of its source */
	if (is != NULL && is != e) {
		roster_alias(&d->roster, key, is->edge.key, UNCHECKED);
		act_send(ctx, is->actor, inst_address, .host = key.host,
		    .port = key.port);
		directory_names_changed(d, ctx, key, is->edge.key);
	} else if (is == NULL && e != NULL &&
	    (e == of || denies(replica, e))) {
		roster_unalias(&d->roster, key);
		if (!directory_filtered(ctx, key, BY_SOURCE))
			directory_found(d, ctx, key, BY_SOURCE);
		directory_names_changed(d, ctx, key, key);
	}
}
