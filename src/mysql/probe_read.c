/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Results to facts.
 */
#include "config.h"

#include "mysql/probe_impl.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "topology/coord.h"

/* ---- once for each connection ---- */

void
read_maxscale(struct probe *p, struct rows *r)
{
	struct probe_memory *m = p->memory;

	while (rows_next(r)) {
		const char *v = r->columns > 1 ? r->value[1] : NULL;

		if (r->value[0] == NULL ||
		    strcasecmp(r->value[0], "MAXSCALE_VERSION") != 0)
			continue;
		m->fixed.maxscale = arena_printf(&m->arena, "%s-maxscale",
		    v != NULL && v[0] != '\0' ? v : "0.0.0");
	}
}

void
read_fixed(struct probe *p, struct rows *r)
{
	struct probe_memory *m = p->memory;

	while (rows_next(r)) {
		const struct field *f;

		if (r->columns < 2 || r->value[0] == NULL)
			continue;
		f = variable_field(r->value[0]);
		if (f == NULL)
			continue;
		m->variables |= UINT64_C(1) << (f - variable_fields);
		if (f->when == FIXED)
			field_set(&m->fixed, f, r->value[1], &m->arena);
	}
}

void
read_rights(struct probe *p, struct rows *r)
{
	p->memory->process_right = rows_next(r);
}

/* ---- settings and status ---- */

void
read_maxscale_id(struct probe *p, struct rows *r)
{
	if (rows_next(r) && r->columns > 0 && r->value[0] != NULL)
		p->seen.in.server_id = strtoull(r->value[0], NULL, 10);
}

void
read_maxscale_uuid(struct probe *p, struct rows *r)
{
	if (rows_next(r) && r->columns > 0 && r->value[0] != NULL)
		p->seen.in.server_uuid = arena_strdup(p->arena, r->value[0]);
}

/* Does the server have this variable? */
static bool
has_variable(const struct probe *p, const char *name)
{
	const struct field *f = variable_field(name);

	assert(f != NULL);
	return (p->memory->variables & UINT64_C(1) << (f - variable_fields)) !=
	    0;
}

static void
derive_semi_sync(struct probe *p)
{
	struct instance *in = &p->seen.in;
	bool replica_new = has_variable(p, "rpl_semi_sync_replica_enabled");

	in->semi_sync_source_new =
	    has_variable(p, "rpl_semi_sync_source_enabled");
	in->semi_sync_replica_new = replica_new;
	in->semi_sync_available =
	    (in->semi_sync_source_new ||
		has_variable(p, "rpl_semi_sync_master_enabled")) &&
	    (replica_new || has_variable(p, "rpl_semi_sync_slave_enabled"));
	/* MariaDB always waits for one and has no variable that says so. */
	if (p->memory->dialect.flavour == FLAVOUR_MARIADB &&
	    in->semi_sync_source_enabled)
		in->semi_sync_wait_count = 1;
}

void
read_settings(struct probe *p, struct rows *r)
{
	struct instance *in = &p->seen.in;

	if (!rows_next(r))
		return;
	for (size_t i = 0; i < r->columns; i++) {
		const struct field *f = variable_field(r->name[i]);

		if (f != NULL)
			field_set(&p->seen, f, r->value[i], p->arena);
	}
	in->supports_oracle_gtid =
	    in->gtid_mode[0] != '\0' && strcasecmp(in->gtid_mode, "OFF") != 0;
	derive_semi_sync(p);
	p->partial = true;
}

/* Rpl_semi_sync_X_status without rpl_semi_sync_X_enabled: a plugin came since. */
static bool
is_new_plugin(const struct probe *p, const char *status)
{
	static const char tail[] = "status";
	size_t n = strlen(status) - (sizeof tail - 1);
	char name[64];

	if (strlen(status) < sizeof tail || strcmp(status + n, tail) != 0)
		return false;
	snprintf(name, sizeof name, "%.*senabled", (int)n, status);
	return !has_variable(p, name);
}

void
read_status(struct probe *p, struct rows *r)
{
	while (rows_next(r)) {
		const struct field *f = NULL;

		if (r->columns > 1 && r->value[0] != NULL)
			f = status_field(r->value[0]);
		if (f == NULL)
			continue;
		field_set(&p->seen, f, r->value[1], p->arena);
		if (is_new_plugin(p, f->name)) /* its variables: next time */
			p->memory->fixed_known = false;
	}
	p->uptime = p->seen.in.uptime;
}

void
read_own_position(struct probe *p, struct rows *r)
{
	struct instance *in = &p->seen.in;
	const char *file, *pos;

	if (!rows_next(r))
		return;
	file = rows_get(r, "File");
	pos = rows_get(r, "Position");
	if (file == NULL || pos == NULL)
		return;
	in->self_coord.file = arena_strdup(p->arena, file);
	in->self_coord.pos = strtoll(pos, NULL, 10);
}

/* ---- replica status ---- */

