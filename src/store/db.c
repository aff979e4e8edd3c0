/* SPDX-License-Identifier: Apache-2.0 */
/* Opening, transactions, statements, and errors in words. */
#include "config.h"

#include "store/db.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

/* ---- errors ---- */

/* What a primary result code means to us. */
static const struct {
	int sqlite;
	enum err_code code;
	const char *hint;
} codes[] = {
	{ SQLITE_BUSY, ERR_BUSY, "another process keeps it locked" },
	{ SQLITE_LOCKED, ERR_BUSY, "it is locked" },
	{ SQLITE_FULL, ERR_IO, "the disk is full" },
	{ SQLITE_READONLY, ERR_IO, "it cannot be written" },
	{ SQLITE_PERM, ERR_IO, "permission denied" },
	{ SQLITE_CANTOPEN, ERR_IO, "it cannot be opened" },
	{ SQLITE_IOERR, ERR_IO, "reading or writing failed" },
	{ SQLITE_CORRUPT, ERR_MALFORMED, "the file is damaged: move it away, "
	    "or repair it with sqlite3's .recover" },
	{ SQLITE_NOTADB, ERR_MALFORMED, "the file is not a database" },
	{ SQLITE_TOOBIG, ERR_INVALID, "a value is too long" },
	{ SQLITE_CONSTRAINT, ERR_INVALID, "a value is not allowed" },
	{ SQLITE_MISMATCH, ERR_INVALID, "a value is not allowed" },
};

/* errno is only of use when SQLite says that the system call failed. */
static int
system_errno(sqlite3 *db, int rc)
{
	if (rc != SQLITE_IOERR && rc != SQLITE_CANTOPEN && rc != SQLITE_FULL)
		return 0;
	return db != NULL ? sqlite3_system_errno(db) : 0;
}

enum err_code
db_fail(struct store *s, struct err *err, const char *what)
{
	int rc = s->db != NULL ? sqlite3_errcode(s->db) & 0xff : SQLITE_NOMEM;
	int no = system_errno(s->db, rc);

	for (size_t i = 0; i < MEM_COUNT(codes); i++) {
		if (codes[i].sqlite != rc)
			continue;
		return err_set(err, codes[i].code, "store %.200s: %s: %s%s%s",
		    s->path, what, codes[i].hint, no != 0 ? ": " : "",
		    no != 0 ? strerror(no) : "");
	}
	return err_set(err, ERR_IO, "store %.200s: %s: %.120s", s->path, what,
	    s->db != NULL ? sqlite3_errmsg(s->db) : "no memory");
}

/* ---- statements ---- */

sqlite3_stmt *
db_prepare(struct store *s, sqlite3_stmt **slot, const char *sql,
    struct err *err)
{
	if (*slot == NULL && sqlite3_prepare_v3(s->db, sql, -1,
	    SQLITE_PREPARE_PERSISTENT, slot, NULL) != SQLITE_OK)
		db_fail(s, err, "preparing a statement");
	return *slot;
}

sqlite3_stmt *
db_stmt(struct store *s, enum statement which, struct err *err)
{
	static const char *const text[] = {
#define STATEMENT(name, sql) sql,
#include "store/statements.def"
#undef STATEMENT
	};

	return db_prepare(s, &s->stmt[which], text[which], err);
}

void
db_reset(sqlite3_stmt *stmt)
{
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
}

bool
db_row(struct store *s, sqlite3_stmt *stmt, const char *what,
    enum err_code *code, struct err *err)
{
	int rc = sqlite3_step(stmt);

	*code = ERR_NONE;
	if (rc == SQLITE_ROW)
		return true;
	if (rc != SQLITE_DONE)
		*code = db_fail(s, err, what);
	db_reset(stmt);
	return false;
}

enum err_code
db_run(struct store *s, sqlite3_stmt *stmt, const char *what, struct err *err)
{
	enum err_code code;

	while (db_row(s, stmt, what, &code, err))
		;
	return code;
}

enum err_code
db_exec(struct store *s, const char *sql, const char *what, struct err *err)
{
	if (sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK)
		return ERR_NONE;
	return db_fail(s, err, what);
}

