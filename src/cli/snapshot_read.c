/* SPDX-License-Identifier: Apache-2.0 */
/* Servers out of v1's JSON; see snapshot.h. */
#include "config.h"

#include "cli/snapshot.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* Reads of times are relative to this one; any will do. */
#define TAKEN ((wall_t){ INT64_C(1000000000) * 1000000 })

/* One row, for its errors. */
struct row {
	const char *name;
	size_t i; /* from 1 */
	const char *server;
	const char *member; /* of the JSON object */
	struct arena *a;
	struct err *err;
};

static const char *
kind_of(const json_t *v)
{
	static const char *const name[] = { "an object", "a list", "a text",
		"a whole number", "a number", "true", "false", "null" };

	return name[json_typeof(v)];
}

static bool
bad(const struct row *r, const char *want, const json_t *v)
{
	err_set(r->err, ERR_INVALID, "%s: row %zu%s%s: %s: %s is expected, "
	    "not %s", r->name, r->i, r->server[0] != '\0' ? ", " : "",
	    r->server, r->member, want, v != NULL ? kind_of(v) : "nothing");
	return false;
}

/* ---- values ---- */

static bool
read_text(const struct row *r, const json_t *v, const char **out)
{
	const char *s = json_string_value(v);

	if (s == NULL || strlen(s) != json_string_length(v))
		return bad(r, "a text", v);
	*out = arena_strdup(r->a, s);
	return true;
}

static bool
read_int(const struct row *r, const json_t *v, int64_t *out)
{
	if (!json_is_integer(v))
		return bad(r, "a whole number", v);
	*out = json_integer_value(v);
	return true;
}

static bool
read_uint(const struct row *r, const json_t *v, uint64_t *out)
{
	int64_t n = 0;

	if (!read_int(r, v, &n))
		return false;
	if (n < 0)
		return bad(r, "a number that is not negative", v);
	*out = (uint64_t)n;
	return true;
}

static bool
read_bool(const struct row *r, const json_t *v, bool *out)
{
	if (!json_is_boolean(v))
		return bad(r, "true or false", v);
	*out = json_is_true(v);
	return true;
}

static bool
read_key(const struct row *r, const json_t *v, struct key *out)
{
	uint64_t port = 0;

	if (!json_is_object(v))
		return bad(r, "an object with Hostname and Port", v);
	if (!read_text(r, json_object_get(v, "Hostname"), &out->host) ||
	    !read_uint(r, json_object_get(v, "Port"), &port))
		return false;
	if (port > 65535 || strlen(out->host) > KEY_HOST_MAX)
		return bad(r, "a host name and a port", v);
	out->port = (uint32_t)port;
	return true;
}

static bool
read_keys(const struct row *r, const json_t *v, struct keys *out)
{
	size_t n = json_array_size(v);
	struct key *at = arena_alloc(r->a, n * sizeof *at);

	if (json_is_null(v))
		return true;
	if (!json_is_array(v))
		return bad(r, "a list of servers", v);
	for (size_t i = 0; i < n; i++)
		if (!read_key(r, json_array_get(v, i), &at[i]))
			return false;
	*out = keys_sorted(at, n, r->a);
	return true;
}

static bool
read_strs(const struct row *r, const json_t *v, struct strs *out)
{
	size_t n = json_array_size(v);
	const char **at = arena_alloc(r->a, n * sizeof *at);

	if (json_is_null(v))
		return true;
	if (!json_is_array(v))
		return bad(r, "a list of texts", v);
	for (size_t i = 0; i < n; i++)
		if (!read_text(r, json_array_get(v, i), &at[i]))
			return false;
	*out = (struct strs){ at, n };
	return true;
}

static bool
read_coord(const struct row *r, const json_t *v, struct coord *out)
{
	int64_t type = 0;

	if (!json_is_object(v))
		return bad(r, "an object with LogFile and LogPos", v);
	if (!read_text(r, json_object_get(v, "LogFile"), &out->file) ||
	    !read_int(r, json_object_get(v, "LogPos"), &out->pos) ||
	    !read_int(r, json_object_get(v, "Type"), &type))
		return false;
	out->relay = type == 1;
	return true;
}

static bool
read_nullint(const struct row *r, const json_t *v, struct nullint *out)
{
	if (!json_is_object(v))
		return bad(r, "an object with Int64 and Valid", v);
	return read_int(r, json_object_get(v, "Int64"), &out->v) &&
	    read_bool(r, json_object_get(v, "Valid"), &out->valid);
}

static bool
read_nullbool(const struct row *r, const json_t *v, struct nullbool *out)
{
	if (!json_is_object(v))
		return bad(r, "an object with Bool and Valid", v);
	return read_bool(r, json_object_get(v, "Bool"), &out->v) &&
	    read_bool(r, json_object_get(v, "Valid"), &out->valid);
}

