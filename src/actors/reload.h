/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the configuration again: all or nothing.
 */
#ifndef ORC_ACTORS_RELOAD_H
#define ORC_ACTORS_RELOAD_H

#include "actors/app.h"
#include "config/conf.h"

/*
 * Load, compare, publish.  extra: one file more, NULL or "" for none.  On error
 * the published configuration stays.  Changed keys that need a restart are
 * logged by name.  (Files of a few kB: the only file reads in a worker.)
 */
enum err_code reload_config(struct ctx *ctx, const char *extra,
    struct err *err);

/*
 * Log what a loaded configuration has to say: unknown keys (WARNING), keys not
 * acted on (NOTICE).  most: the least severe level that is wanted.
 */
void log_config_notes(const struct config *c, enum log_level most);

#endif
