/* SPDX-License-Identifier: Apache-2.0 */
/* Watching a cluster for failures; see cluster_watch.h. */
#include "config.h"

#include "actors/cluster_watch.h"

#include <string.h>
#include <uthash.h>

#include "actors/control.h"
#include "base/mem.h"
#include "config/conf.h"
#include "topology/control.h"

/* A server is probed anew for its analysis at most this often. */
#define REREAD_EVERY DUR_S(1)
/* ... and for so long: then its own schedule will do. */
#define REREAD_FOR DUR_S(60)
/* All but the mildest is asked for once more after so long ... */
#define CONFIRM_AFTER DUR_MS(200)
/* ... and looked at this often until the answers came, for a while. */
#define CONFIRM_EVERY DUR_MS(50)
#define CONFIRM_FOR DUR_S(3)
/*
 * A detection is told again after so long (the store has it once while it is
 * active), and looked at this often while downtime forbids it.
 */
#define DETECT_AGAIN DUR_S(60)
#define DETECT_RETRY DUR_S(1)
/* Added to ReasonableInstanceCheckSeconds: then a probe hangs. */
#define PATIENCE DUR_S(1)

/* What is remembered of one server. */
struct watched {
	UT_hash_handle hh;
	char *key;
	uint32_t round; /* of the last analysis that had it */
	struct analysis_stand stand;
	bool known; /* it was analysed once; then: */
	enum analysis_code code;
	wall_t since;
	mono_t began;  /* the same on the other clock */
	bool asked;    /* it and its replicas, to confirm */
	bool confirmed;
	mono_t reread; /* not again before */
	mono_t detect; /* likewise, its detection */
};

struct watch {
	struct watched *all;
	uint32_t round;
	bool news;
	bool unsettled; /* some members are: the first probe of each is news */
	uint64_t config; /* version that it was analysed with */
	mono_t due;	 /* unset: nothing follows from the time */
	timer_ref timer;
	uint8_t *lags; /* which members did, in their order */
	struct cluster_analysis *last;
};

/* One look; what its parts need. */
struct look {
	struct watch *w;
	struct ctx *ctx;
	const struct cluster_snap *snap;
	const struct watch_peers *peers;
	const struct config *config;
	struct analyses *all;
	struct watched **at; /* of each member */
	dur_t next; /* until there is something to do; 0: nothing */
	uint32_t changes, probes; /* for the metrics */
};

struct watch *
watch_new(void)
{
	struct watch *w = mem_zalloc(sizeof *w);

	w->news = true;
	return w;
}

static void
free_watched(struct watch *w, struct watched *d)
{
	HASH_DEL(w->all, d);
	mem_free(d->key);
	mem_free(d);
}

void
watch_free(struct watch *w)
{
	struct watched *d, *tmp;

	HASH_ITER (hh, w->all, d, tmp)
		free_watched(w, d);
	shared_unref(w->last);
	mem_free(w->lags);
	mem_free(w);
}

void
watch_news(struct watch *w)
{
	w->news = true;
}

/* ---- is there anything to look at? ---- */

static bool
lags(const struct instance *in, dur_t limit)
{
	return in->lag_seconds.valid &&
	    in->lag_seconds.v > limit.us / 1000000;
}

/* Lag moves all the time: only what crosses the limit counts. */
static bool
lag_crossed(const struct watch *w, const struct cluster_snap *snap,
    dur_t limit)
{
	for (size_t i = 0; i < snap->n; i++)
		if (lags(snap->members[i].in, limit) != w->lags[i])
			return true;
	return false;
}

static bool
must_look(const struct watch *w, struct ctx *ctx,
    const struct cluster_snap *snap, const struct config *c)
{
	return w->news || w->unsettled || w->last == NULL || w->last->all.n != snap->n ||
	    w->config != board_version(ctx, BOARD_CONFIG) ||
	    (w->due.us != 0 && act_now(ctx).us >= w->due.us) ||
	    lag_crossed(w, snap, DUR_S(c->reasonable_replication_lag_seconds));
}

/* ---- analysing ---- */

static struct analysis_rules
rules_of(struct ctx *ctx, const struct config *c)
{
	const struct app *app = app_of(ctx);
	/* A clock that was set back since must not silence everything. */
	bool since = app->daemon && act_wall(ctx).us >= app->started.us;
	dur_t check = DUR_S(c->reasonable_instance_check_seconds);

	return (struct analysis_rules){
		.now = act_wall(ctx),
		.started = since ? app->started : (wall_t){ 0 },
		.patience = DUR_US(check.us + PATIENCE.us),
		.lag = DUR_S(c->reasonable_replication_lag_seconds),
		.locked =
		    DUR_S(c->reasonable_locked_semi_sync_primary_seconds),
		.exact_semi_sync = c->enforce_exact_semi_sync_replicas,
		.recovers_read_only = c->recover_non_writeable_primary,
	};
}

