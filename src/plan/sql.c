/* SPDX-License-Identifier: Apache-2.0 */
/* The statements of each flavour and version; see sql.h. */
#include "config.h"

#include "plan/sql.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "topology/coord.h"
#include "topology/version.h"

/* ---- which words ---- */

/* The first MySQL that has the second column; before, and elsewhere, the first. */
static const struct {
	const char *old, *new;
	struct version since;
} words[SQL_WORDS] = {
	[SQL_START] = { "START SLAVE", "START REPLICA", { 8, 0, 22 } },
	[SQL_STOP] = { "STOP SLAVE", "STOP REPLICA", { 8, 0, 22 } },
	[SQL_START_RECEIVER] = { "START SLAVE IO_THREAD",
	    "START REPLICA IO_THREAD", { 8, 0, 22 } },
	[SQL_STOP_RECEIVER] = { "STOP SLAVE IO_THREAD",
	    "STOP REPLICA IO_THREAD", { 8, 0, 22 } },
	[SQL_START_APPLIER] = { "START SLAVE SQL_THREAD",
	    "START REPLICA SQL_THREAD", { 8, 0, 22 } },
	[SQL_STOP_APPLIER] = { "STOP SLAVE SQL_THREAD",
	    "STOP REPLICA SQL_THREAD", { 8, 0, 22 } },
	[SQL_RESET_ALL] = { "RESET SLAVE ALL", "RESET REPLICA ALL",
	    { 8, 0, 22 } },
	[SQL_RESET] = { "RESET SLAVE", "RESET REPLICA", { 8, 0, 22 } },
	[SQL_RESET_LOGS] = { "RESET MASTER", "RESET BINARY LOGS AND GTIDS",
	    { 8, 2, 0 } },
	[SQL_STATUS] = { "SHOW SLAVE STATUS", "SHOW REPLICA STATUS",
	    { 8, 0, 22 } },
	[SQL_OWN_POSITION] = { "SHOW MASTER STATUS", "SHOW BINARY LOG STATUS",
	    { 8, 2, 0 } },
	[SQL_LOGS] = { "SHOW BINARY LOGS", "SHOW BINARY LOGS", { 0, 0, 0 } },
	[SQL_FLUSH] = { "FLUSH BINARY LOGS", "FLUSH BINARY LOGS",
	    { 0, 0, 0 } },
};

static enum flavour
flavour_of(const struct instance *in)
{
	return version_flavour(in->version, in->version_comment);
}

bool
sql_is_mariadb(const struct instance *in)
{
	return flavour_of(in) == FLAVOUR_MARIADB;
}

/* MySQL and its forks, of that version or later. */
static bool
oracle_since(const struct instance *in, unsigned major, unsigned minor,
    unsigned patch)
{
	enum flavour f = flavour_of(in);

	return f != FLAVOUR_MARIADB && f != FLAVOUR_MAXSCALE &&
	    version_at_least(version_parse(in->version), major, minor, patch);
}

const char *
sql_word(const struct instance *in, enum sql_word w)
{
	struct version v;

	assert(w < SQL_WORDS);
	v = words[w].since;
	return oracle_since(in, v.major, v.minor, v.patch) ? words[w].new :
	    words[w].old;
}

bool
sql_has_super(const struct instance *in)
{
	return oracle_since(in, 5, 7, 8);
}

const char *
sql_skip_counter(const struct instance *in)
{
	return oracle_since(in, 8, 0, 26) ? "sql_replica_skip_counter" :
	    "sql_slave_skip_counter";
}

const char *
sql_semi_sync(const struct instance *in, bool source)
{
	if (source)
		return in->semi_sync_source_new ?
		    "rpl_semi_sync_source_enabled" :
		    "rpl_semi_sync_master_enabled";
	return in->semi_sync_replica_new ? "rpl_semi_sync_replica_enabled" :
	    "rpl_semi_sync_slave_enabled";
}

/* ---- text ---- */

void
sql_quote(struct buf *b, const char *text)
{
	buf_chr(b, '\'');
	for (; *text != '\0'; text++) {
		if (*text == '\'' || *text == '\\')
			buf_chr(b, *text);
		buf_chr(b, *text);
	}
	buf_chr(b, '\'');
}

void
sql_session(struct buf *b, dur_t lock_wait)
{
	int64_t s = lock_wait.us / 1000000;

	buf_printf(b, "SET SESSION sql_mode = '', lock_wait_timeout = %" PRId64,
	    s < 1 ? (int64_t)1 : s);
}

/* The channel's name, where one is used: behind the statement on MySQL. */
static void
for_channel(struct buf *b, const struct instance *in)
{
	if (in->channel_name[0] == '\0' || sql_is_mariadb(in))
		return;
	buf_str(b, " FOR CHANNEL ");
	sql_quote(b, in->channel_name);
}

/* On MariaDB it follows the words "SLAVE" or "CHANGE MASTER". */
static void
named_connection(struct buf *b, const struct instance *in)
{
	if (in->channel_name[0] == '\0' || !sql_is_mariadb(in))
		return;
	buf_chr(b, ' ');
	sql_quote(b, in->channel_name);
}

void
sql_threads(struct buf *b, const struct instance *in, enum sql_word w)
{
	const char *text = sql_word(in, w);
	const char *name = strstr(text, " SLAVE");

	if (name == NULL) {
		buf_str(b, text);
	} else {
		name += strlen(" SLAVE");
		buf_add(b, text, (size_t)(name - text));
		named_connection(b, in);
		buf_str(b, name);
	}
	for_channel(b, in);
}

