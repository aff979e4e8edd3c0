/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon that serves the same store as a command: what changes servers is
 * left to it, since it knows how they are and what else is done to them.
 */
#ifndef ORC_CLI_REMOTE_H
#define ORC_CLI_REMOTE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "config/conf.h"

/*
 * The file beside the store that a daemon holds locked while it runs; to be
 * freed.  NULL: a store that no other process can see.
 */
char *remote_lock_file(const struct config *c);

/*
 * Does one run, and can it be asked with what the configuration says?  Not when
 * it only answers over TLS, to tokens or to a proxy's users, or may only read.
 */
bool remote_runs(const struct config *c);

/*
 * Ask for a path below /api/.  The answer's body is appended to out, whatever
 * its status.  UNREACHABLE: nobody has seen the request; IO: somebody may have.
 */
enum err_code remote_get(const struct config *c, const char *path,
    struct buf *out, struct err *err);

#endif
