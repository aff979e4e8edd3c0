/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Orders to a replica: start, stop, another source, reset.
 */
#include "config.h"

#include "model/stmt.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

/* ---- refusals ---- */

/* Some threads run that must not. */
static void
fail_running(struct stmt *st, bool io, bool sql)
{
	if (st->s->mariadb)
		stmt_fail(st, 1198, "This operation cannot be performed with a "
		    "running slave; run STOP SLAVE '' first");
	else if (io && sql)
		stmt_fail(st, 3081, "This operation cannot be performed with "
		    "running replication threads; run STOP REPLICA FOR CHANNEL "
		    "'' first");
	else if (io)
		stmt_fail(st, 3021, "This operation cannot be performed with a "
		    "running replica io thread; run STOP REPLICA IO_THREAD FOR "
		    "CHANNEL '' first.");
	else
		stmt_fail(st, 3085, "This operation cannot be performed with a "
		    "running replica sql thread; run STOP REPLICA SQL_THREAD "
		    "FOR CHANNEL '' first.");
}

/* FOR CHANNEL '...' behind, or nothing; there is only the one without name. */
static bool
take_channel(struct stmt *st)
{
	const char *name;

	if (lex_takes(&st->lex, "FOR CHANNEL")) {
		if (st->s->mariadb || !lex_text(&st->lex, &name)) {
			stmt_syntax(st);
			return false;
		}
		if (name[0] != '\0') {
			stmt_fail(st, 3074, "Replica channel '%s' does not "
			    "exist.", name);
			return false;
		}
	}
	if (lex_over(&st->lex))
		return true;
	stmt_syntax(st);
	return false;
}

/* MariaDB's names of connections stand in the middle. */
static bool
take_connection(struct stmt *st)
{
	const char *name;

	if (!st->s->mariadb || !lex_text(&st->lex, &name))
		return true;
	if (name[0] == '\0')
		return true;
	stmt_fail(st, 1617, "There is no master connection '%s'", name);
	return false;
}

/* ---- threads ---- */

static void
take_threads(struct stmt *st, bool *io, bool *sql)
{
	*io = *sql = false;
	do {
		if (lex_take(&st->lex, "IO_THREAD") ||
		    lex_take(&st->lex, "RELAY_THREAD"))
			*io = true;
		else if (lex_take(&st->lex, "SQL_THREAD"))
			*sql = true;
	} while (lex_take(&st->lex, ","));
	if (!*io && !*sql)
		*io = *sql = true;
}

/* UNTIL MASTER_LOG_FILE = 'f', MASTER_LOG_POS = n */
static bool
take_until(struct stmt *st, struct model_place *until)
{
	const char *file = NULL, *name;
	uint64_t pos = 0;

	*until = (struct model_place){ 0 };
	if (!lex_take(&st->lex, "UNTIL"))
		return true;
	do {
		if (!lex_name(&st->lex, &name) || !lex_take(&st->lex, "="))
			return false;
		if (strcasecmp(name, "SOURCE_LOG_FILE") != 0 &&
		    strcasecmp(name, "SOURCE_LOG_POS") != 0 &&
		    strcasecmp(name, "MASTER_LOG_FILE") != 0 &&
		    strcasecmp(name, "MASTER_LOG_POS") != 0)
			return false;
		if (!lex_text(&st->lex, &file) && !lex_number(&st->lex, &pos))
			return false;
	} while (lex_take(&st->lex, ","));
	if (file == NULL || pos == 0)
		return false;
	*until = (struct model_place){ model_coord_of(file, 0).file, pos };
	return true;
}

static void
start_receiver(struct model_server *s)
{
	if (s->io_wanted)
		return;
	s->io_wanted = true;
	s->io_errno = 0;
	s->io_error[0] = '\0';
	model_log_rotate(&s->relay);
}

static void
start_applier(struct model_server *s, struct model_place until)
{
	if (s->sql_wanted)
		return;
	s->sql_wanted = true;
	s->sql_errno = 0;
	s->sql_error[0] = '\0';
	s->until = until;
}

