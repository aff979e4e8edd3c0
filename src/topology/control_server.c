/* SPDX-License-Identifier: Apache-2.0 */
/* Commands about servers: downtime, maintenance, promotion; the switch; tokens. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "topology/control_change.h"

static enum err_code
check_span(struct change *ch, dur_t d)
{
	if (d.us >= 0 && d.us <= CONTROL_SPAN_MAX.us)
		return ERR_NONE;
	return err_set(ch->err, ERR_INVALID,
	    "%" PRId64 " seconds is no usable duration", d.us / 1000000);
}

/* When something of that length ends; 0 stands for the usual length. */
static wall_t
end_of(wall_t at, dur_t d, int64_t usual_s)
{
	return wall_add(at, d.us > 0 ? d : DUR_S(usual_s));
}

/* ---- downtime and maintenance ---- */

enum err_code
control_do_begin_downtime(struct change *ch, const struct command_begin_downtime *c)
{
	enum err_code code = check_span(ch, c->duration);

	if (code != ERR_NONE)
		return code;
	return CHANGE_PUT(ch, downtime, .key = c->key, .owner = c->owner,
	    .reason = c->reason, .begin = c->at,
	    .end = end_of(c->at, c->duration, CONTROL_DOWNTIME_S));
}

enum err_code
control_do_end_downtime(struct change *ch, const struct command_end_downtime *c)
{
	return change_result_uint(ch, CHANGE_TAKE(ch, downtime, .key = c->key));
}

/* Ids begin at 1 and are not used twice. */
static enum err_code
next_maintenance_id(struct change *ch, wall_t at, uint64_t *id)
{
	const struct control_setting *last =
	    CHANGE_FIND(ch, setting, .name = SETTING_MAINTENANCE_ID);
	char text[24];

	*id = (last != NULL ? strtoull(last->value, NULL, 10) : 0) + 1;
	snprintf(text, sizeof text, "%" PRIu64, *id);
	return CHANGE_PUT(ch, setting, .name = SETTING_MAINTENANCE_ID, .value = text,
	    .changed = at);
}

static enum err_code
locked(struct change *ch, const struct control_maintenance *m)
{
	char key[KEY_TEXT_MAX], begin[WALL_TEXT_MAX], end[WALL_TEXT_MAX];

	return err_set(ch->err, ERR_EXISTS, "%s is locked for maintenance by"
	    " %.64s (%.128s) since %s until %s", key_text(m->key, key),
	    m->owner, m->reason, wall_text(m->begin, begin),
	    wall_text(m->end, end));
}

static const char *
text_of(const char *text)
{
	return text != NULL ? text : "";
}

static enum err_code
lengthen(struct change *ch, const struct control_maintenance *m,
    const struct command_begin_maintenance *c)
{
	struct control_maintenance longer = *m;
	enum err_code code;

	longer.end = end_of(c->at, c->duration, CONTROL_MAINTENANCE_S);
	code = change_put(ch, CONTROL_maintenance, &longer);
	return code == ERR_NONE ? change_result_uint(ch, m->id) : code;
}

enum err_code
control_do_begin_maintenance(struct change *ch,
    const struct command_begin_maintenance *c)
{
	const struct control_maintenance *m =
	    CHANGE_FIND(ch, maintenance, .key = c->key);
	enum err_code code = check_span(ch, c->duration);
	uint64_t id;

	if (code != ERR_NONE)
		return code;
	if (m != NULL && m->holder[0] != '\0' &&
	    strcmp(m->holder, text_of(c->holder)) == 0)
		return lengthen(ch, m, c);
	if (m != NULL && m->end.us > c->at.us)
		return locked(ch, m);
	code = next_maintenance_id(ch, c->at, &id);
	if (code == ERR_NONE)
		code = CHANGE_PUT(ch, maintenance, .key = c->key, .id = id,
		    .owner = c->owner, .reason = c->reason, .begin = c->at,
		    .end = end_of(c->at, c->duration, CONTROL_MAINTENANCE_S),
		    .holder = c->holder);
	return code == ERR_NONE ? change_result_uint(ch, id) : code;
}

static struct key
maintenance_of(const struct control *c, uint64_t id)
{
	const struct control_maintenance *m;
	struct control_iter it;

	control_each(c, CONTROL_maintenance, &it);
	while ((m = control_next(&it)) != NULL) {
		if (m->id == id)
			return m->key;
	}
	return KEY_NONE;
}

