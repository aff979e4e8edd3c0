/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A progress bar as the last line of a terminal, below what is logged.  Nothing of
 * it appears when stderr is no terminal, or one that somebody else is in front
 * of.
 */
#ifndef ORC_CLI_BAR_H
#define ORC_CLI_BAR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum { BAR_WIDTH_MAX = 200 };

bool bar_possible(void);

/*
 * "120 of 1000 servers probed [===>      ] 12%, 100 clusters", in width - 1
 * columns at most: first the bar goes, then the end.
 *
 * what	behind the numbers: "servers probed"
 * more	behind the bar: ", 100 clusters"; ""
 */
void bar_text(struct buf *out, size_t done, size_t all, const char *what,
    const char *more, unsigned width);

/* Show that instead of what was shown; in the width that the terminal has. */
void bar_show(size_t done, size_t all, const char *what, const char *more);
/* Take it away; before anything is printed. */
void bar_hide(void);

/*
 * How far the discovery is, drawn anew at each call.  false: it is over, or was
 * not to be shown at all; the bar is gone then.
 */
struct ctx;
struct bar {
	enum { BAR_NONE, BAR_WAITS, BAR_SHOWN } state;
	long long began, calm; /* us; calm: when it was last incomplete */
};
void bar_begin(struct bar *b, struct ctx *ctx);
bool bar_goes_on(struct bar *b, struct ctx *ctx);
void bar_end(struct bar *b);

#endif
