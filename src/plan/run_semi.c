/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Semi-sync before a start: should this replica acknowledge?
 *
 * Counts are signed: with more clients than the source waits for, nobody has to
 * be switched on.
 */
#include "config.h"

#include "plan/run_impl.h"

#include <stdlib.h>

#include "base/mem.h"

/* Priority first, then the promotion rule, then the name. */
static bool
goes_before(const struct run *r, const struct instance *a,
    const struct instance *b)
{
	const struct control *c = r->world->control;

	if (a->semi_sync_priority != b->semi_sync_priority)
		return a->semi_sync_priority > b->semi_sync_priority;
	if (c != NULL && control_rule(c, a->key) != control_rule(c, b->key))
		return control_rule(c, a->key) < control_rule(c, b->key);
	return key_cmp(a->key, b->key) < 0;
}

static bool
could_take_part(const struct run *r, const struct member *m,
    struct key source, struct key me)
{
	return key_eq(m->in->source_key, source) &&
	    m->in->semi_sync_priority > 0 &&
	    (key_eq(m->in->key, me) ||
	    (world_is_fresh(r->world, m) && instance_is_running(m->in)));
}

/* How many of those that could take part go before it. */
static int64_t
place_of(const struct run *r, const struct instance *in)
{
	int64_t before = 0;

	for (size_t i = 0; i < r->world->n; i++) {
		const struct member *m = r->world->at[i];

		if (could_take_part(r, m, in->source_key, in->key) &&
		    goes_before(r, m->in, in))
			before++;
	}
	return before;
}

static enum semi
by_promotion_rule(const struct run *r, const struct instance *in)
{
	enum promotion_rule rule = r->world->control != NULL ?
	    control_rule(r->world->control, in->key) : RULE_NEUTRAL;

	return rule == RULE_MUST_NOT ? SEMI_OFF : SEMI_ON;
}

enum semi
run_semi_sync(struct run *r, unsigned server)
{
	const struct instance *in = run_in(r, server);
	const struct plan_policy *p = r->world->policy;
	const struct member *source;
	int64_t missing;

	if (!p->semi_sync_exact && !p->semi_sync_enough)
		return by_promotion_rule(r, in);
	source = world_find(r->world, in->source_key);
	if (source == NULL || !source->in->semi_sync_source_enabled)
		return SEMI_ASIS;
	if (p->semi_sync_exact)
		return place_of(r, in) <
		    (int64_t)source->in->semi_sync_wait_count ? SEMI_ON :
		    SEMI_OFF;
	missing = (int64_t)source->in->semi_sync_wait_count -
	    (int64_t)source->in->semi_sync_source_clients;
	return missing > 0 && place_of(r, in) < missing ? SEMI_ON : SEMI_ASIS;
}
