/* SPDX-License-Identifier: Apache-2.0 */
/* The threads, among themselves.  Internal to this folder. */
#ifndef ORC_RUNTIME_RT_H
#define ORC_RUNTIME_RT_H

#include "runtime/core.h"
#include "runtime/ring.h"

/* How a thread that has nothing to do wants to be woken. */
enum asleep { AWAKE, IN_FUTEX, IN_EPOLL, WANTS_CALL };

struct io;

struct thread {
	struct ctx ctx; /* first */
	struct rt *rt;
	pthread_t id;
	bool started;
	struct {
		struct actor *head, *tail;
		unsigned count;
	} ready;
	struct cell_list *spill; /* per receiver: found a full ring */
	unsigned spilled;	 /* cells in all of them */
	bool *touched;		 /* per receiver: to be woken if asleep */
	uint16_t *touched_list;	 /* which */
	unsigned touched_count;
	struct rng rng;
	struct wheel wheel;
	struct io *io; /* descriptors; NULL before the first */
	int64_t io_polled_us;
	int64_t io_since_us; /* events counted since */
	unsigned io_seen;    /* so many */
	bool io_flows;	     /* lately they came in a stream */
	struct patience patience;
	void (*wake)(void *); /* a port's */
	void *wake_arg;
	bool draining;	/* a port empties its rings: no call for that */
	/* Written by others: */
	_Alignas(64) _Atomic int asleep; /* enum asleep */
	_Atomic bool *starved; /* per sender: waits for room in its ring here */
	struct sleeper sleeper;
};

struct rt {
	struct core core;
	struct thread *thread;
	struct rings *rings;
	struct port **ports;
	int ports_taken;
	pthread_mutex_t lock; /* for ports_taken and the outside thread */
	addr_t service;
	bool started, stopped;
	bool ended; /* all threads are joined: nothing runs any more */
	_Atomic bool stopping;
};

static inline struct thread *
thread_of(struct ctx *ctx)
{
	return (struct thread *)ctx;
}

int64_t clock_us(void); /* monotonic */

/* worker.c */
void *thread_main(void *thread);
void thread_carry(struct ctx *ctx, int home, struct cell *c);
void thread_ready(struct ctx *ctx, struct actor *a);
void thread_wake_touched(struct ctx *ctx);
void thread_wake(struct thread *t, struct ctx *by);
bool thread_drain(struct thread *t); /* true: rings may hold more */
void thread_flush(struct thread *t);
/* What did not fit is tried again; who makes room will wake this thread. */
void thread_ask_for_room(struct thread *t);
/* Sleep until woken or the time has come; INT64_MAX: no time. */
void thread_park(struct thread *t, int64_t until_us);

/* io.c */
void io_free(struct io *io);
bool io_in_use(const struct io *io);
void io_wake(struct io *io);
/* Turns what is ready into messages; waits at most that long, -1: for ever. */
int io_poll(struct thread *t, int timeout_ms); /* how many were ready */
void io_watch(struct ctx *ctx, int fd, uint32_t events);
void io_handled(struct ctx *ctx, struct cell *c);
void io_leave(struct ctx *ctx, struct actor *a);
void io_join(struct ctx *ctx, struct actor *a);
void io_forget(struct ctx *ctx, struct actor *a);

/* child.c */
uint32_t child_exec(struct ctx *ctx, const struct exec_arg *arg);

/* signal.c: one actor of the hidden service thread */
extern const struct actor_class signals_class;
void signals_ask(struct ctx *ctx, int signo);
/* Catches SIGCHLD from now on; one runtime in a process may have signals. */
void signals_begin(void);
void signals_end(void); /* as it was before */

/* What actors of the runtime itself send each other. */
enum { SYS_EXEC = 8, SYS_LIMIT, SYS_SIGNAL_ASK };

#endif
