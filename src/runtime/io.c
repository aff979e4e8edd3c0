/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors: an epoll set per thread, made with the first act_io() there.  At
 * most one SYS_IO per descriptor waits in an inbox: a watch is one-shot, or what
 * comes meanwhile (EPOLLET) is added to the one that waits.  A later act_io()
 * takes it back out.
 */
#include "config.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/mem.h"
#include "runtime/rt.h"

enum { EVENTS_MAX = 64, TABLE_MIN = 64 };

struct io_watch {
	int fd;
	uint32_t events; /* 0: fired, until asked for again */
	struct actor *owner;
	struct io_watch *next, **prev; /* all of its actor */
	struct cell *cell;	       /* SYS_IO that waits in the inbox */
	uint32_t came;		       /* what it says */
};

struct io {
	int epoll, event;
	unsigned count;
	struct io_watch **watch; /* by descriptor */
	int size;
};

static struct io *
io_new(void)
{
	struct io *io = mem_zalloc(sizeof *io);
	struct epoll_event ev = { .events = EPOLLIN };
	int failed;

	io->epoll = epoll_create1(EPOLL_CLOEXEC);
	io->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	assert(io->epoll >= 0 && io->event >= 0);
	ev.data.fd = io->event;
	failed = epoll_ctl(io->epoll, EPOLL_CTL_ADD, io->event, &ev);
	assert(!failed);
	return io;
}

void
io_free(struct io *io)
{
	if (io == NULL)
		return;
	close(io->epoll);
	close(io->event);
	mem_free(io->watch);
	mem_free(io);
}

bool
io_in_use(const struct io *io)
{
	return io != NULL && io->count > 0;
}

void
io_wake(struct io *io)
{
	uint64_t one = 1;
	ssize_t n = write(io->event, &one, sizeof one);

	/* Full means that it is readable already. */
	assert(n == sizeof one || errno == EAGAIN);
}

/* ---- the table ---- */

static struct io_watch *
watch_get(const struct io *io, int fd)
{
	return io != NULL && fd < io->size ? io->watch[fd] : NULL;
}

static void
table_set(struct io *io, int fd, struct io_watch *w)
{
	int size = io->size > 0 ? io->size : TABLE_MIN;

	if (fd >= io->size) {
		while (size <= fd)
			size *= 2;
		io->watch = mem_resize(io->watch, (size_t)size,
		    sizeof io->watch[0]);
		for (int i = io->size; i < size; i++)
			io->watch[i] = NULL;
		io->size = size;
	}
	assert((io->watch[fd] == NULL) != (w == NULL));
	io->watch[fd] = w;
	io->count += w != NULL ? 1 : -1u;
}

static void
arm(struct io *io, struct io_watch *w, int op)
{
	bool stays = (w->events & EPOLLET) != 0;
	struct epoll_event ev = { .data.fd = w->fd,
		.events = w->events | (stays ? 0 : EPOLLONESHOT) };
	int failed = epoll_ctl(io->epoll, op, w->fd, &ev);

	/* Closed and opened again without a word: epoll forgot the old one. */
	if (failed && errno == ENOENT && op == EPOLL_CTL_MOD)
		failed = epoll_ctl(io->epoll, EPOLL_CTL_ADD, w->fd, &ev);
	assert(!failed);
}

static void
disarm(struct io *io, const struct io_watch *w)
{
	epoll_ctl(io->epoll, EPOLL_CTL_DEL, w->fd, NULL);
}

static void
take_back(struct io_watch *w)
{
	if (w->cell == NULL)
		return;
	w->cell->flags |= CELL_VOID;
	w->cell->item = NULL;
	w->cell = NULL;
}

static void
watch_free(struct io *io, struct io_watch *w)
{
	take_back(w);
	disarm(io, w);
	table_set(io, w->fd, NULL);
	*w->prev = w->next;
	if (w->next != NULL)
		w->next->prev = w->prev;
	mem_free(w);
}

