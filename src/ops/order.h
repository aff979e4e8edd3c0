/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Orders to the control actor: a command of topology/control.def on behalf of a
 * call, and what comes back.
 */
#ifndef ORC_OPS_ORDER_H
#define ORC_OPS_ORDER_H

#include "ops/view.h"

/* Run the command; fn gets control_ran. */
#define op_order(c, fn, cmd, ...) \
	do { \
		struct buf order_ = { 0 }; \
		command_pack(&order_, cmd, .at = view_now(c), __VA_ARGS__); \
		order_send((c), &order_, (fn)); \
	} while (0)

/* Takes the command's bytes over. */
void order_send(struct op_call *c, struct buf *command, op_answer_fn *fn);

/*
 * Did control_ran say that it failed?  Then the error is answered.  Else result
 * (may be NULL) holds the command's result, until the handler returns.
 */
bool order_failed(struct op_call *c, const struct msg *m, struct bin *result);

/*
 * The server that host and port mean, known or not, for a command about it: a
 * name that nobody knows is resolved first.  fn is called at once or later; its
 * errors are answered.
 */
void order_with_key(struct op_call *c, void (*fn)(struct op_call *c,
					    struct key key));
/* The key that fn was given, for the functions after it. */
struct key order_key(const struct op_call *c);

/* {"Code":"OK",...,"Details": that key} */
void order_key_done(struct op_call *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
