/* SPDX-License-Identifier: Apache-2.0 */
/* The instance actor: its place in a cluster, and who waits to see it there. */
#include "config.h"

#include "actors/instance_state.h"

#include <string.h>

#include "base/mem.h"

#define SYNC_LIMIT DUR_S(5)

/* ---- leaving ---- */

static void
leave(struct ctx *ctx, const struct left *l)
{
	act_send(ctx, l->cluster, inst_left, .host = l->as.host,
	    .port = l->as.port);
}

static void
leave_all(struct inst *in, struct ctx *ctx)
{
	for (size_t i = 0; i < in->leavings; i++)
		leave(ctx, &in->leaving[i]);
	in->leavings = 0;
	in->leave_sync = 0;
}

/* ---- who waits ---- */

void
instance_answer_asks(struct inst *in, struct ctx *ctx, enum err_code code,
    const char *error)
{
	struct directory_snap *snap = NULL;
	struct arena a;
	struct buf b;

	if (in->asks == 0)
		return;
	arena_init(&a);
	buf_init(&b);
	if (in->told.raw != NULL) {
		snap = board_get(ctx, BOARD_DIRECTORY, "directory");
		instance_pack(&b, told_resolve(&in->told, snap, &a));
	}
	for (size_t i = 0; i < in->asks; i++)
		act_answer(ctx, in->ask[i], server_probed, .host = in->host,
		    .port = in->port, .code = code, .error = error,
		    .facts = bytes(&b));
	mem_free(in->ask);
	in->ask = NULL;
	in->asks = 0;
	shared_unref(snap);
	buf_fini(&b);
	arena_fini(&a);
}

void
instance_sync_asks(struct inst *in, struct ctx *ctx)
{
	in->sync_wanted = false;
	if (in->asks == 0 || in->sync != 0)
		return;
	if (addr_is_none(in->cluster))
		in->sync_wanted = true;
	else
		in->sync = act_request(ctx, in->cluster, cluster_sync,
		    SYNC_LIMIT);
}

void
instance_on_synced(struct inst *in, struct ctx *ctx, uint32_t serial)
{
	if (serial == in->leave_sync)
		leave_all(in, ctx);
	if (serial != in->sync)
		return;
	in->sync = 0;
	instance_answer_asks(in, ctx, ERR_NONE, NULL);
}

/* ---- the cluster it is shown in ---- */

/* It came back to where it was leaving. */
static void
stay(struct inst *in)
{
	struct key now = { in->shown_host, in->shown_port };
	size_t kept = 0;

	for (size_t i = 0; i < in->leavings; i++)
		if (!addr_eq(in->leaving[i].cluster, in->cluster) ||
		    !key_eq(address_key(&in->leaving[i].as), now))
			in->leaving[kept++] = in->leaving[i];
	in->leavings = kept;
}

/* The new cluster shows it first, so that readers never miss the server. */
static void
leave_later(struct inst *in, struct ctx *ctx, const struct left *old)
{
	if (in->leavings == LEAVING_MAX)
		leave_all(in, ctx);
	if (in->leaving == NULL)
		in->leaving = mem_zalloc(LEAVING_MAX * sizeof in->leaving[0]);
	in->leaving[in->leavings++] = *old;
	in->leave_sync = act_request(ctx, in->cluster, cluster_sync,
	    SYNC_LIMIT);
}

void
instance_on_place(struct inst *in, struct ctx *ctx, const struct msg_place_set *p)
{
	struct key new = { p->host, p->port };
	struct left old = { .cluster = in->cluster };
	bool moved;

	address_set(&old.as, (struct key){ in->shown_host, in->shown_port });
	moved = !addr_eq(old.cluster, p->actor) ||
	    !key_eq(address_key(&old.as), new);
	in->cluster = p->actor;
	snprintf(in->host, sizeof in->host, "%s", p->host);
	in->port = p->port;
	strcpy(in->shown_host, in->host);
	in->shown_port = in->port;
	stay(in);
	if (in->told.raw != NULL)
		instance_report(in, ctx, true);
	else
		instance_report_unreached(in, ctx);
	if (moved && !addr_is_none(old.cluster))
		leave_later(in, ctx, &old);
	if (in->sync_wanted)
		instance_sync_asks(in, ctx);
}

void
instance_on_end(struct inst *in, struct ctx *ctx, const struct msg_inst_end *e)
{
	struct left here = { .cluster = in->cluster };

	address_set(&here.as, (struct key){ in->shown_host, in->shown_port });
	leave_all(in, ctx);
	if (!addr_is_none(in->cluster))
		leave(ctx, &here);
	if (e->forget)
		instance_forget_stored(in, ctx);
	act_exit(ctx);
}
