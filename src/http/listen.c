/* SPDX-License-Identifier: Apache-2.0 */
/* See listen.h. */
#include "config.h"

#include "http/listen.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { HOST_MAX = 256, PORT_MAX = 16 };

union address {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_un un;
	struct sockaddr_storage storage;
};

static enum err_code
fail(struct err *err, enum err_code code, const char *what, const char *where)
{
	return err_set(err, code, "%s %s: %s", what, where, strerror(errno));
}

void
listen_close(int count, int *fd)
{
	for (int i = 0; i < count; i++)
		if (fd[i] >= 0)
			close(fd[i]);
}

/* "[::1]:3000" -> "::1", "3000"; ":3000" -> "", "3000" */
static enum err_code
split(const char *address, char host[HOST_MAX], char port[PORT_MAX],
    struct err *err)
{
	const char *colon = strrchr(address, ':');
	const char *from = address, *to = colon;

	if (colon == NULL || colon[1] == '\0')
		return err_set(err, ERR_INVALID,
		    "listen address \"%s\" is not host:port", address);
	if (address[0] == '[' && colon > address && colon[-1] == ']') {
		from = address + 1;
		to = colon - 1;
	}
	if ((size_t)(to - from) >= HOST_MAX || strlen(colon + 1) >= PORT_MAX)
		return err_set(err, ERR_INVALID,
		    "listen address \"%.40s...\" is too long", address);
	memcpy(host, from, (size_t)(to - from));
	host[to - from] = '\0';
	strcpy(port, colon + 1);
	/* getaddrinfo() takes 99999 for 34463. */
	if (strspn(port, "0123456789") != strlen(port) ||
	    strtol(port, NULL, 10) > UINT16_MAX)
		return err_set(err, ERR_INVALID,
		    "listen address \"%s\": no such port", address);
	return ERR_NONE;
}

static enum err_code
resolve(const char *address, union address *out, socklen_t *len,
    struct err *err)
{
	struct addrinfo want = { .ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE };
	struct addrinfo *all, *best;
	char host[HOST_MAX], port[PORT_MAX];
	enum err_code code = split(address, host, port, err);
	int rc;

	if (code != ERR_NONE)
		return code;
	rc = getaddrinfo(host[0] != '\0' ? host : NULL, port, &want, &all);
	if (rc != 0)
		return err_set(err, ERR_INVALID, "listen address \"%s\": %s",
		    address, gai_strerror(rc));
	best = all;
	for (struct addrinfo *a = all; a != NULL; a = a->ai_next) {
		/* No host: IPv6's any address takes IPv4 as well. */
		int liked = host[0] == '\0' ? AF_INET6 : AF_INET;

		if (a->ai_family == liked) {
			best = a;
			break;
		}
	}
	assert(best->ai_addrlen <= sizeof *out);
	memcpy(out, best->ai_addr, best->ai_addrlen);
	*len = best->ai_addrlen;
	freeaddrinfo(all);
	return ERR_NONE;
}

