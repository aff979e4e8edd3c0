/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The typed form of messages; see messages.def.
 *
 *	act_send(ctx, to, inst_left, .host = "db1", .port = 3306);
 *	serial = act_request(ctx, to, name_resolve, DUR_S(5), .host = "db1");
 *	act_answer(ctx, ask_of(m), name_done, .code = ERR_NONE);
 *	act_after(ctx, DUR_S(1), probe_tick);
 *	const struct msg_inst_left *left = as_inst_left(m);
 *
 * What as_NAME() gives is decoded into storage of the thread and points into the
 * message: it lives until the handler returns or the same type is decoded again.
 * Bodies come from ourselves only, so a malformed one is our mistake: assert.
 */
#ifndef ORC_ACTORS_MESSAGES_H
#define ORC_ACTORS_MESSAGES_H

#include "runtime/actor.h"

enum msg_type {
	MSG_FIRST_ = SYS_MAX - 1,
#define MSG(name, kind, from, to, fields) MSG_##name,
#include "actors/messages.def"
#undef MSG
	MSG_TYPES,
};

#define U32(f) uint32_t f;
#define U64(f) uint64_t f;
#define I64(f) int64_t f;
#define BOOL(f) bool f;
#define STR(f) const char *f;
#define BIN(f) struct bin f;
#define ADDR(f) addr_t f;
#define MSG(name, kind, from, to, fields) \
	struct msg_##name { \
		fields uint8_t none_; \
	}; \
	void msg_pack_##name(struct buf *b, const struct msg_##name *m); \
	const struct msg_##name *as_##name(const struct msg *m);
#include "actors/messages.def"
#undef MSG
#undef U32
#undef U64
#undef I64
#undef BOOL
#undef STR
#undef BIN
#undef ADDR

#define act_send(ctx, to, name, ...) \
	(msg_pack_##name(act_body(ctx), &(struct msg_##name){ __VA_ARGS__ }), \
	    act_post((ctx), (to), MSG_##name))
#define act_request(ctx, to, name, limit, ...) \
	(msg_pack_##name(act_body(ctx), &(struct msg_##name){ __VA_ARGS__ }), \
	    act_ask((ctx), (to), MSG_##name, (limit)))
#define act_answer(ctx, ask, name, ...) \
	(msg_pack_##name(act_body(ctx), &(struct msg_##name){ __VA_ARGS__ }), \
	    act_reply((ctx), (ask), MSG_##name))
#define act_after(ctx, d, name) act_timer((ctx), (d), MSG_##name)

/* For rt_arg and sim_new(): kinds by type from SYS_MAX on, names of all types. */
extern const enum msg_kind msg_kinds[];
const char *msg_name(uint16_t type);

/* One line: "name field=value ..."; binary as its length. */
void msg_print(struct buf *b, const struct msg *m);

/* The actor graph as text: receiver, then one line per message. */
void msg_graph(struct buf *b);

#endif
