/* SPDX-License-Identifier: Apache-2.0 */
/* What values must fulfil, as tables. */
#include "config.h"

#include <assert.h>
#include <limits.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "config/build.h"

int64_t
config_number(const struct config *c, enum config_key key)
{
	const void *v = config_value(c, key);

	switch (config_info(key)->type) {
	case CONFIG_INT: return *(const int *)v;
	case CONFIG_UINT: return *(const unsigned *)v;
	case CONFIG_INT64: return *(const int64_t *)v;
	default: assert(!"a key that is a number");
	}
	return 0;
}

const char *
config_text(const struct config *c, enum config_key key)
{
	assert(config_info(key)->type == CONFIG_STR ||
	    config_info(key)->type == CONFIG_SECRET);
	return *(const char *const *)config_value(c, key);
}

bool
config_is_set(const struct config *c, enum config_key key)
{
	const void *v = config_value(c, key);

	switch (config_info(key)->type) {
	case CONFIG_BOOL: return *(const bool *)v;
	case CONFIG_INT:
	case CONFIG_UINT:
	case CONFIG_INT64: return config_number(c, key) != 0;
	case CONFIG_FLOAT: return *(const double *)v != 0;
	case CONFIG_STR:
	case CONFIG_SECRET: return config_text(c, key)[0] != '\0';
	case CONFIG_LIST: return ((const struct str_list *)v)->count > 0;
	case CONFIG_MAP: return ((const struct str_map *)v)->count > 0;
	}
	return false;
}

/*
 * Numbers.  Outside its range a value is an error, or, with clamp, is brought
 * to the nearer end and noted: there the reference took it and misbehaved.
 * The upper ends keep spans of time within int64_t microseconds.
 */
static const struct range {
	enum config_key key;
	int64_t min, max;
	bool clamp;
} range[] = {
	{ CFG_default_instance_port, 1, 65535, false },
	{ CFG_mysql_orchestrator_port, 0, 65535, false },
	{ CFG_default_raft_port, 0, 65535, false },
	{ CFG_mysql_topology_max_allowed_packet, -1, INT_MAX, false },
	{ CFG_mysql_orchestrator_max_allowed_packet, -1, INT_MAX, false },
	{ CFG_mysql_connect_timeout_seconds, 1, INT_MAX, true },
	{ CFG_mysql_discovery_read_timeout_seconds, 1, INT_MAX, true },
	{ CFG_mysql_topology_read_timeout_seconds, 1, INT_MAX, true },
	{ CFG_mysql_orchestrator_read_timeout_seconds, 1, INT_MAX, true },
	{ CFG_mysql_connection_lifetime_seconds, 0, INT_MAX, false },
	{ CFG_instance_poll_seconds, 1, UINT_MAX, false },
	{ CFG_discovery_max_concurrency, 1, UINT_MAX, false },
	{ CFG_discovery_queue_capacity, 1, UINT_MAX, false },
	{ CFG_discovery_queue_max_statistics_size, 1, INT_MAX, true },
	{ CFG_discovery_collection_retention_seconds, 1, UINT_MAX, true },
	{ CFG_instance_flush_interval_milliseconds, 1, INT_MAX, true },
	{ CFG_expiry_hostname_resolves_minutes, 1, INT_MAX, true },
	{ CFG_reasonable_replication_lag_seconds, 0, INT_MAX, false },
	{ CFG_reasonable_maintenance_replication_lag_seconds, 0, INT_MAX,
	    false },
	{ CFG_unseen_instance_forget_hours, 1, 1000000, true },
	{ CFG_snapshot_topologies_interval_hours, 0, 1000000, true },
	{ CFG_unseen_agent_forget_hours, 0, 1000000, true },
	{ CFG_audit_purge_days, 0, 36500, true },
	{ CFG_max_concurrent_replica_operations, 1, INT_MAX, true },
	{ CFG_binlog_events_chunk_size, 1, INT_MAX, true },
	{ CFG_failure_detection_period_block_minutes, 0, INT_MAX, false },
	{ CFG_recovery_period_block_seconds, 0, INT_MAX, false },
	{ CFG_consul_max_kvs_per_transaction, 5, 64, true },
	{ CFG_http_threads, 1, 16, false },
	{ CFG_http_max_connections, 1, 1000000, false },
	{ CFG_http_max_requests, 1, 1000000, false },
};

static void
set_number(struct config *c, enum config_key key, int64_t v)
{
	void *field = config_field(c, key);

	if (config_info(key)->type == CONFIG_INT)
		*(int *)field = (int)v;
	else if (config_info(key)->type == CONFIG_UINT)
		*(unsigned *)field = (unsigned)v;
	else
		assert(!"a key of this type is clamped");
}

