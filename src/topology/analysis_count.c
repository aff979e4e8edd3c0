/* SPDX-License-Identifier: Apache-2.0 */
/* Counting the facts of failure analysis over a cluster; see analysis.h. */
#include "config.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

#include "base/digest.h"
#include "base/mem.h"
#include "topology/analysis.h"
#include "topology/version.h"

/* Major versions told apart among the replicas of one server. */
enum { VERSIONS_MAX = 8 };

struct counting {
	const struct member *m;
	uint32_t n;
	const struct analysis_rules *rules;
	struct analyses *out;
	uint32_t *slot; /* members by key, open addressing; 0: free */
	uint32_t mask;
};

/* ---- who replicates from whom ---- */

static uint32_t
key_hash(struct key k)
{
	return (uint32_t)digest_num(digest_str(DIGEST_START, k.host), k.port);
}

static void
index_keys(struct counting *c)
{
	uint32_t slots = 4;

	while (slots < c->n * 2)
		slots *= 2;
	c->mask = slots - 1;
	c->slot = mem_zalloc(slots * sizeof *c->slot);
	for (uint32_t i = 0; i < c->n; i++) {
		uint32_t s = key_hash(c->m[i].in->key) & c->mask;

		while (c->slot[s] != 0)
			s = (s + 1) & c->mask;
		c->slot[s] = i + 1;
	}
}

static uint32_t
find_key(const struct counting *c, struct key k)
{
	uint32_t s = key_hash(k) & c->mask;

	for (; c->slot[s] != 0; s = (s + 1) & c->mask)
		if (key_eq(c->m[c->slot[s] - 1].in->key, k))
			return c->slot[s] - 1;
	return ANALYSIS_NOBODY;
}

/* A source may go by a name that no member has. */
static uint32_t
find_uuid(const struct counting *c, const char *uuid)
{
	if (uuid[0] == '\0')
		return ANALYSIS_NOBODY;
	for (uint32_t i = 0; i < c->n; i++)
		if (strcasecmp(c->m[i].in->server_uuid, uuid) == 0)
			return i;
	return ANALYSIS_NOBODY;
}

static uint32_t
find_source(const struct counting *c, uint32_t i)
{
	const struct instance *in = c->m[i].in;
	uint32_t s;

	if (!key_valid(in->source_key))
		return ANALYSIS_NOBODY;
	s = find_key(c, in->source_key);
	if (s == ANALYSIS_NOBODY)
		s = find_uuid(c, in->source_uuid);
	return s != i ? s : ANALYSIS_NOBODY;
}

/* The replicas of each server lie side by side in out->replica. */
static void
link_replicas(struct counting *c)
{
	struct analysis *at = c->out->at;
	uint32_t first = 0;

	for (uint32_t i = 0; i < c->n; i++) {
		at[i].source = find_source(c, i);
		if (at[i].source != ANALYSIS_NOBODY)
			at[at[i].source].facts.replicas++;
	}
	for (uint32_t i = 0; i < c->n; i++) {
		at[i].first = first;
		first += at[i].facts.replicas;
		at[i].facts.replicas = 0;
	}
	for (uint32_t i = 0; i < c->n; i++) {
		struct analysis *up;

		if (at[i].source == ANALYSIS_NOBODY)
			continue;
		up = &at[at[i].source];
		c->out->replica[up->first + up->facts.replicas++] = i;
	}
}

/* ---- one server by itself ---- */

static bool
has_text(const char *s, const char *part)
{
	size_t len = strlen(part);

	for (; *s != '\0'; s++)
		if (strncasecmp(s, part, len) == 0)
			return true;
	return false;
}

bool
analysis_fails_to_connect(const struct instance *in)
{
	const char *s = in->last_io_error;

	if (in->io_running || !in->sql_running || s[0] == '\0')
		return false;
	return has_text(s, "error ") && (has_text(s, "connecting to master") ||
	    has_text(s, "connecting to source"));
}

static bool
is_primary(const struct instance *in)
{
	return !key_valid(in->source_key) && (!instance_is_group_member(in) ||
	    strcmp(in->group_member_role, "PRIMARY") == 0);
}

static void
take_self(struct counting *c, uint32_t i)
{
	struct analysis_facts *f = &c->out->at[i].facts;
	const struct instance *in = c->m[i].in;

	f->sight = analysis_sight(&c->m[i].health, c->rules, &f->hangs);
	f->primary = is_primary(in);
	f->detached = key_is_detached(in->source_key) ||
	    in->is_detached_source;
	f->co_primary = in->is_co_primary;
	f->group_member = instance_is_group_member(in) &&
	    strcmp(in->group_member_state, "OFFLINE") != 0;
	f->binlog_server = instance_is_binlog_server(in);
	f->failing_to_connect = analysis_fails_to_connect(in);
	f->read_only = in->read_only;
	f->pseudo_gtid = in->using_pseudo_gtid;
	f->semi_sync = in->semi_sync_source_enabled;
	f->semi_sync_on = in->semi_sync_source_status;
	f->acks_wanted = in->semi_sync_wait_count;
	f->semi_sync_clients = in->semi_sync_source_clients;
	f->depth = in->replication_depth < UINT32_MAX ?
	    (uint32_t)in->replication_depth : UINT32_MAX;
	f->gtid_mode = in->gtid_mode;
	f->gtid_mode_min = f->gtid_mode_max = f->gtid_errant = "";
	f->exact_semi_sync = c->rules->exact_semi_sync;
	f->recovers_read_only = c->rules->recovers_read_only;
}

