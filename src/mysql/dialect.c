/* SPDX-License-Identifier: Apache-2.0 */
/* Which words a server understands; see dialect.h. */
#include "config.h"

#include "mysql/dialect.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"

enum {
	IS_ORACLE = 1,
	IS_MARIADB = 2,
	IS_MAXSCALE = 4,
	IS_ANY = IS_ORACLE | IS_MARIADB | IS_MAXSCALE,
};

#define V(major, minor, patch) { major, minor, patch }
#define ALWAYS { 0, 0, 0 }
#define NEVER { UINT16_MAX, 0, 0 }

static const struct {
	enum word word;
	const char *text;
	unsigned flavours;
	struct version from, to;
} table[] = {
#define WORD(need, text, flavours, from, to) \
	{ WORD_##need, text, IS_##flavours, from, to },
#include "mysql/dialect.def"
#undef WORD
};

static unsigned
flavour_bit(enum flavour f)
{
	if (f == FLAVOUR_MARIADB)
		return IS_MARIADB;
	return f == FLAVOUR_MAXSCALE ? IS_MAXSCALE : IS_ORACLE;
}

static bool
fits(unsigned flavours, struct version from, struct version to,
    const struct dialect *d)
{
	return (flavours & flavour_bit(d->flavour)) != 0 &&
	    version_cmp(d->version, from) >= 0 &&
	    version_cmp(d->version, to) < 0;
}

/* The row of the version; a need without one for this flavour: its first. */
static uint8_t
own_row(const struct dialect *d, enum word w)
{
	uint8_t any = UINT8_MAX;

	for (uint8_t i = 0; i < MEM_COUNT(table); i++) {
		if (table[i].word != w)
			continue;
		if (fits(table[i].flavours, table[i].from, table[i].to, d))
			return i;
		if (any == UINT8_MAX)
			any = i;
	}
	assert(any != UINT8_MAX);
	return any;
}

void
dialect_init(struct dialect *d, enum flavour flavour, struct version version)
{
	static_assert(MEM_COUNT(table) <= 32, "rows are bits of tried[]");

	memset(d, 0, sizeof *d);
	d->flavour = flavour;
	d->version = version;
	for (int w = 0; w < WORDS; w++)
		d->row[w] = own_row(d, (enum word)w);
}

const char *
dialect_word(const struct dialect *d, enum word w)
{
	assert(w < WORDS && d->row[w] < MEM_COUNT(table));
	return table[d->row[w]].text;
}

/* A row not yet tried whose flavours include one of these; false: none. */
static bool
take_untried(struct dialect *d, enum word w, unsigned flavours)
{
	for (uint8_t i = 0; i < MEM_COUNT(table); i++)
		if (table[i].word == w && (table[i].flavours & flavours) != 0 &&
		    (d->tried[w] & UINT32_C(1) << i) == 0) {
			d->row[w] = i;
			return true;
		}
	return false;
}

bool
dialect_other(struct dialect *d, enum word w)
{
	assert(w < WORDS);
	d->tried[w] |= UINT32_C(1) << d->row[w];
	if (take_untried(d, w, flavour_bit(d->flavour)) ||
	    take_untried(d, w, IS_ANY))
		return true;
	d->row[w] = own_row(d, w);
	return false;
}

bool
dialect_is_unknown(unsigned errnum)
{
	static const unsigned unknown[] = {
		1054, /* column */
		1064, /* syntax */
		1109, /* table */
		1146, /* no such table */
		1193, /* system variable */
	};

	for (size_t i = 0; i < MEM_COUNT(unknown); i++)
		if (errnum == unknown[i])
			return true;
	return false;
}

bool
dialect_is_oracle(const struct dialect *d)
{
	return flavour_bit(d->flavour) == IS_ORACLE;
}

static const struct {
	enum grant grant;
	unsigned flavours;
	struct version from, to;
	const char *text;
} grants[] = {
	{ GRANT_REPLICA_STATUS, IS_MARIADB, V(10, 5, 9), NEVER,
	    "SLAVE MONITOR ON *.*" },
	{ GRANT_REPLICA_STATUS, IS_MARIADB, V(10, 5, 2), V(10, 5, 9),
	    "REPLICATION SLAVE ADMIN ON *.*" },
	{ GRANT_REPLICA_STATUS, IS_ANY, ALWAYS, NEVER,
	    "REPLICATION CLIENT ON *.*" },
	{ GRANT_OWN_POSITION, IS_MARIADB, V(10, 5, 2), NEVER,
	    "BINLOG MONITOR ON *.*" },
	{ GRANT_OWN_POSITION, IS_ANY, ALWAYS, NEVER,
	    "REPLICATION CLIENT ON *.*" },
	{ GRANT_LIST_REPLICAS, IS_MARIADB, V(10, 5, 2), NEVER,
	    "REPLICATION MASTER ADMIN ON *.*" },
	{ GRANT_LIST_REPLICAS, IS_ANY, ALWAYS, NEVER,
	    "REPLICATION SLAVE ON *.*" },
	{ GRANT_PROCESS_LIST, IS_ANY, ALWAYS, NEVER, "PROCESS ON *.*" },
	{ GRANT_GROUP_MEMBERS, IS_ANY, ALWAYS, NEVER,
	    "SELECT ON performance_schema.replication_group_members" },
	{ GRANT_CREDENTIALS, IS_ANY, ALWAYS, NEVER,
	    "SELECT ON mysql.slave_master_info" },
};

const char *
dialect_grant(const struct dialect *d, enum grant g)
{
	for (size_t i = 0; i < MEM_COUNT(grants); i++)
		if (grants[i].grant == g &&
		    fits(grants[i].flavours, grants[i].from, grants[i].to, d))
			return grants[i].text;
	assert(!"every privilege has a row for any server");
	return "";
}
