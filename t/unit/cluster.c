/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cluster: roots, the primary, lists, and which replicas are picked.  Places
 * are tested with drawings (t/cases).
 */
#include "config.h"

#include "base/mem.h"
#include "tap.h"
#include "topology/cluster.h"

/* Servers are single letters; up names their sources, "-" for none. */
struct world {
	struct instance in[26];
	char host[26][2];
	char name[26][KEY_TEXT_MAX];
	size_t n;
};

static void
draw(struct world *w, const char *servers, const char *up)
{
	memset(w, 0, sizeof *w);
	w->n = strlen(servers);
	for (size_t i = 0; i < w->n; i++)
		w->host[servers[i] - 'a'][0] = servers[i];
	for (size_t i = 0; i < w->n; i++) {
		struct instance *in = &w->in[i];

		instance_init(in);
		in->key = (struct key){ w->host[servers[i] - 'a'], 1 };
		if (up[i] == '-')
			continue;
		w->host[up[i] - 'a'][0] = up[i];
		in->source_key = (struct key){ w->host[up[i] - 'a'], 1 };
	}
}

static const struct instance *
find(void *arg, struct key key)
{
	struct world *w = arg;

	for (size_t i = 0; i < w->n; i++)
		if (key_eq(w->in[i].key, key))
			return &w->in[i];
	return NULL;
}

/* names: the cluster each server is in now, as letters; '-' for none */
static const struct {
	const char *what, *servers, *up, *names, *want;
} root_row[] = {
	{ "alone", "a", "-", "-", "a" },
	{ "a chain", "abc", "-ab", "---", "aaa" },
	{ "the source is not known", "bc", "ab", "--", "bb" },
	{ "co-primaries, new: the smaller key", "ab", "ba", "--", "aa" },
	{ "co-primaries keep their name", "ab", "ba", "bb", "bb" },
	{ "co-primaries, joined: the smaller", "ab", "ba", "ab", "aa" },
	{ "a primary becomes one of two", "ab", "ba", "a-", "aa" },
	{ "a replica's cluster name stays", "ab", "ba", "bb", "bb" },
	{ "a name from elsewhere counts nothing", "ab", "ba", "zz", "aa" },
	{ "a new replica below co-primaries", "abc", "bab", "bb-", "bbb" },
	{ "a replica that has the wrong name", "abc", "bab", "bba", "bbb" },
	{ "a ring of three", "abc", "cab", "---", "aaa" },
	{ "a ring of three that has a name", "abc", "cab", "ccc", "ccc" },
	{ "a ring of five and what hangs on it", "abcdefg", "eabcdcf",
	    "-------", "aaaaaaa" },
	{ "its own source", "a", "a", "-", "a" },
	{ "two trees", "abcd", "--ab", "----", "abab" },
};

static void
test_roots(void)
{
	for (size_t r = 0; r < MEM_COUNT(root_row); r++) {
		char got[27] = "";
		struct world w;
		struct cluster_finder finder = { find, &w };

		draw(&w, root_row[r].servers, root_row[r].up);
		for (size_t i = 0; i < w.n; i++) {
			char c = root_row[r].names[i];

			if (c != '-')
				snprintf(w.name[i], sizeof w.name[i], "%c:1",
				    c);
			w.in[i].cluster_name = w.name[i];
		}
		for (size_t i = 0; i < w.n; i++)
			got[i] = cluster_root(&w.in[i], &finder,
			    w.name[i]).host[0];
		is_str(got, root_row[r].want, "%s", root_row[r].what);
	}
}

/* A finder that knows nothing of names: was alone must keep a ring's. */
static void
test_root_was(void)
{
	struct world w;
	struct cluster_finder finder = { find, &w };
	struct instance in;

	draw(&w, "abc", "bab");
	is_str(cluster_root(&w.in[0], &finder, "b:1").host, "b",
	    "the name of the other of two");
	is_str(cluster_root(&w.in[2], &finder, "b:1").host, "b",
	    "the same from below");
	draw(&w, "ab", "--");
	in = w.in[1];
	in.source_key = (struct key){ "//a", 1 };
	is_str(cluster_root(&in, &finder, "a:1").host, "b",
	    "a detached source is not followed");
	in.group_name = "g";
	in.group_primary = w.in[0].key;
	is_str(cluster_root(&in, &finder, "").host, "a",
	    "a group secondary is below its primary");
	in.group_primary = in.key;
	in.source_key = w.in[0].key;
	is_str(cluster_root(&in, &finder, "").host, "a",
	    "a group primary follows its source");
}

