/* SPDX-License-Identifier: Apache-2.0 */
/* The messages that the runtime's tests send, and how they are packed. */
#ifndef ORC_T_RUNTIME_TYPES_H
#define ORC_T_RUNTIME_TYPES_H

#include "runtime/runtime.h"

enum {
	T_TICK = SYS_MAX,
	T_TICK2,
	T_ASK,
	T_ANSWER,
	T_NOTE,
	T_GO,
	T_TYPES
};

static const enum msg_kind t_kinds[] = {
	[T_TICK - SYS_MAX] = MSG_TICK,
	[T_TICK2 - SYS_MAX] = MSG_TICK,
	[T_ASK - SYS_MAX] = MSG_REQ,
	[T_ANSWER - SYS_MAX] = MSG_ANS,
	[T_NOTE - SYS_MAX] = MSG_ANS,
	[T_GO - SYS_MAX] = MSG_ANS,
};

static inline const char *
t_name(uint16_t type)
{
	static const char *const name[] = { "tick", "tick2", "ask", "answer",
		"note", "go" };

	return type >= SYS_MAX && type < T_TYPES ? name[type - SYS_MAX] : "?";
}

static inline struct rt_arg
t_arg(int workers, int pinned, int ports)
{
	return (struct rt_arg){
		.workers = workers,
		.pinned = pinned,
		.ports = ports,
		.kinds = t_kinds,
		.types = T_TYPES,
		.type_name = t_name,
	};
}

/* Send one number. */
static inline void
t_post(struct ctx *ctx, addr_t to, uint16_t type, uint64_t n)
{
	pack_uint(act_body(ctx), n);
	act_post(ctx, to, type);
}

static inline uint64_t
t_number(const struct msg *m)
{
	struct pcur c;
	uint64_t n;

	pcur_init(&c, m->body.data, m->body.len);
	n = pcur_uint(&c);
	assert(pcur_done(&c));
	return n;
}

#endif