static const char *
channel_of(const struct rows *r)
{
	const char *name = rows_get(r, "Channel_Name");

	if (name == NULL)
		name = rows_get(r, "Connection_name");
	return name != NULL ? name : "";
}

/* Those of group replication are no replication in our sense. */
static bool
is_group_channel(const char *name)
{
	return strcmp(name, "group_replication_applier") == 0 ||
	    strcmp(name, "group_replication_recovery") == 0;
}

/*
 * Move to the row to show: the default channel, else the first.  Counts the
 * channels; false when there is none.
 */
static bool
choose_channel(struct probe *p, struct rows *r)
{
	struct pcur start = r->cur;
	size_t rows = r->rows_left, chosen = rows, n = 0;

	for (size_t i = 0; rows_next(r); i++) {
		const char *name = channel_of(r);

		if (is_group_channel(name))
			continue;
		n++;
		if (chosen == rows || name[0] == '\0')
			chosen = i;
	}
	p->seen.in.channels = n;
	p->memory->channel = chosen;
	if (!rows_ok(r) || chosen == rows)
		return false;
	r->cur = start;
	r->rows_left = rows;
	for (size_t i = 0; i <= chosen; i++)
		rows_next(r);
	return rows_ok(r);
}

/* What follows from the columns of a status row. */
static void
derive_replication(struct probe *p)
{
	struct instance *in = &p->seen.in;
	const char *gtid = in->using_gtid_text;

	in->io_running = in->io_state == THREAD_RUNNING;
	in->sql_running = in->sql_state == THREAD_RUNNING;
	in->is_detached = coord_is_detached(&in->exec_coord);
	in->using_mariadb_gtid = gtid[0] != '\0' && strcasecmp(gtid, "No") != 0;
	in->has_replication_credentials = in->replication_user[0] != '\0';
	in->lag_seconds = in->seconds_behind;
	in->source_key.host = in->source_host_raw;
	if (in->source_host_raw[0] == '\0')
		in->source_key = KEY_NONE;
	in->is_detached_source = key_is_detached(in->source_key);
	if (key_valid(in->source_key))
		probe_found(p, FOUND_SOURCE, in->source_key.host,
		    in->source_key.port, in->replication_user);
}

void
read_replica_status(struct probe *p, struct rows *r)
{
	if (!choose_channel(p, r)) {
		if (p->memory->fixed.maxscale[0] != '\0')
			err_set(&p->err, ERR_SERVER,
			    "the binlog server has no replica status");
		return;
	}
	/* v1 shows "No" where the server has no such column. */
	p->seen.in.source_uuid = "No";
	for (size_t i = 0; i < r->columns; i++) {
		const struct field *f = replication_field(r->name[i]);

		if (f != NULL)
			field_set(&p->seen, f, r->value[i], p->arena);
	}
	derive_replication(p);
}

/* ---- neighbours ---- */

void
read_list_replicas(struct probe *p, struct rows *r)
{
	unsigned unusable = 0, usable = 0;

	while (rows_next(r)) {
		const char *host = rows_get(r, "Host");
		const char *port = rows_get(r, "Port");
		const char *user = rows_get(r, "User");
		unsigned long n = port != NULL ? strtoul(port, NULL, 10) : 0;

		if (host == NULL || host[0] == '\0' || n == 0 || n > 65535) {
			unusable++;
			continue;
		}
		usable++;
		probe_found(p, FOUND_REPLICA, host, (uint32_t)n, user);
	}
	if (unusable > 0 && p->memory->fixed.maxscale[0] == '\0')
		probe_note(p, "%u of %u replicas do not report host and port "
		    "(report_host, report_port)", unusable, unusable + usable);
	p->memory->lists_replicas = usable > 0;
}

/* The host of "host:port"; an IPv6 address keeps its colons. */
void
read_process_list(struct probe *p, struct rows *r)
{
	unsigned n = 0;

	/* The list of the same batch, which knows their ports, named some. */
	if (p->options->list_replicas && p->memory->lists_replicas)
		return;
	for (; rows_next(r); n++) {
		const char *user = rows_get(r, "USER");
		const char *host = rows_get(r, "HOST");
		const char *colon = host != NULL ? strrchr(host, ':') : NULL;

		if (host == NULL || host[0] == '\0')
			continue;
		if (colon != NULL)
			host = arena_strndup(p->arena, host,
			    (size_t)(colon - host));
		probe_found(p, FOUND_REPLICA, host, p->asked.port, user);
	}
	if (n == 0 && !p->memory->process_right && !p->memory->lists_replicas)
		probe_note(p, "the process list shows no replica, and %s is not "
		    "granted directly to this user",
		    dialect_grant(&p->memory->dialect, GRANT_PROCESS_LIST));
}

struct member {
	const char *id, *host, *state, *role;
	uint32_t port;
};

