/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection: packets in, packets out, and what faults do to them.
 */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "fleet/fleet.h"
#include "fleet/tls.h"
#include "fleet/wire.h"

enum {
	COM_QUIT = 1,
	COM_INIT_DB = 2,
	COM_QUERY = 3,
	COM_STATISTICS = 9,
	COM_PING = 14,
	COM_SET_OPTION = 27,
	COM_RESET_CONNECTION = 31,
};

/* ---- its life ---- */

static void
forget_later(struct fleet *f, struct client *c)
{
	if (!c->later)
		return;
	c->later = false;
	if (c->later_prev != NULL)
		c->later_prev->later_next = c->later_next;
	else
		f->later = c->later_next;
	if (c->later_next != NULL)
		c->later_next->later_prev = c->later_prev;
}

static void
send_later(struct fleet *f, struct client *c)
{
	if (c->later)
		return;
	c->later = true;
	c->later_prev = NULL;
	c->later_next = f->later;
	if (f->later != NULL)
		f->later->later_prev = c;
	f->later = c;
}

static void
end_client(struct fleet *f, struct client *c)
{
	forget_later(f, c);
	if (c->prev != NULL)
		c->prev->next = c->next;
	else
		c->server->clients = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	close(c->watch.fd);
	buf_fini(&c->in);
	buf_fini(&c->out);
	buf_fini(&c->rows);
	mem_free(c->rest);
	tls_free(c->tls);
	mem_free(c);
	f->connections--;
}

/* Closing sends RST instead of FIN, and leaves no socket waiting. */
static void
set_abrupt(int fd)
{
	struct linger abrupt = { .l_onoff = 1 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &abrupt, sizeof abrupt);
}

void
client_reset(struct fleet *f, struct client *c)
{
	set_abrupt(c->watch.fd);
	f->resets++;
	end_client(f, c);
}

/* ---- sending ---- */

/* false: the connection is gone. */
static bool
write_out(struct fleet *f, struct client *c, size_t most)
{
	size_t n = c->out.len - c->sent;
	ssize_t done = send(c->watch.fd, c->out.data + c->sent,
	    n < most ? n : most, MSG_NOSIGNAL);

	if (done < 0 && errno != EAGAIN && errno != EINTR) {
		end_client(f, c);
		return false;
	}
	if (done > 0)
		c->sent += (size_t)done;
	return true;
}

/* Everything was sent: no memory is kept for it. */
static void
rest(struct fleet *f, struct client *c)
{
	buf_fini(&c->out);
	buf_init(&c->out);
	c->sent = c->sealed = 0;
	if (c->rest == NULL)
		forget_later(f, c);
	if (c->watches_out)
		fleet_watch(f, &c->watch, c->watches_out = false, false);
	if (c->doomed)
		end_client(f, c);
}

static void
flush(struct fleet *f, struct client *c, int64_t now_us)
{
	const struct server *s = c->server;

	if (c->tls != NULL) {
		tls_seal(c->tls, &c->out, c->sealed);
		c->sealed = c->out.len;
	}
	if (c->rest != NULL)
		send_later(f, c);
	if (c->out.len == c->sent)
		return;
	if (now_us < c->due_us) {
		send_later(f, c);
		return;
	}
	if (!write_out(f, c, s->drip ? 1 : SIZE_MAX))
		return;
	if (c->out.len == c->sent)
		rest(f, c);
	else if (s->drip)
		send_later(f, c);
	else if (!c->watches_out)
		fleet_watch(f, &c->watch, c->watches_out = true, false);
}

/* ---- what comes in ---- */

/* The same again follows, encrypted. */
static void
begin_tls(struct fleet *f, struct client *c)
{
	c->tls = tls_new();
	c->sealed = c->out.len;
	f->handshakes++;
}

