/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the threads of rt.c and the simulator share: slots, cells, actors, their
 * inboxes.  Internal to this folder.
 *
 * A struct ctx is one home: a runtime thread, or what stands for one in the
 * simulator.  Its fields are its own thread's; only what is _Atomic is read by
 * others.
 */
#ifndef ORC_RUNTIME_CORE_H
#define ORC_RUNTIME_CORE_H

#include <pthread.h>
#include <stdatomic.h>

#include "runtime/board.h"
#include "runtime/rng.h"
#include "runtime/runtime.h"
#include "runtime/wheel.h"

enum {
	BATCH_MAX = 64,		/* messages of one actor in one turn */
	INBOX_DEFAULT = 1024,	/* requests that may wait */
	POOL_MAX = 4096,	/* free cells a thread keeps */
	RETURN_MAX = 64,	/* free cells sent home together */
	BODY_KEEP_MAX = 2048,	/* a larger body is freed with its message */
	SLOT_CHUNK = 1024,
	SLOT_CHUNKS_MAX = 4096, /* 4 million actors */
	HOMES_MAX = 1024,
	HOME_NOBODY = 0xffff,	/* in a slot: no actor */
	VERSION_NONE = 0xffff,	/* in a cell: no actor sent it */
};

/* ---- cells: messages on their way, and what threads tell each other ---- */

enum cell_what {
	CELL_MSG,
	CELL_WATCH,  /* from wants SYS_DOWN of to */
	CELL_SPAWN,  /* to has this home: let it run init */
	CELL_MOVE,   /* an actor arrives, with all that is its own */
	CELL_MOVED,  /* it has arrived; behind all that its old home sent */
	CELL_MARK,   /* nothing of origin comes by the old home any more */
	CELL_POSTS,  /* an actor took its board entries along: drop these */
	CELL_RETURN, /* a chain of cells of the receiver's pool */
};

enum {
	CELL_CREDIT = 1, /* holds a credit of its receiver */
	CELL_VOID = 2,	 /* taken back: not delivered */
};

struct cell {
	struct cell *next;
	addr_t to, from;
	mono_t deadline;
	uint32_t serial;
	uint16_t type;
	uint16_t pool;	  /* the thread that it goes back to */
	uint16_t origin;  /* the thread that sent it */
	uint16_t version; /* of the receiver's slot, as the sender saw it */
	uint16_t moves;	  /* version of the sending actor; see move.c */
	uint8_t kind;	  /* enum msg_kind */
	uint8_t what;
	uint8_t flags;
	uint32_t timer; /* index of the timer that it is, or 0 */
	void *item;	/* MOVE: struct actor; POSTS; RETURN: struct cell;
			 * MSG: the descriptor watch of SYS_IO */
	struct buf body;
};

struct cell_list {
	struct cell *head, *tail;
	unsigned count;
};

void cells_push(struct cell_list *l, struct cell *c);
struct cell *cells_pop(struct cell_list *l);

/* An empty cell of this thread's pool; body empty, the rest zero. */
struct cell *cell_take(struct ctx *ctx);
/* The message was handled: the cell goes back to the pool that it came from. */
void cell_give(struct ctx *ctx, struct cell *c);
void cell_free_all(struct ctx *ctx); /* at the end; no other thread runs */
void cell_free(struct cell *c);

/* ---- slots: where addresses lead ---- */

/*
 * word and credit carry the generation, so that one atomic reading is
 * consistent.  word is stored with release by the home, after the actor or its
 * state was set up, and read with acquire by everyone.
 */
struct slot {
	_Alignas(64) _Atomic uint64_t word; /* gen:32 version:16 home:16 */
	_Atomic uint64_t credit;	    /* gen:32 requests welcome:32 */
	struct actor *actor;		    /* the home's */
	uint32_t index;
	uint32_t next_free; /* index + 1 */
};

struct slots {
	_Atomic(struct slot *) chunk[SLOT_CHUNKS_MAX];
	pthread_mutex_t lock; /* for what follows: spawn and exit only */
	uint32_t used;	      /* slots ever given out */
	uint32_t free_head, free_tail;
	_Atomic uint64_t alive;
};

static inline uint64_t
word_make(uint32_t gen, uint16_t version, uint16_t home)
{
	return (uint64_t)gen << 32 | (uint64_t)version << 16 | home;
}

static inline uint32_t
word_gen(uint64_t word)
{
	return (uint32_t)(word >> 32);
}

static inline uint16_t
word_version(uint64_t word)
{
	return (uint16_t)(word >> 16);
}

static inline uint16_t
word_home(uint64_t word)
{
	return (uint16_t)word;
}

