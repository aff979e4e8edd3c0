/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an operator can say to the fleet:
 *
 *	fault TARGET KIND [N]	heal TARGET	restart TARGET [SECONDS]
 *	list TARGET	stats	reset	quit
 *
 * TARGET is all, an address, primary N, cluster N, datacenter NAME, or N%
 * (of the servers that are well, picked by the seed).
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fleet/fleet.h"

enum { WORDS_MAX = 6 };

struct line {
	struct fleet *f;
	char *word[WORDS_MAX + 1]; /* NULL behind the last */
	unsigned at;
	const char *error; /* NULL: so far so good */
	uint32_t touched;
	int64_t now_us;
	struct json *w;
};

static const char *
next_word(struct line *l)
{
	return l->word[l->at] != NULL ? l->word[l->at++] : NULL;
}

/* A number; otherwise the default, where there is none. */
static double
next_number(struct line *l, double otherwise)
{
	const char *word = next_word(l);
	double v = otherwise;
	char *end;

	if (word == NULL)
		return otherwise;
	v = strtod(word, &end);
	if (end == word || *end != '\0' || v < 0 || v > 1e9)
		l->error = "not a number";
	return v;
}

/* ---- what can be done to a server ---- */

static void
reset_clients(struct fleet *f, struct server *s, bool only_swallowed)
{
	struct client *next;

	for (struct client *c = s->clients; c != NULL; c = next) {
		next = c->next;
		if (c->swallowed || !only_swallowed)
			client_reset(f, c);
	}
}

static void
heal(struct line *l, struct server *s, double n)
{
	bool mute = server_is_mute(s);

	(void)n;
	s->m->fault = MODEL_UP;
	s->slow = DUR_ZERO;
	s->drip = false;
	s->m->lag_s = 0;
	s->back_at_us = s->probed_us = 0;
	/* What was asked meanwhile is lost. */
	if (mute)
		reset_clients(l->f, s, true);
	if (!server_listen(l->f, s))
		l->error = "cannot listen there again";
}

static void
die(struct line *l, struct server *s, double n)
{
	(void)n;
	s->m->fault = MODEL_REFUSES;
	server_unlisten(s);
	reset_clients(l->f, s, false);
}

static void
restart(struct line *l, struct server *s, double n)
{
	die(l, s, 0);
	s->back_at_us = l->now_us + (int64_t)(n * 1e6);
	if (n <= 0)
		fleet_return(l->f, l->now_us);
}

#define MODEL_FAULT(name, fault_) \
	static void name(struct line *l, struct server *s, double n) \
	{ \
		(void)l, (void)n; \
		s->m->fault = fault_; \
	}
MODEL_FAULT(hang, MODEL_HANGS)
MODEL_FAULT(cut, MODEL_SILENT)
MODEL_FAULT(deny, MODEL_DENIES)
MODEL_FAULT(fill, MODEL_FULL)
MODEL_FAULT(garble, MODEL_GARBAGE)

static void
slow(struct line *l, struct server *s, double n)
{
	(void)l;
	s->slow = DUR_MS(n);
}

static void
drip(struct line *l, struct server *s, double n)
{
	(void)l, (void)n;
	s->drip = true;
}

static void
lag(struct line *l, struct server *s, double n)
{
	(void)l;
	s->m->lag_s = (int64_t)n;
}

typedef void act_fn(struct line *l, struct server *s, double n);

static const struct {
	const char *name;
	act_fn *act;
	double n; /* when none is given */
} kinds[] = {
	{ "gone", die, 0 },	  /* resets, refuses */
	{ "refuse", die, 0 },
	{ "hang", hang, 0 },	  /* accepts, never answers; it replicates */
	{ "cut", cut, 0 },	  /* the same, and no replica reaches it */
	{ "deny", deny, 0 },	  /* access denied */
	{ "full", fill, 0 },	  /* too many connections */
	{ "garbage", garble, 0 }, /* nobody can read its answers */
	{ "slow", slow, 500 },	  /* milliseconds before each answer */
	{ "drip", drip, 0 },	  /* a byte at a time */
	{ "lag", lag, 60 },	  /* seconds behind */
};

/* ---- to whom ---- */

static uint64_t
next_random(struct fleet *f)
{
	f->rng = f->rng * 6364136223846793005u + 1442695040888963407u;
	return f->rng >> 33;
}

static void
each_of_part(struct line *l, double percent, act_fn *act, double n)
{
	struct fleet *f = l->f;
	uint32_t left = 0, want;

	for (uint32_t i = 0; i < f->servers; i++)
		left += server_is_well(&f->server[i]);
	want = (uint32_t)(f->servers * percent / 100);
	for (uint32_t i = 0; i < f->servers && want > 0; i++) {
		if (!server_is_well(&f->server[i]))
			continue;
		if (next_random(f) % left-- >= want)
			continue;
		want--;
		l->touched++;
		act(l, &f->server[i], n);
	}
}

static const char *
data_center(const struct server *s)
{
	for (unsigned i = 0; i < s->m->queries; i++)
		if (strcmp(s->m->query[i].text, "select @@datacenter") == 0)
			return s->m->query[i].value;
	return "";
}

/* A target as it was read. */
struct target {
	enum { T_ALL, T_ADDRESS, T_CLUSTER, T_PRIMARY, T_DATA_CENTER, T_PART }
	    kind;
	const char *text;
	double number;
};

