/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Promotion rules: how much a server is wanted as the next primary.
 * From: inst/promotion_rule.go, 3.2.6.
 */
#ifndef ORC_TOPOLOGY_PROMOTION_H
#define ORC_TOPOLOGY_PROMOTION_H

#include <stdbool.h>

#include "base/err.h"

/* Best to worst, so that a smaller one is better. */
enum promotion_rule {
	RULE_MUST, /* known, but cannot be registered */
	RULE_PREFER,
	RULE_NEUTRAL, /* what everyone is without a registration */
	RULE_PREFER_NOT,
	RULE_MUST_NOT,
	RULE_COUNT,
};

/* v1's word: "prefer_not". */
const char *promotion_rule_name(enum promotion_rule rule);

/*
 * One of the five words, lower case.  INVALID names any other text; "must" is
 * INVALID too ("not supported yet"), as in v1.
 */
enum err_code promotion_rule_parse(enum promotion_rule *rule, const char *text,
    struct err *err);

#endif
