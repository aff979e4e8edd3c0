/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can be asked of the reader: read_run's what and args, read_ran's rows
 * (mysql/rows.h: one result, columns by name, values as text, NULL never).
 *
 *	"audit"		reader_pack_audit(): one page, newest first
 *			id at type host port cluster message
 *	"analysis"	no args: changes of what servers are analysed as, by
 *			server, then oldest first
 *			host port at code
 *	"detection"	reader_pack_detection(): one page, newest first
 *			id host port at until code cluster alias count
 *			replicas node token
 *	"history"	reader_pack_history(): one cluster in the newest snapshot
 *			whose time matches; no rows when there is none
 *			at host port source_host source_port cluster version
 *
 * Times are as wall_rfc3339() writes them.  INVALID: a bad pattern; NOT_FOUND:
 * nobody knows how to read that; IO and others: the store's.
 */
#ifndef ORC_ACTORS_READER_H
#define ORC_ACTORS_READER_H

#include "actors/app.h"
#include "topology/key.h"

enum { AUDIT_PAGE = 20, HISTORY_ROWS_MAX = 100000,
	ANALYSIS_ROWS_MAX = 100000 };

/* key KEY_NONE: of all servers; page from 0. */
void reader_pack_audit(struct buf *args, struct key key, uint32_t page);

/* id 0: of all; alias "": of any; page from 0. */
void reader_pack_detection(struct buf *args, int64_t id, const char *alias,
    uint32_t page);

/*
 * pattern	a regular expression, searched in the snapshot's time as unix
 *		seconds and as "YYYY-MM-DDTHH:MM:SSZ"
 */
void reader_pack_history(struct buf *args, const char *cluster,
    const char *pattern);

#endif
