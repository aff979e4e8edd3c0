/* SPDX-License-Identifier: Apache-2.0 */
/* The rule by which markers are known; see markers.h. */
#include "config.h"

#include "actors/markers.h"

#include "base/mem.h"
#include "config/pattern.h"

static bool
matches(const void *arg, const char *info)
{
	const struct config_shared *c = arg;

	return pattern_match(c->config->rules.pseudo_gtid, info);
}

static void *
hold(const void *arg)
{
	return shared_ref(arg);
}

bool
markers_rule(struct markers *m, const struct config_shared *c, bool relay_only)
{
	const struct config *cf = c->config;
	const struct str_list *skip = &cf->skip_binlog_events_containing;
	bool fixed = cf->pseudo_gtid_pattern_is_fixed_substring;

	*m = (struct markers){ .rule = {
		.fixed = fixed ? cf->pseudo_gtid_pattern : "",
		.match = cf->rules.pseudo_gtid != NULL ? matches : NULL,
		.match_arg = c,
		.hold = hold,
		.release = shared_unref,
		.hint = cf->pseudo_gtid_monotonic_hint,
		.chunk = cf->binlog_events_chunk_size > 0
		    ? (unsigned)cf->binlog_events_chunk_size : 1,
		.polite_lag =
		    DUR_S(cf->reasonable_maintenance_replication_lag_seconds),
		.relay_only = relay_only,
	} };
	for (size_t i = 0; i < skip->count && i < MEM_COUNT(m->skip); i++)
		m->skip[m->rule.skip.n++] = skip->item[i];
	m->rule.skip.at = m->skip;
	return m->rule.fixed[0] != '\0' || m->rule.match != NULL;
}
