/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One search in the logs of one or two servers, for one who asked.
 *
 *	PROBING --server_probed, of each--> SEARCHING --the end--> answered, gone
 *
 * The servers are probed first: where their logs stand now is where the search
 * (plan/pgtid.h) begins.  It reads over sessions of its own, that close when it
 * ends.  All ends within the asker's limit.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "actors/classes.h"
#include "actors/cluster.h"
#include "actors/logpos.h"
#include "actors/markers.h"

enum { SIDES = 2 };

/* Before the asker's own patience is over. */
#define AHEAD DUR_MS(500)
#define PROBE_LIMIT DUR_S(60)

struct side {
	struct key key;
	uint32_t probe; /* serial; 0: not asked */
	struct instance in;
	addr_t session;
	uint32_t generation;
};

struct searcher {
	struct arena arena;
	struct ask ask;
	mono_t deadline, began; /* began: to search */
	struct msg_search_run r; /* texts in the arena */
	struct side side[SIDES];
	unsigned sides, probed;
	struct pgtid *search;
	struct pgtid_order order; /* under way */
	uint32_t serial;	  /* of its session_run */
};

static void
init(void *self, struct ctx *ctx, const void *arg)
{
	struct searcher *s = self;

	(void)ctx;
	(void)arg;
	arena_init(&s->arena);
}

/* ---- the answer ---- */

static void
pack_files(struct buf *b, const struct strs *files)
{
	buf_reset(b);
	for (size_t i = 0; i < files->n; i++)
		buf_add(b, files->at[i], strlen(files->at[i]) + 1);
}

static void
answer(struct searcher *s, struct ctx *ctx, const struct pgtid_result *r)
{
	struct pgtid_cost cost = pgtid_cost(s->search);
	struct buf files;

	buf_init(&files);
	pack_files(&files, &r->files);
	act_log(ctx, LOG_INFO, "search ended: %" PRIu64 " events, %" PRIu64
	    " bytes, %" PRIu64 " answers, %" PRIu64 " places, %.3f s",
	    cost.events, cost.bytes, cost.queries, cost.files,
	    (double)mono_sub(act_now(ctx), s->began).us / 1e6);
	act_answer(ctx, s->ask, searched, .at_file = r->at.file,
	    .at_pos = r->at.pos, .found_file = r->found.file,
	    .found_pos = r->found.pos, .next_file = r->next.file,
	    .next_pos = r->next.pos, .text = r->text, .type = r->type,
	    .end_pos = r->end, .matched = r->matched, .events = cost.events,
	    .bytes = cost.bytes,
	    .files = { (const uint8_t *)files.data, files.len });
	buf_fini(&files);
	act_exit(ctx);
}

static void
fail(struct searcher *s, struct ctx *ctx, enum err_code code,
    const char *error)
{
	act_answer(ctx, s->ask, searched, .code = code, .error = error);
	act_exit(ctx);
}

/* ---- searching ---- */

static void
ask_side(struct searcher *s, struct ctx *ctx)
{
	struct side *side = &s->side[s->order.side];

	assert((unsigned)s->order.side < s->sides);
	s->serial = act_request(ctx, side->session, session_run,
	    s->order.limit, .generation = side->generation,
	    .text = s->order.text, .limit_us = s->order.limit.us);
}

static void
go_on(struct searcher *s, struct ctx *ctx)
{
	struct pgtid_result result;
	struct err err = ERR_INIT;

	if (pgtid_next(s->search, act_now(ctx), &s->order)) {
		if (s->order.text != NULL)
			ask_side(s, ctx);
		else
			act_after(ctx, s->order.limit, search_tick);
		return;
	}
	if (!pgtid_ended(s->search))
		return;
	if (pgtid_result(s->search, &result, &err) == ERR_NONE)
		answer(s, ctx, &result);
	else
		fail(s, ctx, err.code, err.text);
}

static void
on_session_reply(struct searcher *s, struct ctx *ctx, const struct msg *m)
{
	const struct msg_session_reply *r = as_session_reply(m);

	if (m->serial != s->serial)
		return;
	s->side[s->order.side].generation = r->generation;
	if (r->stale) {
		ask_side(s, ctx);
		return;
	}
	pgtid_feed(s->search, &(struct pgtid_reply){ .code = r->code,
	    .errnum = r->errnum, .error = r->error, .rows = r->rows },
	    act_now(ctx));
	go_on(s, ctx);
}

static void
on_search_tick(struct searcher *s, struct ctx *ctx)
{
	pgtid_feed(s->search, NULL, act_now(ctx));
	go_on(s, ctx);
}

static void
open_session(struct searcher *s, struct ctx *ctx, struct side *side)
{
	struct key at = key_valid(side->in.asked_key) ? side->in.asked_key
	    : side->in.key;
	struct session_arg arg = { .port = at.port, .owner = act_self(ctx) };

	snprintf(arg.host, sizeof arg.host, "%s", at.host);
	side->session = act_spawn(ctx, app_of(ctx)->session_class, &arg,
	    HOME_SELF);
	(void)s;
}

/* What is sought: for errant transactions, the server's own. */
static const char *
text_of(const struct searcher *s)
{
	return s->r.goal == PGTID_ERRANT ? s->side[PGTID_A].in.gtid_errant
	    : s->r.text;
}

