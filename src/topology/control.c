/* SPDX-License-Identifier: Apache-2.0 */
/* Versions of the control state, and what can be read from one. */
#include "config.h"

#include "topology/control.h"

#include <string.h>

#include "base/mem.h"
#include "topology/control_table.h"

struct control *
control_new(void)
{
	struct control *c = mem_zalloc(sizeof *c);

	c->refs = 1;
	return c;
}

struct control *
control_ref(const struct control *c)
{
	struct control *counted = (struct control *)(uintptr_t)c;

	__atomic_add_fetch(&counted->refs, 1, __ATOMIC_RELAXED);
	return counted;
}

void
control_unref(const struct control *c)
{
	struct control *counted = (struct control *)(uintptr_t)c;

	if (c == NULL ||
	    __atomic_sub_fetch(&counted->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	for (unsigned i = 0; i < CONTROL_TABLES; i++)
		table_unref(counted->table[i]);
	mem_free(counted);
}

static const void *
find(const struct control *c, enum control_table t, const void *probe)
{
	return table_find(c->table[t], control_schema(t), probe);
}

#define FIND(c, name, ...) \
	((const struct control_##name *)find((c), CONTROL_##name, \
	    &(struct control_##name){ __VA_ARGS__ }))

const struct control_downtime *
control_downtime(const struct control *c, struct key key)
{
	return FIND(c, downtime, .key = key);
}

const struct control_maintenance *
control_maintenance(const struct control *c, struct key key)
{
	return FIND(c, maintenance, .key = key);
}

const struct control_candidate *
control_candidate(const struct control *c, struct key key)
{
	return FIND(c, candidate, .key = key);
}

enum promotion_rule
control_rule(const struct control *c, struct key key)
{
	const struct control_candidate *row = control_candidate(c, key);

	return row != NULL ? row->rule : RULE_NEUTRAL;
}

const char *
control_alias_override(const struct control *c, const char *cluster)
{
	const struct control_alias_override *row =
	    FIND(c, alias_override, .cluster = cluster);

	return row != NULL ? row->alias : NULL;
}

const char *
control_cluster_of_alias(const struct control *c, const char *alias)
{
	const struct control_alias_override *row;
	struct control_iter it;

	control_each(c, CONTROL_alias_override, &it);
	while ((row = control_next(&it)) != NULL) {
		if (strcmp(row->alias, alias) == 0)
			return row->cluster;
	}
	return NULL;
}

const char *
control_domain(const struct control *c, const char *cluster)
{
	const struct control_domain *row = FIND(c, domain, .cluster = cluster);

	return row != NULL ? row->domain : NULL;
}

const char *
control_tag(const struct control *c, struct key key, const char *name)
{
	const struct control_tag *row = FIND(c, tag, .key = key, .name = name);

	return row != NULL ? row->value : NULL;
}

const char *
control_unresolve(const struct control *c, const char *host)
{
	const struct control_unresolve *row = FIND(c, unresolve, .host = host);

	return row != NULL ? row->name : NULL;
}

const struct control_attribute *
control_attribute(const struct control *c, const char *host, const char *name)
{
	return FIND(c, attribute, .host = host, .name = name);
}

wall_t
control_pseudo_gtid(const struct control *c, const char *cluster)
{
	const struct control_pseudo_gtid *row =
	    FIND(c, pseudo_gtid, .cluster = cluster);

	return row != NULL ? row->injected : (wall_t){ 0 };
}

const struct control_equivalence *
control_equivalent(const struct control *c, struct key key, const char *file,
    uint64_t pos, struct key target)
{
	char text[KEY_TEXT_MAX];

	return FIND(c, equivalence, .key = key, .file = file, .pos = pos,
	    .target = key_text(target, text));
}

bool
control_recoveries_disabled(const struct control *c)
{
	const struct control_setting *row =
	    FIND(c, setting, .name = SETTING_RECOVERIES);

	return row != NULL && strcmp(row->value, "1") == 0;
}

/* Takes as long for any text of the same length. */
static bool
same_secret(const char *want, const char *got)
{
	size_t n = strlen(want), m = strlen(got);
	unsigned differ = n != m;

	for (size_t i = 0; i < m; i++)
		differ |= (unsigned)(unsigned char)got[i] ^
		    (unsigned char)want[n > 0 ? i % n : 0];
	return differ == 0;
}

bool
control_token_valid(const struct control *c, const char *public,
    const char *secret, wall_t now, dur_t life)
{
	const struct control_token *row = FIND(c, token, .public = public);

	if (row == NULL || row->secret[0] == '\0')
		return false;
	if (!same_secret(row->secret, secret))
		return false;
	return row->reentrant || wall_sub(now, row->generated).us < life.us;
}

/* ---- iteration ---- */

void
control_each(const struct control *c, enum control_table table,
    struct control_iter *it)
{
	table_seek(c->table[table], control_schema(table), NULL, it);
}

/* Rows whose first column is probe's. */
static void
seek_like(const struct control *c, enum control_table t, const void *probe,
    struct control_iter *it)
{
	const struct control_schema *s = control_schema(t);
	struct control_iter look;
	const void *row;

	table_seek(c->table[t], s, probe, it);
	look = *it;
	row = control_next(&look);
	if (row != NULL && row_cmp(s, row, probe, 1) == 0)
		it->like = row;
	else
		it->table = NULL;
}

void
control_tags(const struct control *c, struct key key, struct control_iter *it)
{
	seek_like(c, CONTROL_tag, &(struct control_tag){ .key = key, .name = "" },
	    it);
}

void
control_pool(const struct control *c, const char *pool, struct control_iter *it)
{
	seek_like(c, CONTROL_pool,
	    &(struct control_pool){ .pool = pool, .key = KEY_NONE }, it);
}

void
control_equivalences(const struct control *c, struct key key,
    struct control_iter *it)
{
	seek_like(c, CONTROL_equivalence,
	    &(struct control_equivalence){ .key = key, .file = "",
		.target = "" }, it);
}

size_t
control_count(const struct control *c, enum control_table table)
{
	return table_count(c->table[table]);
}

/* ---- tag conditions ---- */

/* One term: [~|!]name[=[value]]; blanks around it do not count. */
struct term {
	bool lacks;
	bool has_value;
	size_t name_len;
	const char *name;
	size_t value_len;
	const char *value;
};

static bool
term_parse(struct term *t, const char *text, size_t len)
{
	const char *eq;

	memset(t, 0, sizeof *t);
	while (len > 0 && *text == ' ')
		text++, len--;
	while (len > 0 && text[len - 1] == ' ')
		len--;
	if (len > 0 && (*text == '~' || *text == '!')) {
		t->lacks = true;
		text++, len--;
	}
	t->name = text;
	t->name_len = len;
	eq = memchr(text, '=', len);
	if (eq != NULL) {
		t->has_value = true;
		t->name_len = (size_t)(eq - text);
		t->value = eq + 1;
		t->value_len = len - t->name_len - 1;
	}
	return t->name_len > 0 && t->name_len <= CONTROL_NAME_MAX;
}

static bool
term_holds(const struct term *t, const struct control *c, struct key key)
{
	char name[CONTROL_NAME_MAX + 1];
	const char *value;
	bool same;

	memcpy(name, t->name, t->name_len);
	name[t->name_len] = '\0';
	value = control_tag(c, key, name);
	if (!t->has_value)
		return (value != NULL) != t->lacks;
	same = value != NULL && strlen(value) == t->value_len &&
	    memcmp(value, t->value, t->value_len) == 0;
	return t->lacks ? value != NULL && !same : same;
}

enum err_code
control_tags_match(const struct control *c, struct key key, const char *terms,
    bool *match, struct err *err)
{
	const char *text = terms;
	struct term t;
	size_t len;

	*match = true;
	for (;; text += len + 1) {
		len = strcspn(text, ",");
		if (!term_parse(&t, text, len))
			return err_set(err, ERR_INVALID,
			    "\"%.128s\" has a tag without a name", terms);
		if (*match && !term_holds(&t, c, key))
			*match = false;
		if (text[len] == '\0')
			return ERR_NONE;
	}
}
