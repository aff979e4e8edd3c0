/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of a probe: what to ask next, and what an error means.
 *
 *	FIXED  what cannot change while a connection lasts
 *	MAIN   everything else, in one batch
 *	OVER
 *
 * A reply holds a result for each statement up to the first that failed; those
 * behind it were not run, and go into a further batch.
 */
#include "config.h"

#include "mysql/probe_impl.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

enum { RESTARTS_MAX = 3 };

/* ---- memory ---- */

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

static void
drop_note(struct probe_memory *m, unsigned s)
{
	mem_free(m->note[s]);
	m->note[s] = NULL;
	m->refused &= ~statement_bit(s);
}

void
probe_memory_fini(struct probe_memory *m)
{
	for (unsigned s = 0; s < STATEMENTS; s++)
		drop_note(m, s);
	arena_fini(&m->arena);
}

void
probe_memory_distrust(struct probe_memory *m)
{
	m->digest_valid = false;
}

/* The answers to come are of another connection, maybe of another server. */
static void
memory_restart(struct probe_memory *m)
{
	arena_reset(&m->arena);
	seen_init(&m->fixed);
	m->fixed_known = false;
	m->variables = 0;
	m->digest_valid = false;
	m->process_right = false;
	for (unsigned s = 0; s < STATEMENTS; s++)
		drop_note(m, s);
}

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

static void
fail(struct probe *p, enum err_code code, const char *text)
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

static void
next_batch(struct probe *p)
{
	bool alone = p->memory->one_by_one ||
	    p->todo[p->at] == ASK_MAXSCALE;

	assert(p->at < p->todo_count);
	p->batch = alone ? 1 : p->todo_count - p->at;
	p->sent = p->written = false;
}

static void
begin_fixed(struct probe *p)
{
	p->phase = PROBE_FIXED;
	p->at = p->todo_count = 0;
	for (unsigned s = ASK_MAXSCALE; s <= ASK_RIGHTS; s++)
		if (wanted(p, s))
			add_todo(p, s);
	next_batch(p);
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

static void
begin_main(struct probe *p)
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
			drop_note(p->memory, s);
		else if ((p->memory->refused & statement_bit(s)) != 0)
			refused |= statement_bit(s);
		else
			add_todo(p, s);
	}
	/* The digest is for the statements that come every time. */
	p->batch = p->regular = p->todo_count;
	probe_write_batch(p, &p->text);
	p->text_digest = rows_digest((struct bin){
	    (const uint8_t *)p->text.data, p->text.len });
	add_refused(p, refused);
	next_batch(p);
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

static void
end_fixed(struct probe *p)
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
	begin_main(p);
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

