/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The statements of a probe: when each is asked, and its words.
 */
#include "config.h"

#include "mysql/probe_impl.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

/* ---- once for each connection ---- */

static bool
want_maxscale_check(struct probe *p)
{
	return !p->options->skip_maxscale_check;
}

static void
text_maxscale(const struct probe *p, struct buf *b)
{
	(void)p;
	buf_str(b, "SHOW VARIABLES LIKE 'maxscale%'");
}

static bool
want_always(struct probe *p)
{
	(void)p;
	return true;
}

/* All names that are known: which of them come back is remembered. */
static void
text_fixed(const struct probe *p, struct buf *b)
{
	(void)p;
	buf_str(b, "SHOW GLOBAL VARIABLES WHERE Variable_name IN (");
	for (size_t i = 0; i < variable_field_count; i++)
		buf_printf(b, "%s'%s'", i > 0 ? "," : "",
		    variable_fields[i].name);
	buf_chr(b, ')');
}

/* Granted directly; rights that come with a role are not seen here. */
static void
text_rights(const struct probe *p, struct buf *b)
{
	(void)p;
	buf_str(b, "SELECT PRIVILEGE_TYPE FROM information_schema."
	    "USER_PRIVILEGES WHERE PRIVILEGE_TYPE = 'PROCESS' AND GRANTEE = "
	    "CONCAT('''', REPLACE(CURRENT_USER(), '@', '''@'''), '''')");
}

/* ---- every time ---- */

static bool
is_maxscale(const struct probe *p)
{
	return p->memory->dialect.flavour == FLAVOUR_MAXSCALE;
}

static bool
want_of_maxscale(struct probe *p)
{
	return is_maxscale(p);
}

static bool
want_of_server(struct probe *p)
{
	return !is_maxscale(p);
}

static void
text_maxscale_id(const struct probe *p, struct buf *b)
{
	(void)p;
	buf_str(b, "SELECT @@global.server_id");
}

static void
text_maxscale_uuid(const struct probe *p, struct buf *b)
{
	(void)p;
	buf_str(b, "SELECT @@global.server_uuid");
}

static void
text_settings(const struct probe *p, struct buf *b)
{
	const char *comma = "";

	buf_str(b, "SELECT ");
	for (size_t i = 0; i < variable_field_count; i++) {
		if (variable_fields[i].when == FIXED ||
		    (p->memory->variables & UINT64_C(1) << i) == 0)
			continue;
		buf_str(b, comma);
		buf_str(b, "@@global.");
		buf_str(b, variable_fields[i].name);
		buf_str(b, " AS ");
		buf_str(b, variable_fields[i].name);
		comma = ",";
	}
	if (comma[0] == '\0')
		buf_str(b, "1");
}

static void
text_replica_status(const struct probe *p, struct buf *b)
{
	buf_str(b, dialect_word(&p->memory->dialect, WORD_REPLICA_STATUS));
}

static void
text_status(const struct probe *p, struct buf *b)
{
	buf_str(b, dialect_word(&p->memory->dialect, WORD_STATUS));
	buf_str(b, " IN (");
	status_names(b);
	buf_chr(b, ')');
}

static bool
want_own_position(struct probe *p)
{
	return is_maxscale(p) || p->memory->fixed.in.log_bin;
}

static void
text_own_position(const struct probe *p, struct buf *b)
{
	buf_str(b, dialect_word(&p->memory->dialect, WORD_OWN_POSITION));
}

static bool
want_list_replicas(struct probe *p)
{
	return is_maxscale(p) || p->options->list_replicas;
}

static void
text_list_replicas(const struct probe *p, struct buf *b)
{
	buf_str(b, dialect_word(&p->memory->dialect, WORD_LIST_REPLICAS));
}

/* Not where SHOW REPLICAS served last time; should it fail, it follows. */
static bool
want_process_list(struct probe *p)
{
	return !is_maxscale(p) &&
	    !(p->options->list_replicas && p->memory->lists_replicas);
}

static void
text_process_list(const struct probe *p, struct buf *b)
{
	buf_str(b, "SELECT USER, HOST FROM ");
	buf_str(b, dialect_word(&p->memory->dialect, WORD_PROCESS_LIST));
	buf_str(b, " WHERE COMMAND IN ('Binlog Dump','Binlog Dump GTID')");
}

