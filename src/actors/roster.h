/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory's book: which servers exist, under which key each is filed,
 * which other names lead to it, who it is underneath (uuid, or MariaDB's server
 * id), and which cluster its sources put it in.  Plain data, no messages.
 */
#ifndef ORC_ACTORS_ROSTER_H
#define ORC_ACTORS_ROSTER_H

#include <uthash.h>

#include "actors/directory.h"
#include "topology/cluster.h"

enum {
	IDENTITY_MAX = 128,
	ROSTER_SERVERS_MAX = 200000,
	ROSTER_ALIASES_MAX = 1000000,
	ROSTER_HOPS_MAX = 8, /* names that lead to names */
};

/* How a server came to be known: decides whether it is shown before it was
 * reached, and kept when it never was. */
enum found_by {
	BY_STORE,   /* known before the restart */
	BY_SEED,    /* DiscoverySeeds */
	BY_API,	    /* someone asked */
	BY_SOURCE,  /* a replica named it as its source */
	BY_GROUP,   /* a member of its group named it */
	BY_REPLICA, /* its source listed it */
};

struct entry {
	UT_hash_handle hh;    /* by key */
	UT_hash_handle hh_id; /* by identity: the head of the chain */
	UT_hash_handle hh_actor;
	char key[KEY_TEXT_MAX];
	char asked[KEY_TEXT_MAX]; /* the address it is reached by */
	char identity[IDENTITY_MAX]; /* "" until reached */
	struct entry *same;	     /* next with this identity */
	addr_t actor; /* roster_set_actor(); ADDR_NONE: none yet */
	enum found_by by;
	bool shown;    /* has, or is to have, a place in a cluster */
	bool reached;  /* a probe succeeded, now or before the restart */
	bool failing;  /* the latest did not */
	bool answered; /* a probe ended since the start */
	bool fresh;    /* and one of them well */
	bool cloned;   /* another one that says it is the same is alive too */
	bool moved;    /* its cluster is another since roster_replace() began */
	wall_t known_from, known_to; /* when it was seen, by the store */
	struct arena arena;   /* of edge and health */
	struct instance edge; /* facts; its keys are filed ones */
	struct key raw_source; /* as the server names them */
	struct key raw_group_primary;
	char was_source[KEY_TEXT_MAX]; /* filed key of the source before; "" */
	char *cluster; /* name; "" while it has no place */
	char *facts;   /* packed, only between load and start; NULL */
	size_t facts_len;
	char *health;
	size_t health_len;
};

struct other; /* another name of a server */

struct roster {
	struct entry *by_key;
	struct entry *by_identity;
	struct entry *by_actor;
	struct other *others;
};

void roster_init(struct roster *r);
void roster_fini(struct roster *r);

/* By any name; NULL when unknown. */
struct entry *roster_find(const struct roster *r, struct key key);
/* Likewise, but not an entry that waits to be reached where another one was. */
struct entry *roster_standing(const struct roster *r, struct key key);
/* By filed key only. */
struct entry *roster_find_filed(const struct roster *r, struct key key);
/* Whose actor that is; NULL: it was of an entry that is gone. */
struct entry *roster_find_actor(const struct roster *r, addr_t actor);
void roster_set_actor(struct roster *r, struct entry *e, addr_t actor);
/* key must be new. */
struct entry *roster_add(struct roster *r, struct key key, enum found_by by);
void roster_remove(struct roster *r, struct entry *e);
/* File it under another key, which must be free. */
void roster_rename(struct roster *r, struct entry *e, struct key filed);
/*
 * asked leads to filed from now on.  checked: when a probe of that address told
 * so; 0 when it did not, because a server was there before, or is said to be.
 * false: it did lead there already.
 */
bool roster_alias(struct roster *r, struct key asked, struct key filed,
    mono_t checked);
/*
 * Is key another name of a server that is reached by a different one, and that
 * was not checked since then?
 */
bool roster_doubts(const struct roster *r, struct key key, mono_t since);
/* false: there was no such name. */
bool roster_unalias(struct roster *r, struct key asked);
/* Forget every name that leads to e; dropped is told each of them. */
void roster_drop_names(struct roster *r, const struct entry *e,
    void (*dropped)(void *arg, const char *name), void *arg);
struct key roster_filed(const struct roster *r, struct key asked);

void roster_set_identity(struct roster *r, struct entry *e, const char *id);
/*
 * Another entry that seems to be the same server, a failing one first; NULL:
 * none.  A uuid is unique everywhere.  A MariaDB server id ("sid:N") is so
 * within a cluster only: the other one is in the same, or what replicates from
 * the one did so from the other before.  Clones, which were seen alive at
 * the same time, are no twins.
 */
struct entry *roster_twin(const struct roster *r, const struct entry *e);

/* Take facts; true when they change its place in a tree. */
bool roster_set_edge(struct roster *r, struct entry *e,
    const struct instance *facts);
/* Names changed: translate all edges again. */
void roster_refile_edges(struct roster *r);

/*
 * Recompute the cluster of every shown entry; moved is called for each one
 * whose cluster's name is now another (e->cluster still has the old one), and
 * must leave the book's entries as they are.
 */
void roster_replace(struct roster *r,
    void (*moved)(void *arg, struct entry *e, const char *cluster), void *arg);

/* For the published snapshot: all names that lead to an entry, sorted. */
size_t roster_names(const struct roster *r, struct arena *a,
    struct other_name **out);

/* "host:port" back to a key; host is in a. */
struct key roster_key(const char *text, struct arena *a);

#endif
