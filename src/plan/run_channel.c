/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The channel: its source, its user, its delay.
 *
 * Right before a change the channel is read on the session that changes it, for
 * what a probe leaves out, and for the source as the server itself names it.
 */
#include "config.h"

#include "plan/run_impl.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "mysql/rows.h"
#include "topology/coord.h"

/* "Could not initialize master info structure": MySQL's bug 83713. */
enum { ERROR_INFO_STRUCTURE = 1201 };

static const struct instance *
in_of(struct lane *l)
{
	return run_in(l->run, l->server);
}

bool
channel_is(const struct instance *in, const struct sql_source *s)
{
	if (key_is_none(s->key))
		return in->source_host_raw[0] == '\0';
	return strcasecmp(in->source_host_raw, s->key.host) == 0 &&
	    in->source_key.port == s->key.port && sql_by_now(in) == s->by;
}

static bool
is_put(const struct instance *in, const struct sql_source *s)
{
	return channel_is(in, s) && (s->by != BY_FILE ||
	    coord_eq(&in->read_coord, &s->at));
}

/* ---- the channel as it is ---- */

static const char *
first_of(const struct rows *r, const char *a, const char *b)
{
	const char *v = rows_get(r, a);

	return v != NULL ? v : rows_get(r, b);
}

static void
take_channel_row(struct lane *l, const struct rows *rows,
    struct sql_source *was)
{
	struct run *r = l->run;
	const char *some = rows_get(rows, "Replicate_Do_Domain_Ids");
	const char *not = rows_get(rows, "Replicate_Ignore_Domain_Ids");
	const char *host = first_of(rows, "Source_Host", "Master_Host");
	const char *port = first_of(rows, "Source_Port", "Master_Port");
	const char *beat = first_of(rows, "HEARTBEAT_INTERVAL",
	    "Slave_heartbeat_period");
	const char *only = rows_get(rows, "GTID_ONLY");

	l->domains = (some != NULL && some[0] != '\0') ||
	    (not != NULL && not[0] != '\0');
	if (host != NULL)
		was->key.host = arena_strdup(&r->arena, host);
	if (port != NULL)
		was->key.port = (uint32_t)strtoul(port, NULL, 10);
	if (beat != NULL && strtod(beat, NULL) > 0)
		was->heartbeat = arena_strdup(&r->arena, beat);
	if (only != NULL)
		was->gtid_only = strcmp(only, "1") == 0 ||
		    strcasecmp(only, "YES") == 0;
}

static void
take_channel(struct lane *l, struct sql_source *was)
{
	const struct instance *in = in_of(l);
	struct rows rows;

	rows_init(&rows, l->reply->rows);
	while (rows_next_result(&rows))
		while (rows_next(&rows)) {
			const char *name = first_of(&rows, "Channel_Name",
			    "Connection_name");

			if (name == NULL || strcmp(name, in->channel_name) == 0)
				take_channel_row(l, &rows, was);
		}
}

/* From the facts; the query that follows knows more. */
static struct sql_source
channel_of(struct lane *l)
{
	const struct instance *in = in_of(l);
	struct arena *a = &l->run->arena;

	return (struct sql_source){
		.key = { arena_strdup(a, in->source_host_raw),
		    in->source_key.port },
		.at = { .file = arena_strdup(a, in->exec_coord.file),
		    .pos = in->exec_coord.pos },
		.by = sql_by_now(in),
		.heartbeat = arena_strdup(a, in->heartbeat_period),
	};
}

static void
read_channel(struct lane *l, lane_fn *then)
{
	const struct instance *in = in_of(l);
	struct buf b;

	buf_init(&b);
	if (sql_is_mariadb(in)) {
		buf_str(&b, "SHOW ALL SLAVES STATUS");
	} else {
		buf_str(&b, sql_word(in, SQL_STATUS));
		buf_str(&b, "\n;\n");
		sql_channel(&b, in);
	}
	lane_query(l, l->server, buf_text(&b), lane_left(l), false, then);
	buf_fini(&b);
}

/* ---- a change of source ---- */

static const char *
state_of(struct lane *l, const struct instance *in)
{
	return arena_strdup(&l->run->arena, in->executed_gtid_set[0] != '\0' ?
	    in->executed_gtid_set : in->mariadb_slave_pos);
}

