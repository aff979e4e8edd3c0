/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as path and query of a call by somebody who may do everything, on a
 * small world: nothing that has such a path, or one answer that is JSON.
 */
#include "config.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "unit/ops_world.h"

static struct world *
the_world(void)
{
	static struct world w;

	if (w.sim == NULL)
		world_start(&w, "");
	return &w;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct world *w = the_world();
	char *path = malloc(n + 1);
	const char *body;
	json_t *value;

	assert(path != NULL);
	memcpy(path, data, n);
	path[n] = '\0';
	body = world_get(w, path);
	free(path);
	if (body == NULL)
		return 0;
	assert(w->status == 200 || w->status == 500 || w->status == 503);
	value = json_loads(body, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES,
	    NULL);
	assert(value != NULL);
	json_decref(value);
	return 0;
}
