/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plans: what will be done to servers, step by step, before anything is.
 *
 * A plan is made by a pure function of a request and of what is known
 * (plan_make).  The same value is shown (dry run), carried out (run.h), undone,
 * written to the audit and remembered while it runs.
 *
 *	struct plan p;
 *	plan_init(&p);
 *	code = plan_make(&p, &request, &world, &err);
 *	... plan_words(), plan_json(), run_init(&r, &p, ...) ...
 *	plan_fini(&p);
 *
 * A refusal (INVALID, NOT_FOUND, DENIED, ...) names the server and the rule.
 * Nothing here reads a clock, a server or a configuration: they are arguments.
 */
#ifndef ORC_PLAN_PLAN_H
#define ORC_PLAN_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/pack.h"
#include "plan/pgtid.h"
#include "topology/cluster.h"
#include "topology/control.h"

enum verb {
#define STEP(VERB, wire, changes) DO_##VERB,
#include "plan/steps.def"
#undef STEP
	VERBS,
};

enum need {
#define NEED(NAME, wire, words) NEED_##NAME,
#include "plan/needs.def"
#undef NEED
	NEEDS,
};

/* How a change of source says where to begin. */
enum gtid_hint {
	GTID_NEUTRAL, /* as the server does now */
	GTID_DENY,    /* by file and position, whatever it does now */
	GTID_FORCE,   /* by GTID; refused when the server cannot */
};

/* A place in a log, most often one that is known only when it is reached. */
struct plan_at {
	enum {
		AT_NONE,
		AT_GIVEN,	/* coord */
		AT_OWN_OF,	/* where server's own binary log ends */
		AT_EXECUTED_OF, /* what server has executed of its source */
		AT_MATCHED_OF,	/* what DO_MATCH of server found */
	} kind;
	unsigned server;
	struct coord coord;
};

enum { PLAN_NOBODY = ~0u };

struct step {
	enum verb verb;
	unsigned server; /* index into plan.server */
	unsigned to;	 /* another one, or PLAN_NOBODY */
	struct plan_at at;
	enum gtid_hint gtid;
	int64_t number;
	const char *text; /* "" when none */
	uint64_t needs;	  /* 1 << NEED_... */
	dur_t limit;	  /* all of the step; > 0 */
	/*
	 * 0: the trunk, one after the other.  Otherwise the step belongs to that
	 * track: neighbouring steps with tracks form a section in which tracks
	 * run side by side, each in its own order.  A track that fails is undone
	 * by itself, and the others go on.  A trunk step that fails ends the plan
	 * and undoes what can be undone.  A track may go on in a later section
	 * (of a later stage, too): of one that failed nothing more is done.
	 */
	unsigned track;
	bool last_resort; /* runs also after a failure (RESTORE at the end); its
			   * own failure is reported and undoes nothing */
	bool unresolved;  /* CHANGE_SOURCE: name the host as it is given, not by
			   * its registered virtual name */
	const char *why; /* one phrase, for people; never NULL */
};

/* A server that the plan looks at or changes. */
struct plan_server {
	struct key key;
	const struct member *known; /* in the world; NULL: not known */
	bool locked;  /* changed by a step, or must not change meanwhile */
	bool reached; /* must answer; else what is known of it will do */
};

/* A server that the request is about moving, for the report. */
struct plan_track {
	unsigned server;
	const char *note; /* "" */
};

enum { PLAN_STEPS_MAX = 100000, PLAN_SERVERS_MAX = 20000 };

struct plan {
	struct arena arena;
	const char *op;	   /* of the request */
	const char *title; /* "relocate a:3306 below b:3306" */
	const char *method; /* how, in words: "by GTID" */
	struct step *step;
	size_t steps;
	struct plan_server *server;
	size_t servers;
	struct plan_track *track; /* [0] is the trunk's */
	size_t tracks;
	unsigned side_by_side; /* tracks at once, at most */
	bool any_track_is_enough; /* fails only when all tracks failed */
	/* What can only be decided when these steps are done: plan_make() is
	 * called again with stage and what was read meanwhile, and appends. */
	unsigned stage; /* 0: complete */
	unsigned way;	/* the maker's own: what an earlier stage decided */
	/* Not moved, and why (before anything is tried). */
	struct plan_left_out {
		struct key key;
		const char *why;
	} *left_out;
	size_t left_outs;
	const char *const *warning;
	size_t warnings;
	struct key chosen; /* regroup: the server that takes the others */
};

/* ---- what is asked ---- */

/* The fields that an operation does not use are unset. */
struct plan_request {
	const char *op; /* "relocate": a row of plans.def */
	struct key server;
	struct key target;
	const char *pattern; /* regular expression on host:port; "" for all */
	struct coord at;
	int64_t number;
	const char *text;
	const char *user;     /* credentials */
	const char *password; /* never shown, logged or kept */
	bool force;
};

void plan_request_pack(struct buf *b, const struct plan_request *r);
/* Texts point into the cursor's bytes. false: malformed. */
bool plan_request_unpack(struct pcur *c, struct plan_request *r);

/* ---- what is known ---- */