static bool
want_group(struct probe *p)
{
	const struct dialect *d = &p->memory->dialect;

	return dialect_is_oracle(d) && version_at_least(d->version, 8, 0, 2) &&
	    p->memory->fixed.performance_schema;
}

static void
text_group(const struct probe *p, struct buf *b)
{
	(void)p;
	buf_str(b, "SELECT MEMBER_ID, MEMBER_HOST, MEMBER_PORT, MEMBER_STATE,"
	    " MEMBER_ROLE FROM performance_schema.replication_group_members"
	    " WHERE MEMBER_STATE <> 'OFFLINE'");
}

/* The table is in use when the variable says so, or is gone (8.3). */
static bool
want_credentials(struct probe *p)
{
	const char *kept = p->memory->fixed.credentials_repository;

	return dialect_is_oracle(&p->memory->dialect) &&
	    !p->options->credentials_query &&
	    (kept[0] == '\0' || strcasecmp(kept, "TABLE") == 0);
}

static void
text_credentials(const struct probe *p, struct buf *b)
{
	(void)p;
	buf_str(b, "SELECT COUNT(NULLIF(User_name, '')) AS users,"
	    " MAX(Heartbeat) AS heartbeat FROM mysql.slave_master_info");
}

static bool
want_ndb(struct probe *p)
{
	return dialect_is_oracle(&p->memory->dialect) &&
	    strstr(p->memory->fixed.in.version, "-ndb-") != NULL;
}

static void
text_ndb(const struct probe *p, struct buf *b)
{
	(void)p;
	buf_str(b, "SELECT service_URI FROM ndbinfo.processes"
	    " WHERE process_name = 'mysqld'");
}

const struct statement_info statement_info[STATEMENTS] = {
	[ASK_MAXSCALE] = { "MaxScale check", QUIET, -1, -1,
	    want_maxscale_check, text_maxscale, read_maxscale },
	[ASK_FIXED] = { "variables", NEEDED, -1, -1,
	    want_always, text_fixed, read_fixed },
	[ASK_RIGHTS] = { "rights", QUIET, -1, -1,
	    want_always, text_rights, read_rights },
	[ASK_MAXSCALE_ID] = { "server id", QUIET, -1, -1,
	    want_of_maxscale, text_maxscale_id, read_maxscale_id },
	[ASK_MAXSCALE_UUID] = { "server uuid", QUIET, -1, -1,
	    want_of_maxscale, text_maxscale_uuid, read_maxscale_uuid },
	[ASK_SETTINGS] = { "settings", NEEDED, -1, -1,
	    want_of_server, text_settings, read_settings },
	[ASK_REPLICA_STATUS] = { "replica status", NEEDED,
	    WORD_REPLICA_STATUS, GRANT_REPLICA_STATUS,
	    want_always, text_replica_status, read_replica_status },
	[ASK_STATUS] = { "status", 0, WORD_STATUS, -1,
	    want_of_server, text_status, read_status },
	[ASK_OWN_POSITION] = { "own binary log position", 0,
	    WORD_OWN_POSITION, GRANT_OWN_POSITION,
	    want_own_position, text_own_position, read_own_position },
	[ASK_LIST_REPLICAS] = { "list of replicas", 0,
	    WORD_LIST_REPLICAS, GRANT_LIST_REPLICAS,
	    want_list_replicas, text_list_replicas, read_list_replicas },
	[ASK_PROCESS_LIST] = { "process list", 0,
	    WORD_PROCESS_LIST, GRANT_PROCESS_LIST,
	    want_process_list, text_process_list, read_process_list },
	[ASK_GROUP] = { "group members", 0, -1, GRANT_GROUP_MEMBERS,
	    want_group, text_group, read_group },
	[ASK_CREDENTIALS] = { "replication credentials", QUIET,
	    -1, GRANT_CREDENTIALS,
	    want_credentials, text_credentials, read_credentials },
	[ASK_NDB] = { "NDB processes", 0, -1, -1,
	    want_ndb, text_ndb, read_ndb },
#define QUERY(q, key) [ASK_QUERY + QUERY_##q] = { .name = key, .word = -1, \
	.grant = -1 }
	QUERY(LAG, "ReplicationLagQuery"),
	QUERY(DATA_CENTER, "DetectDataCenterQuery"),
	QUERY(REGION, "DetectRegionQuery"),
	QUERY(ENVIRONMENT, "DetectPhysicalEnvironmentQuery"),
	QUERY(ALIAS, "DetectInstanceAliasQuery"),
	QUERY(PROMOTION_RULE, "DetectPromotionRuleQuery"),
	QUERY(CLUSTER_ALIAS, "DetectClusterAliasQuery"),
	QUERY(CLUSTER_DOMAIN, "DetectClusterDomainQuery"),
	QUERY(SEMI_SYNC_PRIORITY, "DetectSemiSyncEnforcedQuery"),
	QUERY(PSEUDO_GTID, "DetectPseudoGTIDQuery"),
