/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the drawn topologies of t/cases.  A .case file has
 *
 *	draw	a > b c; c > d		b and c replicate from a, d from c
 *		e <> f			e and f from each other
 *		(x) > g			nobody knows x
 *	set	b fail lag_seconds=30	facts, by their column in instance.def
 *	rules	exact_semi_sync		how it is analysed
 *	want	d cluster=a depth=2	what must follow
 *	tree a				its cluster as text, to the letter
 *
 * each with indented lines below.  Servers without a port have 3306.  In
 * values, "@b" stands for the uuid of b, and in what is wanted too.  Words of
 * "set" that are no facts:
 *	was=NAME	the cluster it was in		seen=N	so many seconds ago
 *	fail		its last probe failed		down	it is downtimed
 *	tags=T,T	as they are shown		mariadb	a MariaDB server
 *	also=NAME	another name that leads to it
 *	refused		its last probe was refused: it lives
 *	partial		it failed half-way	hangs	one is under way for long
 *	unseen		it failed, as all did since the start
 *	unsettled	it was not probed since the start
 *	stands=N	its binary log stands still for N seconds
 *	lost		it cannot connect to its source
 *	stopped		its receiver was stopped
 * What is not said in v1's words of a server's analysis: "NoProblem" is written
 * as nothing.  "rules" has words of struct analysis_rules.
 */
#include "config.h"

#include <ctype.h>
#include <glob.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "tap.h"
#include "topology/analysis.h"
#include "topology/note.h"
#include "topology/tree.h"

enum { SERVERS_MAX = 64, WORDS_MAX = 64, NOW_S = 1000000, UP_S = 1000 };
#define NOW ((wall_t){ INT64_C(1000000) * NOW_S })

struct server {
	struct instance in;
	struct member m;
	struct instance noted;
	bool unknown; /* drawn in parentheses */
	bool fail, down, refused, partial, hangs, unseen, unsettled;
	int64_t seen_s; /* ago */
	int64_t stands_s;
	const char *was;
	struct key also;
	struct strs tags;
};

struct world {
	const char *file;
	struct server at[SERVERS_MAX];
	size_t n;
	struct arena a;
	bool placed;
	struct analysis_rules rules;
};

static void
die(const struct world *w, const char *what, const char *text)
{
	printf("Bail out! %s: %s: %s\n", w->file, what, text);
	exit(1);
}

/* ---- servers ---- */

static struct key
parse_name(struct world *w, const char *name)
{
	struct err err = ERR_INIT;
	struct key k;

	if (strcmp(name, "-") == 0)
		return KEY_NONE;
	if (key_parse(&k, name, 3306, &w->a, &err) != ERR_NONE)
		die(w, "not a server", name);
	return k;
}

static struct server *
find(struct world *w, struct key k)
{
	for (size_t i = 0; i < w->n; i++)
		if (key_eq(w->at[i].in.key, k))
			return &w->at[i];
	return NULL;
}

static void
set_defaults(struct world *w, struct server *s, struct key k)
{
	struct instance *in = &s->in;

	instance_init(in);
	in->key = k;
	in->server_id = w->n;
	in->server_uuid = arena_printf(&w->a,
	    "%08zx-0000-0000-0000-000000000000", w->n);
	in->version = "8.4.3";
	in->binlog_format = "ROW";
	in->log_bin = true;
	in->log_replica_updates = true;
	s->was = "";
	s->also = KEY_NONE;
}

static struct server *
find_or_add(struct world *w, const char *name)
{
	struct key k = parse_name(w, name);
	struct server *s = find(w, k);

	if (s != NULL)
		return s;
	if (w->n == SERVERS_MAX)
		die(w, "too many servers", name);
	s = &w->at[w->n++];
	set_defaults(w, s, k);
	return s;
}