static void
remember_channel(struct lane *l, const struct sql_source *was)
{
	struct before *b = run_before(l, BEFORE_CHANNEL, l->server);
	struct arena *a = &l->run->arena;

	b->was = *was;
	b->put = l->target;
	b->put.key = key_dup(l->target.key, a);
	b->put.at.file = arena_strdup(a, l->target.at.file);
	b->executed = state_of(l, in_of(l));
}

static enum seen
seen_target(struct lane *l)
{
	if (is_put(in_of(l), &l->target))
		return SEEN_YES;
	err_set(&l->trouble, ERR_SERVER, "it took the new source, and still"
	    " names %s:%u", in_of(l)->source_host_raw,
	    (unsigned)in_of(l)->source_key.port);
	return SEEN_NO;
}

static void
add_change(struct lane *l)
{
	struct buf b;

	buf_init(&b);
	sql_change_source(&b, in_of(l), &l->target);
	list_add(l, buf_text(&b));
	buf_fini(&b);
}

/*
 * A change by file and position to a place that was worked out shows that two
 * places are the same.  One that keeps the server's own place shows nothing.
 */
static void
note_equal(struct lane *l)
{
	const struct step *s = lane_step(l);
	const struct instance *in = in_of(l);
	struct arena *a = &l->run->arena;

	l->equal = (struct run_equal){ .was_at.file = "" };
	if (s->verb != DO_CHANGE_SOURCE || l->target.by != BY_FILE
	    || coord_is_none(&l->target.at) || coord_is_none(&in->exec_coord)
	    || s->at.kind == AT_NONE || (s->at.kind == AT_EXECUTED_OF
	    && s->at.server == s->server))
		return;
	l->equal = (struct run_equal){
		.was = key_dup(in->source_key, a),
		.is = l->run->plan->server[s->to].key,
		.was_at = { arena_strdup(a, in->exec_coord.file),
		    in->exec_coord.pos, false },
		.is_at = { arena_strdup(a, l->target.at.file),
		    l->target.at.pos, false },
	};
}

static void
changed(struct lane *l)
{
	struct run *r = l->run;
	struct run_equal *e = &l->equal;

	if (!coord_is_none(&e->was_at) && key_valid(e->was)
	    && !key_eq(e->was, e->is)) {
		r->equal = mem_resize(r->equal, r->equals + 1,
		    sizeof *r->equal);
		r->equal[r->equals++] = *e;
	}
	lane_done(l);
}

size_t
run_equals(const struct run *r, const struct run_equal **out)
{
	*out = r->equal;
	return r->equals;
}

static lane_fn on_changed;

static void
change_again(struct lane *l)
{
	unsigned again = l->again;

	list_begin(l);
	l->again = again;
	add_change(l);
	list_send_unkept(l, on_changed);
}

/* Its own bookkeeping of relay logs is broken: begin it anew, by GTID. */
static void
repair(struct lane *l)
{
	static const enum sql_word words[] = { SQL_RESET, SQL_START_RECEIVER,
		SQL_STOP_RECEIVER, SQL_RESET };
	struct buf b;

	if (l->phase == MEM_COUNT(words)) {
		change_again(l);
		return;
	}
	list_begin(l);
	l->again = 1;
	buf_init(&b);
	sql_threads(&b, in_of(l), words[l->phase++]);
	list_add(l, buf_text(&b));
	buf_fini(&b);
	list_send_unkept(l, repair); /* whether it worked or not */
}

static void
on_looked_changed(struct lane *l)
{
	if (l->reply->code != ERR_NONE && !lane_is_blind(l)) {
		lane_pause(l, DUR_MS(500), on_changed);
	} else if (l->reply->code == ERR_NONE && is_put(in_of(l), &l->target)) {
		changed(l);
	} else if (l->reply->code == ERR_NONE && l->unknown &&
	    l->again++ < RUN_AGAIN_MAX && lane_left(l).us > 0) {
		change_again(l);
	} else
		lane_fail(l, l->trouble.code, "%s", l->trouble.text);
}

