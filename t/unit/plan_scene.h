/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Servers as the cases of t/cases/plan draw and set them: plan_case.c says how.
 */
#ifndef ORC_T_UNIT_PLAN_SCENE_H
#define ORC_T_UNIT_PLAN_SCENE_H

#include "plan/plan.h"

enum { SERVERS_MAX = 64, WORDS_MAX = 64, EQUALS_MAX = 8, NOW_S = 1000000 };
#define NOW ((wall_t){ INT64_C(1000000) * NOW_S })

struct server {
	struct instance in;
	struct member m;
	bool unknown;
};

struct equal {
	struct key source, target;
	struct coord from, to;
};

struct scene {
	const char *file;
	struct arena a;
	struct server at[SERVERS_MAX];
	size_t n;
	const struct member *sorted[SERVERS_MAX];
	struct plan_policy policy;
	struct control *control;
	struct equal equal[EQUALS_MAX];
	size_t equals;
	struct world world;
	struct key banned;
	const char *meanwhile; /* lines; NULL: nothing happens */
};

void scene_init(struct scene *c);
void scene_fini(struct scene *c);

/* A line of "draw", "set", "rules" and "equal". */
void scene_draw(struct scene *c, char *line);
void scene_set(struct scene *c, char *line);
void scene_rules(struct scene *c, char *line);
void scene_equal(struct scene *c, char *line);
/* One word of "set". */
void scene_set_word(struct scene *c, struct server *s, char *word);
/* What was drawn becomes c->world. */
void scene_place(struct scene *c);

struct key scene_key(struct scene *c, const char *name);
struct server *scene_find(struct scene *c, struct key k);
struct coord scene_coord(struct scene *c, const char *v);
/* Words of a line, which is cut up. */
size_t scene_split(struct scene *c, char *line, char **word);
/* "@b" for b's uuid; and ports that everybody has are not shown. */
const char *scene_shorten(struct scene *c, const char *text);
void scene_die(const struct scene *c, const char *what, const char *text)
    __attribute__((noreturn));

#endif
