/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns and filters: compiled once, at load. */
#include "config.h"

#include <string.h>

#include "base/mem.h"
#include "config/build.h"

/* Each kind makes its object from the key's value; NULL and err on error. */
static void *
make_hosts(const void *value, struct err *err)
{
	return host_filter_new(value, err);
}

static void *
make_clusters(const void *value, struct err *err)
{
	return cluster_filter_new(value, err);
}

static void *
make_patterns(const void *value, struct err *err)
{
	return pattern_list_new(value, err);
}

/* The keys of a map */
static void *
make_map_keys(const void *value, struct err *err)
{
	const struct str_map *m = value;
	const char **key = mem_alloc(m->count * sizeof *key);
	struct pattern_list *l;

	for (size_t i = 0; i < m->count; i++)
		key[i] = m->item[i].key;
	l = pattern_list_new(&(struct str_list){ key, m->count }, err);
	mem_free(key);
	return l;
}

static void *
make_pattern(const void *value, struct err *err)
{
	return pattern_new(*(const char *const *)value, err);
}

/* A pattern whose first group is what is looked for */
static void *
make_group(const void *value, struct err *err)
{
	struct pattern *p = make_pattern(value, err);

	if (p == NULL || pattern_groups(p) > 0)
		return p;
	pattern_free(p);
	err_set(err, ERR_INVALID, "must have a group, as in \"db-(.*)\"");
	return NULL;
}

static void
free_hosts(void *p)
{
	host_filter_free(p);
}

static void
free_clusters(void *p)
{
	cluster_filter_free(p);
}

static void
free_patterns(void *p)
{
	pattern_list_free(p);
}

static void
free_pattern(void *p)
{
	pattern_free(p);
}

enum kind { HOSTS, CLUSTERS, PATTERNS, MAP_KEYS, PATTERN, GROUP };

static const struct {
	void *(*make)(const void *value, struct err *err);
	void (*free)(void *);
	bool optional; /* an empty text makes nothing */
} kind[] = {
	[HOSTS] = { make_hosts, free_hosts, false },
	[CLUSTERS] = { make_clusters, free_clusters, false },
	[PATTERNS] = { make_patterns, free_patterns, false },
	[MAP_KEYS] = { make_map_keys, free_patterns, false },
	[PATTERN] = { make_pattern, free_pattern, true },
	[GROUP] = { make_group, free_pattern, true },
};

#define RULE(field) offsetof(struct config_rules, field)

static const struct rule {
	enum config_key key;
	enum kind kind;
	size_t offset; /* in struct config_rules */
} rule[] = {
	{ CFG_problem_ignore_hostname_filters, HOSTS, RULE(problem_ignore) },
	{ CFG_promotion_ignore_hostname_filters, HOSTS,
	    RULE(promotion_ignore) },
	{ CFG_osc_ignore_hostname_filters, HOSTS, RULE(osc_ignore) },
	{ CFG_discovery_ignore_hostname_filters, HOSTS,
	    RULE(discovery_ignore) },
	{ CFG_discovery_ignore_source_hostname_filters, HOSTS,
	    RULE(discovery_ignore_source) },
	{ CFG_discovery_ignore_replica_hostname_filters, HOSTS,
	    RULE(discovery_ignore_replica) },
	{ CFG_discovery_ignore_replication_username_filters, PATTERNS,
	    RULE(discovery_ignore_user) },
	{ CFG_recovery_ignore_hostname_filters, PATTERNS,
	    RULE(recovery_ignore) },
	{ CFG_recover_primary_cluster_filters, CLUSTERS,
	    RULE(recover_primary) },
	{ CFG_recover_intermediate_cluster_filters, CLUSTERS,
	    RULE(recover_intermediate) },
	{ CFG_cluster_name_to_alias, MAP_KEYS, RULE(cluster_alias) },
	{ CFG_reject_hostname_resolve_pattern, PATTERN, RULE(reject_resolve) },
	{ CFG_data_center_pattern, GROUP, RULE(data_center) },
	{ CFG_region_pattern, GROUP, RULE(region) },
	{ CFG_physical_environment_pattern, GROUP, RULE(environment) },
	{ CFG_pseudo_gtid_pattern, PATTERN, RULE(pseudo_gtid) },
};

/* Objects are kept through pointers of different types: copy the bytes. */
static void *
object_get(const struct config_rules *r, size_t offset)
{
	void *p;

	memcpy(&p, (const char *)r + offset, sizeof p);
	return p;
}

static void
object_set(struct config_rules *r, size_t offset, void *p)
{
	memcpy((char *)r + offset, &p, sizeof p);
}

static bool
wanted(const struct config *c, const struct rule *r)
{
	if (r->key == CFG_pseudo_gtid_pattern &&
	    c->pseudo_gtid_pattern_is_fixed_substring)
		return false;
	return !kind[r->kind].optional || config_is_set(c, r->key);
}

enum err_code
config_compile(struct config *c, struct err *err)
{
	for (size_t i = 0; i < MEM_COUNT(rule); i++) {
		const struct rule *r = &rule[i];
		void *made;

		if (!wanted(c, r))
			continue;
		made = kind[r->kind].make(config_value(c, r->key), err);
		if (made == NULL)
			return config_blame(c, r->key, err);
		object_set(&c->rules, r->offset, made);
	}
	return ERR_NONE;
}

void
config_rules_fini(struct config_rules *r)
{
	for (size_t i = 0; i < MEM_COUNT(rule); i++)
		kind[rule[i].kind].free(object_get(r, rule[i].offset));
}