static void
on_changed(struct lane *l)
{
	if (l->trouble.code == ERR_NONE) {
		look_until(l, seen_target, changed);
	} else if (l->unknown) {
		lane_time_to_decide(l);
		lane_look(l, l->server, on_looked_changed);
	} else if (l->errnum == ERROR_INFO_STRUCTURE && l->again == 0 &&
	    in_of(l)->supports_oracle_gtid && l->target.by != BY_FILE) {
		repair(l);
	} else
		lane_fail(l, l->trouble.code, "%s", l->trouble.text);
}

static void
on_channel_read(struct lane *l)
{
	struct sql_source was = channel_of(l);
	enum err_code code = l->reply->code;

	if (code != ERR_NONE && code != ERR_SERVER && code != ERR_DENIED &&
	    l->again++ < RUN_AGAIN_MAX && lane_left(l).us > 0) {
		read_channel(l, on_channel_read); /* on a new connection */
		return;
	}
	l->domains = false;
	take_channel(l, &was);
	if (l->domains && l->target.by == BY_FILE) {
		lane_fail(l, ERR_UNSUPPORTED, "it replicates only some domains"
		    " (DO_DOMAIN_IDS, IGNORE_DOMAIN_IDS), which needs GTID");
		return;
	}
	l->target.heartbeat = was.heartbeat;
	l->target.gtid_only = was.gtid_only;
	remember_channel(l, &was);
	note_equal(l);
	list_begin(l);
	add_change(l);
	list_send(l, on_changed);
}

/* The name to use for the host, when one is registered. */
static const char *
host_for(struct lane *l, const struct step *s, struct key key)
{
	const struct control *c = l->run->world->control;
	const char *name = c == NULL || s->unresolved ? NULL :
	    control_unresolve(c, key.host);

	return name != NULL ? name : key.host;
}

bool
channel_choose(const struct step *s, const struct instance *in,
    enum sql_by *by)
{
	enum sql_by now = sql_by_now(in);

	*by = s->gtid == GTID_DENY ? BY_FILE : now;
	if (s->gtid != GTID_FORCE || now != BY_FILE)
		return true;
	if (sql_is_mariadb(in))
		*by = in->io_state == THREAD_NONE ? BY_CURRENT_POS :
		    BY_REPLICA_POS;
	else if (in->supports_oracle_gtid)
		*by = BY_AUTO_POSITION;
	else
		return false;
	return true;
}

static void
choose_key(struct lane *l, const struct step *s)
{
	const struct instance *in = in_of(l);
	struct arena *a = &l->run->arena;

	l->target.key.port = in->source_key.port;
	if (s->verb == DO_DETACH) {
		l->target.key.host = arena_printf(a, "//%s",
		    in->source_host_raw);
	} else if (s->verb == DO_ATTACH) {
		l->target.key.host = arena_strdup(a, in->source_host_raw + 2);
	} else {
		struct key to = l->run->plan->server[s->to].key;

		l->target.key = (struct key){ arena_strdup(a,
		    host_for(l, s, to)), to.port };
	}
}

static void
on_virtual_looked(struct lane *l)
{
	if (l->reply->code != ERR_NONE)
		lane_fail(l, l->reply->code, "the name registered for %s, %s,"
		    " is not usable: %s", run_name(l->run, lane_step(l)->to),
		    l->target.key.host, l->reply->error);
	else
		read_channel(l, on_channel_read);
}

/* Its virtual name must lead to it. */
static void
look_at_virtual(struct lane *l, unsigned server)
{
	lane_look(l, server, on_virtual_looked);
	if (l->ordered && l->order.want == RUN_LOOK) {
		buf_str(&l->text, l->target.key.host);
		l->order.text = buf_text(&l->text);
	}
}