void
stmt_start(struct stmt *st)
{
	struct model_server *s = st->s;
	struct model_place until;
	bool io, sql;

	if (!take_connection(st))
		return;
	take_threads(st, &io, &sql);
	if (!take_until(st, &until)) {
		stmt_syntax(st);
		return;
	}
	if (!take_channel(st) || !stmt_may_change(st))
		return;
	if (s->source.host[0] == '\0') {
		stmt_fail(st, 1200, "The server is not configured as replica; "
		    "fix in config file or with CHANGE REPLICATION SOURCE TO");
		return;
	}
	if (io)
		start_receiver(s);
	if (sql)
		start_applier(s, until);
	stmt_ok(st);
	model_settle(st->m, st->now);
}

void
stmt_stop(struct stmt *st)
{
	struct model_server *s = st->s;
	bool io, sql;

	if (!take_connection(st))
		return;
	take_threads(st, &io, &sql);
	if (!take_channel(st) || !stmt_may_change(st))
		return;
	if (io)
		s->io_wanted = s->connected = false;
	if (sql) {
		s->sql_wanted = false;
		s->until = (struct model_place){ 0 };
	}
	stmt_ok(st);
}

/* ---- another source ---- */

enum kind { TEXT, NUMBER, ALONE };

#define AT(m) offsetof(struct model_channel, m)

/* ALONE: handled by name.  The versions of MySQL and MariaDB that know it. */
static const struct option {
	const char *old_name, *new_name;
	enum kind kind;
	size_t offset;
	struct version mysql, mariadb;
} options[] = {
	{ "MASTER_HOST", "SOURCE_HOST", ALONE, 0, { 0 }, { 0 } },
	{ "MASTER_PORT", "SOURCE_PORT", ALONE, 0, { 0 }, { 0 } },
	{ "MASTER_LOG_FILE", "SOURCE_LOG_FILE", ALONE, 0, { 0 }, { 0 } },
	{ "MASTER_LOG_POS", "SOURCE_LOG_POS", ALONE, 0, { 0 }, { 0 } },
	{ "MASTER_AUTO_POSITION", "SOURCE_AUTO_POSITION", ALONE, 0, { 5, 6, 5 },
	    { 99, 0, 0 } },
	{ "MASTER_USE_GTID", "", ALONE, 0, { 99, 0, 0 }, { 10, 0, 2 } },
	{ "MASTER_USER", "SOURCE_USER", TEXT, AT(user), { 0 }, { 0 } },
	{ "MASTER_PASSWORD", "SOURCE_PASSWORD", TEXT, AT(password), { 0 },
	    { 0 } },
	{ "MASTER_BIND", "SOURCE_BIND", TEXT, AT(bind), { 5, 6, 1 },
	    { 99, 0, 0 } },
	{ "MASTER_HEARTBEAT_PERIOD", "SOURCE_HEARTBEAT_PERIOD", TEXT,
	    AT(heartbeat), { 0 }, { 0 } },
	{ "MASTER_CONNECT_RETRY", "SOURCE_CONNECT_RETRY", NUMBER,
	    AT(connect_retry), { 0 }, { 0 } },
	{ "MASTER_RETRY_COUNT", "SOURCE_RETRY_COUNT", NUMBER, AT(retry_count),
	    { 5, 6, 1 }, { 12, 0, 1 } },
	{ "MASTER_DELAY", "SOURCE_DELAY", NUMBER, AT(delay_s), { 5, 6, 0 },
	    { 10, 2, 3 } },
	{ "MASTER_SSL", "SOURCE_SSL", NUMBER, AT(ssl), { 0 }, { 0 } },
	{ "MASTER_SSL_CA", "SOURCE_SSL_CA", TEXT, AT(ssl_ca), { 0 }, { 0 } },
	{ "MASTER_SSL_CAPATH", "SOURCE_SSL_CAPATH", TEXT, AT(ssl_capath),
	    { 0 }, { 0 } },
	{ "MASTER_SSL_CERT", "SOURCE_SSL_CERT", TEXT, AT(ssl_cert), { 0 },
	    { 0 } },
	{ "MASTER_SSL_CIPHER", "SOURCE_SSL_CIPHER", TEXT, AT(ssl_cipher),
	    { 0 }, { 0 } },
	{ "MASTER_SSL_CRL", "SOURCE_SSL_CRL", TEXT, AT(ssl_crl), { 0 }, { 0 } },
	{ "MASTER_SSL_CRLPATH", "SOURCE_SSL_CRLPATH", TEXT, AT(ssl_crlpath),
	    { 0 }, { 0 } },
	{ "MASTER_SSL_KEY", "SOURCE_SSL_KEY", TEXT, AT(ssl_key), { 0 }, { 0 } },
	{ "MASTER_SSL_VERIFY_SERVER_CERT", "SOURCE_SSL_VERIFY_SERVER_CERT",
	    NUMBER, AT(ssl_verify), { 0 }, { 0 } },
	{ "MASTER_TLS_VERSION", "SOURCE_TLS_VERSION", TEXT, AT(tls_version),
	    { 5, 7, 10 }, { 99, 0, 0 } },
	{ "MASTER_TLS_CIPHERSUITES", "SOURCE_TLS_CIPHERSUITES", TEXT,
	    AT(tls_ciphersuites), { 8, 0, 19 }, { 99, 0, 0 } },
	{ "MASTER_PUBLIC_KEY_PATH", "SOURCE_PUBLIC_KEY_PATH", TEXT,
	    AT(public_key_path), { 8, 0, 4 }, { 99, 0, 0 } },
	{ "GET_MASTER_PUBLIC_KEY", "GET_SOURCE_PUBLIC_KEY", NUMBER,
	    AT(get_public_key), { 8, 0, 4 }, { 99, 0, 0 } },
	{ "GTID_ONLY", "GTID_ONLY", NUMBER, AT(gtid_only), { 8, 0, 27 },
	    { 99, 0, 0 } },
};

