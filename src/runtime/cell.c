/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cells are pooled per thread.  One that ends on another thread is collected
 * there and goes home in a chain of RETURN_MAX, so that a stream of messages in
 * one direction costs neither malloc nor free.
 */
#include "config.h"

#include "runtime/core.h"

#include "base/mem.h"

void
cells_push(struct cell_list *l, struct cell *c)
{
	c->next = NULL;
	if (l->tail != NULL)
		l->tail->next = c;
	else
		l->head = c;
	l->tail = c;
	l->count++;
}

struct cell *
cells_pop(struct cell_list *l)
{
	struct cell *c = l->head;

	if (c == NULL)
		return NULL;
	l->head = c->next;
	if (l->head == NULL)
		l->tail = NULL;
	l->count--;
	c->next = NULL;
	return c;
}

/* The pool is a stack: the cell used last is the warm one. */
static void
pool_push(struct ctx *ctx, struct cell *c)
{
	c->next = ctx->pool.head;
	ctx->pool.head = c;
	ctx->pool.count++;
}

struct cell *
cell_take(struct ctx *ctx)
{
	struct cell *c = ctx->pool.head;

	if (c != NULL) {
		struct buf body = c->body;

		ctx->pool.head = c->next;
		ctx->pool.count--;
		*c = (struct cell){ .body = body };
		c->body.len = 0;
	} else {
		c = line_alloc(sizeof *c);
	}
	c->pool = c->origin = ctx->index;
	c->moves = VERSION_NONE;
	return c;
}

void
cell_free(struct cell *c)
{
	struct cell *next, *chain = c->what == CELL_RETURN ? c->item : NULL;

	buf_fini(&c->body);
	mem_free(c);
	for (; chain != NULL; chain = next) {
		next = chain->next;
		buf_fini(&chain->body);
		mem_free(chain);
	}
}

/* The head of a chain carries the rest. */
static void
return_to(struct ctx *ctx, int home)
{
	struct cell_list *l = &ctx->returns[home];
	struct cell *head = cells_pop(l);

	if (head == NULL)
		return;
	head->what = CELL_RETURN;
	head->item = l->head;
	*l = (struct cell_list){ 0 };
	ctx->core->ops->carry(ctx, home, head);
}

void
cell_give(struct ctx *ctx, struct cell *c)
{
	if (c->body.cap > BODY_KEEP_MAX)
		buf_fini(&c->body);
	if (c->pool != ctx->index) {
		struct cell_list *l = &ctx->returns[c->pool];

		cells_push(l, c);
		if (l->count >= RETURN_MAX)
			return_to(ctx, c->pool);
	} else if (ctx->pool.count < POOL_MAX) {
		pool_push(ctx, c);
	} else {
		cell_free(c);
	}
}

static void
free_list(struct cell_list *l)
{
	struct cell *c;

	while ((c = cells_pop(l)) != NULL)
		cell_free(c);
}

void
cell_free_all(struct ctx *ctx)
{
	free_list(&ctx->pool);
	free_list(&ctx->held);
	for (int i = 0; i < ctx->core->homes; i++)
		free_list(&ctx->returns[i]);
}
