/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MySQL's GTID sets: which transactions a server has executed.  Tagged GTIDs
 * (8.3 and later) included.  MariaDB's positions are gtid_mariadb.h.
 *
 * A set is kept normalised: sources ascend by UUID, then tag (none first), none
 * is empty; the ranges of a source ascend and do not touch.  So two sets are
 * equal when their memory looks the same, and every operation is one walk over
 * both.
 */
#ifndef ORC_TOPOLOGY_GTID_H
#define ORC_TOPOLOGY_GTID_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum {
	GTID_UUID_LEN = 16,
	GTID_UUID_TEXT_MAX = 37,
	GTID_TAG_MAX = 32,
	GTID_SOURCES_MAX = 100000, /* UUID and tag pairs in a parsed set */
	GTID_RANGES_MAX = 1000000, /* its intervals */
};

struct gtid_uuid {
	uint8_t b[GTID_UUID_LEN];
};

struct gtid_range {
	int64_t lo, hi; /* both included; 1 <= lo <= hi < INT64_MAX */
};

/* One UUID with one tag, and which of the set's ranges are its. */
struct gtid_source {
	struct gtid_uuid uuid;
	char tag[GTID_TAG_MAX + 1]; /* "" for none */
	uint32_t first, n;
};

struct gtid_set {
	struct gtid_source *source;
	struct gtid_range *range;
	uint32_t nsources, nranges;
	uint32_t sources_cap, ranges_cap;
};

void gtid_set_init(struct gtid_set *set);
void gtid_set_fini(struct gtid_set *set);

/*
 * Parse a GTID set as MySQL shows it: uuid:1-5:7:tag:1-3,uuid:1 (blanks,
 * newlines, letter case, order and repetition are free; a UUID may lack its
 * dashes; an interval whose end lies before its start is empty; "" is the
 * empty set).
 *
 * set	made by gtid_set_init(); what it held is lost.  Empty after an error.
 *
 * MALFORMED names the place; INVALID: beyond GTID_SOURCES_MAX or
 * GTID_RANGES_MAX.  A hundred ns per UUID; n log n when not in order.
 *
 * From: MySQL 8.4 Reference Manual, "GTID Format and Storage".
 */
enum err_code gtid_set_parse(struct gtid_set *set, const char *text,
    struct err *err);

/* Appends the canonical text: lower case, no blanks, untagged first. */
void gtid_set_text(const struct gtid_set *set, struct buf *out);

bool gtid_set_is_empty(const struct gtid_set *set);
bool gtid_set_eq(const struct gtid_set *a, const struct gtid_set *b);
/* Is each transaction of part in whole?  (GTID_SUBSET(part, whole)) */
bool gtid_set_contains(const struct gtid_set *whole,
    const struct gtid_set *part);
bool gtid_set_has_uuid(const struct gtid_set *set, struct gtid_uuid uuid);
/* Number of transactions; UINT64_MAX also stands for more. */
uint64_t gtid_set_count(const struct gtid_set *set);

/*
 * out (initialised; neither a nor b) becomes the result, which may exceed the
 * bounds on what can be parsed.
 */
void gtid_set_union(struct gtid_set *out, const struct gtid_set *a,
    const struct gtid_set *b);
void gtid_set_subtract(struct gtid_set *out, const struct gtid_set *a,
    const struct gtid_set *b);
void gtid_set_intersect(struct gtid_set *out, const struct gtid_set *a,
    const struct gtid_set *b);
void gtid_set_copy(struct gtid_set *out, const struct gtid_set *a);

/* Without this UUID, whatever the tag; or with nothing else. */
void gtid_set_remove_uuid(struct gtid_set *set, struct gtid_uuid uuid);
void gtid_set_keep_uuid(struct gtid_set *set, struct gtid_uuid uuid);

/* MALFORMED: not a UUID, or more than one. */
enum err_code gtid_uuid_parse(struct gtid_uuid *uuid, const char *text,
    struct err *err);
const char *gtid_uuid_text(struct gtid_uuid uuid, char out[GTID_UUID_TEXT_MAX]);
bool gtid_uuid_eq(struct gtid_uuid a, struct gtid_uuid b);

#endif
