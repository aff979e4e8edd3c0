/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Actors: what a handler may do.  Everything here is called from inside a
 * handler (or through a port's ctx, see runtime.h) and never blocks.
 *
 * The runtime knows messages as numbered types with a msgpack body; the typed
 * form (act_send(ctx, to, probe_run, .probe = 1)) is actors/messages.h.
 *
 * An actor has a home worker and its handlers never run in parallel.  Between
 * one sender and one receiver messages keep their order.
 */
#ifndef ORC_RUNTIME_ACTOR_H
#define ORC_RUNTIME_ACTOR_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/pack.h"

#ifdef NDEBUG
#error "assertions are part of the program: build without -DNDEBUG"
#endif

struct ctx; /* who is running, where; valid until the handler returns */

/* An actor's address: survives its owner, is never reused for another. */
typedef struct {
	uint32_t slot;
	uint32_t gen; /* 0: nobody */
} addr_t;

#define ADDR_NONE ((addr_t){ 0, 0 })

static inline bool
addr_eq(addr_t a, addr_t b)
{
	return a.slot == b.slot && a.gen == b.gen;
}

static inline bool
addr_is_none(addr_t a)
{
	return a.gen == 0;
}

/* What happens when the receiver has too much to do. */
enum msg_kind {
	MSG_TICK, /* at most one pending per receiver and type: the one that
		   * waits stays, later ones are dropped, bodies and all */
	MSG_REQ,  /* takes a credit of the receiver; without one the sender gets
		   * SYS_REFUSED with the request's serial */
	MSG_ANS,  /* always fits: the request reserved its room */
};

/*
 * Types below SYS_MAX come from the runtime itself; the application's follow.
 */
enum {
	SYS_REFUSED, /* a request will not be answered: m->serial, sys_why();
		      * m->from is who was asked */
	SYS_DOWN,    /* a watched actor ended: m->from is its address */
	SYS_IO,	     /* a watched descriptor is ready: sys_io() */
	SYS_CHILD,   /* a child process ended: sys_child() */
	SYS_SIGNAL,  /* a process signal, to who asked: sys_signal() */
	SYS_MAX = 16,
};

struct msg {
	uint16_t type;
	addr_t from;
	uint32_t serial;  /* requests: the sender's number; answers: the same */
	mono_t deadline;  /* requests: when the answer is due; 0 for others */
	struct bin body;  /* msgpack array; lives until the handler returns */
};

struct actor_class {
	const char *name; /* "instance": log prefix, metrics, actor graph */
	size_t size;	  /* of the state; zeroed before init */
	size_t arg_size;  /* of what act_spawn() copies; 0: arg is ignored */
	void (*init)(void *self, struct ctx *ctx, const void *arg);
	void (*handle)(void *self, struct ctx *ctx, struct msg *m);
	void (*fini)(void *self, struct ctx *ctx);	/* may be NULL */
	const char *(*key)(const void *self); /* "db1:3306"; may be NULL */
	unsigned inbox_max; /* requests waiting before REFUSED; 0: 1024 */
};

/* ---- sending ---- */

/*
 * An empty buffer to pack the next message's body into; the next act_post(),
 * act_ask() or act_reply() sends it.  Owned by the runtime.
 */
struct buf *act_body(struct ctx *ctx);

/*
 * A buffer of the thread, for what a handler makes by the way: whoever needs it
 * for longer takes it (a copy of the struct, and buf_init() here) and may give it
 * back later, here or on another thread, or not at all.
 */
struct buf *act_scratch(struct ctx *ctx);

/*
 * Send what was packed.  To a dead or ADDR_NONE address: counted, dropped.  A
 * request sent this way has serial 0, and is refused like any other.
 */
void act_post(struct ctx *ctx, addr_t to, uint16_t type);

/*
 * Send a request; the value (never 0) is its serial.  Exactly one of: the
 * answer, or SYS_REFUSED (inbox full, receiver dead), comes back with it.  The
 * receiver keeps the deadline (now + limit), not the runtime.
 */
uint32_t act_ask(struct ctx *ctx, addr_t to, uint16_t type, dur_t limit);

/* What a request needs to be answered after its handler returned. */
struct ask {
	addr_t from;
	uint32_t serial;
	mono_t deadline;
};

static inline struct ask
ask_of(const struct msg *m)
{
	return (struct ask){ m->from, m->serial, m->deadline };
}

/* Answer a request with what was packed. */
void act_reply(struct ctx *ctx, struct ask ask, uint16_t type);

/* ---- life ---- */

enum { HOME_ANY = -1, HOME_SELF = -2 }; /* else a worker or pinned index */

/*
 * The address is good at once; init runs at home, before any message.  arg is
 * copied.  HOME_ANY spreads over the workers.
 */
addr_t act_spawn(struct ctx *ctx, const struct actor_class *class,
    const void *arg, int home);
void act_exit(struct ctx *ctx); /* the running actor ends after its handler */
void act_watch(struct ctx *ctx, addr_t whom); /* SYS_DOWN, at once if dead */
/*
 * The running actor moves when its handler returns, with inbox, timers,
 * descriptors and what it has on the board; nothing is lost and no order
 * changes.  One actor moves at a time, until every thread and port has
 * acknowledged (move.c); who asks meanwhile goes after a later message.
 */
void act_rehome(struct ctx *ctx, int home);
addr_t act_self(const struct ctx *ctx);
/*
 * Where an actor is: a home for act_spawn() that puts another one beside it, so
 * that what they tell each other wakes nobody.  HOME_ANY: it is dead.
 */
int act_home(const struct ctx *ctx, addr_t whom);
void *act_app(const struct ctx *ctx); /* what rt_new() or sim_new() was given */

/* ---- time and chance; virtual in the simulator ---- */

mono_t act_now(const struct ctx *ctx);	/* one reading per handler */
wall_t act_wall(const struct ctx *ctx); /* likewise */
uint64_t act_random(struct ctx *ctx);
/* 0 <= x < n, n > 0 */
uint64_t act_random_below(struct ctx *ctx, uint64_t n);

typedef struct {
	uint32_t slot;
	uint32_t gen; /* 0: no timer */
} timer_ref;

/*
 * Send myself an empty message of that type later, never early, within the
 * millisecond after it is due if the thread is free (two, where descriptors make
 * a stream: doc/runtime.md); d <= 0: in my next turn.
 * Setting and cancelling are O(1) with any number pending; 48 bytes each (see
 * wheel.h).  Not for ports.
 */
timer_ref act_timer(struct ctx *ctx, dur_t d, uint16_t type);
/*
 * Takes it back, out of the inbox too when it is due already; false when it was
 * handled or cancelled, or merged with a tick that waited.
 */
bool act_cancel(struct ctx *ctx, timer_ref *t);

/* ---- io, children, signals; the simulator asserts, but has no signals ---- */

/*
 * Watch fd for EPOLLIN, EPOLLOUT...; one-shot: after SYS_IO call again.  With
 * EPOLLET it stays watched: SYS_IO whenever something new comes; who gets it
 * reads until there is no more, for what waited already is not told again.
 * events 0 stops watching, takes back a SYS_IO that waits, and must precede
 * close(fd).  One actor watches a descriptor at a time, per thread.
 */
void act_io(struct ctx *ctx, int fd, uint32_t events);

struct exec_arg {
	const char *const *argv;
	const char *const *envp; /* complete environment, NULL-ended */
	dur_t limit;		 /* > 0; then the process group gets KILL */
	size_t output_max;	 /* bytes of stdout and stderr kept, together */
};

/*
 * Start a program in its own process group, stdin from /dev/null, no other
 * descriptor than output; argv[0] is looked up in this process's PATH.  The
 * value is its number in SYS_CHILD, which comes when the program itself ended:
 * what it left in the background is not waited for.  Both arrays are copied.
 * rt_stop() kills what still runs.
 */
uint32_t act_exec(struct ctx *ctx, const struct exec_arg *arg);

/* Deliver to me from now on; several actors may ask for the same. */
void act_signal(struct ctx *ctx, int signo);

/* Readers of system messages. */
enum refusal { REFUSED_BUSY, REFUSED_DEAD };
enum refusal sys_why(const struct msg *m);
struct sys_io {
	int fd;
	uint32_t events;
};
struct sys_io sys_io(const struct msg *m);
struct sys_child {
	uint32_t id;	/* what act_exec() gave */
	int status;	/* as waitpid(); -1: could not be started */
	bool timed_out;
	struct bin output;
};
struct sys_child sys_child(const struct msg *m);
int sys_signal(const struct msg *m);

/* ---- log ---- */

/* One line, one fact: "CLASS KEY: text". */
void act_log(struct ctx *ctx, enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Abort: this actor never gets such a message. */
_Noreturn void act_unexpected(struct ctx *ctx, const struct msg *m);

#endif