/* What a statement says. */
struct change {
	struct model_channel channel;
	const char *host, *file;
	uint64_t port, pos, auto_position;
	const char *use_gtid;
	bool has_port, has_pos, has_auto, has_heartbeat, receiver, delay;
};

static const struct option *
find_option(const struct stmt *st, const char *name)
{
	for (size_t i = 0; i < MEM_COUNT(options); i++) {
		const struct option *o = &options[i];
		struct version since = st->s->mariadb ? o->mariadb : o->mysql;
		bool old = strcasecmp(name, o->old_name) == 0 &&
		    !stmt_mysql(st, 8, 4, 0);
		bool fresh = strcasecmp(name, o->new_name) == 0 &&
		    stmt_mysql(st, 8, 0, 23);

		if ((old || fresh) &&
		    version_cmp(st->s->number, since) >= 0)
			return o;
	}
	return NULL;
}

static bool
is_option(const struct option *o, const char *old_name)
{
	return strcmp(o->old_name, old_name) == 0;
}

static void
keep_alone(struct change *c, const struct option *o, const char *value)
{
	uint64_t v = strtoull(value, NULL, 10);

	if (is_option(o, "MASTER_HOST")) {
		c->host = value;
	} else if (is_option(o, "MASTER_PORT")) {
		c->port = v;
		c->has_port = true;
	} else if (is_option(o, "MASTER_LOG_FILE")) {
		c->file = value;
	} else if (is_option(o, "MASTER_LOG_POS")) {
		c->pos = v;
		c->has_pos = true;
	} else if (is_option(o, "MASTER_AUTO_POSITION")) {
		c->auto_position = v;
		c->has_auto = true;
	} else {
		assert(is_option(o, "MASTER_USE_GTID"));
		c->use_gtid = value;
	}
}

static void
keep_option(struct change *c, const struct option *o, const char *value)
{
	char *at = (char *)&c->channel + o->offset;

	if (is_option(o, "MASTER_DELAY"))
		c->delay = true;
	else
		c->receiver = true;
	if (is_option(o, "MASTER_HEARTBEAT_PERIOD"))
		c->has_heartbeat = true;
	if (o->kind == TEXT)
		snprintf(at, MODEL_TEXT_MAX, "%s", value);
	else if (o->kind == NUMBER)
		*(uint64_t *)(void *)at = strtoull(value, NULL, 10);
	else
		keep_alone(c, o, value);
}

static bool
read_change(struct stmt *st, struct change *c)
{
	const struct option *o;
	const char *name, *value;

	*c = (struct change){ .channel = st->s->channel };
	do {
		if (!lex_name(&st->lex, &name) || !lex_take(&st->lex, "=") ||
		    !lex_value(&st->lex, &value))
			break;
		o = find_option(st, name);
		if (o == NULL)
			break;
		keep_option(c, o, value);
		if (!lex_take(&st->lex, ","))
			return take_channel(st);
	} while (true);
	stmt_syntax(st);
	return false;
}

