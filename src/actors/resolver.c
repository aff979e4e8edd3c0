/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A resolver: getaddrinfo() and a reachability test, on a pinned thread of its
 * own because both block.  The limit of a look-up is the system's own
 * (resolv.conf); of a reachability test, what the request says.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "actors/classes.h"
#include "base/mem.h"

struct found {
	char cname[NI_MAXHOST];
	char ipv4[INET_ADDRSTRLEN];
	char ipv6[INET6_ADDRSTRLEN];
};

static void
init(void *self, struct ctx *ctx, const void *arg)
{
	(void)self;
	(void)ctx;
	(void)arg;
}

static void
note_address(struct found *f, const struct addrinfo *a)
{
	char *to = a->ai_family == AF_INET ? f->ipv4 : f->ipv6;
	socklen_t size = a->ai_family == AF_INET ? sizeof f->ipv4 :
						   sizeof f->ipv6;

	if (a->ai_family != AF_INET && a->ai_family != AF_INET6)
		return;
	getnameinfo(a->ai_addr, a->ai_addrlen, to, size, NULL, 0,
	    NI_NUMERICHOST);
}

static const char *
look_up(const char *host, struct found *f)
{
	struct addrinfo hints = {
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_CANONNAME,
	};
	struct addrinfo *list = NULL;
	size_t n;
	int rc;

	memset(f, 0, sizeof *f);
	rc = getaddrinfo(host, NULL, &hints, &list);
	if (rc != 0)
		return gai_strerror(rc);
	if (list->ai_canonname != NULL)
		snprintf(f->cname, sizeof f->cname, "%s", list->ai_canonname);
	n = strlen(f->cname);
	if (n > 0 && f->cname[n - 1] == '.')
		f->cname[n - 1] = '\0';
	for (const struct addrinfo *a = list; a != NULL; a = a->ai_next)
		note_address(f, a);
	freeaddrinfo(list);
	return NULL;
}

static void
on_resolve_run(struct ctx *ctx, const struct msg *m)
{
	const char *host = as_resolve_run(m)->host;
	struct found f;
	const char *error = look_up(host, &f);

	act_answer(ctx, ask_of(m), resolve_ran, .host = host,
	    .cname = f.cname, .ipv4 = f.ipv4, .ipv6 = f.ipv6,
	    .code = error != NULL ? ERR_UNREACHABLE : ERR_NONE,
	    .error = error);
}

/* NULL when a connection opens within the limit, else why not. */
static const char *
try_connect(const struct addrinfo *a, int limit_ms)
{
	int fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    0);
	const char *why = NULL;
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	socklen_t len = sizeof(int);
	int failed = 0;

	if (fd < 0)
		return strerror(errno);
	if (connect(fd, a->ai_addr, a->ai_addrlen) != 0 &&
	    errno != EINPROGRESS)
		why = strerror(errno);
	else if (poll(&p, 1, limit_ms) <= 0)
		why = "connection timed out";
	else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &len) != 0 ||
	    failed != 0)
		why = strerror(failed);
	close(fd);
	return why;
}

static void
on_reach_run(struct ctx *ctx, const struct msg *m)
{
	const struct msg_reach_run *r = as_reach_run(m);
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list = NULL;
	const char *why;
	char port[16];
	int rc;

	snprintf(port, sizeof port, "%u", r->port);
	rc = getaddrinfo(r->host, port, &hints, &list);
	if (rc != 0) {
		why = gai_strerror(rc);
	} else {
		why = try_connect(list, (int)(r->limit_us / 1000));
		freeaddrinfo(list);
	}
	act_answer(ctx, ask_of(m), reach_ran,
	    .code = why != NULL ? ERR_UNREACHABLE : ERR_NONE, .error = why);
}

static void
handle(void *self, struct ctx *ctx, struct msg *m)
{
	(void)self;
	switch (m->type) {
	case MSG_resolve_run: on_resolve_run(ctx, m); break;
	case MSG_reach_run: on_reach_run(ctx, m); break;
	default: act_unexpected(ctx, m);
	}
}

const struct actor_class resolver_class = {
	.name = "resolver",
	.size = 1,
	.init = init,
	.handle = handle,
};