static void
free_analysis(struct shared *s)
{
	struct cluster_analysis *an = (struct cluster_analysis *)s;

	arena_fini(&an->arena);
	mem_free(an);
}

static struct watched *
find_or_add(struct watch *w, struct key key)
{
	char text[KEY_TEXT_MAX];
	struct watched *d;

	key_text(key, text);
	HASH_FIND_STR(w->all, text, d);
	if (d == NULL) {
		d = mem_zalloc(sizeof *d);
		d->key = mem_strdup(text);
		HASH_ADD_KEYPTR(hh, w->all, d->key, strlen(d->key), d);
	}
	d->round = w->round;
	return d;
}

static void
drop_gone(struct watch *w)
{
	struct watched *d, *tmp;

	HASH_ITER (hh, w->all, d, tmp)
		if (d->round != w->round)
			free_watched(w, d);
}

/* Records come and go; the analysis stays. */
static const char *
keep_text(const char *s, struct arena *a)
{
	static const char *const usual[] = { "", "ON", "OFF" };

	for (size_t i = 0; i < MEM_COUNT(usual); i++)
		if (strcmp(usual[i], s) == 0)
			return usual[i];
	return arena_strdup(a, s);
}

static void
keep_texts(struct cluster_analysis *an)
{
	for (size_t i = 0; i < an->all.n; i++) {
		struct analysis_facts *f = &an->all.at[i].facts;

		f->gtid_mode = keep_text(f->gtid_mode, &an->arena);
		f->gtid_mode_min = keep_text(f->gtid_mode_min, &an->arena);
		f->gtid_mode_max = keep_text(f->gtid_mode_max, &an->arena);
		f->gtid_errant = keep_text(f->gtid_errant, &an->arena);
	}
}

static struct cluster_analysis *
run(struct look *l, const struct config *c)
{
	struct cluster_analysis *an = mem_zalloc(sizeof *an);
	struct analysis_rules rules = rules_of(l->ctx, c);
	size_t n = l->snap->n;
	struct analysis_stand *stand = mem_alloc(n * sizeof *stand);

	shared_init(&an->shared, free_analysis);
	arena_init(&an->arena);
	for (size_t i = 0; i < n; i++) {
		l->at[i] = find_or_add(l->w, l->snap->members[i].in->key);
		stand[i] = l->at[i]->stand;
	}
	analyse(&an->all, l->snap->members, n, &rules, stand, &an->arena);
	for (size_t i = 0; i < n; i++)
		l->at[i]->stand = stand[i];
	mem_free(stand);
	keep_texts(an);
	an->verdict = arena_alloc(&an->arena, n * sizeof *an->verdict);
	l->all = &an->all;
	if (an->all.again.us != 0)
		l->next = wall_sub(an->all.again, rules.now);
	return an;
}

/* ---- probing anew ---- */

static void
look_within(struct look *l, dur_t d)
{
	if (l->next.us <= 0 || d.us < l->next.us)
		l->next = d;
}

static void
probe_member(struct look *l, size_t i, bool anyway)
{
	mono_t now = act_now(l->ctx);

	if (!anyway && now.us < l->at[i]->reread.us)
		return;
	l->at[i]->reread = mono_add(now, REREAD_EVERY);
	l->probes++;
	act_send(l->ctx, l->peers->actor(l->peers->arg,
	    l->snap->members[i].in->key), probe_again);
}

/* Through binlog servers, which only pass on: their replicas as well. */
static void
probe_replicas(struct look *l, size_t i, bool anyway, bool deeper)
{
	const struct analysis *an = &l->all->at[i];

	for (uint32_t k = 0; k < an->facts.replicas; k++) {
		uint32_t r = l->all->replica[an->first + k];

		probe_member(l, r, anyway);
		if (deeper && l->all->at[r].facts.binlog_server)
			probe_replicas(l, r, anyway, false);
	}
}

static void
reread(struct look *l, size_t i)
{
	const struct analysis *an = &l->all->at[i];
	const struct watched *d = l->at[i];
	unsigned reads = analysis_reads(an->code);

	if (reads == 0 || d->confirmed ||
	    mono_sub(act_now(l->ctx), d->began).us >= REREAD_FOR.us)
		return;
	if ((reads & READS_SELF) != 0)
		probe_member(l, i, false);
	if ((reads & READS_REPLICAS) != 0)
		probe_replicas(l, i, false, true);
	if ((reads & READS_SOURCE) != 0 && an->source != ANALYSIS_NOBODY)
		probe_member(l, an->source, false);
	look_within(l, REREAD_EVERY);
}

