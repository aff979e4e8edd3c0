/* SPDX-License-Identifier: Apache-2.0 */
/* dialect: one row per boundary between two words. */
#include "config.h"

#include "mysql/dialect.h"

#include "base/mem.h"
#include "tap.h"

static struct dialect
of(const char *version, const char *comment)
{
	struct dialect d;

	dialect_init(&d, version_flavour(version, comment),
	    version_parse(version));
	return d;
}

static const struct {
	const char *version;
	enum word word;
	const char *want;
} row[] = {
	{ "5.7.44", WORD_REPLICA_STATUS, "SHOW SLAVE STATUS" },
	{ "8.0.4", WORD_REPLICA_STATUS, "SHOW SLAVE STATUS" },
	{ "8.0.21", WORD_REPLICA_STATUS, "SHOW SLAVE STATUS" },
	{ "8.0.22", WORD_REPLICA_STATUS, "SHOW REPLICA STATUS" },
	{ "9.7.0", WORD_REPLICA_STATUS, "SHOW REPLICA STATUS" },
	{ "10.1.0", WORD_REPLICA_STATUS, "SHOW REPLICA STATUS" },
	{ "10.5.29-MariaDB", WORD_REPLICA_STATUS, "SHOW ALL SLAVES STATUS" },
	{ "11.8.3-MariaDB-log", WORD_REPLICA_STATUS, "SHOW ALL SLAVES STATUS" },
	{ "2.5.1-maxscale", WORD_REPLICA_STATUS, "SHOW SLAVE STATUS" },
	{ "8.1.0", WORD_OWN_POSITION, "SHOW MASTER STATUS" },
	{ "8.2.0", WORD_OWN_POSITION, "SHOW BINARY LOG STATUS" },
	{ "11.8.3-MariaDB", WORD_OWN_POSITION, "SHOW MASTER STATUS" },
	{ "8.0.36-28", WORD_LIST_REPLICAS, "SHOW REPLICAS" },
	{ "5.7.39", WORD_LIST_REPLICAS, "SHOW SLAVE HOSTS" },
	{ "8.0.14", WORD_PROCESS_LIST, "information_schema.processlist" },
	{ "8.0.22", WORD_PROCESS_LIST, "performance_schema.processlist" },
	{ "5.7.5", WORD_STATUS, "SHOW GLOBAL STATUS WHERE Variable_name" },
	{ "5.7.6", WORD_STATUS, "SELECT VARIABLE_NAME, VARIABLE_VALUE FROM "
	    "performance_schema.global_status WHERE VARIABLE_NAME" },
	{ "10.11.2-MariaDB", WORD_STATUS,
	    "SHOW GLOBAL STATUS WHERE Variable_name" },
	{ "11.4.2-MariaDB", WORD_PROCESS_LIST,
	    "information_schema.processlist" },
};

static void
test_other(void)
{
	struct dialect d = of("8.4.0", "");

	ok(dialect_other(&d, WORD_REPLICA_STATUS), "there is another word");
	is_str(dialect_word(&d, WORD_REPLICA_STATUS), "SHOW SLAVE STATUS",
	    "first the old one of its own flavour");
	ok(dialect_other(&d, WORD_REPLICA_STATUS), "and another");
	is_str(dialect_word(&d, WORD_REPLICA_STATUS), "SHOW ALL SLAVES STATUS",
	    "then another flavour's");
	ok(!dialect_other(&d, WORD_REPLICA_STATUS), "no more");
	is_str(dialect_word(&d, WORD_REPLICA_STATUS), "SHOW REPLICA STATUS",
	    "its own again");
	is_str(dialect_word(&d, WORD_OWN_POSITION), "SHOW BINARY LOG STATUS",
	    "other needs are not touched");
	ok(dialect_is_unknown(1193) && dialect_is_unknown(1064) &&
	    dialect_is_unknown(1146), "unknown words");
	ok(!dialect_is_unknown(1227) && !dialect_is_unknown(2013) &&
	    !dialect_is_unknown(0), "refusals are not");
}

static void
test_grants(void)
{
	static const struct {
		const char *version;
		enum grant grant;
		const char *want;
	} g[] = {
		{ "10.5.1-MariaDB", GRANT_REPLICA_STATUS,
		    "REPLICATION CLIENT ON *.*" },
		{ "10.5.2-MariaDB", GRANT_REPLICA_STATUS,
		    "REPLICATION SLAVE ADMIN ON *.*" },
		{ "10.5.9-MariaDB", GRANT_REPLICA_STATUS,
		    "SLAVE MONITOR ON *.*" },
		{ "8.4.0", GRANT_REPLICA_STATUS, "REPLICATION CLIENT ON *.*" },
		{ "11.4.0-MariaDB", GRANT_OWN_POSITION,
		    "BINLOG MONITOR ON *.*" },
		{ "11.4.0-MariaDB", GRANT_LIST_REPLICAS,
		    "REPLICATION MASTER ADMIN ON *.*" },
		{ "9.7.0", GRANT_LIST_REPLICAS, "REPLICATION SLAVE ON *.*" },
	};

	for (size_t i = 0; i < MEM_COUNT(g); i++) {
		struct dialect d = of(g[i].version, "");

		is_str(dialect_grant(&d, g[i].grant), g[i].want, "%s needs it",
		    g[i].version);
	}
	for (int i = 0; i < GRANTS; i++) {
		struct dialect d = of("", "");

		ok(dialect_grant(&d, (enum grant)i)[0] != '\0',
		    "a privilege for an unknown server");
	}
}

int
main(void)
{
	for (size_t i = 0; i < MEM_COUNT(row); i++) {
		struct dialect d = of(row[i].version, "");

		is_str(dialect_word(&d, row[i].word), row[i].want, "%s",
		    row[i].version);
	}
	ok(dialect_is_oracle(&(struct dialect){ .flavour = FLAVOUR_PERCONA }),
	    "Percona speaks Oracle's words");
	test_other();
	test_grants();
	return tap_done();
}
