/* SPDX-License-Identifier: Apache-2.0 */
/* What all actors of a process share; see app.h. */
#include "config.h"

#include "actors/app.h"

#include "base/mem.h"

static void
free_config(struct shared *s)
{
	struct config_shared *c = (struct config_shared *)s;

	config_free(c->config);
	mem_free(c);
}

struct config_shared *
config_share(struct config *config)
{
	struct config_shared *c = mem_zalloc(sizeof *c);

	shared_init(&c->shared, free_config);
	c->config = config;
	return c;
}

const struct config_shared *
config_ref(struct ctx *ctx)
{
	const struct config_shared *c = board_get(ctx, BOARD_CONFIG, "config");

	assert(c != NULL);
	return c;
}