static void
login(struct fleet *f, struct client *c, const char *p, size_t n)
{
	if (c->tls == NULL && f->o.tls != TLS_OFF && wire_wants_tls(p, n)) {
		begin_tls(f, c);
		return;
	}
	if (c->tls == NULL && f->o.tls == TLS_REQUIRED) {
		wire_error(&c->out, &c->seq, 3159, "Connections using "
		    "insecure transport are prohibited");
		c->doomed = true;
		return;
	}
	if (c->server->m->fault == MODEL_DENIES) {
		wire_error(&c->out, &c->seq, 1045, "Access denied for user");
		c->doomed = true;
		return;
	}
	wire_ok(&c->out, &c->seq, false);
	c->state = CLIENT_READY;
}

static void
answer_query(struct fleet *f, struct client *c, const char *text, int64_t now)
{
	/* One column is announced; what should describe it does not. */
	static const char garbage[] = "\x01\0\0\x01\x01"
	    "\x03\0\0\x02\x7f\x7f\x7f";

	if (c->server->m->fault == MODEL_GARBAGE)
		buf_add(&c->out, garbage, sizeof garbage - 1);
	else
		query_answer(f, c, text, now);
}

static void
answer_command(struct fleet *f, struct client *c, const char *p, size_t n,
    int64_t now)
{
	char *text;

	switch (n > 0 ? p[0] : 0) {
	case COM_QUERY:
		text = mem_strndup(p + 1, n - 1);
		answer_query(f, c, text, now);
		mem_free(text);
		break;
	case COM_QUIT: c->doomed = true; break;
	case COM_INIT_DB:
	case COM_PING:
	case COM_RESET_CONNECTION: wire_ok(&c->out, &c->seq, false); break;
	case COM_SET_OPTION: wire_eof(&c->out, &c->seq, false); break;
	default:
		wire_error(&c->out, &c->seq, 1047, "Unknown command");
	}
}

/* Complete packets at p; how many bytes they took. */
static size_t
take_packets(struct fleet *f, struct client *c, const char *p, size_t n,
    int64_t now)
{
	bool plain = c->tls == NULL;
	size_t at = 0;

	while (!c->doomed && c->rest == NULL && n - at >= WIRE_HEAD &&
	    plain == (c->tls == NULL)) {
		size_t len = wire_length(p + at);

		if (len > FLEET_PACKET_MAX)
			c->doomed = true;
		if (len > n - at - WIRE_HEAD)
			break;
		c->seq = (uint8_t)((uint8_t)p[at + 3] + 1);
		if (c->state == CLIENT_LOGIN)
			login(f, c, p + at + WIRE_HEAD, len);
		else
			answer_command(f, c, p + at + WIRE_HEAD, len, now);
		at += WIRE_HEAD + len;
	}
	return at;
}

static void take_bytes(struct fleet *f, struct client *c, const char *p,
    size_t n);

/* What came behind the wish for TLS is its first message. */
static void
begin_reading(struct fleet *f, struct client *c, const char *p, size_t n)
{
	struct buf first;

	buf_init(&first);
	buf_add(&first, p, n);
	buf_fini(&c->in);
	buf_init(&c->in);
	if (first.len > 0)
		take_bytes(f, c, first.data, first.len);
	buf_fini(&first);
}

static void
take_plain(struct fleet *f, struct client *c, const char *p, size_t n)
{
	int64_t now = fleet_now_us();
	size_t took;
	bool plain;

	if (server_is_mute(c->server)) {
		c->swallowed = true;
		return;
	}
	if (c->in.len > 0) {
		buf_add(&c->in, p, n);
		p = c->in.data;
		n = c->in.len;
	}
	if (c->out.len == 0)
		c->due_us = now + c->server->slow.us;
	plain = c->tls == NULL;
	took = take_packets(f, c, p, n, now);
	if (plain && c->tls != NULL) {
		begin_reading(f, c, p + took, n - took);
		return;
	}
	if (took < n && c->in.len > 0)
		memmove(c->in.data, p + took, c->in.len = n - took);
	else if (took < n)
		buf_add(&c->in, p + took, n - took);
	else
		buf_fini(&c->in), buf_init(&c->in);
	if (c->doomed && c->out.len == 0)
		end_client(f, c);
	else
		flush(f, c, now);
}

