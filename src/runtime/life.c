/* SPDX-License-Identifier: Apache-2.0 */
/* How actors begin and end. */
#include "config.h"

#include "runtime/core.h"

#include <stddef.h>
#include <string.h>

#include "base/mem.h"

/* ---- beginning ---- */

static size_t
rounded(size_t n)
{
	return (n + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
}

/* The actor, the bits of its ticks and its state are one piece of memory. */
static struct actor *
actor_alloc(const struct core *core, const struct actor_class *class)
{
	size_t types = core->arg.types > SYS_MAX ?
	    core->arg.types - SYS_MAX : 0;
	size_t head = rounded(sizeof(struct actor));
	size_t ticks = rounded((types + 63) / 64 * sizeof(uint64_t));
	char *p = line_alloc(head + ticks + class->size);
	struct actor *a = (struct actor *)p;

	a->class = class;
	a->move_to = -1;
	a->ticks = (uint64_t *)(p + head);
	a->state = p + head + ticks;
	return a;
}

int
core_home(const struct ctx *ctx, const struct actor *a, int home)
{
	const struct core *core = ctx->core;

	assert(home >= HOME_SELF && home < core->places);
	if (home == HOME_SELF && ctx->index < core->places)
		return ctx->index;
	if (home < 0)
		return (int)(a->self.slot % (uint32_t)core->arg.workers);
	return home;
}

struct actor *
core_actor_new(struct ctx *ctx, const struct actor_class *class,
    const void *arg, int home)
{
	struct core *core = ctx->core;
	struct actor *a = actor_alloc(core, class);

	if (class->arg_size > 0) {
		assert(arg != NULL);
		a->arg = mem_alloc(class->arg_size);
		memcpy(a->arg, arg, class->arg_size);
	}
	a->slot = slot_take(&core->slots, &a->self);
	a->slot->actor = a;
	if (home < 0)
		home = core_home(ctx, a, home);
	slot_open(&core->slots, a->slot, a->self.gen, (uint16_t)home,
	    class->inbox_max > 0 ? class->inbox_max : INBOX_DEFAULT);
	return a;
}

void
core_spawned(struct ctx *ctx, struct actor *a)
{
	if (a->inited || a->ready)
		return;
	a->ready = true;
	ctx->core->ops->ready(ctx, a);
}

addr_t
core_spawn(struct ctx *ctx, const struct actor_class *class, const void *arg,
    int home)
{
	struct actor *a = core_actor_new(ctx, class, arg, home);
	addr_t addr = a->self;
	uint64_t word = atomic_load_explicit(&a->slot->word,
	    memory_order_relaxed);
	struct cell *c;

	if (word_home(word) == ctx->index) {
		core_spawned(ctx, a);
		return addr;
	}
	c = cell_take(ctx);
	c->what = CELL_SPAWN;
	c->to = addr;
	ctx->core->ops->carry(ctx, word_home(word), c);
	return addr;
}

/* ---- ending ---- */

static void
tell_watchers(struct ctx *ctx, const struct actor *a)
{
	for (unsigned i = 0; i < a->watcher_count; i++) {
		struct cell *c = cell_take(ctx);

		c->to = a->watchers[i];
		c->from = a->self;
		c->type = SYS_DOWN;
		c->kind = MSG_ANS;
		core_send(ctx, c);
	}
}

static void
run_fini(struct ctx *ctx, struct actor *a)
{
	ctx->self = a;
	*ctx->when = (struct when){ 0 };
	if (a->inited && a->class->fini != NULL)
		a->class->fini(a->state, ctx);
	ctx->exiting = false;
}

static void
actor_free(struct actor *a)
{
	mem_free(a->arg);
	mem_free(a->watchers);
	mem_free(a);
}

/*
 * The address dies before the inbox is emptied: the refusals of an actor that
 * asked itself are dead letters.
 */
void
core_end(struct ctx *ctx, struct actor *a)
{
	struct cell *c;

	run_fini(ctx, a);
	ctx->core->ops->io_forget(ctx, a);
	timers_forget(ctx, a);
	board_forget(ctx, a);
	ctx->self = NULL;
	slot_close(&ctx->core->slots, a->slot);
	while ((c = cells_pop(&a->inbox)) != NULL) {
		if (c->flags & CELL_VOID)
			cell_give(ctx, c);
		else
			core_dead_letter(ctx, c);
	}
	tell_watchers(ctx, a);
	actor_free(a);
}

void
core_end_all(struct core *core)
{
	for (uint32_t i = 0; i < core->slots.used; i++) {
		struct slot *slot = slot_get(&core->slots, i);
		uint16_t home = word_home(atomic_load(&slot->word));

		if (home != HOME_NOBODY &&
		    core->ctx[home]->role != ROLE_PORT)
			core_end(core->ctx[home], slot->actor);
	}
}
