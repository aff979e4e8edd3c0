/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must hold on a field of servers.
 */
#include "config.h"

#include "moves/check.h"

#include <stdio.h>
#include <string.h>

static const char *
host_of(const struct model_server *s)
{
	return s->address[0].host;
}

#define WRONG(why, ...) (buf_printf(why, __VA_ARGS__), buf_chr(why, '\n'))

void
check_note_left(struct check *c, const struct field *f)
{
	char text[80];

	for (uint32_t i = 0; i < f->m->n; i++) {
		snprintf(text, sizeof text, "left: %.40s:3306 ",
		    host_of(f->m->server[i]));
		c->left[i] = c->left[i] ||
		    strstr(buf_text(&f->words), text) != NULL;
	}
}

void
check_remember(struct check *c, const struct field *f)
{
	memset(c->left, 0, sizeof c->left);
	for (uint32_t i = 0; i < f->m->n; i++) {
		const struct model_server *s = f->m->server[i];

		c->was[i] = (struct was){ .source = s->source,
			.io = s->io_wanted, .sql = s->sql_wanted,
			.read_only = s->read_only,
			.by_gtid = s->auto_position ||
			    s->use_gtid != MODEL_GTID_NO,
			.delay_s = s->channel.delay_s, .channel = s->channel,
			.incarnation = s->incarnation,
			.io_errno = s->io_errno, .sql_errno = s->sql_errno };
	}
}

static bool
same_source(const struct model_server *s, const struct was *w)
{
	return s->source.port == w->source.port &&
	    strcmp(s->source.host, w->source.host) == 0;
}

/* A thread that stopped by its own error is not our doing. */
static bool
same_threads(const struct model_server *s, const struct was *w)
{
	return (s->io_wanted == w->io || (w->io && s->io_errno != 0)) &&
	    (s->sql_wanted == w->sql || (w->sql && s->sql_errno != 0));
}

bool
check_is_told(const struct field *f, const struct model_server *s)
{
	char key[KEY_TEXT_MAX];

	snprintf(key, sizeof key, "%.40s:3306", host_of(s));
	for (unsigned i = 0; i < f->tracks; i++)
		if ((f->track[i].left != NULL &&
		    strstr(f->track[i].left, key) != NULL) ||
		    (i > 0 && f->track[i].left != NULL &&
			f->track[i].left[0] != '\0' &&
			strcmp(f->plan.server[f->plan.track[i].server].key.host,
			    host_of(s)) == 0))
			return true;
	return false;
}

/* The track that moves a server was carried out. */
static bool
is_done(const struct field *f, const struct model_server *s)
{
	for (unsigned i = 1; i < f->tracks; i++)
		if (f->track[i].end == TRACK_DONE &&
		    strcmp(f->plan.server[f->plan.track[i].server].key.host,
			host_of(s)) == 0)
			return true;
	return false;
}

/* Who restarted, or was made to, begins with its own threads. */
static bool
is_excused(const struct check *c, const struct model_server *s)
{
	return s->fault != MODEL_UP ||
	    s->incarnation != c->was[s->origin].incarnation;
}

void
check_as_before(const struct check *c, const struct field *f,
    const char *when, struct buf *why)
{
	/* Only the threads of one server were not brought back. */
	if (f->tracks > 0 && f->track[0].left != NULL &&
	    strstr(f->track[0].left, "what was done before stays") != NULL)
		return;
	for (uint32_t i = 0; i < f->m->n; i++) {
		const struct model_server *s = f->m->server[i];
		const struct was *w = &c->was[i];

		if (c->left[i] || check_is_told(f, s) || is_done(f, s))
			continue;
		if (!same_source(s, w))
			WRONG(why, "%s: %s replicates from %s, not from %s, and "
			    "nobody says so", when, host_of(s), s->source.host,
			    w->source.host);
		else if (!is_excused(c, s) && !same_threads(s, w))
			WRONG(why, "%s: %s has threads %d %d, not %d %d, and "
			    "nobody says so", when, host_of(s), s->io_wanted,
			    s->sql_wanted, w->io, w->sql);
	}
}

void
check_always(const struct check *c, const struct field *f, struct buf *why)
{
	if (f->m->wrongs > 0)
		WRONG(why, "%u times: %s", f->m->wrongs, f->m->wrong);
	for (uint32_t i = 0; i < f->m->n; i++) {
		const struct model_server *s = f->m->server[i];
		const struct was *w = &c->was[i];

		if (!s->read_only && w->read_only)
			WRONG(why, "%s is writable", host_of(s));
		/* What no operation here is about. */
		if (s->source.host[0] == '\0' || w->source.host[0] == '\0')
			continue;
		if (strcmp(s->channel.user, w->channel.user) != 0 ||
		    strcmp(s->channel.heartbeat, w->channel.heartbeat) != 0 ||
		    s->channel.connect_retry != w->channel.connect_retry ||
		    s->channel.delay_s != w->channel.delay_s)
			WRONG(why, "%s has lost something of its channel: user "
			    "%s, heartbeat %s", host_of(s), s->channel.user,
			    s->channel.heartbeat);
	}
}

void
check_threads(const struct check *c, const struct field *f, const char *when,
    struct buf *why)
{
	for (uint32_t i = 0; i < f->m->n; i++) {
		const struct model_server *s = f->m->server[i];

		if (!is_excused(c, s) && !check_is_told(f, s) &&
		    !same_threads(s, &c->was[i]))
			WRONG(why, "%s: %s has threads %d %d, not %d %d", when,
			    host_of(s), s->io_wanted, s->sql_wanted,
			    c->was[i].io, c->was[i].sql);
	}
}

/* Does it replicate, over however many, from the primary? */
static bool
is_attached(const struct field *f, const struct model_server *s,
    const struct model_server *primary)
{
	for (uint32_t i = 0; i <= f->m->n && s != NULL; i++) {
		if (s == primary)
			return true;
		if (!s->io_wanted || !s->sql_wanted)
			return false;
		s = model_source(f->m, s);
		/* What it does not log, those below never get. */
		if (s != NULL && s != primary && !s->log_replica_updates)
			return false;
	}
	return false;
}

unsigned
check_rows(const struct field *f, const struct model_server *primary,
    const bool *told, struct buf *why)
{
	unsigned attached = 0;

	if (f->m->wrongs > 0)
		WRONG(why, "%u times: %s", f->m->wrongs, f->m->wrong);
	for (uint32_t i = 0; i < f->m->n; i++) {
		const struct model_server *s = f->m->server[i];

		if (s->io_errno != 0 && s->source.host[0] != '/' && !told[i])
			WRONG(why, "%s: error %u: %s", host_of(s), s->io_errno,
			    s->io_error);
		if (!is_attached(f, s, primary))
			continue;
		attached++;
		if (!model_set_holds(&s->rows, &primary->rows))
			WRONG(why, "%s lacks rows", host_of(s));
	}
	return attached;
}