static void
take_bytes(struct fleet *f, struct client *c, const char *p, size_t n)
{
	struct buf plain;

	if (c->tls == NULL || server_is_mute(c->server)) {
		take_plain(f, c, p, n);
		return;
	}
	buf_init(&plain);
	if (!tls_open(c->tls, p, n, &plain, &c->out))
		c->doomed = true;
	c->sealed = c->out.len;
	if (plain.len > 0 && !c->doomed)
		take_plain(f, c, plain.data, plain.len);
	else if (c->doomed && c->out.len == c->sent)
		end_client(f, c);
	else
		flush(f, c, fleet_now_us());
	buf_fini(&plain);
}

void
client_ready(struct fleet *f, struct client *c, uint32_t events)
{
	static char bytes[1 << 16]; /* one thread */
	ssize_t n;

	if ((events & EPOLLOUT) != 0 && c->watches_out) {
		flush(f, c, fleet_now_us());
		return; /* level-triggered: what there is to read is told again */
	}
	n = recv(c->watch.fd, bytes, sizeof bytes, 0);
	if (n > 0)
		take_bytes(f, c, bytes, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		end_client(f, c);
}

/* What it waited for at the server may have come. */
static void
ask_again(struct fleet *f, struct client *c, int64_t now_us)
{
	query_go_on(f, c, now_us);
	if (c->rest != NULL)
		return;
	forget_later(f, c);
	take_plain(f, c, "", 0); /* what was sent meanwhile */
}

void
clients_later(struct fleet *f, int64_t now_us)
{
	struct client *next;

	for (struct client *c = f->later; c != NULL; c = next) {
		next = c->later_next;
		if (server_is_mute(c->server) || now_us < c->due_us)
			continue;
		if (c->rest != NULL) {
			ask_again(f, c, now_us);
			continue;
		}
		if (!c->server->drip)
			forget_later(f, c);
		flush(f, c, now_us);
	}
}

/* ---- the beginning ---- */

static struct client *
new_client(struct fleet *f, struct server *s, int fd)
{
	struct client *c = mem_zalloc(sizeof *c);

	c->watch = (struct watch){ WATCH_CLIENT, fd };
	c->server = s;
	buf_init(&c->in);
	buf_init(&c->out);
	buf_init(&c->rows);
	model_session_init(&c->session);
	c->next = s->clients;
	if (s->clients != NULL)
		s->clients->prev = c;
	s->clients = c;
	f->connections++;
	f->connects++;
	s->m->connects++;
	return c;
}

/* MariaDB 10 hides behind a number that old replicas accept. */
static void
greet(struct fleet *f, struct client *c)
{
	const struct model_server *m = c->server->m;
	char version[80];

	strcpy(version, m->mariadb && m->number.major == 10 ? "5.5.5-" : "");
	strcat(version, m->version);
	if (m->fault == MODEL_FULL) {
		wire_error(&c->out, &c->seq, 1040, "Too many connections");
		c->doomed = true;
	} else {
		wire_greeting(&c->out, &c->seq, version,
		    (uint32_t)f->connects, f->o.tls != TLS_OFF);
	}
}

void
client_accept(struct fleet *f, struct server *s, int fd)
{
	int64_t now = fleet_now_us();
	struct client *c;

	if (server_refuses(s)) {
		set_abrupt(fd);
		close(fd);
		f->resets++;
		return;
	}
	c = new_client(f, s, fd);
	fleet_watch(f, &c->watch, false, true);
	if (server_is_mute(s)) {
		c->swallowed = true;
		return;
	}
	greet(f, c);
	c->due_us = now + s->slow.us;
	flush(f, c, now);
}
