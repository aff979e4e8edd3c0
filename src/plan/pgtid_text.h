/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events as text: which are markers and what those are called, which count when
 * two logs are compared, and what of their text does.
 */
#ifndef ORC_PLAN_PGTID_TEXT_H
#define ORC_PLAN_PGTID_TEXT_H

#include "base/buf.h"
#include "plan/binlog.h"

/* Does it mark a place, by the configured pattern? */
bool event_is_marker(const struct pgtid_rule *rule, const struct log_event *e);
/*
 * The part of a marker's text that is unique: the word around the hint; without
 * a hint, or when that word is little more, the text as it is compared, without
 * "use `db`; ".  Appended to out.
 */
void marker_name(const struct pgtid_rule *rule, const char *info,
    struct buf *out);
/* <0, 0, >0 in the order in which they were written, when *known. */
int marker_cmp(const struct pgtid_rule *rule, const char *a, const char *b,
    bool *known);

/*
 * Does it say what was done?  Not what a server notes for itself (heads and
 * ends of files, compression, the text of rows' statements), an anonymous
 * GTID, nor what SkipBinlogEventsContaining names.
 */
bool event_counts(const struct pgtid_rule *rule, const struct log_event *e);
/*
 * Its text without what servers add or number by themselves; appended to out.
 * The rules apply in their order.
 */
void event_normalise(const char *info, struct buf *out);

/* Inside of a transaction after that normalised text? */
enum log_trx { TRX_NONE, TRX_BEGINS, TRX_OPEN };
enum log_trx event_trx(enum log_trx before, const char *text);

#endif
