/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Places in binary and relay logs (struct coord, instance.h): order, the file
 * before and after, and their text.  A log file is a prefix, a dot and a
 * number; numbers are compared as such, so that binlog.1000000 comes after
 * binlog.999999.
 */
#ifndef ORC_TOPOLOGY_COORD_H
#define ORC_TOPOLOGY_COORD_H

#include "topology/instance.h"

enum { COORD_FILE_MAX = 512, COORD_TEXT_MAX = COORD_FILE_MAX + 24 };

bool coord_is_none(const struct coord *c); /* no file */
bool coord_eq(const struct coord *a, const struct coord *b);

/*
 * <0, 0, >0: prefix, then number, then position.  Places of different prefixes
 * (of two servers, or binary against relay log) are only put into some fixed
 * order: ask coord_comparable() before believing it.
 */
int coord_cmp(const struct coord *a, const struct coord *b);
bool coord_comparable(const struct coord *a, const struct coord *b);

/* "file:pos"; a longer file name is cut. */
const char *coord_text(const struct coord *c, char out[COORD_TEXT_MAX]);

/*
 * Reads "file:pos"; the file is copied to a.  MALFORMED names the text (no
 * colon, no file, no position, a position beyond 63 bits).
 */
enum err_code coord_parse(struct coord *c, const char *text, struct arena *a,
    struct err *err);

/*
 * The log file's neighbour, its number as wide as it was ("bin.000099" gives
 * "bin.000100", "bin.999999" gives "bin.1000000"), with position 4, where a log
 * begins; the name is in a.  INVALID: the name has no number, or there is
 * nothing before number 1.
 */
enum err_code coord_next_file(struct coord *out, const struct coord *c,
    struct arena *a, struct err *err);
enum err_code coord_previous_file(struct coord *out, const struct coord *c,
    struct arena *a, struct err *err);

/*
 * n > 0 files before c, or the first one (number 1) when that is nearer;
 * position 4.  INVALID: as above.
 */
enum err_code coord_earlier_file(struct coord *out, const struct coord *c,
    uint64_t n, struct arena *a, struct err *err);
/* How many files from a to b; 0 also when b is not behind a. */
uint64_t coord_files_apart(const struct coord *a, const struct coord *b);

/*
 * Replication that was broken on purpose the old way: the log file reads
 * "//FILE:POS" (inst/binlog.go, 3.2.6).  coord_attached() gives what is
 * inside, and MALFORMED when c is not of that form.
 */
bool coord_is_detached(const struct coord *c);
struct coord coord_detached(const struct coord *c, struct arena *a);
enum err_code coord_attached(struct coord *out, const struct coord *c,
    struct arena *a, struct err *err);

#endif
