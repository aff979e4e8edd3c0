/* SPDX-License-Identifier: Apache-2.0 */
/* The directory's book of servers and their names; see roster.h. */
#include "config.h"

#include "actors/roster.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct other {
	UT_hash_handle hh;
	char asked[KEY_TEXT_MAX];
	char filed[KEY_TEXT_MAX];
	mono_t checked;
	bool doomed; /* roster_drop_names() takes it */
};

void
roster_init(struct roster *r)
{
	*r = (struct roster){ 0 };
}

static void
unchain(struct roster *r, struct entry *e)
{
	struct entry *head;

	if (e->identity[0] == '\0')
		return;
	HASH_FIND(hh_id, r->by_identity, e->identity, strlen(e->identity),
	    head);
	assert(head != NULL);
	if (head == e) {
		HASH_DELETE(hh_id, r->by_identity, e);
		if (e->same != NULL)
			HASH_ADD_KEYPTR(hh_id, r->by_identity,
			    e->same->identity, strlen(e->same->identity),
			    e->same);
	} else {
		while (head->same != e)
			head = head->same;
		head->same = e->same;
	}
	e->same = NULL;
	e->identity[0] = '\0';
}

void
roster_remove(struct roster *r, struct entry *e)
{
	unchain(r, e);
	if (!addr_is_none(e->actor))
		HASH_DELETE(hh_actor, r->by_actor, e);
	HASH_DEL(r->by_key, e);
	arena_fini(&e->arena);
	mem_free(e->cluster);
	mem_free(e->facts);
	mem_free(e->health);
	mem_free(e);
}

void
roster_fini(struct roster *r)
{
	struct entry *e, *tmp;
	struct other *o, *next;

	HASH_ITER(hh, r->by_key, e, tmp)
		roster_remove(r, e);
	HASH_ITER(hh, r->others, o, next) {
		HASH_DEL(r->others, o);
		mem_free(o);
	}
}

static struct entry *
find_text(const struct roster *r, const char *text)
{
	struct entry *e;

	HASH_FIND_STR(r->by_key, text, e);
	return e;
}

static struct other *
find_other(const struct roster *r, const char *asked)
{
	struct other *o;

	HASH_FIND_STR(r->others, asked, o);
	return o;
}

struct entry *
roster_find_filed(const struct roster *r, struct key key)
{
	char text[KEY_TEXT_MAX];

	return find_text(r, key_text(key, text));
}

/* A name may lead to another name, when its server was filed anew. */
static struct entry *
follow(const struct roster *r, const char *text)
{
	struct entry *e = find_text(r, text);
	struct other *o;

	for (int hops = 0; e == NULL && hops < ROSTER_HOPS_MAX; hops++) {
		o = find_other(r, text);
		if (o == NULL)
			return NULL;
		text = o->filed;
		e = find_text(r, text);
	}
	return e;
}

struct entry *
roster_find_actor(const struct roster *r, addr_t actor)
{
	struct entry *e;

	HASH_FIND(hh_actor, r->by_actor, &actor, sizeof actor, e);
	return e;
}

void
roster_set_actor(struct roster *r, struct entry *e, addr_t actor)
{
	assert(addr_is_none(e->actor) && !addr_is_none(actor));
	e->actor = actor;
	HASH_ADD(hh_actor, r->by_actor, actor, sizeof e->actor, e);
}

struct entry *
roster_find(const struct roster *r, struct key key)
{
	char text[KEY_TEXT_MAX];

	return follow(r, key_text(key, text));
}

static struct entry *
standing(const struct roster *r, const char *text)
{
	struct entry *e = follow(r, text);
	struct other *o;

	if (e == NULL || e->shown || e->reached || strcmp(e->key, text) != 0)
		return e;
	o = find_other(r, text);
	if (o != NULL && follow(r, o->filed) != NULL)
		return follow(r, o->filed);
	return e;
}

struct entry *
roster_standing(const struct roster *r, struct key key)
{
	char text[KEY_TEXT_MAX];

	return standing(r, key_text(key, text));
}

struct key
roster_filed(const struct roster *r, struct key asked)
{
	struct entry *e = roster_standing(r, asked);

	return e != NULL ? e->edge.key : asked;
}

struct key
roster_key(const char *text, struct arena *a)
{
	const char *colon = strrchr(text, ':');

	assert(colon != NULL);
	return (struct key){
		arena_strndup(a, text, (size_t)(colon - text)),
		(uint32_t)strtoul(colon + 1, NULL, 10),
	};
}