/* "@b" in text becomes b's uuid. */
static const char *
expand(struct world *w, const char *text)
{
	const char *out;
	struct buf b;

	buf_init(&b);
	for (const char *p = text; *p != '\0';) {
		char name[64];
		size_t n = 0;

		if (*p != '@') {
			buf_chr(&b, *p++);
			continue;
		}
		for (p++; isalnum((unsigned char)*p) && n < 63; p++)
			name[n++] = *p;
		name[n] = '\0';
		buf_str(&b, find_or_add(w, name)->in.server_uuid);
	}
	out = arena_strdup(&w->a, buf_text(&b));
	buf_fini(&b);
	return out;
}

/* The reverse, for what is shown. */
static const char *
shorten(struct world *w, const char *text)
{
	const char *out;
	struct buf b;

	buf_init(&b);
	while (*text != '\0') {
		size_t i = 0;

		while (i < w->n && (w->at[i].in.server_uuid[0] == '\0' ||
			strncmp(text, w->at[i].in.server_uuid, 36) != 0))
			i++;
		if (i < w->n) {
			buf_printf(&b, "@%s", w->at[i].in.key.host);
			text += 36;
		} else {
			buf_chr(&b, *text++);
		}
	}
	out = arena_strdup(&w->a, buf_text(&b));
	buf_fini(&b);
	return out;
}

/* ---- draw ---- */

static void
link_to(struct server *s, struct key source)
{
	struct instance *in = &s->in;

	in->source_key = source;
	in->read_coord = (struct coord){ "bin.000001", 4, false };
	in->io_state = in->sql_state = THREAD_RUNNING;
	in->io_running = in->sql_running = true;
	in->lag_seconds = in->seconds_behind = (struct nullint){ 0, true };
	in->read_only = true;
}

/* One statement: names, at most one arrow among them. */
static void
draw_statement(struct world *w, char **word, size_t n)
{
	struct server *left = NULL;

	for (size_t i = 0; i < n; i++) {
		char *name = word[i];
		bool unknown = name[0] == '(';
		struct server *s;

		if (strcmp(name, ">") == 0 || strcmp(name, "<>") == 0)
			continue;
		if (unknown) {
			name++;
			name[strcspn(name, ")")] = '\0';
		}
		s = find_or_add(w, name);
		s->unknown = unknown;
		if (i == 0) {
			left = s;
			continue;
		}
		link_to(s, left->in.key);
		if (strcmp(word[1], "<>") == 0)
			link_to(left, s->in.key);
	}
}

static size_t
split(struct world *w, char *line, char **word)
{
	size_t n = 0;

	for (char *p = strtok(line, " \t"); p != NULL; p = strtok(NULL, " \t")) {
		if (n == WORDS_MAX)
			die(w, "too many words", p);
		word[n++] = p;
	}
	return n;
}

static void
draw(struct world *w, char *line)
{
	char *word[WORDS_MAX], *save = NULL;

	for (char *p = strtok_r(line, ";", &save); p != NULL;
	    p = strtok_r(NULL, ";", &save))
		draw_statement(w, word, split(w, p, word));
}

/* ---- set ---- */

static bool
is_true(const char *v)
{
	return v == NULL || strcmp(v, "1") == 0;
}

static struct strs
parse_list(struct world *w, const char *v)
{
	const char **at = arena_alloc(&w->a, WORDS_MAX * sizeof *at);
	char *text = arena_strdup(&w->a, v), *save = NULL;
	size_t n = 0;

	for (char *p = strtok_r(text, ",", &save); p != NULL && n < WORDS_MAX;
	    p = strtok_r(NULL, ",", &save))
		at[n++] = p;
	return (struct strs){ at, n };
}

static struct nullint
parse_nullint(const char *v)
{
	if (strcmp(v, "null") == 0)
		return (struct nullint){ 0, false };
	return (struct nullint){ atoll(v), true };
}

