/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The composite values of configuration keys.  Whoever fills them owns the
 * memory; those of a struct config live as long as it does.
 */
#ifndef ORC_CONFIG_VALUES_H
#define ORC_CONFIG_VALUES_H

#include <stddef.h>

struct str_list {
	const char *const *item; /* never NULL entries; NULL when count is 0 */
	size_t count;
};

struct str_pair {
	const char *key;
	const char *value;
};

struct str_map {
	const struct str_pair *item; /* in the order of the file */
	size_t count;
};

#endif