struct entry *
roster_add(struct roster *r, struct key key, enum found_by by)
{
	struct entry *e = mem_zalloc(sizeof *e);

	key_text(key, e->key);
	assert(find_text(r, e->key) == NULL);
	strcpy(e->asked, e->key);
	e->by = by;
	arena_init(&e->arena);
	instance_init(&e->edge);
	e->edge.key = key_dup(key, &e->arena);
	e->raw_source = KEY_NONE;
	e->raw_group_primary = KEY_NONE;
	e->cluster = mem_strdup("");
	HASH_ADD_STR(r->by_key, key, e);
	return e;
}

bool
roster_alias(struct roster *r, struct key asked, struct key filed,
    mono_t checked)
{
	char text[KEY_TEXT_MAX], to[KEY_TEXT_MAX];
	struct other *o;

	key_text(asked, text);
	key_text(filed, to);
	if (strcmp(text, to) == 0)
		return false;
	o = find_other(r, text);
	if (o == NULL) {
		if (HASH_COUNT(r->others) >= ROSTER_ALIASES_MAX)
			return false;
		o = mem_zalloc(sizeof *o);
		strcpy(o->asked, text);
		HASH_ADD_STR(r->others, asked, o);
	}
	o->checked = checked;
	if (strcmp(o->filed, to) == 0)
		return false;
	strcpy(o->filed, to);
	return true;
}

bool
roster_doubts(const struct roster *r, struct key key, mono_t since)
{
	char text[KEY_TEXT_MAX];
	struct other *o = find_other(r, key_text(key, text));
	struct entry *e = follow(r, text);

	return o != NULL && e != NULL && find_text(r, text) == NULL &&
	    strcmp(e->asked, text) != 0 && o->checked.us < since.us;
}

bool
roster_unalias(struct roster *r, struct key asked)
{
	char text[KEY_TEXT_MAX];
	struct other *o = find_other(r, key_text(asked, text));

	if (o == NULL)
		return false;
	HASH_DEL(r->others, o);
	mem_free(o);
	return true;
}

void
roster_drop_names(struct roster *r, const struct entry *e,
    void (*dropped)(void *arg, const char *name), void *arg)
{
	struct other *o, *tmp;

	/* All first: the names in between are needed to follow the others. */
	HASH_ITER(hh, r->others, o, tmp)
		o->doomed = follow(r, o->asked) == e;
	HASH_ITER(hh, r->others, o, tmp) {
		if (!o->doomed)
			continue;
		dropped(arg, o->asked);
		HASH_DEL(r->others, o);
		mem_free(o);
	}
}

void
roster_rename(struct roster *r, struct entry *e, struct key filed)
{
	HASH_DEL(r->by_key, e);
	key_text(filed, e->key);
	assert(find_text(r, e->key) == NULL);
	HASH_ADD_STR(r->by_key, key, e);
	e->edge.key = key_dup(filed, &e->arena);
}

void
roster_set_identity(struct roster *r, struct entry *e, const char *id)
{
	struct entry *head;

	if (strcmp(e->identity, id) == 0)
		return;
	unchain(r, e);
	e->cloned = false;
	if (id[0] == '\0' || strlen(id) >= sizeof e->identity)
		return;
	strcpy(e->identity, id);
	HASH_FIND(hh_id, r->by_identity, e->identity, strlen(e->identity),
	    head);
	if (head != NULL) {
		e->same = head->same;
		head->same = e;
	} else {
		HASH_ADD_KEYPTR(hh_id, r->by_identity, e->identity,
		    strlen(e->identity), e);
	}
}

/* Something replicates from the one, and did so from the other before. */
static bool
share_replica(const struct roster *r, const struct entry *a,
    const struct entry *b)
{
	struct entry *e, *tmp;

	HASH_ITER(hh, r->by_key, e, tmp) {
		if (e->was_source[0] == '\0')
			continue;
		if (key_eq(e->edge.source_key, a->edge.key) &&
		    strcmp(e->was_source, b->key) == 0)
			return true;
	}
	return false;
}

/* A server id says little by itself: many have the default one. */
static bool
are_related(const struct roster *r, const struct entry *a,
    const struct entry *b)
{
	if (a->cluster[0] != '\0' && strcmp(a->cluster, b->cluster) == 0)
		return true;
	if (a->failing == b->failing)
		return false;
	return a->failing ? share_replica(r, b, a) : share_replica(r, a, b);
}