static void
set_fact(struct world *w, struct instance *in, const char *name, const char *v)
{
	const struct instance_field *f = instance_fields;
	const struct instance_field *end = f + instance_field_count;
	void *p;

	while (f < end && strcmp(f->column, name) != 0)
		f++;
	if (f == end || (v == NULL && f->kind != KIND_BOOL))
		die(w, "not a fact", name);
	p = (char *)in + f->offset;
	switch (f->kind) {
	case KIND_STR: *(const char **)p = expand(w, v); break;
	case KIND_UINT: *(uint64_t *)p = strtoull(v, NULL, 10); break;
	case KIND_INT: *(int64_t *)p = atoll(v); break;
	case KIND_BOOL: *(bool *)p = is_true(v); break;
	case KIND_NULLINT: *(struct nullint *)p = parse_nullint(v); break;
	case KIND_KEY: *(struct key *)p = parse_name(w, v); break;
	default: die(w, "cannot be set", name);
	}
}

/* How it was seen last.  false: word says nothing of that. */
static bool
set_sight(struct server *s, const char *word)
{
	const struct {
		const char *word;
		bool *set;
	} sight[] = {
		{ "fail", &s->fail }, { "refused", &s->refused },
		{ "partial", &s->partial }, { "hangs", &s->hangs },
		{ "unseen", &s->unseen }, { "unsettled", &s->unsettled },
		{ "down", &s->down },
	};

	for (size_t i = 0; i < MEM_COUNT(sight); i++)
		if (strcmp(sight[i].word, word) == 0)
			return *sight[i].set = true;
	return false;
}

/* Its receiver does not run.  false: word says nothing of that. */
static bool
set_receiver(struct instance *in, const char *word)
{
	bool lost = strcmp(word, "lost") == 0;

	if (!lost && strcmp(word, "stopped") != 0)
		return false;
	in->io_running = false;
	in->io_state = lost ? THREAD_OTHER : THREAD_STOPPED;
	in->seconds_behind = in->lag_seconds = (struct nullint){ 0, false };
	if (lost)
		in->last_io_error = "error connecting to master "
		    "'repl@a:3306' - retry-time: 60 retries: 1";
	return true;
}

static void
set_word(struct world *w, struct server *s, char *word)
{
	char *v = strchr(word, '=');

	if (v != NULL)
		*v++ = '\0';
	if (set_sight(s, word) || set_receiver(&s->in, word))
		return;
	if (strcmp(word, "mariadb") == 0) {
		s->in.version = "11.4.3-MariaDB";
		s->in.server_uuid = "";
	} else if (v != NULL && strcmp(word, "seen") == 0) {
		s->seen_s = atoll(v);
	} else if (v != NULL && strcmp(word, "stands") == 0) {
		s->stands_s = atoll(v);
	} else if (v != NULL && strcmp(word, "was") == 0) {
		char text[KEY_TEXT_MAX];

		s->was = arena_strdup(&w->a, key_text(parse_name(w, v), text));
	} else if (v != NULL && strcmp(word, "also") == 0) {
		s->also = parse_name(w, v);
	} else if (v != NULL && strcmp(word, "tags") == 0) {
		s->tags = parse_list(w, v);
	} else {
		set_fact(w, &s->in, word, v);
	}
}

static void
set(struct world *w, char *line)
{
	char *word[WORDS_MAX];
	size_t n = split(w, line, word);
	struct server *s = find(w, parse_name(w, word[0]));

	if (s == NULL)
		die(w, "set: not drawn", word[0]);
	for (size_t i = 1; i < n; i++)
		set_word(w, s, word[i]);
}

/* ---- what follows from it ---- */

static const struct instance *
find_known(void *arg, struct key k)
{
	struct world *w = arg;
	struct server *s = find(w, k);

	for (size_t i = 0; (s == NULL || s->unknown) && i < w->n; i++)
		if (key_eq(w->at[i].also, k))
			s = &w->at[i];
	return s != NULL && !s->unknown ? &s->in : NULL;
}

static void
count_replicas(struct world *w)
{
	for (size_t i = 0; i < w->n; i++) {
		struct key *at = arena_alloc(&w->a, w->n * sizeof *at);
		size_t n = 0;

		for (size_t k = 0; k < w->n; k++)
			if (key_eq(w->at[k].in.source_key, w->at[i].in.key))
				at[n++] = w->at[k].in.key;
		w->at[i].in.replicas = keys_sorted(at, n, &w->a);
	}
}

