/* SPDX-License-Identifier: Apache-2.0 */
/* What an instance says about its last good probe; see announce.h. */
#include "config.h"

#include "actors/announce.h"

#include <string.h>

#include "base/digest.h"
#include "base/mem.h"

void
told_init(struct told *t)
{
	memset(t, 0, sizeof *t);
	arena_init(&t->arena);
}

void
told_fini(struct told *t)
{
	arena_fini(&t->arena);
	for (unsigned i = 0; i < moving_count; i++)
		mem_free(t->text[i].at);
}

struct probe_options
told_options(const struct config *c)
{
	static const enum probe_filed filed[] = {
		[SERVER_NAME_NONE] = FILED_ASKED,
		[SERVER_NAME_HOSTNAME] = FILED_HOSTNAME,
		[SERVER_NAME_REPORT_HOST] = FILED_REPORT_HOST,
	};

	return (struct probe_options){
		.filed = filed[c->rules.server_name],
		.skip_maxscale_check = c->skip_maxscale_check,
		.list_replicas = c->discover_by_show_replica_hosts,
		.credentials_query = c->replication_credentials_query[0] !=
		    '\0',
		.query = {
			[QUERY_LAG] = c->replication_lag_query,
			[QUERY_DATA_CENTER] = c->detect_data_center_query,
			[QUERY_REGION] = c->detect_region_query,
			[QUERY_ENVIRONMENT] =
			    c->detect_physical_environment_query,
			[QUERY_ALIAS] = c->detect_instance_alias_query,
			[QUERY_PROMOTION_RULE] = c->detect_promotion_rule_query,
			[QUERY_CLUSTER_ALIAS] = c->detect_cluster_alias_query,
			[QUERY_CLUSTER_DOMAIN] = c->detect_cluster_domain_query,
			[QUERY_SEMI_SYNC_PRIORITY] =
			    c->detect_semi_sync_enforced_query,
			[QUERY_PSEUDO_GTID] = c->detect_pseudo_gtid_query,
		},
	};
}

/* Group 1 of the pattern, where no query said anything. */
static const char *
classify(const char *told, const struct pattern *p, const char *host,
    struct arena *a)
{
	const char *v = told;
	struct buf b;

	if (told[0] != '\0' || p == NULL)
		return told;
	buf_init(&b);
	if (pattern_group1(p, host, &b))
		v = arena_strdup(a, buf_text(&b));
	buf_fini(&b);
	return v;
}

bool
told_ignored(const struct instance *in, const struct config *c)
{
	return in->replication_user[0] != '\0' &&
	    pattern_list_match(c->rules.discovery_ignore_user,
		in->replication_user);
}

static const char *
found_by(enum found_kind kind)
{
	switch (kind) {
	case FOUND_SOURCE: return "source";
	case FOUND_REPLICA: return "replica";
	case FOUND_MEMBER: return "group";
	}
	return "replica";
}

static uint64_t
digest_key(uint64_t h, struct key k)
{
	return digest_num(digest_str(h, k.host), k.port);
}

static void
keep_neighbours(struct told *t, const struct probe *p, const struct config *c)
{
	size_t n = 0;

	for (const struct found *f = p->found; f != NULL; f = f->next)
		n++;
	t->near = arena_alloc(&t->arena, n * sizeof *t->near);
	t->near_n = 0;
	t->near_digest = DIGEST_START;
	t->left_out = 0;
	for (const struct found *f = p->found; f != NULL; f = f->next) {
		if (f->user[0] != '\0' && pattern_list_match(
		    c->rules.discovery_ignore_user, f->user)) {
			t->left_out++;
			continue;
		}
		t->near[t->near_n++] = (struct neighbour){
			key_dup(f->key, &t->arena), found_by(f->kind) };
		t->near_digest = digest_str(digest_key(t->near_digest, f->key),
		    found_by(f->kind));
	}
}

