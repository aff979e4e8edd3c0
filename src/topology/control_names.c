/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands about names: aliases, domains, virtual names, attributes, marks; and
 * about places in logs that are the same.
 */
#include "config.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "topology/control_change.h"

enum err_code
control_do_set_alias_override(struct change *ch,
    const struct command_set_alias_override *c)
{
	const char *other;

	if (c->alias[0] == '\0') {
		CHANGE_TAKE(ch, alias_override, .cluster = c->cluster);
		return ERR_NONE;
	}
	other = control_cluster_of_alias(ch->c, c->alias);
	if (other != NULL && strcmp(other, c->cluster) != 0)
		CHANGE_TAKE(ch, alias_override, .cluster = other);
	return CHANGE_PUT(ch, alias_override, .cluster = c->cluster,
	    .alias = c->alias);
}

enum err_code
control_do_set_domain(struct change *ch, const struct command_set_domain *c)
{
	if (c->domain[0] == '\0') {
		CHANGE_TAKE(ch, domain, .cluster = c->cluster);
		return ERR_NONE;
	}
	return CHANGE_PUT(ch, domain, .cluster = c->cluster, .domain = c->domain,
	    .registered = c->at);
}

/* A row of a table whose key is a cluster name and comes first. */
static enum err_code
rename_row(struct change *ch, enum control_table t, const char *from,
    const char *to)
{
	const struct control_schema *s = control_schema(t);
	union {
		const char *cluster;
		struct control_alias_override alias_override;
		struct control_domain domain;
		struct control_pseudo_gtid pseudo_gtid;
	} row = { .cluster = from };
	const void *was = change_find(ch, t, &row);
	enum err_code code;

	assert(s->columns[0].offset == 0 && s->size <= sizeof row);
	if (was == NULL)
		return ERR_NONE;
	memcpy(&row, was, s->size);
	row.cluster = to;
	code = change_put(ch, t, &row);
	if (code == ERR_NONE)
		change_take(ch, t, &(const char *){ from });
	return code;
}

enum err_code
control_do_rename_cluster(struct change *ch, const struct command_rename_cluster *c)
{
	static const enum control_table tables[] = { CONTROL_alias_override,
		CONTROL_domain, CONTROL_pseudo_gtid };
	enum err_code code = ERR_NONE;

	if (strcmp(c->from, c->to) == 0)
		return ERR_NONE;
	for (size_t i = 0; i < MEM_COUNT(tables) && code == ERR_NONE; i++)
		code = rename_row(ch, tables[i], c->from, c->to);
	return code;
}

enum err_code
control_do_register_unresolve(struct change *ch,
    const struct command_register_unresolve *c)
{
	if (c->name[0] == '\0')
		return err_set(ch->err, ERR_INVALID, "virtual name is empty");
	return CHANGE_PUT(ch, unresolve, .host = c->host, .name = c->name,
	    .registered = c->at);
}

enum err_code
control_do_deregister_unresolve(struct change *ch,
    const struct command_deregister_unresolve *c)
{
	return change_result_uint(ch, CHANGE_TAKE(ch, unresolve, .host = c->host));
}

enum err_code
control_do_set_attribute(struct change *ch, const struct command_set_attribute *c)
{
	return CHANGE_PUT(ch, attribute, .host = c->host, .name = c->name,
	    .value = c->value, .submitted = c->at);
}

enum err_code
control_do_mark_pseudo_gtid(struct change *ch,
    const struct command_mark_pseudo_gtid *c)
{
	return CHANGE_PUT(ch, pseudo_gtid, .cluster = c->cluster, .injected = c->at);
}

static enum err_code
put_equal(struct change *ch, wall_t at, struct key key, const char *file,
    uint64_t pos, struct key target, const char *target_file,
    uint64_t target_pos)
{
	char text[KEY_TEXT_MAX];

	return CHANGE_PUT(ch, equivalence, .key = key, .file = file,
	    .pos = pos, .target = key_text(target, text),
	    .target_file = target_file, .target_pos = target_pos,
	    .registered = at);
}

enum err_code
control_do_register_equivalence(struct change *ch,
    const struct command_register_equivalence *c)
{
	enum err_code code;

	if (!key_valid(c->key) || !key_valid(c->target)
	    || key_eq(c->key, c->target))
		return err_set(ch->err, ERR_INVALID,
		    "an equivalence takes two servers");
	if (c->file[0] == '\0' || c->target_file[0] == '\0')
		return err_set(ch->err, ERR_INVALID,
		    "an equivalence takes two log files");
	code = put_equal(ch, c->at, c->key, c->file, c->pos, c->target,
	    c->target_file, c->target_pos);
	return code != ERR_NONE ? code : put_equal(ch, c->at, c->target,
	    c->target_file, c->target_pos, c->key, c->file, c->pos);
}
