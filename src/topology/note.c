/* SPDX-License-Identifier: Apache-2.0 */
/* Age, problems and the operator's word; see note.h. */
#include "config.h"

#include "topology/note.h"

#include <stdlib.h>
#include <string.h>

#include "topology/control.h"

enum { RECENT_POLLS = 5, PROBLEMS_MAX = 3 };

void
note_input_init(struct note_input *n, wall_t now)
{
	*n = (struct note_input){
		.now = now,
		.poll = DUR_S(5),
		.lag = DUR_S(10),
		.downtime_owner = "",
		.downtime_reason = "",
		.rule = RULE_NEUTRAL,
		.virtual_name = "",
	};
}

void
note_input_control(struct note_input *n, const struct control *c,
    struct key key)
{
	const struct control_downtime *d = control_downtime(c, key);
	const char *name = control_unresolve(c, key.host);

	if (d != NULL) {
		n->downtime_begin = d->begin;
		n->downtime_end = d->end;
		n->downtime_owner = d->owner;
		n->downtime_reason = d->reason;
	}
	n->rule = control_rule(c, key);
	n->virtual_name = name != NULL ? name : "";
}

/* Whole seconds from t to now; not negative, should clocks have been set. */
static int64_t
age(wall_t t, wall_t now)
{
	int64_t s = wall_seconds(now) - wall_seconds(t);

	return s > 0 ? s : 0;
}

static bool
is_younger(wall_t t, wall_t now, dur_t limit)
{
	return t.us != 0 && age(t, now) <= limit.us / 1000000;
}

bool
note_is_valid(const struct health *h)
{
	return h->last_seen.us != 0 && h->last_checked.us <= h->last_seen.us;
}

bool
note_is_valid_now(const struct health *h, dur_t grace)
{
	return note_is_valid(h) &&
	    h->last_attempted.us <= wall_add(h->last_seen, grace).us;
}

bool
note_lags(struct nullint seconds, uint64_t sql_delay, dur_t lag)
{
	int64_t delay = sql_delay < INT32_MAX ? (int64_t)sql_delay : INT32_MAX;
	int64_t off;

	if (!seconds.valid)
		return false;
	if (__builtin_sub_overflow(seconds.v, delay, &off))
		return true;
	return off > lag.us / 1000000 || off < -(lag.us / 1000000);
}

/* Its threads exist, but it is no running replica. */
static bool
has_stopped(const struct instance *in)
{
	return in->sql_state != THREAD_NONE && in->io_state != THREAD_NONE &&
	    !instance_is_running(in);
}

static bool
is_recent(const struct health *h, const struct note_input *n)
{
	return is_younger(h->last_checked, n->now,
	    (dur_t){ n->poll.us * RECENT_POLLS });
}

/* The most telling of what is wrong with its replication; NULL: nothing. */
static const char *
main_problem(const struct member *m, const struct note_input *n)
{
	const struct instance *in = m->in;

	if (!note_is_valid(&m->health))
		return "last_check_invalid";
	if (!is_recent(&m->health, n))
		return "not_recently_checked";
	if (has_stopped(in))
		return "not_replicating";
	if (note_lags(in->lag_seconds, in->sql_delay, n->lag))
		return "replication_lag";
	return NULL;
}

static bool
is_offline(const struct instance *in)
{
	return instance_is_group_member(in) &&
	    strcmp(in->group_member_state, "ONLINE") != 0;
}

static struct strs
find_problems(const struct member *m, const struct note_input *n,
    struct arena *a)
{
	const char **at = arena_alloc(a, PROBLEMS_MAX * sizeof *at);
	const char *first = main_problem(m, n);
	size_t count = 0;

	if (first != NULL)
		at[count++] = first;
	if (m->in->gtid_errant[0] != '\0')
		at[count++] = "errant_gtid";
	if (is_offline(m->in))
		at[count++] = "group_replication_member_not_online";
	return (struct strs){ at, count };
}

static const char *
time_text(wall_t t, struct arena *a)
{
	char text[WALL_TEXT_MAX];

	return t.us != 0 ? arena_strdup(a, wall_text(t, text)) : "";
}

static void
fill_age(struct instance *out, const struct health *h,
    const struct note_input *n, struct arena *a)
{
	out->last_seen_text = time_text(h->last_seen, a);
	out->is_last_check_valid = note_is_valid(h);
	out->is_up_to_date = is_younger(h->last_checked, n->now, n->poll);
	out->is_recently_checked = is_recent(h, n);
	out->seconds_since_last_seen.valid = h->last_seen.us != 0;
	out->seconds_since_last_seen.v = h->last_seen.us != 0 ?
	    age(h->last_seen, n->now) : 0;
	out->last_latency_ns = h->latency.us * 1000;
}

/* What a server's own query says of it is registered anew by each probe. */
static void
fill_rule(struct instance *out, enum promotion_rule rule)
{
	enum promotion_rule detected;

	if (promotion_rule_parse(&detected, out->detected_promotion_rule,
		NULL) == ERR_NONE)
		rule = detected;
	out->promotion_rule = promotion_rule_name(rule);
	out->is_candidate = rule == RULE_MUST || rule == RULE_PREFER;
}

/* Told until it is removed, so that people see what ended. */
static void
fill_downtime(struct instance *out, const struct note_input *n,
    struct arena *a)
{
	bool told = n->downtime_end.us != 0;

	out->is_downtimed = told && n->downtime_end.us > n->now.us;
	out->downtime_owner = told ? n->downtime_owner : "";
	out->downtime_reason = told ? n->downtime_reason : "";
	out->downtime_end_text = told ? time_text(n->downtime_end, a) : "";
	out->elapsed_downtime_ns = told ?
	    age(n->downtime_begin, n->now) * 1000000000 : 0;
}

void
note_fill(struct instance *out, const struct member *m,
    const struct note_input *n, struct arena *a)
{
	*out = *m->in;
	fill_age(out, &m->health, n, a);
	fill_rule(out, n->rule);
	fill_downtime(out, n, a);
	out->unresolved_hostname = n->virtual_name;
	out->count_snapshots = n->snapshots;
	out->problems = find_problems(m, n, a);
}

bool
note_is_problem(const struct member *m, const struct note_input *n)
{
	const struct instance *in = m->in;

	if (n->downtime_end.us > n->now.us)
		return false;
	return main_problem(m, n) != NULL || in->gtid_errant[0] != '\0' ||
	    is_offline(in) || has_stopped(in) ||
	    note_lags(in->lag_seconds, in->sql_delay, n->lag) ||
	    note_lags(in->seconds_behind, in->sql_delay, n->lag);
}
