/* SPDX-License-Identifier: Apache-2.0 */
/* Connections: who may come, which one goes when it gets full. */
#include "config.h"

#include "http/server.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "http/tls.h"

enum {
	ACCEPT_AT_ONCE = 16,  /* connections per turn of the loop */
	IDLE_MS = 1000,	      /* without a request: may go when it gets full */
	TELL_MS = 60000,      /* between two lines about the same trouble */
};

struct thread *
http_thread_of(h2o_req_t *req)
{
	return H2O_STRUCT_FROM_MEMBER(struct thread, ctx, req->conn->ctx);
}

#if H2O_IS_MASTER
/* Both addresses name a TCP connection; those of a unix socket share one. */
static bool
conn_is(struct conn *c, h2o_conn_t *conn)
{
	struct sockaddr_storage mine, theirs;

	if (c->sock == NULL ||
	    h2o_socket_getpeername(c->sock, (struct sockaddr *)&mine) == 0 ||
	    conn->callbacks->get_peername(conn,
		(struct sockaddr *)&theirs) == 0)
		return false;
	return mine.ss_family == AF_UNIX ||
	    h2o_socket_compare_address((struct sockaddr *)&mine,
		(struct sockaddr *)&theirs, 1) == 0;
}
#endif

struct conn *
http_conn_of(h2o_req_t *req)
{
	struct conn *c = h2oc_conn_data(req->conn);

#if H2O_IS_MASTER
	for (c = http_thread_of(req)->conns; c != NULL; c = c->next)
		if (conn_is(c, req->conn))
			break;
#endif
	assert(c != NULL);
	return c;
}

void
http_conn_unref(struct conn *c)
{
	if (c->sock == NULL && c->calls == 0)
		mem_free(c);
}

static void
conn_link(struct conn *c)
{
	struct thread *t = c->thread;

	c->prev = NULL;
	c->next = t->conns;
	if (t->conns != NULL)
		t->conns->prev = c;
	else
		t->conns_last = c;
	t->conns = c;
}

static void
conn_unlink(struct conn *c)
{
	struct thread *t = c->thread;

	if (c->prev != NULL)
		c->prev->next = c->next;
	else
		t->conns = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	else
		t->conns_last = c->prev;
}

void
http_conn_used(struct conn *c)
{
	c->used = h2o_now(c->thread->loop);
	conn_unlink(c);
	conn_link(c);
}

static void
on_close(void *data)
{
	struct conn *c = data;

	c->sock = NULL;
	conn_unlink(c);
	c->thread->conn_count--;
	http_conn_unref(c);
}

static void
conn_new(struct thread *t, h2o_socket_t *sock)
{
	struct conn *c = mem_zalloc(sizeof *c);

	c->thread = t;
	c->sock = sock;
	c->used = h2o_now(t->loop);
	conn_link(c);
	t->conn_count++;
	sock->on_close.cb = on_close;
	sock->on_close.data = c;
	h2o_accept(&t->accept, sock);
}

static bool
may_tell(struct thread *t, uint64_t *last)
{
	uint64_t now = h2o_now(t->loop);

	if (*last != 0 && now - *last < TELL_MS)
		return false;
	*last = now;
	return true;
}

/*
 * End the connection that has asked for nothing for the longest time, so that
 * idle ones (and those that HTTP/2's pings keep up) lock nobody out.
 */
static bool
make_room(struct thread *t)
{
	struct conn *c = t->conns_last;

	if (c == NULL || c->calls > 0 || h2o_now(t->loop) - c->used < IDLE_MS)
		return false;
	shutdown(h2o_socket_get_fd(c->sock), SHUT_RDWR);
	/* It is closed in this loop's next turn; not the same one again. */
	http_conn_used(c);
	return true;
}

/* The client sees why, unless it speaks TLS. */
static void
refuse(struct thread *t, h2o_socket_t *sock)
{
	static const char text[] =
	    "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n"
	    "Connection: close\r\nContent-Length: 0\r\n\r\n";

	t->refused++;
	if (may_tell(t, &t->refused_told))
		log_line(LOG_WARNING,
		    "http: %u connections, more are refused (%llu so far)",
		    t->conn_count, (unsigned long long)t->refused);
	if (t->http->tls == NULL)
		send(h2o_socket_get_fd(sock), text, sizeof text - 1,
		    MSG_NOSIGNAL | MSG_DONTWAIT);
	h2o_socket_close(sock);
}

static void
on_pause_over(h2oc_timer *timer)
{
	struct thread *t = H2O_STRUCT_FROM_MEMBER(struct thread, pause, timer);

	if (t->listener != NULL)
		h2o_socket_read_start(t->listener, http_on_accept);
}

void
http_on_accept(h2o_socket_t *listener, const char *err)
{
	struct thread *t = listener->data;
	h2o_socket_t *sock;

	if (err != NULL)
		return;
	for (int i = 0; i < ACCEPT_AT_ONCE; i++) {
		errno = 0;
		sock = h2o_evloop_socket_accept(listener);
		if (sock == NULL) {
			if (errno != EMFILE && errno != ENFILE &&
			    errno != ENOBUFS && errno != ENOMEM)
				return;
			/* Level-triggered: it would spin. */
			if (may_tell(t, &t->accept_told))
				log_line(LOG_ERROR, "http: accept: %s",
				    strerror(errno));
			h2o_socket_read_stop(listener);
			h2oc_timer_link(&t->pause_clock, &t->pause,
			    on_pause_over);
			return;
		}
		if (t->conn_count >= t->http->tuning.connections_max &&
		    !make_room(t))
			refuse(t, sock);
		else
			conn_new(t, sock);
	}
}

/* The handshake is over: now it is known who came. */
void
http_on_ssl_info(const SSL *ssl, int where, int value)
{
	h2o_socket_t *sock;
	struct conn *c;

	(void)value;
	if (!(where & SSL_CB_HANDSHAKE_DONE))
		return;
	sock = BIO_get_data(SSL_get_rbio(ssl));
	c = sock->on_close.data;
	c->cert_ok = tls_ou_valid((SSL *)ssl,
	    &c->thread->http->arg.config->ssl_valid_ous);
}
