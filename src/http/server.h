/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of src/http: a thread, its connections, its calls.  server.c owns
 * threads, conn.c connections, call.c operations under way; request.c decides
 * what is done on a request, reply.c writes what is no operation's answer.
 *
 * Everything of a thread is touched by that thread only, once it runs.
 */
#ifndef ORC_HTTP_SERVER_H
#define ORC_HTTP_SERVER_H

#include <pthread.h>
#include <semaphore.h>

#include "actors/app.h"
#include "http/auth.h"
#include "http/h2o_compat.h"
#include "http/http.h"
#include "http/listen.h"
#include "ops/op.h"
#include "runtime/runtime.h"

/*
 * A connection outlives its socket as long as calls of it are unanswered: it
 * is what they are counted on.
 */
struct conn {
	struct thread *thread;
	h2o_socket_t *sock; /* NULL: closed */
	struct conn *prev, *next; /* of the thread, the latest used first */
	uint64_t used;	    /* h2o_now() of its last request, or its start */
	unsigned calls;	    /* see struct call */
	unsigned refused;   /* requests in a row that were answered "busy" */
	bool http2;
	size_t held;	    /* bytes of replies not yet taken */
	bool cert_ok;	    /* verified, with a valid OU */
};

/* A call as h2o knows it, in the request's memory. */
struct handle {
	h2o_generator_t generator;
	struct call *call; /* NULL: given up, as the thread ends */
};

/*
 * An operation under way for a request.  It ends when both have happened: the
 * operation was answered, and the request is gone from h2o (it took the reply,
 * or its client went away).
 */
struct call {
	struct conn *conn;
	struct op_call *op;
	h2o_req_t *req;	  /* NULL: gone */
	bool answered;
	bool makes_cookie; /* the reply is an access token */
	size_t held;	  /* bytes kept for the reply */
	h2oc_timer timer; /* the client takes too long */
	struct handle *handle;	  /* NULL: gone with the request */
	struct call *prev, *next; /* of the thread */
	struct call *next_orphan;
};

struct thread {
	struct http *http;
	int index;
	pthread_t id;
	h2o_evloop_t *loop;
	h2o_context_t ctx;
	h2o_accept_ctx_t accept;
	h2o_socket_t *listener; /* NULL: closed */
	int listen_fd;
	h2oc_clock reply_clock; /* tuning.reply_ms */
	h2oc_clock pause_clock; /* no descriptors left: accept again later */
	h2oc_timer pause;
	h2oc_clock expire_clock; /* while there are calls */
	h2oc_timer expire;

	/* From other threads: the port has messages; stop; leave. */
	h2o_multithread_receiver_t on_wake, on_stop, on_quit;
	h2o_multithread_message_t wake, stop, quit;
	enum { SERVING, STOPPING, QUITTING } state;

	struct port *port;
	struct ops *ops; /* NULL: not any more */

	struct conn *conns, *conns_last;
	unsigned conn_count;
	uint64_t refused;	/* connections above the limit */
	uint64_t refused_told, accept_told; /* h2o_now() of the last line */
	struct call *calls;
	unsigned call_count;
	size_t held;
	struct call *orphans; /* answered, to be freed */

	const struct config_shared *config; /* NULL: http->arg.config counts */
	uint64_t config_version;
	struct auth_groups groups;
};

struct http {
	struct http_arg arg;
	struct http_tuning tuning; /* shares of one thread */
	SSL_CTX *tls;
	h2o_globalconf_t conf;
	h2o_hostconf_t *host;
	h2o_pathconf_t *path; /* "/": everything */
	char *address;
	char *web_location;	   /* prefix + "/web/" */
	sem_t ready; /* a thread posts when it serves, and when it has stopped */
	int threads;
	struct thread thread[];
};

/* request.c: the handler for every path. */
int http_request(h2o_handler_t *self, h2o_req_t *req);

/* ---- call.c ---- */

/* Run op, which has all its arguments, and send what it answers. */
void http_call_run(struct conn *c, h2o_req_t *req, struct op_call *op,
    bool makes_cookie);
/* Free what was answered to clients that had gone. */
void http_calls_reap(struct thread *t);
/* Answer 503 to all that still wait. */
void http_calls_refuse(struct thread *t);
/* At the end: give up all calls; requests are not answered any more. */
void http_calls_abandon(struct thread *t);

/* ---- conn.c ---- */

void http_on_accept(h2o_socket_t *listener, const char *err);
/* Of OpenSSL: the handshake is over. */
void http_on_ssl_info(const SSL *ssl, int where, int value);
struct thread *http_thread_of(h2o_req_t *req);
struct conn *http_conn_of(h2o_req_t *req);
/* A request came. */
void http_conn_used(struct conn *c);
/* Frees a connection that has neither socket nor calls. */
void http_conn_unref(struct conn *c);

/* ---- server.c ---- */

/* See that calls whose time is over are answered. */
void http_calls_watch(struct thread *t);
/* The configuration in force; a borrowed pointer until the callback returns. */
const struct config *http_thread_config(struct thread *t);

#endif