/* Zeroed, on a cache line of its own; mem_free(). */
void *line_alloc(size_t n);
void slots_init(struct slots *s);
void slots_fini(struct slots *s);
/* A slot without actor; its address becomes good with slot_open(). */
struct slot *slot_take(struct slots *s, addr_t *addr);
void slot_open(struct slots *s, struct slot *slot, uint32_t gen, uint16_t home,
    uint32_t credits);
/* The address is dead from now on. */
void slot_close(struct slots *s, struct slot *slot);
struct slot *slot_get(struct slots *s, uint32_t index); /* NULL: never used */
/* The slot and its word when the address is alive, or NULL. */
struct slot *slot_find(struct slots *s, addr_t a, uint64_t *word);
enum credit { CREDIT_TAKEN, CREDIT_NONE, CREDIT_DEAD };
enum credit slot_take_credit(struct slot *slot, uint32_t gen);
void slot_give_credit(struct slot *slot);

/* ---- actors ---- */

struct io_watch;
struct post;

/* What every message needs is in the first cache line. */
struct actor {
	const struct actor_class *class;
	void *state;
	struct cell_list inbox;
	addr_t self;
	struct actor *next_ready;
	uint16_t moves;		/* version of its slot's word */
	int16_t move_to;	/* it asked for that home; -1: no */
	bool ready;		/* in its home's list */
	bool inited;
	/* second line */
	struct slot *slot;
	uint32_t serial;	/* of its latest request */
	uint32_t timers;	/* first of its list */
	uint64_t *ticks;	/* bit per type: one is waiting */
	struct io_watch *io;	/* descriptors it watches */
	struct post *posts;	/* what it has on the board */
	void *arg;		/* until init has run */
	addr_t *watchers;
	unsigned watcher_count, watcher_cap;
};

/* How an actor left its turn. */
enum run { RUN_IDLE, RUN_MORE, RUN_GONE };

/* ---- one home ---- */

enum role { ROLE_WORKER, ROLE_PINNED, ROLE_PORT, ROLE_OUTSIDE };

enum counter {
	STAT_HANDLED, STAT_REMOTE, STAT_SPILLED, STAT_REFUSED, STAT_DEAD,
	STAT_MERGED, STAT_TIMERS, STAT_WAKEUPS, STAT_MAX
};

struct when {
	mono_t mono; /* 0: not read yet in this handler */
	wall_t wall;
};

struct ctx {
	struct core *core;
	uint16_t index;
	enum role role;
	struct actor *self;  /* who runs; NULL between handlers */
	struct cell *draft;  /* being packed */
	struct buf scratch;  /* act_scratch() */
	struct when *when;
	struct rng *rng;
	struct wheel *wheel;
	bool exiting;	     /* the running actor asked to end */
	bool touched;	     /* threads: somebody may have to be woken */
	_Atomic bool live;   /* somebody runs it: it can send */
	struct cell_list pool;
	struct cell_list *returns; /* per thread: its cells */
	struct cell_list held;	/* from a moving actor, too early: move.c */
	struct board_home *board;
	_Atomic uint64_t stat[STAT_MAX]; /* written by this thread, relaxed */
};

/* What differs between threads and the simulator. */
struct core_ops {
	mono_t (*now)(const struct ctx *ctx);
	wall_t (*wall)(const struct ctx *ctx);
	void (*carry)(struct ctx *ctx, int home, struct cell *c);
	void (*ready)(struct ctx *ctx, struct actor *a);
	void (*io)(struct ctx *ctx, int fd, uint32_t events);
	void (*io_handled)(struct ctx *ctx, struct cell *c);
	void (*io_leave)(struct ctx *ctx, struct actor *a);  /* moving away */
	void (*io_join)(struct ctx *ctx, struct actor *a);   /* arrived */
	void (*io_forget)(struct ctx *ctx, struct actor *a); /* ended */
	uint32_t (*exec)(struct ctx *ctx, const struct exec_arg *arg);
	void (*signal)(struct ctx *ctx, int signo);
	void (*port_drain)(struct ctx *ctx); /* into the port's inbox */
};

enum { MOVE_NONE, MOVE_CLAIMED, MOVE_ACTIVE };

/*
 * The one move under way; see move.c.  Written by the thread that claimed it,
 * in the order serial, who, leg, state; read in the order serial, state, who,
 * leg, serial: equal serials mean that all belongs together.
 */
struct move {
	_Atomic int state;
	_Atomic uint32_t serial;
	_Atomic uint64_t who; /* slot:32 gen:32 */
	_Atomic uint64_t leg; /* from:16 to:16 version:16 */
	/* Per thread, the serial of the latest move of which this is true: */
	uint32_t *known;  /* CELL_MOVED was seen; each thread its own */
	uint32_t *marked; /* its mark was sent; each thread its own */
	uint32_t *open;	  /* its mark has come; the new home's */
	uint32_t *acked;  /* it answered CELL_MOVED; the new home's */
	struct cell_list held; /* direct ones that came too early */
};