static void
place_cluster(struct world *w, const char *name)
{
	struct instance *in[SERVERS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < w->n; i++)
		if (!w->at[i].unknown &&
		    strcmp(w->at[i].in.cluster_name, name) == 0)
			in[n++] = &w->at[i].in;
	cluster_place(name, in, n, &w->a);
}

static void
set_health(struct server *s)
{
	struct health *h = &s->m.health;
	bool failed = s->fail || s->refused || s->partial || s->unseen;

	h->last_checked = wall_add(NOW, DUR_S(-s->seen_s));
	if (s->unsettled)
		h->last_checked = wall_add(NOW, DUR_S(-UP_S - 1));
	h->last_attempted = h->last_checked;
	h->last_seen = h->last_checked;
	if (failed)
		h->last_seen = wall_add(h->last_checked, DUR_S(-5));
	if (s->unseen)
		h->last_seen = wall_add(NOW, DUR_S(-UP_S - 1));
	if (s->hangs)
		h->last_attempted = wall_add(h->last_checked, DUR_MS(1));
	h->partial = s->partial || !failed;
	h->error_code = s->refused ? ERR_DENIED :
	    failed		   ? ERR_UNREACHABLE : ERR_NONE;
}

static void
note(struct world *w, struct server *s)
{
	struct note_input n;

	note_input_init(&n, NOW);
	set_health(s);
	if (s->down) {
		n.downtime_begin = n.now;
		n.downtime_end = wall_add(n.now, DUR_S(60));
	}
	s->m.in = &s->in;
	note_fill(&s->noted, &s->m, &n, &w->a);
	s->m.in = &s->noted;
}

static void
place(struct world *w)
{
	const struct cluster_finder finder = { find_known, w };
	char text[KEY_TEXT_MAX];

	if (w->placed)
		return;
	w->placed = true;
	count_replicas(w);
	for (size_t i = 0; i < w->n; i++)
		w->at[i].in.cluster_name = w->at[i].was;
	for (size_t i = 0; i < w->n; i++)
		w->at[i].noted.cluster_name = arena_strdup(&w->a,
		    key_text(cluster_root(&w->at[i].in, &finder,
				 w->at[i].was), text));
	for (size_t i = 0; i < w->n; i++)
		w->at[i].in.cluster_name = w->at[i].noted.cluster_name;
	for (size_t i = 0; i < w->n; i++)
		place_cluster(w, w->at[i].in.cluster_name);
	for (size_t i = 0; i < w->n; i++)
		note(w, &w->at[i]);
}

/* ---- want ---- */

static const char *
structure_text_of(struct world *w, uint32_t bits)
{
	const char *out = "";

	for (uint32_t k = 0; k < STRUCTURE_WARNINGS; k++) {
		const char *name = structure_name((enum structure_warning)k);
		size_t len = strlen(name) - strlen("StructureWarning");

		if ((bits >> k & 1) != 0)
			out = arena_printf(&w->a, "%s%s%.*s", out,
			    out[0] != '\0' ? "," : "", (int)len, name);
	}
	return out;
}

/* Of its whole cluster, of which this one is told. */
static const char *
look_up_analysis(struct world *w, const struct server *s, bool structure)
{
	struct analysis_stand stand[SERVERS_MAX] = { 0 };
	struct member m[SERVERS_MAX];
	struct analyses all;
	size_t n = 0, at = 0;

	for (size_t i = 0; i < w->n; i++) {
		struct server *o = &w->at[i];

		if (o->unknown || strcmp(o->in.cluster_name,
		    s->in.cluster_name) != 0)
			continue;
		if (o == s)
			at = n;
		m[n++] = o->m;
	}
	/* Where it stands is not set: the first look tells. */
	analyse(&all, m, n, &w->rules, stand, &w->a);
	for (size_t i = 0, k = 0; i < w->n; i++) {
		const struct server *o = &w->at[i];

		if (o->unknown || strcmp(o->in.cluster_name,
		    s->in.cluster_name) != 0)
			continue;
		if (o->stands_s > 0 && stand[k].since.us > 0)
			stand[k].since = wall_add(NOW, DUR_S(-o->stands_s));
		k++;
	}
	analyse(&all, m, n, &w->rules, stand, &w->a);
	if (structure)
		return structure_text_of(w, all.at[at].structure);
	return all.at[at].code == ANALYSIS_NO_PROBLEM ? "" :
	    analysis_name(all.at[at].code);
}

