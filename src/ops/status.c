/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How this node is, for people and load balancers.
 */
#include "config.h"

#include <ctype.h>
#include <string.h>

#include "ops/call.h"

void
op_run_lb_check(struct op_call *c)
{
	json_str(reply_raw(c), "OK");
	reply_sent(c, 200);
}

/* ---- health ---- */

static void
node_json(struct json *w, const struct app *app, bool whole)
{
	char since[WALL_TEXT_MAX], seen[WALL_TEXT_MAX], unset[WALL_TEXT_MAX];
	(void)whole;
	json_obj(w);
	json_kstr(w, "Hostname", app->hostname);
	json_kstr(w, "Token", app->token);
	json_kstr(w, "AppVersion", whole ? app->version : "");
	json_kstr(w, "FirstSeenActive", wall_text(app->started, since));
	json_kstr(w, "LastSeenActive", wall_text(app->started, seen));
	json_kstr(w, "ExtraInfo", "");
	json_kstr(w, "Command", whole ? app->command : "");
	json_kstr(w, "DBBackend", "");
	json_kstr(w, "LastReported", wall_rfc3339((wall_t){ 0 }, unset));
	json_end(w);
}

void
op_run_health(struct op_call *c)
{
	const struct app *app = op_app(c);
	struct json *w = reply_ok(c, "Application node is healthy");

	json_obj(w);
	json_kbool(w, "Healthy", true);
	json_kstr(w, "Hostname", app->hostname);
	json_kstr(w, "Token", app->token);
	json_kbool(w, "IsActiveNode", true);
	json_key(w, "ActiveNode");
	node_json(w, app, false);
	json_knull(w, "Error");
	json_key(w, "AvailableNodes");
	json_arr(w);
	node_json(w, app, true);
	json_end(w);
	json_kstr(w, "RaftLeader", "");
	json_kbool(w, "IsRaftLeader", false);
	json_kstr(w, "RaftLeaderURI", "");
	json_kstr(w, "RaftAdvertise", "");
	json_knull(w, "RaftHealthyMembers");
	json_end(w);
	reply_end(c);
}

/* There is one node as long as there is no raft: it acts. */
void
op_run_leader_check(struct op_call *c)
{
	json_str(reply_raw(c), "OK");
	reply_sent(c, 200);
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
