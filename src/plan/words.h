/* SPDX-License-Identifier: Apache-2.0 */
/* How a step reads, for words.c and run_show.c. */
#ifndef ORC_PLAN_WORDS_H
#define ORC_PLAN_WORDS_H

#include "plan/plan.h"

/* "replicate from b:3306" */
void words_step(const struct plan *p, const struct step *s, struct buf *b);
/* Members of the step's object: Server, Action, Does, Other, Why, Track. */
void words_json_step(const struct plan *p, const struct step *s,
    struct json *w);

#endif
