/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ports: an inbox that a foreign thread empties.  To the rest a port is an
 * actor whose home is the port's own thread.
 */
#include "config.h"

#include "runtime/core.h"

#include "base/mem.h"

struct port {
	struct ctx *ctx;
	struct actor *actor;
	bool (*wait)(struct port *port, dur_t limit);
};

static void
port_handle(void *self, struct ctx *ctx, struct msg *m)
{
	(void)self;
	act_unexpected(ctx, m);
}

static const struct actor_class port_class = {
	.name = "port",
	.handle = port_handle,
};

struct port *
port_new(struct ctx *ctx, const char *name,
    bool (*wait)(struct port *port, dur_t limit))
{
	struct port *port = mem_zalloc(sizeof *port);

	(void)name;
	assert(ctx->role == ROLE_PORT && ctx->self == NULL);
	port->ctx = ctx;
	port->wait = wait;
	port->actor = core_actor_new(ctx, &port_class, NULL, ctx->index);
	port->actor->inited = true;
	ctx->self = port->actor;
	atomic_store(&ctx->live, true);
	return port;
}

void
port_free(struct port *port)
{
	core_end(port->ctx, port->actor);
	mem_free(port);
}

struct ctx *
port_ctx(struct port *port)
{
	return port->ctx;
}

addr_t
port_addr(const struct port *port)
{
	return port->actor->self;
}

bool
port_has_mail(void *arg)
{
	const struct port *port = arg;

	return port->actor->inbox.head != NULL;
}

/* What arrives meanwhile is for the next poll. */
size_t
port_poll(struct port *port, void (*fn)(void *arg, struct msg *m), void *arg)
{
	struct ctx *ctx = port->ctx;
	size_t count = 0;
	unsigned most;
	struct cell *c;

	ctx->core->ops->port_drain(ctx);
	port->actor->ready = false;
	for (most = port->actor->inbox.count; most > 0; most--) {
		struct msg m;

		c = core_take(ctx, port->actor);
		if (c == NULL)
			break;
		m = core_msg(c);
		stat_add(ctx, STAT_HANDLED, 1);
		fn(arg, &m);
		cell_give(ctx, c);
		count++;
	}
	return count;
}

bool
port_wait(struct port *port, dur_t limit)
{
	return port->wait(port, limit);
}