static void
begin(struct searcher *s, struct ctx *ctx)
{
	const struct config_shared *c = config_ref(ctx);
	struct pgtid_request r = {
		.goal = (enum pgtid_goal)s->r.goal,
		.a = &s->side[PGTID_A].in,
		.b = s->sides > 1 ? &s->side[PGTID_B].in : NULL,
		.at = { .file = s->r.file, .pos = s->r.pos },
		.text = text_of(s),
		.exhaustive = s->r.exhaustive,
		.limit = mono_sub(s->deadline, act_now(ctx)),
	};
	const struct logpos_snap *past = logpos_ref(ctx);
	struct markers markers;

	if (r.limit.us < 1)
		r.limit = DUR_US(1);
	markers_rule(&markers, c, app_of(ctx)->skip_binlog_search);
	r.rule = &markers.rule;
	r.a_history = logpos_of(past, r.a->key);
	if (r.b != NULL)
		r.b_history = logpos_of(past, r.b->key);
	s->began = act_now(ctx);
	s->search = pgtid_new(&r, act_now(ctx));
	shared_unref(past);
	shared_unref(c);
	for (unsigned i = 0; i < s->sides; i++)
		open_session(s, ctx, &s->side[i]);
	go_on(s, ctx);
}

/* ---- probing ---- */

static void
probe(struct searcher *s, struct ctx *ctx, struct side *side)
{
	dur_t left = mono_sub(s->deadline, act_now(ctx));

	side->probe = act_request(ctx, app_of(ctx)->directory, server_probe,
	    left.us < PROBE_LIMIT.us ? left : PROBE_LIMIT,
	    .host = side->key.host, .port = side->key.port);
}

/* Errant transactions are worked out by its cluster, and published. */
static void
take_errant(struct searcher *s, struct ctx *ctx, struct side *side)
{
	char text[KEY_TEXT_MAX];
	struct place *place = board_get(ctx, BOARD_PLACE,
	    key_text(side->in.key, text));
	struct cluster_snap *snap = place == NULL ? NULL
	    : board_get(ctx, BOARD_CLUSTER, place->cluster);

	for (size_t i = 0; snap != NULL && i < snap->n; i++)
		if (key_eq(snap->members[i].in->key, side->in.key))
			side->in.gtid_errant = arena_strdup(&s->arena,
			    snap->members[i].in->gtid_errant);
	shared_unref(snap);
	shared_unref(place);
}

static void
on_server_probed(struct searcher *s, struct ctx *ctx, const struct msg *m)
{
	const struct msg_server_probed *p = as_server_probed(m);
	struct side *side = &s->side[0];
	struct pcur cur;
	uint8_t *facts;

	if (s->search != NULL || s->probed == s->sides)
		return;
	if (m->serial != side->probe)
		side++;
	if (p->code != ERR_NONE || p->facts.len == 0) {
		fail(s, ctx, p->code != ERR_NONE ? (enum err_code)p->code
		    : ERR_NOT_FOUND, p->code != ERR_NONE ? p->error
		    : "the server is ignored");
		return;
	}
	facts = arena_alloc(&s->arena, p->facts.len);
	memcpy(facts, p->facts.data, p->facts.len);
	instance_init(&side->in);
	pcur_init(&cur, facts, p->facts.len);
	if (!instance_unpack(&cur, &side->in, &s->arena))
		assert(!"facts of our own");
	take_errant(s, ctx, side);
	if (++s->probed == s->sides)
		begin(s, ctx);
}

/* ---- the request ---- */

static void
keep_request(struct searcher *s, const struct msg_search_run *r)
{
	struct arena *a = &s->arena;

	s->r = *r;
	s->r.file = arena_strdup(a, r->file == NULL ? "" : r->file);
	s->r.text = arena_strdup(a, r->text == NULL ? "" : r->text);
	s->side[PGTID_A].key = key_dup((struct key){ r->host, r->port }, a);
	s->sides = 1;
	if (r->to_port == 0)
		return;
	s->side[PGTID_B].key = key_dup((struct key){ r->to_host, r->to_port },
	    a);
	s->sides = 2;
}

static void
on_search_begin(struct searcher *s, struct ctx *ctx, const struct msg *m)
{
	const struct msg_search_begin *b = as_search_begin(m);
	struct msg inner = { .type = MSG_search_run, .body = b->request };
	dur_t limit = DUR_US(b->limit_us - AHEAD.us);

	s->ask = (struct ask){ .from = b->asker, .serial = b->serial };
	s->deadline = mono_add(act_now(ctx), limit.us > 0 ? limit : DUR_US(1));
	keep_request(s, as_search_run(&inner));
	for (unsigned i = 0; i < s->sides; i++)
		probe(s, ctx, &s->side[i]);
}

static void
on_refused(struct searcher *s, struct ctx *ctx, const struct msg *m)
{
	if (s->search == NULL || m->serial == s->serial)
		fail(s, ctx, ERR_BUSY, "too much is asked of a server already");
}

static void
handle(void *self, struct ctx *ctx, struct msg *m)
{
	struct searcher *s = self;

	switch (m->type) {
	case MSG_search_begin: on_search_begin(s, ctx, m); break;
	case MSG_server_probed: on_server_probed(s, ctx, m); break;
	case MSG_session_reply: on_session_reply(s, ctx, m); break;
	case MSG_session_lost: break; /* the next statement opens it again */
	case MSG_search_tick: on_search_tick(s, ctx); break;
	case SYS_REFUSED: on_refused(s, ctx, m); break;
	default: act_unexpected(ctx, m);
	}
}

static void
fini(void *self, struct ctx *ctx)
{
	struct searcher *s = self;

	(void)ctx;
	pgtid_free(s->search);
	arena_fini(&s->arena);
}

const struct actor_class searcher_class = {
	.name = "searcher",
	.size = sizeof(struct searcher),
	.init = init,
	.handle = handle,
	.fini = fini,
};
