/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking at what is published, for one call: everything found here stays valid
 * until the call is closed.  Nothing waits for an actor.
 *
 * One call sees one version of the configuration, of the operators' word and of
 * each cluster it touches.
 */
#ifndef ORC_OPS_VIEW_H
#define ORC_OPS_VIEW_H

#include "actors/cluster.h"
#include "actors/directory.h"
#include "actors/names.h"
#include "config/conf.h"
#include "mysql/rows.h"
#include "ops/call.h"
#include "topology/control.h"

/* A server and the version of its cluster it was found in. */
struct found {
	const struct cluster_snap *snap;
	const struct member *m;
};

struct founds {
	struct found *at; /* in the call's arena */
	size_t n;
};

const struct config *view_config(struct op_call *c);
const struct control *view_control(struct op_call *c);
const struct names_snap *view_names(struct op_call *c);	       /* or NULL */
const struct directory_snap *view_directory(struct op_call *c); /* or NULL */
wall_t view_now(struct op_call *c); /* when it began to look */

/* ---- servers ---- */

/* By exact key; false: unknown. */
bool view_find(struct op_call *c, struct key key, struct found *f);

/*
 * The key that people mean: as given when such a server is known, else by the
 * other names of servers, by the resolved host name, or as the only known server
 * of that port whose host contains the text (never for an IPv4 address).
 * Without any of these: the resolved name, else as given.
 */
struct key view_key_known(struct op_call *c, struct key asked);

/*
 * The call's host and port, as they stand.  false: the port is no number (the
 * error was answered).
 */
bool view_key_arg(struct op_call *c, const char *host, const char *port,
    struct key *key);

/* The server that host and port mean. false: the error was answered. */
bool view_server_arg(struct op_call *c, struct found *f);

/* Facts with the operators' word and the times of now: what v1 shows. */
void view_instance(struct op_call *c, const struct found *f,
    struct instance *out);
/* Of a member that is in no snapshot: facts and notes. */
void view_notes(struct op_call *c, const struct member *m,
    struct instance *out);
/* note_is_problem() */
bool view_is_problem(struct op_call *c, const struct member *m);
void view_instance_json(struct op_call *c, struct json *w,
    const struct found *f);
void view_instances_json(struct op_call *c, struct json *w,
    const struct founds *list);
void view_key_json(struct json *w, struct key key);

/* The whole answer: these servers; a long list goes out in pieces. */
void reply_instances(struct op_call *c, const struct founds *list);
/* All members of a cluster. */
void reply_members(struct op_call *c, const struct cluster_snap *snap);
/* v1 answers null instead of an empty list in some places. */
void reply_instances_or_null(struct op_call *c, const struct founds *list);

/* Every known server, by member_cmp(). */
struct founds view_all(struct op_call *c);
/* Those of them for which want() is true. */
struct founds view_all_where(struct op_call *c,
    bool (*want)(struct op_call *c, const struct found *f, void *arg),
    void *arg);
/* The members of one cluster, in their order. */
struct founds view_members(struct op_call *c, const struct cluster_snap *snap);
/* Those for which keep() is true, in place. */
void view_filter(struct op_call *c, struct founds *list,
    bool (*keep)(struct op_call *c, const struct found *f, void *arg),
    void *arg);

/* ---- clusters ---- */

/* By exact name; NULL: unknown. */
const struct cluster_snap *view_cluster(struct op_call *c, const char *name);
const struct cluster_snap *view_cluster_by_alias(struct op_call *c,
    const char *alias);
/* By name, alias or host:port of a member; NULL: none of these. */
const struct cluster_snap *view_cluster_by_hint(struct op_call *c,
    const char *hint);
/*
 * The cluster that the call's arguments name: clusterHint, clusterName,
 * clusterAlias (an alias only), or host and port.  NULL: the error was answered.
 */
const struct cluster_snap *view_cluster_arg(struct op_call *c);

/* Sorted by name; *n of them, in the call's arena. */
const struct cluster_snap **view_clusters(struct op_call *c, size_t *n);

/* The name for people: set by hand, said by its servers, configured; else its
 * name. */
const char *view_alias(struct op_call *c, const struct cluster_snap *snap);
const char *view_domain(struct op_call *c, const struct cluster_snap *snap);
void view_cluster_info(struct op_call *c, const struct cluster_snap *snap,
    struct cluster_info *info);

/* ---- the past ---- */

/*
 * The rows of a read_ran, before the first one; they point into m.  NULL: the
 * error was answered.
 */
struct rows *view_rows(struct op_call *c, const struct msg *m);

/* ---- inside: dispatch.c ---- */
void view_drop(struct op_call *c); /* all references of the call */
void view_aliases_free(struct op_aliases *aliases);
void view_rendered_free(struct op_rendered *all);

#endif