void
begin_change(struct lane *l)
{
	const struct step *s = lane_step(l);
	const struct instance *in = in_of(l);
	struct plan_at at = s->at;

	if (!both_stopped(in)) {
		lane_fail(l, ERR_INVALID, "its replication threads run");
		return;
	}
	if (s->verb != DO_CHANGE_SOURCE && key_is_detached(in->source_key) ==
	    (s->verb == DO_DETACH)) {
		lane_fail(l, ERR_INVALID, s->verb == DO_DETACH ?
		    "it is detached already" : "it is not detached");
		return;
	}
	l->target = (struct sql_source){ .heartbeat = "" };
	choose_key(l, s);
	if (!channel_choose(s, in, &l->target.by)) {
		lane_fail(l, ERR_UNSUPPORTED, "it cannot use GTID");
		return;
	}
	if (at.kind == AT_NONE)
		at = (struct plan_at){ .kind = AT_EXECUTED_OF,
			.server = s->server };
	l->target.at = (struct coord){ .file = "" };
	if (l->target.by == BY_FILE && !run_place(l, &at, &l->target.at)) {
		lane_fail(l, ERR_INVALID, "no place in %s's log is known",
		    l->target.key.host);
		return;
	}
	if (s->verb == DO_CHANGE_SOURCE && strcmp(l->target.key.host,
	    l->run->plan->server[s->to].key.host) != 0)
		look_at_virtual(l, s->to);
	else
		read_channel(l, on_channel_read);
}

/* ---- user and password ---- */

static void
on_credentials_set(struct lane *l)
{
	/* The password cannot be read back, so that is all. */
	if (l->trouble.code != ERR_NONE && l->unknown &&
	    l->again++ < RUN_AGAIN_MAX) {
		unsigned again = l->again;

		l->list_at = 0;
		l->unknown = false;
		err_clear(&l->trouble);
		l->again = again;
		list_send_unkept(l, on_credentials_set);
	} else if (l->trouble.code != ERR_NONE)
		lane_fail(l, l->trouble.code, "%s", l->trouble.text);
	else
		lane_done(l);
}

static void
set_credentials(struct lane *l, const struct sql_account *account)
{
	struct before *b = run_before(l, BEFORE_GONE, l->server);
	struct buf text;

	b->text = "its replication user and password were changed";
	list_begin(l);
	l->list_secret = true;
	buf_init(&text);
	sql_credentials(&text, in_of(l), account);
	list_add(l, buf_text(&text));
	buf_fini(&text);
	list_send(l, on_credentials_set);
}

static void
on_credentials_read(struct lane *l)
{
	struct sql_account got = { .user = "" };
	const char **to[] = { &got.user, &got.password, &got.ca, &got.cert,
		&got.key };
	struct rows rows;

	if (l->reply->code != ERR_NONE) {
		lane_fail(l, l->reply->code, "its replication user and"
		    " password cannot be read: %s", l->reply->error);
		return;
	}
	rows_init(&rows, l->reply->rows);
	while (rows_next_result(&rows))
		while (rows_next(&rows))
			for (size_t i = 0; i < MEM_COUNT(to) &&
			    i < rows.columns; i++)
				*to[i] = rows.value[i];
	l->server = lane_step(l)->server;
	if (got.user == NULL || got.user[0] == '\0')
		lane_fail(l, ERR_NOT_FOUND, "%s tells no replication user",
		    run_name(l->run, lane_step(l)->to));
	else
		set_credentials(l, &got);
}

static void
read_credentials(struct lane *l, unsigned from)
{
	const struct plan_policy *p = l->run->world->policy;
	const struct instance *in = run_in(l->run, from);
	const char *query = p->credentials_query;
	struct buf b;

	if (query != NULL && query[0] != '\0') {
		lane_query(l, from, query, lane_left(l), false,
		    on_credentials_read);
		return;
	}
	if (sql_is_mariadb(in)) {
		lane_fail(l, ERR_UNSUPPORTED, "MariaDB tells nobody a"
		    " replication password: set ReplicationCredentialsQuery");
		return;
	}
	buf_init(&b);
	buf_str(&b, "SELECT User_name, User_password"
	    " FROM mysql.slave_master_info WHERE Channel_name = ");
	sql_quote(&b, in->channel_name);
	lane_query(l, from, buf_text(&b), lane_left(l), false,
	    on_credentials_read);
	buf_fini(&b);
}

void
begin_credentials(struct lane *l)
{
	const struct step *s = lane_step(l);

	if (!both_stopped(in_of(l))) {
		lane_fail(l, ERR_INVALID, "its replication threads run");
	} else if (s->to != PLAN_NOBODY) {
		read_credentials(l, s->to);
	} else
		set_credentials(l, &(struct sql_account){ .user = s->text,
		    .password = l->run->request.password });
}
