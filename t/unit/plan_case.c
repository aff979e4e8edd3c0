/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plans, from the drawn topologies of t/cases/plan.  A .case file has
 *
 *	draw	a > b c; c > d		b and c replicate from a, d from c
 *		e <> f			e and f from each other
 *		(x) > g			nobody knows x
 *	set	b pos=bin.000002:120	facts, by their column in instance.def
 *	rules	pseudo_gtid		the policy, and what operators said
 *	equal	a bin.000003:120 b bin.000001:77	places that are the same
 *	meanwhile b pos=...		likewise, but found when stage 2 is made
 *	ask WORD...			a request, and the plan for it
 *	show WORD...			the same as people get to see it
 *	candidate a			who takes the replicas of a
 *	may b a				may b replicate from a?  and by GTID?
 *
 * each with indented lines below: of "ask" what the plan must be, to the letter,
 * or "refused: ..." and what is foreseen after it.  Servers without a port have
 * 3306.  "@b" is b's uuid.  Words of "set" that are no facts:
 *	pos=FILE:N	executed and received	read=FILE:N	received
 *	self=FILE:N	its own binary log	stopped		both threads
 *	broken		its applier, by an error	lag=N
 *	gtid=SET	MySQL's, and used	mariadb=POS	likewise
 *	bls		a binlog server		marked		it has markers
 *	errant=SET	as its cluster found
 *	fail		its last probe failed	unseen		all of them did
 *	stale=N		looked at N seconds ago	group=NAME,PRIMARY
 * A plan is complete: later stages are made from what is foreseen.  With
 * PLAN_CASES_PRINT in the environment nothing is compared, and what came is
 * printed in the form of a case.
 */
#include "config.h"

#include <ctype.h>
#include <glob.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "plan/candidate.h"
#include "plan/plan.h"
#include "tap.h"
#include "topology/coord.h"
#include "topology/gtid.h"
#include "topology/gtid_mariadb.h"

enum { SERVERS_MAX = 64, WORDS_MAX = 64, EQUALS_MAX = 8, NOW_S = 1000000 };
#define NOW ((wall_t){ INT64_C(1000000) * NOW_S })

struct server {
	struct instance in;
	struct member m;
	bool unknown;
};

struct equal {
	struct key source, target;
	struct coord from, to;
};

struct scene {
	const char *file;
	struct arena a;
	struct server at[SERVERS_MAX];
	size_t n;
	const struct member *sorted[SERVERS_MAX];
	struct plan_policy policy;
	struct control *control;
	struct equal equal[EQUALS_MAX];
	size_t equals;
	struct world world;
	struct key banned;
	const char *meanwhile; /* lines; NULL: nothing happens */
};

static void
die(const struct scene *c, const char *what, const char *text)
{
	printf("Bail out! %s: %s: %s\n", c->file, what, text);
	exit(1);
}

/* ---- servers ---- */

static struct key
parse_name(struct scene *c, const char *name)
{
	struct err err = ERR_INIT;
	struct key k;

	if (strcmp(name, "-") == 0)
		return KEY_NONE;
	if (key_parse(&k, name, 3306, &c->a, &err) != ERR_NONE)
		die(c, "not a server", name);
	return k;
}

static struct server *
find(struct scene *c, struct key k)
{
	for (size_t i = 0; i < c->n; i++)
		if (key_eq(c->at[i].in.key, k))
			return &c->at[i];
	return NULL;
}

static struct server *
find_or_add(struct scene *c, const char *name)
{
	struct key k = parse_name(c, name);
	struct server *s = find(c, k);
	struct instance *in;

	if (s != NULL)
		return s;
	if (c->n == SERVERS_MAX)
		die(c, "too many servers", name);
	s = &c->at[c->n++];
	in = &s->in;
	instance_init(in);
	in->key = k;
	in->server_id = c->n;
	in->server_uuid = arena_printf(&c->a,
	    "%08zx-0000-0000-0000-000000000000", c->n);
	in->version = "8.4.3";
	in->binlog_format = "ROW";
	in->binlog_row_image = "FULL";
	in->log_bin = in->log_replica_updates = true;
	in->self_coord = (struct coord){ arena_printf(&c->a, "%s.000001",
	    k.host), 1000, false };
	in->has_replication_credentials = true;
	s->m.health = (struct health){ .last_checked = NOW, .last_seen = NOW,
		.last_attempted = NOW, .error = "" };
	return s;
}

