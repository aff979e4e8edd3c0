/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of a run, shared by run*.c and undo.c only.
 *
 * A lane is the trunk or a track at work: it carries one step out at a time,
 * has at most one order with the world, and goes on in "then" when that is
 * answered.  Whatever goes wrong ends in lane_fail(), which undoes what the
 * lane has in its list, newest first.
 */
#ifndef ORC_PLAN_RUN_IMPL_H
#define ORC_PLAN_RUN_IMPL_H

#include "plan/run.h"
#include "plan/sql.h"

enum {
	RUN_SLICE_S = 1,    /* one wait on a server, before we look up */
	RUN_DRY_SLICES = 15, /* of a wait without a receiver, all applied */
	RUN_AGAIN_MAX = 2,  /* a statement whose outcome is not known is sent */
	RUN_RESETS_MAX = 5, /* tries of RESET BINARY LOGS, and of gtid_purged */
};
/* A statement may take so much longer than the wait that it holds. */
#define RUN_SLACK DUR_S(10)
/* For a receiver to connect. */
#define RUN_PATIENCE DUR_S(12)
/* A receiver that names an error gets this long to get over it. */
#define RUN_ERROR_PATIENCE DUR_S(2)
/* Facts read by the same lane this long ago are fresh, if nothing was sent. */
#define RUN_FRESH DUR_MS(200)
/* For one record to be undone, and for a look that has to decide. */
#define RUN_UNDO_LIMIT DUR_S(30)
#define RUN_DECIDE DUR_S(15)
#define RUN_RESTART DUR_S(1)

struct lane;
typedef void lane_fn(struct lane *l);
enum seen { SEEN_YES, SEEN_NOT_YET, SEEN_NO };
typedef enum seen seen_fn(struct lane *l);

/* What was before: how to get back there. */
enum before_kind {
	BEFORE_THREADS,	 /* io, sql: they were on */
	BEFORE_CHANNEL,	 /* source, at, by...; put: where it was changed to */
	BEFORE_DELAY,	 /* number */
	BEFORE_READ_ONLY, /* number: read_only, 2: super as well */
	BEFORE_SEMI_SOURCE, /* number */
	BEFORE_SEMI_REPLICA, /* number */
	BEFORE_LOGS,	 /* text: what gtid_purged must become */
	BEFORE_GONE,	 /* text: what was done cannot be taken back */
	BEFORES,
};
struct before {
	struct before *older;
	enum before_kind kind;
	unsigned server;
	unsigned track;
	uint64_t serial; /* order of time, over all lanes */
	bool io, sql;
	int64_t number;
	const char *text;
	struct sql_source was; /* BEFORE_CHANNEL */
	struct sql_source put;
	const char *executed; /* GTID set, or MariaDB's position; "" */
};

/* What a step did, for the report. */
struct step_log {
	enum { STEP_WAITING, STEP_RUNNING, STEP_DONE, STEP_NOTHING,
		STEP_FAILED } state;
	mono_t began, ended;
	struct buf said; /* statements, one a line, no secrets */
	const char *error;
};

struct run_server {
	struct arena arena; /* of now */
	struct member now;
	bool read;
	mono_t read_at;
	bool touched; /* something was sent since */
	struct arena was_arena;
	struct member was; /* at the first look */
	bool was_read;
	bool found; /* its threads were remembered: */
	bool found_io, found_sql;
	bool found_connecting; /* its receiver was on, but not connected */
	bool until; /* START UNTIL was sent: its applier may stop by itself */
	bool spoken; /* the session was prepared */
	struct coord matched; /* by MATCH; file "" */
	const char *trouble; /* how it stands now, when not as before */
	const struct before *adrift; /* a change of source, of which it is not
				      * known whether it took it back */
};

struct lane {
	struct run *run;
	unsigned track;
	enum { LANE_IDLE, LANE_STEP, LANE_UNDO, LANE_OVER } state;
	size_t step; /* index into plan.step; SIZE_MAX when undoing */
	unsigned server; /* that is worked on */
	mono_t began, deadline;
	bool stop; /* asked to; at the next answer */