/* A bound socket, or -1 and errno. */
static int
bound(const union address *a, socklen_t len, int reuse_port)
{
	const int on = 1, off = 0;
	int fd = socket(a->sa.sa_family,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int saved;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (reuse_port)
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
	if (a->sa.sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
	if (bind(fd, &a->sa, len) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

/*
 * SO_REUSEPORT would let a second daemon of this user share the port in
 * silence: ask without it first.
 */
static enum err_code
probe(const union address *a, socklen_t len, const char *address,
    struct err *err)
{
	int fd = bound(a, len, 0);

	if (fd < 0)
		return fail(err, errno == EADDRINUSE ? ERR_EXISTS : ERR_IO,
		    "listen on", address);
	close(fd);
	return ERR_NONE;
}

static void
show(const union address *a, socklen_t len, char shown[LISTEN_SHOWN_MAX])
{
	char host[HOST_MAX], port[PORT_MAX];

	if (getnameinfo(&a->sa, len, host, sizeof host, port, sizeof port,
		NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		strcpy(host, "?"), strcpy(port, "?");
	snprintf(shown, LISTEN_SHOWN_MAX,
	    strchr(host, ':') != NULL ? "[%s]:%s" : "%s:%s", host, port);
}

/* Without a host on a machine that has no IPv6. */
static void
fall_back_to_ipv4(const char *address, union address *a, socklen_t *len)
{
	in_port_t port = a->in6.sin6_port;
	int fd;

	if (address[0] != ':' || a->sa.sa_family != AF_INET6)
		return;
	fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0) {
		close(fd);
		return;
	}
	memset(a, 0, sizeof *a);
	a->in.sin_family = AF_INET;
	a->in.sin_port = port;
	*len = sizeof a->in;
}

enum err_code
listen_tcp(const char *address, int count, int *fd,
    char shown[LISTEN_SHOWN_MAX], struct err *err)
{
	union address a;
	socklen_t len;
	enum err_code code = resolve(address, &a, &len, err);

	if (code != ERR_NONE)
		return code;
	fall_back_to_ipv4(address, &a, &len);
	code = probe(&a, len, address, err);
	if (code != ERR_NONE)
		return code;
	for (int i = 0; i < count; i++) {
		fd[i] = bound(&a, len, 1);
		if (fd[i] < 0 || listen(fd[i], SOMAXCONN) != 0) {
			code = fail(err, ERR_IO, "listen on", address);
			listen_close(i + 1, fd);
			return code;
		}
		/* With port 0 the first one decides. */
		len = sizeof a;
		getsockname(fd[i], &a.sa, &len);
	}
	show(&a, len, shown);
	return ERR_NONE;
}

/* NONE when path is free now. */
static enum err_code
unix_clear(const char *path, const struct sockaddr_un *un, struct err *err)
{
	struct stat st;
	int fd, rc, why;

	if (lstat(path, &st) != 0)
		return errno == ENOENT ? ERR_NONE :
					 fail(err, ERR_IO, "socket", path);
	if (!S_ISSOCK(st.st_mode))
		return err_set(err, ERR_EXISTS,
		    "%s is there and not a socket", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail(err, ERR_IO, "socket", path);
	rc = connect(fd, (const struct sockaddr *)un, sizeof *un);
	why = errno;
	close(fd);
	if (rc == 0 || why != ECONNREFUSED)
		return err_set(err, ERR_EXISTS,
		    "somebody listens on socket %s", path);
	if (unlink(path) != 0)
		return fail(err, ERR_IO, "remove stale socket", path);
	return ERR_NONE;
}

enum err_code
listen_unix(const char *path, unsigned mode, int count, int *fd,
    struct err *err)
{
	union address a = { .un = { .sun_family = AF_UNIX } };
	enum err_code code;

	if (strlen(path) >= sizeof a.un.sun_path)
		return err_set(err, ERR_INVALID,
		    "path of socket is longer than %zu bytes: %s",
		    sizeof a.un.sun_path - 1, path);
	strcpy(a.un.sun_path, path);
	code = unix_clear(path, &a.un, err);
	if (code != ERR_NONE)
		return code;
	fd[0] = bound(&a, sizeof a.un, 0);
	if (fd[0] < 0)
		return fail(err, ERR_IO, "socket", path);
	/* Nobody can connect before listen(): no moment with a wrong mode. */
	if (chmod(path, (mode_t)mode) != 0 || listen(fd[0], SOMAXCONN) != 0) {
		code = fail(err, ERR_IO, "socket", path);
		unlink(path);
		listen_close(1, fd);
		return code;
	}
	for (int i = 1; i < count; i++) {
		fd[i] = fcntl(fd[0], F_DUPFD_CLOEXEC, 0);
		if (fd[i] >= 0)
			continue;
		code = fail(err, ERR_IO, "socket", path);
		unlink(path);
		listen_close(i, fd);
		return code;
	}
	return ERR_NONE;
}