void
db_bind_text(sqlite3_stmt *stmt, int at, const char *text)
{
	int rc = sqlite3_bind_text(stmt, at, text != NULL ? text : "", -1,
	    SQLITE_STATIC);

	/* TOOBIG leaves NULL there, which NOT NULL refuses for that row. */
	assert(rc == SQLITE_OK || rc == SQLITE_TOOBIG);
}

void
db_bind_int(sqlite3_stmt *stmt, int at, int64_t v)
{
	int rc = sqlite3_bind_int64(stmt, at, v);

	assert(rc == SQLITE_OK);
}

void
db_bind_time(sqlite3_stmt *stmt, int at, wall_t t)
{
	char text[WALL_TEXT_MAX];
	int rc;

	rc = sqlite3_bind_text(stmt, at, t.us != 0 ? wall_rfc3339(t, text) : "",
	    -1, SQLITE_TRANSIENT);
	assert(rc == SQLITE_OK);
}

void
db_bind_key(sqlite3_stmt *stmt, int at, struct key key)
{
	db_bind_text(stmt, at, key.host);
	db_bind_int(stmt, at + 1, key.port);
}

const char *
db_text(sqlite3_stmt *stmt, int at)
{
	const unsigned char *text = sqlite3_column_text(stmt, at);

	return text != NULL ? (const char *)text : "";
}

wall_t
db_time(sqlite3_stmt *stmt, int at)
{
	wall_t t = { 0 };

	if (wall_parse(&t, db_text(stmt, at), NULL) != ERR_NONE)
		t.us = 0;
	return t;
}

struct key
db_key(sqlite3_stmt *stmt, int at)
{
	int64_t port = sqlite3_column_int64(stmt, at + 1);

	return (struct key){ db_text(stmt, at),
		port > 0 && port <= 65535 ? (uint32_t)port : 0 };
}

/* ---- transactions ---- */

static enum err_code
run(struct store *s, enum statement which, const char *what, struct err *err)
{
	sqlite3_stmt *stmt = db_stmt(s, which, err);

	if (stmt == NULL)
		return db_fail(s, err, what);
	return db_run(s, stmt, what, err);
}

enum err_code
store_begin(struct store *s, struct err *err)
{
	assert(sqlite3_get_autocommit(s->db));
	return run(s, DB_begin, "beginning a transaction", err);
}

enum err_code
store_commit(struct store *s, struct err *err)
{
	enum err_code code = run(s, DB_commit, "committing", err);

	if (code != ERR_NONE)
		store_rollback(s);
	return code;
}

void
store_rollback(struct store *s)
{
	/* SQLite may have ended it by itself: full disk, I/O error. */
	if (!sqlite3_get_autocommit(s->db))
		run(s, DB_rollback, "rolling back", NULL);
	if (!sqlite3_get_autocommit(s->db))
		db_exec(s, "ROLLBACK", "rolling back", NULL);
}

void
store_checkpoint(struct store *s)
{
	if (!sqlite3_get_autocommit(s->db))
		return;
	/* Not worth waiting for a reader: the next idle moment will do. */
	sqlite3_busy_timeout(s->db, 0);
	sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL,
	    NULL);
	sqlite3_busy_timeout(s->db, STORE_BUSY_MS);
}

bool
store_changed_outside(struct store *s)
{
	sqlite3_stmt *stmt = db_stmt(s, DB_data_version, NULL);
	int64_t was = s->data_version;
	enum err_code code;

	if (stmt == NULL || !db_row(s, stmt, "looking", &code, NULL))
		return false;
	s->data_version = sqlite3_column_int64(stmt, 0);
	db_reset(stmt);
	return was != 0 && s->data_version != was;
}

/* ---- opening ---- */

static enum err_code
no_directory(const char *dir, int no, struct err *err)
{
	return err_set(err, ERR_IO, "store directory %.200s: %s", dir,
	    strerror(no));
}

/* Every directory above the file. */
static enum err_code
make_directories(const char *path, struct err *err)
{
	char *dir = mem_strdup(path), *slash = dir;
	enum err_code code = ERR_NONE;

	while (code == ERR_NONE && (slash = strchr(slash + 1, '/')) != NULL) {
		*slash = '\0';
		if (mkdir(dir, 0700) < 0 && errno != EEXIST &&
		    access(dir, F_OK) < 0)
			code = no_directory(dir, errno, err);
		*slash = '/';
	}
	mem_free(dir);
	return code;
}

