/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a raw path to an operation.
 *
 * The path is split at its slashes before anything is decoded, so that a value
 * may hold an encoded slash.  (v1 decodes first: such a value is not found.)
 */
#ifndef ORC_OPS_ROUTE_H
#define ORC_OPS_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

struct op;
struct op_arg;

enum {
	ROUTE_SEGMENTS_MAX = 12, /* of a path, "api" included */
	ROUTE_PARAMS_MAX = 8,
};

/*
 * The operation of path, or NULL.  Its parameters go to arg (room for
 * ROUTE_PARAMS_MAX) in order, values are in a; *args counts them.
 */
const struct op *route_find(const char *path, size_t len, struct arena *a,
    struct op_arg *arg, size_t *args);

/*
 * Decode percent escapes; NULL for a malformed one and for an encoded NUL,
 * which no C string can hold.  plus: '+' stands for a blank, as in queries.
 */
char *route_decode(const char *s, size_t len, bool plus, struct arena *a);

#endif
