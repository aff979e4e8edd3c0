/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which word to use with a server: a table (dialect.def) and what was learnt
 * from the server when it did not know the word of its version.  Pure.
 */
#ifndef ORC_MYSQL_DIALECT_H
#define ORC_MYSQL_DIALECT_H

#include <stdbool.h>
#include <stdint.h>

#include "topology/version.h"

enum word {
	WORD_REPLICA_STATUS,
	WORD_OWN_POSITION,
	WORD_LIST_REPLICAS,
	WORD_PROCESS_LIST,
	WORD_STATUS,
	WORDS,
};

struct dialect {
	enum flavour flavour;
	struct version version;
	uint8_t row[WORDS];   /* in use; index into the table */
	uint32_t tried[WORDS]; /* rows that the server did not know, as bits */
};

/* The words of that version; nothing learnt. */
void dialect_init(struct dialect *d, enum flavour flavour,
    struct version version);

const char *dialect_word(const struct dialect *d, enum word w);

/*
 * The server did not know dialect_word(): take another one from now on.
 * false: all were tried; the version's own word is in use again.
 */
bool dialect_other(struct dialect *d, enum word w);

/* Does this error of a server mean that a word was unknown to it? */
bool dialect_is_unknown(unsigned errnum);

/* MySQL, Percona, or a fork without a name: what the Oracle words are for. */
bool dialect_is_oracle(const struct dialect *d);

/*
 * The privilege that a statement needs there, as GRANT writes it; for the text
 * shown when it is missing.
 */
enum grant {
	GRANT_REPLICA_STATUS,
	GRANT_OWN_POSITION,
	GRANT_LIST_REPLICAS,
	GRANT_PROCESS_LIST,
	GRANT_GROUP_MEMBERS,
	GRANT_CREDENTIALS,
	GRANTS,
};
const char *dialect_grant(const struct dialect *d, enum grant g);

#endif
