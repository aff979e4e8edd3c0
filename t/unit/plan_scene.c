/* SPDX-License-Identifier: Apache-2.0 */
/* Servers as the cases of t/cases/plan draw and set them; see plan_case.c. */
#include "config.h"

#include "plan_scene.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "topology/coord.h"

void
scene_die(const struct scene *c, const char *what, const char *text)
{
	printf("Bail out! %s: %s: %s\n", c->file, what, text);
	exit(1);
}

/* ---- servers ---- */

struct key
scene_key(struct scene *c, const char *name)
{
	struct err err = ERR_INIT;
	struct key k;

	if (strcmp(name, "-") == 0)
		return KEY_NONE;
	if (key_parse(&k, name, 3306, &c->a, &err) != ERR_NONE)
		scene_die(c, "not a server", name);
	return k;
}

struct server *
scene_find(struct scene *c, struct key k)
{
	for (size_t i = 0; i < c->n; i++)
		if (key_eq(c->at[i].in.key, k))
			return &c->at[i];
	return NULL;
}

static struct server *
find_or_add(struct scene *c, const char *name)
{
	struct key k = scene_key(c, name);
	struct server *s = scene_find(c, k);
	struct instance *in;

	if (s != NULL)
		return s;
	if (c->n == SERVERS_MAX)
		scene_die(c, "too many servers", name);
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
const char *
scene_shorten(struct scene *c, const char *text)
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

size_t
scene_split(struct scene *c, char *line, char **word)
{
	size_t n = 0;

	for (char *p = strtok(line, " \t"); p != NULL; p = strtok(NULL, " \t")) {
		if (n == WORDS_MAX)
			scene_die(c, "too many words", p);
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

void
scene_draw(struct scene *c, char *line)
{
	char *word[WORDS_MAX], *save = NULL;

	for (char *p = strtok_r(line, ";", &save); p != NULL;
	    p = strtok_r(NULL, ";", &save))
		draw_statement(c, word, scene_split(c, p, word));
}

/* ---- set ---- */

struct coord
scene_coord(struct scene *c, const char *v)
{
	struct err err = ERR_INIT;
	struct coord at = { "", 0, false };

	if (v == NULL || (strcmp(v, "-") != 0 &&
		coord_parse(&at, v, &c->a, &err) != ERR_NONE))
		scene_die(c, "not a place", v == NULL ? "" : v);
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
		scene_die(c, "not a fact", name);
	p = (char *)in + f->offset;
	switch (f->kind) {
	case KIND_STR: *(const char **)p = expand(c, v); break;
	case KIND_UINT: *(uint64_t *)p = strtoull(v, NULL, 10); break;
	case KIND_INT: *(int64_t *)p = atoll(v); break;
	case KIND_BOOL: *(bool *)p = v == NULL || strcmp(v, "1") == 0; break;
	case KIND_KEY: *(struct key *)p = scene_key(c, v); break;
	case KIND_COORD: *(struct coord *)p = scene_coord(c, v); break;
	case KIND_NULLINT:
		*(struct nullint *)p = (struct nullint){ atoll(v),
			strcmp(v, "null") != 0 };
		break;
	default: scene_die(c, "cannot be set", name);
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
		scene_die(c, "group=NAME,PRIMARY", v);
	*primary++ = '\0';
	in->group_name = arena_strdup(&c->a, v);
	in->group_primary = scene_key(c, primary);
	in->group_member_role = key_eq(in->group_primary, in->key) ?
	    "PRIMARY" : "SECONDARY";
	in->group_member_state = "ONLINE";
}

static bool
set_places(struct scene *c, struct instance *in, const char *word,
    const char *v)
{
	if (strcmp(word, "pos") == 0)
		in->exec_coord = in->read_coord = scene_coord(c, v);
	else if (strcmp(word, "read") == 0)
		in->read_coord = scene_coord(c, v);
	else if (strcmp(word, "self") == 0)
		in->self_coord = scene_coord(c, v);
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

void
scene_set_word(struct scene *c, struct server *s, char *word)
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

void
scene_set(struct scene *c, char *line)
{
	char *word[WORDS_MAX];
	size_t n = scene_split(c, line, word);
	char *save = NULL;

	for (char *name = strtok_r(word[0], ",", &save); name != NULL;
	    name = strtok_r(NULL, ",", &save)) {
		struct server *s = scene_find(c, scene_key(c, name));

		if (s == NULL)
			scene_die(c, "set: not drawn", name);
		for (size_t i = 1; i < n; i++)
			scene_set_word(c, s, arena_strdup(&c->a, word[i]));
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
		scene_die(c, "control", err.text);
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
		scene_die(c, "not a promotion rule", word);
	command_pack(&b, register_candidate, .at = NOW,
	    .key = scene_key(c, name), .rule = rule);
	apply(c, &b);
}

static void
downtime(struct scene *c, const char *name)
{
	struct buf b;

	buf_init(&b);
	command_pack(&b, begin_downtime, .at = NOW, .key = scene_key(c, name),
	    .owner = "ann", .reason = "disk", .duration = DUR_S(600));
	apply(c, &b);
}

static bool
is_banned(const void *arg, struct key k)
{
	const struct scene *c = arg;

	return key_eq(k, c->banned);
}

void
scene_rules(struct scene *c, char *line)
{
	char *word[WORDS_MAX];
	size_t n = scene_split(c, line, word);

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
			c->banned = scene_key(c, v);
		else if (strcmp(word[i], "downtime") == 0 && v != NULL)
			downtime(c, v);
		else if (v != NULL)
			rule_of(c, word[i], v);
		else
			scene_die(c, "rules: not known", word[i]);
	}
}

void
scene_equal(struct scene *c, char *line)
{
	char *word[WORDS_MAX];
	struct equal *e = &c->equal[c->equals++];

	if (scene_split(c, line, word) != 4 || c->equals == EQUALS_MAX)
		scene_die(c, "equal", line);
	e->source = scene_key(c, word[0]);
	e->from = scene_coord(c, word[1]);
	e->target = scene_key(c, word[2]);
	e->to = scene_coord(c, word[3]);
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

void
scene_place(struct scene *c)
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

/* ---- a scene ---- */

void
scene_init(struct scene *c)
{
	memset(c, 0, sizeof *c);
	arena_init(&c->a);
	c->control = control_new();
	c->policy = (struct plan_policy){ .poll = DUR_S(5),
		.maintenance_lag = DUR_S(20), .lag = DUR_S(10),
		.read_limit = DUR_S(600), .side_by_side = 5,
		.banned = is_banned, .banned_arg = c };
	c->banned = KEY_NONE;
}

void
scene_fini(struct scene *c)
{
	control_unref(c->control);
	arena_fini(&c->a);
}