static void
take_member(struct probe *p, const struct member *m)
{
	struct instance *in = &p->seen.in;
	struct key key = { m->host, m->port };

	if (strcasecmp(m->role, "PRIMARY") == 0)
		in->group_primary = key_dup(key, p->arena);
	if (strcasecmp(m->id, in->server_uuid) == 0) {
		in->group_name = arena_strdup(p->arena, p->seen.group_name);
		in->group_is_single_primary = true;
		in->group_member_role = arena_strdup(p->arena, m->role);
		in->group_member_state = arena_strdup(p->arena, m->state);
	} else {
		probe_found(p, FOUND_MEMBER, m->host, m->port, "");
	}
}

static const char *
text_of(const struct rows *r, const char *column)
{
	const char *v = rows_get(r, column);

	return v != NULL ? v : "";
}

void
read_group(struct probe *p, struct rows *r)
{
	while (rows_next(r)) {
		struct member m = {
			.id = text_of(r, "MEMBER_ID"),
			.host = text_of(r, "MEMBER_HOST"),
			.state = text_of(r, "MEMBER_STATE"),
			.role = text_of(r, "MEMBER_ROLE"),
			.port = (uint32_t)strtoul(text_of(r, "MEMBER_PORT"),
			    NULL, 10),
		};

		if (!has_variable(p, "group_replication_group_name")) {
			/* The plugin came since: see read_status(). */
			p->memory->fixed_known = false;
			return;
		}
		if (!text_is_true(p->seen.single_primary)) {
			probe_note(p, "group replication with several "
			    "primaries is not supported");
			return;
		}
		if (m.host[0] != '\0' && m.port > 0)
			take_member(p, &m);
	}
}

void
read_credentials(struct probe *p, struct rows *r)
{
	const char *beat;

	if (!rows_next(r))
		return;
	p->seen.in.replication_credentials_available =
	    strtol(text_of(r, "users"), NULL, 10) > 0;
	beat = text_of(r, "heartbeat");
	if (beat[0] != '\0')
		p->seen.in.heartbeat_period = arena_strdup(p->arena, beat);
}

/* "mysql://host..." from the ninth character; the port is taken to be ours. */
void
read_ndb(struct probe *p, struct rows *r)
{
	static const char scheme[] = "mysql://";

	while (rows_next(r)) {
		const char *uri = r->columns > 0 ? r->value[0] : NULL;
		const char *host;

		if (uri == NULL || strncmp(uri, scheme, sizeof scheme - 1) != 0)
			continue;
		host = uri + sizeof scheme - 1;
		host = arena_strndup(p->arena, host, strcspn(host, ":/"));
		if (host[0] != '\0')
			probe_found(p, FOUND_REPLICA, host, p->asked.port, "");
	}
}

/* ---- the operator's queries ---- */

/* A whole number; false when it is none. */
static bool
whole_number(const char *text, int64_t *v)
{
	char *end;

	*v = strtoll(text, &end, 10);
	if (end != text && *end == '.')
		end += strspn(end + 1, "0123456789") + 1;
	return end != text && *end == '\0';
}

bool
lag_of(const char *value, struct nullint *lag)
{
	int64_t v = 0;

	if (value != NULL && !whole_number(value, &v))
		return false;
	*lag = (struct nullint){ v < 0 ? 0 : v, value != NULL };
	return true;
}

static void
take_lag(struct probe *p, const char *value)
{
	if (!lag_of(value, &p->seen.in.lag_seconds))
		probe_note(p, "ReplicationLagQuery: \"%.40s\" is not a number",
		    value);
}

static void
take_priority(struct probe *p, const char *value)
{
	int64_t v = 0;

	if (value != NULL && (!whole_number(value, &v) || v < 0)) {
		probe_note(p, "DetectSemiSyncEnforcedQuery: \"%.40s\" is not a "
		    "number from 0 on", value);
		return;
	}
	p->seen.in.semi_sync_priority = (uint64_t)v;
}

void
read_query(struct probe *p, enum probe_query q, const char *value)
{
	struct instance *in = &p->seen.in;
	const char **text[QUERIES] = {
		[QUERY_DATA_CENTER] = &in->data_center,
		[QUERY_REGION] = &in->region,
		[QUERY_ENVIRONMENT] = &in->physical_environment,
		[QUERY_ALIAS] = &in->instance_alias,
		[QUERY_PROMOTION_RULE] = &in->detected_promotion_rule,
		[QUERY_CLUSTER_ALIAS] = &in->cluster_alias_query,
		[QUERY_CLUSTER_DOMAIN] = &in->cluster_domain,
	};

	if (text[q] != NULL)
		*text[q] = arena_strdup(p->arena, value != NULL ? value : "");
	else if (q == QUERY_LAG)
		take_lag(p, value);
	else if (q == QUERY_SEMI_SYNC_PRIORITY)
		take_priority(p, value);
	else
		in->using_pseudo_gtid =
		    value != NULL && strcmp(value, "1") == 0;
}
