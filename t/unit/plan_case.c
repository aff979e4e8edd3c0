/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plans, from the drawn topologies of t/cases/plan.  A .case file has
 *
 *	draw	a > b c; c > d		b and c replicate from a, d from c
 *		e <> f			e and f from each other
 *		(x) > g			nobody knows x
 *	set	b pos=bin.000002:120	facts, by their column in instance.def
 *	rules	pseudo_gtid		the policy, and what operators said
 *	equal	a bin.000003:120 b bin.000001:77	places that are the same
 *	meanwhile b pos=...		likewise, but found when stage 2 is made
 *	ask WORD...			a request, and the plan for it
 *	show WORD...			the same as people get to see it
 *	candidate a			who takes the replicas of a
 *	may b a				may b replicate from a?  and by GTID?
 *
 * each with indented lines below: of "ask" what the plan must be, to the letter,
 * or "refused: ..." and what is foreseen after it.  Servers without a port have
 * 3306.  "@b" is b's uuid.  Words of "set" that are no facts:
 *	pos=FILE:N	executed and received	read=FILE:N	received
 *	self=FILE:N	its own binary log	stopped		both threads
 *	broken		its applier, by an error	lag=N
 *	gtid=SET	MySQL's, and used	mariadb=POS	likewise
 *	bls		a binlog server		marked		it has markers
 *	errant=SET	as its cluster found
 *	fail		its last probe failed	unseen		all of them did
 *	stale=N		looked at N seconds ago	group=NAME,PRIMARY
 * A plan is complete: later stages are made from what is foreseen.  With
 * PLAN_CASES_PRINT in the environment nothing is compared, and what came is
 * printed in the form of a case.
 */
#include "config.h"

#include <glob.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "plan/candidate.h"
#include "plan_scene.h"
#include "tap.h"
#include "topology/coord.h"

/* ---- ask ---- */

static void
parse_request(struct scene *c, char **word, size_t n, struct plan_request *r)
{
	size_t keys = 0;

	*r = (struct plan_request){ .op = word[0], .server = KEY_NONE,
		.target = KEY_NONE };
	for (size_t i = 1; i < n; i++) {
		char *v = strchr(word[i], '=');

		if (strcmp(word[i], "force") == 0) {
			r->force = true;
			continue;
		}
		if (v == NULL) {
			*(keys++ == 0 ? &r->server : &r->target) =
			    scene_key(c, word[i]);
			continue;
		}
		*v++ = '\0';
		if (strcmp(word[i], "pattern") == 0)
			r->pattern = v;
		else if (strcmp(word[i], "number") == 0)
			r->number = atoll(v);
		else if (strcmp(word[i], "text") == 0)
			r->text = v;
		else if (strcmp(word[i], "user") == 0)
			r->user = v;
		else if (strcmp(word[i], "at") == 0)
			r->at = scene_coord(c, v);
		else
			scene_die(c, "ask: not known", word[i]);
	}
}

static const char *const need_wire[] = {
#define NEED(NAME, wire, words) wire,
#include "plan/needs.def"
#undef NEED
};

static void
write_at(const struct plan *p, const struct plan_at *at, struct buf *b)
{
	static const char *const kind[] = { "", "", " at the end of ",
		" at what was executed by ", " at what was found for " };
	char text[COORD_TEXT_MAX];

	if (at->kind == AT_GIVEN)
		buf_printf(b, " at %s", coord_text(&at->coord, text));
	else if (at->kind != AT_NONE)
		buf_printf(b, "%s%s", kind[at->kind],
		    p->server[at->server].key.host);
}

