/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections on their way from the connector thread that made them to the
 * session that uses them.  No pointer travels inside a message, so what travels
 * is a number, to be claimed once.
 *
 * These and the watch of connect.h are the only atomics outside src/runtime: a
 * connection belongs to no actor while its message is on the way, and must not
 * be lost (nor closed twice) when the receiver ends meanwhile.  A slot's state
 * is one word; whoever changes it from FREE to FILLING or from FULL to TAKING
 * has the slot for itself.
 */
#ifndef ORC_MYSQL_HANDLES_H
#define ORC_MYSQL_HANDLES_H

#include <stdbool.h>
#include <stdint.h>

struct st_mysql;

enum { HANDLES_MAX = 1024 }; /* on their way at one time */

/* 0: all slots are taken; the connection stays the caller's. */
uint32_t handle_put(struct st_mysql *m);

/* NULL: there is no such handle, or it was claimed already. */
struct st_mysql *handle_claim(uint32_t handle);

/* Closes what nobody claimed: at shutdown, after all threads ended. */
void handles_close(void);

/*
 * The watch over attempts under way: a descriptor, and the number of the
 * attempt.  watch_end() returns when nobody uses the descriptor any more;
 * watch_begin() is false after watch_stop(), which breaks all attempts off.
 */
bool watch_begin(unsigned place, uint32_t number, int fd);
void watch_end(unsigned place);
void watch_shutdown(unsigned place, uint32_t number);
void watch_stop(void);

#endif