/* What this server would not do. */
static bool
may_change(struct stmt *st, const struct change *c)
{
	const struct model_server *s = st->s;
	bool automatic = c->has_auto ? c->auto_position != 0 :
				       s->auto_position;

	if (s->mariadb && (s->io_wanted || s->sql_wanted))
		fail_running(st, true, true);
	else if (c->has_auto && (s->io_wanted || s->sql_wanted))
		fail_running(st, true, true);
	else if (c->receiver && s->io_wanted)
		fail_running(st, true, false);
	else if (s->sql_wanted && c->delay)
		fail_running(st, false, true);
	else if (c->has_auto && c->auto_position != 0 && !s->gtid)
		stmt_fail(st, 1777, "CHANGE REPLICATION SOURCE TO "
		    "SOURCE_AUTO_POSITION = 1 cannot be executed because "
		    "@@GLOBAL.GTID_MODE = OFF.");
	else if (automatic && (c->file != NULL || c->has_pos))
		stmt_fail(st, 1776, "Parameters SOURCE_LOG_FILE, "
		    "SOURCE_LOG_POS, RELAY_LOG_FILE and RELAY_LOG_POS cannot "
		    "be set when SOURCE_AUTO_POSITION is active.");
	else if (c->host != NULL && c->host[0] == '\0')
		stmt_fail(st, 1210, "Incorrect arguments to SOURCE_HOST");
	else
		return true;
	return false;
}

/* An applier that runs keeps its relay log, and its own position. */
static void
change_position(struct model_server *s, const struct change *c)
{
	bool elsewhere = c->host != NULL || c->has_port;
	bool running = s->sql_wanted || s->io_wanted;
	struct model_coord at = running ? s->read_at : s->exec_at;

	if (c->file != NULL || elsewhere)
		at = model_coord_of(c->file != NULL ? c->file : "",
		    c->has_pos ? c->pos : 4);
	else if (c->has_pos)
		at.pos = c->pos;
	s->read_at = at;
	if (!running) {
		model_forget_relay(s);
		s->exec_at = at;
	}
	if (c->has_auto)
		s->auto_position = c->auto_position != 0;
	if (!s->mariadb)
		return;
	if (c->use_gtid != NULL)
		s->use_gtid = strcasecmp(c->use_gtid, "slave_pos") == 0 ?
		    MODEL_SLAVE_POS : strcasecmp(c->use_gtid, "current_pos") ==
			0 ? MODEL_CURRENT_POS : MODEL_GTID_NO;
	else if (c->file != NULL || c->has_pos)
		s->use_gtid = MODEL_GTID_NO;
}

void
stmt_change(struct stmt *st)
{
	struct model_server *s = st->s;
	struct change c;

	if (!take_connection(st))
		return;
	if (!lex_take(&st->lex, "TO")) {
		stmt_syntax(st);
		return;
	}
	if (!read_change(st, &c) || !stmt_may_change(st) || !may_change(st, &c))
		return;
	/* Half of slave_net_timeout, whatever it was. */
	if (c.receiver && !c.has_heartbeat)
		strcpy(c.channel.heartbeat, "30.000");
	s->channel = c.channel;
	if (c.host != NULL)
		snprintf(s->source.host, sizeof s->source.host, "%s", c.host);
	if (c.has_port)
		s->source.port = (uint32_t)c.port;
	else if (s->source.port == 0)
		s->source.port = 3306;
	change_position(s, &c);
	stmt_ok(st);
}

/* ---- reset ---- */

void
stmt_reset_replica(struct stmt *st)
{
	struct model_server *s = st->s;
	bool all;

	if (!take_connection(st))
		return;
	all = lex_take(&st->lex, "ALL");
	if (!take_channel(st) || !stmt_may_change(st))
		return;
	if (s->io_wanted || s->sql_wanted) {
		fail_running(st, true, true);
		return;
	}
	if (all) {
		model_detach(s);
	} else {
		model_forget_relay(s);
		s->read_at = s->exec_at = (struct model_coord){ .pos = 4 };
	}
	stmt_ok(st);
}

void
stmt_reset_logs(struct stmt *st)
{
	if (!lex_over(&st->lex)) {
		stmt_syntax(st);
		return;
	}
	if (!stmt_may_change(st))
		return;
	if (!st->s->log_bin) {
		stmt_fail(st, 1186, "Binlog closed, cannot RESET MASTER");
		return;
	}
	model_reset_logs(st->s);
	stmt_ok(st);
}
