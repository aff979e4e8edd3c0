/* SPDX-License-Identifier: Apache-2.0 */
/* Operations under way: what they are at, and ending one. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "actors/moves.h"
#include "ops/view.h"

struct shown {
	struct op_call *c;
	const struct move_shown **at;
	size_t n, max;
};

/* Held until the answer is written. */
static void
collect(void *arg, const char *key, void *s)
{
	struct shown *all = arg;

	(void)key;
	if (all->n == all->max) {
		size_t max = all->max > 0 ? all->max * 2 : 16;
		const struct move_shown **more =
		    arena_alloc(&all->c->arena, max * sizeof(*more));

		if (all->n > 0)
			memcpy(more, all->at, all->n * sizeof(*more));
		all->at = more;
		all->max = max;
	}
	all->at[all->n++] = shared_ref(s);
}

static int
by_number(const void *x, const void *y)
{
	const struct move_shown *const *a = x, *const *b = y;

	return ((*a)->number > (*b)->number) - ((*a)->number < (*b)->number);
}

void
op_run_operations(struct op_call *c)
{
	struct shown all = { .c = c };
	struct json *w = reply_raw(c);

	board_each(op_ctx(c), BOARD_MOVE, collect, &all);
	if (all.n > 1)
		qsort(all.at, all.n, sizeof(*all.at), by_number);
	json_arr(w);
	for (size_t i = 0; i < all.n; i++) {
		json_raw(w, all.at[i]->json, strlen(all.at[i]->json));
		shared_unref(all.at[i]);
	}
	json_end(w);
	reply_sent(c, 200);
}

static void
on_cancelled(struct op_call *c, const struct msg *m)
{
	const struct msg_move_cancelled *r = as_move_cancelled(m);

	if (r->code != ERR_NONE)
		reply_error(c, "%s", r->error);
	else
		reply_done(c, "Operation canceled: %s", op_arg(c, "id"));
}

void
op_run_cancel_operation(struct op_call *c)
{
	const char *id = op_arg(c, "id");
	unsigned long n;
	char *end;

	errno = 0;
	n = id != NULL ? strtoul(id, &end, 10) : 0;
	if (id == NULL || *id < '0' || *id > '9' || *end != '\0' ||
	    errno != 0 || n > UINT32_MAX) {
		reply_error(c, "Not an operation: %s", id != NULL ? id : "");
		return;
	}
	op_ask(c, op_app(c)->moves, move_cancel, OP_LIMIT, on_cancelled,
	    .number = (uint32_t)n, .user = c->user);
}