/* "@b" in text becomes b's uuid. */
static const char *
expand(struct scene *c, const char *text)
{
	const char *out;
	struct buf b;

	buf_init(&b);
	for (const char *p = text; *p != '\0';) {
		char name[64];
		size_t n = 0;

		if (*p != '@') {
			buf_chr(&b, *p++);
			continue;
		}
		for (p++; isalnum((unsigned char)*p) && n < 63; p++)
			name[n++] = *p;
		name[n] = '\0';
		buf_str(&b, find_or_add(c, name)->in.server_uuid);
	}
	out = arena_strdup(&c->a, buf_text(&b));
	buf_fini(&b);
	return out;
}

/* The reverse; and ports that everybody has are not shown. */
static const char *
shorten(struct scene *c, const char *text)
{
	const char *out;
	struct buf b;

	buf_init(&b);
	while (*text != '\0') {
		size_t i = 0;

		while (i < c->n && (c->at[i].in.server_uuid[0] == '\0' ||
			strncmp(text, c->at[i].in.server_uuid, 36) != 0))
			i++;
		if (i < c->n) {
			buf_printf(&b, "@%s", c->at[i].in.key.host);
			text += 36;
		} else if (strncmp(text, ":3306", 5) == 0) {
			text += 5;
		} else {
			buf_chr(&b, *text++);
		}
	}
	out = arena_strdup(&c->a, buf_text(&b));
	buf_fini(&b);
	return out;
}

/* ---- draw ---- */

static void
link_to(struct scene *c, struct server *s, struct server *source)
{
	struct instance *in = &s->in;

	in->source_key = source->in.key;
	in->source_uuid = source->in.server_uuid;
	in->source_host_raw = source->in.key.host;
	in->exec_coord = in->read_coord = (struct coord){
		arena_printf(&c->a, "%s.000001", source->in.key.host), 1000,
		false };
	in->io_state = in->sql_state = THREAD_RUNNING;
	in->io_running = in->sql_running = true;
	in->lag_seconds = in->seconds_behind = (struct nullint){ 0, true };
	in->read_only = true;
	in->channels = 1;
}

static size_t
split(struct scene *c, char *line, char **word)
{
	size_t n = 0;

	for (char *p = strtok(line, " \t"); p != NULL; p = strtok(NULL, " \t")) {
		if (n == WORDS_MAX)
			die(c, "too many words", p);
		word[n++] = p;
	}
	return n;
}

static void
draw_statement(struct scene *c, char **word, size_t n)
{
	struct server *left = NULL;

	for (size_t i = 0; i < n; i++) {
		char *name = word[i];
		bool unknown = name[0] == '(';
		struct server *s;

		if (strcmp(name, ">") == 0 || strcmp(name, "<>") == 0)
			continue;
		if (unknown) {
			name++;
			name[strcspn(name, ")")] = '\0';
		}
		s = find_or_add(c, name);
		s->unknown = unknown;
		if (i == 0) {
			left = s;
			continue;
		}
		link_to(c, s, left);
		if (strcmp(word[1], "<>") == 0) {
			link_to(c, left, s);
			left->in.read_only = false;
			left->in.is_co_primary = s->in.is_co_primary = true;
		}
	}
}

static void
draw(struct scene *c, char *line)
{
	char *word[WORDS_MAX], *save = NULL;

	for (char *p = strtok_r(line, ";", &save); p != NULL;
	    p = strtok_r(NULL, ";", &save))
		draw_statement(c, word, split(c, p, word));
}

/* ---- set ---- */

static struct coord
parse_coord(struct scene *c, const char *v)
{
	struct err err = ERR_INIT;
	struct coord at = { "", 0, false };

	if (v == NULL || (strcmp(v, "-") != 0 &&
		coord_parse(&at, v, &c->a, &err) != ERR_NONE))
		die(c, "not a place", v == NULL ? "" : v);
	return at;
}