/* ---- the channel ---- */

static bool
says_source(const struct instance *in)
{
	return oracle_since(in, 8, 0, 23);
}

/* Begins the statement; the value is what options begin with. */
static const char *
change(struct buf *b, const struct instance *in)
{
	buf_str(b, says_source(in) ? "CHANGE REPLICATION SOURCE" :
	    "CHANGE MASTER");
	named_connection(b, in);
	buf_str(b, " TO ");
	return says_source(in) ? "SOURCE" : "MASTER";
}

enum sql_by
sql_by_now(const struct instance *in)
{
	if (in->using_oracle_gtid)
		return BY_AUTO_POSITION;
	if (!in->using_mariadb_gtid)
		return BY_FILE;
	return strcmp(in->using_gtid_text, "Current_Pos") == 0 ?
	    BY_CURRENT_POS : BY_REPLICA_POS;
}

static void
how(struct buf *b, const struct instance *in, const char *word,
    const struct sql_source *to)
{
	if (to->by == BY_FILE) {
		buf_printf(b, ", %s_LOG_FILE = ", word);
		sql_quote(b, to->at.file);
		buf_printf(b, ", %s_LOG_POS = %" PRId64, word, to->at.pos);
	}
	if (sql_is_mariadb(in)) {
		buf_printf(b, ", %s_USE_GTID = %s", word,
		    to->by == BY_FILE ? "no" :
		    to->by == BY_CURRENT_POS ? "current_pos" : "slave_pos");
		return;
	}
	if (flavour_of(in) == FLAVOUR_MAXSCALE)
		return;
	buf_printf(b, ", %s_AUTO_POSITION = %d", word, to->by != BY_FILE);
	if (to->gtid_only)
		buf_printf(b, ", GTID_ONLY = %d", to->by != BY_FILE);
}

void
sql_change_source(struct buf *b, const struct instance *in,
    const struct sql_source *to)
{
	const char *word = change(b, in);

	buf_printf(b, "%s_HOST = ", word);
	sql_quote(b, to->key.host);
	buf_printf(b, ", %s_PORT = %u", word, (unsigned)to->key.port);
	how(b, in, word, to);
	if (to->heartbeat != NULL && to->heartbeat[0] != '\0')
		buf_printf(b, ", %s_HEARTBEAT_PERIOD = %s", word,
		    to->heartbeat);
	for_channel(b, in);
}

void
sql_delay(struct buf *b, const struct instance *in, int64_t seconds)
{
	const char *word = change(b, in);

	buf_printf(b, "%s_DELAY = %" PRId64, word, seconds);
	for_channel(b, in);
}

void
sql_credentials(struct buf *b, const struct instance *in,
    const struct sql_account *a)
{
	const char *word = change(b, in);
	const char *const option[][2] = { { "PASSWORD", a->password },
		{ "SSL_CA", a->ca }, { "SSL_CERT", a->cert },
		{ "SSL_KEY", a->key } };
	bool tls = false;

	buf_printf(b, "%s_USER = ", word);
	sql_quote(b, a->user);
	for (size_t i = 0; i < MEM_COUNT(option); i++) {
		if (option[i][1] == NULL || option[i][1][0] == '\0')
			continue;
		buf_printf(b, ", %s_%s = ", word, option[i][0]);
		sql_quote(b, option[i][1]);
		tls |= i > 0;
	}
	if (tls)
		buf_printf(b, ", %s_SSL = 1", word);
	for_channel(b, in);
}

void
sql_channel(struct buf *b, const struct instance *in)
{
	buf_str(b, "SELECT * FROM"
	    " performance_schema.replication_connection_configuration"
	    " WHERE CHANNEL_NAME = ");
	sql_quote(b, in->channel_name);
}

/* ---- places ---- */

void
sql_wait_coord(struct buf *b, const struct instance *in,
    const struct coord *at, int seconds)
{
	buf_str(b, oracle_since(in, 8, 0, 26) ? "SELECT SOURCE_POS_WAIT(" :
	    "SELECT MASTER_POS_WAIT(");
	sql_quote(b, at->file);
	buf_printf(b, ", %" PRId64 ", %d", at->pos, seconds);
	if (in->channel_name[0] != '\0') {
		buf_str(b, ", ");
		sql_quote(b, in->channel_name);
	}
	buf_str(b, ") AS waited");
}

void
sql_wait_gtid(struct buf *b, const struct instance *in, const char *set,
    int seconds)
{
	buf_str(b, sql_is_mariadb(in) ? "SELECT MASTER_GTID_WAIT(" :
	    "SELECT WAIT_FOR_EXECUTED_GTID_SET(");
	sql_quote(b, set);
	buf_printf(b, ", %d) AS waited", seconds);
}

void
sql_start_until(struct buf *b, const struct instance *in,
    const struct coord *at)
{
	const char *word = says_source(in) ? "SOURCE" : "MASTER";

	buf_str(b, says_source(in) ? "START REPLICA" : "START SLAVE");
	named_connection(b, in);
	buf_printf(b, " UNTIL %s_LOG_FILE = ", word);
	sql_quote(b, at->file);
	buf_printf(b, ", %s_LOG_POS = %" PRId64, word, at->pos);
	for_channel(b, in);
}
