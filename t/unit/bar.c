/* SPDX-License-Identifier: Apache-2.0 */
/* The text of a progress bar: what is left out when a terminal is narrow. */
#include "config.h"

#include "cli/bar.h"

#include <string.h>

#include "tap.h"

static const struct {
	size_t done, all;
	unsigned width;
	const char *want;
} row[] = {
	{ 120, 1000, 55, "120 of 1000 servers probed [=>        ]"
			 " 12%, 4 failing" },
	{ 0, 1000, 55, "0 of 1000 servers probed [>            ]"
		       " 0%, 4 failing" },
	{ 1000, 1000, 57, "1000 of 1000 servers probed [==========]"
			  " 100%, 4 failing" },
	{ 120, 1000, 45, "120 of 1000 servers probed 12%, 4 failing" },
	{ 120, 1000, 42, "120 of 1000 servers probed 12%, 4 failing" },
	{ 120, 1000, 31, "120 of 1000 servers probed 12%" },
	{ 120, 1000, 12, "120 of 1000" },
	{ 120, 1000, 1, "" },
	{ 3, 2, 31, "2 of 2 servers probed 100%, 4 " },
	{ 0, 0, 31, "0 of 1 servers probed 0%, 4 fa" },
};

int
main(void)
{
	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
		struct buf b = { 0 };

		bar_text(&b, row[i].done, row[i].all, "servers probed",
		    ", 4 failing", row[i].width);
		is_str(buf_text(&b), row[i].want, "%zu of %zu in %u columns",
		    row[i].done, row[i].all, row[i].width);
		buf_fini(&b);
	}
	for (unsigned width = 1; width <= BAR_WIDTH_MAX; width++) {
		struct buf b = { 0 };

		bar_text(&b, 9999, 10000, "servers probed", ", 17 clusters",
		    width);
		if (b.len >= width)
			ok(false, "%zu bytes in %u columns", b.len, width);
		buf_fini(&b);
	}
	ok(true, "it never fills the last column");
	return tap_done();
}