static bool
read_value(const struct row *r, const json_t *v, enum field_kind kind, void *p)
{
	switch (kind) {
	case KIND_STR: return read_text(r, v, p);
	case KIND_UINT: return read_uint(r, v, p);
	case KIND_INT: return read_int(r, v, p);
	case KIND_BOOL: return read_bool(r, v, p);
	case KIND_NULLINT: return read_nullint(r, v, p);
	case KIND_NULLBOOL: return read_nullbool(r, v, p);
	case KIND_COORD: return read_coord(r, v, p);
	case KIND_KEY: return read_key(r, v, p);
	case KIND_KEYS: return read_keys(r, v, p);
	case KIND_STRS: return read_strs(r, v, p);
	case KIND_OBJ: break;
	}
	return true;
}

/* ---- a server ---- */

/* Older names first: what has both is told by the newer one. */
static bool
read_members(struct row *r, const json_t *o, struct instance *in, bool copies)
{
	for (size_t i = 0; i < instance_field_count; i++) {
		const struct instance_field *f = &instance_fields[i];
		const json_t *v;

		if (f->wire[0] == '\0' || (f->from == IS_COPY) != copies)
			continue;
		r->member = f->wire;
		v = json_object_get(o, f->wire);
		if (v != NULL &&
		    !read_value(r, v, f->kind, (char *)in + f->offset))
			return false;
	}
	return true;
}

static bool
read_server(struct row *r, const json_t *o, struct instance *in)
{
	char text[KEY_TEXT_MAX];

	instance_init(in);
	r->member = "Key";
	r->server = "";
	if (!json_is_object(o))
		return bad(r, "a server", o);
	if (!read_key(r, json_object_get(o, "Key"), &in->key))
		return false;
	if (!key_valid(in->key))
		return bad(r, "a host name and a port",
		    json_object_get(o, "Key"));
	r->server = arena_strdup(r->a, key_text(in->key, text));
	return read_members(r, o, in, true) && read_members(r, o, in, false);
}

/* When it was looked at does not matter, only how that went. */
static struct health
health_of(const struct instance *in)
{
	struct health h = { .last_checked = TAKEN, .last_attempted = TAKEN,
		.error = "" };

	if (in->is_last_check_valid) {
		h.last_seen = TAKEN;
		h.partial = true;
		return h;
	}
	h.error_code = ERR_UNREACHABLE;
	if (in->last_seen_text[0] != '\0')
		h.last_seen = (wall_t){ TAKEN.us - 1000000 };
	return h;
}

static void
set_downtime(struct snapshot *s, const struct instance *in)
{
	struct control *new = NULL;
	struct buf b;

	if (!in->is_downtimed)
		return;
	buf_init(&b);
	command_pack(&b, begin_downtime, .at = s->now, .key = in->key,
	    .owner = "snapshot", .reason = "downtimed in the snapshot",
	    .duration = DUR_S(3600));
	if (control_apply(s->control, (struct bin){ (const uint8_t *)b.data,
		b.len }, &new, NULL, NULL) == ERR_NONE) {
		control_unref(s->control);
		s->control = new;
	}
	buf_fini(&b);
}

static int
by_cluster(const void *x, const void *y)
{
	const struct member *a = x, *b = y;
	int c = strcmp(a->in->cluster_name, b->in->cluster_name);

	return c != 0 ? c : member_cmp(a, b);
}

static enum err_code
read_list(struct snapshot *s, const char *name, const json_t *list,
    struct err *err)
{
	struct row r = { .name = name, .a = &s->arena, .err = err };
	size_t n = json_array_size(list);

	if (!json_is_array(list) || n > SNAPSHOT_ROWS_MAX)
		return err_set(err, ERR_INVALID, "%s: a list of servers, as "
		    "/api/all-instances gives it, is expected%s", name,
		    n > SNAPSHOT_ROWS_MAX ? ", and a shorter one" : "");
	s->in = arena_alloc(&s->arena, n * sizeof *s->in);
	s->m = arena_alloc(&s->arena, n * sizeof *s->m);
	for (; s->n < n; s->n++) {
		struct instance *in = &s->in[s->n];

		r.i = s->n + 1;
		if (!read_server(&r, json_array_get(list, s->n), in))
			return err->code;
		s->m[s->n] = (struct member){ in, health_of(in) };
		set_downtime(s, in);
	}
	if (n > 1)
		qsort(s->m, n, sizeof *s->m, by_cluster);
	for (size_t i = 1; i < n; i++)
		if (key_eq(s->m[i].in->key, s->m[i - 1].in->key))
			return err_set(err, ERR_INVALID, "%s: %s:%u is there "
			    "twice", name, s->m[i].in->key.host,
			    s->m[i].in->key.port);
	return ERR_NONE;
}

enum err_code
snapshot_read(struct snapshot *s, const char *name, const char *text,
    size_t len, struct err *err)
{
	enum err_code code;
	json_error_t where;
	json_t *all;

	*s = (struct snapshot){ .now = TAKEN, .control = control_new() };
	arena_init(&s->arena);
	all = json_loadb(text, len, 0, &where);
	if (all == NULL)
		return err_set(err, ERR_MALFORMED, "%s: line %d, column %d: "
		    "%s", name, where.line, where.column, where.text);
	code = read_list(s, name, json_is_object(all) ?
	    json_object_get(all, "Details") : all, err);
	json_decref(all);
	return code;
}

void
snapshot_fini(struct snapshot *s)
{
	control_unref(s->control);
	arena_fini(&s->arena);
}
