/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon: "orchestrator http", and "-c continuous" without the listeners.
 */
#ifndef ORC_CLI_SERVE_H
#define ORC_CLI_SERVE_H

#include "cli/flags.h"
#include "config/conf.h"

/* Serve until SIGTERM or SIGINT; the exit status. */
int serve(const struct flags *f, const struct config_source *source, bool http);

#endif