struct core {
	struct rt_arg arg;
	const struct core_ops *ops;
	void *owner; /* struct rt or struct sim */
	int homes;   /* all threads */
	int places;  /* homes for actors: workers and pinned */
	struct ctx **ctx;
	struct slots slots;
	struct timers timers;
	struct board *board;
	struct move move;
};

/* arg is copied; ctx[] and their wheels are filled in by the caller. */
void core_init(struct core *core, const struct rt_arg *arg,
    const struct core_ops *ops, int homes);
void core_fini(struct core *core);
void ctx_init(struct ctx *ctx, struct core *core, int index, enum role role);
void ctx_fini(struct ctx *ctx);


/*
 * The address is good at once; the actor waits at home for its init, which the
 * caller brings about (core_spawned() at home, or CELL_SPAWN).
 */
struct actor *core_actor_new(struct ctx *ctx, const struct actor_class *class,
    const void *arg, int home);
int core_home(const struct ctx *ctx, const struct actor *a, int home);
void core_spawned(struct ctx *ctx, struct actor *a);
addr_t core_spawn(struct ctx *ctx, const struct actor_class *class,
    const void *arg, int home);

/* Send to an address; takes the cell. */
void core_send(struct ctx *ctx, struct cell *c);
/* A cell from another thread, or a local one, arrives at this home. */
void core_arrive(struct ctx *ctx, struct cell *c);
/* Put a message into the inbox of an actor of this home. */
void core_push(struct ctx *ctx, struct actor *a, struct cell *c);
/* The tick that waited was taken back. */
void core_tick_clear(struct actor *a, uint16_t type);
/* Run init if due and at most max messages. */
enum run core_run(struct ctx *ctx, struct actor *a, unsigned max);
/* Next message for a port's actor, settled as if handled; NULL: none. */
struct cell *core_take(struct ctx *ctx, struct actor *a);
enum msg_kind core_kind(const struct core *core, uint16_t type);
struct msg core_msg(const struct cell *c);
/* fini, notices to watchers, refusals to askers, memory. */
void core_end(struct ctx *ctx, struct actor *a);
/*
 * Every actor that still lives runs fini, ports excepted; for the last one who
 * runs.
 */
void core_end_all(struct core *core);
void core_refuse(struct ctx *ctx, struct cell *c, enum refusal why);
void core_dead_letter(struct ctx *ctx, struct cell *c);

/* timer.c */
void timer_settle(struct ctx *ctx, struct cell *c); /* its message is handled */
void timers_run(struct ctx *ctx, struct wheel *w, int64_t now_ms);
void timers_forget(struct ctx *ctx, struct actor *a);
void timers_leave(struct ctx *ctx, struct actor *a);
void timers_join(struct ctx *ctx, struct actor *a);

/* move.c */
void move_init(struct move *m, int homes);
void move_fini(struct move *m);
/* To a->move_to; false: another one is under way, later then. */
bool move_begin(struct ctx *ctx, struct actor *a);
/* A cell is about to go to its new home directly. */
void move_sending(struct ctx *ctx, const struct cell *c);
/* False: forwarded or held, the cell is taken. */
bool move_admit(struct ctx *ctx, struct cell *c);
/* It went from here a moment ago, whatever its slot says. */
bool move_left(struct ctx *ctx, addr_t who);
void move_arrive(struct ctx *ctx, struct cell *c); /* MOVE, MOVED, MARK */

/* port.c */
struct port *port_new(struct ctx *ctx, const char *name,
    bool (*wait)(struct port *port, dur_t limit));
void port_free(struct port *port);
bool port_has_mail(void *port);

/* board.c */
struct board *board_new(int homes);
void board_free(struct board *b);
struct board_home *board_home(struct board *b, int home);
/* Everything of an actor that ended. */
void board_forget(struct ctx *ctx, struct actor *a);
/* It arrived: its entries are written here too; the old ones, to be dropped. */
struct post *board_join(struct ctx *ctx, struct actor *a);
void board_drop(struct ctx *ctx, struct post *posts);
/* Free what no reader can see any more; never waits on x86. */
void board_reclaim(struct ctx *ctx);

static inline void
stat_add(struct ctx *ctx, enum counter s, int64_t n)
{
	uint64_t v = atomic_load_explicit(&ctx->stat[s], memory_order_relaxed);

	atomic_store_explicit(&ctx->stat[s], v + (uint64_t)n,
	    memory_order_relaxed);
}

void core_stats(const struct core *core, struct rt_stats *out);

#endif