static const char *
join(struct world *w, struct strs ss)
{
	const char *out = "";

	for (size_t i = 0; i < ss.n; i++)
		out = arena_printf(&w->a, "%s%s%s", out, i > 0 ? "," : "",
		    ss.at[i]);
	return out;
}

static const char *
look_up(struct world *w, const struct server *s, const char *what)
{
	const struct instance *in = &s->noted;
	const char *name = in->cluster_name;

	if (strcmp(what, "cluster") == 0)
		return arena_strndup(&w->a, name, strcspn(name, ":"));
	if (strcmp(what, "depth") == 0)
		return arena_printf(&w->a, "%llu",
		    (unsigned long long)in->replication_depth);
	if (strcmp(what, "co") == 0)
		return in->is_co_primary ? "1" : "0";
	if (strcmp(what, "alias") == 0)
		return in->suggested_cluster_alias;
	if (strcmp(what, "ancestry") == 0)
		return shorten(w, in->ancestry_uuid);
	if (strcmp(what, "errant") == 0)
		return shorten(w, in->gtid_errant);
	if (strcmp(what, "problems") == 0)
		return join(w, in->problems);
	if (strcmp(what, "analysis") == 0)
		return look_up_analysis(w, s, false);
	if (strcmp(what, "structure") == 0)
		return look_up_analysis(w, s, true);
	die(w, "want: not known", what);
	return NULL;
}

static void
want(struct world *w, char *line)
{
	const char *whole = arena_strdup(&w->a, line), *got;
	char *word[WORDS_MAX];
	size_t n = split(w, line, word);
	const struct server *s = find(w, parse_name(w, word[0]));
	const char *tidy = word[0];

	if (s == NULL || s->unknown)
		die(w, "want: not drawn", word[0]);
	got = word[0];
	for (size_t i = 1; i < n; i++) {
		tidy = arena_printf(&w->a, "%s %s", tidy, word[i]);
		word[i][strcspn(word[i], "=")] = '\0';
		got = arena_printf(&w->a, "%s %s=%s", got, word[i],
		    look_up(w, s, word[i]));
	}
	is_str(got, tidy, "%s: %s", w->file, whole);
}

/* ---- tree ---- */

/* The members of one cluster, with their tags. */
static size_t
collect(const struct world *w, const char *name, struct member *m,
    struct strs *tags)
{
	size_t n = 0;

	for (size_t i = 0; i < w->n; i++) {
		const struct server *s = &w->at[i];

		if (s->unknown || strcmp(s->noted.cluster_name, name) != 0)
			continue;
		tags[n] = s->tags;
		m[n++] = s->m;
	}
	return n;
}

/* word: the server, then how the tree is to be printed */
static void
tree(struct world *w, char **word, size_t n, const char *expected)
{
	struct tree_options o = { TREE_PLAIN, DUR_S(20), NULL };
	struct strs tags[SERVERS_MAX];
	struct member m[SERVERS_MAX];
	const struct server *s = find(w, parse_name(w, word[0]));
	const char *how = "plain";
	struct buf b;

	if (s == NULL || s->unknown)
		die(w, "tree: not drawn", word[0]);
	for (size_t i = 1; i < n; i++) {
		how = word[i];
		if (strcmp(how, "tabulated") == 0)
			o.form = TREE_TABULATED;
		else if (strcmp(how, "keys") == 0)
			o.form = TREE_KEYS;
		else if (strcmp(how, "tags") == 0)
			o.tags = tags;
		else
			die(w, "tree: not a form", how);
	}
	buf_init(&b);
	tree_text(m, collect(w, s->noted.cluster_name, m, tags), &o, &b);
	is_str(buf_text(&b), expected, "%s: tree of %s, %s", w->file, word[0],
	    how);
	buf_fini(&b);
}

