/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A version of the control state in the making; inside src/topology only.  What
 * is read is what was changed so far.
 */
#ifndef ORC_TOPOLOGY_CONTROL_CHANGE_H
#define ORC_TOPOLOGY_CONTROL_CHANGE_H

#include "topology/control_table.h"

struct change {
	struct control *c;
	struct buf *result; /* may be NULL */
	struct err *err;
};

const void *change_find(const struct change *ch, enum control_table t,
    const void *probe);
/* Takes next over. */
void change_replace(struct change *ch, enum control_table t,
    struct table *next);
enum err_code change_put(struct change *ch, enum control_table t,
    const void *row);
/* true: it was there. */
bool change_take(struct change *ch, enum control_table t, const void *probe);
/* BUSY: the table has all the rows that it may have. */
enum err_code change_full(struct change *ch, enum control_table t);
enum err_code change_result_uint(struct change *ch, uint64_t v);
void change_result_keys(struct change *ch, const struct key *at, size_t n);

#define CHANGE_FIND(ch, name, ...) \
	((const struct control_##name *)change_find((ch), CONTROL_##name, \
	    &(struct control_##name){ __VA_ARGS__ }))
#define CHANGE_PUT(ch, name, ...) \
	change_put((ch), CONTROL_##name, &(struct control_##name){ __VA_ARGS__ })
#define CHANGE_TAKE(ch, name, ...) \
	change_take((ch), CONTROL_##name, \
	    &(struct control_##name){ __VA_ARGS__ })

/* What each command does. */
#define COMMAND(name, fields) \
	enum err_code control_do_##name(struct change *ch, \
	    const struct command_##name *c);
#include "topology/control.def"
#undef COMMAND

#endif
