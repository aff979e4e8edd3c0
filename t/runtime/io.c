/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors, programs and signals as messages. */
#include "config.h"

#include "runtime/runtime.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "tap.h"
#include "types.h"

/* What the actor under test reports to the port: a number and a text. */
static void
report(struct ctx *ctx, addr_t to, uint16_t type, int64_t n, const void *text,
    size_t len)
{
	struct buf *b = act_body(ctx);

	pack_array(b, 2);
	pack_int(b, n);
	pack_bin(b, text, len);
	act_post(ctx, to, type);
}

struct seen {
	int count;
	uint16_t type;
	int64_t n;
	char text[256];
	size_t len;
};

static void
take(void *arg, struct msg *m)
{
	struct seen *s = arg;
	struct pcur c;
	struct bin bin;

	s->count++;
	s->type = m->type;
	pcur_init(&c, m->body.data, m->body.len);
	pcur_array(&c);
	s->n = pcur_int(&c);
	bin = pcur_bin(&c);
	s->len += bin.len;
	assert(pcur_done(&c));
	memset(s->text, 0, sizeof s->text);
	memcpy(s->text, bin.data, bin.len < 255 ? bin.len : 255);
}

/* The next report, or "" when a minute is over. */
static struct seen
next(struct port *port)
{
	struct seen s = { 0 };

	while (s.count == 0 && port_wait(port, DUR_S(60)))
		port_poll(port, take, &s);
	return s;
}

/* ---- a socket ---- */

struct reader {
	addr_t to;
	int fd;
	unsigned events; /* how often it heard of the descriptor */
	uint32_t wants;
};

static void
reader_init(void *self, struct ctx *ctx, const void *arg)
{
	struct reader *r = self;

	*r = *(const struct reader *)arg;
	act_io(ctx, r->fd, r->wants);
}

static void
on_readable(struct reader *r, struct ctx *ctx, struct sys_io io)
{
	char text[64];
	ssize_t n;

	assert(io.fd == r->fd);
	r->events++;
	n = read(r->fd, text, sizeof text);
	if (n > 0) {
		report(ctx, r->to, T_NOTE, r->events, text, (size_t)n);
		if ((r->wants & EPOLLET) == 0)
			act_io(ctx, r->fd, r->wants);
	} else {
		report(ctx, r->to, T_ANSWER, n, "", 0);
		act_io(ctx, r->fd, 0);
		close(r->fd);
	}
}

static void
reader_handle(void *self, struct ctx *ctx, struct msg *m)
{
	struct reader *r = self;

	switch (m->type) {
	case SYS_IO: on_readable(r, ctx, sys_io(m)); break;
	case T_GO: /* go to the other worker, then say so */
		act_rehome(ctx, 1);
		report(ctx, r->to, T_GO, 0, "", 0);
		break;
	case T_TICK: /* stop listening */
		act_io(ctx, r->fd, 0);
		report(ctx, r->to, T_TICK, r->events, "", 0);
		break;
	case T_TICK2: act_io(ctx, r->fd, r->wants); break;
	}
}

static const struct actor_class reader_class = {
	.name = "reader",
	.size = sizeof(struct reader),
	.arg_size = sizeof(struct reader),
	.init = reader_init,
	.handle = reader_handle,
};

/* wants: EPOLLIN, asked for again each time; or EPOLLET, too, just once */
static void
test_socket(struct rt *rt, struct port *port, uint32_t wants)
{
	struct ctx *ctx = port_ctx(port);
	struct seen s;
	addr_t a;
	int end[2];

	assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
		   0, end) == 0);
	a = rt_spawn(rt, &reader_class,
	    &(struct reader){ port_addr(port), end[0], 0, wants }, 0);
	assert(write(end[1], "one", 3) == 3);
	s = next(port);
	is_str(s.text, "one", "a readable socket is told");
	assert(write(end[1], "two", 3) == 3);
	s = next(port);
	is_str(s.text, "two", "told again when asked again");

	act_post(ctx, a, T_TICK);
	s = next(port);
	is_int(s.type, T_TICK, "stopped listening");
	assert(write(end[1], "three", 5) == 5);
	act_post(ctx, a, T_GO);
	s = next(port);
	is_int(s.type, T_GO, "what comes meanwhile is not told");
	act_post(ctx, a, T_TICK2);
	s = next(port);
	is_str(s.text, "three", "on another worker it listens again");
	act_post(ctx, a, T_GO);
	s = next(port);
	assert(write(end[1], "four", 4) == 4);
	s = next(port);
	is_str(s.text, "four", "and goes on");
	close(end[1]);
	s = next(port);
	ok(s.type == T_ANSWER && s.n == 0, "the end is told");
}

