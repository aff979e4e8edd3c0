/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP: listeners (TCP, unix socket, TLS), HTTP/1.1 and HTTP/2, who may call,
 * and requests turned into operations (ops/op.h).  The small pages come along.
 *
 * h2o does the protocol work.  Each HTTP thread has a loop, a listener, a port
 * of the runtime and a struct ops of its own; nothing is shared between them
 * but what never changes after http_start().
 *
 * Everything is bounded from the start: connections, bodies, time to send a
 * request and to take a reply, outstanding operations per connection and in
 * all.  Operations whose client went away count until they are answered, which
 * is what keeps HTTP/2's rapid reset (CVE-2023-44487) and MadeYouReset
 * (CVE-2025-8671) harmless.
 */
#ifndef ORC_HTTP_HTTP_H
#define ORC_HTTP_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct rt;
struct app;
struct config;
struct http;

enum { HTTP_THREADS_MAX = 16 };

/* How, and how much at most.  All limits are for the whole process. */
struct http_tuning {
	int threads;		  /* 1 .. HTTP_THREADS_MAX */
	bool http2;		  /* false: HTTP/1.1 only */
	unsigned connections_max; /* above: refused with 503, or closed (TLS) */
	unsigned calls_max;	  /* operations outstanding; above: 503 */
	unsigned conn_calls_max;  /* the same, of one connection */
	size_t body_max;	  /* bytes of a request body; above: 413 */
	size_t held_max;	  /* bytes of replies not yet taken; above: 503 */
	size_t conn_held_max;	  /* the same, of one connection */
	unsigned request_ms;	  /* to send a request, header and body; idle */
	unsigned reply_ms;	  /* to take a reply */
	unsigned stop_ms;	  /* to finish what is under way, http_stop() */
	unsigned socket_mode;	  /* of ListenSocket */
	const char *access_log;	  /* file; NULL: none */
};

/* As the configuration has it; what is no key of it is fixed. */
void http_tuning_from(struct http_tuning *tuning, const struct config *config);

/* Does this pair of a token's public and secret part exist and still hold? */
typedef bool http_token_fn(void *arg, const char *public_part,
    const char *secret);

struct http_arg {
	struct rt *rt;		 /* gives one port for each thread */
	const struct app *app;	 /* for ops_new() */
	/*
	 * What is fixed at start (listeners, TLS, URLPrefix) is read from this
	 * one, which must outlive http_stop(); credentials and rights are read
	 * from the one that is on the board, if there is one.
	 */
	const struct config *config;
	const struct http_tuning *tuning; /* NULL: as config says */
	http_token_fn *token; /* any HTTP thread calls it; NULL: no token holds */
	void *token_arg;     /* NULL: it gets the thread's struct ops */
};

/*
 * Bind, read certificates, start the threads.  NULL and err when an address
 * is in use, a file cannot be read or a key needs a password and there is no
 * terminal to ask on.  SIGPIPE needs no care: the threads block all signals.
 */
struct http *http_start(const struct http_arg *arg, struct err *err);

/*
 * Where it listens: "http://127.0.0.1:3000", "https://[::1]:3000",
 * "unix:/run/orchestrator.sock".  Lives until http_free().
 */
const char *http_address(const struct http *http);

/*
 * No new connections; what is under way is finished, for stop_ms at most; the
 * threads end.  Before rt_stop(), so that operations can still be answered.
 */
void http_stop(struct http *http);

/* After rt_stop(): late answers may wake the ports until then. */
void http_free(struct http *http);

#endif
