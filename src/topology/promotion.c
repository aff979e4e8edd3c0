/* SPDX-License-Identifier: Apache-2.0 */
/* Promotion rules by name; see promotion.h. */
#include "config.h"

#include "topology/promotion.h"

#include <assert.h>
#include <string.h>

static const char *const names[RULE_COUNT] = {
	[RULE_MUST] = "must",
	[RULE_PREFER] = "prefer",
	[RULE_NEUTRAL] = "neutral",
	[RULE_PREFER_NOT] = "prefer_not",
	[RULE_MUST_NOT] = "must_not",
};

const char *
promotion_rule_name(enum promotion_rule rule)
{
	assert((unsigned)rule < RULE_COUNT);
	return names[rule];
}

enum err_code
promotion_rule_parse(enum promotion_rule *rule, const char *text,
    struct err *err)
{
	for (unsigned i = RULE_PREFER; i < RULE_COUNT; i++) {
		if (strcmp(text, names[i]) == 0) {
			*rule = (enum promotion_rule)i;
			return ERR_NONE;
		}
	}
	if (strcmp(text, names[RULE_MUST]) == 0)
		return err_set(err, ERR_INVALID,
		    "promotion rule \"must\" is not supported yet");
	return err_set(err, ERR_INVALID,
	    "\"%.64s\" is not a promotion rule: prefer, neutral, prefer_not or "
	    "must_not", text);
}
