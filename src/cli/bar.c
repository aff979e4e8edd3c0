/* SPDX-License-Identifier: Apache-2.0 */
/* A progress bar on a terminal; see bar.h. */
#include "config.h"

#include "cli/bar.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "actors/progress.h"
#include "base/log.h"
#include "runtime/actor.h"

enum {
	WIDTH_USUAL = 80, /* the terminal does not say */
	BAR_MIN = 10,	  /* columns between the brackets */
	BAR_MAX = 40,
	SHOW_AFTER_US = 500000,	 /* what is done by then needs no bar */
	CALM_US = 1500000,	 /* complete for so long: over */
	NOTHING_US = 10000000,	 /* nobody is known by then */
};

bool
bar_possible(void)
{
	const char *term = getenv("TERM");

	return isatty(STDERR_FILENO) && term != NULL &&
	    strcmp(term, "dumb") != 0 &&
	    tcgetpgrp(STDERR_FILENO) == getpgrp();
}

static unsigned
terminal_width(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
		return WIDTH_USUAL;
	return size.ws_col < BAR_WIDTH_MAX ? size.ws_col : BAR_WIDTH_MAX;
}

static void
add_bar(struct buf *out, size_t done, size_t all, unsigned columns)
{
	size_t full = done * columns / all;

	buf_str(out, " [");
	buf_pad(out, '=', full);
	if (full < columns) {
		buf_chr(out, '>');
		buf_pad(out, ' ', columns - full - 1);
	}
	buf_chr(out, ']');
}

void
bar_text(struct buf *out, size_t done, size_t all, const char *what,
    const char *more, unsigned width)
{
	size_t began = out->len, rest;
	struct buf end = { 0 };

	if (all == 0)
		all = 1;
	if (done > all)
		done = all;
	assert(width > 0);
	buf_printf(out, "%zu of %zu %s", done, all, what);
	buf_printf(&end, " %zu%%%s", done * 100 / all, more);
	rest = out->len - began + end.len + strlen(" []") + 1;
	if (rest + BAR_MIN <= width)
		add_bar(out, done, all, width - rest < BAR_MAX ?
		    (unsigned)(width - rest) : BAR_MAX);
	buf_str(out, buf_text(&end));
	if (out->len - began > width - 1) {
		out->len = began + width - 1;
		out->data[out->len] = '\0';
	}
	buf_fini(&end);
}

void
bar_show(size_t done, size_t all, const char *what, const char *more)
{
	struct buf text = { 0 };

	bar_text(&text, done, all, what, more, terminal_width());
	log_status(buf_text(&text));
	buf_fini(&text);
}

void
bar_hide(void)
{
	log_status("");
}

/* ---- of the discovery ---- */

void
bar_begin(struct bar *b, struct ctx *ctx)
{
	*b = (struct bar){ bar_possible() ? BAR_WAITS : BAR_NONE,
		act_now(ctx).us, act_now(ctx).us };
}

static void
show(const struct progress *p)
{
	struct buf more = { 0 };

	buf_printf(&more, ", %u clusters", p->clusters);
	if (p->failing > 0)
		buf_printf(&more, ", %u failing", p->failing);
	if (p->waiting > 0)
		buf_printf(&more, ", %u wait to connect", p->waiting);
	bar_show(p->probed, p->known, "servers probed", buf_text(&more));
	buf_fini(&more);
}

static bool
is_over(const struct bar *b, const struct progress *p, long long now)
{
	if (p->known == 0)
		return now - b->began > NOTHING_US;
	return now - b->calm > CALM_US;
}

void
bar_end(struct bar *b)
{
	if (b->state == BAR_SHOWN)
		bar_hide();
	b->state = BAR_NONE;
}

static void
finish(struct bar *b, const struct progress *p)
{
	bool shown = b->state == BAR_SHOWN;

	bar_end(b);
	if (shown)
		log_line(LOG_NOTICE, "%u servers in %u clusters were probed, "
		    "%u of them fail, after %.1f s", p->probed, p->clusters,
		    p->failing, (double)(b->calm - b->began) / 1e6);
}

bool
bar_goes_on(struct bar *b, struct ctx *ctx)
{
	long long now = act_now(ctx).us;
	struct progress p;

	if (b->state == BAR_NONE)
		return false;
	p = progress_now(ctx);
	if (p.probed < p.known)
		b->calm = now;
	if (is_over(b, &p, now)) {
		finish(b, &p);
		return false;
	}
	if (b->state == BAR_WAITS && now - b->began > SHOW_AFTER_US &&
	    p.probed < p.known)
		b->state = BAR_SHOWN;
	if (b->state == BAR_SHOWN)
		show(&p);
	return true;
}
