/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How this node is, for people and load balancers.
 */
#include "config.h"

#include <ctype.h>
#include <string.h>

#include "actors/store_shared.h"
#include "ops/view.h"

void
op_run_lb_check(struct op_call *c)
{
	json_str(reply_raw(c), "OK");
	reply_sent(c, 200);
}

/* ---- health ---- */

static void
node_json(struct op_call *c, struct json *w, bool whole)
{
	const struct app *app = op_app(c);
	char time[WALL_TEXT_MAX];

	json_obj(w);
	json_kstr(w, "Hostname", app->hostname);
	json_kstr(w, "Token", app->token);
	json_kstr(w, "AppVersion", whole ? app->version : "");
	json_kstr(w, "FirstSeenActive", wall_text(app->started, time));
	json_kstr(w, "LastSeenActive", wall_text(view_now(c), time));
	json_kstr(w, "ExtraInfo", "");
	json_kstr(w, "Command", whole ? app->command : "");
	json_kstr(w, "DBBackend",
	    whole ? view_config(c)->sqlite3_data_file : "");
	json_kstr(w, "LastReported", wall_rfc3339((wall_t){ 0 }, time));
	json_end(w);
}

static void
health_json(struct op_call *c, struct json *w, const char *trouble)
{
	const struct app *app = op_app(c);

	json_obj(w);
	json_kbool(w, "Healthy", trouble == NULL);
	json_kstr(w, "Hostname", app->hostname);
	json_kstr(w, "Token", app->token);
	json_kbool(w, "IsActiveNode", true);
	json_key(w, "ActiveNode");
	node_json(c, w, false);
	json_key(w, "Error");
	if (trouble == NULL) {
		json_nil(w);
	} else {
		json_obj(w);
		json_end(w);
	}
	json_key(w, "AvailableNodes");
	json_arr(w);
	node_json(c, w, true);
	json_end(w);
	json_kstr(w, "RaftLeader", "");
	json_kbool(w, "IsRaftLeader", false);
	json_kstr(w, "RaftLeaderURI", "");
	json_kstr(w, "RaftAdvertise", "");
	json_knull(w, "RaftHealthyMembers");
	json_end(w);
}

/* Healthy is who can write to the store. */
void
op_run_health(struct op_call *c)
{
	struct store_shared *store = board_get(op_ctx(c), BOARD_STORE, "store");

	if (store == NULL || *store->trouble == '\0')
		health_json(c, reply_ok(c, "Application node is healthy"),
		    NULL);
	else
		health_json(c, reply_bad(c, "Application node is unhealthy: %s",
				   store->trouble), store->trouble);
	shared_unref(store);
	reply_end(c);
}

/* There is one node as long as there is no group: it acts. */
void
op_run_leader_check(struct op_call *c)
{
	json_str(reply_raw(c), "OK");
	reply_sent(c, 200);
}

void
op_run_routed_leader_check(struct op_call *c)
{
	op_run_leader_check(c);
}

void
op_run_grab_election(struct op_call *c)
{
	reply_done(c, "This node is the active one");
}

void
op_run_reelect(struct op_call *c)
{
	reply_done(c, "This node is the only one: it is active again");
}

/* ---- headers ---- */

/* "x-forwarded-for" as "X-Forwarded-For": HTTP/2 sends small letters. */
static const char *
canonical(struct op_call *c, const char *name)
{
	char *out = arena_strdup(&c->arena, name);
	bool first = true;

	for (char *p = out; *p != '\0'; p++) {
		*p = (char)(first ? toupper((unsigned char)*p)
				  : tolower((unsigned char)*p));
		first = *p == '-';
	}
	return out;
}

/* Insertion: few, and those of one name must keep their order. */
static void
headers_sort(struct op_arg *h, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct op_arg moving = h[i];
		size_t at = i;

		for (; at > 0 && strcmp(h[at - 1].name, moving.name) > 0; at--)
			h[at] = h[at - 1];
		h[at] = moving;
	}
}

void
op_run_headers(struct op_call *c)
{
	struct json *w = reply_raw(c);

	for (size_t i = 0; i < c->headers; i++)
		c->header[i].name = canonical(c, c->header[i].name);
	headers_sort(c->header, c->headers);
	json_obj(w);
	for (size_t i = 0; i < c->headers; i++) {
		bool same = i > 0 &&
		    strcmp(c->header[i].name, c->header[i - 1].name) == 0;

		if (!same) {
			json_key(w, c->header[i].name);
			json_arr(w);
		}
		json_str(w, c->header[i].value);
		if (i + 1 == c->headers ||
		    strcmp(c->header[i].name, c->header[i + 1].name) != 0)
			json_end(w);
	}
	json_end(w);
	reply_sent(c, 200);
}
