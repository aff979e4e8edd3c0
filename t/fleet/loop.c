/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets and the loop around them.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "fleet/fleet.h"

enum { EVENTS = 512, BACKLOG = 4096, SPARE = 64, WRITE_EVERY_MS = 100 };

int64_t
fleet_now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

void
fleet_watch(struct fleet *f, struct watch *w, bool out, bool added)
{
	struct epoll_event e = { .events = EPOLLIN | (out ? EPOLLOUT : 0),
		.data.ptr = w };

	if (epoll_ctl(f->epoll, added ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, w->fd,
		&e) != 0)
		perror("fleet: epoll_ctl");
}

/* ---- listening ---- */

static int
bind_to(uint32_t address, uint16_t port, bool loopback_only)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_port = htons(port), .sin_addr = { htonl(address) } };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0);
	int on = 1;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if ((loopback_only && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo",
		3) != 0) || bind(fd, (struct sockaddr *)&a, sizeof a) != 0 ||
	    listen(fd, BACKLOG) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

bool
server_listen(struct fleet *f, struct server *s)
{
	if (f->o.listen != LISTEN_OWN || s->listener.fd >= 0)
		return true;
	s->listener.fd = bind_to(f->o.base + s->index, f->o.port, false);
	if (s->listener.fd < 0) {
		fprintf(stderr, "fleet: %s:%u: %s\n", s->address, f->o.port,
		    strerror(errno));
		return false;
	}
	fleet_watch(f, &s->listener, false, true);
	return true;
}

void
server_unlisten(struct server *s)
{
	if (s->listener.fd >= 0)
		close(s->listener.fd);
	s->listener.fd = -1;
}

/* Descriptors that we may have, after asking for as many as are allowed. */
static uint64_t
raise_limit(void)
{
	struct rlimit r;

	getrlimit(RLIMIT_NOFILE, &r);
	r.rlim_cur = r.rlim_max;
	setrlimit(RLIMIT_NOFILE, &r);
	return r.rlim_cur;
}

bool
fleet_listen(struct fleet *f)
{
	uint64_t limit = raise_limit();
	bool good = true;

	f->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (f->o.listen == LISTEN_AUTO)
		f->o.listen = 2 * (uint64_t)f->servers + SPARE <= limit ?
		    LISTEN_OWN : LISTEN_SHARED;
	if (f->o.listen == LISTEN_SHARED) {
		f->shared = (struct watch){ WATCH_LISTENER,
			bind_to(INADDR_ANY, f->o.port, true) };
		if (f->shared.fd < 0) {
			fprintf(stderr, "fleet: port %u: %s\n", f->o.port,
			    strerror(errno));
			return false;
		}
		fleet_watch(f, &f->shared, false, true);
	}
	for (uint32_t i = 0; good && i < f->servers; i++)
		good = server_listen(f, &f->server[i]);
	return good;
}

/* ---- accepting ---- */

static struct server *
called(struct fleet *f, struct watch *w, int fd)
{
	struct sockaddr_in a;
	socklen_t n = sizeof a;

	if (w != &f->shared)
		return (struct server *)w;
	if (getsockname(fd, (struct sockaddr *)&a, &n) != 0)
		return NULL;
	return fleet_at(f, ntohl(a.sin_addr.s_addr));
}

static void
accept_all(struct fleet *f, struct watch *w)
{
	struct server *s;
	int on = 1, fd;

	while ((fd = accept4(w->fd, NULL, NULL,
		    SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		s = called(f, w, fd);
		if (s == NULL) {
			close(fd);
			continue;
		}
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		client_accept(f, s, fd);
	}
}

/* ---- the loop ---- */

/*
 * An operator's command may end connections that have events in the same
 * batch: it runs after them, and others' come again.
 */
static void
dispatch(struct fleet *f, const struct epoll_event *e, int n)
{
	struct watch *operator = NULL;

	for (int i = 0; i < n; i++) {
		struct watch *w = e[i].data.ptr;

		switch (w->kind) {
		case WATCH_LISTENER: accept_all(f, w); break;
		case WATCH_CLIENT:
			client_ready(f, (struct client *)w, e[i].events);
			break;
		case WATCH_CONTROL: control_accept(f); break;
		case WATCH_OPERATOR: operator = w; break;
		}
	}
	if (operator != NULL)
		control_ready(f, operator);
}

void
fleet_run(struct fleet *f)
{
	struct epoll_event e[EVENTS];
	int64_t now, wrote = fleet_now_us();
	int n;

	while (!f->over) {
		n = epoll_wait(f->epoll, e, EVENTS,
		    f->later != NULL ? FLEET_TICK_MS : WRITE_EVERY_MS);
		dispatch(f, e, n);
		now = fleet_now_us();
		if (f->later != NULL)
			clients_later(f, now);
		if (now - wrote >= WRITE_EVERY_MS * 1000) {
			wrote = now;
			fleet_write(f, now);
			fleet_return(f, now);
		}
	}
}
