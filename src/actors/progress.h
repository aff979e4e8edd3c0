/* SPDX-License-Identifier: Apache-2.0 */
/* How far the discovery is, from what directory and dialer publish. */
#ifndef ORC_ACTORS_PROGRESS_H
#define ORC_ACTORS_PROGRESS_H

#include <stdint.h>

struct ctx;

struct progress {
	uint32_t known;	     /* servers */
	uint32_t probed;     /* of them since the start, well or not */
	uint32_t reached;    /* of them well */
	uint32_t failing;    /* whose latest probe failed */
	uint32_t clusters;
	uint32_t connecting; /* attempts under way */
	uint32_t waiting;    /* servers that wait for such an attempt */
};

/* From any actor or port. */
struct progress progress_now(struct ctx *ctx);

#endif