static bool
read_target(struct line *l, struct target *t)
{
	static const struct {
		const char *word;
		int kind;
		bool number;
	} words[] = { { "all", T_ALL, false }, { "cluster", T_CLUSTER, true },
		{ "primary", T_PRIMARY, true },
		{ "datacenter", T_DATA_CENTER, false } };
	const char *word = next_word(l);

	if (word == NULL) {
		l->error = "which servers?";
		return false;
	}
	*t = (struct target){ T_ADDRESS, word, 0 };
	if (word[strlen(word) - 1] == '%') {
		t->kind = T_PART;
		t->number = atof(word);
	}
	for (size_t i = 0; i < MEM_COUNT(words); i++)
		if (strcmp(word, words[i].word) == 0) {
			t->kind = words[i].kind;
			if (words[i].number)
				t->number = next_number(l, 0);
			else if (t->kind == T_DATA_CENTER)
				t->text = next_word(l);
		}
	if (t->text == NULL)
		l->error = "which data center?";
	return l->error == NULL;
}

static bool
is_target(const struct fleet *f, const struct target *t,
    const struct server *s)
{
	switch (t->kind) {
	case T_ALL: return true;
	case T_CLUSTER: return s->cluster == (uint32_t)t->number;
	case T_PRIMARY:
		return s->index == (uint32_t)t->number * f->o.size;
	case T_DATA_CENTER: return strcmp(data_center(s), t->text) == 0;
	case T_ADDRESS: return strcmp(s->address, t->text) == 0;
	case T_PART: break;
	}
	return false;
}

static void
each(struct line *l, const struct target *t, act_fn *act, double n)
{
	struct fleet *f = l->f;

	if (l->error == NULL && t->kind == T_PART)
		each_of_part(l, t->number, act, n);
	for (uint32_t i = 0; i < f->servers && l->error == NULL; i++)
		if (is_target(f, t, &f->server[i])) {
			l->touched++;
			act(l, &f->server[i], n);
		}
}

/* ---- the words ---- */

static void
run_fault(struct line *l)
{
	struct target t;
	const char *kind;

	if (!read_target(l, &t))
		return;
	kind = next_word(l);
	for (size_t i = 0; kind != NULL && i < MEM_COUNT(kinds); i++)
		if (strcmp(kind, kinds[i].name) == 0) {
			each(l, &t, kinds[i].act, next_number(l, kinds[i].n));
			return;
		}
	l->error = "no such fault";
}

static void
run_heal(struct line *l)
{
	struct target t;

	if (read_target(l, &t))
		each(l, &t, heal, 0);
}

static void
run_restart(struct line *l)
{
	struct target t;

	if (read_target(l, &t))
		each(l, &t, restart, next_number(l, 0));
}

static void
list_one(struct line *l, struct server *s, double n)
{
	(void)n;
	json_obj(l->w);
	json_kstr(l->w, "address", s->address);
	json_kuint(l->w, "port", l->f->o.port);
	json_kuint(l->w, "cluster", s->cluster);
	json_kstr(l->w, "source", s->m->source.host);
	json_kstr(l->w, "version", s->m->version);
	json_kstr(l->w, "datacenter", data_center(s));
	json_kbool(l->w, "well", server_is_well(s));
	json_kuint(l->w, "probes", s->probes);
	json_kuint(l->w, "statements", s->m->statements);
	json_kuint(l->w, "connects", s->m->connects);
	json_end(l->w);
}

static void
run_list(struct line *l)
{
	struct target t;

	json_key(l->w, "list");
	json_arr(l->w);
	if (read_target(l, &t))
		each(l, &t, list_one, 0);
	json_end(l->w);
}

static void
run_stats(struct line *l)
{
	json_key(l->w, "stats");
	stats_json(l->f, l->now_us, l->w);
}

static void
run_reset(struct line *l)
{
	stats_reset(l->f, l->now_us);
}

static void
run_quit(struct line *l)
{
	l->f->over = true;
}

static const struct {
	const char *word;
	void (*run)(struct line *l);
} commands[] = {
	{ "fault", run_fault },
	{ "heal", run_heal },
	{ "restart", run_restart },
	{ "list", run_list },
	{ "stats", run_stats },
	{ "reset", run_reset },
	{ "quit", run_quit },
};

static void
run_line(struct line *l)
{
	const char *word = next_word(l);

	for (size_t i = 0; word != NULL && i < MEM_COUNT(commands); i++)
		if (strcmp(word, commands[i].word) == 0) {
			commands[i].run(l);
			return;
		}
	l->error = "fault, heal, restart, list, stats, reset or quit?";
}

void
fleet_command(struct fleet *f, const char *text, struct buf *out)
{
	char *copy = mem_strdup(text), *save = NULL;
	struct line l = { .f = f, .now_us = fleet_now_us() };
	unsigned n = 0;
	struct json w;

	for (char *p = strtok_r(copy, " \t\r\n", &save);
	     p != NULL && n < WORDS_MAX; p = strtok_r(NULL, " \t\r\n", &save))
		l.word[n++] = p;
	json_init(&w, out);
	l.w = &w;
	json_obj(&w);
	run_line(&l);
	json_kuint(&w, "touched", l.touched);
	if (l.error != NULL)
		json_kstr(&w, "error", l.error);
	json_end(&w);
	mem_free(copy);
}

void
fleet_return(struct fleet *f, int64_t now_us)
{
	for (uint32_t i = 0; i < f->servers; i++) {
		struct server *s = &f->server[i];

		if (s->back_at_us == 0 || now_us < s->back_at_us)
			continue;
		s->back_at_us = s->probed_us = 0;
		model_restart(s->m, (mono_t){ now_us });
		server_listen(f, s);
	}
}
