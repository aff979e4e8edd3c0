/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Carrying a plan out, without doing it: what is to be asked of which server
 * next, and what follows from the answer.  Pure; the mover actor (or a test,
 * against model servers) does the asking.
 *
 *	run_init(&r, &plan, &request, world, now);
 *	for (;;) {
 *		while (run_next(&r, now, &order))
 *			... begin order, remember its ticket ...
 *		if (run_ended(&r))
 *			break;
 *		... wait for an answer ...
 *		run_feed(&r, ticket, &reply, now);
 *	}
 *	... run_json(), run_failed(), r.track[i] ...
 *
 * The rules:
 *   - before a step its servers' facts are read afresh and its needs checked;
 *   - a step that changes something is kept (RUN_KEEP) before it is sent, with
 *     what undoing it needs, so that a new process can do that;
 *   - what a server had of the channel (user, TLS, heartbeat, retry, delay, GTID
 *     mode, public key) is as it was after a change of source;
 *   - threads end as they were found, unless the plan is about them;
 *   - a step that fails, or passes its limit, ends its track: steps done are
 *     undone in reverse, as far as they can be, and where the servers stand then
 *     is said one by one;
 *   - when it is not known whether a statement had its effect (the connection
 *     broke under it), the server is looked at before anything else is decided.
 */
#ifndef ORC_PLAN_RUN_H
#define ORC_PLAN_RUN_H

#include "plan/plan.h"

struct run;

enum run_want {
	RUN_LOOK,  /* read server's facts by a fresh probe; with a text: at that
		    * host, where nobody else may answer */
	RUN_QUERY, /* send text over server's own, pinned session */
	RUN_PAUSE, /* nothing but time: limit */
	RUN_KEEP,  /* remember kept, then answer */
	RUN_PLAN,  /* all known is read: call run_stage() with a fresh world */
	RUN_HOOK,  /* run the programs of the configuration key text */
};

struct run_order {
	enum run_want want;
	unsigned ticket; /* of run_feed() */
	unsigned server; /* index into plan.server */
	unsigned to;	 /* RUN_HOOK: the step's other one, or PLAN_NOBODY */
	const char *text; /* until the ticket is answered */
	dur_t limit;
	struct bin kept;
	bool secret; /* text holds a password: not for logs */
};

struct run_reply {
	enum err_code code; /* TIMEOUT, LOST, SERVER, ...: as of a session */
	unsigned errnum;
	const char *error;
	struct bin rows;		/* RUN_QUERY */
	const struct instance *facts;	/* RUN_LOOK; copied */
	const struct health *health;	/* likewise */
};

enum track_end {
	TRACK_PENDING,
	TRACK_DONE,
	TRACK_FAILED, /* and undone, or left as said */
	TRACK_NOT_TRIED,
};

struct track_result {
	enum track_end end;
	size_t step;	   /* that failed, index into plan.step */
	const char *why;   /* server, statement and the server's own words */
	const char *left;  /* how the server stands now, when not as before; "" */
	bool undone;	   /* everything is as it was found */
	struct coord found; /* by MATCH */
	uint64_t count;	   /* transactions injected, logs flushed, events matched */
};

/* plan, w and what the request points to live until run_free(); w, and those of
 * later stages, because the plan points into them. */
struct run *run_new(struct plan *plan, const struct plan_request *request,
    const struct world *w, mono_t now);
void run_free(struct run *r);

/* Something to do now?  false: wait for answers, or it has ended. */
bool run_next(struct run *r, mono_t now, struct run_order *order);
void run_feed(struct run *r, unsigned ticket, const struct run_reply *reply,
    mono_t now);
/* Answer to RUN_PLAN. */
void run_stage(struct run *r, unsigned ticket, const struct world *w,
    mono_t now);
/* Undo what was done and end (a shutdown, a person). */
void run_cancel(struct run *r, const char *why, mono_t now);
bool run_ended(const struct run *r);
/* Grows whenever a step begins or ends. */
uint64_t run_turns(const struct run *r);
/* Ended, and not as the plan says; err: the first failure. */
bool run_failed(const struct run *r, struct err *err);
const struct track_result *run_track(const struct run *r, unsigned track);
/*
 * Places in two servers' logs that a move by file and position showed to be the
 * same: where a server stood on its old source, and where it was put on the new
 * one.  Not where coordinates were merely kept, nor by GTID.
 */
struct run_equal {
	struct key was, is;
	struct coord was_at, is_at;
};
/* How many; *out: the first, in the run. */
size_t run_equals(const struct run *r, const struct run_equal **out);
/* Facts as last read in the run; NULL: not read. */
const struct member *run_facts(const struct run *r, unsigned server);

/*
 * What an earlier process kept of a run that did not end: a run that only
 * undoes.  NULL and err: the bytes are not of a run.
 */
struct run *run_recover(struct bin kept, const struct world *w, mono_t now,
    struct err *err);
const struct plan *run_plan(const struct run *r);

/* {"Result", "Tracks": [...], "Steps": with begin, duration, statements}. */
void run_json(const struct run *r, struct json *w);
/* One line for each thing done: the audit. */
void run_words(const struct run *r, struct buf *out);

#endif
