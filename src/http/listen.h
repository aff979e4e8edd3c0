/* SPDX-License-Identifier: Apache-2.0 */
/* Listening sockets: from an address as the configuration has it to fds. */
#ifndef ORC_HTTP_LISTEN_H
#define ORC_HTTP_LISTEN_H

#include "base/err.h"

enum { LISTEN_SHOWN_MAX = 300 };

/*
 * Bind and listen on ":3000", "host:3000", "[::1]:3000" (port 0: any), count
 * times over, so that each thread accepts from a socket of its own
 * (SO_REUSEPORT).  A host name stands for its first address, IPv4 before IPv6;
 * no host means every address of the machine.
 *
 * fd	gets count descriptors, non-blocking and close-on-exec; none on error
 * shown	gets "127.0.0.1:3000", with the port that was given
 *
 * EXISTS when somebody listens there already; INVALID, UNREACHABLE, IO.
 */
enum err_code listen_tcp(const char *address, int count, int *fd,
    char shown[LISTEN_SHOWN_MAX], struct err *err);

/*
 * The same on a unix socket; the descriptors are copies of one.  A socket file
 * at path is removed when nobody listens on it; EXISTS when somebody does, or
 * when the file is something else.  mode is the file's from the first moment
 * that a client could connect.
 */
enum err_code listen_unix(const char *path, unsigned mode, int count, int *fd,
    struct err *err);

void listen_close(int count, int *fd);

#endif
