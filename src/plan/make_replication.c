/* SPDX-License-Identifier: Apache-2.0 */
/* Replication of one server: threads, delay, errors, credentials. */
#include "config.h"

#include <string.h>

#include "plan/make.h"
#include "topology/coord.h"

enum { DELAY_MAX_S = 2147483647 }; /* as the servers have it */

/* A step that is all of the plan. */
static enum err_code
only(struct making *m, struct step s, const char *title)
{
	const struct member *a;
	enum err_code code = make_replica(m, m->r->server, &a);

	if (code != ERR_NONE)
		return code;
	s.server = make_server(m, a);
	s.to = PLAN_NOBODY;
	s.needs |= MUST(REPLICA);
	m->p->title = plan_text(m->p, "%s %s", title,
	    make_name(m, a->in->key));
	make_step(m, s);
	return ERR_NONE;
}

enum err_code
make_start(struct making *m)
{
	return only(m, (struct step){ .verb = DO_START,
		.why = "it is asked for" }, "start replication of");
}

enum err_code
make_stop_replica(struct making *m)
{
	return only(m, (struct step){ .verb = DO_STOP,
		.why = "it is asked for" }, "stop replication of");
}

/* number: seconds that it may take; 0: as long as a read may. */
enum err_code
make_stop_nicely(struct making *m)
{
	return only(m, (struct step){ .verb = DO_STOP_NICELY,
		.limit = m->r->number > 0 ? DUR_S(m->r->number) : DUR_ZERO,
		.why = "what was received is applied first" },
	    "stop replication nicely of");
}

enum err_code
make_restart(struct making *m)
{
	enum err_code code = only(m, (struct step){ .verb = DO_STOP,
		.why = "to start it again" }, "restart replication of");

	if (code != ERR_NONE)
		return code;
	make_step(m, (struct step){ .verb = DO_START, .server = 0,
		.to = PLAN_NOBODY, .why = "it is asked for" });
	return ERR_NONE;
}

enum err_code
make_delay(struct making *m)
{
	enum err_code code;

	if (m->r->number < 0 || m->r->number > DELAY_MAX_S)
		return err_set(m->err, ERR_INVALID, "%lld: a delay is 0 to %d "
		    "seconds", (long long)m->r->number, DELAY_MAX_S);
	code = only(m, (struct step){ .verb = DO_STOP,
		.why = "a delay can only be changed while it stands" },
	    "delay replication of");
	if (code != ERR_NONE)
		return code;
	m->p->title = plan_text(m->p, "%s by %lld s", m->p->title,
	    (long long)m->r->number);
	make_step(m, (struct step){ .verb = DO_DELAY, .server = 0,
		.to = PLAN_NOBODY, .number = m->r->number,
		.needs = MUST(STOPPED), .why = "it is asked for" });
	make_restore(m, 0, true);
	return ERR_NONE;
}

enum err_code
make_skip_query(struct making *m)
{
	const struct member *a;
	enum err_code code = make_replica(m, m->r->server, &a);

	if (code != ERR_NONE)
		return code;
	code = need_check(NEED_SQL_ERROR, a, NULL, NULL, m->w, m->err);
	if (code != ERR_NONE)
		return code;
	if (a->in->using_mariadb_gtid)
		return err_set(m->err, ERR_UNSUPPORTED, "%s replicates by "
		    "MariaDB's GTID: set gtid_slave_pos by hand to skip",
		    make_name(m, a->in->key));
	code = only(m, (struct step){ .verb = DO_SKIP_QUERY,
		.needs = MUST(SQL_ERROR),
		.why = plan_text(m->p, "its applier failed: %.200s",
		    a->in->last_sql_error) }, "skip a query on");
	if (code != ERR_NONE)
		return code;
	make_step(m, (struct step){ .verb = DO_START, .server = 0,
		.to = PLAN_NOBODY, .why = "it goes on after what is skipped" });
	return ERR_NONE;
}

/* user "": what the server itself has stored of its source. */
enum err_code
make_credentials(struct making *m)
{
	enum err_code code = only(m, (struct step){ .verb = DO_STOP,
		.why = "credentials can only be changed while it stands" },
	    "change the replication credentials of");

	if (code != ERR_NONE)
		return code;
	make_step(m, (struct step){ .verb = DO_SET_CREDENTIALS, .server = 0,
		.to = m->r->user[0] != '\0' ? PLAN_NOBODY : 0,
		.text = m->r->user, .needs = MUST(STOPPED),
		.why = "it is asked for" });
	make_restore(m, 0, true);
	return ERR_NONE;
}

/* number: seconds that it may take; 0: as long as a read may. */
enum err_code
make_pos_wait(struct making *m)
{
	char text[COORD_TEXT_MAX];

	if (coord_is_none(&m->r->at))
		return err_set(m->err, ERR_INVALID,
		    "a place to wait for is missing (file:position)");
	return only(m, (struct step){ .verb = DO_WAIT_FOR,
		.at = { .kind = AT_GIVEN, .coord = m->r->at },
		.limit = m->r->number > 0 ? DUR_S(m->r->number) : DUR_ZERO,
		.why = "it is asked for" },
	    plan_text(m->p, "wait for %.200s to be executed by",
		coord_text(&m->r->at, text)));
}
