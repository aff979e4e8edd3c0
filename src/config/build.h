/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the files of this folder only: a struct config while it is being made.
 * Steps return an error code and stop the load; what is worth telling but no
 * reason to stop becomes a note.
 */
#ifndef ORC_CONFIG_BUILD_H
#define ORC_CONFIG_BUILD_H

#include "config/conf.h"

#define CONFIG_MASK "********" /* shown for a secret that is not empty */

/* The table's defaults, nothing more. */
struct config *config_new(void);

void *config_field(struct config *c, enum config_key key);
const void *config_value(const struct config *c, enum config_key key);

/* Key of these types only: INT, UINT, INT64; STR, SECRET. */
int64_t config_number(const struct config *c, enum config_key key);
const char *config_text(const struct config *c, enum config_key key);

/* true, not 0, not empty */
bool config_is_set(const struct config *c, enum config_key key);
/* Two values of this type, as config_value() gives them */
bool config_equal(enum config_type type, const void *a, const void *b);

void config_note(struct config *c, enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* err becomes "FILE: KEY: text"; returns INVALID. */
enum err_code config_fail(const struct config *c, enum config_key key,
    struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Put "FILE: KEY: " before err's text. */
enum err_code config_blame(const struct config *c, enum config_key key,
    struct err *err);

/*
 * A regular file or pipe of at most CONFIG_FILE_MAX bytes, NUL-terminated,
 * mem_free().  NULL on error: NOT_FOUND, else IO.
 */
char *config_slurp(const char *path, size_t *len, struct err *err);

/* One file over what is there. */
enum err_code config_read(struct config *c, const char *path, struct err *err);
enum err_code config_read_text(struct config *c, const char *name,
    const char *text, size_t n, struct err *err);

/* After the last file, in this order. */
enum err_code config_secrets(struct config *c, struct err *err);
enum err_code config_adjust(struct config *c, struct err *err);
enum err_code config_check(struct config *c, struct err *err);
enum err_code config_compile(struct config *c, struct err *err);
void config_rules_fini(struct config_rules *r);

/*
 * Credentials: [client] with user and password, in the form of option files.
 * Names other than these are an error.  What is absent stays NULL.
 */
struct credentials {
	const char *user; /* in the arena */
	const char *password;
};

enum err_code credentials_parse(struct credentials *cr, struct arena *a,
    const char *text, struct err *err);

/*
 * Replace each ${NAME} by the variable's value.  NULL when one is not set:
 * NOT_FOUND names it.
 */
const char *env_expand(struct arena *a, const char *text, struct err *err);

#endif
