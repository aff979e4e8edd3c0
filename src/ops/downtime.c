/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Servers that somebody is working on: downtime (left out of recoveries) and
 * maintenance (an exclusive lock).
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "ops/order.h"

/* Nothing given, or zero: the default of the command. false: answered. */
static bool
duration_arg(struct op_call *c, dur_t *d)
{
	const char *text = op_arg(c, "duration");
	struct err err = ERR_INIT;

	*d = DUR_ZERO;
	if (text == NULL || dur_parse(d, text, &err) == ERR_NONE)
		return true;
	reply_error(c, "%s", err.text);
	return false;
}

static const char *
owner_arg(const struct op_call *c)
{
	const char *owner = op_arg(c, "owner");

	return owner != NULL ? owner : c->user;
}

static bool
reason_is_given(struct op_call *c)
{
	if (op_arg(c, "reason") != NULL)
		return true;
	reply_error(c, "No reason given");
	return false;
}

/* ---- downtime ---- */

static void
on_downtime_begun(struct op_call *c, const struct msg *m)
{
	struct key key = order_key(c);

	if (!order_failed(c, m, NULL))
		order_key_done(c, "Downtime begun: %s:%u", key.host, key.port);
}

static void
begin_downtime(struct op_call *c, struct key key)
{
	dur_t duration;

	if (!duration_arg(c, &duration))
		return;
	op_order(c, on_downtime_begun, begin_downtime, .key = key,
	    .owner = owner_arg(c), .reason = op_arg(c, "reason"),
	    .duration = duration);
}

void
op_run_begin_downtime(struct op_call *c)
{
	if (reason_is_given(c))
		order_with_key(c, begin_downtime);
}

static void
on_downtime_ended(struct op_call *c, const struct msg *m)
{
	struct key key = order_key(c);

	if (!order_failed(c, m, NULL))
		order_key_done(c, "Downtime ended: %s:%u", key.host, key.port);
}

static void
end_downtime(struct op_call *c, struct key key)
{
	op_order(c, on_downtime_ended, end_downtime, .key = key);
}

void
op_run_end_downtime(struct op_call *c)
{
	order_with_key(c, end_downtime);
}

/* ---- maintenance ---- */

/* v1's Details for a server that is locked already: the number 0. */
static void
on_maintenance_begun(struct op_call *c, const struct msg *m)
{
	const struct msg_control_ran *ran = as_control_ran(m);
	struct key key = order_key(c);

	if (ran->code == ERR_EXISTS) {
		json_int(reply_bad(c, "%s", ran->error), 0);
		reply_end(c);
	} else if (!order_failed(c, m, NULL)) {
		order_key_done(c, "Maintenance begun: %s:%u", key.host,
		    key.port);
	}
}

static void
begin_maintenance(struct op_call *c, struct key key)
{
	dur_t duration;

	if (!duration_arg(c, &duration))
		return;
	op_order(c, on_maintenance_begun, begin_maintenance, .key = key,
	    .owner = owner_arg(c), .reason = op_arg(c, "reason"),
	    .duration = duration);
}

void
op_run_begin_maintenance(struct op_call *c)
{
	if (reason_is_given(c))
		order_with_key(c, begin_maintenance);
}

static void
on_maintenance_ended(struct op_call *c, const struct msg *m)
{
	struct key key = order_key(c);

	if (!order_failed(c, m, NULL))
		order_key_done(c, "Maintenance ended: %s:%u", key.host,
		    key.port);
}

static void
end_maintenance(struct op_call *c, struct key key)
{
	op_order(c, on_maintenance_ended, end_maintenance, .key = key);
}

static void
on_lock_ended(struct op_call *c, const struct msg *m)
{
	const char *id = op_arg(c, "maintenanceKey");

	if (order_failed(c, m, NULL))
		return;
	json_int(reply_ok(c, "Maintenance ended: %s", id),
	    strtoll(id, NULL, 10));
	reply_end(c);
}

void
op_run_end_maintenance(struct op_call *c)
{
	const char *id = op_arg(c, "maintenanceKey");
	unsigned long long n;
	char *end;

	if (id == NULL) {
		order_with_key(c, end_maintenance);
		return;
	}
	errno = 0;
	n = strtoull(id, &end, 10);
	if (*id < '0' || *id > '9' || *end != '\0' || errno != 0 ||
	    n > INT64_MAX) {
		reply_error(c, "Not a maintenance id: %s", id);
		return;
	}
	op_order(c, on_lock_ended, end_maintenance, .key = KEY_NONE, .id = n);
}

static bool
lasts(struct op_call *c, const struct control_maintenance *lock)
{
	return lock != NULL && lock->end.us > view_now(c).us;
}

void
op_run_in_maintenance(struct op_call *c)
{
	char text[KEY_TEXT_MAX] = "";
	struct key key;
	bool locked;

	if (!view_key_arg(c, "host", "port", &key))
		return;
	key = view_key_known(c, key);
	locked = lasts(c, control_maintenance(view_control(c), key));
	if (locked)
		key_text(key, text);
	json_str(reply_ok(c, "%s", locked ? "true" : "false"), text);
	reply_end(c);
}

static void
lock_json(struct op_call *c, struct json *w,
    const struct control_maintenance *lock)
{
	char since[WALL_TEXT_MAX];
	int64_t elapsed = wall_sub(view_now(c), lock->begin).us / 1000000;

	json_obj(w);
	json_kuint(w, "MaintenanceId", lock->id);
	json_key(w, "Key");
	view_key_json(w, lock->key);
	json_kstr(w, "BeginTimestamp", wall_text(lock->begin, since));
	json_kint(w, "SecondsElapsed", elapsed > 0 ? elapsed : 0);
	json_kbool(w, "IsActive", true);
	json_kstr(w, "Owner", lock->owner);
	json_kstr(w, "Reason", lock->reason);
	json_end(w);
}

void
op_run_maintenance(struct op_call *c)
{
	const struct control_maintenance *lock;
	struct control_iter it;
	struct json *w = reply_raw(c);

	json_arr(w);
	control_each(view_control(c), CONTROL_maintenance, &it);
	while ((lock = control_next(&it)) != NULL)
		if (lasts(c, lock))
			lock_json(c, w, lock);
	json_end(w);
	reply_sent(c, 200);
}
