/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clusters as people name them: by name, alias or any member.
 */
#include "config.h"

#include <assert.h>
#include <string.h>
#include <uthash.h>

#include "base/mem.h"
#include "ops/view.h"
#include "topology/note.h"

/* ---- aliases ---- */

/* Made anew at most this often while clusters keep changing. */
#define ALIASES_AGE DUR_MS(250)

struct alias_row {
	char *alias;
	char *cluster;
	bool writable; /* its head is up and takes writes */
	size_t members;
	UT_hash_handle hh;
};

/*
 * Which cluster has which alias, as of some moment: finding one otherwise means
 * to look at all.  What it says is checked on each use; it is made anew when
 * what it was made from has changed.
 */
struct op_aliases {
	struct alias_row *rows;
	uint64_t clusters_version;
	uint64_t control_version;
	uint64_t config_version;
	mono_t made;
};

static void
rows_free(struct op_aliases *a)
{
	struct alias_row *r, *next;

	HASH_ITER (hh, a->rows, r, next) {
		HASH_DEL(a->rows, r);
		mem_free(r->alias);
		mem_free(r->cluster);
		mem_free(r);
	}
}

void
view_aliases_free(struct op_aliases *a)
{
	if (a == NULL)
		return;
	rows_free(a);
	mem_free(a);
}

static bool
takes_writes(const struct cluster_snap *snap)
{
	const struct member *head = cluster_primary(snap->members, snap->n);

	return head != NULL && !head->in->read_only &&
	    note_is_valid(&head->health);
}

/*
 * Two clusters of one alias are normal after a failover: the one that takes
 * writes has it, then the larger one, then the first by name.
 */
static void
alias_add(struct op_aliases *a, const char *alias,
    const struct cluster_snap *snap)
{
	bool writable = takes_writes(snap);
	struct alias_row *r;

	HASH_FIND_STR(a->rows, alias, r);
	if (r == NULL) {
		r = mem_zalloc(sizeof(*r));
		r->alias = mem_strdup(alias);
		HASH_ADD_KEYPTR(hh, a->rows, r->alias, strlen(r->alias), r);
	} else if (r->writable > writable ||
	    (r->writable == writable && r->members >= snap->n)) {
		return;
	}
	mem_free(r->cluster);
	r->cluster = mem_strdup(snap->name);
	r->writable = writable;
	r->members = snap->n;
}

static void
aliases_make(struct op_call *c, struct op_aliases *a)
{
	size_t n;
	const struct cluster_snap **snap;

	rows_free(a);
	a->clusters_version = board_version(op_ctx(c), BOARD_CLUSTER);
	a->control_version = board_version(op_ctx(c), BOARD_CONTROL);
	a->config_version = board_version(op_ctx(c), BOARD_CONFIG);
	a->made = act_now(op_ctx(c));
	snap = view_clusters(c, &n);
	for (size_t i = 0; i < n; i++) {
		const char *alias = view_alias(c, snap[i]);

		if (strcmp(alias, snap[i]->name) != 0)
			alias_add(a, alias, snap[i]);
	}
}

static bool
aliases_are_old(struct op_call *c, const struct op_aliases *a)
{
	if (a->control_version != board_version(op_ctx(c), BOARD_CONTROL) ||
	    a->config_version != board_version(op_ctx(c), BOARD_CONFIG))
		return true;
	if (a->clusters_version == board_version(op_ctx(c), BOARD_CLUSTER))
		return false;
	return mono_sub(act_now(op_ctx(c)), a->made).us >= ALIASES_AGE.us;
}

static const struct cluster_snap *
look_up(struct op_call *c, const struct op_aliases *a, const char *alias)
{
	const struct cluster_snap *snap;
	struct alias_row *r;

	HASH_FIND_STR(a->rows, alias, r);
	snap = r != NULL ? view_cluster(c, r->cluster) : NULL;
	if (snap == NULL || strcmp(view_alias(c, snap), alias) != 0)
		return NULL;
	return snap;
}

