/* SPDX-License-Identifier: Apache-2.0 */
/* What the runtime is compared with: other mailboxes, threads and no more. */
#ifndef ORC_T_BENCH_MAILBOX_H
#define ORC_T_BENCH_MAILBOX_H

#include <stdint.h>

#include "bench.h"

/* RINGS: what the runtime uses, its rings and sleepers alone. */
enum mailbox { MUTEX_COND, CK_MPSC, RINGS, MAILBOXES };

extern const char *const mailbox_name[MAILBOXES];

/*
 * Each of the senders sends each messages to one thread.  After two seconds it
 * ends; the time is then what all would have taken.
 */
struct lap mailbox_many_to_one(enum mailbox kind, int senders, uint64_t each);
/* Two threads; the time of there and back in ns[], rounds of them. */
struct lap mailbox_ping_pong(enum mailbox kind, int64_t *ns, size_t rounds);
/* Tokens that two threads pass on hops times each, to one of them by chance. */
struct lap mailbox_tokens(enum mailbox kind, int tokens, unsigned hops);

#endif
