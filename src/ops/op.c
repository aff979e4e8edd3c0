/* SPDX-License-Identifier: Apache-2.0 */
/* The table of operations; see op.h. */
#include "config.h"

#include "ops/op.h"

#include <string.h>

#include "base/mem.h"
#include "ops/call.h"

const struct op op_table[] = {
#define OP(symbol, name, flags, group, paths, help) \
	{ name, flags, group, paths, help, op_run_##symbol },
#include "ops/ops.def"
#undef OP
};

const size_t op_table_count = MEM_COUNT(op_table);

unsigned
op_flags(const struct op *op)
{
	return op->flags;
}

const char *
op_name(const struct op *op)
{
	return op->name;
}

static void
manual_row(struct buf *b, const struct op *op)
{
	buf_printf(b, "%s\n", op->name);
	for (const char *s = op->paths; *s != '\0';) {
		size_t len = strcspn(s, " ");

		buf_printf(b, "    %s%.*s\n", *s == '/' ? "" : "/api/",
		    (int)len, s);
		s += len + strspn(s + len, " ");
	}
	buf_printf(b, "        %s.\n", op->help);
	if (op->flags & OP_WRITE)
		buf_str(b, "        Needs authorisation.\n");
	if (op->flags & OP_PLAN)
		buf_str(b, "        ?dry-run=true shows its plan, and does "
		    "nothing.\n");
	if (!(op->flags & OP_SAFE))
		buf_str(b, "        Changes something: not by HEAD.\n");
	if (op->flags & OP_PROXIED)
		buf_str(b, "        Answered by the leader.\n");
}

void
ops_manual(struct buf *b)
{
	const char *group = "";

	for (size_t i = 0; i < op_table_count; i++) {
		const struct op *op = &op_table[i];

		if (strcmp(group, op->group) != 0)
			buf_printf(b, "%s%s\n\n", i > 0 ? "\n" : "", op->group);
		group = op->group;
		manual_row(b, op);
	}
}