static void
set_fact(struct scene *c, struct instance *in, const char *name, const char *v)
{
	const struct instance_field *f = instance_fields;
	const struct instance_field *end = f + instance_field_count;
	void *p;

	while (f < end && strcmp(f->column, name) != 0)
		f++;
	if (f == end || (v == NULL && f->kind != KIND_BOOL))
		die(c, "not a fact", name);
	p = (char *)in + f->offset;
	switch (f->kind) {
	case KIND_STR: *(const char **)p = expand(c, v); break;
	case KIND_UINT: *(uint64_t *)p = strtoull(v, NULL, 10); break;
	case KIND_INT: *(int64_t *)p = atoll(v); break;
	case KIND_BOOL: *(bool *)p = v == NULL || strcmp(v, "1") == 0; break;
	case KIND_KEY: *(struct key *)p = parse_name(c, v); break;
	case KIND_COORD: *(struct coord *)p = parse_coord(c, v); break;
	case KIND_NULLINT:
		*(struct nullint *)p = (struct nullint){ atoll(v),
			strcmp(v, "null") != 0 };
		break;
	default: die(c, "cannot be set", name);
	}
}

static void
set_stopped(struct instance *in)
{
	in->io_state = in->sql_state = THREAD_STOPPED;
	in->io_running = in->sql_running = false;
	in->seconds_behind = in->lag_seconds = (struct nullint){ 0, false };
}

static void
set_gtid(struct scene *c, struct instance *in, const char *v)
{
	in->gtid_mode = "ON";
	in->supports_oracle_gtid = true;
	in->using_oracle_gtid = instance_is_replica(in);
	in->executed_gtid_set = expand(c, v);
}

static void
set_mariadb(struct instance *in, const char *v)
{
	in->version = "10.11.6-MariaDB";
	in->server_uuid = "";
	if (v == NULL)
		return;
	in->using_mariadb_gtid = instance_is_replica(in);
	in->using_gtid_text = in->using_mariadb_gtid ? "Slave_Pos" : "No";
	in->mariadb_binlog_pos = in->mariadb_current_pos = v;
	in->mariadb_slave_pos = in->using_mariadb_gtid ? v : "";
}

static void
set_health(struct server *s, int64_t stale, bool fail, bool unseen)
{
	struct health *h = &s->m.health;

	h->last_checked = wall_add(NOW, DUR_S(-stale));
	h->last_seen = fail ? wall_add(NOW, DUR_S(-60)) : h->last_checked;
	if (unseen)
		h->last_seen = (wall_t){ 0 };
	if (!fail)
		return;
	h->failures = 1;
	h->error_code = ERR_UNREACHABLE;
	h->error = "connection refused";
}

static void
set_group(struct scene *c, struct instance *in, char *v)
{
	char *primary = strchr(v, ',');

	if (primary == NULL)
		die(c, "group=NAME,PRIMARY", v);
	*primary++ = '\0';
	in->group_name = arena_strdup(&c->a, v);
	in->group_primary = parse_name(c, primary);
	in->group_member_role = key_eq(in->group_primary, in->key) ?
	    "PRIMARY" : "SECONDARY";
	in->group_member_state = "ONLINE";
}

static bool
set_places(struct scene *c, struct instance *in, const char *word,
    const char *v)
{
	if (strcmp(word, "pos") == 0)
		in->exec_coord = in->read_coord = parse_coord(c, v);
	else if (strcmp(word, "read") == 0)
		in->read_coord = parse_coord(c, v);
	else if (strcmp(word, "self") == 0)
		in->self_coord = parse_coord(c, v);
	else
		return false;
	return true;
}

static bool
set_state(struct server *s, const char *word, const char *v)
{
	struct instance *in = &s->in;

	if (strcmp(word, "stopped") == 0)
		set_stopped(in);
	else if (strcmp(word, "lag") == 0)
		in->seconds_behind.v = in->lag_seconds.v = atoll(v);
	else if (strcmp(word, "bls") == 0)
		in->version = "2.5.1-maxscale";
	else if (strcmp(word, "marked") == 0)
		in->using_pseudo_gtid = true;
	else if (strcmp(word, "fail") == 0)
		set_health(s, 0, true, false);
	else if (strcmp(word, "unseen") == 0)
		set_health(s, 0, true, true);
	else if (strcmp(word, "stale") == 0)
		set_health(s, atoll(v), false, false);
	else
		return false;
	return true;
}