#undef QUERY
};
static_assert((int)STATEMENTS <= (int)PROBE_STATEMENTS_MAX,
    "statements are bits");

/* ---- the operator's queries ---- */

/* Behind a quoted text, a backslash escaping what follows; NULL: no end. */
static const char *
skip_quoted(const char *s)
{
	char quote = *s++;

	for (; *s != '\0'; s++) {
		if (*s == '\\' && quote != '`' && s[1] != '\0')
			s++;
		else if (*s == quote)
			return s + 1;
	}
	return NULL;
}

/* Behind the comment that begins at s, s itself when none does; NULL: no end. */
static const char *
skip_comment(const char *s)
{
	bool dashes = s[0] == '-' && s[1] == '-' &&
	    (s[2] == '\0' || isspace((unsigned char)s[2]));

	if (s[0] == '#' || dashes)
		return s + strcspn(s, "\n");
	if (s[0] != '/' || s[1] != '*')
		return s;
	s = strstr(s + 2, "*/");
	return s != NULL ? s + 2 : NULL;
}

enum err_code
probe_check_query(const char *text, size_t *len, struct err *err)
{
	const char *s = text, *end = text, *next;
	bool over = false; /* a semicolon was passed */

	while (*s != '\0') {
		next = skip_comment(s);
		if (next == s && strchr("'\"`", *s) != NULL)
			next = skip_quoted(s);
		if (next == NULL)
			return err_set(err, ERR_INVALID,
			    "a quote or comment is not closed");
		if (next == s) {
			next++;
			if (*s == ';')
				over = true;
			else if (!isspace((unsigned char)*s) && over)
				return err_set(err, ERR_INVALID,
				    "more than one statement");
		} else if (strchr("'\"`", *s) != NULL && over)
			return err_set(err, ERR_INVALID,
			    "more than one statement");
		if (!over && !isspace((unsigned char)*s))
			end = next;
		s = next;
	}
	if (end == text)
		return err_set(err, ERR_INVALID, "an empty statement");
	*len = (size_t)(end - text);
	return ERR_NONE;
}

bool
probe_query_is_plain(const char *text)
{
	static const char *const plain[] = { "SELECT", "SHOW", "WITH", "(" };

	text += strspn(text, " \t\r\n");
	for (size_t i = 0; i < MEM_COUNT(plain); i++)
		if (strncasecmp(text, plain[i], strlen(plain[i])) == 0)
			return true;
	return false;
}

static void
write_query(const struct probe *p, enum probe_query q, struct buf *b)
{
	const char *text = p->options->query[q];
	size_t len;
	enum err_code code = probe_check_query(text, &len, NULL);

	assert(code == ERR_NONE);
	buf_add(b, text, len);
	if (!probe_query_is_plain(text))
		buf_str(b, "\n;\nSELECT 1 AS " PROBE_QUERY_END);
}

void
probe_write_batch(const struct probe *p, struct buf *b)
{
	buf_reset(b);
	for (unsigned i = p->at; i < p->at + p->batch; i++) {
		/* The newline ends a comment that a query may end with. */
		if (i > p->at)
			buf_str(b, "\n;\n");
		if (p->todo[i] >= ASK_QUERY)
			write_query(p, p->todo[i] - ASK_QUERY, b);
		else
			statement_info[p->todo[i]].text(p, b);
	}
}