/*
 * SQLite would use the umask.  Only ever a new file is opened here: closing one
 * that SQLite has open in this process would drop its locks.
 */
static enum err_code
make_file(const char *path, struct err *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd >= 0)
		close(fd);
	else if (errno != EEXIST)
		return err_set(err, ERR_IO, "store %.200s: cannot be made: %s",
		    path, strerror(errno));
	return ERR_NONE;
}

static const char pragmas[] =
    "PRAGMA synchronous=NORMAL;"
    "PRAGMA cache_size=-16384;"
    "PRAGMA temp_store=MEMORY;"
    "PRAGMA wal_autocheckpoint=1000;"
    "PRAGMA trusted_schema=OFF;"
    "PRAGMA cell_size_check=ON;";

/* SQLite does not wait by itself when another process does the same now. */
static enum err_code
use_wal(struct store *s, struct err *err)
{
	enum err_code code;
	int waited = 0;

	while ((code = db_exec(s, "PRAGMA journal_mode=WAL", "opening", err)) ==
	    ERR_BUSY && waited < STORE_BUSY_MS)
		waited += sqlite3_sleep(50);
	return code;
}

static enum err_code
connect(struct store *s, const struct store_arg *arg, struct err *err)
{
	bool memory = strcmp(arg->path, ":memory:") == 0;
	int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
	    SQLITE_OPEN_URI;
	enum err_code code;

	flags |= arg->readonly && !memory ? SQLITE_OPEN_READONLY :
	    SQLITE_OPEN_READWRITE;
	if (memory)
		flags |= SQLITE_OPEN_CREATE; /* files: see make_file() */
	if (!memory)
		flags &= ~SQLITE_OPEN_URI;
	if (sqlite3_open_v2(memory ? "file:/orchestrator?vfs=memdb" : arg->path,
	    &s->db, flags, NULL) != SQLITE_OK)
		return db_fail(s, err, "opening");
	sqlite3_busy_timeout(s->db, STORE_BUSY_MS);
	sqlite3_limit(s->db, SQLITE_LIMIT_LENGTH, STORE_TEXT_MAX);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	code = db_exec(s, pragmas, "opening", err);
	if (code == ERR_NONE && !arg->readonly && !memory)
		code = use_wal(s, err);
	return code;
}

enum err_code
store_open(struct store **out, const struct store_arg *arg, struct err *err)
{
	struct store *s;
	enum err_code code = ERR_NONE;

	assert(sqlite3_threadsafe() != 0);
	*out = NULL;
	if (arg->migrate && !arg->readonly &&
	    strcmp(arg->path, ":memory:") != 0) {
		code = make_directories(arg->path, err);
		if (code == ERR_NONE)
			code = make_file(arg->path, err);
		if (code != ERR_NONE)
			return code;
	}
	s = mem_zalloc(sizeof *s);
	s->path = mem_strdup(arg->path);
	code = connect(s, arg, err);
	if (code == ERR_NONE)
		code = db_migrate(s, arg->migrate && !arg->readonly, err);
	if (code != ERR_NONE) {
		store_close(s);
		return code;
	}
	store_changed_outside(s);
	*out = s;
	return ERR_NONE;
}

void
store_close(struct store *s)
{
	int rc;

	if (s == NULL)
		return;
	for (unsigned i = 0; i < DB_STATEMENTS; i++)
		sqlite3_finalize(s->stmt[i]);
	for (unsigned i = 0; i < CONTROL_TABLES; i++) {
		sqlite3_finalize(s->control_put[i]);
		sqlite3_finalize(s->control_drop[i]);
	}
	sqlite3_finalize(s->instance_load);
	sqlite3_finalize(s->instance_load_one);
	sqlite3_finalize(s->instance_put);
	sqlite3_finalize(s->instance_health);
	rc = sqlite3_close(s->db);
	assert(rc == SQLITE_OK);
	mem_free(s->path);
	mem_free(s);
}
