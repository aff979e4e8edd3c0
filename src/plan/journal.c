/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is kept of a run while it changes servers, so that another process can
 * undo it: the title, the servers, and all that is remembered of them.
 */
#include "config.h"

#include "plan/run_impl.h"

#include <string.h>

#include "base/mem.h"

enum { JOURNAL_VERSION = 1, JOURNAL_FIELDS = 5, BEFORE_FIELDS = 11 };

static void
pack_source(struct buf *b, const struct sql_source *s)
{
	pack_array(b, 7);
	pack_cstr(b, s->key.host);
	pack_uint(b, s->key.port);
	pack_cstr(b, s->at.file);
	pack_int(b, s->at.pos);
	pack_uint(b, s->by);
	pack_cstr(b, s->heartbeat);
	pack_bool(b, s->gtid_only);
}

static const char *
take_text(struct pcur *c, struct arena *a)
{
	const char *text = pcur_cstr(c);

	return text == NULL ? "" : arena_strdup(a, text);
}

static void
take_source(struct pcur *c, struct sql_source *s, struct arena *a)
{
	uint64_t by;

	if (pcur_array(c) != 7)
		c->bad = true;
	s->key.host = take_text(c, a);
	s->key.port = (uint32_t)pcur_uint(c);
	s->at.file = take_text(c, a);
	s->at.pos = pcur_int(c);
	by = pcur_uint(c);
	if (by > BY_CURRENT_POS)
		c->bad = true;
	s->by = (enum sql_by)by;
	s->heartbeat = take_text(c, a);
	s->gtid_only = pcur_bool(c);
}

static void
pack_before(struct buf *b, const struct before *r)
{
	pack_array(b, BEFORE_FIELDS);
	pack_uint(b, r->kind);
	pack_uint(b, r->server);
	pack_uint(b, r->track);
	pack_uint(b, r->serial);
	pack_bool(b, r->io);
	pack_bool(b, r->sql);
	pack_int(b, r->number);
	pack_cstr(b, r->text);
	pack_source(b, &r->was);
	pack_source(b, &r->put);
	pack_cstr(b, r->executed);
}

void
journal_pack(const struct run *r, struct buf *b)
{
	const struct plan *p = r->plan;
	size_t n = 0;

	/* What is being undone just now belongs to it, first of all. */
	for (unsigned i = 0; i < r->lanes; i++)
		n += r->lane[i].state == LANE_UNDO &&
		    r->lane[i].undoing != NULL;
	for (const struct before *x = r->before; x != NULL; x = x->older)
		n++;
	pack_array(b, JOURNAL_FIELDS);
	pack_uint(b, JOURNAL_VERSION);
	pack_cstr(b, p->op);
	pack_cstr(b, p->title);
	pack_array(b, p->servers * 2);
	for (size_t i = 0; i < p->servers; i++) {
		pack_cstr(b, p->server[i].key.host);
		pack_uint(b, p->server[i].key.port);
	}
	pack_array(b, n);
	for (unsigned i = 0; i < r->lanes; i++)
		if (r->lane[i].state == LANE_UNDO &&
		    r->lane[i].undoing != NULL)
			pack_before(b, r->lane[i].undoing);
	for (const struct before *x = r->before; x != NULL; x = x->older)
		pack_before(b, x);
}

static void
take_before(struct pcur *c, struct run *r, struct before **last)
{
	struct before *b = arena_alloc(&r->arena, sizeof *b);
	struct arena *a = &r->arena;
	uint64_t kind, server;

	if (pcur_array(c) != BEFORE_FIELDS)
		c->bad = true;
	kind = pcur_uint(c);
	server = pcur_uint(c);
	if (kind >= BEFORES || server >= r->plan->servers)
		c->bad = true;
	b->kind = (enum before_kind)kind;
	b->server = (unsigned)server;
	pcur_uint(c); /* its track: all is undone by the trunk now */
	b->serial = pcur_uint(c);
	b->io = pcur_bool(c);
	b->sql = pcur_bool(c);
	b->number = pcur_int(c);
	b->text = take_text(c, a);
	take_source(c, &b->was, a);
	take_source(c, &b->put, a);
	b->executed = take_text(c, a);
	*last = b;
}

static void
take_servers(struct pcur *c, struct plan *p, const struct world *w)
{
	size_t n = pcur_array(c);

	for (size_t i = 0; i + 1 < n && pcur_ok(c); i += 2) {
		const char *host = pcur_cstr(c);
		struct key key = { host != NULL ? host : "",
			(uint32_t)pcur_uint(c) };

		if (pcur_ok(c) && p->servers < PLAN_SERVERS_MAX) {
			/* It may move the array. */
			unsigned at = plan_server(p, w, key);

			p->server[at].locked = true;
		}
	}
}

static void
take_plan(struct pcur *c, struct plan *p, const struct world *w)
{
	if (pcur_array(c) != JOURNAL_FIELDS ||
	    pcur_uint(c) != JOURNAL_VERSION)
		c->bad = true;
	p->op = take_text(c, &p->arena);
	p->title = take_text(c, &p->arena);
	p->method = "undone after its process ended";
	take_servers(c, p, w);
}

static void
take_records(struct pcur *c, struct run *r)
{
	struct before **last = &r->before;
	size_t n = pcur_array(c);

	for (size_t i = 0; i < n && pcur_ok(c); i++) {
		take_before(c, r, last);
		last = &(*last)->older;
	}
	*last = NULL;
}

struct run *
run_recover(struct bin kept, const struct world *w, mono_t now,
    struct err *err)
{
	struct plan *p = mem_alloc(sizeof *p);
	struct run *r;
	struct pcur c;

	pcur_init(&c, kept.data, kept.len);
	plan_init(p);
	take_plan(&c, p, w);
	r = run_new(p, NULL, w, now);
	r->recovered = p;
	if (pcur_ok(&c))
		take_records(&c, r);
	if (!pcur_done(&c)) {
		run_free(r);
		err_set(err, ERR_MALFORMED, "these bytes are of no run");
		return NULL;
	}
	err_set(&r->first, ERR_CLOSED, "the process that carried it out ended");
	r->result[0].end = TRACK_FAILED;
	r->result[0].why = arena_strdup(&r->arena, r->first.text);
	undo_begin(&r->lane[0]);
	return r;
}