static enum err_code
check_range(struct config *c, const struct range *r, struct err *err)
{
	int64_t v = config_number(c, r->key), to;

	if (v >= r->min && v <= r->max)
		return ERR_NONE;
	if (!r->clamp)
		return config_fail(c, r->key, err,
		    "must be from %lld to %lld, is %lld", (long long)r->min,
		    (long long)r->max, (long long)v);
	to = v < r->min ? r->min : r->max;
	config_note(c, LOG_WARNING, "%s: %lld is taken as %lld",
	    config_info(r->key)->name, (long long)v, (long long)to);
	set_number(c, r->key, to);
	return ERR_NONE;
}

static enum err_code
check_ranges(struct config *c, struct err *err)
{
	for (size_t i = 0; i < MEM_COUNT(range); i++)
		if (check_range(c, &range[i], err) != ERR_NONE)
			return err->code;
	return ERR_NONE;
}

/* Words that stand for a value; letter case does not matter. */
struct word {
	const char *text;
	int value;
};

static const struct word resolve_word[] = {
	{ "none", HOSTNAME_RESOLVE_NONE },
	{ "default", HOSTNAME_RESOLVE_DEFAULT },
	{ "", HOSTNAME_RESOLVE_DEFAULT },
	{ "cname", HOSTNAME_RESOLVE_CNAME },
	{ "ip", HOSTNAME_RESOLVE_IP },
	{ NULL, HOSTNAME_RESOLVE_DEFAULT },
};
static const struct word server_word[] = {
	{ "none", SERVER_NAME_NONE },
	{ "", SERVER_NAME_NONE },
	{ "default", SERVER_NAME_HOSTNAME },
	{ "hostname", SERVER_NAME_HOSTNAME },
	{ "@@hostname", SERVER_NAME_HOSTNAME },
	{ "report_host", SERVER_NAME_REPORT_HOST },
	{ "@@report_host", SERVER_NAME_REPORT_HOST },
	{ NULL, SERVER_NAME_NONE },
};
static const struct word identity_word[] = {
	{ "", ORC_IDENTITY_NONE },
	{ "none", ORC_IDENTITY_NONE },
	{ "fqdn", ORC_IDENTITY_FQDN },
	{ "hostname", ORC_IDENTITY_HOSTNAME },
	{ "custom", ORC_IDENTITY_CUSTOM },
	{ NULL, ORC_IDENTITY_NONE },
};
/* Whoever may not be let in by a misspelling: no value for other words. */
static const struct word auth_word[] = {
	{ "", AUTH_NONE },
	{ "basic", AUTH_BASIC },
	{ "multi", AUTH_MULTI },
	{ "proxy", AUTH_PROXY },
	{ "token", AUTH_TOKEN },
	{ NULL, -1 },
};
static const struct word scheme_word[] = {
	{ "http", 0 },
	{ "https", 0 },
	{ NULL, -1 },
};

/* The word's value; at the NULL row, the one for other words or -1. */
static const struct word *
find_word(const struct word *w, const char *text)
{
	while (w->text != NULL && strcasecmp(w->text, text) != 0)
		w++;
	return w;
}

static enum err_code
check_word(struct config *c, enum config_key key, const struct word *words,
    int *value, struct err *err)
{
	const char *text = config_text(c, key);
	const struct word *w = find_word(words, text);
	struct buf known;

	*value = w->value;
	if (w->text != NULL)
		return ERR_NONE;
	buf_init(&known);
	for (; words->text != NULL; words++)
		buf_printf(&known, " \"%s\"", words->text);
	if (w->value < 0)
		config_fail(c, key, err, "must be one of%s, is \"%.80s\"",
		    buf_text(&known), text);
	else
		config_note(c, LOG_WARNING,
		    "%s: \"%.80s\" is none of%s; \"%s\" is taken",
		    config_info(key)->name, text, buf_text(&known),
		    config_info(key)->default_text);
	buf_fini(&known);
	return w->value < 0 ? err->code : ERR_NONE;
}

static enum err_code
check_words(struct config *c, struct err *err)
{
	int value[5] = { 0 };
	const struct {
		enum config_key key;
		const struct word *words;
	} row[] = {
		{ CFG_hostname_resolve_method, resolve_word },
		{ CFG_mysql_hostname_resolve_method, server_word },
		{ CFG_prepend_messages_with_orc_identity, identity_word },
		{ CFG_authentication_method, auth_word },
		{ CFG_consul_scheme, scheme_word },
	};

	for (size_t i = 0; i < MEM_COUNT(row); i++)
		if (check_word(c, row[i].key, row[i].words, &value[i], err) !=
		    ERR_NONE)
			return err->code;
	c->rules.hostname_resolve = (enum hostname_resolve)value[0];
	c->rules.server_name = (enum server_name)value[1];
	c->rules.identity = (enum orc_identity)value[2];
	c->rules.auth = (enum auth_method)value[3];
	return ERR_NONE;
}

