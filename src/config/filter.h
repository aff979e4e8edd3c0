/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filters: lists of texts in a configuration that select servers or clusters.
 * Compiled once, immutable, matched by any thread.  An empty entry selects
 * nothing, so does an empty list.
 *
 * From: go/inst/instance_utils.go, go/config/config.go, 3.2.6.
 */
#ifndef ORC_CONFIG_FILTER_H
#define ORC_CONFIG_FILTER_H

#include <stdbool.h>

#include "base/err.h"
#include "config/values.h"

enum { HOST_PORT_MAX = 1024 }; /* a longer "host:port" matches no regex */

/*
 * Servers.  An entry that is an IPv4 or IPv6 address selects the server whose
 * host is written exactly so; any other is a regex searched in "host:port".
 */
struct host_filter;

/* NULL on error: MALFORMED, the text names the entry and the place in it. */
struct host_filter *host_filter_new(const struct str_list *list,
    struct err *err);
void host_filter_free(struct host_filter *f); /* NULL is fine */
bool host_filter_match(const struct host_filter *f, const char *host,
    unsigned port);

/*
 * Clusters, by name and alias ("" for none):
 *	TEXT		name or alias is TEXT, or TEXT is a regex found in name
 *	alias=TEXT	alias is TEXT
 *	alias~=REGEX	REGEX is found in alias
 *	*		all
 */
struct cluster_filter;

/* NULL on error, as host_filter_new(). */
struct cluster_filter *cluster_filter_new(const struct str_list *list,
    struct err *err);
void cluster_filter_free(struct cluster_filter *f); /* NULL is fine */
bool cluster_filter_match(const struct cluster_filter *f, const char *name,
    const char *alias);

#endif
