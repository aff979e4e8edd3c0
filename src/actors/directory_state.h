/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the directory actor share; nobody else includes it.
 *
 *	directory.c	  servers, names, places, the frame
 *	directory_same.c  who is whom: other names, moves, clones
 *	directory_forget.c what is to be forgotten, and for how long
 *	directory_ask.c	  look-ups and probes that are under way for someone
 *	directory_start.c what the store knew, placed before the first probe
 */
#ifndef ORC_ACTORS_DIRECTORY_STATE_H
#define ORC_ACTORS_DIRECTORY_STATE_H

#include "actors/classes.h"
#include "actors/roster.h"

enum {
	REPLACE_US_EACH = 10, /* a walk waits that long for each server */
	FORGOTTEN_MAX = 100000,
	PROBES_MAX = 4096, /* asked for by people, under way */
	NEAR_MAX = 1000,   /* servers of a cluster that share a thread */
};

#define PROBE_LIMIT DUR_S(30)
#define REPLACE_AFTER DUR_MS(2)
/* So long another name of a server is believed in. */
#define DOUBT_LISTED DUR_S(300)
#define DOUBT_SOURCE DUR_S(60)
#define DOUBT_ASKED DUR_S(5)
/* When another name was checked: not at all, by somebody else for good. */
#define UNCHECKED ((mono_t){ 0 })
#define CERTAIN ((mono_t){ INT64_MAX })
#define PROGRESS_EVERY DUR_S(5)
#define PUBLISH_EVERY DUR_MS(100)

struct group { /* a cluster actor */
	UT_hash_handle hh;
	char name[KEY_TEXT_MAX];
	addr_t actor;
	uint32_t members;
};

struct forgotten {
	UT_hash_handle hh;
	char key[KEY_TEXT_MAX];
	mono_t until;
};

struct passed { /* asked for by someone, passed on to an instance */
	UT_hash_handle hh;
	uint32_t serial;
	struct ask ask;
	char key[KEY_TEXT_MAX];
	bool added; /* by this very request: dropped when not reached */
	/* By the directory itself: does that clone answer?  "" else. */
	char clone[KEY_TEXT_MAX];
};

struct lookup { /* a name that must be resolved first */
	UT_hash_handle hh;
	uint32_t serial;
	uint32_t port;
	enum found_by by;
	bool asked; /* ask is set: a server_probe waits */
	bool follow;
	struct ask ask;
	char host[KEY_HOST_MAX + 1];
};

struct directory {
	struct roster roster;
	struct group *groups;
	struct forgotten *forgotten;
	struct passed *probes;
	struct lookup *lookups;
	addr_t finder;	     /* the instance that names a server just now */
	bool probing;	     /* instances run their schedules */
	bool started;	     /* directory_start came and all are placed */
	bool names_dirty; /* edges are to be translated again */
	bool places_dirty;
	bool snap_dirty;
	timer_ref tick;
	mono_t tick_due; /* 0: none */
	mono_t published;
	uint32_t loaded;     /* server_known so far */
	uint32_t expected;
	struct ask start;    /* of directory_start */
	uint32_t syncing;    /* clusters that have not answered yet */
	uint32_t reached, answered, failing; /* servers, as in the snapshot */
	bool discovering;     /* some wait for their first probe */
	bool progress_shown;  /* in the log */
	mono_t progress_told;
};

/* directory.c */
struct entry *directory_add(struct directory *d, struct ctx *ctx,
    struct key key, enum found_by by);
/* forget: the store shall, too. */
void directory_end(struct directory *d, struct ctx *ctx, struct entry *e,
    bool forget);
void directory_names_changed(struct directory *d, struct ctx *ctx,
    struct key asked, struct key filed);
void directory_found(struct directory *d, struct ctx *ctx, struct key key,
    enum found_by by);
bool directory_doubts(struct directory *d, struct ctx *ctx,
    const struct entry *e, struct key key, dur_t after);
void directory_suggest(struct ctx *ctx, const struct entry *e,
    struct key key);
void directory_set_failing(struct directory *d, struct entry *e,
    bool failing);
bool directory_filtered(struct ctx *ctx, struct key key, enum found_by by);
struct group *directory_group(const struct directory *d, const char *name);
/* For act_spawn(): beside its cluster; g NULL: anywhere. */
int directory_home(struct ctx *ctx, const struct group *g);
void directory_replace(struct directory *d, struct ctx *ctx);
void directory_publish(struct directory *d, struct ctx *ctx);
void directory_send_place(struct ctx *ctx, const struct entry *e,
    const struct group *g);

/* directory_same.c */
void directory_check_twin(struct directory *d, struct ctx *ctx,
    struct entry *e);
void directory_on_verified(struct directory *d, struct ctx *ctx,
    const struct passed *p, enum err_code code);
void directory_audit(struct ctx *ctx, const char *type, const struct entry *e,
    const char *message);
void directory_on_filed(struct directory *d, struct ctx *ctx,
    const struct msg *m);

void directory_learn_source(struct directory *d, struct ctx *ctx,
    const struct entry *of, const struct instance *replica);
void directory_on_strayed(struct directory *d, struct ctx *ctx,
    const struct msg *m);

/* directory_forget.c */
bool directory_is_forgotten(struct directory *d, struct ctx *ctx,
    struct key key);
void directory_on_forget(struct directory *d, struct ctx *ctx,
    const struct msg *m);
void directory_on_forget_cluster(struct directory *d, struct ctx *ctx,
    const struct msg *m);
void directory_drop_forgotten(struct directory *d);

/* directory_ask.c */
void directory_verify(struct directory *d, struct ctx *ctx, struct entry *e,
    const struct entry *clone);
bool directory_look_up(struct directory *d, struct ctx *ctx,
    const struct lookup *what);
void directory_on_probe(struct directory *d, struct ctx *ctx,
    const struct msg *m);
void directory_on_probed(struct directory *d, struct ctx *ctx,
    const struct msg *m);
void directory_on_resolved(struct directory *d, struct ctx *ctx,
    const struct msg *m);
void directory_on_refused(struct directory *d, struct ctx *ctx,
    const struct msg *m);
void directory_drop_asks(struct directory *d, struct ctx *ctx);

/* directory_start.c */
void directory_on_known(struct directory *d, struct ctx *ctx,
    const struct msg_server_known *k);
void directory_on_start(struct directory *d, struct ctx *ctx,
    const struct msg *m);
void directory_on_synced(struct directory *d, struct ctx *ctx);

#endif
