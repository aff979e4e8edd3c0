/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of analysis.def, applied; see analysis.h. */
#include "config.h"

#include "topology/analysis.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "topology/control.h"
#include "topology/note.h"

/* ---- the table ---- */

enum { ACTS = 1 << 0, RECORDED = 1 << 1, SILENCED = 1 << 2 };
enum {
	SELF = READS_SELF,
	REPLICAS = READS_REPLICAS,
	SOURCE = READS_SOURCE,
};

static const struct code_row {
	const char *name;
	const char *text;
	unsigned flags;
	unsigned reads;
} code_row[ANALYSIS_CODES] = {
	[ANALYSIS_NO_PROBLEM] = { "NoProblem", "nothing is wrong", 0, 0 },
#define ANALYSIS(symbol, name, kind, condition, flags, reads, text) \
	[ANALYSIS_##symbol] = { name, text, flags, reads },
#include "topology/analysis.def"
#undef ANALYSIS
};

static const struct {
	const char *name;
	const char *text;
} structure_row[STRUCTURE_WARNINGS] = {
#define STRUCTURE(symbol, name, condition, text) \
	[STRUCTURE_##symbol] = { name, text },
#include "topology/analysis.def"
#undef STRUCTURE
};

static const struct code_row *
row_of(enum analysis_code code)
{
	assert(code < ANALYSIS_CODES);
	return &code_row[code];
}

const char *
analysis_name(enum analysis_code code)
{
	return row_of(code)->name;
}

enum analysis_code
analysis_code(const char *name)
{
	for (size_t i = 0; i < ANALYSIS_CODES; i++)
		if (strcmp(code_row[i].name, name) == 0)
			return (enum analysis_code)i;
	return ANALYSIS_NO_PROBLEM;
}

const char *
analysis_text(enum analysis_code code)
{
	return row_of(code)->text;
}

bool
analysis_acts(enum analysis_code code)
{
	return (row_of(code)->flags & ACTS) != 0;
}

bool
analysis_recorded(enum analysis_code code)
{
	return (row_of(code)->flags & RECORDED) != 0;
}

bool
analysis_silenced(enum analysis_code code)
{
	return (row_of(code)->flags & SILENCED) != 0;
}

unsigned
analysis_reads(enum analysis_code code)
{
	return row_of(code)->reads;
}

const char *
structure_name(enum structure_warning w)
{
	assert(w < STRUCTURE_WARNINGS);
	return structure_row[w].name;
}

const char *
structure_text(enum structure_warning w)
{
	assert(w < STRUCTURE_WARNINGS);
	return structure_row[w].text;
}

void
analysis_manual(struct buf *b)
{
	for (size_t i = 0; i < ANALYSIS_CODES; i++) {
		const struct code_row *r = &code_row[i];

		buf_printf(b, "%s%s%s%s\n    %s\n", r->name,
		    (r->flags & ACTS) != 0 ? " acts" : "",
		    (r->flags & RECORDED) != 0 ? " recorded" : "",
		    (r->flags & SILENCED) != 0 ? " silenced" : "", r->text);
	}
	for (size_t i = 0; i < STRUCTURE_WARNINGS; i++)
		buf_printf(b, "%s\n    %s\n", structure_row[i].name,
		    structure_row[i].text);
}

/* ---- the rules ---- */

static bool
is_gone(const struct analysis_facts *f)
{
	return f->sight == SIGHT_GONE;
}

/* Semi-sync is in force, and waits for more than there are. */
static bool
lacks_acks(const struct analysis_facts *f)
{
	return f->semi_sync && f->semi_sync_on && f->acks_wanted > 0 &&
	    f->semi_sync_clients < f->acks_wanted;
}

enum { PRIMARY, CO_PRIMARY, INTERMEDIATE, REPLICA, GROUP, OWN };

enum analysis_code
analysis_judge(const struct analysis_facts *f)
{
	if (f->sight == SIGHT_UNSETTLED || f->unsettled > 0)
		return ANALYSIS_NO_PROBLEM;
#define ANALYSIS(symbol, name, kind, condition, flags, reads, text) \
	if (f->group_member == (kind == GROUP) && (condition)) \
		return ANALYSIS_##symbol;
#include "topology/analysis.def"
#undef ANALYSIS
	return ANALYSIS_NO_PROBLEM;
}

uint32_t
analysis_structure(const struct analysis_facts *f)
{
	uint32_t all = 0;

#define STRUCTURE(symbol, name, condition, text) \
	if (condition) \
		all |= UINT32_C(1) << STRUCTURE_##symbol;
#include "topology/analysis.def"
#undef STRUCTURE
	return all;
}

/* ---- how a server is seen ---- */

bool
analysis_proves_life(const struct health *h)
{
	switch (h->error_code) {
	case ERR_DENIED:
	case ERR_SERVER:
	case ERR_MALFORMED:
	case ERR_UNSUPPORTED:
	case ERR_INVALID: return !note_is_valid(h);
	default: return false;
	}
}

enum analysis_sight
analysis_sight(const struct health *h, const struct analysis_rules *rules,
    bool *hangs)
{
	int64_t started = rules->started.us > 0 ? rules->started.us : 1;

	*hangs = h->last_attempted.us > h->last_checked.us &&
	    wall_sub(rules->now, h->last_attempted).us >= rules->patience.us;
	if (h->last_checked.us < rules->started.us)
		return SIGHT_UNSETTLED;
	if (!*hangs && note_is_valid(h))
		return SIGHT_SEEN;
	if (!*hangs && analysis_proves_life(h))
		return SIGHT_REFUSED;
	if (h->last_seen.us < started)
		return SIGHT_UNSEEN;
	return !*hangs && h->partial ? SIGHT_PARTIAL : SIGHT_GONE;
}

/* ---- the operator's word ---- */

static bool
is_downtimed(const struct control *c, struct key key, wall_t now)
{
	const struct control_downtime *d = control_downtime(c, key);

	return d != NULL && d->end.us > now.us;
}

static const char *
greater(const char *a, const char *b)
{
	return strcmp(a, b) >= 0 ? a : b;
}

void
analysis_note(struct analysis_note *out, const struct analyses *all, size_t i,
    const struct member *m, const struct control *c, wall_t now)
{
	const struct analysis *an = &all->at[i];
	uint32_t n = an->facts.replicas;

	assert(i < all->n);
	*out = (struct analysis_note){ .gtid_errant = "",
		.structure = an->structure &
		    ~(UINT32_C(1) << STRUCTURE_ERRANT_GTID) };
	out->downtimed = is_downtimed(c, m[i].in->key, now);
	for (uint32_t k = 0; k < n; k++) {
		const struct instance *in = m[all->replica[an->first + k]].in;

		if (is_downtimed(c, in->key, now))
			out->downtimed_replicas++;
		else
			out->gtid_errant = greater(out->gtid_errant,
			    in->gtid_errant);
	}
	if (out->gtid_errant[0] != '\0')
		out->structure |= UINT32_C(1) << STRUCTURE_ERRANT_GTID;
	out->replicas_downtimed = analysis_silenced(an->code) &&
	    out->downtimed_replicas == n;
	out->skippable = out->downtimed || out->replicas_downtimed;
}
