/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading logs disturbs a replica that applies: before another of its files is
 * read it may catch up, for PGTID_POLITE_S in all.
 */
#include "config.h"

#include <stdlib.h>

#include "mysql/dialect.h"
#include "plan/pgtid_impl.h"

#define POLITE_PAUSE DUR_S(1)

static bool
must_wait(const struct pgtid *s)
{
	const struct instance *b = &s->in[PGTID_B];

	return s->polite.due && s->r.b != NULL && s->rule.polite_lag.us > 0
	    && !key_is_none(b->source_key)
	    && b->io_running && b->sql_running;
}

static const char *
status_text(const struct instance *in)
{
	struct dialect d;

	dialect_init(&d, version_flavour(in->version, in->version_comment),
	    version_parse(in->version));
	return dialect_word(&d, WORD_REPLICA_STATUS);
}

/* A lag that is not told, or a refusal, is none. */
static bool
is_behind(const struct pgtid *s)
{
	int64_t delay = (int64_t)s->in[PGTID_B].sql_delay, lag;
	const char *text;
	struct rows rows;

	rows_init(&rows, (struct bin){ (const uint8_t *)s->answer.data,
	    s->answer.len });
	if (s->answer_code != ERR_NONE)
		return false;
	while (rows_next_result(&rows))
		if (rows.columns > 0)
			break;
	if (!rows_next(&rows))
		return false;
	text = rows_get(&rows, "Seconds_Behind_Master");
	if (text == NULL)
		text = rows_get(&rows, "Seconds_Behind_Source");
	if (text == NULL)
		return false;
	lag = strtoll(text, NULL, 10) - delay;
	return lag > s->rule.polite_lag.us / 1000000;
}

enum turn
be_polite(struct pgtid *s)
{
	struct polite *p = &s->polite;

	if (!must_wait(s))
		return TURN_OVER;
	if (!p->asked) {
		p->asked = true;
		buf_reset(&s->sql);
		buf_str(&s->sql, status_text(&s->in[PGTID_B]));
		return search_ask(s, PGTID_B);
	}
	p->asked = false;
	if (p->until.us == 0)
		p->until = mono_add(s->now, DUR_S(PGTID_POLITE_S));
	if (is_behind(s) && s->now.us < p->until.us)
		return search_pause(s, POLITE_PAUSE);
	p->due = false;
	return TURN_OVER;
}
