/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The unix socket for operators: a line in, a line of JSON out.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "fleet/fleet.h"

enum { LINE_BYTES_MAX = 512, SEND_LIMIT_MS = 2000 };

static bool
path_of(const char *path, struct sockaddr_un *a)
{
	memset(a, 0, sizeof *a);
	a->sun_family = AF_UNIX;
	if (strlen(path) >= sizeof a->sun_path) {
		fprintf(stderr, "fleet: %s: too long a path\n", path);
		return false;
	}
	strcpy(a->sun_path, path);
	return true;
}

bool
control_listen(struct fleet *f)
{
	struct sockaddr_un a;
	int fd;

	if (f->o.control == NULL)
		return true;
	if (!path_of(f->o.control, &a))
		return false;
	unlink(f->o.control);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	f->control = (struct watch){ WATCH_CONTROL, fd };
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) != 0 ||
	    listen(fd, 16) != 0) {
		fprintf(stderr, "fleet: %s: %s\n", f->o.control,
		    strerror(errno));
		return false;
	}
	fleet_watch(f, &f->control, false, true);
	return true;
}

void
control_accept(struct fleet *f)
{
	int fd = accept4(f->control.fd, NULL, NULL, SOCK_CLOEXEC);
	struct watch *w;

	if (fd < 0)
		return;
	w = mem_alloc(sizeof *w);
	*w = (struct watch){ WATCH_OPERATOR, fd };
	fleet_watch(f, w, false, true);
}

/* All of it, but not for ever: nobody reads, so nobody wants it. */
static bool
send_all(int fd, const char *p, size_t n)
{
	while (n > 0) {
		struct pollfd ready = { fd, POLLOUT, 0 };
		ssize_t done = send(fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (done > 0) {
			p += done;
			n -= (size_t)done;
		} else if (done == 0 || errno != EAGAIN ||
		    poll(&ready, 1, SEND_LIMIT_MS) <= 0) {
			return false;
		}
	}
	return true;
}

/* One line, one answer, until the other side closes. */
void
control_ready(struct fleet *f, struct watch *w)
{
	char line[LINE_BYTES_MAX];
	ssize_t n = recv(w->fd, line, sizeof line - 1, MSG_DONTWAIT);
	struct buf out;
	bool good = false;

	buf_init(&out);
	if (n > 0) {
		line[n] = '\0';
		fleet_command(f, line, &out);
		buf_chr(&out, '\n');
		good = send_all(w->fd, out.data, out.len);
	}
	buf_fini(&out);
	if (good)
		return;
	close(w->fd);
	mem_free(w);
}

int
control_send(const char *path, const char *line)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un a;
	char out[4096];
	ssize_t n;

	if (!path_of(path, &a))
		return 2;
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a) != 0) {
		fprintf(stderr, "fleet: %s: %s\n", path, strerror(errno));
		return 1;
	}
	send_all(fd, line, strlen(line));
	shutdown(fd, SHUT_WR);
	while ((n = read(fd, out, sizeof out)) > 0)
		fwrite(out, 1, (size_t)n, stdout);
	close(fd);
	return 0;
}