static void
write_step(const struct plan *p, const struct step *s, struct buf *b)
{
	const char *comma = " | ";

	if (s->track != 0)
		buf_printf(b, "[%u] ", s->track);
	buf_printf(b, "%s: %s", p->server[s->server].key.host,
	    verb_wire(s->verb));
	if (s->to != PLAN_NOBODY)
		buf_printf(b, " %s", p->server[s->to].key.host);
	write_at(p, &s->at, b);
	if (s->gtid != GTID_NEUTRAL)
		buf_str(b, s->gtid == GTID_FORCE ? " by gtid" : " by file");
	if (s->number != 0)
		buf_printf(b, " %lld", (long long)s->number);
	if (s->text[0] != '\0')
		buf_printf(b, " \"%s\"", s->text);
	if (s->unresolved)
		buf_str(b, " unresolved");
	if (s->last_resort)
		buf_str(b, " always");
	for (unsigned n = 0; n < NEEDS; n++)
		if ((s->needs & (UINT64_C(1) << n)) != 0) {
			buf_printf(b, "%s%s", comma, need_wire[n]);
			comma = ", ";
		}
	buf_chr(b, '\n');
}

/* What would be other than it is. */
static void
write_change(const struct instance *was, const struct instance *is,
    struct buf *b)
{
	const char *host = is->key.host;

	if (!key_eq(was->source_key, is->source_key))
		buf_printf(b, "then: %s below %s\n", host,
		    key_is_none(is->source_key) ? "nobody" :
						  is->source_key.host);
	if (was->io_state != is->io_state || was->sql_state != is->sql_state)
		buf_printf(b, "then: %s's threads %lld %lld\n", host,
		    (long long)is->io_state, (long long)is->sql_state);
	if (was->read_only != is->read_only)
		buf_printf(b, "then: %s is %s\n", host,
		    is->read_only ? "read-only" : "writeable");
	if (was->using_oracle_gtid != is->using_oracle_gtid ||
	    was->using_mariadb_gtid != is->using_mariadb_gtid)
		buf_printf(b, "then: %s replicates by %s\n", host,
		    is->using_oracle_gtid || is->using_mariadb_gtid ? "gtid" :
								      "file");
}

static void
write_plan(struct scene *c, const struct plan *p, struct buf *b)
{
	const struct world *after = plan_foresee(p, &c->world, &c->a);

	buf_printf(b, "%s%s%s\n", p->title, p->method[0] != '\0' ? ", " : "",
	    p->method);
	for (size_t i = 0; i < p->steps; i++)
		write_step(p, &p->step[i], b);
	if (!key_is_none(p->chosen))
		buf_printf(b, "chosen: %s\n", p->chosen.host);
	for (size_t i = 0; i < p->left_outs; i++)
		buf_printf(b, "left out: %s: %s\n", p->left_out[i].key.host,
		    p->left_out[i].why);
	for (size_t i = 0; i < p->warnings; i++)
		buf_printf(b, "warning: %s\n", p->warning[i]);
	for (size_t i = 0; i < after->n; i++)
		write_change(c->world.at[i]->in, after->at[i]->in, b);
}

/* What holds of every plan. */
static void
check_plan(struct scene *c, const struct plan *p, const char *what)
{
	bool locked = true, bounded = true, told = true;

	for (size_t i = 0; i < p->steps; i++) {
		const struct step *s = &p->step[i];

		if (verb_changes(s->verb) && !p->server[s->server].locked)
			locked = false;
		if (s->limit.us <= 0)
			bounded = false;
		if (s->why[0] == '\0')
			told = false;
	}
	if (!locked || !bounded || !told || p->stage != 0)
		ok(false, "%s: %s: locked, bounded, told, complete", c->file,
		    what);
}

/* The request, as it comes out of a message. */
static void
through_message(struct scene *c, struct plan_request *r)
{
	struct plan_request out;
	struct buf b;
	struct pcur cur;
	void *bytes;

	buf_init(&b);
	plan_request_pack(&b, r);
	bytes = arena_alloc(&c->a, b.len);
	memcpy(bytes, b.data, b.len);
	pcur_init(&cur, bytes, b.len);
	if (!plan_request_unpack(&cur, &out) || !pcur_done(&cur))
		scene_die(c, "request", "is not what was packed");
	*r = out;
	buf_fini(&b);
}

