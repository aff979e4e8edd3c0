/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Server versions as numbers, and who made the server.  Never compare the text:
 * "8.0.4" sorts after "8.0.14", and "10.6" before "8.0".
 */
#ifndef ORC_TOPOLOGY_VERSION_H
#define ORC_TOPOLOGY_VERSION_H

#include <stdbool.h>
#include <stdint.h>

enum flavour {
	FLAVOUR_MYSQL, /* Oracle's, and every fork without a name of its own */
	FLAVOUR_MARIADB,
	FLAVOUR_PERCONA,
	FLAVOUR_MAXSCALE, /* a binlog server */
	FLAVOUR_UNKNOWN,  /* never probed, or the text holds no number */
};

struct version {
	uint16_t major;
	uint16_t minor;
	uint16_t patch;
};

enum { VERSION_MAJOR_TEXT_MAX = 16 };

/*
 * Reads what @@version says: "8.0.36-28", "10.11.6-MariaDB-log", "9.7.0".  The
 * "5.5.5-" that MariaDB puts before its version in a handshake is passed over.
 * Parts that are missing or no numbers are 0; a text without any gives 0.0.0.
 */
struct version version_parse(const char *text);

/* <0, 0, >0 */
int version_cmp(struct version a, struct version b);

/* Is v the version named, or later? */
bool version_at_least(struct version v, unsigned major, unsigned minor,
    unsigned patch);

/* The series, "8.0" or "10.11". */
const char *version_major_text(struct version v,
    char out[VERSION_MAJOR_TEXT_MAX]);

/*
 * Who made it, from @@version and @@version_comment.  Letter case does not
 * matter.  From: inst/instance.go (Percona fork), FlavorName.
 */
enum flavour version_flavour(const char *version, const char *comment);

/* v1's word: MySQL, MariaDB, Percona, MaxScale, unknown. */
const char *flavour_name(enum flavour f);

#endif