const struct cluster_snap *
view_cluster_by_alias(struct op_call *c, const char *alias)
{
	struct op_aliases **mine = op_aliases(c);
	const struct cluster_snap *snap;

	if (*mine == NULL) {
		*mine = mem_zalloc(sizeof(**mine));
		aliases_make(c, *mine);
	} else if (aliases_are_old(c, *mine)) {
		aliases_make(c, *mine);
	}
	snap = look_up(c, *mine, alias);
	if (snap == NULL &&
	    (*mine)->clusters_version !=
		board_version(op_ctx(c), BOARD_CLUSTER)) {
		aliases_make(c, *mine);
		snap = look_up(c, *mine, alias);
	}
	return snap;
}

/* ---- finding one ---- */

static const struct cluster_snap *
cluster_of_server(struct op_call *c, struct key key)
{
	struct found f;

	return view_find(c, view_key_known(c, key), &f) ? f.snap : NULL;
}

const struct cluster_snap *
view_cluster_by_hint(struct op_call *c, const char *hint)
{
	const struct cluster_snap *snap = view_cluster(c, hint);
	struct key key;

	if (snap == NULL)
		snap = view_cluster_by_alias(c, hint);
	if (snap != NULL)
		return snap;
	if (key_parse(&key, hint, view_config(c)->default_instance_port,
		&c->arena, NULL) != ERR_NONE)
		return NULL;
	return cluster_of_server(c, key);
}

static const struct cluster_snap *
arg_by_hint(struct op_call *c, const char *hint)
{
	const struct cluster_snap *snap = view_cluster_by_hint(c, hint);

	if (snap == NULL)
		reply_error(c, "Unable to determine cluster name: "
		    "no cluster or instance is known as %s", hint);
	return snap;
}

static const struct cluster_snap *
arg_by_alias(struct op_call *c, const char *alias)
{
	const struct cluster_snap *snap = view_cluster_by_alias(c, alias);

	if (snap == NULL) /* a cluster without an alias has its name as one */
		snap = view_cluster(c, alias);
	if (snap == NULL || strcmp(view_alias(c, snap), alias) != 0) {
		reply_error(c, "No cluster found for alias %s", alias);
		return NULL;
	}
	return snap;
}

const struct cluster_snap *
view_cluster_arg(struct op_call *c)
{
	const char *hint = op_arg(c, "clusterHint");
	struct key key;
	const struct cluster_snap *snap;

	if (hint == NULL)
		hint = op_arg(c, "clusterName");
	if (hint != NULL)
		return arg_by_hint(c, hint);
	if (op_arg(c, "clusterAlias") != NULL)
		return arg_by_alias(c, op_arg(c, "clusterAlias"));
	if (!view_key_arg(c, "host", "port", &key))
		return NULL;
	snap = cluster_of_server(c, key);
	if (snap == NULL)
		reply_error(c, "Unable to determine cluster name: "
		    "no instance is known as %s:%u", key.host, key.port);
	return snap;
}

/* ---- what is said of one ---- */

const char *
view_alias(struct op_call *c, const struct cluster_snap *snap)
{
	const char *alias = control_alias_override(view_control(c), snap->name);

	if (alias == NULL && *snap->suggested != '\0')
		alias = snap->suggested;
	if (alias == NULL)
		alias = config_cluster_alias(view_config(c), snap->name);
	return alias != NULL ? alias : snap->name;
}

const char *
view_domain(struct op_call *c, const struct cluster_snap *snap)
{
	const char *domain = control_domain(view_control(c), snap->name);

	return domain != NULL ? domain : snap->domain;
}

void
view_cluster_info(struct op_call *c, const struct cluster_snap *snap,
    struct cluster_info *info)
{
	const struct config_rules *rules = &view_config(c)->rules;

	info->name = snap->name;
	info->alias = view_alias(c, snap);
	info->domain = view_domain(c, snap);
	info->instances = snap->n;
	info->recovers_primary = cluster_filter_match(rules->recover_primary,
	    info->name, info->alias);
	info->recovers_intermediate = cluster_filter_match(
	    rules->recover_intermediate, info->name, info->alias);
}
