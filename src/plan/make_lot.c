/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Siblings below one of them without GTID: all stop, the one goes to where the
 * most advanced of them stands, the others come up to it, and its own log goes
 * on from there.
 */
#include "config.h"

#include "plan/make.h"

#include "topology/coord.h"

static bool
may(struct making *m, const struct member *r, const struct member *b)
{
	struct making quiet = *m;
	struct err err = ERR_INIT;

	quiet.err = &err;
	if (make_may_below(&quiet, r, b) == ERR_NONE)
		return true;
	plan_leave_out(m->p, r->in->key, "%s", err.text);
	return false;
}

enum err_code
make_below_lot(struct making *m, const struct making_list *list,
    const struct member *b)
{
	enum err_code code = make_can_move(m, b);
	bool any = false;

	if (code != ERR_NONE)
		return code;
	for (size_t i = 0; i < list->n; i++)
		any |= may(m, list->at[i], b);
	if (!any)
		return ERR_NONE;
	make_held(m, b);
	make_stop(m, b, MUST(LAG_OK), "so that it can be seen how far it is");
	for (size_t i = 0; i < list->n; i++) {
		struct making quiet = *m;

		quiet.err = NULL;
		if (make_may_below(&quiet, list->at[i], b) != ERR_NONE)
			continue;
		make_track(m, list->at[i]);
		make_stop(m, list->at[i], MUST(LAG_OK) | MUST(NOT_IN_GROUP),
		    "so that it can be seen how far it is");
	}
	make_trunk(m);
	m->p->stage = 1;
	return ERR_NONE;
}

/* Of the tracks whose last step is a stop: the server, when it stands still. */
static const struct member *
stopped(struct making *m, unsigned track)
{
	const struct plan *p = m->p;
	const struct member *r = NULL;

	for (size_t i = 0; i < p->steps; i++)
		if (p->step[i].track == track)
			r = p->step[i].verb == DO_STOP ?
			    world_find(m->w,
				p->server[p->step[i].server].key) : NULL;
	if (r == NULL || need_check(NEED_STOPPED, r, NULL, NULL, m->w, NULL) !=
	    ERR_NONE)
		return NULL;
	return r;
}

/* In the same log as b, to this day. */
static bool
stands_with(const struct member *r, const struct member *b)
{
	return r != NULL && make_siblings(r, b) &&
	    coord_comparable(&r->in->exec_coord, &b->in->exec_coord);
}

static void
come_up(struct making *m, const struct member *r, const struct member *to)
{
	char text[COORD_TEXT_MAX];

	make_step(m, (struct step){ .verb = DO_START_UNTIL,
		.server = make_server(m, r), .to = PLAN_NOBODY,
		.at = { .kind = AT_EXECUTED_OF,
			.server = make_server(m, to) },
		.needs = MUST(STOPPED), .limit = make_patience(m, r),
		.why = plan_text(m->p, "all are to stand where %s does, at "
		    "%.200s", make_name(m, to->in->key),
		    coord_text(&to->in->exec_coord, text)) });
}

/* From where all stand to below b; first: who stood there already. */
static void
go_below(struct making *m, const struct member *r, const struct member *b,
    const struct member *first)
{
	unsigned sr = make_server(m, r), sb = make_server(m, b);

	if (coord_cmp(&r->in->exec_coord, &first->in->exec_coord) < 0)
		come_up(m, r, b);
	make_same_sets(m, r, b);
	make_step(m, (struct step){ .verb = DO_CHANGE_SOURCE, .server = sr,
		.to = sb, .gtid = GTID_DENY,
		.at = { .kind = AT_OWN_OF, .server = sb },
		.needs = MUST(STOPPED) | MUST(MAY_REPLICATE),
		.why = "both have executed the same" });
	make_restore(m, sr, true);
}

enum err_code
make_below_lot_rest(struct making *m, const struct member *b)
{
	const struct member *first = b;
	unsigned sb = make_held(m, b), tracks = (unsigned)m->p->tracks;
	bool any = false;

	for (unsigned t = 1; t < tracks; t++) {
		const struct member *r = stopped(m, t);

		if (!stands_with(r, b))
			continue;
		any = true;
		if (coord_cmp(&r->in->exec_coord, &first->in->exec_coord) > 0)
			first = r;
	}
	if (!any)
		return err_set(m->err, ERR_INVALID, "nobody stands where it "
		    "can be moved from: what was stopped goes on");
	if (first != b)
		come_up(m, b, first);
	for (unsigned t = 1; t < tracks; t++) {
		const struct member *r = stopped(m, t);

		m->track = t;
		if (stands_with(r, b)) {
			go_below(m, r, b, first);
		} else if (r != NULL) {
			plan_leave_out(m->p, r->in->key, "it no longer stands "
			    "in the same log as %s", make_name(m, b->in->key));
			make_restore(m, make_server(m, r), false);
		}
	}
	make_trunk(m);
	make_restore(m, sb, false);
	return ERR_NONE;
}
