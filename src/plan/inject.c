/* SPDX-License-Identifier: Apache-2.0 */
/* Markers of our own; see inject.h. */
#include "config.h"

#include "plan/inject.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "mysql/rows.h"

enum { POLLS_MAX = 5, OBJECT_MAX = 64 };

/* ---- where ---- */

static bool
takes_markers(const struct member *m, dur_t poll, wall_t now)
{
	const struct instance *in = m->in;

	return m->health.failures == 0 && m->health.last_seen.us != 0
	    && wall_sub(now, m->health.last_seen).us <= poll.us * POLLS_MAX
	    && !in->read_only && in->log_bin
	    && (in->replication_depth == 0 || in->is_co_primary)
	    && (key_is_none(in->source_key) || in->is_co_primary)
	    && (in->group_member_role[0] == '\0'
	    || strcasecmp(in->group_member_role, "PRIMARY") == 0);
}

const struct member *
inject_target(const struct member *m, size_t n, struct key last, dur_t poll,
    wall_t now)
{
	const struct member *best = NULL;

	for (size_t i = 0; i < n; i++) {
		if (!takes_markers(&m[i], poll, now))
			continue;
		if (key_eq(m[i].in->key, last))
			return &m[i];
		if (best == NULL || m[i].in->replication_depth
		    < best->in->replication_depth
		    || (m[i].in->replication_depth
		    == best->in->replication_depth
		    && key_cmp(m[i].in->key, best->in->key) < 0))
			best = &m[i];
	}
	return best;
}

/* ---- whether ---- */

/* Is it among the privileges of a GRANT, parted by commas? */
static bool
has_privilege(const char *list, const char *end, const char *word)
{
	size_t len = strlen(word);

	while (list < end) {
		size_t n;

		list += strspn(list, " ");
		n = strcspn(list, ",");
		if (n > (size_t)(end - list))
			n = (size_t)(end - list);
		if (n == len && strncasecmp(list, word, len) == 0)
			return true;
		list += n + 1;
	}
	return false;
}

/* What a GRANT is on, without its quotes: "*.*", "_pseudo_gtid_.*". */
static void
read_object(const char *from, char out[OBJECT_MAX])
{
	size_t n = 0;

	for (; *from != '\0' && *from != ' ' && n < OBJECT_MAX - 1; from++)
		if (strchr("`\"'\\", *from) == NULL)
			out[n++] = *from;
	out[n] = '\0';
}

static bool
grants_drop(const char *grant)
{
	const char *on = strstr(grant, " ON ");
	char object[OBJECT_MAX];

	if (strncasecmp(grant, "GRANT ", 6) != 0 || on == NULL)
		return false;
	read_object(on + 4, object);
	if (strcmp(object, "*.*") != 0
	    && strcmp(object, "_pseudo_gtid_.*") != 0)
		return false;
	grant += 6;
	return has_privilege(grant, on, "ALL PRIVILEGES")
	    || has_privilege(grant, on, "ALL")
	    || has_privilege(grant, on, "DROP");
}

bool
inject_granted(struct bin bytes)
{
	struct rows rows;

	rows_init(&rows, bytes);
	if (!rows_next_result(&rows) || rows.columns == 0)
		return false;
	while (rows_next(&rows))
		if (rows.value[0] != NULL && grants_drop(rows.value[0]))
			return true;
	return false;
}

/* ---- what ---- */

void
inject_statement(struct buf *b, wall_t now, uint64_t server_id,
    uint64_t random)
{
	buf_printf(b, "drop view if exists `_pseudo_gtid_`.`_asc:%08" PRIx64
	    ":%08" PRIx64 ":%016" PRIx64 "`", (uint64_t)wall_seconds(now),
	    server_id, random);
}
