/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding servers by what people type.
 * From: inst/instance_dao.go, 3.2.6, search and fuzzy lookup of names.
 */
#ifndef ORC_TOPOLOGY_SEARCH_H
#define ORC_TOPOLOGY_SEARCH_H

#include "topology/instance.h"

/*
 * Is text part of host:port, cluster name, alias, version or version comment,
 * or exactly the server id or the port?  ASCII letter case does not matter; ""
 * matches all.  alias: the cluster's, as shown.
 */
bool search_matches(const struct instance *in, const char *cluster,
    const char *alias, const char *text);

/*
 * Names that are written in part: may k be meant by asked?  The same port, and
 * asked's host is part of k's.  The answer counts only when one known server
 * alone fits.  Never when asked has no host or an IPv4 address: 10.0.0.1 is not
 * 10.0.0.10.
 */
bool search_is_like(struct key k, struct key asked);
bool search_may_be_part(struct key asked);

#endif
