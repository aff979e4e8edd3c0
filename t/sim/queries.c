/* SPDX-License-Identifier: Apache-2.0 */
/* What operators have servers asked: lag, data centre, alias, rule. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "sim/stage.h"
#include "tap.h"

#define CONFIG "{\"InstancePollSeconds\": 5, " \
	"\"DiscoverByShowSlaveHosts\": true, " \
	"\"ReplicationLagQuery\": \"SELECT lag\", " \
	"\"DetectDataCenterQuery\": \"SELECT dc\", " \
	"\"DetectRegionQuery\": \"SELECT region\", " \
	"\"DetectPhysicalEnvironmentQuery\": \"SELECT env\", " \
	"\"DetectInstanceAliasQuery\": \"SELECT alias\", " \
	"\"DetectClusterAliasQuery\": \"SELECT cluster\", " \
	"\"DetectClusterDomainQuery\": \"SELECT domain\", " \
	"\"DetectPromotionRuleQuery\": \"SELECT rule\"}"

static struct stage *
pair(uint64_t seed, const char *config, const char *version)
{
	struct stage *st = stage_new(seed, config);
	struct model_server *s;

	for (int i = 0; i < 2; i++) {
		const char *host = i == 0 ? "a" : "b";

		s = model_add(st->world, host, 3306, version);
		strcpy(s->report_host, host);
		model_set_query(s, "SELECT lag", "7", 0);
		model_set_query(s, "SELECT dc", i == 0 ? "east" : "west", 0);
		model_set_query(s, "SELECT region", "r1", 0);
		model_set_query(s, "SELECT env", "prod", 0);
		model_set_query(s, "SELECT alias", i == 0 ? "A" : "B", 0);
		model_set_query(s, "SELECT cluster", "main", 0);
		model_set_query(s, "SELECT domain", "db.example.com", 0);
		model_set_query(s, "SELECT rule", "prefer", 0);
	}
	model_replicate(st->world->server[1], st->world->server[0]);
	return st;
}

static void
test_queries(const char *version)
{
	struct stage *st = pair(1, CONFIG, version);
	const struct instance *b;

	stage_start(st);
	stage_discover(st, "a", 3306);
	stage_run(st, DUR_S(12));
	b = stage_member(st, "b:3306")->in;
	is_int(b->lag_seconds.v, 7, "%s: lag", version);
	is_str(b->data_center, "west", "data centre");
	is_str(b->region, "r1", "region");
	is_str(b->physical_environment, "prod", "environment");
	is_str(b->instance_alias, "B", "its alias");
	is_str(b->suggested_cluster_alias, "main", "its cluster's");
	is_str(stage_cluster(st, "a:3306")->domain, "db.example.com",
	    "the cluster's domain");
	is_int(st->commands, 2, "each one's rule is registered once");
	stage_free(st);
}

/* One query that fails costs what it would have told, no more. */
static void
test_one_fails(void)
{
	struct stage *st = pair(2, CONFIG, "8.0.36");
	struct model_query *q = &st->world->server[1]->query[1];
	const struct instance *b;

	q->errnum = 1146;
	strcpy(q->value, "Table 'meta.dc' doesn't exist");
	stage_start(st);
	stage_discover(st, "a", 3306);
	stage_run(st, DUR_S(12));
	is_int(stage_valid(st, "b:3306"), true, "a query fails: valid");
	b = stage_member(st, "b:3306")->in;
	is_str(b->data_center, "", "nothing is known");
	is_str(b->region, "r1", "the next one is asked");
	is_int(b->lag_seconds.v, 7, "and the one before");
	q->errnum = 0;
	strcpy(q->value, "north");
	stage_run(st, DUR_S(60));
	is_str(stage_member(st, "b:3306")->in->data_center, "north",
	    "when it works again it is used");
	stage_free(st);
}

/* A missing privilege: the check fails, and says what is missing. */
static void
test_privilege(void)
{
	struct stage *st = pair(3, CONFIG, "8.0.36");
	const struct member *m;

	stage_start(st);
	stage_discover(st, "a", 3306);
	stage_run(st, DUR_S(12));
	st->world->server[1]->denied_errnum = 1227;
	stage_run(st, DUR_S(12));
	m = stage_member(st, "b:3306");
	is_int(m->health.error_code, ERR_DENIED, "a missing privilege");
	ok(strstr(m->health.error, "REPLICATION CLIENT") != NULL,
	    "it is named: %s", m->health.error);
	is_int(m->health.partial, true, "the server told its settings");
	stage_free(st);
}

static void
test_patterns(void)
{
	struct stage *st = stage_new(4, "{\"InstancePollSeconds\": 5, "
	    "\"DataCenterPattern\": \"^[^.]+[.]([^.]+)[.]\", "
	    "\"ClusterNameToAlias\": {\"db1\": \"first\"}}");

	model_add(st->world, "db1.ams.example.com", 3306, "8.0.36");
	stage_start(st);
	stage_discover(st, "db1.ams.example.com", 3306);
	stage_run(st, DUR_S(1));
	is_str(stage_member(st, "db1.ams.example.com:3306")->in->data_center,
	    "ams", "a data centre by its name");
	is_str(stage_cluster(st, "db1.ams.example.com:3306")->suggested,
	    "first", "and a cluster's alias");
	stage_free(st);
}

int
main(void)
{
	test_queries("8.0.36");
	test_queries("10.11.6-MariaDB");
	test_one_fails();
	test_privilege();
	test_patterns();
	return tap_done();
}