static void
set_word(struct scene *c, struct server *s, char *word)
{
	char *v = strchr(word, '=');
	struct instance *in = &s->in;

	if (v != NULL)
		*v++ = '\0';
	if (set_places(c, in, word, v) || set_state(s, word, v))
		return;
	if (strcmp(word, "broken") == 0) {
		in->sql_state = THREAD_STOPPED;
		in->sql_running = false;
		in->seconds_behind.valid = in->lag_seconds.valid = false;
		in->last_sql_error = "Duplicate entry '1' for key 'PRIMARY'";
	} else if (strcmp(word, "gtid") == 0) {
		set_gtid(c, in, v);
	} else if (strcmp(word, "mariadb") == 0) {
		set_mariadb(in, v == NULL ? NULL : arena_strdup(&c->a, v));
	} else if (strcmp(word, "errant") == 0) {
		in->gtid_errant = expand(c, v);
	} else if (strcmp(word, "group") == 0) {
		set_group(c, in, v);
	} else {
		set_fact(c, in, word, v);
	}
}

static void
set(struct scene *c, char *line)
{
	char *word[WORDS_MAX];
	size_t n = split(c, line, word);
	char *save = NULL;

	for (char *name = strtok_r(word[0], ",", &save); name != NULL;
	    name = strtok_r(NULL, ",", &save)) {
		struct server *s = find(c, parse_name(c, name));

		if (s == NULL)
			die(c, "set: not drawn", name);
		for (size_t i = 1; i < n; i++)
			set_word(c, s, arena_strdup(&c->a, word[i]));
	}
}

/* ---- rules ---- */

static void
apply(struct scene *c, struct buf *command)
{
	struct control *new;
	struct err err = ERR_INIT;

	if (control_apply(c->control, (struct bin){ (uint8_t *)command->data,
		command->len }, &new, NULL, &err) != ERR_NONE)
		die(c, "control", err.text);
	control_unref(c->control);
	c->control = new;
	buf_fini(command);
}

static void
rule_of(struct scene *c, const char *name, const char *word)
{
	enum promotion_rule rule;
	struct buf b;

	buf_init(&b);
	if (promotion_rule_parse(&rule, word, NULL) != ERR_NONE)
		die(c, "not a promotion rule", word);
	command_pack(&b, register_candidate, .at = NOW,
	    .key = parse_name(c, name), .rule = rule);
	apply(c, &b);
}

static void
downtime(struct scene *c, const char *name)
{
	struct buf b;

	buf_init(&b);
	command_pack(&b, begin_downtime, .at = NOW, .key = parse_name(c, name),
	    .owner = "ann", .reason = "disk", .duration = DUR_S(600));
	apply(c, &b);
}

static bool
is_banned(const void *arg, struct key k)
{
	const struct scene *c = arg;

	return key_eq(k, c->banned);
}

static void
rules(struct scene *c, char *line)
{
	char *word[WORDS_MAX];
	size_t n = split(c, line, word);

	for (size_t i = 0; i < n; i++) {
		char *v = strchr(word[i], '=');

		if (v != NULL)
			*v++ = '\0';
		if (strcmp(word[i], "pseudo_gtid") == 0)
			c->policy.pseudo_gtid = true;
		else if (strcmp(word[i], "lower_version") == 0)
			c->policy.lower_version_allowed = true;
		else if (strcmp(word[i], "filters") == 0)
			c->policy.verify_filters = true;
		else if (strcmp(word[i], "banned") == 0 && v != NULL)
			c->banned = parse_name(c, v);
		else if (strcmp(word[i], "downtime") == 0 && v != NULL)
			downtime(c, v);
		else if (v != NULL)
			rule_of(c, word[i], v);
		else
			die(c, "rules: not known", word[i]);
	}
}