static struct io_watch *
watch_new(struct io *io, struct actor *a, int fd)
{
	struct io_watch *w = mem_zalloc(sizeof *w);

	w->fd = fd;
	w->owner = a;
	w->next = a->io;
	w->prev = &a->io;
	if (a->io != NULL)
		a->io->prev = &w->next;
	a->io = w;
	table_set(io, fd, w);
	return w;
}

/* ---- what actors ask for ---- */

void
io_watch(struct ctx *ctx, int fd, uint32_t events)
{
	struct thread *t = thread_of(ctx);
	struct io_watch *w;
	bool fresh;

	assert(ctx->role != ROLE_PORT);
	w = watch_get(t->io, fd);
	assert(w == NULL || w->owner == ctx->self);
	if (events == 0) {
		if (w != NULL)
			watch_free(t->io, w);
		return;
	}
	if (t->io == NULL)
		t->io = io_new();
	fresh = w == NULL;
	if (fresh)
		w = watch_new(t->io, ctx->self, fd);
	take_back(w);
	w->events = events;
	arm(t->io, w, fresh ? EPOLL_CTL_ADD : EPOLL_CTL_MOD);
}

/* The message is about to be handled: nothing to take back any more. */
void
io_handled(struct ctx *ctx, struct cell *c)
{
	struct io_watch *w = c->item;

	(void)ctx;
	assert(w->cell == c);
	w->cell = NULL;
	c->item = NULL;
}

void
io_forget(struct ctx *ctx, struct actor *a)
{
	while (a->io != NULL)
		watch_free(thread_of(ctx)->io, a->io);
}

void
io_leave(struct ctx *ctx, struct actor *a)
{
	struct io *io = thread_of(ctx)->io;

	for (struct io_watch *w = a->io; w != NULL; w = w->next) {
		disarm(io, w);
		table_set(io, w->fd, NULL);
	}
}

void
io_join(struct ctx *ctx, struct actor *a)
{
	struct thread *t = thread_of(ctx);

	if (a->io != NULL && t->io == NULL)
		t->io = io_new();
	for (struct io_watch *w = a->io; w != NULL; w = w->next) {
		table_set(t->io, w->fd, w);
		arm(t->io, w, EPOLL_CTL_ADD);
	}
}

/* ---- what epoll says ---- */

static void
write_event(struct io_watch *w, uint32_t events)
{
	struct buf *b = &w->cell->body;

	w->came = events;
	buf_reset(b);
	pack_array(b, 2);
	pack_int(b, w->fd);
	pack_uint(b, events);
}

static void
on_event(struct thread *t, int fd, uint32_t events)
{
	struct io_watch *w = watch_get(t->io, fd);
	struct cell *c;

	if (w == NULL || w->events == 0)
		return;
	if (w->cell != NULL) {
		assert((w->events & EPOLLET) != 0);
		write_event(w, w->came | events);
		return;
	}
	if ((w->events & EPOLLET) == 0)
		w->events = 0;
	c = cell_take(&t->ctx);
	c->to = c->from = w->owner->self;
	c->type = SYS_IO;
	c->kind = MSG_ANS;
	c->item = w;
	w->cell = c;
	write_event(w, events);
	core_push(&t->ctx, w->owner, c);
}

int
io_poll(struct thread *t, int timeout_ms)
{
	struct epoll_event ev[EVENTS_MAX];
	int n = epoll_wait(t->io->epoll, ev, EVENTS_MAX, timeout_ms);
	uint64_t count;

	assert(n >= 0 || errno == EINTR);
	for (int i = 0; i < n; i++) {
		if (ev[i].data.fd != t->io->event)
			on_event(t, ev[i].data.fd, ev[i].events);
		else if (read(t->io->event, &count, sizeof count) < 0)
			assert(errno == EAGAIN);
	}
	return n > 0 ? n : 0;
}