/* ---- files ---- */

/* The lines below a heading, less their tab, joined by newlines. */
static const char *
take_block(struct world *w, FILE *f)
{
	char line[4096];
	const char *out;
	struct buf b;
	int c;

	buf_init(&b);
	while ((c = getc(f)) == '\t' && fgets(line, sizeof line, f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (b.len > 0)
			buf_chr(&b, '\n');
		buf_str(&b, line);
	}
	ungetc(c, f);
	out = arena_strdup(&w->a, buf_text(&b));
	buf_fini(&b);
	return out;
}

static void
each_line(struct world *w, const char *block,
    void (*fn)(struct world *w, char *line))
{
	char *text = arena_strdup(&w->a, block), *save = NULL;

	for (char *p = strtok_r(text, "\n", &save); p != NULL;
	    p = strtok_r(NULL, "\n", &save))
		if (p[0] != '#')
			fn(w, p);
}

static void
rules(struct world *w, char *line)
{
	char *word[WORDS_MAX];
	size_t n = split(w, line, word);

	for (size_t i = 0; i < n; i++) {
		if (strcmp(word[i], "exact_semi_sync") == 0)
			w->rules.exact_semi_sync = true;
		else if (strcmp(word[i], "recovers_read_only") == 0)
			w->rules.recovers_read_only = true;
		else
			die(w, "rules: not known", word[i]);
	}
}

static void
section(struct world *w, char *heading, const char *block)
{
	char *word[WORDS_MAX];
	size_t n = split(w, heading, word);

	if (strcmp(word[0], "draw") == 0) {
		each_line(w, block, draw);
	} else if (strcmp(word[0], "set") == 0) {
		each_line(w, block, set);
	} else if (strcmp(word[0], "rules") == 0) {
		each_line(w, block, rules);
	} else if (strcmp(word[0], "want") == 0) {
		place(w);
		each_line(w, block, want);
	} else if (strcmp(word[0], "tree") == 0 && n > 1) {
		place(w);
		tree(w, word + 1, n - 1, block);
	} else {
		die(w, "not a heading", word[0]);
	}
}

static void
run(const char *path)
{
	static struct world w;
	FILE *f = fopen(path, "r");
	char line[4096];

	memset(&w, 0, sizeof w);
	arena_init(&w.a);
	w.rules = (struct analysis_rules){ .now = NOW,
		.started = wall_add(NOW, DUR_S(-UP_S)),
		.patience = DUR_S(2), .lag = DUR_S(10), .locked = DUR_S(10) };
	w.file = strrchr(path, '/') != NULL ? strrchr(path, '/') + 1 : path;
	if (f == NULL)
		die(&w, "cannot be opened", path);
	while (fgets(line, sizeof line, f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] != '\0' && line[0] != '#')
			section(&w, line, take_block(&w, f));
	}
	fclose(f);
	arena_fini(&w.a);
}

int
main(int argc, char **argv)
{
	const char *top = getenv("top_srcdir");
	char pattern[4096];
	glob_t found;

	if (argc > 1) {
		for (int i = 1; i < argc; i++)
			run(argv[i]);
		return tap_done();
	}
	snprintf(pattern, sizeof pattern, "%s/t/cases/*.case",
	    top != NULL ? top : ".");
	ok(glob(pattern, 0, NULL, &found) == 0 && found.gl_pathc > 0,
	    "there are cases");
	for (size_t i = 0; i < found.gl_pathc; i++)
		run(found.gl_pathv[i]);
	globfree(&found);
	return tap_done();
}