/*
 * One that stays watched, byte by byte, so fast that the thread begins to take
 * several at a time: none is lost, and the last one is told.
 */
static void
test_stream(struct rt *rt, struct port *port)
{
	enum { BYTES = 20000 };
	size_t sent = 0, got = 0;
	struct seen s;
	int end[2];

	assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
		   0, end) == 0);
	rt_spawn(rt, &reader_class, &(struct reader){ port_addr(port), end[0],
	    0, EPOLLIN | EPOLLET }, 0);
	while (got < BYTES) {
		while (sent < BYTES && sent - got < 40 &&
		    write(end[1], "x", 1) == 1)
			sent++;
		s = next(port);
		if (s.count == 0)
			break;
		got += s.len;
	}
	is_int((int64_t)got, BYTES, "a stream, told as it comes");
	close(end[1]);
	s = next(port);
	ok(s.type == T_ANSWER && s.n == 0, "and its end");
}

/* ---- programs ---- */

struct boss {
	addr_t to;
	dur_t limit;
	size_t output_max;
	const char *argv[6];
};

static void
boss_init(void *self, struct ctx *ctx, const void *arg)
{
	static const char *const env[] = { "PATH=/usr/bin:/bin", "WORD=kept",
		NULL };
	struct boss *b = self;

	*b = *(const struct boss *)arg;
	act_exec(ctx, &(struct exec_arg){ .argv = b->argv, .envp = env,
	    .limit = b->limit, .output_max = b->output_max });
}

static void
boss_handle(void *self, struct ctx *ctx, struct msg *m)
{
	struct boss *b = self;
	struct sys_child c = sys_child(m);

	assert(c.id != 0 && c.id == m->serial);
	report(ctx, b->to, c.timed_out ? T_TICK : T_NOTE, c.status,
	    c.output.data, c.output.len);
	act_exit(ctx);
}

static const struct actor_class boss_class = {
	.name = "boss",
	.size = sizeof(struct boss),
	.arg_size = sizeof(struct boss),
	.init = boss_init,
	.handle = boss_handle,
};

static struct seen
run(struct rt *rt, struct port *port, dur_t limit, size_t max,
    const char *script)
{
	struct boss b = { port_addr(port), limit, max,
		{ "sh", "-c", script, NULL } };

	rt_spawn(rt, &boss_class, &b, HOME_ANY);
	return next(port);
}

static void
test_programs(struct rt *rt, struct port *port)
{
	struct boss none = { port_addr(port), DUR_S(5), 100,
		{ "/nonexistent/program", NULL } };
	struct seen s;

	s = run(rt, port, DUR_S(60), 100, "echo out; echo err >&2; exit 7");
	ok(WIFEXITED(s.n) && WEXITSTATUS(s.n) == 7, "exit status");
	is_str(s.text, "out\nerr\n", "output and error output");
	s = run(rt, port, DUR_S(60), 100,
	    "echo $WORD ${HOME-unset}; cat; test -t 0 || echo done");
	is_str(s.text, "kept unset\ndone\n",
	    "the environment as given, nothing to read");
	s = run(rt, port, DUR_S(60), 100, "kill -TERM $$");
	ok(WIFSIGNALED(s.n) && WTERMSIG(s.n) == SIGTERM, "killed by a signal");
	s = run(rt, port, DUR_S(60), 100,
	    "i=0; while [ $i -lt 4000 ]; do echo 0123456789abcdef0123456789; "
	    "i=$((i+1)); done; exit 3");
	ok(WEXITSTATUS(s.n) == 3 && s.len == 100,
	    "more output than kept does not stop it");
	/* Both would wait for ever: the group is what is killed. */
	s = run(rt, port, DUR_MS(200), 100,
	    "echo on; (while :; do sleep 60; done) & wait");
	ok(s.type == T_TICK && WIFSIGNALED(s.n) && WTERMSIG(s.n) == SIGKILL,
	    "the time limit kills");
	is_str(s.text, "on\n", "what it wrote before is kept");
	rt_spawn(rt, &boss_class, &none, HOME_ANY);
	s = next(port);
	ok(s.n == -1 && s.len > 0, "cannot be started: %s", s.text);
}

/*
 * The limit reaches children of the child: a fifo that the grandchild holds
 * open comes to its end.
 */