	/* the order */
	bool ordered; /* one is with the world, or is to be handed out */
	bool handed;
	struct run_order order;
	struct buf text;
	struct buf kept;
	lane_fn *then;
	const struct run_reply *reply; /* while "then" runs */
	lane_fn *after; /* of a look or a wait with more than one order */
	seen_fn *seen;	/* of that look */
	unsigned looked;
	mono_t looked_since;
	bool want_io, want_sql; /* threads that should run, and others not */
	bool lenient; /* a receiver that connects is one that runs */
	lane_fn *threads_end;
	lane_fn *wait_end;
	unsigned dry; /* slices in a row; see run_wait.c */
	unsigned errnum; /* of l->trouble */
	const char *wanted_set; /* of GTIDs */
	const char *wait_gtid; /* NULL: wait for "at" */

	/* statements to send */
	struct buf list;
	size_t list_at;
	lane_fn *list_end;
	bool list_secret;
	bool keeps_going; /* an error of a statement is not the end */
	unsigned again;
	bool unknown;	 /* the outcome of the last statement */
	mono_t blind_since; /* it could not be looked at; 0: it could */
	unsigned restarts; /* of a step that must not fail */
	bool late;	 /* the time to decide was given */
	struct err trouble; /* the last one */
	mono_t trouble_since; /* a receiver's error was first seen */
	dur_t pause;

	/* of a verb */
	unsigned phase;
	struct coord at;
	struct sql_source target;
	bool domains; /* MariaDB: the channel has lists of them */
	struct run_equal equal; /* shown when that succeeds; no file: nothing */
	struct arena arena; /* of the step */
	struct before *undoing;
	struct pgtid *search;
	int64_t count;
};

struct run {
	struct plan *plan;
	struct plan *recovered; /* ours; NULL unless run_recover() made it */
	struct plan_request request;
	const struct world *world;
	struct arena arena;
	mono_t now;
	mono_t began, ended;
	unsigned ticket; /* the last one */
	uint64_t serial; /* of records of what was before */
	uint64_t turns;	 /* steps begun and ended, and the like */
	struct run_server *server;
	size_t servers;
	struct lane *lane; /* [0] is the trunk's */
	unsigned lanes;
	struct track_result *result;
	size_t tracks;
	struct step_log *log;
	size_t logs;
	size_t *next_of; /* next step of the same track and section */
	size_t *first_of; /* by track: where it begins in this section */
	struct before *before; /* newest first */
	size_t at; /* of the trunk */
	size_t section_end; /* while tracks run */
	size_t running; /* lanes of the section */
	unsigned next_track;
	bool cancelled;
	const char *cancel_why;
	bool failed; /* the trunk: only last resorts are left */
	bool recovering;
	bool over;
	struct err first; /* failure */
	struct buf told; /* lines for the audit */
	struct run_equal *equal; /* places that are the same */
	size_t equals;
};

/* ---- run_lane.c: lanes and orders ---- */

struct run_server *run_server(struct run *r, unsigned i);
/* As last read, else as known, else an empty one. */
const struct instance *run_in(struct run *r, unsigned i);
const char *run_name(struct run *r, unsigned i);
const struct step *lane_step(const struct lane *l);
dur_t lane_left(const struct lane *l);
/* Time is up, and still it must be found out how the server stands. */
void lane_time_to_decide(struct lane *l);
/* A look failed: has that been so for RUN_DECIDE, or is the time over? */
bool lane_is_blind(struct lane *l);

/* Each gives one order; "then" runs when it is answered. */
void lane_look(struct lane *l, unsigned server, lane_fn *then);
void lane_query(struct lane *l, unsigned server, const char *text, dur_t limit,
    bool secret, lane_fn *then);