static void
equal(struct scene *c, char *line)
{
	char *word[WORDS_MAX];
	struct equal *e = &c->equal[c->equals++];

	if (split(c, line, word) != 4 || c->equals == EQUALS_MAX)
		die(c, "equal", line);
	e->source = parse_name(c, word[0]);
	e->from = parse_coord(c, word[1]);
	e->target = parse_name(c, word[2]);
	e->to = parse_coord(c, word[3]);
}

static bool
find_equal(const void *arg, struct key source, const struct coord *at,
    struct key target, struct coord *out)
{
	const struct scene *c = arg;

	for (size_t i = 0; i < c->equals; i++)
		if (key_eq(c->equal[i].source, source) &&
		    key_eq(c->equal[i].target, target) &&
		    coord_eq(&c->equal[i].from, at)) {
			*out = c->equal[i].to;
			return true;
		}
	return false;
}

/* ---- the world ---- */

static int
by_key(const void *x, const void *y)
{
	const struct member *const *a = x, *const *b = y;

	return key_cmp((*a)->in->key, (*b)->in->key);
}

static void
place(struct scene *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++) {
		struct server *s = &c->at[i];
		struct key *at = arena_alloc(&c->a, c->n * sizeof *at);
		size_t replicas = 0;

		for (size_t k = 0; k < c->n; k++)
			if (key_eq(c->at[k].in.source_key, s->in.key))
				at[replicas++] = c->at[k].in.key;
		s->in.replicas = keys_sorted(at, replicas, &c->a);
		s->m.in = &s->in;
		if (!s->unknown)
			c->sorted[n++] = &s->m;
	}
	qsort(c->sorted, n, sizeof *c->sorted, by_key);
	c->world = (struct world){ .at = c->sorted, .n = n,
		.control = c->control, .policy = &c->policy, .now = NOW,
		.equivalent = find_equal, .equivalent_arg = c };
}

/* ---- ask ---- */

static void
parse_request(struct scene *c, char **word, size_t n, struct plan_request *r)
{
	size_t keys = 0;

	*r = (struct plan_request){ .op = word[0], .server = KEY_NONE,
		.target = KEY_NONE };
	for (size_t i = 1; i < n; i++) {
		char *v = strchr(word[i], '=');

		if (strcmp(word[i], "force") == 0) {
			r->force = true;
			continue;
		}
		if (v == NULL) {
			*(keys++ == 0 ? &r->server : &r->target) =
			    parse_name(c, word[i]);
			continue;
		}
		*v++ = '\0';
		if (strcmp(word[i], "pattern") == 0)
			r->pattern = v;
		else if (strcmp(word[i], "number") == 0)
			r->number = atoll(v);
		else if (strcmp(word[i], "text") == 0)
			r->text = v;
		else if (strcmp(word[i], "user") == 0)
			r->user = v;
		else if (strcmp(word[i], "at") == 0)
			r->at = parse_coord(c, v);
		else
			die(c, "ask: not known", word[i]);
	}
}

static const char *const need_wire[] = {
#define NEED(NAME, wire, words) wire,
#include "plan/needs.def"
#undef NEED
};

static void
write_at(const struct plan *p, const struct plan_at *at, struct buf *b)
{
	static const char *const kind[] = { "", "", " at the end of ",
		" at what was executed by ", " at what was found for " };
	char text[COORD_TEXT_MAX];

	if (at->kind == AT_GIVEN)
		buf_printf(b, " at %s", coord_text(&at->coord, text));
	else if (at->kind != AT_NONE)
		buf_printf(b, "%s%s", kind[at->kind],
		    p->server[at->server].key.host);
}

