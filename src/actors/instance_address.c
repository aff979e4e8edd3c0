/* SPDX-License-Identifier: Apache-2.0 */
/* The instance actor: the addresses that lead to its server. */
#include "config.h"

#include "actors/instance_state.h"

#include <string.h>

#include "base/mem.h"

void
instance_open_session(struct inst *in, struct ctx *ctx)
{
	struct session_arg arg = { .port = in->arg.port,
		.owner = act_self(ctx) };

	strcpy(arg.host, in->arg.host);
	in->session = act_spawn(ctx, app_of(ctx)->session_class, &arg,
	    HOME_SELF);
	probe_memory_init(&in->memory);
}

void
instance_close_session(struct inst *in, struct ctx *ctx)
{
	act_send(ctx, in->session, session_close);
	probe_memory_fini(&in->memory);
}

void
instance_next_address(struct inst *in, struct ctx *ctx)
{
	struct address was;

	assert(in->state == IDLE);
	if (in->others == 0)
		return;
	address_set(&was, instance_asked_key(in));
	strcpy(in->arg.host, in->other[0].host);
	in->arg.port = in->other[0].port;
	memmove(in->other, in->other + 1,
	    (in->others - 1) * sizeof in->other[0]);
	if (in->strayed)
		in->others--;
	else
		in->other[in->others - 1] = was;
	in->strayed = false;
	in->told.edge = 0; /* the directory is told by which one */
	instance_close_session(in, ctx);
	instance_open_session(in, ctx);
}

static bool
knows_address(const struct inst *in, struct key k)
{
	if (key_eq(k, instance_asked_key(in)))
		return true;
	for (unsigned i = 0; i < in->others; i++)
		if (key_eq(k, address_key(&in->other[i])))
			return true;
	return false;
}

/* The oldest goes when there are too many. */
bool
instance_add_address(struct inst *in, struct key k)
{
	if (!key_valid(k) || knows_address(in, k))
		return false;
	if (in->other == NULL)
		in->other = mem_zalloc(ADDRESSES_MAX * sizeof in->other[0]);
	if (in->others == ADDRESSES_MAX)
		in->others--;
	memmove(in->other + 1, in->other,
	    in->others * sizeof in->other[0]);
	address_set(&in->other[0], k);
	in->others++;
	return true;
}

void
instance_on_address(struct inst *in, struct ctx *ctx,
    const struct msg_inst_address *a)
{
	bool news = instance_add_address(in, (struct key){ a->host, a->port });

	/* What is known has its turn; many may name it. */
	if (!news || in->health.failures == 0 || in->state != IDLE)
		return;
	instance_next_address(in, ctx);
	if (in->arg.probe) {
		act_cancel(ctx, &in->tick);
		in->tick = act_after(ctx, DUR_ZERO, probe_tick);
	}
}