/* ---- members in a row: letter, depth, replicas, flags ---- */

struct row {
	const char *host;
	unsigned depth, replicas;
	const char *flags; /* r read-only, c co-primary, x failed check,
			      m MaxScale, f fit for gh-ost */
	const char *source;
};

static size_t
members(struct member *m, struct instance *in, const struct row *r, size_t n)
{
	static const struct key any[9];

	for (size_t i = 0; i < n; i++) {
		bool fit = strchr(r[i].flags, 'f') != NULL;

		instance_init(&in[i]);
		in[i].key = (struct key){ r[i].host, 1 };
		in[i].source_key = (struct key){ r[i].source, 1 };
		in[i].replication_depth = r[i].depth;
		in[i].replicas = (struct keys){ any, r[i].replicas };
		in[i].read_only = strchr(r[i].flags, 'r') != NULL;
		in[i].is_co_primary = strchr(r[i].flags, 'c') != NULL;
		in[i].version = strchr(r[i].flags, 'm') != NULL ?
		    "2.5.0-maxscale" : "8.0.36";
		in[i].binlog_format = fit ? "ROW" : "MIXED";
		in[i].log_bin = in[i].log_replica_updates = fit;
		m[i] = (struct member){ .in = &in[i] };
		m[i].health.last_seen = (wall_t){ 100 };
		m[i].health.last_checked = (wall_t){
			strchr(r[i].flags, 'x') != NULL ? 101 : 100 };
	}
	return n;
}

static const struct {
	const char *what;
	struct row r[4];
	size_t n;
	const char *want;
} primary_row[] = {
	{ "no member", { { "a", 0, 0, "", "" } }, 0, "" },
	{ "only replicas known", { { "a", 1, 0, "", "" } }, 1, "" },
	{ "depth 0", { { "b", 1, 0, "", "" }, { "c", 0, 0, "", "" } }, 2, "c" },
	{ "writable before shallow", { { "a", 0, 0, "rc", "" },
		{ "b", 1, 0, "c", "" } }, 2, "b" },
	{ "shallow when both are writable", { { "b", 0, 0, "c", "" },
		{ "a", 1, 0, "c", "" } }, 2, "b" },
	{ "smaller key of two heads", { { "d", 0, 0, "", "" },
		{ "c", 0, 0, "", "" } }, 2, "c" },
};

static void
test_primary(void)
{
	struct instance in[4];
	struct member m[4];

	for (size_t i = 0; i < MEM_COUNT(primary_row); i++) {
		const struct member *p = cluster_primary(m,
		    members(m, in, primary_row[i].r, primary_row[i].n));

		is_str(p != NULL ? p->in->key.host : "", primary_row[i].want,
		    "primary: %s", primary_row[i].what);
	}
}

static void
test_order(void)
{
	static const struct row r[] = { { "a", 0, 1, "", "" },
		{ "b", 1, 3, "", "" }, { "c", 1, 2, "", "" },
		{ "d", 1, 2, "", "" }, { "a", 2, 9, "", "" } };
	struct instance in[MEM_COUNT(r)];
	struct member m[MEM_COUNT(r)];

	members(m, in, r, MEM_COUNT(r));
	for (size_t i = 1; i < MEM_COUNT(r); i++)
		ok(member_cmp(&m[i - 1], &m[i]) < 0 &&
			member_cmp(&m[i], &m[i - 1]) > 0,
		    "list order: %zu", i);
	in[0].cluster_name = "b";
	in[1] = in[0];
	in[1].cluster_name = "a";
	ok(member_cmp(&m[0], &m[1]) > 0, "cluster before host");
}

