/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The members of a cluster as JSON, remembered for the rest of the second.
 *
 * Everything in it follows from the cluster's snapshot, the operators' word, the
 * configuration and the time in whole seconds (see topology/note.h), so that
 * many who ask for the same cluster within a second get the same bytes; writing
 * them anew takes six microseconds a server.  Each port has its own: nothing
 * is shared between threads.
 */
#include "config.h"

#include <string.h>

#include "actors/control.h"
#include "base/mem.h"
#include "ops/view.h"

enum {
	RENDERED_MAX = 16,  /* clusters remembered */
	MEMBERS_MAX = 64, /* of one; larger ones are not */
};

struct rendered {
	/* What it was made from: references, so that no other can look alike. */
	const struct cluster_snap *snap;
	const struct control_shared *control;
	const struct config_shared *config;
	int64_t second;
	struct buf text;
};

struct op_rendered {
	struct rendered at[RENDERED_MAX];
	unsigned next; /* to be replaced */
};

static void
forget(struct rendered *r)
{
	shared_unref(r->snap);
	shared_unref(r->control);
	shared_unref(r->config);
	r->snap = NULL;
	r->control = NULL;
	r->config = NULL;
}

void
view_rendered_free(struct op_rendered *all)
{
	if (all == NULL)
		return;
	for (size_t i = 0; i < RENDERED_MAX; i++) {
		forget(&all->at[i]);
		buf_fini(&all->at[i].text);
	}
	mem_free(all);
}

static struct rendered *
find(struct op_call *c, struct op_rendered *all,
    const struct cluster_snap *snap)
{
	int64_t second = wall_seconds(view_now(c));

	for (size_t i = 0; i < RENDERED_MAX; i++) {
		struct rendered *r = &all->at[i];

		if (r->snap == snap && r->second == second &&
		    r->control == c->view.control &&
		    r->config == c->view.config)
			return r;
	}
	return NULL;
}

/* The cluster's last version is not asked for again: its place is the best. */
static struct rendered *
place_for(struct op_rendered *all, const struct cluster_snap *snap)
{
	struct rendered *r;

	for (size_t i = 0; i < RENDERED_MAX; i++) {
		r = &all->at[i];
		if (r->snap != NULL && strcmp(r->snap->name, snap->name) == 0)
			return r;
	}
	r = &all->at[all->next];
	all->next = (all->next + 1) % RENDERED_MAX;
	return r;
}

static void
remember(struct op_call *c, struct op_rendered *all,
    const struct cluster_snap *snap, const char *text, size_t len)
{
	struct rendered *r = place_for(all, snap);

	forget(r);
	r->snap = shared_ref(snap);
	r->control = shared_ref(c->view.control);
	r->config = shared_ref(c->view.config);
	r->second = wall_seconds(view_now(c));
	buf_reset(&r->text);
	buf_add(&r->text, text, len);
}

/* At most MEMBERS_MAX members. */
static void
write_members(struct op_call *c, struct json *w,
    const struct cluster_snap *snap)
{
	struct op_rendered **all = op_rendered(c);
	struct rendered *r;
	struct founds list;

	if (*all == NULL)
		*all = mem_zalloc(sizeof(**all));
	view_control(c);
	view_config(c);
	r = find(c, *all, snap);
	if (r != NULL) {
		json_raw(w, r->text.data, r->text.len);
		return;
	}
	list = view_members(c, snap);
	view_instances_json(c, w, &list);
	remember(c, *all, snap, w->out->data, w->out->len);
}

void
reply_members(struct op_call *c, const struct cluster_snap *snap)
{
	struct founds list;

	if (snap->n > MEMBERS_MAX) {
		list = view_members(c, snap);
		reply_instances(c, &list);
	} else {
		write_members(c, reply_raw(c), snap);
		reply_sent(c, 200);
	}
}
