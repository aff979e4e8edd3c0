/* SPDX-License-Identifier: Apache-2.0 */
/* The stories, one test each. */
#include "config.h"

#include "raft/story.h"
#include "tap.h"

int
main(void)
{
	char why[VIOLATION_MAX];
	size_t i;

	for (i = 0; i < story_count; i++)
		if (!ok(story_holds(&stories[i], why), "%s", stories[i].what))
			diag("%s", why);
	return tap_done();
}
