/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must not be done: the refusal names the server and the rule, and nothing
 * has changed.  Each row sets one thing wrong.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "moves/check.h"
#include "tap.h"

/* The servers of the tree below. */
struct tree {
	struct field *f;
	struct model_server *a, *b, *c, *d, *e;
};

static void
lagging(struct tree *t)
{
	t->e->lag_s = 300;
}

static void
applier_stopped(struct tree *t)
{
	t->e->sql_wanted = false;
}

static void
format(struct tree *t)
{
	t->e->binlog_format = "STATEMENT";
	t->b->binlog_format = "STATEMENT";
}

static void
no_log_updates(struct tree *t)
{
	t->c->log_replica_updates = false;
}

static void
no_log(struct tree *t)
{
	t->c->log_bin = false;
}

static void
older(struct tree *t)
{
	strcpy(t->e->version, "5.7.44");
	t->e->number = version_parse("5.7.44");
}

static void
same_id(struct tree *t)
{
	t->c->server_id = t->e->server_id;
}

static void
filters(struct tree *t)
{
	t->f->policy.verify_filters = true;
	t->c->filters = true;
}

static void
other_flavour(struct tree *t)
{
	t->c->mariadb = true;
	strcpy(t->c->version, "10.11.6-MariaDB");
	t->c->number = version_parse("10.11.6-MariaDB");
}

static void
purged(struct tree *t)
{
	t->e->io_wanted = t->e->connected = false;
	field_pass(t->f, DUR_S(1));
	model_write(t->a, 5);
	field_pass(t->f, DUR_S(1));
	model_log_rotate(&t->c->binlog);
	model_purge_logs(t->c, 2);
}

static void
without_gtid(struct tree *t)
{
	t->c->gtid = false;
}

static void
denied(struct tree *t)
{
	t->e->change_denied = 1227;
}

static void
gone(struct tree *t)
{
	t->c->fault = MODEL_REFUSES;
}

static void
errant(struct tree *t)
{
	model_write(t->e, 3);
}

static void
read_write(struct tree *t)
{
	t->b->read_only = false;
}

static void
nothing(struct tree *t)
{
	(void)t;
}

static const struct {
	const char *what;
	const char *version;
	bool gtid;
	void (*spoil)(struct tree *t);
	const char *op, *server, *target;
	const char *says; /* "": it is done all the same */
} row[] = {
	{ "nothing wrong", "8.4.3", true, nothing, "relocate", "e", "c", "" },
	{ "a lagging replica, by position", "5.7.44", false, lagging,
	    "move-up", "e", NULL, "e:3306" },
	{ "a lagging replica, by GTID: that does not matter", "8.4.3", true,
	    lagging, "relocate", "e", "c", "" },
	{ "a stopped applier, by position", "5.7.44", false, applier_stopped,
	    "move-up", "e", NULL, "applier of e:3306" },
	{ "a stopped applier, by GTID: it stays stopped", "8.4.3", true,
	    applier_stopped, "relocate", "e", "c", "" },
	{ "a smaller binlog format", "8.4.3", true, format, "relocate", "e",
	    "c", "format" },
	{ "log_replica_updates off on the new source", "8.4.3", true,
	    no_log_updates, "relocate", "e", "c", "log_replica_updates" },
	{ "no binary log there", "8.4.3", true, no_log, "relocate", "e", "c",
	    "binary log" },
	{ "an older version", "8.4.3", true, older, "relocate", "e", "c",
	    "5.7.44" },
	{ "the same server id", "8.4.3", true, same_id, "relocate", "e", "c",
	    "server id" },
	{ "filters there and none here", "8.4.3", true, filters, "relocate",
	    "e", "c", "filter" },
	{ "another flavour", "8.4.3", true, other_flavour, "relocate", "e",
	    "c", "MariaDB" },
	{ "what it lacks is purged there", "8.4.3", true, purged, "relocate",
	    "e", "c", "purged" },
	{ "gtid_mode off there", "8.4.3", true, without_gtid, "relocate", "e",
	    "c", "gtid_mode" },
	{ "a missing privilege", "8.4.3", true, denied, "relocate", "e", "c",
	    "denied" },
	{ "the new source is gone", "8.4.3", true, gone, "relocate", "e", "c",
	    "c:3306" },
	{ "a ring", "8.4.3", true, nothing, "relocate", "b", "e",
	    "from each other" },
	{ "the primary", "8.4.3", true, nothing, "relocate", "a", "c",
	    "a:3306" },
	{ "below itself", "8.4.3", true, nothing, "relocate", "e", "e",
	    "itself" },
	{ "its own transactions would spread", "8.4.3", true, errant,
	    "take-master", "e", NULL, "errant" },
	{ "a second writable primary", "8.4.3", true, read_write,
	    "make-co-master", "b", NULL, "read-only" },
	{ "siblings by position without siblings", "5.7.44", false, nothing,
	    "move-below", "e", "c", "sibling" },
	{ "log_slave_updates off, MariaDB", "10.11.6-MariaDB", true,
	    no_log_updates, "relocate", "e", "c", "log_replica_updates" },
};

/* a; b, c and d below it; e below b. */
static void
build(struct tree *t, const char *version, bool gtid)
{
	static const char *const above[][2] = { { "a", NULL }, { "b", "a" },
		{ "c", "a" }, { "d", "a" }, { "e", "b" } };
	struct model_server **at[] = { &t->a, &t->b, &t->c, &t->d, &t->e };

	t->f = field_new(1);
	t->f->policy.pseudo_gtid = false;
	t->f->policy.markers = NULL;
	for (size_t i = 0; i < MEM_COUNT(above); i++) {
		struct model_server *s = model_add(t->f->m, above[i][0], 3306,
		    version);

		strcpy(s->report_host, above[i][0]);
		s->gtid = s->gtid_strict = gtid;
		if (above[i][1] != NULL)
			model_replicate(s, model_find(t->f->m, above[i][1],
			    3306));
		*at[i] = s;
	}
	model_write(t->a, 20);
	field_pass(t->f, DUR_S(1));
	field_look_all(t->f);
}

static void
test_row(size_t i)
{
	struct tree t;
	struct check c;
	struct buf why;
	enum err_code code;

	build(&t, row[i].version, row[i].gtid);
	row[i].spoil(&t);
	/* Some of it takes a restart: whoever asks connects again. */
	for (uint32_t k = 0; k < t.f->m->n; k++)
		t.f->m->server[k]->incarnation++;
	field_pass(t.f, DUR_S(1));
	field_look_all(t.f);
	check_remember(&c, t.f);
	buf_init(&why);
	code = field_do(t.f, row[i].op, row[i].server, row[i].target);
	if (row[i].says[0] == '\0') {
		is_str(t.f->err.text, "", "%s: %s", row[i].version,
		    row[i].what);
		check_threads(&c, t.f, row[i].op, &why);
	} else {
		ok(code != ERR_NONE && strstr(t.f->err.text, row[i].says) !=
		    NULL, "%s: %s: %s", row[i].version, row[i].what,
		    t.f->err.text);
		check_as_before(&c, t.f, row[i].op, &why);
	}
	check_always(&c, t.f, &why);
	is_str(buf_text(&why), "", "and all else is as before");
	buf_fini(&why);
	field_free(t.f);
}

int
main(void)
{
	for (size_t i = 0; i < MEM_COUNT(row); i++)
		test_row(i);
	return tap_done();
}
