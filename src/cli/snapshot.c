/* SPDX-License-Identifier: Apache-2.0 */
/* orchestrator -c replication-analysis -snapshot FILE; see snapshot.h. */
#include "config.h"

#include "cli/snapshot.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "config/conf.h"
#include "topology/analysis_list.h"

/* ---- the file ---- */

static enum err_code
slurp(FILE *f, const char *name, struct buf *text, struct err *err)
{
	enum { CHUNK = 1 << 16 };
	size_t n;

	while ((n = fread(buf_room(text, CHUNK), 1, CHUNK, f)) > 0) {
		text->len += n;
		if (text->len > SNAPSHOT_BYTES_MAX)
			return err_set(err, ERR_INVALID,
			    "%s: larger than %d bytes", name,
			    SNAPSHOT_BYTES_MAX);
	}
	if (ferror(f))
		return err_set(err, ERR_IO, "%s: %s", name, strerror(errno));
	return ERR_NONE;
}

static enum err_code
read_file(const char *path, struct buf *text, struct err *err)
{
	enum err_code code;
	FILE *f;

	if (strcmp(path, "-") == 0)
		return slurp(stdin, "standard input", text, err);
	f = fopen(path, "r");
	if (f == NULL)
		return err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
	code = slurp(f, path, text, err);
	fclose(f);
	return code;
}

/* ---- the analysis ---- */

static struct analysis_rules
rules_of(const struct snapshot *s, const struct config *c)
{
	return (struct analysis_rules){
		.now = s->now,
		.patience = DUR_S(c->reasonable_instance_check_seconds),
		.lag = DUR_S(c->reasonable_replication_lag_seconds),
		.locked =
		    DUR_S(c->reasonable_locked_semi_sync_primary_seconds),
		.exact_semi_sync = c->enforce_exact_semi_sync_replicas,
		.recovers_read_only = c->recover_non_writeable_primary,
	};
}

/* n members of one cluster, from m. */
static void
add_cluster(struct analysis_list *l, struct snapshot *s,
    const struct member *m, size_t n, const struct config *c)
{
	struct analysis_stand *stand = arena_alloc(&s->arena,
	    n * sizeof *stand);
	struct analyses *all = arena_alloc(&s->arena, sizeof *all);
	struct analysis_rules rules = rules_of(s, c);

	analyse(all, m, n, &rules, stand, &s->arena);
	analysis_list_add(l, m->in->cluster_name, all, m, s->control, s->now,
	    NULL);
}

static void
add_all(struct analysis_list *l, struct snapshot *s, const struct config *c)
{
	size_t first = 0;

	for (size_t i = 1; i <= s->n; i++) {
		if (i < s->n && strcmp(s->m[i].in->cluster_name,
			s->m[first].in->cluster_name) == 0)
			continue;
		add_cluster(l, s, &s->m[first], i - first, c);
		first = i;
	}
	analysis_list_sort(l);
}

static void
print_lines(struct snapshot *s, const struct config *c)
{
	struct analysis_list l = { .a = &s->arena,
		.reduced = c->reduce_replication_analysis_count };
	struct buf b;

	add_all(&l, s, c);
	buf_init(&b);
	for (size_t i = 0; i < l.n; i++) {
		if (pattern_list_match(c->rules.recovery_ignore,
			l.at[i].m->in->key.host))
			continue;
		analysis_line(&b, &l.at[i]);
		buf_chr(&b, '\n');
	}
	fputs(buf_text(&b), stdout);
	buf_fini(&b);
}

static enum err_code
analyse_file(const char *path, const struct config *c, struct err *err)
{
	const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
	struct snapshot s;
	enum err_code code;
	struct buf text;

	buf_init(&text);
	code = read_file(path, &text, err);
	if (code == ERR_NONE) {
		code = snapshot_read(&s, name, buf_text(&text), text.len, err);
		if (code == ERR_NONE)
			print_lines(&s, c);
		snapshot_fini(&s);
	}
	buf_fini(&text);
	return code;
}

int
snapshot_command(const struct flags *f, const struct config_source *source)
{
	struct err err = ERR_INIT;
	struct config *c;
	enum err_code code;

	if (strcmp(f->command, "replication-analysis") != 0) {
		log_line(LOG_ERROR, "-snapshot is for -c replication-analysis, "
		    "not for %s", f->command);
		return 1;
	}
	c = command_config(source);
	if (c == NULL)
		return 1;
	code = analyse_file(f->snapshot, c, &err);
	if (code != ERR_NONE)
		log_line(LOG_ERROR, "%s", err.text);
	config_free(c);
	return code != ERR_NONE;
}