struct entry *
roster_twin(const struct roster *r, const struct entry *e)
{
	bool local = strncmp(e->identity, "sid:", 4) == 0;
	struct entry *o, *found = NULL;

	if (e->identity[0] == '\0')
		return NULL;
	HASH_FIND(hh_id, r->by_identity, e->identity, strlen(e->identity), o);
	for (; o != NULL; o = o->same) {
		if (o == e || (e->failing && o->failing) ||
		    (e->cloned && o->cloned))
			continue;
		if (local && !are_related(r, e, o))
			continue;
		if (found == NULL || o->failing)
			found = o;
	}
	return found;
}

/* The edge's keys, from the raw ones, by the names known now. */
static bool
refile(struct roster *r, struct entry *e)
{
	struct key source = roster_filed(r, e->raw_source);
	struct key group = roster_filed(r, e->raw_group_primary);
	bool differs = !key_eq(source, e->edge.source_key) ||
	    !key_eq(group, e->edge.group_primary);

	if (differs) {
		e->edge.source_key = key_dup(source, &e->arena);
		e->edge.group_primary = key_dup(group, &e->arena);
	}
	return differs;
}

/* What decides a server's place. */
static bool
same_edge(const struct entry *e, const struct instance *in)
{
	return key_eq(e->raw_source, in->source_key) &&
	    key_eq(e->raw_group_primary, in->group_primary) &&
	    strcmp(e->edge.group_name, in->group_name) == 0 &&
	    strcmp(e->edge.group_member_role, in->group_member_role) == 0 &&
	    strcmp(e->edge.group_member_state, in->group_member_state) == 0 &&
	    strcmp(e->edge.read_coord.file, in->read_coord.file) == 0 &&
	    e->edge.using_oracle_gtid == in->using_oracle_gtid &&
	    e->edge.using_mariadb_gtid == in->using_mariadb_gtid &&
	    e->edge.server_id == in->server_id;
}

bool
roster_set_edge(struct roster *r, struct entry *e, const struct instance *in)
{
	struct key own;
	struct arena old = e->arena;

	if (e->edge.version[0] != '\0' && same_edge(e, in))
		return false;
	if (key_valid(e->raw_source) && !key_eq(e->raw_source, in->source_key))
		key_text(roster_filed(r, e->raw_source), e->was_source);
	arena_init(&e->arena);
	own = e->edge.key;
	e->edge = *in;
	e->edge.key = own;
	instance_own(&e->edge, &e->arena);
	e->raw_source = e->edge.source_key;
	e->raw_group_primary = e->edge.group_primary;
	refile(r, e);
	arena_fini(&old);
	return true;
}

void
roster_refile_edges(struct roster *r)
{
	struct entry *e, *tmp;

	HASH_ITER(hh, r->by_key, e, tmp)
		refile(r, e);
}

static const struct instance *
find_shown(void *arg, struct key key)
{
	struct entry *e = roster_standing(arg, key);

	if (e == NULL || !e->shown)
		return NULL;
	e->edge.cluster_name = e->cluster; /* rings keep their name */
	return &e->edge;
}

void
roster_replace(struct roster *r,
    void (*moved)(void *arg, struct entry *e, const char *cluster), void *arg)
{
	const struct cluster_finder finder = { find_shown, r };
	char name[KEY_TEXT_MAX];
	struct entry *e, *tmp;

	HASH_ITER(hh, r->by_key, e, tmp) {
		if (!e->shown)
			continue;
		key_text(cluster_root(&e->edge, &finder, e->cluster), name);
		if (strcmp(name, e->cluster) != 0)
			moved(arg, e, name);
	}
}

static int
by_asked(const void *a, const void *b)
{
	return key_cmp(((const struct other_name *)a)->asked,
	    ((const struct other_name *)b)->asked);
}

size_t
roster_names(const struct roster *r, struct arena *a, struct other_name **out)
{
	struct other_name *at =
	    arena_alloc(a, HASH_COUNT(r->others) * sizeof *at);
	struct other *o, *tmp;
	struct entry *e;
	size_t n = 0;

	HASH_ITER(hh, r->others, o, tmp) {
		e = standing(r, o->asked);
		if (e != NULL && strcmp(e->key, o->asked) != 0)
			at[n++] = (struct other_name){
				roster_key(o->asked, a),
				key_dup(e->edge.key, a) };
	}
	qsort(at, n, sizeof *at, by_asked);
	*out = at;
	return n;
}