static void
write_step(const struct plan *p, const struct step *s, struct buf *b)
{
	const char *comma = " | ";

	if (s->track != 0)
		buf_printf(b, "[%u] ", s->track);
	buf_printf(b, "%s: %s", p->server[s->server].key.host,
	    verb_wire(s->verb));
	if (s->to != PLAN_NOBODY)
		buf_printf(b, " %s", p->server[s->to].key.host);
	write_at(p, &s->at, b);
	if (s->gtid != GTID_NEUTRAL)
		buf_str(b, s->gtid == GTID_FORCE ? " by gtid" : " by file");
	if (s->number != 0)
		buf_printf(b, " %lld", (long long)s->number);
	if (s->text[0] != '\0')
		buf_printf(b, " \"%s\"", s->text);
	if (s->unresolved)
		buf_str(b, " unresolved");
	if (s->last_resort)
		buf_str(b, " always");
	for (unsigned n = 0; n < NEEDS; n++)
		if ((s->needs & (UINT64_C(1) << n)) != 0) {
			buf_printf(b, "%s%s", comma, need_wire[n]);
			comma = ", ";
		}
	buf_chr(b, '\n');
}

/* What would be other than it is. */
static void
write_change(const struct instance *was, const struct instance *is,
    struct buf *b)
{
	const char *host = is->key.host;

	if (!key_eq(was->source_key, is->source_key))
		buf_printf(b, "then: %s below %s\n", host,
		    key_is_none(is->source_key) ? "nobody" :
						  is->source_key.host);
	if (was->io_state != is->io_state || was->sql_state != is->sql_state)
		buf_printf(b, "then: %s's threads %lld %lld\n", host,
		    (long long)is->io_state, (long long)is->sql_state);
	if (was->read_only != is->read_only)
		buf_printf(b, "then: %s is %s\n", host,
		    is->read_only ? "read-only" : "writeable");
	if (was->using_oracle_gtid != is->using_oracle_gtid ||
	    was->using_mariadb_gtid != is->using_mariadb_gtid)
		buf_printf(b, "then: %s replicates by %s\n", host,
		    is->using_oracle_gtid || is->using_mariadb_gtid ? "gtid" :
								      "file");
}

static void
write_plan(struct scene *c, const struct plan *p, struct buf *b)
{
	const struct world *after = plan_foresee(p, &c->world, &c->a);

	buf_printf(b, "%s%s%s\n", p->title, p->method[0] != '\0' ? ", " : "",
	    p->method);
	for (size_t i = 0; i < p->steps; i++)
		write_step(p, &p->step[i], b);
	if (!key_is_none(p->chosen))
		buf_printf(b, "chosen: %s\n", p->chosen.host);
	for (size_t i = 0; i < p->left_outs; i++)
		buf_printf(b, "left out: %s: %s\n", p->left_out[i].key.host,
		    p->left_out[i].why);
	for (size_t i = 0; i < p->warnings; i++)
		buf_printf(b, "warning: %s\n", p->warning[i]);
	for (size_t i = 0; i < after->n; i++)
		write_change(c->world.at[i]->in, after->at[i]->in, b);
}

/* What holds of every plan. */
static void
check_plan(struct scene *c, const struct plan *p, const char *what)
{
	bool locked = true, bounded = true, told = true;

	for (size_t i = 0; i < p->steps; i++) {
		const struct step *s = &p->step[i];

		if (verb_changes(s->verb) && !p->server[s->server].locked)
			locked = false;
		if (s->limit.us <= 0)
			bounded = false;
		if (s->why[0] == '\0')
			told = false;
	}
	if (!locked || !bounded || !told || p->stage != 0)
		ok(false, "%s: %s: locked, bounded, told, complete", c->file,
		    what);
}

/* The request, as it comes out of a message. */
static void
through_message(struct scene *c, struct plan_request *r)
{
	struct plan_request out;
	struct buf b;
	struct pcur cur;
	void *bytes;

	buf_init(&b);
	plan_request_pack(&b, r);
	bytes = arena_alloc(&c->a, b.len);
	memcpy(bytes, b.data, b.len);
	pcur_init(&cur, bytes, b.len);
	if (!plan_request_unpack(&cur, &out) || !pcur_done(&cur))
		die(c, "request", "is not what was packed");
	*r = out;
	buf_fini(&b);
}

static const char *
tidy(struct scene *c, struct buf *b)
{
	const char *out;

	while (b->len > 0 && b->data[b->len - 1] == '\n')
		b->data[--b->len] = '\0';
	out = shorten(c, buf_text(b));
	buf_fini(b);
	return out;
}