/* ---- is it so twice? ---- */

static bool
probed_since(const struct health *h, wall_t since)
{
	return h->last_attempted.us > since.us &&
	    h->last_checked.us >= h->last_attempted.us;
}

static bool
is_confirmed(const struct look *l, size_t i)
{
	const struct analysis *an = &l->all->at[i];
	const struct member *m = l->snap->members;
	wall_t since = l->at[i]->since;

	if (!an->facts.hangs && !probed_since(&m[i].health, since))
		return false;
	for (uint32_t k = 0; k < an->facts.replicas; k++) {
		uint32_t r = l->all->replica[an->first + k];

		if (l->all->at[r].facts.sight == SIGHT_SEEN &&
		    !probed_since(&m[r].health, since))
			return false;
	}
	return true;
}

/*
 * Replicas may notice a little later than we do that their source went: they
 * are asked once more, whatever was said first.  true: confirmed
 */
static bool
confirm(struct look *l, size_t i)
{
	struct watched *d = l->at[i];
	dur_t age = mono_sub(act_now(l->ctx), d->began);
	bool acts = analysis_acts(d->code);

	if (!acts && (analysis_reads(d->code) & READS_REPLICAS) == 0)
		return false;
	if (d->confirmed || (d->asked && (!acts || is_confirmed(l, i))))
		return acts;
	if (!d->asked && age.us >= CONFIRM_AFTER.us) {
		d->asked = true;
		probe_member(l, i, true);
		probe_replicas(l, i, true, false);
	}
	if (!d->asked)
		look_within(l, DUR_US(CONFIRM_AFTER.us - age.us));
	else if (age.us < CONFIRM_FOR.us)
		look_within(l, CONFIRM_EVERY);
	else
		look_within(l, REREAD_EVERY);
	return false;
}

/* ---- what is told ---- */

/* An operation holds it, or one of its replicas: what shows meanwhile is meant. */
static bool
is_worked_on(const struct look *l, size_t i)
{
	const struct control_shared *c = board_get(l->ctx, BOARD_CONTROL,
	    "control");
	const struct member *m = l->snap->members;
	const struct analysis *an = &l->all->at[i];
	bool found = c != NULL &&
	    control_maintenance(c->control, m[i].in->key) != NULL;

	for (uint32_t k = 0; c != NULL && k < an->facts.replicas; k++)
		found = found || control_maintenance(c->control,
		    m[l->all->replica[an->first + k]].in->key) != NULL;
	shared_unref(c);
	return found;
}

static void
tell_change(struct look *l, size_t i, enum analysis_code was)
{
	const struct analysis *an = &l->all->at[i];
	const struct watched *d = l->at[i];
	const struct key key = l->snap->members[i].in->key;
	enum log_level level;

	l->changes++;
	if (an->facts.replicas > 0)
		act_send(l->ctx, app_of(l->ctx)->store, store_analysis,
		    .host = key.host, .port = key.port,
		    .code = analysis_name(d->code), .at_us = d->since.us);
	level = is_worked_on(l, i) ? LOG_INFO : LOG_NOTICE;
	if (d->code != ANALYSIS_NO_PROBLEM)
		act_log(l->ctx, level, "%s: %s: %s", d->key,
		    analysis_name(d->code), analysis_text(d->code));
	else if (was != ANALYSIS_NO_PROBLEM)
		act_log(l->ctx, level, "%s: no more %s", d->key,
		    analysis_name(was));
}

/* ---- detections ---- */

/* Neither downtime nor maintenance nor a filter keeps it quiet. */
static bool
may_tell(const struct look *l, size_t i, const struct control *c)
{
	const struct member *m = l->snap->members;
	struct analysis_note note;

	analysis_note(&note, l->all, i, m, c, act_wall(l->ctx));
	return !note.skippable &&
	    control_maintenance(c, m[i].in->key) == NULL &&
	    !pattern_list_match(l->config->rules.recovery_ignore,
		m[i].in->key.host);
}