enum err_code
control_do_end_maintenance(struct change *ch,
    const struct command_end_maintenance *c)
{
	const struct control_maintenance *m;
	struct key key = c->key;

	if (key_is_none(key))
		key = maintenance_of(ch->c, c->id);
	m = CHANGE_FIND(ch, maintenance, .key = key);
	if (m != NULL && text_of(c->holder)[0] != '\0' &&
	    strcmp(m->holder, c->holder) != 0)
		return change_result_uint(ch, 0);
	return change_result_uint(ch, CHANGE_TAKE(ch, maintenance, .key = key));
}

static bool
is_of_other(void *arg, const void *row)
{
	const struct command_end_other_holders *c = arg;
	const struct control_maintenance *m = row;

	return m->holder[0] != '\0' && strncmp(m->holder, text_of(c->token),
	    strlen(text_of(c->token))) != 0;
}

enum err_code
control_do_end_other_holders(struct change *ch,
    const struct command_end_other_holders *c)
{
	struct command_end_other_holders want = *c;
	const struct control_maintenance *m;
	struct control_iter it;
	struct key *keys;
	size_t n = 0;

	keys = mem_resize(NULL, control_count(ch->c, CONTROL_maintenance) + 1,
	    sizeof *keys);
	control_each(ch->c, CONTROL_maintenance, &it);
	while ((m = control_next(&it)) != NULL)
		if (is_of_other(&want, m))
			keys[n++] = m->key;
	change_result_keys(ch, keys, n);
	mem_free(keys);
	if (n > 0)
		change_replace(ch, CONTROL_maintenance, table_update(
		    ch->c->table[CONTROL_maintenance],
		    control_schema(CONTROL_maintenance), NULL, 0, is_of_other,
		    &want));
	return ERR_NONE;
}

enum err_code
control_do_register_candidate(struct change *ch,
    const struct command_register_candidate *c)
{
	return CHANGE_PUT(ch, candidate, .key = c->key, .rule = c->rule,
	    .suggested = c->at);
}

/* ---- the switch, forgetting ---- */

enum err_code
control_do_disable_recoveries(struct change *ch,
    const struct command_disable_recoveries *c)
{
	return CHANGE_PUT(ch, setting, .name = SETTING_RECOVERIES, .value = "1",
	    .changed = c->at);
}

enum err_code
control_do_enable_recoveries(struct change *ch,
    const struct command_enable_recoveries *c)
{
	(void)c;
	CHANGE_TAKE(ch, setting, .name = SETTING_RECOVERIES);
	return ERR_NONE;
}

static bool
pool_has(void *arg, const void *row)
{
	return key_eq(((const struct control_pool *)row)->key,
	    *(const struct key *)arg);
}

enum err_code
control_do_forget(struct change *ch, const struct command_forget *c)
{
	struct key key = c->key;
	struct control_iter it;
	const void *row;

	CHANGE_TAKE(ch, downtime, .key = key);
	CHANGE_TAKE(ch, maintenance, .key = key);
	CHANGE_TAKE(ch, candidate, .key = key);
	control_each(ch->c, CONTROL_pool, &it);
	while ((row = control_next(&it)) != NULL && !pool_has(&key, row))
		;
	if (row != NULL)
		change_replace(ch, CONTROL_pool,
		    table_update(ch->c->table[CONTROL_pool],
			control_schema(CONTROL_pool), NULL, 0, pool_has, &key));
	return ERR_NONE;
}

/* ---- tokens ---- */

enum err_code
control_do_token_add(struct change *ch, const struct command_token_add *c)
{
	if (c->secret[0] == '\0')
		return err_set(ch->err, ERR_INVALID, "the secret is empty");
	if (CHANGE_FIND(ch, token, .public = c->public) != NULL)
		return err_set(ch->err, ERR_EXISTS, "that token exists");
	return CHANGE_PUT(ch, token, .public = c->public, .secret = c->secret,
	    .by = c->by, .generated = c->at, .reentrant = c->reentrant);
}

enum err_code
control_do_token_acquire(struct change *ch, const struct command_token_acquire *c)
{
	const struct control_token *was = CHANGE_FIND(ch, token, .public = c->public);
	struct control_token is;
	enum err_code code;

	if (was == NULL || (was->acquired && !was->reentrant) ||
	    wall_sub(c->at, was->generated).us >= c->within.us)
		return err_set(ch->err, ERR_DENIED,
		    "no such access token, or it was used, or is too old");
	is = *was;
	if (!is.acquired) {
		is.acquired = true;
		is.acquired_at = c->at;
		code = change_put(ch, CONTROL_token, &is);
		if (code != ERR_NONE)
			return code;
	}
	if (ch->result != NULL) {
		was = CHANGE_FIND(ch, token, .public = c->public);
		pack_cstr(ch->result, was->secret);
	}
	return ERR_NONE;
}