static const struct {
	const char *what;
	struct row r[10];
	size_t n;
	const char *want;
} osc_row[] = {
	{ "a primary alone", { { "a", 0, 0, "", "" } }, 1, "" },
	{ "leaves: two of them", { { "a", 0, 3, "", "" },
		{ "b", 1, 0, "", "a" }, { "c", 1, 0, "", "a" },
		{ "d", 1, 0, "", "a" } }, 4, "bc" },
	{ "failed checks and binlog servers are no use",
	    { { "a", 0, 3, "", "" }, { "b", 1, 0, "x", "a" },
		{ "c", 1, 0, "m", "a" }, { "d", 1, 0, "", "a" } }, 4, "d" },
	{ "one intermediate: two of its replicas", { { "a", 0, 2, "", "" },
		{ "b", 1, 3, "", "a" }, { "c", 1, 0, "", "a" },
		{ "d", 2, 0, "", "b" }, { "e", 2, 1, "", "b" },
		{ "f", 2, 0, "", "b" } }, 6, "bedc" },
	{ "two intermediates: one replica of each", { { "a", 0, 3, "", "" },
		{ "b", 1, 1, "", "a" }, { "c", 1, 2, "", "a" },
		{ "g", 1, 1, "", "a" }, { "d", 2, 0, "", "b" },
		{ "e", 2, 0, "", "c" }, { "f", 2, 1, "", "c" } }, 7, "cbfd" },
	{ "the third tier", { { "a", 0, 1, "", "" }, { "b", 1, 1, "", "a" },
		{ "c", 2, 3, "", "b" }, { "d", 3, 0, "", "c" },
		{ "e", 3, 1, "", "c" }, { "f", 3, 0, "", "c" } }, 6, "bced" },
};

static void
test_osc(void)
{
	const struct member *out[CLUSTER_OSC_MAX];
	struct instance in[10];
	struct member m[10];

	for (size_t i = 0; i < MEM_COUNT(osc_row); i++) {
		char got[CLUSTER_OSC_MAX + 1] = "";
		size_t n = cluster_osc_replicas(m,
		    members(m, in, osc_row[i].r, osc_row[i].n), out);

		for (size_t k = 0; k < n; k++)
			got[k] = out[k]->in->key.host[0];
		is_str(got, osc_row[i].want, "online schema change: %s",
		    osc_row[i].what);
	}
}

static void
test_ghost(void)
{
	static const struct row r[] = { { "a", 0, 3, "f", "" },
		{ "b", 1, 2, "f", "" }, { "c", 1, 0, "", "" },
		{ "d", 1, 0, "fx", "" }, { "e", 1, 0, "fm", "" },
		{ "g", 2, 0, "f", "" }, { "f", 1, 0, "f", "" } };
	const struct member *out[MEM_COUNT(r)];
	struct instance in[MEM_COUNT(r)];
	struct member m[MEM_COUNT(r)];
	char got[MEM_COUNT(r) + 1] = "";
	size_t n;

	members(m, in, r, MEM_COUNT(r));
	n = cluster_ghost_replicas(m, MEM_COUNT(r), out);
	for (size_t k = 0; k < n; k++)
		got[k] = out[k]->in->key.host[0];
	is_str(got, "fgb", "gh-ost: fit replicas, the idlest first");
	in[6].log_replica_updates = false;
	in[5].log_bin = false;
	is_int((int64_t)cluster_ghost_replicas(m, MEM_COUNT(r), out), 1,
	    "without a log of its own a replica is no use");
}

static void
test_info(void)
{
	struct cluster_info info = { "a:3306", "", "", 3, true, false };
	struct json w;
	struct buf b;

	buf_init(&b);
	json_init(&w, &b);
	cluster_info_json(&w, &info);
	is_str(buf_text(&b),
	    "{\"ClusterName\":\"a:3306\",\"ClusterAlias\":\"a:3306\","
	    "\"ClusterDomain\":\"\",\"CountInstances\":3,\"HeuristicLag\":0,"
	    "\"HasAutomatedMasterRecovery\":true,"
	    "\"HasAutomatedIntermediateMasterRecovery\":false}",
	    "v1's ClusterInfo");
	buf_fini(&b);
}

int
main(void)
{
	test_roots();
	test_root_was();
	test_primary();
	test_order();
	test_osc();
	test_ghost();
	test_info();
	return tap_done();
}
