/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is remembered of a server from probe to probe.
 */
#include "config.h"

#include "mysql/probe_impl.h"

#include <string.h>

#include "base/mem.h"

enum { FIXED_BYTES = 960 }; /* texts that do not change, as a rule */

static void
seen_init(struct probe_seen *s)
{
	memset(s, 0, sizeof *s);
	instance_init(&s->in);
	s->names.hostname = "";
	s->names.report_host = "";
	s->credentials_repository = "";
	s->single_primary = "";
	s->group_name = "";
	s->maxscale = "";
}

void
probe_memory_init(struct probe_memory *m)
{
	memset(m, 0, sizeof *m);
	arena_init(&m->arena);
	seen_init(&m->fixed);
	dialect_init(&m->dialect, FLAVOUR_UNKNOWN, (struct version){ 0 });
}

void
probe_drop_note(struct probe_memory *m, unsigned s)
{
	mem_free(m->note[s]);
	m->note[s] = NULL;
	m->refused &= ~statement_bit(s);
}

void
probe_memory_fini(struct probe_memory *m)
{
	for (unsigned s = 0; s < STATEMENTS; s++)
		probe_drop_note(m, s);
	arena_fini(&m->arena);
	quick_fini(&m->quick);
}

void
probe_memory_distrust(struct probe_memory *m)
{
	m->digest_valid = false;
	m->quick.ready = false;
}

/* The answers to come are of another connection, maybe of another server. */
void
probe_memory_restart(struct probe_memory *m)
{
	arena_fini(&m->arena);
	arena_reserve(&m->arena, FIXED_BYTES);
	seen_init(&m->fixed);
	m->fixed_known = false;
	m->variables = 0;
	m->digest_valid = false;
	m->quick.ready = false;
	m->process_right = false;
	m->one_by_one = false;
	for (unsigned s = 0; s < STATEMENTS; s++)
		probe_drop_note(m, s);
}
