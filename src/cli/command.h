/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands: "orchestrator -c COMMAND", a row of cli.def each.  They need no
 * running daemon: the program's own actors work on the same store.
 */
#ifndef ORC_CLI_COMMAND_H
#define ORC_CLI_COMMAND_H

#include "cli/flags.h"
#include "config/conf.h"

/*
 * Run the command that the flags name; the value is the exit status.  stdout
 * gets what cli.def says, errors go to stderr.
 */
int command_run(const struct flags *f, const struct config_source *source);

/* The list, by section; "help". */
void command_list(struct buf *out);
/* "help COMMAND": false when there is none of that name. */
bool command_help(struct buf *out, const char *name);

/* Commands that are no operation: exit status. */
int own_continuous(const struct flags *f, const struct config_source *source);
int own_dump_config(const struct flags *f, const struct config_source *source);
int own_redeploy(const struct flags *f, const struct config_source *source);

/* Load, or say on stderr why not and give NULL. */
struct config *command_config(const struct config_source *source);

#endif
