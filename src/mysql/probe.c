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
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

enum { RESTARTS_MAX = 3 };

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
	m->quick.ready = false; /* until this one is kept instead */
	buf_init(&p->text);
	if (m->fixed_known) {
		probe_begin_main(p);
	} else {
		probe_memory_restart(m);
		probe_begin_fixed(p);
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
	probe_memory_restart(p->memory);
	if (++p->restarts > RESTARTS_MAX)
		probe_fail(p, code, why);
	else
		probe_begin_fixed(p);
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
		probe_drop_note(p->memory, s);
		done++;
	}
	if (!rows_ok(&r))
		probe_fail(p, ERR_MALFORMED, "the reply cannot be read");
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
		probe_fail(p, is_denied(r->errnum) ? ERR_DENIED : ERR_SERVER, text);
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
		probe_next_batch(p);
	else if (p->phase == PROBE_FIXED)
		probe_end_fixed(p);
	else
		probe_end_main(p);
}

/* All that was asked every time has answered in it, and nothing is left. */
static void
keep_quick(struct probe *p, const struct probe_reply *r)
{
	if (p->phase == PROBE_OVER && p->err.code == ERR_NONE &&
	    p->memory->digest_valid)
		quick_keep(p, r->rows);
}

void
probe_take(struct probe *p, const struct probe_reply *r)
{
	bool whole = is_first_main(p);
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
		probe_fail(p, r->code, r->error != NULL ? r->error : "");
		return;
	}
	if (is_unchanged(p, r)) {
		p->unchanged = true;
		find_uptime(p, r->rows);
		p->at = p->todo_count;
		next_step(p);
		keep_quick(p, r);
		return;
	}
	done = take_results(p, r->rows);
	if (p->err.code != ERR_NONE) {
		p->phase = PROBE_OVER;
		probe_memory_distrust(p->memory);
		return;
	}
	if (whole)
		keep_digest(p, r, done);
	p->at += done;
	p->batch -= done;
	if (r->code == ERR_SERVER && p->batch > 0)
		take_error(p, r);
	else if (p->batch > 0)
		probe_fail(p, ERR_MALFORMED, "fewer results than statements");
	if (p->phase != PROBE_OVER && p->err.code == ERR_NONE && p->sent)
		next_step(p);
	if (whole)
		keep_quick(p, r);
}

struct instance *
probe_facts(struct probe *p)
{
	assert(p->phase == PROBE_OVER && p->err.code == ERR_NONE &&
	    !p->unchanged);
	return &p->seen.in;
}
