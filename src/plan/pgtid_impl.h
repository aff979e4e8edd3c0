/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of a search share; see pgtid.h.  Not for others. */
#ifndef ORC_PLAN_PGTID_IMPL_H
#define ORC_PLAN_PGTID_IMPL_H

#include "base/arena.h"
#include "plan/binlog.h"
#include "plan/pgtid_text.h"
#include "topology/gtid.h"

/*
 * A phase runs until it needs an answer (TURN_WAIT, with what it needs said by
 * search_read() or search_ask()), or is over.
 */
enum turn { TURN_WAIT, TURN_OVER, TURN_FAILED };
typedef enum turn (*phase_fn)(struct pgtid *s);

/* A marker or event that was found. */
struct mark {
	struct log_place place; /* from which it is read again */
	struct coord at;	/* its own position */
	const char *name; /* its unique part, in the arena */
	const char *text; /* all of it */
	const char *type;
	int64_t end;	  /* its End_log_pos */
	uint64_t server_id;
	bool found;
};

enum { TAIL_STACK_MAX = 64, PHASES_MAX = 6 };

/* The last event of a kind in A's logs: pgtid_last.c. */
struct last_search {
	bool relay;
	struct coord limit; /* events from here on do not count; none: all */
	struct coord file;  /* that is looked through */
	unsigned files;
	/* Places in it at which events begin, ascending; scanned newest first. */
	int64_t from[TAIL_STACK_MAX];
	unsigned n;
	int64_t to;	 /* the end of the part being scanned; 0: all of it */
	uint64_t rows;	 /* that the last part can have, at most; 0: not known */
	uint64_t step;	 /* rows that the present look skips */
	enum { LAST_OPEN, LAST_LOOK, LAST_SCAN } state;
	struct mark best;
};

/* A marker or text in a server's binary logs: pgtid_search.c. */
struct find_search {
	bool begun;
	const char *want;    /* the marker's name, or the text */
	const char *text;    /* FIND: as events are compared */
	bool ordered;	     /* markers tell what comes before them */
	struct coord lo, hi; /* it is in [lo, hi); lo without file: not known */
	bool lo_gone;	     /* lo is a file that does not exist any more */
	struct coord bare;   /* no marker from here to where is looked now */
	uint64_t back;	     /* files to go back from hi */
	size_t sample;	     /* next of the history */
	struct coord at;     /* what is read now: its beginning, */
	uint64_t step;	     /* and rows passed over from there */
	uint64_t rows;	     /* behind lo that it can be in; 0: not known */
	unsigned files;	     /* opened so far */
	uint64_t looked;     /* rows read from there */
	enum { FIND_LOOK, FIND_GALLOP, FIND_SCAN } state;
};

/* A's relay log event in B's relay log: pgtid_relay.c. */
struct relay_search {
	bool begun, newest; /* newest: B's files after its applier's are read */
	bool found;	    /* on B; the next event is wanted */
	struct coord first; /* B's file that was read first */
};

/* Which logs have transactions of a GTID set: pgtid_errant.c. */
struct errant_search {
	bool begun;
	struct gtid_set left; /* not located yet */
	struct coord file;
	const char **names;   /* newest first */
	size_t n, cap;
};

/* Waiting until B is not behind: pgtid_polite.c. */
struct polite {
	bool due;	/* before more is read */
	bool asked;
	mono_t until;	/* of all the waiting; 0: none yet */
};

struct pgtid {
	struct arena arena;
	struct pgtid_rule rule;
	struct pgtid_request r;
	struct instance in[2]; /* what is used of it is in the arena */
	struct pgtid_history history[2];
	mono_t began, now;
	struct log_reader log[2];
	struct pgtid_cost cost;
	struct buf text[2]; /* normalised */

	phase_fn phase[PHASES_MAX];
	unsigned phases, at;
	bool ended;

	/* What is asked now. */
	enum { ASK_NOTHING, ASK_LOG, ASK_TEXT, ASK_PAUSE } asking;
	bool asked; /* and was given out */
	enum pgtid_side side;
	struct buf sql;
	dur_t pause;
	/* The answer to ASK_TEXT, in buf answer. */
	struct buf answer;
	enum err_code answer_code;

	struct last_search last;
	struct find_search find;
	struct polite polite;
	struct mark marker;  /* on A */
	struct mark twin;    /* on B */
	enum log_trx trx;    /* of A, after the last equal event */
	bool walking;
	bool a_held, b_held; /* the walk has an event of that side */
	bool b_past_end;     /* B's log that was current has ended */
	struct log_event a_event, b_event;
	struct relay_search relay;
	struct errant_search errant;
	struct pgtid_result result;
	struct err err;
	char progress[256];
};

/* ---- for phases ---- */

/* Read more of that side's log. */
enum turn search_read(struct pgtid *s, enum pgtid_side side);
/* Ask what is in s->sql; afterwards s->answer_code and s->answer. */
enum turn search_ask(struct pgtid *s, enum pgtid_side side);
enum turn search_pause(struct pgtid *s, dur_t d);
enum turn search_fail(struct pgtid *s, enum err_code code, const char *fmt,
    ...) __attribute__((format(printf, 3, 4)));
/* FAILED for what log_next() gave and is no event. */
enum turn search_log_failed(struct pgtid *s, enum pgtid_side side,
    enum log_got got);
/* Keep the event that was just read. */
void mark_set(struct pgtid *s, struct mark *m, enum pgtid_side side,
    const struct log_event *e);
/* What the result says of an event. */
static inline void
result_event(struct pgtid *s, const struct mark *m)
{
	s->result.text = m->text;
	s->result.type = m->type;
	s->result.end = m->end;
}

/* ---- phases ---- */

enum turn last_marker(struct pgtid *s);	    /* A's last one */
enum turn last_relay_event(struct pgtid *s); /* that A executed */
enum turn find_marker(struct pgtid *s);	    /* s->marker, on B */
enum turn find_text(struct pgtid *s);	    /* r.text, on A */
enum turn walk(struct pgtid *s);	    /* from marker and twin on */
enum turn relay_at(struct pgtid *s);	    /* A's event at r.at */
enum turn relay_find(struct pgtid *s);	    /* the same in B's relay log */
enum turn errant_files(struct pgtid *s);

/* Wait, before more is read of B, until it is not behind. TURN_OVER: go on. */
enum turn be_polite(struct pgtid *s);

#endif
