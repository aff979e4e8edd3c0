/* SPDX-License-Identifier: Apache-2.0 */
/* What a handler may do. */
#include "config.h"

#include "runtime/actor.h"

#include <stdio.h>
#include <stdlib.h>

#include "runtime/core.h"

/* ---- sending ---- */

struct buf *
act_body(struct ctx *ctx)
{
	if (ctx->draft == NULL)
		ctx->draft = cell_take(ctx);
	buf_reset(&ctx->draft->body);
	return &ctx->draft->body;
}

struct buf *
act_scratch(struct ctx *ctx)
{
	return &ctx->scratch;
}

/* The draft, or an empty message, on its way from the running actor. */
static struct cell *
take_draft(struct ctx *ctx, addr_t to, uint16_t type)
{
	struct cell *c = ctx->draft;

	assert(type > SYS_SIGNAL);
	if (c == NULL)
		c = cell_take(ctx);
	ctx->draft = NULL;
	c->to = to;
	c->type = type;
	c->kind = (uint8_t)core_kind(ctx->core, type);
	if (ctx->self != NULL) {
		c->from = ctx->self->self;
		c->moves = ctx->self->moves;
	}
	return c;
}

void
act_post(struct ctx *ctx, addr_t to, uint16_t type)
{
	core_send(ctx, take_draft(ctx, to, type));
}

uint32_t
act_ask(struct ctx *ctx, addr_t to, uint16_t type, dur_t limit)
{
	struct cell *c = take_draft(ctx, to, type);
	uint32_t serial;

	assert(c->kind == MSG_REQ && ctx->self != NULL);
	if (++ctx->self->serial == 0)
		ctx->self->serial = 1;
	serial = c->serial = ctx->self->serial;
	c->deadline = mono_add(act_now(ctx), limit);
	core_send(ctx, c);
	return serial;
}

void
act_reply(struct ctx *ctx, struct ask ask, uint16_t type)
{
	struct cell *c = take_draft(ctx, ask.from, type);

	assert(c->kind != MSG_REQ);
	c->kind = MSG_ANS;
	c->serial = ask.serial;
	core_send(ctx, c);
}

/* ---- life ---- */

addr_t
act_spawn(struct ctx *ctx, const struct actor_class *class, const void *arg,
    int home)
{
	assert(class->handle != NULL && home < ctx->core->places);
	return core_spawn(ctx, class, arg, home);
}

void
act_exit(struct ctx *ctx)
{
	assert(ctx->self != NULL && ctx->role != ROLE_PORT);
	ctx->exiting = true;
}

void
act_watch(struct ctx *ctx, addr_t whom)
{
	struct cell *c = cell_take(ctx);

	assert(ctx->self != NULL);
	c->what = CELL_WATCH;
	c->kind = MSG_ANS;
	c->to = whom;
	c->from = ctx->self->self;
	c->moves = ctx->self->moves;
	core_send(ctx, c);
}

void
act_rehome(struct ctx *ctx, int home)
{
	assert(ctx->self != NULL && ctx->role != ROLE_PORT);
	ctx->self->move_to = (int16_t)core_home(ctx, ctx->self, home);
}

addr_t
act_self(const struct ctx *ctx)
{
	return ctx->self != NULL ? ctx->self->self : ADDR_NONE;
}

int
act_home(const struct ctx *ctx, addr_t whom)
{
	uint64_t word;

	if (slot_find(&ctx->core->slots, whom, &word) == NULL ||
	    word_home(word) >= ctx->core->places)
		return HOME_ANY;
	return word_home(word);
}

void *
act_app(const struct ctx *ctx)
{
	return ctx->core->arg.app;
}

/* ---- time and chance ---- */

/* Outside a handler (a port's thread) nothing says when a reading is old. */
static bool
fresh_each_time(const struct ctx *ctx)
{
	return ctx->self == NULL || ctx->role == ROLE_PORT;
}

mono_t
act_now(const struct ctx *ctx)
{
	struct when *when = ctx->when;

	if (when->mono.us == 0 || fresh_each_time(ctx))
		when->mono = ctx->core->ops->now(ctx);
	return when->mono;
}