/* ---- its replicas ---- */

static void
count_logging(struct analysis_facts *f, const struct instance *in,
    struct version seen[VERSIONS_MAX])
{
	struct version v = version_parse(in->version);
	uint32_t k = 0;

	if (!in->log_bin || !in->log_replica_updates)
		return;
	f->logging++;
	f->statement += strcmp(in->binlog_format, "STATEMENT") == 0;
	f->mixed += strcmp(in->binlog_format, "MIXED") == 0;
	f->row += strcmp(in->binlog_format, "ROW") == 0;
	while (k < f->versions && (seen[k].major != v.major ||
	    seen[k].minor != v.minor))
		k++;
	if (k == f->versions && k < VERSIONS_MAX)
		seen[f->versions++] = v;
}

static void
count_valid(struct analysis_facts *f, const struct instance *in, bool binlog,
    bool failing)
{
	bool first = f->valid++ == 0;

	f->replicating += in->io_running && in->sql_running;
	f->failing += failing;
	f->oracle_gtid = (first || f->oracle_gtid) && in->using_oracle_gtid;
	f->mariadb_gtid = (first || f->mariadb_gtid) && in->using_mariadb_gtid;
	f->binlog_servers = (first || f->binlog_servers) && binlog;
}

static void
count_texts(struct analysis_facts *f, const struct instance *in, bool first)
{
	if (first || strcmp(in->gtid_mode, f->gtid_mode_min) < 0)
		f->gtid_mode_min = in->gtid_mode;
	if (first || strcmp(in->gtid_mode, f->gtid_mode_max) > 0)
		f->gtid_mode_max = in->gtid_mode;
	if (strcmp(in->gtid_errant, f->gtid_errant) > 0)
		f->gtid_errant = in->gtid_errant;
}

static void
count_replicas(struct counting *c, uint32_t i)
{
	struct analysis *an = &c->out->at[i];
	struct analysis_facts *f = &an->facts;
	struct version seen[VERSIONS_MAX];

	for (uint32_t k = 0; k < f->replicas; k++) {
		uint32_t r = c->out->replica[an->first + k];
		const struct analysis_facts *rf = &c->out->at[r].facts;
		const struct instance *in = c->m[r].in;

		f->unsettled += rf->sight == SIGHT_UNSETTLED;
		if (rf->sight == SIGHT_SEEN)
			count_valid(f, in, rf->binlog_server,
			    rf->failing_to_connect);
		f->co_primary |= in->is_co_primary;
		f->lagging += in->lag_seconds.valid &&
		    in->lag_seconds.v > c->rules->lag.us / 1000000;
		f->delayed += in->sql_delay > 0;
		f->semi_sync_replicas += in->semi_sync_replica_enabled;
		count_logging(f, in, seen);
		count_texts(f, in, k == 0);
	}
}

/* ---- time ---- */

static void
change_at(struct analyses *out, wall_t t, wall_t now)
{
	if (t.us > now.us && (out->again.us == 0 || t.us < out->again.us))
		out->again = t;
}

/* A place that it has left says nothing. */
static void
watch_stand(struct counting *c, uint32_t i, struct analysis_stand *stand)
{
	struct analysis_facts *f = &c->out->at[i].facts;
	const struct coord *at = &c->m[i].in->self_coord;
	wall_t now = c->rules->now, until;
	uint64_t coord;

	if (!f->semi_sync || !f->semi_sync_on ||
	    f->semi_sync_clients >= f->acks_wanted) {
		*stand = (struct analysis_stand){ 0 };
		return;
	}
	coord = digest_num(digest_str(DIGEST_START, at->file),
	    (uint64_t)at->pos);
	if (stand->since.us == 0 || stand->coord != coord)
		*stand = (struct analysis_stand){ coord, now };
	until = wall_add(stand->since, c->rules->locked);
	f->stale = now.us >= until.us;
	change_at(c->out, until, now);
}

static void
watch_probe(struct counting *c, uint32_t i)
{
	const struct health *h = &c->m[i].health;

	if (h->last_attempted.us > h->last_checked.us)
		change_at(c->out, wall_add(h->last_attempted,
		    c->rules->patience), c->rules->now);
}

/* ---- all of them ---- */

void
analyse(struct analyses *out, const struct member *m, size_t n,
    const struct analysis_rules *rules, struct analysis_stand *stand,
    struct arena *a)
{
	struct counting c = { .m = m, .n = (uint32_t)n, .rules = rules,
		.out = out };

	assert(n < ANALYSIS_NOBODY / 4);
	*out = (struct analyses){ .n = n };
	out->at = arena_alloc(a, n * sizeof *out->at);
	out->replica = arena_alloc(a, n * sizeof *out->replica);
	index_keys(&c);
	link_replicas(&c);
	mem_free(c.slot);
	for (uint32_t i = 0; i < c.n; i++)
		take_self(&c, i);
	for (uint32_t i = 0; i < c.n; i++) {
		struct analysis *an = &out->at[i];

		count_replicas(&c, i);
		watch_stand(&c, i, &stand[i]);
		watch_probe(&c, i);
		an->code = analysis_judge(&an->facts);
		an->structure = analysis_structure(&an->facts);
	}
}