/* From configuration, in the units of config.tsv. */
struct plan_policy {
	dur_t poll;		/* InstancePollSeconds */
	dur_t maintenance_lag;	/* ReasonableMaintenanceReplicationLagSeconds */
	dur_t lag;		/* ReasonableReplicationLagSeconds */
	dur_t read_limit;	/* MySQLTopologyReadTimeoutSeconds */
	unsigned side_by_side;	/* MaxConcurrentReplicaOperations */
	bool lower_version_allowed; /* LowerReplicaVersionAllowed */
	bool verify_filters;	/* VerifyReplicationFilters */
	bool super_read_only;	/* UseSuperReadOnly */
	bool pseudo_gtid;	/* a pattern is configured */
	/* PromotionIgnoreHostnameFilters: never to take others. */
	bool (*banned)(const void *arg, struct key key); /* may be NULL */
	const void *banned_arg;
	/* How markers are known; NULL exactly when there is no pattern. */
	const struct pgtid_rule *markers;
	bool semi_sync_exact;  /* EnforceExactSemiSyncReplicas */
	bool semi_sync_enough; /* RecoverLockedSemiSyncMaster */
	/* ReplicationCredentialsQuery; NULL or "": none. */
	const char *credentials_query;
};

/*
 * The servers that could matter, from published snapshots or read afresh; a
 * server's facts are member.in, of a plan's later stages with what was read.
 */
struct world {
	const struct member *const *at; /* sorted by key */
	size_t n;
	const struct control *control; /* operators' word; may be NULL */
	const struct plan_policy *policy;
	wall_t now;
	/* Where a server's logs were in the past, to begin reading there; the
	 * value may be NULL, and so may the function. */
	const struct pgtid_history *(*history)(const void *arg,
	    struct key key);
	const void *history_arg;
	/*
	 * Where on target is the place "at" of source's log?  From what earlier
	 * moves showed; false: not known.  May be NULL.
	 */
	bool (*equivalent)(const void *arg, struct key source,
	    const struct coord *at, struct key target, struct coord *out);
	const void *equivalent_arg;
};

/* By exact key; NULL: unknown. */
const struct member *world_find(const struct world *w, struct key key);
/* Direct replicas, in key order; binlog servers' replicas count as their
 * source's when deep.  Value: how many; out has room for w->n. */
size_t world_replicas(const struct world *w, struct key source, bool deep,
    const struct member **out);
/* Valid at its last check, and checked recently (5 polls). */
bool world_is_fresh(const struct world *w, const struct member *m);

/*
 * w with what was read of some of its servers since, in a; what w has of a
 * server stays when that was read later.  PLACE rows, which a probe does not
 * read, are w's, and so is the source's name when it did not change.
 */
const struct world *world_with(const struct world *w,
    const struct member *const *read, size_t n, struct arena *a);

/* ---- making ---- */

void plan_init(struct plan *p);
void plan_fini(struct plan *p);

/*
 * The plan for r; p was made by plan_init(), or by an earlier stage whose steps
 * were all done.  On an error p is as it was.
 */
enum err_code plan_make(struct plan *p, const struct plan_request *r,
    const struct world *w, struct err *err);
/*
 * The servers after p's steps, if all goes well and nobody else does anything;
 * in a, with what w has of all others.
 */
const struct world *plan_foresee(const struct plan *p, const struct world *w,
    struct arena *a);
/*
 * The complete plan, as things stand now: later stages are made from what is
 * foreseen.  For showing; what is carried out is planned stage by stage.
 */
enum { PLAN_STAGES_MAX = 4 };
enum err_code plan_make_whole(struct plan *p, const struct plan_request *r,
    const struct world *w, struct err *err);
/* Is there such an operation? */
bool plan_knows(const char *op);

/* For those who make plans (everything is copied to the plan's arena). */
unsigned plan_server(struct plan *p, const struct world *w, struct key key);
unsigned plan_track(struct plan *p, unsigned server);
/* Appends; server must be one of the plan's. Fields left 0 get their default:
 * to PLAN_NOBODY must be said, limit is the policy's read_limit. */
struct step *plan_step(struct plan *p, const struct step *s);
void plan_leave_out(struct plan *p, struct key key, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Once each. */
void plan_warn(struct plan *p, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
const char *plan_text(struct plan *p, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- checking ---- */

/*
 * Does it hold?  server and to are facts read just now (to may be NULL where
 * the need has none), was the server's facts at the plan's first look.  INVALID
 * says what is not so, with names.
 */
enum err_code need_check(enum need need, const struct member *server,
    const struct member *to, const struct member *was, const struct world *w,
    struct err *err);

/*
 * May a replicate from b?  The first rule that says no; warnings (a lower
 * version that is allowed, errant transactions) go to warn, which may be NULL.
 * From: inst/instance.go, 3.2.6, CanReplicateFrom; flavours and gtid_mode are
 * ours.
 */
enum err_code may_replicate(const struct world *w, const struct member *a,
    const struct member *b, struct err *warn, struct err *err);
/*
 * Both can speak GTID with each other, and b has all that a lacks.
 * UNSUPPORTED: they cannot; NOT_FOUND: b lost what a lacks; INVALID: they have
 * diverged, and no other method mends that.
 */
enum err_code may_replicate_gtid(const struct world *w, const struct member *a,
    const struct member *b, struct err *warn, struct err *err);

/* ---- showing ---- */

/*
 * For people: title, how, then numbered steps with server, what, why and
 * statements as that server's version would get them; passwords as '?'.
 */
void plan_words(const struct plan *p, struct buf *out);
/* {"Operation", "Title", "Method", "Servers", "Steps", "LeftOut", "Warnings"};
 * doc/refactoring.md has the shape. */
void plan_json(const struct plan *p, struct json *w);

const char *verb_wire(enum verb v);
bool verb_changes(enum verb v);

#endif
