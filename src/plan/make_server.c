/* SPDX-License-Identifier: Apache-2.0 */
/* What is done to a server and not to its replication. */
#include "config.h"

#include <string.h>

#include "plan/make.h"
#include "topology/coord.h"

enum { FLUSH_MAX = 1000 }; /* logs, until one has the name that is asked for */

static enum err_code
find(struct making *m, const char *title, const struct member **a)
{
	enum err_code code = make_seen(m, m->r->server, a);

	if (code == ERR_NONE)
		m->p->title = plan_text(m->p, "%s %s", title,
		    make_name(m, (*a)->in->key));
	return code;
}

static void
step(struct making *m, const struct member *a, struct step s)
{
	s.server = make_server(m, a);
	s.to = PLAN_NOBODY;
	make_step(m, s);
}

/* ---- read-only ---- */

/* Its own side of semi-sync goes with the role, where it has a priority. */
static void
semi_source(struct making *m, const struct member *a, bool on)
{
	if (!a->in->semi_sync_available || a->in->semi_sync_priority == 0 ||
	    a->in->semi_sync_source_enabled == on)
		return;
	step(m, a, (struct step){ .verb = DO_SEMI_SYNC_SOURCE, .number = on,
		.why = on ? "it has a semi-sync priority, and will be written "
			    "to" :
			    "it has a semi-sync priority, and is no longer "
			    "written to" });
}

enum err_code
make_read_only(struct making *m)
{
	const struct member *a;
	enum err_code code = find(m, "set read-only", &a);

	if (code != ERR_NONE)
		return code;
	step(m, a, (struct step){ .verb = DO_READ_ONLY,
		.why = "it is asked for" });
	semi_source(m, a, false);
	return ERR_NONE;
}

enum err_code
make_writable(struct making *m)
{
	const struct member *a;
	enum err_code code = find(m, "set writeable", &a);

	if (code != ERR_NONE)
		return code;
	semi_source(m, a, true);
	step(m, a, (struct step){ .verb = DO_WRITABLE,
		.why = "it is asked for" });
	return ERR_NONE;
}

/* ---- semi-sync ---- */

static enum err_code
semi(struct making *m, enum verb verb, bool on, const char *title)
{
	const struct member *a;
	enum err_code code = find(m, title, &a);

	if (code != ERR_NONE)
		return code;
	if (!a->in->semi_sync_available)
		return err_set(m->err, ERR_UNSUPPORTED,
		    "%s has no semi-sync replication",
		    make_name(m, a->in->key));
	step(m, a, (struct step){ .verb = verb, .number = on,
		.why = "it is asked for" });
	return ERR_NONE;
}

enum err_code
make_semi_source_on(struct making *m)
{
	return semi(m, DO_SEMI_SYNC_SOURCE, true, "enable semi-sync source on");
}

enum err_code
make_semi_source_off(struct making *m)
{
	return semi(m, DO_SEMI_SYNC_SOURCE, false,
	    "disable semi-sync source on");
}

enum err_code
make_semi_replica_on(struct making *m)
{
	return semi(m, DO_SEMI_SYNC_REPLICA, true,
	    "enable semi-sync replica on");
}

enum err_code
make_semi_replica_off(struct making *m)
{
	return semi(m, DO_SEMI_SYNC_REPLICA, false,
	    "disable semi-sync replica on");
}

/* ---- binary logs ---- */

static enum err_code
has_log(struct making *m, const struct member *a)
{
	if (a->in->log_bin)
		return ERR_NONE;
	return err_set(m->err, ERR_INVALID, "%s has no binary log",
	    make_name(m, a->in->key));
}

/* A log file of the server, by its name. */
static enum err_code
is_own_log(struct making *m, const struct member *a, const struct coord *file)
{
	if (coord_comparable(file, &a->in->self_coord))
		return ERR_NONE;
	return err_set(m->err, ERR_INVALID, "%.200s is no binary log of %s, "
	    "which writes %.200s now", file->file, make_name(m, a->in->key),
	    a->in->self_coord.file);
}

/* text: flush until that file is written to; "": once. */
enum err_code
make_flush_logs(struct making *m)
{
	struct coord until = { m->r->text, 0, false }, now;
	const struct member *a;
	enum err_code code = find(m, "flush binary logs of", &a);

	if (code == ERR_NONE)
		code = has_log(m, a);
	if (code == ERR_NONE && until.file[0] != '\0')
		code = is_own_log(m, a, &until);
	if (code != ERR_NONE)
		return code;
	now = (struct coord){ a->in->self_coord.file, 0, false };
	if (until.file[0] != '\0' && coord_cmp(&until, &now) < 0)
		return err_set(m->err, ERR_INVALID, "%s writes %.200s already, "
		    "beyond %.200s", make_name(m, a->in->key), now.file,
		    until.file);
	step(m, a, (struct step){ .verb = DO_FLUSH_LOGS,
		.number = until.file[0] != '\0' ? FLUSH_MAX : 1,
		.text = until.file, .why = "it is asked for" });
	return ERR_NONE;
}

/* A replica, detached ones among them: they are to come back. */
static bool
follows(const struct instance *in, struct key source)
{
	struct key k = in->source_key;

	if (!instance_is_replica(in))
		return false;
	if (key_is_detached(k))
		k.host += strspn(k.host, "/");
	return key_eq(k, source);
}

/* Whoever still needs the file or those before it. */
static enum err_code
nobody_needs(struct making *m, const struct member *a,
    const struct coord *until)
{
	for (size_t i = 0; i < m->w->n; i++) {
		const struct instance *in = m->w->at[i]->in;
		const struct coord *at = &in->exec_coord;
		char text[COORD_TEXT_MAX];

		if (!follows(in, a->in->key) ||
		    (coord_comparable(at, until) && coord_cmp(at, until) > 0))
			continue;
		return err_set(m->err, ERR_INVALID, "%s has executed only up "
		    "to %.150s of %s: purging up to %.150s would take away "
		    "what it lacks", make_name(m, in->key),
		    coord_text(at, text), make_name(m, a->in->key),
		    until->file);
	}
	return ERR_NONE;
}

/* text: the first file that stays, or "latest". */
enum err_code
make_purge_logs(struct making *m)
{
	struct coord until = { m->r->text, 0, false };
	const struct member *a;
	enum err_code code = find(m, "purge binary logs of", &a);

	if (code == ERR_NONE)
		code = has_log(m, a);
	if (code != ERR_NONE)
		return code;
	if (until.file[0] == '\0')
		return err_set(m->err, ERR_INVALID,
		    "up to which binary log is not said");
	if (strcmp(until.file, "latest") == 0)
		until.file = a->in->self_coord.file;
	code = is_own_log(m, a, &until);
	if (code == ERR_NONE && !m->r->force)
		code = nobody_needs(m, a, &until);
	if (code != ERR_NONE)
		return code;
	m->p->title = plan_text(m->p, "%s up to %.200s", m->p->title,
	    until.file);
	step(m, a, (struct step){ .verb = DO_PURGE_LOGS, .text = until.file,
		.why = "it is asked for" });
	return ERR_NONE;
}

enum err_code
make_kill_query(struct making *m)
{
	const struct member *a;
	enum err_code code = find(m, "kill a query on", &a);

	if (code != ERR_NONE)
		return code;
	if (m->r->number <= 0)
		return err_set(m->err, ERR_INVALID,
		    "%lld is not the id of a query", (long long)m->r->number);
	step(m, a, (struct step){ .verb = DO_KILL_QUERY,
		.number = m->r->number, .why = "it is asked for" });
	return ERR_NONE;
}
