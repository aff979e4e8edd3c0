/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of servers as answers.  A long one is written piece by piece, as its
 * client takes it: ten thousand servers are 30 MB, and who asks for them shall
 * neither hold up the thread nor make it keep them.
 */
#include "config.h"

#include "ops/view.h"

enum {
	PIECE_BYTES = 96 << 10,
	/*
	 * Bytes of a snapshot, about: what is looked at here is kept until the
	 * last piece.  One list never counts as so much that the connection,
	 * or all of them, would be refused the next request.
	 */
	SERVER_HELD = 3000,
	HELD_MOST = 24 << 20,
};

struct rest {
	struct founds list;
	size_t at;
};

static bool
write_piece(struct op_call *c)
{
	struct rest *r = c->memo;

	while (r->at < r->list.n && c->body.len < PIECE_BYTES)
		view_instance_json(c, &c->json, &r->list.at[r->at++]);
	if (r->at < r->list.n)
		return true;
	json_end(&c->json);
	return false;
}

void
reply_instances(struct op_call *c, const struct founds *list)
{
	struct rest *r = arena_alloc(&c->arena, sizeof(*r));

	r->list = *list;
	c->memo = r;
	json_arr(reply_raw(c));
	reply_pieces(c, write_piece, list->n < HELD_MOST / SERVER_HELD ?
	    list->n * SERVER_HELD : HELD_MOST);
}

void
reply_instances_or_null(struct op_call *c, const struct founds *list)
{
	if (list->n > 0) {
		reply_instances(c, list);
		return;
	}
	json_nil(reply_raw(c));
	reply_sent(c, 200);
}
