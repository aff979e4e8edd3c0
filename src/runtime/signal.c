/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals of the process as messages.  The handler sets a flag and writes to an
 * eventfd, which the signals actor watches; it tells every actor that asked.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/mem.h"
#include "runtime/rt.h"

#ifdef NSIG
#define SIGNALS NSIG
#else
#define SIGNALS 65
#endif

/* The handler's; lock-free atomics are safe there. */
static _Atomic int event_fd = -1;
static _Atomic bool raised[SIGNALS];

/* Only between signals_begin() and signals_end(). */
static struct sigaction before[SIGNALS];
static bool caught[SIGNALS];

static void
on_raised(int signo)
{
	int saved = errno, fd = atomic_load(&event_fd);
	uint64_t one = 1;

	atomic_store(&raised[signo], true);
	/* A full one is readable already. */
	if (fd >= 0 && write(fd, &one, sizeof one) < 0)
		errno = saved;
	errno = saved;
}

static void
catch(int signo)
{
	struct sigaction sa = { .sa_handler = on_raised,
		.sa_flags = SA_RESTART };
	int failed;

	if (caught[signo])
		return;
	sigfillset(&sa.sa_mask);
	failed = sigaction(signo, &sa, &before[signo]);
	assert(!failed);
	caught[signo] = true;
}

void
signals_begin(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), none = -1;
	bool first;

	assert(fd >= 0);
	first = atomic_compare_exchange_strong(&event_fd, &none, fd);
	assert(first); /* one started runtime in a process */
	catch(SIGCHLD);
}

void
signals_end(void)
{
	for (int i = 1; i < SIGNALS; i++) {
		if (caught[i])
			sigaction(i, &before[i], NULL);
		caught[i] = false;
		atomic_store(&raised[i], false);
	}
	close(atomic_exchange(&event_fd, -1));
}

/* ---- the actor ---- */

struct listener {
	int signo;
	addr_t who;
};

struct signals {
	struct listener *listener;
	size_t count, cap;
};

static void
signals_init(void *self, struct ctx *ctx, const void *arg)
{
	(void)self;
	(void)arg;
	act_io(ctx, atomic_load(&event_fd), EPOLLIN);
}

static void
tell(struct ctx *ctx, addr_t who, int signo)
{
	struct cell *c = cell_take(ctx);

	c->to = who;
	c->from = act_self(ctx);
	c->type = SYS_SIGNAL;
	c->kind = MSG_ANS;
	buf_reset(&c->body);
	pack_array(&c->body, 1);
	pack_int(&c->body, signo);
	core_send(ctx, c);
}

/*
 * Who ended makes room first.  A child may have ended before its actor was
 * heard here, and its flag been spent on others: that actor looks at once.
 */
static void
listen_to(struct signals *s, struct ctx *ctx, int signo, addr_t who)
{
	size_t kept = 0;
	uint64_t word;

	for (size_t i = 0; i < s->count; i++)
		if (slot_find(&ctx->core->slots, s->listener[i].who, &word) !=
		    NULL)
			s->listener[kept++] = s->listener[i];
	s->count = kept;
	if (s->count == s->cap) {
		s->cap = 2 * s->cap + 8;
		s->listener = mem_resize(s->listener, s->cap,
		    sizeof s->listener[0]);
	}
	s->listener[s->count++] = (struct listener){ signo, who };
	catch(signo);
	if (signo == SIGCHLD)
		tell(ctx, who, signo);
}

static void
tell_all(struct signals *s, struct ctx *ctx, int signo)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->listener[i].signo == signo)
			tell(ctx, s->listener[i].who, signo);
}

static void
on_event(struct signals *s, struct ctx *ctx)
{
	int fd = atomic_load(&event_fd);
	uint64_t count;

	/* First the event, then the flags: none is missed. */
	if (read(fd, &count, sizeof count) < 0)
		assert(errno == EAGAIN);
	for (int i = 1; i < SIGNALS; i++)
		if (atomic_exchange(&raised[i], false))
			tell_all(s, ctx, i);
	act_io(ctx, fd, EPOLLIN);
}

static void
signals_handle(void *self, struct ctx *ctx, struct msg *m)
{
	struct pcur c;

	if (m->type == SYS_IO) {
		on_event(self, ctx);
		return;
	}
	assert(m->type == SYS_SIGNAL_ASK);
	pcur_init(&c, m->body.data, m->body.len);
	listen_to(self, ctx, (int)pcur_int(&c), m->from);
	assert(pcur_done(&c));
}

static void
signals_fini(void *self, struct ctx *ctx)
{
	struct signals *s = self;

	(void)ctx;
	mem_free(s->listener);
}

const struct actor_class signals_class = {
	.name = "signals",
	.size = sizeof(struct signals),
	.init = signals_init,
	.handle = signals_handle,
	.fini = signals_fini,
};

void
signals_ask(struct ctx *ctx, int signo)
{
	struct rt *rt = ctx->core->owner;

	assert(signo > 0 && signo < SIGNALS);
	pack_int(act_body(ctx), signo);
	act_post(ctx, rt->service, SYS_SIGNAL_ASK);
}