/* The facts of the plan's servers are copies in what is foreseen. */
static void
happen(struct scene *c, const struct world *w)
{
	char *text = arena_strdup(&c->a, c->meanwhile), *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line != NULL;
	    line = strtok_r(NULL, "\n", &save)) {
		char *word[WORDS_MAX];
		size_t n = split(c, line, word);
		const struct member *m = world_find(w,
		    parse_name(c, word[0]));
		struct server s;

		if (m == NULL)
			die(c, "meanwhile: not drawn", word[0]);
		s.in = *m->in;
		s.m = *m;
		for (size_t i = 1; i < n; i++)
			set_word(c, &s, arena_strdup(&c->a, word[i]));
		*(struct instance *)(uintptr_t)m->in = s.in;
		((struct member *)(uintptr_t)m)->health = s.m.health;
	}
}

/* As plan_make_whole(), but things happen between the stages. */
static enum err_code
make_whole(struct scene *c, struct plan *p, const struct plan_request *r,
    struct err *err)
{
	enum err_code code;

	if (c->meanwhile == NULL)
		return plan_make_whole(p, r, &c->world, err);
	code = plan_make(p, r, &c->world, err);
	while (code == ERR_NONE && p->stage != 0) {
		const struct world *w = plan_foresee(p, &c->world, &p->arena);

		happen(c, w);
		code = plan_make(p, r, w, err);
	}
	return code;
}

static const char *
answer(struct scene *c, char **word, size_t n, bool show)
{
	struct plan_request r;
	struct err err = ERR_INIT;
	struct plan p;
	struct buf b;

	buf_init(&b);
	plan_init(&p);
	parse_request(c, word, n, &r);
	through_message(c, &r);
	if (make_whole(c, &p, &r, &err) != ERR_NONE) {
		buf_printf(&b, "refused: %s: %s", err_name(err.code),
		    err.text);
	} else if (show) {
		plan_words(&p, &b);
	} else {
		check_plan(c, &p, word[0]);
		write_plan(c, &p, &b);
	}
	plan_fini(&p);
	return tidy(c, &b);
}

static const char *
answer_candidate(struct scene *c, char **word)
{
	static const char *const stand[] = { "chosen", "equal", "behind",
		"ahead", "cannot" };
	struct key source = parse_name(c, word[1]);
	const struct member *list[SERVERS_MAX];
	size_t n = world_replicas(&c->world, source, false, list);
	struct err err = ERR_INIT;
	struct candidates out;
	struct buf b;

	buf_init(&b);
	if (candidate_choose(&out, &c->world, world_find(&c->world, source),
		list, n, &c->a, &err) != ERR_NONE)
		buf_printf(&b, "refused: %s: %s\n", err_name(err.code),
		    err.text);
	for (size_t i = 0; i < out.n; i++)
		buf_printf(&b, "%s %s: %s\n", out.at[i].m->in->key.host,
		    stand[out.at[i].stand], out.at[i].why);
	return tidy(c, &b);
}

static const char *
answer_may(struct scene *c, char **word)
{
	const struct server *x = find(c, parse_name(c, word[1]));
	const struct server *y = find(c, parse_name(c, word[2]));
	struct err err = ERR_INIT, warn = ERR_INIT;
	struct buf b;

	buf_init(&b);
	if (x == NULL || y == NULL)
		die(c, "may: not drawn", word[1]);
	if (may_replicate(&c->world, &x->m, &y->m, &warn, &err) == ERR_NONE)
		buf_str(&b, "yes\n");
	else
		buf_printf(&b, "no: %s\n", err.text);
	if (may_replicate_gtid(&c->world, &x->m, &y->m, &warn, &err) ==
	    ERR_NONE)
		buf_str(&b, "by gtid: yes\n");
	else
		buf_printf(&b, "by gtid: %s: %s\n", err_name(err.code),
		    err.text);
	if (warn.text[0] != '\0')
		buf_printf(&b, "warning: %s\n", warn.text);
	return tidy(c, &b);
}

/* ---- files ---- */