static void
send_detection(struct look *l, size_t i, const struct control *c)
{
	const struct analysis *an = &l->all->at[i];
	const struct cluster_snap *snap = l->snap;
	const struct key key = snap->members[i].in->key;
	const char *alias = control_alias_override(c, snap->name);
	wall_t now = act_wall(l->ctx);
	char text[KEY_TEXT_MAX];
	struct buf b;

	if (alias == NULL)
		alias = snap->suggested[0] != '\0' ? snap->suggested :
						    snap->name;
	buf_init(&b);
	for (uint32_t k = 0; k < an->facts.replicas; k++)
		buf_printf(&b, "%s%s", k > 0 ? "," : "",
		    key_text(snap->members[l->all->replica[an->first + k]].
			in->key, text));
	act_send(l->ctx, app_of(l->ctx)->store, store_detection,
	    .host = key.host, .port = key.port,
	    .code = analysis_name(an->code),
	    .actionable = analysis_acts(an->code), .cluster = snap->name,
	    .alias = alias, .replica_count = an->facts.replicas,
	    .replicas = buf_text(&b), .at_us = now.us,
	    .until_us = now.us + DUR_S(60 * (int64_t)
		l->config->failure_detection_period_block_minutes).us);
	buf_fini(&b);
}

static void
detect(struct look *l, size_t i, bool confirmed)
{
	struct watched *d = l->at[i];
	mono_t now = act_now(l->ctx);
	struct control_shared *c;
	dur_t again = DETECT_RETRY;

	if (!analysis_recorded(d->code) ||
	    (analysis_acts(d->code) && !confirmed))
		return;
	if (now.us < d->detect.us) {
		look_within(l, mono_sub(d->detect, now));
		return;
	}
	c = board_get(l->ctx, BOARD_CONTROL, "control");
	if (c != NULL && may_tell(l, i, c->control)) {
		send_detection(l, i, c->control);
		again = DETECT_AGAIN;
	}
	shared_unref(c);
	d->detect = mono_add(now, again);
	look_within(l, again);
}

/* ---- a verdict ---- */

/* What is not settled yet says nothing of what was before. */
static void
judge(struct look *l, size_t i, struct verdict *v)
{
	const struct analysis *an = &l->all->at[i];
	struct watched *d = l->at[i];
	enum analysis_code was = d->code;
	bool changed = !d->known || d->code != an->code;

	if (an->facts.sight == SIGHT_UNSETTLED || an->facts.unsettled > 0)
		return;
	if (changed) {
		d->known = true;
		d->code = an->code;
		d->since = act_wall(l->ctx);
		d->began = act_now(l->ctx);
		d->asked = d->confirmed = false;
		d->detect = (mono_t){ 0 };
	}
	v->since = d->since;
	if (!app_of(l->ctx)->daemon)
		return;
	if (changed)
		tell_change(l, i, was);
	if (!app_of(l->ctx)->probe)
		return;
	reread(l, i);
	d->confirmed = v->confirmed = confirm(l, i);
	detect(l, i, v->confirmed);
}

/* ---- a look ---- */

static void
remember(struct look *l, struct cluster_analysis *an, const struct config *c)
{
	dur_t limit = DUR_S(c->reasonable_replication_lag_seconds);
	struct watch *w = l->w;

	shared_unref(w->last);
	w->last = shared_ref(an);
	w->news = false;
	w->unsettled = false;
	w->config = board_version(l->ctx, BOARD_CONFIG);
	w->lags = mem_resize(w->lags, l->snap->n, 1);
	for (size_t i = 0; i < l->snap->n; i++) {
		w->lags[i] = lags(l->snap->members[i].in, limit);
		w->unsettled |= an->all.at[i].facts.sight == SIGHT_UNSETTLED;
	}
	act_cancel(l->ctx, &w->timer);
	w->due.us = 0;
	if (l->next.us <= 0)
		return;
	w->due = mono_add(act_now(l->ctx), l->next);
	w->timer = act_after(l->ctx, l->next, cluster_look);
}

void
watch_look(struct watch *w, struct ctx *ctx, struct cluster_snap *snap,
    const struct watch_peers *peers)
{
	const struct config_shared *c = config_ref(ctx);
	struct look l = { .w = w, .ctx = ctx, .snap = snap, .peers = peers,
		.config = c->config };

	if (!must_look(w, ctx, snap, c->config)) {
		snap->analysis = shared_ref(w->last);
		shared_unref(c);
		return;
	}
	w->round++;
	l.at = mem_alloc(snap->n * sizeof *l.at);
	snap->analysis = run(&l, c->config);
	for (size_t i = 0; i < snap->n; i++)
		judge(&l, i, &snap->analysis->verdict[i]);
	if (app_of(ctx)->daemon)
		act_send(ctx, app_of(ctx)->metrics, metric_analysis,
		    .changes = l.changes, .probes = l.probes);
	drop_gone(w);
	remember(&l, snap->analysis, c->config);
	mem_free(l.at);
	shared_unref(c);
}