/* When a key is set, another must be, unless a third one is. */
static const struct need {
	enum config_key key, other, unless; /* CONFIG_KEYS: no third */
} need[] = {
	{ CFG_raft_enabled, CFG_raft_data_dir, CONFIG_KEYS },
	{ CFG_raft_enabled, CFG_raft_bind, CONFIG_KEYS },
	{ CFG_fail_primary_promotion_on_lag_minutes, CFG_replication_lag_query,
	    CONFIG_KEYS },
	{ CFG_graphite_addr, CFG_graphite_path, CONFIG_KEYS },
	{ CFG_consul_cross_data_center_distribution, CFG_consul_address,
	    CONFIG_KEYS },
	{ CFG_use_ssl, CFG_ssl_cert_file, CFG_listen_socket },
	{ CFG_use_ssl, CFG_ssl_private_key_file, CFG_listen_socket },
};

static enum err_code
check_needs(struct config *c, struct err *err)
{
	for (size_t i = 0; i < MEM_COUNT(need); i++) {
		const struct need *n = &need[i];

		if (config_is_set(c, n->key) && !config_is_set(c, n->other) &&
		    (n->unless == CONFIG_KEYS || !config_is_set(c, n->unless)))
			return config_fail(c, n->key, err, "needs %s as well",
			    config_info(n->other)->name);
	}
	return ERR_NONE;
}

static enum err_code
check_promotion(struct config *c, struct err *err)
{
	enum config_key fail =
	    CFG_fail_primary_promotion_if_sql_thread_not_up_to_date;
	enum config_key delay =
	    CFG_delay_primary_promotion_if_sql_thread_not_up_to_date;

	if (config_is_set(c, fail) && config_is_set(c, delay))
		return config_fail(c, fail, err, "excludes %s",
		    config_info(delay)->name);
	return ERR_NONE;
}

static enum err_code
check_dead_instances(struct config *c, struct err *err)
{
	if (c->dead_instance_poll_seconds_multiply_factor < 1)
		return config_fail(c,
		    CFG_dead_instance_poll_seconds_multiply_factor, err,
		    "must be 1 or more, is %g",
		    c->dead_instance_poll_seconds_multiply_factor);
	if (c->dead_instance_poll_seconds_max < c->instance_poll_seconds)
		return config_fail(c, CFG_dead_instance_poll_seconds_max, err,
		    "is %u, less than InstancePollSeconds, which is %u",
		    c->dead_instance_poll_seconds_max,
		    c->instance_poll_seconds);
	return ERR_NONE;
}

static enum err_code
check_auth(struct config *c, struct err *err)
{
	if (c->http_auth_user[0] != '\0')
		return ERR_NONE;
	if (c->rules.auth == AUTH_MULTI)
		return config_fail(c, CFG_http_auth_user, err,
		    "must not be empty when AuthenticationMethod is multi");
	if (c->rules.auth == AUTH_BASIC)
		config_note(c, LOG_WARNING,
		    "HTTPAuthUser: empty, though AuthenticationMethod is "
		    "basic");
	return ERR_NONE;
}

/* scheme://host:port, and nothing behind it */
static enum err_code
check_advertise(struct config *c, struct err *err)
{
	struct pattern *url;
	bool good;

	if (c->http_advertise[0] == '\0')
		return ERR_NONE;
	url = pattern_new("^(?i)https?://"
			  "(\\[[0-9a-f:.]+\\]|[^][/:?#@\\s]+):[0-9]{1,5}$",
	    err);
	assert(url != NULL);
	good = pattern_match(url, c->http_advertise);
	pattern_free(url);
	if (good)
		return ERR_NONE;
	return config_fail(c, CFG_http_advertise, err,
	    "must be scheme://host:port without a path, is \"%.80s\"",
	    c->http_advertise);
}

static enum err_code
check_raft_listen(struct config *c, struct err *err)
{
	if (c->raft_enabled && c->http_advertise[0] == '\0' &&
	    strchr(c->listen_address, ':') == NULL)
		return config_fail(c, CFG_listen_address, err,
		    "must name a port when RaftEnabled is true and "
		    "HTTPAdvertise is empty, is \"%.80s\"",
		    c->listen_address);
	return ERR_NONE;
}

enum err_code
config_check(struct config *c, struct err *err)
{
	static enum err_code (*const step[])(struct config *, struct err *) = {
		check_promotion,
		check_needs,
		check_raft_listen,
		check_advertise,
		check_ranges,
		check_words,
		check_auth,
		check_dead_instances,
	};

	for (size_t i = 0; i < MEM_COUNT(step); i++)
		if (step[i](c, err) != ERR_NONE)
			return err->code;
	return ERR_NONE;
}