static void
end_main(struct probe *p)
{
	if (needs_process_list(p)) {
		add_todo(p, ASK_PROCESS_LIST);
		next_batch(p);
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

/* ---- replies ---- */

void
probe_start(struct probe *p, const struct probe_options *o,
    struct probe_memory *m, struct key asked, struct arena *a)
{
	memset(p, 0, sizeof *p);
	p->options = o;
	p->memory = m;
	p->arena = a;
	p->asked = asked;
	p->found_end = &p->found;
	buf_init(&p->text);
	if (m->fixed_known) {
		begin_main(p);
	} else {
		memory_restart(m);
		begin_fixed(p);
	}
}

void
probe_fini(struct probe *p)
{
	buf_fini(&p->text);
}

uint32_t
probe_generation(const struct probe *p)
{
	return p->memory->generation;
}

const char *
probe_text(struct probe *p)
{
	if (p->phase == PROBE_OVER)
		return NULL;
	if (!p->written)
		probe_write_batch(p, &p->text);
	p->sent = p->written = true;
	return buf_text(&p->text);
}

/* From the start, all that was read forgotten; not for ever. */
static void
restart(struct probe *p, enum err_code code, const char *why)
{
	memory_restart(p->memory);
	if (++p->restarts > RESTARTS_MAX)
		fail(p, code, why);
	else
		begin_fixed(p);
}

/* One value; of a query that may answer several times, its first one. */
static bool
take_query(struct probe *p, unsigned s, struct rows *r)
{
	bool plain = probe_query_is_plain(p->options->query[s - ASK_QUERY]);
	bool done = false;

	for (;;) {
		if (!plain && rows_has(r, PROBE_QUERY_END))
			return true;
		if (!done && r->columns > 0 && rows_next(r)) {
			read_query(p, s - ASK_QUERY, r->value[0]);
			done = true;
		}
		if (plain)
			return true;
		if (!rows_next_result(r))
			return false;
	}
}

/* Reads results; the count of statements of the batch that are done. */
static unsigned
take_results(struct probe *p, struct bin reply)
{
	struct rows r;
	unsigned done = 0;

	rows_init(&r, reply);
	while (done < p->batch && rows_next_result(&r)) {
		unsigned s = p->todo[p->at + done];

		if (s < ASK_QUERY)
			statement_info[s].read(p, &r);
		else if (!take_query(p, s, &r))
			break;
		drop_note(p->memory, s);
		done++;
	}
	if (!rows_ok(&r))
		fail(p, ERR_MALFORMED, "the reply cannot be read");
	return done;
}

static bool
is_denied(unsigned errnum)
{
	static const unsigned denied[] = { 1044, 1045, 1142, 1143, 1227, 1370 };

	for (size_t i = 0; i < MEM_COUNT(denied); i++)
		if (errnum == denied[i])
			return true;
	return false;
}

/* What went wrong with a statement, and the privilege that would help. */
static void
describe(const struct probe *p, unsigned s, const struct probe_reply *r,
    char out[ERR_TEXT_MAX])
{
	const struct statement_info *info = &statement_info[s];
	const char *text = r->error != NULL ? r->error : "";

	if (is_denied(r->errnum) && info->grant >= 0)
		snprintf(out, ERR_TEXT_MAX,
		    "%s: denied (error %u), %s %u.%u needs GRANT %s", info->name,
		    r->errnum, flavour_name(p->memory->dialect.flavour),
		    p->memory->dialect.version.major,
		    p->memory->dialect.version.minor,
		    dialect_grant(&p->memory->dialect, (enum grant)info->grant));
	else
		snprintf(out, ERR_TEXT_MAX, "%s: error %u: %.300s", info->name,
		    r->errnum, text);
}

/* An optional statement failed: remember it, go on behind it. */
static void
refuse(struct probe *p, unsigned s, const char *text)
{
	struct probe_memory *m = p->memory;

	mem_free(m->note[s]);
	m->note[s] = (statement_info[s].flags & QUIET) != 0 ? NULL :
							      mem_strdup(text);
	m->refused |= statement_bit(s);
	if (s == ASK_LIST_REPLICAS)
		m->lists_replicas = false;
	p->at++;
}

/*
 * May another word help?  One that the server does not know, or a table of
 * performance_schema that this user may not read: the old ways are open.
 */
static bool
try_other_word(struct probe *p, unsigned s, unsigned errnum)
{
	struct dialect *d = &p->memory->dialect;
	int word = statement_info[s].word;

	if (word < 0)
		return false;
	if (!dialect_is_unknown(errnum) &&
	    !(is_denied(errnum) && strstr(dialect_word(d, (enum word)word),
		"performance_schema") != NULL))
		return false;
	return dialect_other(d, (enum word)word);
}

/* The statement at p->at failed. */
static void
take_error(struct probe *p, const struct probe_reply *r)
{
	unsigned s = p->todo[p->at];
	const struct statement_info *info = &statement_info[s];
	bool unknown = dialect_is_unknown(r->errnum);
	struct probe_memory *m = p->memory;
	char text[ERR_TEXT_MAX];

	describe(p, s, r, text);
	if (try_other_word(p, s, r->errnum))
		return; /* the same again */
	if (s == ASK_SETTINGS && unknown && r->errnum != 1064) {
		restart(p, ERR_SERVER, text); /* a plugin went, and its variables */
		return;
	}
	if (r->errnum == 1064 && p->batch > 1 &&
	    (info->flags & NEEDED) != 0) {
		m->one_by_one = true; /* no batches here, it seems */
		return;
	}
	if ((info->flags & NEEDED) != 0)
		fail(p, is_denied(r->errnum) ? ERR_DENIED : ERR_SERVER, text);
	else
		refuse(p, s, text);
}

/* Is this the answer to the first main batch? */
static bool
is_first_main(const struct probe *p)
{
	return p->phase == PROBE_MAIN && p->at == 0 &&
	    p->batch == p->todo_count;
}

static uint64_t
digest_of(const struct probe *p, const struct probe_reply *r)
{
	return rows_digest(r->rows) ^ p->text_digest;
}

/*
 * Does it say what the last one said?  The same results to the same text: then
 * all statements answered that did so then, and those refused are refused.
 */
static bool
is_unchanged(const struct probe *p, const struct probe_reply *r)
{
	const struct probe_memory *m = p->memory;

	return is_first_main(p) && m->digest_valid && m->fixed_known &&
	    m->digest == digest_of(p, r);
}

/* Remember it, when no more than the statement tried again is left over. */
static void
keep_digest(struct probe *p, const struct probe_reply *r, unsigned done)
{
	p->memory->digest = digest_of(p, r);
	p->memory->digest_valid = done >= p->regular;
}

/* Of a batch that is not read otherwise. */
static void
find_uptime(struct probe *p, struct bin reply)
{
	struct rows r;

	rows_init(&r, reply);
	for (unsigned i = 0; i < p->batch && rows_next_result(&r); i++)
		if (p->todo[i] == ASK_STATUS) {
			read_status(p, &r);
			return;
		}
}

static void
next_step(struct probe *p)
{
	bool maxscale = p->phase == PROBE_FIXED &&
	    p->memory->fixed.maxscale[0] != '\0';

	if (p->at < p->todo_count && !maxscale)
		next_batch(p);
	else if (p->phase == PROBE_FIXED)
		end_fixed(p);
	else
		end_main(p);
}

void
probe_take(struct probe *p, const struct probe_reply *r)
{
	unsigned done;

	assert(p->phase != PROBE_OVER && p->sent);
	p->round_trips++;
	if (r->stale) {
		p->memory->generation = r->generation;
		restart(p, ERR_UNREACHABLE,
		    "the connection was lost again and again");
		return;
	}
	if (r->code != ERR_NONE && r->code != ERR_SERVER) {
		fail(p, r->code, r->error != NULL ? r->error : "");
		return;
	}
	if (is_unchanged(p, r)) {
		p->unchanged = true;
		find_uptime(p, r->rows);
		p->at = p->todo_count;
		next_step(p);
		return;
	}
	done = take_results(p, r->rows);
	if (p->err.code != ERR_NONE) {
		p->phase = PROBE_OVER;
		probe_memory_distrust(p->memory);
		return;
	}
	if (is_first_main(p))
		keep_digest(p, r, done);
	p->at += done;
	p->batch -= done;
	if (r->code == ERR_SERVER && p->batch > 0)
		take_error(p, r);
	else if (p->batch > 0)
		fail(p, ERR_MALFORMED, "fewer results than statements");
	if (p->phase != PROBE_OVER && p->err.code == ERR_NONE && p->sent)
		next_step(p);
}

struct instance *
probe_facts(struct probe *p)
{
	assert(p->phase == PROBE_OVER && p->err.code == ERR_NONE &&
	    !p->unchanged);
	return &p->seen.in;
}
