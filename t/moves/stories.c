/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What people use moves for: a source is dead, a target is away, replicas differ
 * in how far they are.  The tree and its rows afterwards.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "moves/check.h"
#include "tap.h"

enum { A, B, C, D, E, SERVERS };

struct story {
	const char *what;
	const char *version;
	bool gtid;
	void (*prepare)(struct field *f);
	const char *op, *server, *target;
	enum err_code code;
	/* whom b, c, d and e replicate from afterwards */
	const char *source[SERVERS];
};

static void
write_some(struct field *f)
{
	model_client_write(f->m->server[A], 1);
}

static void
pass(struct field *f, int ms)
{
	for (int i = 0; i < ms / 50; i++)
		field_pass(f, DUR_MS(50));
}

/* ---- how things are ---- */

static void
all_is_well(struct field *f)
{
	pass(f, 500);
}

static void
die(struct model_server *s)
{
	s->fault = MODEL_REFUSES;
	s->connected = false;
}

/* d is behind, c has received what it did not apply, and the primary dies. */
static void
primary_dies(struct field *f)
{
	f->m->server[D]->io_wanted = f->m->server[D]->connected = false;
	f->m->server[C]->sql_wanted = false;
	pass(f, 500);
	f->m->server[C]->sql_wanted = true;
	f->m->server[D]->io_wanted = true;
	f->tick = NULL;
	die(f->m->server[A]);
	pass(f, 20000);
}

static void
target_dies(struct field *f)
{
	pass(f, 500);
	die(f->m->server[C]);
	pass(f, 500);
}

/* It was given nothing since its source was changed. */
static void
idle_since(struct field *f)
{
	f->tick = NULL;
	pass(f, 500);
	field_look_all(f);
	if (field_do(f, "relocate", "d", "b") != ERR_NONE)
		diag("relocate d b: %s", f->err.text);
	pass(f, 500);
}

static void
one_lags(struct field *f)
{
	f->m->server[B]->lag_s = 3;
	pass(f, 4000);
}

static void
one_is_stopped(struct field *f)
{
	f->m->server[B]->sql_wanted = false;
	pass(f, 1000);
}

/* ---- stories ---- */

#define MYSQL "8.4.3"
#define MARIADB "10.11.6-MariaDB"
static const struct story stories[] = {
	{ "a dead primary's replicas gather, GTID", MYSQL, true, primary_dies,
	    "regroup-replicas", "a", NULL, ERR_NONE,
	    { NULL, "a", "b", "b", "b" } },
	{ "a dead primary's replicas gather, MariaDB", MARIADB, true,
	    primary_dies, "regroup-replicas", "a", NULL, ERR_NONE,
	    { NULL, "a", "b", "b", "b" } },
	{ "by file: who lacks something stays", MYSQL, false, primary_dies,
	    "regroup-replicas", "a", NULL, ERR_NONE,
	    { NULL, "a", "b", "a", "b" } },
	{ "a replica waits for a source that is away", MYSQL, true, target_dies,
	    "repoint", "d", "c", ERR_NONE, { NULL, "a", "a", "c", "b" } },
	{ "likewise on MariaDB", MARIADB, true, target_dies, "repoint", "d",
	    "c", ERR_NONE, { NULL, "a", "a", "c", "b" } },
	{ "nobody is relocated below one that is away", MYSQL, true,
	    target_dies, "relocate", "d", "c", ERR_UNREACHABLE,
	    { NULL, "a", "a", "a", "b" } },
	{ "an idle replica takes its source's place", MYSQL, true, idle_since,
	    "take-master", "d", NULL, ERR_NONE, { NULL, "d", "a", "a", "b" } },
	{ "likewise on MariaDB", MARIADB, true, idle_since, "take-master", "d",
	    NULL, ERR_NONE, { NULL, "d", "a", "a", "b" } },
	{ "by file", MYSQL, false, idle_since, "take-master", "d", NULL,
	    ERR_NONE, { NULL, "d", "a", "a", "b" } },
	{ "who is ahead waits for its source to come up", MARIADB, true,
	    one_lags, "relocate", "c", "b", ERR_NONE,
	    { NULL, "a", "b", "a", "b" } },
	{ "by file both come to the same place", MYSQL, false, one_lags,
	    "take-siblings", "b", NULL, ERR_NONE,
	    { NULL, "a", "b", "b", "b" } },
	{ "one level up, all by file", MARIADB, false, all_is_well,
	    "relocate-replicas", "b", "a", ERR_NONE,
	    { NULL, "a", "a", "a", "a" } },
	{ "MariaDB: nobody waits for one that stands", MARIADB, true,
	    one_is_stopped, "relocate", "c", "b", ERR_UNSUPPORTED,
	    { NULL, "a", "a", "a", "b" } },
	{ "MySQL: below one that stands", MYSQL, true, one_is_stopped,
	    "relocate", "c", "b", ERR_NONE, { NULL, "a", "b", "a", "b" } },
};

/* b, c and d are below a, and e below b. */
static struct field *
build(const struct story *s)
{
	static const char *const host[] = { "a", "b", "c", "d", "e" };
	struct field *f = field_new(1);

	for (int i = 0; i < SERVERS; i++) {
		struct model_server *m = model_add(f->m, host[i], 3306,
		    s->version);

		strcpy(m->report_host, host[i]);
		m->gtid = m->gtid_strict = s->gtid;
		if (i > 0)
			model_replicate(m, f->m->server[i == E ? B : A]);
	}
	/* What goes by file goes by places only. */
	f->policy.pseudo_gtid = false;
	f->policy.markers = NULL;
	f->tick = write_some;
	pass(f, 1000);
	field_look_all(f);
	return f;
}

static void
heal(struct field *f)
{
	for (uint32_t i = 0; i < f->m->n; i++) {
		struct model_server *s = f->m->server[i];

		if (s->fault == MODEL_REFUSES)
			model_restart(s, f->now);
		s->fault = MODEL_UP;
		s->lag_s = 0;
		if (i > 0)
			s->io_wanted = s->sql_wanted = true;
	}
	f->tick = NULL;
	pass(f, 20000);
}

static void
tell(const struct story *s)
{
	bool told[FIELD_SERVERS_MAX] = { false };
	struct field *f = build(s);
	struct check c;
	struct buf why;
	enum err_code code;

	buf_init(&why);
	s->prepare(f);
	field_look_all(f);
	check_remember(&c, f);
	code = field_do(f, s->op, s->server, s->target);
	if (!is_int(code, s->code, "%s", s->what))
		diag("%s\n%s", f->err.text, buf_text(&f->words));
	for (int i = B; i < SERVERS; i++)
		if (strcmp(f->m->server[i]->source.host, s->source[i]) != 0)
			buf_printf(&why, "%s is below %s\n",
			    f->m->server[i]->hostname,
			    f->m->server[i]->source.host);
	check_always(&c, f, &why);
	check_threads(&c, f, s->op, &why);
	heal(f);
	check_rows(f, f->m->server[A], told, &why);
	if (!is_str(buf_text(&why), "", "and all have every row"))
		diag("%s", buf_text(&f->words));
	buf_fini(&why);
	field_free(f);
}

int
main(void)
{
	for (size_t i = 0; i < MEM_COUNT(stories); i++)
		tell(&stories[i]);
	return tap_done();
}
