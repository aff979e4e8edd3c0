/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EnableSyslog: log lines go to the system's log as well.
 */
#ifndef ORC_CLI_SYSLOG_H
#define ORC_CLI_SYSLOG_H

/* From now on; before other threads start. */
void syslog_start(void);

#endif