static void
test_group(struct rt *rt, struct port *port, const char *fifo)
{
	int fd = open(fifo, O_RDONLY | O_NONBLOCK);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char script[256];
	struct seen s;

	snprintf(script, sizeof script,
	    "exec 7>'%s'; (echo held >&7; while :; do sleep 60; done) & wait",
	    fifo);
	s = run(rt, port, DUR_MS(500), 0, script);
	ok(s.type == T_TICK && s.len == 0, "a limit, and no output kept");
	ok(read(fd, script, sizeof script) == 5, "the grandchild ran");
	p.events = 0;
	ok(poll(&p, 1, 60000) == 1 && (p.revents & POLLHUP),
	    "all of its group is gone");
	close(fd);
}

static void
test_many(struct rt *rt, struct port *port)
{
	struct boss b = { port_addr(port), DUR_S(60), 100,
		{ "sh", "-c", "echo $$; exit 1", NULL } };
	struct seen s = { 0 };

	for (int i = 0; i < 40; i++)
		rt_spawn(rt, &boss_class, &b, HOME_ANY);
	while (s.count < 40 && port_wait(port, DUR_S(60)))
		port_poll(port, take, &s);
	is_int(s.count, 40, "40 at a time");
}

/* ---- signals ---- */

struct watcher {
	addr_t to;
};

static void
watcher_init(void *self, struct ctx *ctx, const void *arg)
{
	struct watcher *w = self;

	*w = *(const struct watcher *)arg;
	act_signal(ctx, SIGHUP);
	act_signal(ctx, SIGUSR1);
	act_timer(ctx, DUR_MS(1), T_TICK);
}

static void
watcher_handle(void *self, struct ctx *ctx, struct msg *m)
{
	struct watcher *w = self;

	if (m->type == SYS_SIGNAL)
		report(ctx, w->to, T_NOTE, sys_signal(m), "", 0);
	else
		report(ctx, w->to, T_TICK, 0, "", 0);
}

static const struct actor_class watcher_class = {
	.name = "watcher",
	.size = sizeof(struct watcher),
	.arg_size = sizeof(struct watcher),
	.init = watcher_init,
	.handle = watcher_handle,
};

static bool
is_caught(int signo)
{
	struct sigaction sa;

	sigaction(signo, NULL, &sa);
	return sa.sa_handler != SIG_DFL;
}

static void
test_signals(struct rt *rt, struct port *port)
{
	struct watcher w = { port_addr(port) };
	struct seen s;

	rt_spawn(rt, &watcher_class, &w, 0);
	next(port);
	while (!is_caught(SIGHUP) || !is_caught(SIGUSR1))
		port_wait(port, DUR_MS(1));
	kill(getpid(), SIGHUP);
	s = next(port);
	is_int(s.n, SIGHUP, "a signal is a message");
	kill(getpid(), SIGUSR1);
	s = next(port);
	is_int(s.n, SIGUSR1, "another one too");
}

/* ---- stopping with a program that runs ---- */

static void
test_stop(struct rt *rt, struct port *port, const char *fifo)
{
	char script[256], c;
	struct boss b = { port_addr(port), DUR_S(600), 100,
		{ "sh", "-c", script, NULL } };
	int fd;

	snprintf(script, sizeof script,
	    "echo runs >'%s'; while :; do sleep 60; done", fifo);
	rt_spawn(rt, &boss_class, &b, 0);
	fd = open(fifo, O_RDONLY); /* until the program opens it */
	assert(read(fd, &c, 1) == 1);
	close(fd);
	rt_stop(rt);
	is_int(waitpid(-1, NULL, WNOHANG), -1, "no child is left behind");
	ok(!is_caught(SIGHUP) && !is_caught(SIGCHLD), "signals are as before");
}

int
main(void)
{
	struct rt_arg arg = t_arg(2, 0, 1);
	struct rt *rt = rt_new(&arg);
	struct port *port = rt_port_new(rt, "test", NULL, NULL);
	char dir[] = "/tmp/orc-io-XXXXXX", fifo[64];

	signal(SIGHUP, SIG_DFL); /* nohup ignores it */
	assert(mkdtemp(dir) != NULL);
	snprintf(fifo, sizeof fifo, "%s/fifo", dir);
	assert(mkfifo(fifo, 0600) == 0);
	rt_start(rt);
	test_socket(rt, port, EPOLLIN);
	test_socket(rt, port, EPOLLIN | EPOLLET);
	test_stream(rt, port);
	test_programs(rt, port);
	test_group(rt, port, fifo);
	test_many(rt, port);
	test_signals(rt, port);
	test_stop(rt, port, fifo);
	rt_free(rt);
	unlink(fifo);
	rmdir(dir);
	return tap_done();
}
