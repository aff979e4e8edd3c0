/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The threads under the actors: workers, pinned threads, ports.
 *
 * Every runtime thread has an index; from thread i to thread j runs one
 * single-producer, single-consumer ck ring of message cells.  A full ring
 * spills into the sender's own list, which is flushed before its next turn.  A
 * worker with nothing to do sleeps in a futex (ck_ec) or in epoll_wait when it
 * has descriptors: an idle process uses no CPU.  How it works and what it
 * costs: doc/runtime.md.
 *
 * Bounds: 1024 threads and ports, 4 million actors, 16 million timers, a ring
 * holds 1023 cells.  n threads and ports have n * n rings of 8 KB, of which
 * only those that are used take memory.
 */
#ifndef ORC_RUNTIME_RUNTIME_H
#define ORC_RUNTIME_RUNTIME_H

#include "runtime/actor.h"

struct rt;
struct port;

struct rt_arg {
	int workers; /* >= 1: homes 0 .. workers-1 */
	int pinned;  /* homes workers .. workers+pinned-1, one thread each;
		      * their actors may block */
	int ports;   /* most rt_port_new() calls */
	const enum msg_kind *kinds; /* [type - SYS_MAX] */
	unsigned types;		    /* one past the last type */
	const char *(*type_name)(uint16_t type); /* for logs and aborts */
	void *app;		    /* act_app() */
};

struct rt *rt_new(const struct rt_arg *arg);

/*
 * From any thread that is none of the runtime's, before rt_start() or after;
 * init runs on its home.  HOME_SELF is HOME_ANY.
 */
addr_t rt_spawn(struct rt *rt, const struct actor_class *class, const void *arg,
    int home);
/*
 * One in a process at a time: it takes SIGCHLD.  Blocks signals in its threads.
 */
void rt_start(struct rt *rt);

/*
 * Ask all threads to end after their present handler, and join them.  Actors
 * that still live get fini, in the caller's thread.  Pinned actors that block
 * are waited for.  Ports stay until rt_free(); port_wait() returns at once.
 */
void rt_stop(struct rt *rt);
void rt_free(struct rt *rt); /* stops first if need be */

/*
 * A port lets a foreign thread (an HTTP loop, main) send and receive.  wake
 * (may be NULL) is called from runtime threads, and from the port's own when
 * what it sent is refused on the spot, at most once until the next port_poll().
 * All other calls come from the port's own thread.  A port that sends must be
 * polled from time to time.
 */
struct port *rt_port_new(struct rt *rt, const char *name, void (*wake)(void *),
    void *arg);
struct ctx *port_ctx(struct port *port); /* for act_body, act_post, act_ask */
addr_t port_addr(const struct port *port);
/* Hands every waiting message to fn; the count of them. */
size_t port_poll(struct port *port, void (*fn)(void *arg, struct msg *m),
    void *arg);
/*
 * Blocks until a message waits or the time is over (CLI); false: time over.  In
 * the simulator it runs the others meanwhile.
 */
bool port_wait(struct port *port, dur_t limit);

struct rt_stats {
	uint64_t handled;	/* messages */
	uint64_t sent_remote;	/* through a ring */
	uint64_t spilled;	/* found a full ring */
	uint64_t refused;	/* requests without a credit */
	uint64_t dead_letters;	/* to actors that are gone */
	uint64_t merged_ticks;
	uint64_t actors;	/* alive now */
	uint64_t timers;	/* pending now */
	uint64_t wakeups;	/* of sleeping threads */
};
void rt_stats(const struct rt *rt, struct rt_stats *out);

#endif