wall_t
act_wall(const struct ctx *ctx)
{
	struct when *when = ctx->when;

	if (when->wall.us == 0 || fresh_each_time(ctx))
		when->wall = ctx->core->ops->wall(ctx);
	return when->wall;
}

uint64_t
act_random(struct ctx *ctx)
{
	return rng_next(ctx->rng);
}

uint64_t
act_random_below(struct ctx *ctx, uint64_t n)
{
	return rng_below(ctx->rng, n);
}

/* ---- io, children, signals ---- */

void
act_io(struct ctx *ctx, int fd, uint32_t events)
{
	assert(ctx->self != NULL && fd >= 0);
	ctx->core->ops->io(ctx, fd, events);
}

uint32_t
act_exec(struct ctx *ctx, const struct exec_arg *arg)
{
	assert(ctx->self != NULL && arg->argv[0] != NULL);
	return ctx->core->ops->exec(ctx, arg);
}

void
act_signal(struct ctx *ctx, int signo)
{
	assert(ctx->self != NULL);
	ctx->core->ops->signal(ctx, signo);
}

enum refusal
sys_why(const struct msg *m)
{
	struct pcur c;
	uint64_t why;

	assert(m->type == SYS_REFUSED);
	pcur_init(&c, m->body.data, m->body.len);
	pcur_array(&c);
	why = pcur_uint(&c);
	assert(pcur_ok(&c) && why <= REFUSED_DEAD);
	return (enum refusal)why;
}

struct sys_io
sys_io(const struct msg *m)
{
	struct sys_io io;
	struct pcur c;

	assert(m->type == SYS_IO);
	pcur_init(&c, m->body.data, m->body.len);
	pcur_array(&c);
	io.fd = (int)pcur_int(&c);
	io.events = (uint32_t)pcur_uint(&c);
	assert(pcur_done(&c));
	return io;
}

struct sys_child
sys_child(const struct msg *m)
{
	struct sys_child child;
	struct pcur c;

	assert(m->type == SYS_CHILD);
	pcur_init(&c, m->body.data, m->body.len);
	pcur_array(&c);
	child.id = (uint32_t)pcur_uint(&c);
	child.status = (int)pcur_int(&c);
	child.timed_out = pcur_bool(&c);
	child.output = pcur_bin(&c);
	assert(pcur_done(&c));
	return child;
}

int
sys_signal(const struct msg *m)
{
	struct pcur c;
	int signo;

	assert(m->type == SYS_SIGNAL);
	pcur_init(&c, m->body.data, m->body.len);
	pcur_array(&c);
	signo = (int)pcur_int(&c);
	assert(pcur_done(&c));
	return signo;
}

/* ---- log ---- */

void
act_log(struct ctx *ctx, enum log_level level, const char *fmt, ...)
{
	const struct actor *a = ctx->self;
	const char *key = NULL;
	char prefix[256] = "";
	va_list ap;

	if (!log_enabled(level))
		return;
	if (a != NULL && a->class->key != NULL)
		key = a->class->key(a->state);
	if (a != NULL)
		snprintf(prefix, sizeof prefix, "%s%s%s", a->class->name,
		    key != NULL ? " " : "", key != NULL ? key : "");
	va_start(ap, fmt);
	log_vline(level, prefix, fmt, ap);
	va_end(ap);
}

static const char *
type_text(const struct core *core, uint16_t type)
{
	static const char *const sys[] = { "SYS_REFUSED", "SYS_DOWN", "SYS_IO",
		"SYS_CHILD", "SYS_SIGNAL" };

	if (type < sizeof sys / sizeof sys[0])
		return sys[type];
	return core->arg.type_name != NULL ? core->arg.type_name(type) : "?";
}

_Noreturn void
act_unexpected(struct ctx *ctx, const struct msg *m)
{
	act_log(ctx, LOG_ERROR, "unexpected message %s (%u) from %u.%u",
	    type_text(ctx->core, m->type), m->type, m->from.slot, m->from.gen);
	abort();
}