void
told_take(struct told *t, struct probe *p, struct key filed, struct key asked,
    const struct config *c)
{
	struct instance in = *probe_facts(p);
	const struct config_rules *r = &c->rules;
	struct arena old = t->arena;

	arena_init(&t->arena);
	in.key = filed;
	in.asked_key = asked;
	in.data_center = classify(in.data_center, r->data_center, filed.host,
	    p->arena);
	in.region = classify(in.region, r->region, filed.host, p->arena);
	in.physical_environment = classify(in.physical_environment,
	    r->environment, filed.host, p->arena);
	t->raw = instance_dup(&in, &t->arena);
	keep_neighbours(t, p, c);
	arena_fini(&old);
}

static const char *
keep_text(struct told_text *to, const char *text)
{
	size_t n = strlen(text) + 1;

	if (n > to->cap) {
		to->cap = n + n / 4;
		to->at = mem_resize(to->at, to->cap, 1);
	}
	return memcpy(to->at, text, n);
}

void
told_moved(struct told *t, const struct quick_news *news)
{
	quick_apply(news, t->raw);
	for (uint32_t rows = news->rows; rows != 0; rows &= rows - 1) {
		unsigned i = (unsigned)__builtin_ctz(rows);
		const char **text = moving_member(t->raw, i);

		if (moving_rows[i].kind == MOVING_STR)
			*text = keep_text(&t->text[i], *text);
	}
	if (news->rows != 0)
		t->shown = 0;
}

void
told_take_known(struct told *t, const struct instance *in)
{
	arena_reset(&t->arena);
	t->raw = instance_dup(in, &t->arena);
	t->near = NULL;
	t->near_n = 0;
}

static struct key
resolve(const struct directory_snap *snap, struct key k)
{
	if (key_is_none(k) || key_is_detached(k))
		return k;
	return directory_filed(snap, k);
}

static struct keys
resolve_all(const struct directory_snap *snap, struct keys ks, struct arena *a)
{
	struct key *at = arena_alloc(a, ks.n * sizeof *at);

	for (size_t i = 0; i < ks.n; i++)
		at[i] = resolve(snap, ks.at[i]);
	return keys_sorted(at, ks.n, a);
}

struct instance *
told_resolve(const struct told *t, const struct directory_snap *snap,
    struct arena *a)
{
	struct instance *in = arena_alloc(a, sizeof *in);

	*in = *t->raw;
	in->source_key = resolve(snap, in->source_key);
	in->group_primary = resolve(snap, in->group_primary);
	in->replicas = resolve_all(snap, in->replicas, a);
	in->group_members = resolve_all(snap, in->group_members, a);
	return in;
}

uint64_t
told_edge(const struct instance *in)
{
	uint64_t h = DIGEST_START;

	h = digest_key(h, in->key);
	h = digest_key(h, in->source_key);
	h = digest_key(h, in->group_primary);
	h = digest_str(h, in->group_name);
	h = digest_str(h, in->group_member_role);
	h = digest_str(h, in->group_member_state);
	h = digest_str(h, in->version);
	h = digest_str(h, in->server_uuid);
	h = digest_str(h, in->source_uuid);
	h = digest_num(h, in->server_id);
	h = digest_num(h, (in->read_coord.file[0] != '\0'));
	h = digest_num(h, in->using_oracle_gtid);
	h = digest_num(h, in->using_mariadb_gtid);
	return h;
}

uint64_t
told_steady(const struct instance *in)
{
	struct instance s = *in;

	s.self_coord = s.read_coord = s.exec_coord = s.relay_coord =
	    (struct coord){ "", 0, false };
	s.executed_gtid_set = s.retrieved_gtid_set = s.gtid_purged = "";
	s.mariadb_binlog_pos = s.mariadb_slave_pos = s.mariadb_current_pos =
	    s.mariadb_io_pos = "";
	s.seconds_behind = s.lag_seconds = (struct nullint){ 0, false };
	return instance_digest(&s);
}

const char *
told_identity(const struct instance *in, struct arena *a)
{
	if (in->server_uuid[0] != '\0')
		return arena_printf(a, "uuid:%s", in->server_uuid);
	if (in->server_id != 0)
		return arena_printf(a, "sid:%llu",
		    (unsigned long long)in->server_id);
	return "";
}