/* The lines below a heading, less their tab, joined by newlines. */
static const char *
take_block(struct scene *c, FILE *f)
{
	char line[4096];
	const char *out;
	struct buf b;
	int ch;

	buf_init(&b);
	while ((ch = getc(f)) == '\t' && fgets(line, sizeof line, f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (b.len > 0)
			buf_chr(&b, '\n');
		buf_str(&b, line);
	}
	ungetc(ch, f);
	out = arena_strdup(&c->a, buf_text(&b));
	buf_fini(&b);
	return out;
}

static void
each_line(struct scene *c, const char *block,
    void (*fn)(struct scene *c, char *line))
{
	char *text = arena_strdup(&c->a, block), *save = NULL;

	for (char *p = strtok_r(text, "\n", &save); p != NULL;
	    p = strtok_r(NULL, "\n", &save))
		if (p[0] != '#')
			fn(c, p);
}

static void
compare(struct scene *c, const char *heading, const char *got,
    const char *block)
{
	if (getenv("PLAN_CASES_PRINT") == NULL) {
		is_str(got, block, "%s: %s", c->file, heading);
		return;
	}
	printf("%s\n", heading);
	for (const char *p = got; *p != '\0';) {
		int len = (int)strcspn(p, "\n");

		printf("\t%.*s\n", len, p);
		p += len + (p[len] == '\n');
	}
	printf("\n");
}

static void
section(struct scene *c, char *heading, const char *block)
{
	static const struct {
		const char *word;
		void (*fn)(struct scene *c, char *line);
	} facts[] = { { "draw", draw }, { "set", set }, { "rules", rules },
		{ "equal", equal } };
	const char *whole = arena_strdup(&c->a, heading);
	char *word[WORDS_MAX];
	size_t n = split(c, heading, word);

	for (size_t i = 0; i < MEM_COUNT(facts); i++)
		if (strcmp(word[0], facts[i].word) == 0) {
			each_line(c, block, facts[i].fn);
			return;
		}
	place(c);
	if (strcmp(word[0], "meanwhile") == 0) {
		c->meanwhile = block;
		return;
	}
	if (n > 2 && strcmp(word[0], "may") == 0)
		compare(c, whole, answer_may(c, word), block);
	else if (n > 1 && strcmp(word[0], "candidate") == 0)
		compare(c, whole, answer_candidate(c, word), block);
	else if (n > 1 && (strcmp(word[0], "ask") == 0 ||
		strcmp(word[0], "show") == 0))
		compare(c, whole, answer(c, word + 1, n - 1,
		    word[0][0] == 's'), block);
	else
		die(c, "not a heading", word[0]);
}

static void
run(const char *path)
{
	static struct scene c;
	FILE *f = fopen(path, "r");
	char line[4096];

	memset(&c, 0, sizeof c);
	arena_init(&c.a);
	c.control = control_new();
	c.policy = (struct plan_policy){ .poll = DUR_S(5),
		.maintenance_lag = DUR_S(20), .lag = DUR_S(10),
		.read_limit = DUR_S(600), .side_by_side = 5,
		.banned = is_banned, .banned_arg = &c };
	c.banned = KEY_NONE;
	c.file = strrchr(path, '/') != NULL ? strrchr(path, '/') + 1 : path;
	if (f == NULL)
		die(&c, "cannot be opened", path);
	while (fgets(line, sizeof line, f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] != '\0' && line[0] != '#')
			section(&c, line, take_block(&c, f));
	}
	fclose(f);
	control_unref(c.control);
	arena_fini(&c.a);
}

int
main(int argc, char **argv)
{
	const char *top = getenv("top_srcdir");
	char pattern[4096];
	glob_t found;

	if (argc > 1) {
		for (int i = 1; i < argc; i++)
			run(argv[i]);
		return tap_done();
	}
	snprintf(pattern, sizeof pattern, "%s/t/cases/plan/*.case",
	    top != NULL ? top : ".");
	ok(glob(pattern, 0, NULL, &found) == 0 && found.gl_pathc > 0,
	    "there are cases");
	for (size_t i = 0; i < found.gl_pathc; i++)
		run(found.gl_pathv[i]);
	globfree(&found);
	return tap_done();
}