static const char *
tidy(struct scene *c, struct buf *b)
{
	const char *out;

	while (b->len > 0 && b->data[b->len - 1] == '\n')
		b->data[--b->len] = '\0';
	out = scene_shorten(c, buf_text(b));
	buf_fini(b);
	return out;
}

/* The facts of the plan's servers are copies in what is foreseen. */
static void
happen(struct scene *c, const struct world *w)
{
	char *text = arena_strdup(&c->a, c->meanwhile), *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line != NULL;
	    line = strtok_r(NULL, "\n", &save)) {
		char *word[WORDS_MAX];
		size_t n = scene_split(c, line, word);
		const struct member *m = world_find(w,
		    scene_key(c, word[0]));
		struct server s;

		if (m == NULL)
			scene_die(c, "meanwhile: not drawn", word[0]);
		s.in = *m->in;
		s.m = *m;
		for (size_t i = 1; i < n; i++)
			scene_set_word(c, &s, arena_strdup(&c->a, word[i]));
		*(struct instance *)(uintptr_t)m->in = s.in;
		((struct member *)(uintptr_t)m)->health = s.m.health;
	}
}

/* As plan_make_whole(), but things happen between the stages. */
static enum err_code
make_whole(struct scene *c, struct plan *p, const struct plan_request *r,
    struct err *err)
{
	enum err_code code;

	if (c->meanwhile == NULL)
		return plan_make_whole(p, r, &c->world, err);
	code = plan_make(p, r, &c->world, err);
	while (code == ERR_NONE && p->stage != 0) {
		const struct world *w = plan_foresee(p, &c->world, &p->arena);

		happen(c, w);
		code = plan_make(p, r, w, err);
	}
	return code;
}

static const char *
answer(struct scene *c, char **word, size_t n, bool show)
{
	struct plan_request r;
	struct err err = ERR_INIT;
	struct plan p;
	struct buf b;

	buf_init(&b);
	plan_init(&p);
	parse_request(c, word, n, &r);
	through_message(c, &r);
	if (make_whole(c, &p, &r, &err) != ERR_NONE) {
		buf_printf(&b, "refused: %s: %s", err_name(err.code),
		    err.text);
	} else if (show) {
		plan_words(&p, &b);
	} else {
		check_plan(c, &p, word[0]);
		write_plan(c, &p, &b);
	}
	plan_fini(&p);
	return tidy(c, &b);
}

static const char *
answer_candidate(struct scene *c, char **word)
{
	static const char *const stand[] = { "chosen", "equal", "behind",
		"ahead", "cannot" };
	struct key source = scene_key(c, word[1]);
	const struct member *list[SERVERS_MAX];
	size_t n = world_replicas(&c->world, source, false, list);
	struct err err = ERR_INIT;
	struct candidates out;
	struct buf b;

	buf_init(&b);
	if (candidate_choose(&out, &c->world, world_find(&c->world, source),
		list, n, &c->a, &err) != ERR_NONE)
		buf_printf(&b, "refused: %s: %s\n", err_name(err.code),
		    err.text);
	for (size_t i = 0; i < out.n; i++)
		buf_printf(&b, "%s %s: %s\n", out.at[i].m->in->key.host,
		    stand[out.at[i].stand], out.at[i].why);
	return tidy(c, &b);
}

static const char *
answer_may(struct scene *c, char **word)
{
	const struct server *x = scene_find(c, scene_key(c, word[1]));
	const struct server *y = scene_find(c, scene_key(c, word[2]));
	struct err err = ERR_INIT, warn = ERR_INIT;
	struct buf b;

	buf_init(&b);
	if (x == NULL || y == NULL)
		scene_die(c, "may: not drawn", word[1]);
	if (may_replicate(&c->world, &x->m, &y->m, &warn, &err) == ERR_NONE)
		buf_str(&b, "yes\n");
	else
		buf_printf(&b, "no: %s\n", err.text);
	if (may_replicate_gtid(&c->world, &x->m, &y->m, &warn, &err) ==
	    ERR_NONE)
		buf_str(&b, "by gtid: yes\n");
	else
		buf_printf(&b, "by gtid: %s: %s\n", err_name(err.code),
		    err.text);
	if (warn.text[0] != '\0')
		buf_printf(&b, "warning: %s\n", warn.text);
	return tidy(c, &b);
}