void lane_pause(struct lane *l, dur_t d, lane_fn *then);
void lane_keep(struct lane *l, lane_fn *then);
void lane_order(struct lane *l, enum run_want want, dur_t limit, lane_fn *then);

/* The step is over. */
void lane_done(struct lane *l);
void lane_nothing(struct lane *l); /* there was nothing to do */
void lane_fail(struct lane *l, enum err_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* A statement of the step, for its report. */
void run_said(struct lane *l, const char *text);
/* The channel's threads were not looked at yet: they are remembered. */
void run_note_threads(struct lane *l, unsigned server);
struct before *run_before(struct lane *l, enum before_kind kind,
    unsigned server);
void run_say(struct run *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- run_step.c: what all verbs do alike ---- */

void step_begin(struct lane *l);
/* Put a statement on the lane's list (empty after list_begin()). */
void list_begin(struct lane *l);
void list_add(struct lane *l, const char *text);
void list_step(struct lane *l, const struct sql_ask *more);
/* Keep the journal, send the list, then go on in end. */
void list_send(struct lane *l, lane_fn *end);
void list_send_unkept(struct lane *l, lane_fn *end);
/* Look at the server until it is as wanted, then after; or fail with words,
 * which are l->trouble when seen says no. */
void look_until(struct lane *l, seen_fn *seen, lane_fn *after);
/* The value of the first column of the last result, "NULL" as NULL. */
const char *reply_value(struct lane *l, bool *any);

/* ---- the verbs ---- */

struct verb_way {
	/* It is as wanted already: nothing is sent.  NULL: never. */
	bool (*is_so)(struct lane *l);
	/* Remember what is before. */
	void (*remember)(struct lane *l);
	/* After the statements: is it as wanted?  NULL: that they were
	 * accepted is all.  NO with a reason in l->trouble. */
	seen_fn *seen;
	/* Another way altogether, after the needs were checked. */
	lane_fn *begin;
	/* When its outcome is not known and it is not seen: send it again. */
	bool may_repeat;
	bool secret;
};
extern const struct verb_way verb_ways[VERBS];

/* run_threads.c */
bool both_stopped(const struct instance *in);
lane_fn begin_stop, begin_stop_receiver, begin_stop_applier, begin_start,
    begin_start_applier, begin_start_receiver, begin_restore;
/* Receiver and applier run as said, or not, then "after". */
void threads_set(struct lane *l, bool io, bool sql, bool lenient,
    lane_fn *after);

/* run_semi.c: what a replica's own side of semi-sync should be. */
enum semi { SEMI_ASIS, SEMI_ON, SEMI_OFF };
enum semi run_semi_sync(struct run *r, unsigned server);

void run_prepare_semi_sync(struct lane *l); /* adds to the list */

/* run_wait.c */
/* false: it is not known. */
bool run_place(struct lane *l, const struct plan_at *at, struct coord *out);
lane_fn begin_stop_nicely, begin_start_until, begin_wait_for;

/* run_channel.c */
lane_fn begin_change, begin_credentials, begin_skip;
bool channel_is(const struct instance *in, const struct sql_source *s);
/* How a change of source reads afterwards; false: it cannot be forced. */
bool channel_choose(const struct step *s, const struct instance *in,
    enum sql_by *by);

/* run_server.c, run_logs.c */
void run_remember_gone(struct lane *l); /* it cannot be taken back */
lane_fn begin_inject, begin_reset_logs, begin_flush, begin_match, begin_hook,
    logs_on, logs_look;

/* ---- undo.c ---- */

/* Undo all records of the lane's track (trunk: all), newest first. */
void undo_begin(struct lane *l);
/* The present record: it is as before again; it cannot be undone. */
void lane_undone(struct lane *l);
void undo_failed(struct lane *l, const char *why);
/* How that server stands is told as what is left. */
void undo_leave(struct lane *l, unsigned track, unsigned server,
    const char *why);
void journal_pack(const struct run *r, struct buf *b);

#endif
