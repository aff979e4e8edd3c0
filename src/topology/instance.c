/* SPDX-License-Identifier: Apache-2.0 */
/* A server's facts: the table, copies, digest; see instance.h. */
#include "config.h"

#include "topology/instance.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "base/digest.h"
#include "base/mem.h"
#include "topology/version.h"

#define AT(m) offsetof(struct instance, m)
#define AT_STR(m) AT(m)
#define AT_UINT(m) AT(m)
#define AT_INT(m) AT(m)
#define AT_BOOL(m) AT(m)
#define AT_NULLINT(m) AT(m)
#define AT_NULLBOOL(m) AT(m)
#define AT_COORD(m) AT(m)
#define AT_KEY(m) AT(m)
#define AT_KEYS(m) AT(m)
#define AT_STRS(m) AT(m)
#define AT_OBJ(m) 0

const struct instance_field instance_fields[] = {
#define F(kind, wire, m, column, from) \
	{ wire, "\"" wire "\":", sizeof wire + 2, column, AT_##kind(m), \
	    KIND_##kind, IS_##from },
#include "topology/instance.def"
#undef F
};
const size_t instance_field_count = MEM_COUNT(instance_fields);

void
instance_init(struct instance *in)
{
	memset(in, 0, sizeof *in);
	for (size_t i = 0; i < instance_field_count; i++) {
		const struct instance_field *f = &instance_fields[i];
		void *p = (char *)in + f->offset;

		switch (f->kind) {
		case KIND_STR: *(const char **)p = ""; break;
		case KIND_COORD: ((struct coord *)p)->file = ""; break;
		case KIND_KEY: *(struct key *)p = KEY_NONE; break;
		default: break;
		}
	}
	in->sql_state = THREAD_NONE;
	in->io_state = THREAD_NONE;
	in->relay_coord.relay = true;
}

static struct keys
keys_dup(struct keys ks, struct arena *a)
{
	struct key *at = arena_alloc(a, ks.n * sizeof *at);

	for (size_t i = 0; i < ks.n; i++)
		at[i] = key_dup(ks.at[i], a);
	return (struct keys){ at, ks.n };
}

static struct strs
strs_dup(struct strs ss, struct arena *a)
{
	const char **at = arena_alloc(a, ss.n * sizeof *at);

	for (size_t i = 0; i < ss.n; i++)
		at[i] = arena_strdup(a, ss.at[i]);
	return (struct strs){ at, ss.n };
}

/* Most strings of a server are "" and need no room. */
static const char *
str_dup(const char *s, struct arena *a)
{
	return s[0] != '\0' ? arena_strdup(a, s) : "";
}

/* The borrowed parts of *p, a member of the given kind, become a's own. */
static void
own(void *p, enum field_kind kind, struct arena *a)
{
	switch (kind) {
	case KIND_STR:
		*(const char **)p = str_dup(*(const char **)p, a);
		break;
	case KIND_COORD:
		((struct coord *)p)->file = str_dup(((struct coord *)p)->file,
		    a);
		break;
	case KIND_KEY: *(struct key *)p = key_dup(*(struct key *)p, a); break;
	case KIND_KEYS:
		*(struct keys *)p = keys_dup(*(struct keys *)p, a);
		break;
	case KIND_STRS:
		*(struct strs *)p = strs_dup(*(struct strs *)p, a);
		break;
	default: break; /* a plain value */
	}
}

static size_t
str_bytes(const char *s)
{
	return s[0] != '\0' ? arena_bytes(strlen(s) + 1) : 0;
}

static size_t
list_bytes(enum field_kind kind, const void *p)
{
	const struct keys *ks = p;
	const struct strs *ss = p;
	size_t sum;

	if (kind == KIND_KEYS) {
		sum = arena_bytes(ks->n * sizeof *ks->at);
		for (size_t i = 0; i < ks->n; i++)
			sum += arena_bytes(strlen(ks->at[i].host) + 1);
	} else {
		sum = arena_bytes(ss->n * sizeof *ss->at);
		for (size_t i = 0; i < ss->n; i++)
			sum += arena_bytes(strlen(ss->at[i]) + 1);
	}
	return sum;
}

/* What own() will take of the arena. */
static size_t
own_bytes(const void *p, enum field_kind kind)
{
	switch (kind) {
	case KIND_STR: return str_bytes(*(const char *const *)p);
	case KIND_COORD: return str_bytes(((const struct coord *)p)->file);
	case KIND_KEY:
		return arena_bytes(strlen(((const struct key *)p)->host) + 1);
	case KIND_KEYS:
	case KIND_STRS: return list_bytes(kind, p);
	default: return 0;
	}
}

static size_t
borrowed_bytes(const struct instance *in)
{
	size_t sum = 0;

	for (size_t i = 0; i < instance_field_count; i++)
		if (instance_fields[i].from != IS_COPY)
			sum += own_bytes((const char *)in +
			    instance_fields[i].offset, instance_fields[i].kind);
	return sum;
}

static void
own_all(struct instance *in, struct arena *a)
{
	for (size_t i = 0; i < instance_field_count; i++)
		if (instance_fields[i].from != IS_COPY)
			own((char *)in + instance_fields[i].offset,
			    instance_fields[i].kind, a);
}

void
instance_own(struct instance *in, struct arena *a)
{
	arena_reserve(a, borrowed_bytes(in));
	own_all(in, a);
}

struct instance *
instance_dup(const struct instance *in, struct arena *a)
{
	struct instance *out;

	arena_reserve(a, arena_bytes(sizeof *out) + borrowed_bytes(in));
	out = arena_alloc(a, sizeof *out);
	*out = *in;
	own_all(out, a);
	return out;
}

static uint64_t
hash_key(uint64_t h, struct key k)
{
	return digest_num(digest_str(h, k.host), k.port);
}

static uint64_t
hash_keys(uint64_t h, struct keys ks)
{
	h = digest_num(h, ks.n);
	for (size_t i = 0; i < ks.n; i++)
		h = hash_key(h, ks.at[i]);
	return h;
}

static uint64_t
hash_coord(uint64_t h, const struct coord *c)
{
	h = digest_num(digest_str(h, c->file), (uint64_t)c->pos);
	return digest_num(h, c->relay);
}

static uint64_t
hash_strs(uint64_t h, struct strs ss)
{
	h = digest_num(h, ss.n);
	for (size_t i = 0; i < ss.n; i++)
		h = digest_str(h, ss.at[i]);
	return h;
}

static uint64_t
hash_nullint(uint64_t h, struct nullint v)
{
	return digest_num(digest_num(h, v.valid), v.valid ? (uint64_t)v.v : 0);
}

static uint64_t
hash_nullbool(uint64_t h, struct nullbool v)
{
	return digest_num(h, (uint64_t)v.valid << 1 | (v.valid && v.v));
}

static uint64_t
hash_member(uint64_t h, const void *p, enum field_kind kind)
{
	switch (kind) {
	case KIND_STR: return digest_str(h, *(const char *const *)p);
	case KIND_UINT: return digest_num(h, *(const uint64_t *)p);
	case KIND_INT: return digest_num(h, (uint64_t)*(const int64_t *)p);
	case KIND_BOOL: return digest_num(h, *(const bool *)p);
	case KIND_NULLINT: return hash_nullint(h, *(const struct nullint *)p);
	case KIND_NULLBOOL:
		return hash_nullbool(h, *(const struct nullbool *)p);
	case KIND_COORD: return hash_coord(h, p);
	case KIND_KEY: return hash_key(h, *(const struct key *)p);
	case KIND_KEYS: return hash_keys(h, *(const struct keys *)p);
	case KIND_STRS: return hash_strs(h, *(const struct strs *)p);
	case KIND_OBJ: break;
	}
	return h;
}

uint64_t
instance_digest(const struct instance *in)
{
	uint64_t h = DIGEST_START;

	for (size_t i = 0; i < instance_field_count; i++) {
		const struct instance_field *f = &instance_fields[i];

		if (instance_field_packed(f) && f->offset != AT(uptime))
			h = hash_member(h, (const char *)in + f->offset,
			    f->kind);
	}
	return h;
}

bool
instance_is_replica(const struct instance *in)
{
	return !key_is_none(in->source_key) &&
	    (in->read_coord.file[0] != '\0' || in->using_oracle_gtid ||
		in->using_mariadb_gtid);
}

bool
instance_is_running(const struct instance *in)
{
	return instance_is_replica(in) && in->sql_state == THREAD_RUNNING &&
	    in->io_state == THREAD_RUNNING;
}

bool
instance_is_group_member(const struct instance *in)
{
	return in->group_name[0] != '\0';
}

bool
instance_is_group_primary(const struct instance *in)
{
	return instance_is_group_member(in) &&
	    key_eq(in->group_primary, in->key);
}

bool
instance_is_group_secondary(const struct instance *in)
{
	return instance_is_group_member(in) && !instance_is_group_primary(in);
}

bool
instance_is_primary(const struct instance *in)
{
	return !instance_is_replica(in) && (!instance_is_group_member(in) ||
	    strcmp(in->group_member_role, "PRIMARY") == 0);
}

bool
instance_is_binlog_server(const struct instance *in)
{
	return version_flavour(in->version, in->version_comment) ==
	    FLAVOUR_MAXSCALE;
}