/* ---- files ---- */

/* The lines below a heading, less their tab, joined by newlines. */
static const char *
take_block(struct scene *c, FILE *f)
{
	char line[4096];
	const char *out;
	struct buf b;
	int ch;

	buf_init(&b);
	while ((ch = getc(f)) == '\t' && fgets(line, sizeof line, f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (b.len > 0)
			buf_chr(&b, '\n');
		buf_str(&b, line);
	}
	ungetc(ch, f);
	out = arena_strdup(&c->a, buf_text(&b));
	buf_fini(&b);
	return out;
}

static void
each_line(struct scene *c, const char *block,
    void (*fn)(struct scene *c, char *line))
{
	char *text = arena_strdup(&c->a, block), *save = NULL;

	for (char *p = strtok_r(text, "\n", &save); p != NULL;
	    p = strtok_r(NULL, "\n", &save))
		if (p[0] != '#')
			fn(c, p);
}

static void
compare(struct scene *c, const char *heading, const char *got,
    const char *block)
{
	if (getenv("PLAN_CASES_PRINT") == NULL) {
		is_str(got, block, "%s: %s", c->file, heading);
		return;
	}
	printf("%s\n", heading);
	for (const char *p = got; *p != '\0';) {
		int len = (int)strcspn(p, "\n");

		printf("\t%.*s\n", len, p);
		p += len + (p[len] == '\n');
	}
	printf("\n");
}

static void
section(struct scene *c, char *heading, const char *block)
{
	static const struct {
		const char *word;
		void (*fn)(struct scene *c, char *line);
	} facts[] = { { "draw", scene_draw }, { "set", scene_set },
		{ "rules", scene_rules }, { "equal", scene_equal } };
	const char *whole = arena_strdup(&c->a, heading);
	char *word[WORDS_MAX];
	size_t n = scene_split(c, heading, word);

	for (size_t i = 0; i < MEM_COUNT(facts); i++)
		if (strcmp(word[0], facts[i].word) == 0) {
			each_line(c, block, facts[i].fn);
			return;
		}
	scene_place(c);
	if (strcmp(word[0], "meanwhile") == 0) {
		c->meanwhile = block;
		return;
	}
	if (n > 2 && strcmp(word[0], "may") == 0)
		compare(c, whole, answer_may(c, word), block);
	else if (n > 1 && strcmp(word[0], "candidate") == 0)
		compare(c, whole, answer_candidate(c, word), block);
	else if (n > 1 && (strcmp(word[0], "ask") == 0 ||
		strcmp(word[0], "show") == 0))
		compare(c, whole, answer(c, word + 1, n - 1,
		    word[0][0] == 's'), block);
	else
		scene_die(c, "not a heading", word[0]);
}

static void
run(const char *path)
{
	static struct scene c;
	FILE *f = fopen(path, "r");
	char line[4096];

	scene_init(&c);
	c.file = strrchr(path, '/') != NULL ? strrchr(path, '/') + 1 : path;
	if (f == NULL)
		scene_die(&c, "cannot be opened", path);
	while (fgets(line, sizeof line, f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] != '\0' && line[0] != '#')
			section(&c, line, take_block(&c, f));
	}
	fclose(f);
	scene_fini(&c);
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
	snprintf(pattern, sizeof pattern, "%s/t/cases/plan/*.case",
	    top != NULL ? top : ".");
	ok(glob(pattern, 0, NULL, &found) == 0 && found.gl_pathc > 0,
	    "there are cases");
	for (size_t i = 0; i < found.gl_pathc; i++)
		run(found.gl_pathv[i]);
	globfree(&found);
	return tap_done();
}
