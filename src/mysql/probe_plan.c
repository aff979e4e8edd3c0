/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which statements a probe asks, in which batch, and what follows from all of
 * them at the end of a phase.
 */
#include "config.h"

#include "mysql/probe_impl.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

enum { TEXT_USUAL = 1800 }; /* bytes; it grows when there are more */

/* ---- what is told ---- */

static void
add_note(struct probe *p, const char *text)
{
	if (p->notes_count < MEM_COUNT(p->notes))
		p->notes[p->notes_count++] = text;
}

void
probe_note(struct probe *p, const char *fmt, ...)
{
	char text[ERR_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	add_note(p, arena_strdup(p->arena, text));
}

void
probe_found(struct probe *p, enum found_kind kind, const char *host,
    uint32_t port, const char *user)
{
	struct key key = { host, port };
	struct found *f;

	if (key_eq(key, p->asked))
		return; /* another one on its host: its port was only assumed */
	f = arena_alloc(p->arena, sizeof *f);
	f->kind = kind;
	f->key = key_dup(key, p->arena);
	f->user = arena_strdup(p->arena, user != NULL ? user : "");
	*p->found_end = f;
	p->found_end = &f->next;
}

void
probe_fail(struct probe *p, enum err_code code, const char *text)
{
	assert(code != ERR_NONE);
	err_set(&p->err, code, "%s", text);
	p->phase = PROBE_OVER;
	probe_memory_distrust(p->memory);
}

/* ---- which statements ---- */

static bool
query_wanted(struct probe *p, enum probe_query q)
{
	const char *text = p->options->query[q];
	struct err err = ERR_INIT;
	size_t len;

	if (text == NULL || text[0] == '\0' ||
	    p->memory->dialect.flavour == FLAVOUR_MAXSCALE)
		return false;
	if (probe_check_query(text, &len, &err) == ERR_NONE)
		return true;
	probe_note(p, "%s: %s", statement_info[ASK_QUERY + q].name, err.text);
	return false;
}

static bool
wanted(struct probe *p, unsigned s)
{
	return s < ASK_QUERY ? statement_info[s].wanted(p) :
			       query_wanted(p, s - ASK_QUERY);
}

static void
add_todo(struct probe *p, unsigned s)
{
	assert(p->todo_count < MEM_COUNT(p->todo));
	p->todo[p->todo_count++] = (uint8_t)s;
}

/* One of those that were refused is tried again, behind all others. */
static void
add_refused(struct probe *p, uint32_t refused)
{
	struct probe_memory *m = p->memory;

	for (unsigned i = 0; refused != 0 && i < STATEMENTS; i++) {
		m->turn = (m->turn + 1) % STATEMENTS;
		if ((refused & statement_bit(m->turn)) != 0) {
			add_todo(p, m->turn);
			return;
		}
	}
}

void
probe_next_batch(struct probe *p)
{
	bool alone = p->memory->one_by_one ||
	    p->todo[p->at] == ASK_MAXSCALE;

	assert(p->at < p->todo_count);
	p->batch = alone ? 1 : p->todo_count - p->at;
	p->sent = p->written = false;
}

void
probe_begin_fixed(struct probe *p)
{
	p->phase = PROBE_FIXED;
	p->at = p->todo_count = 0;
	for (unsigned s = ASK_MAXSCALE; s <= ASK_RIGHTS; s++)
		if (wanted(p, s))
			add_todo(p, s);
	probe_next_batch(p);
}

/* What the memory holds of its connection, into this probe's own arena. */
static void
copy_fixed(struct probe *p)
{
	p->seen = p->memory->fixed;
	for (size_t i = 0; i < variable_field_count; i++) {
		const struct field *f = &variable_fields[i];
		const char **text = (const char **)(void *)(
		    (char *)&p->seen + f->offset);

		if (f->kind == V_STR && f->when == FIXED)
			*text = arena_strdup(p->arena, *text);
	}
	p->seen.maxscale = arena_strdup(p->arena, p->seen.maxscale);
}

void
probe_begin_main(struct probe *p)
{
	uint32_t refused = 0;

	copy_fixed(p);
	p->phase = PROBE_MAIN;
	p->at = p->todo_count = 0;
	p->found = NULL;
	p->found_end = &p->found;
	p->notes_count = 0;
	for (unsigned s = ASK_RIGHTS + 1; s < STATEMENTS; s++) {
		if (!wanted(p, s))
			probe_drop_note(p->memory, s);
		else if ((p->memory->refused & statement_bit(s)) != 0)
			refused |= statement_bit(s);
		else
			add_todo(p, s);
	}
	/* The digest is for the statements that come every time. */
	p->batch = p->regular = p->todo_count;
	buf_room(&p->text, TEXT_USUAL);
	probe_write_batch(p, &p->text);
	p->text_digest = rows_digest((struct bin){
	    (const uint8_t *)p->text.data, p->text.len });
	add_refused(p, refused);
	probe_next_batch(p);
	p->written = p->batch == p->regular;
}

/* ---- the ends of the phases ---- */

/* Tables of performance_schema are empty when it is switched off. */
static void
leave_instrumentation(struct dialect *d, enum word w)
{
	if (strstr(dialect_word(d, w), "performance_schema") != NULL)
		dialect_other(d, w);
}

void
probe_end_fixed(struct probe *p)
{
	struct probe_memory *m = p->memory;
	struct instance *in = &m->fixed.in;
	enum flavour flavour;
	struct version version;

	if (m->fixed.maxscale[0] != '\0') {
		in->version = m->fixed.maxscale;
		in->read_only = true;
		in->log_bin = true;
		in->log_replica_updates = true;
		in->binlog_format = "INHERIT";
		in->server_uuid = "";
		m->one_by_one = true;
	}
	flavour = version_flavour(in->version, in->version_comment);
	version = version_parse(in->version);
	in->flavor_name = flavour_name(flavour);
	if (flavour != m->dialect.flavour ||
	    version_cmp(version, m->dialect.version) != 0)
		dialect_init(&m->dialect, flavour, version);
	if (!m->fixed.performance_schema) {
		leave_instrumentation(&m->dialect, WORD_PROCESS_LIST);
		leave_instrumentation(&m->dialect, WORD_STATUS);
	}
	m->fixed_known = true;
	probe_begin_main(p);
}

/* Where SHOW REPLICAS gave nothing of use, the process list is asked too. */
static bool
needs_process_list(const struct probe *p)
{
	if (!p->options->list_replicas ||
	    p->memory->dialect.flavour == FLAVOUR_MAXSCALE ||
	    p->memory->lists_replicas)
		return false;
	for (unsigned i = 0; i < p->todo_count; i++)
		if (p->todo[i] == ASK_PROCESS_LIST)
			return false;
	return (p->memory->refused & statement_bit(ASK_PROCESS_LIST)) == 0;
}

static void
collect(struct probe *p)
{
	struct instance *in = &p->seen.in;
	struct key *replicas, *members;
	size_t n = 0, r = 0, m = 0;

	for (struct found *f = p->found; f != NULL; f = f->next)
		n++;
	replicas = arena_alloc(p->arena, n * sizeof *replicas);
	members = arena_alloc(p->arena, n * sizeof *members);
	for (struct found *f = p->found; f != NULL; f = f->next) {
		if (f->kind == FOUND_REPLICA)
			replicas[r++] = f->key;
		else if (f->kind == FOUND_MEMBER)
			members[m++] = f->key;
	}
	in->replicas = keys_sorted(replicas, r, p->arena);
	in->group_members = keys_sorted(members, m, p->arena);
	in->asked_key = key_dup(p->asked, p->arena);
	in->key = in->asked_key;
	probe_filed_key(p, &in->key, NULL);
	if (p->options->credentials_query &&
	    dialect_is_oracle(&p->memory->dialect))
		in->replication_credentials_available = true;
}

void
probe_end_main(struct probe *p)
{
	if (needs_process_list(p)) {
		add_todo(p, ASK_PROCESS_LIST);
		probe_next_batch(p);
		return;
	}
	p->phase = PROBE_OVER;
	for (unsigned s = 0; s < STATEMENTS; s++)
		if (p->memory->note[s] != NULL)
			add_note(p, arena_strdup(p->arena, p->memory->note[s]));
	if (!p->unchanged)
		collect(p);
	if (!p->memory->fixed_known)
		probe_memory_distrust(p->memory);
}
