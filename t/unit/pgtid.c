/* SPDX-License-Identifier: Apache-2.0 */
/* pgtid: markers and places in logs, against recorded and scripted logs. */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/mem.h"
#include "plan/pgtid_text.h"
#include "tap.h"
#include "unit/log_server.h"

static struct arena arena;
static struct pgtid_rule rule = {
	.fixed = "drop view if exists `_pseudo_gtid_`",
	.hint = "asc:",
	.chunk = 10000,
};
static struct pgtid_result res;
static struct pgtid_cost cost;
static struct err err;

/* ---- texts ---- */

static const struct {
	const char *what, *info, *want;
} text_row[] = {
	{ "8.0 adds its xid to DDL", "create database x /* xid=14 */",
	    "create database x" },
	{ "a comment inside", "update t set s='q' /* in */ where i=1",
	    "update t set s='q' where i=1" },
	{ "two comments", "a /* 1 */ /* 2 */ b", "a b" },
	{ "a comment without a blank before is text", "a/* 1 */", "a/* 1 */" },
	{ "a comment without an end is text", "a /* 1", "a /* 1" },
	{ "a commit's xid", "COMMIT /* xid=33 */", "COMMIT" },
	{ "another word", "COMMITTED", "COMMITTED" },
	{ "a table's number", "table_id: 18 (x.t)", "table_id:  (x.t)" },
	{ "flags of versions",
	    "table_id: 106 flags: STMT_END_F USE_SQL_FOREIGN_KEY_F",
	    "table_id:  flags: STMT_END_F" },
	{ "no end of statement", "table_id: 106 flags: 0", "table_id:  flags: " },
	{ "hexadecimal", "@v:=X'61' COLLATE a, X'62' COLLATE b",
	    "@v:=0x61 COLLATE a, 0x62 COLLATE b" },
	{ "hexadecimal without a collation", "select X'61'", "select X'61'" },
	{ "MariaDB's group commit", "BEGIN GTID 0-1-12 cid=9",
	    "BEGIN GTID 0-1-12" },
	{ "a cid in a statement", "insert cid=9", "insert cid=9" },
	{ "nothing", "", "" },
};

static const struct {
	const char *hint, *info, *want;
} name_row[] = {
	{ "asc:", "drop view if exists `_pseudo_gtid_`.`_asc:65:1:aabbccdd`",
	    "_asc:65:1:aabbccdd" },
	{ "asc:", "use `x`; drop view if exists `_pseudo_gtid_`."
	    "`_asc:65:1:aabbccdd` /* xid=7 */", "_asc:65:1:aabbccdd" },
	{ "", "use `x`; insert into m values ('u-1') /* xid=7 */",
	    "insert into m values ('u-1')" },
	{ "asc:", "insert into m values ('asc: 12345678')",
	    "insert into m values ('asc: 12345678')" },
};

static void
test_texts(void)
{
	struct buf b;

	buf_init(&b);
	for (size_t i = 0; i < MEM_COUNT(text_row); i++) {
		buf_reset(&b);
		event_normalise(text_row[i].info, &b);
		is_str(buf_text(&b), text_row[i].want, "%s", text_row[i].what);
	}
	for (size_t i = 0; i < MEM_COUNT(name_row); i++) {
		struct pgtid_rule r = { .hint = name_row[i].hint };

		buf_reset(&b);
		marker_name(&r, name_row[i].info, &b);
		is_str(buf_text(&b), name_row[i].want, "name of %s",
		    name_row[i].info);
	}
	buf_fini(&b);
}

static const struct {
	const char *type, *info;
	bool counts;
} count_row[] = {
	{ "Query", "BEGIN", true },
	{ "Xid", "COMMIT /* xid=1 */", true },
	{ "Write_rows_v1", "table_id: 1 flags: STMT_END_F", true },
	{ "Gtid", "GTID 0-1-1", true },
	{ "Anonymous_Gtid", "SET @@SESSION.GTID_NEXT= 'ANONYMOUS'", false },
	{ "Format_desc", "Server ver: 5.7.1", false },
	{ "Gtid_list", "[]", false },
	{ "Annotate_rows", "insert into t", false },
	{ "Transaction_payload", "compression='ZSTD'", false },
	{ "Query", "insert into meta.heartbeat values (1)", false },
};

static void
test_counts(void)
{
	const char *skip[] = { "", "meta.heartbeat" };
	struct pgtid_rule r = { .skip = { skip, 2 } };

	for (size_t i = 0; i < MEM_COUNT(count_row); i++) {
		struct log_event e = { .type = count_row[i].type,
			.info = count_row[i].info };

		ok(event_counts(&r, &e) == count_row[i].counts,
		    "%s %s: counts %d", e.type, e.info, count_row[i].counts);
	}
}

/* ---- logs ---- */

/* Lines "Pos|Type|Server_id|End_log_pos|Info" as a real server showed them. */
static void
script(struct log_server *s, const char *name, bool relay, const char *lines)
{
	struct log_file *f = log_server_file(s, name, relay);
	int64_t pos, end, length, prev_end = -1;
	char type[32], info[200];
	uint64_t id;
	int used;

	mem_free(f->row[0].info);
	f->rows = 0;
	f->size = 4;
	for (; sscanf(lines, "%" SCNd64 "|%31[^|]|%" SCNu64 "|%" SCNd64
	    "|%199[^\n]%n", &pos, type, &id, &end, info, &used) == 5;
	    lines += used + 1) {
		struct log_row *r = log_add(f, arena_strdup(&arena, type), id,
		    0, end, info);

		r->embedded = f->rows > 1 && end == prev_end
		    && strcmp(type, "Transaction_payload") != 0;
		r->pos = pos;
		r->end = end;
		prev_end = r->embedded || strcmp(type, "Transaction_payload")
		    == 0 ? end : -1;
		length = relay ? 0 : end;
		f->size = length;
	}
}

/* A MariaDB 10.11 source that writes statements, its replica that writes rows,
 * as they showed their logs. */
static const char maria_a1[] =
    "4|Format_desc|972095|256|Server ver: 10.11.19-MariaDB-log\n"
    "256|Gtid_list|972095|285|[]\n"
    "285|Binlog_checkpoint|972095|325|binlog.000001\n"
    "325|Gtid|972095|367|GTID 0-972095-1\n"
    "367|Query|972095|448|create database x\n"
    "448|Gtid|972095|490|GTID 0-972095-5\n"
    "490|Query|972095|639|drop view if exists `_pseudo_gtid_`."
	"`_asc:65000000:00000001:aabbccddeeff0011`\n"
    "639|Gtid|972095|681|BEGIN GTID 0-972095-6\n"
    "681|Query|972095|772|use `x`; insert into t values(3,'c')\n"
    "772|Xid|972095|803|COMMIT /* xid=23 */\n"
    "803|Rotate|972095|847|binlog.000002;pos=4\n";
static const char maria_a2[] =
    "4|Format_desc|972095|256|Server ver: 10.11.19-MariaDB-log\n"
    "256|Gtid_list|972095|299|[0-972095-7]\n"
    "299|Binlog_checkpoint|972095|339|binlog.000001\n"
    "339|Gtid|972095|381|GTID 0-972095-8\n"
    "381|Query|972095|530|drop view if exists `_pseudo_gtid_`."
	"`_asc:65000005:00000001:aabbccddeeff0012`\n"
    "530|Binlog_checkpoint|972095|570|binlog.000002\n"
    "570|Gtid|972095|612|BEGIN GTID 0-972095-9 cid=77\n"
    "612|Annotate_rows|972095|672|insert into x.t values(1,'a')\n"
    "672|Table_map|972095|716|table_id: 18 (x.t)\n"
    "716|Write_rows_v1|972095|763|table_id: 18 flags: STMT_END_F\n"
    "763|Xid|972095|794|COMMIT /* xid=14 */\n";
static const char maria_b1[] =
    "4|Format_desc|972096|256|Server ver: 10.11.19-MariaDB-log\n"
    "256|Gtid_list|972096|285|[]\n"
    "285|Gtid|972095|327|GTID 0-972095-5\n"
    "327|Query|972095|476|drop view if exists `_pseudo_gtid_`."
	"`_asc:65000000:00000001:aabbccddeeff0011`\n"
    "476|Gtid|972095|518|BEGIN GTID 0-972095-6\n"
    "518|Table_map|972095|562|table_id: 21 (x.t)\n"
    "562|Write_rows_v1|972095|602|table_id: 21 flags: STMT_END_F\n"
    "602|Xid|972095|633|COMMIT /* xid=16 */\n"
    "633|Gtid|972095|675|GTID 0-972095-8\n"
    "675|Query|972095|824|drop view if exists `_pseudo_gtid_`."
	"`_asc:65000005:00000001:aabbccddeeff0012`\n"
    "824|Gtid|972095|866|BEGIN GTID 0-972095-9\n"
    "866|Table_map|972095|910|table_id: 21 (x.t)\n"
    "910|Write_rows_v1|972095|950|table_id: 21 flags: STMT_END_F\n"
    "950|Xid|972095|981|COMMIT /* xid=18 */\n";

static void
set_own(struct log_server *s, const char *file, int64_t pos)
{
	s->in.self_coord = (struct coord){ .file = file, .pos = pos };
}

static void
set_relay(struct log_server *s, const char *file, int64_t pos)
{
	s->in.relay_coord = (struct coord){ file, pos, true };
}

static void
maria_pair(struct log_server *a, struct log_server *b)
{
	log_server_init(a, "moves", 972096);
	log_server_init(b, "takes", 972095);
	script(a, "binlog.000001", false, maria_b1);
	set_own(a, "binlog.000001", 981);
	script(b, "binlog.000001", false, maria_a1);
	script(b, "binlog.000002", false, maria_a2);
	set_own(b, "binlog.000002", 794);
}

static enum err_code
search(enum pgtid_goal goal, struct log_server *a, struct log_server *b,
    struct coord at, const char *text)
{
	struct pgtid_request r = { .goal = goal, .rule = &rule, .a = &a->in,
		.b = b == NULL ? NULL : &b->in, .at = at, .text = text,
		.exhaustive = goal == PGTID_LAST && text == NULL,
		.limit = DUR_S(600) };

	err_clear(&err);
	return log_search(&r, a, b, &arena, &res, &cost, &err);
}

static const struct coord nowhere = { .file = "" };

static void
is_at(struct coord c, const char *want, const char *what)
{
	char text[COORD_TEXT_MAX];

	is_str(coord_text(&c, text), want, "%s", what);
	if (err.code != ERR_NONE)
		diag("%s", err.text);
}

static void
fails(enum err_code code, enum err_code want, const char *with,
    const char *what)
{
	ok(code == want && strstr(err.text, with) != NULL, "%s", what);
	if (code != want || strstr(err.text, with) == NULL)
		diag("%s: %s", err_name(code), err.text);
}

static void
test_mariadb(void)
{
	struct log_server a, b;

	maria_pair(&a, &b);
	ok(search(PGTID_MATCH, &a, &b, nowhere, "") == ERR_NONE,
	    "MariaDB: the logs match");
	is_at(res.found, "binlog.000002:794", "behind all that A has");
	is_at(res.at, "binlog.000001:675", "from the last marker on");
	is_int(res.matched, 5, "events compared");
	search(PGTID_CORRELATE, &a, &b,
	    (struct coord){ .file = "binlog.000001", .pos = 824 }, "");
	is_at(res.found, "binlog.000002:530", "a given place");
	fails(search(PGTID_CORRELATE, &a, &b,
	    (struct coord){ .file = "binlog.000001", .pos = 633 }, ""),
	    ERR_INVALID, "the logs differ",
	    "a statement is not the rows that it wrote");
	fails(search(PGTID_CORRELATE, &a, &b,
	    (struct coord){ .file = "binlog.000001", .pos = 900 }, ""),
	    ERR_INVALID, "no event begins", "a place inside of an event");
	fails(search(PGTID_MATCH, &b, &a, nowhere, ""), ERR_NONE, "",
	    "the other way round");
	is_at(res.found, "binlog.000001:981", "likewise");
	a.file[0]->rows -= 4;
	set_own(&a, "binlog.000001", 824);
	fails(search(PGTID_MATCH, &b, &a, nowhere, ""), ERR_INVALID,
	    "is more advanced", "B lacks what A has");
	b.file[1]->row[8].server_id = 972097;
	a.file[0]->rows += 4;
	fails(search(PGTID_MATCH, &a, &b, nowhere, ""), ERR_INVALID,
	    "of server 972097", "who wrote it counts");
	b.file[1]->row[8].server_id = 972095;
	b.file[1]->rows--;
	b.file[1]->size = 763;
	set_own(&b, "binlog.000002", 763);
	fails(search(PGTID_MATCH, &b, &a, nowhere, ""), ERR_INVALID,
	    "inside of a transaction", "half a transaction is no place");
	b.file[1]->rows++;
	log_server_fini(&a);
	log_server_fini(&b);
}

static void
test_last_and_find(void)
{
	struct log_server a, b;

	maria_pair(&b, &a);
	ok(search(PGTID_LAST, &a, NULL, nowhere, NULL) == ERR_NONE,
	    "a last marker");
	is_at(res.at, "binlog.000002:381", "it is in the current file");
	is_str(res.text, "drop view if exists `_pseudo_gtid_`."
	    "`_asc:65000005:00000001:aabbccddeeff0012`", "its text");
	a.file[1]->row[4].type = "Rotate";
	fails(search(PGTID_LAST, &a, NULL, nowhere, "no"), ERR_NOT_FOUND,
	    "no Pseudo-GTID entry", "not in the current file");
	ok(search(PGTID_LAST, &a, NULL, nowhere, NULL) == ERR_NONE,
	    "exhaustively: in the one before");
	is_at(res.at, "binlog.000001:490", "there");
	ok(search(PGTID_FIND, &a, NULL, nowhere,
	    "use `x`; insert into t values(3,'c')") == ERR_NONE,
	    "an event is found by its text");
	is_at(res.found, "binlog.000001:681", "there");
	ok(search(PGTID_FIND, &a, NULL, nowhere, "drop view if exists "
	    "`_pseudo_gtid_`.`_asc:65000000:00000001:aabbccddeeff0011`"
	    " /* xid=1 */") == ERR_NONE, "a marker, by its name");
	is_at(res.found, "binlog.000001:490", "there");
	fails(search(PGTID_FIND, &a, NULL, nowhere, "never said"),
	    ERR_NOT_FOUND, "not in its logs", "a text that is not there");
	fails(search(PGTID_FIND, &a, NULL, nowhere, ""), ERR_INVALID,
	    "no text", "no text at all");
	rule.fixed = "";
	fails(search(PGTID_LAST, &a, NULL, nowhere, NULL), ERR_INVALID,
	    "PseudoGTIDPattern", "no pattern");
	rule.fixed = "drop view if exists `_pseudo_gtid_`";
	a.in.log_bin = false;
	fails(search(PGTID_LAST, &a, NULL, nowhere, NULL), ERR_NOT_FOUND,
	    "no Pseudo-GTID entry", "neither log");
	log_server_fini(&a);
	log_server_fini(&b);
}

/* MySQL 9.7, gtid_mode OFF, compressed transactions, as shown. */
static const char mysql_binlog[] =
    "4|Format_desc|301343|127|Server ver: 9.7.4-2, Binlog ver: 4\n"
    "127|Previous_gtids|301343|158|-\n"
    "158|Anonymous_Gtid|301343|235|SET @@SESSION.GTID_NEXT= 'ANONYMOUS'\n"
    "235|Query|301343|378|drop view if exists `_pseudo_gtid_`."
	"`_asc:65000005:00000001:aabbccddeeff0012`\n"
    "378|Anonymous_Gtid|301343|455|SET @@SESSION.GTID_NEXT= 'ANONYMOUS'\n"
    "455|Transaction_payload|301343|622|compression='ZSTD'\n"
    "622|Query|301343|622|BEGIN\n"
    "622|Table_map|301343|622|table_id: 106 (x.t)\n"
    "622|Write_rows|301343|622|table_id: 106 flags: STMT_END_F\n"
    "622|Xid|301343|622|COMMIT /* xid=35 */\n";
static const char mysql_relay[] =
    "4|Format_desc|301344|127|Server ver: 9.7.4-2, Binlog ver: 4\n"
    "127|Previous_gtids|301344|158|-\n"
    "158|Rotate|301343|0|binlog.000002;pos=4\n"
    "202|Format_desc|301343|127|Server ver: 9.7.4-2, Binlog ver: 4\n"
    "325|Rotate|0|0|binlog.000002;pos=158\n"
    "369|Anonymous_Gtid|301343|235|SET @@SESSION.GTID_NEXT= 'ANONYMOUS'\n"
    "446|Query|301343|378|drop view if exists `_pseudo_gtid_`."
	"`_asc:65000005:00000001:aabbccddeeff0012`\n"
    "589|Anonymous_Gtid|301343|455|SET @@SESSION.GTID_NEXT= 'ANONYMOUS'\n"
    "666|Transaction_payload|301343|622|compression='ZSTD'\n"
    "833|Query|301343|622|BEGIN\n"
    "833|Table_map|301343|622|table_id: 106 (x.t)\n"
    "833|Write_rows|301343|622|table_id: 106 flags: STMT_END_F\n"
    "833|Xid|301343|622|COMMIT /* xid=35 */\n"
    "833|Anonymous_Gtid|301343|699|SET @@SESSION.GTID_NEXT= 'ANONYMOUS'\n"
    "910|Transaction_payload|301343|871|compression='ZSTD'\n"
    "1082|Query|301343|871|BEGIN\n"
    "1082|Table_map|301343|871|table_id: 106 (x.t)\n"
    "1082|Write_rows|301343|871|table_id: 106 flags: STMT_END_F\n"
    "1082|Xid|301343|871|COMMIT /* xid=50 */\n"
    "1082|Anonymous_Gtid|301343|950|SET @@SESSION.GTID_NEXT= 'ANONYMOUS'\n"
    "1159|Query|301343|1000|drop view if exists `_pseudo_gtid_`."
	"`_asc:65000006:00000001:aabbccddeeff0012`\n";

static void
test_relay(unsigned chunk)
{
	struct log_server a, b;

	rule.chunk = chunk;
	log_server_init(&a, "moves", 301344);
	log_server_init(&b, "takes", 301343);
	a.in.version = b.in.version = "9.7.4-2";
	a.in.log_replica_updates = false;
	a.in.source_key = b.in.key;
	script(&a, "relay.000004", true, mysql_relay);
	a.file[0]->size = 1300;
	set_relay(&a, "relay.000004", 833);
	script(&b, "binlog.000002", false, mysql_binlog);
	set_own(&b, "binlog.000002", 622);
	fails(search(PGTID_MATCH, &a, &b, nowhere, ""), ERR_NONE, "",
	    "MySQL: relay log, compressed");
	is_at(res.found, "binlog.000002:622", "behind what was executed");
	is_at(res.at, "relay.000004:446", "of A's relay log");
	is_int(res.matched, 5, "events compared");
	set_relay(&a, "relay.000004", 589);
	search(PGTID_MATCH, &a, &b, nowhere, "");
	is_at(res.found, "binlog.000002:378", "only the marker was executed");
	set_relay(&a, "relay.000004", 446);
	fails(search(PGTID_MATCH, &a, &b, nowhere, ""), ERR_NOT_FOUND,
	    "no Pseudo-GTID entry", "a marker that was not executed");
	set_relay(&a, "relay.000004", 1082);
	fails(search(PGTID_MATCH, &a, &b, nowhere, ""), ERR_INVALID,
	    "more advanced", "executed, and not on B");
	set_relay(&a, "relay.000004", 840);
	fails(search(PGTID_MATCH, &a, &b, nowhere, ""), ERR_INVALID,
	    "no event begins", "no place in the log");
	set_relay(&a, "relay.000004", 1300);
	ok(search(PGTID_LAST_RELAY, &a, NULL, nowhere, "") == ERR_NONE,
	    "the last executed event");
	is_at(res.at, "relay.000004:1159", "is the last one");
	set_relay(&a, "relay.000004", 589);
	search(PGTID_LAST_RELAY, &a, NULL, nowhere, "");
	is_at(res.at, "relay.000004:446", "earlier");
	log_server_fini(&a);
	log_server_fini(&b);
	rule.chunk = 10000;
}

/* Two replicas of one source, whose relay logs were cut differently. */
static void
test_relay_pair(void)
{
	struct log_server a, b;
	struct log_file *f;
	struct log_row *r;

	log_server_init(&a, "one", 2);
	log_server_init(&b, "two", 3);
	f = log_server_file(&a, "relay.000007", true);
	log_add(f, "Query", 1, 100, 500, "BEGIN");
	log_add(f, "Query", 1, 100, 600, "insert");
	log_add(f, "Xid", 1, 100, 700, "COMMIT /* xid=1 */");
	set_relay(&a, "relay.000007", f->size);
	f = log_server_file(&b, "relay.000002", true);
	log_add(f, "Query", 1, 100, 500, "BEGIN");
	f = log_server_file(&b, "relay.000003", true);
	log_add(f, "Rotate", 1, 50, 0, "bin.000001;pos=4");
	log_add(f, "Query", 1, 100, 600, "insert");
	r = log_add(f, "Xid", 1, 100, 700, "COMMIT /* xid=1 */");
	log_server_file(&b, "relay.000004", true);
	set_relay(&b, "relay.000003", 300);
	ok(search(PGTID_RELAY, &a, &b, nowhere, "") == ERR_NONE,
	    "the last executed event, in B's relay log");
	is_at(res.found, "relay.000003:406", "there");
	is_at(res.next, "relay.000004:4", "and what follows it");
	ok(search(PGTID_RELAY, &a, &b,
	    (struct coord){ .file = "relay.000007", .pos = 256 }, "")
	    == ERR_NONE, "a given event, in an earlier file");
	is_at(res.found, "relay.000002:256", "there");
	is_at(res.next, "relay.000003:4", "the next one is in the next file");
	r->end = 701;
	fails(search(PGTID_RELAY, &a, &b, nowhere, ""), ERR_NOT_FOUND,
	    "has no event", "the same text at another place");
	log_server_fini(&a);
	log_server_fini(&b);
}

/* ---- many files ---- */

enum { EACH = 400 };

static const char *
marker(unsigned n)
{
	return arena_printf(&arena, "drop view if exists `_pseudo_gtid_`."
	    "`_asc:%08x:00000001:%016x`", 0x65000000 + n * 5, n * 77);
}

/* Files of 400 statements with a marker in the middle of each. */
static void
fill(struct log_server *s, unsigned first, unsigned files)
{
	for (unsigned n = 0; n < files; n++) {
		struct log_file *f = log_server_file(s, arena_printf(&arena,
		    "bin.%06u", first + n), false);

		for (unsigned i = 0; i < EACH; i++)
			log_add(f, "Query", 1, 50, 0, i == EACH / 2
			    ? marker(n) : "insert into t");
		set_own(s, f->name, f->size);
	}
}

static void
test_many_files(void)
{
	struct log_server a, b;
	unsigned last = 2999;
	struct log_file *f;

	log_server_init(&b, "takes", 1);
	fill(&b, 998000, 3000);
	log_server_init(&a, "moves", 1);
	f = log_server_file(&a, "bin.000001", false);
	log_add(f, "Query", 1, 50, 0, marker(last - 1800));
	log_add(f, "Query", 1, 50, 0, "insert into t");
	set_own(&a, "bin.000001", f->size);
	fails(search(PGTID_MATCH, &a, &b, nowhere, ""), ERR_NONE, "",
	    "1800 files back, over 999999");
	is_at(res.found, "bin.999199:10356", "there");
	ok(cost.events < 40000 && cost.files < 60,
	    "%" PRIu64 " of %u events read", cost.events, 3000 * EACH);
	log_server_purge(&b, 1300);
	fails(search(PGTID_MATCH, &a, &b, nowhere, ""), ERR_NOT_FOUND,
	    "begin after it", "the file was purged");
	ok(cost.events < 20000, "%" PRIu64 " events read", cost.events);
	rule.hint = "";
	log_server_purge(&b, 1600);
	f->row[1].info[0] = 'i';
	mem_free(f->row[1].info);
	f->row[1].info = mem_strdup(marker(last - 3));
	fails(search(PGTID_MATCH, &a, &b, nowhere, ""), ERR_NONE, "",
	    "without a hint, three files back");
	is_at(res.found, "bin.1000996:10356", "there");
	rule.hint = "asc:";
	log_server_fini(&a);
	log_server_fini(&b);
}

/* Bytes and events that need not be read are not. */
static void
test_history(void)
{
	struct pgtid_history h = { .owns = 3 };
	struct log_server a, b;
	struct log_file *f;
	struct pgtid_request r;
	uint64_t before;

	log_server_init(&a, "moves", 1);
	log_server_init(&b, "takes", 1);
	f = log_server_file(&b, "bin.000009", false);
	for (unsigned i = 0; i < 100000; i++)
		log_add(f, "Query", 1, 50, 0, i % 1000 == 0 ? marker(i)
		    : "insert into t");
	set_own(&b, "bin.000009", f->size);
	f = log_server_file(&a, "bin.000001", false);
	log_add(f, "Query", 1, 50, 0, marker(97000));
	set_own(&a, "bin.000001", f->size);
	fails(search(PGTID_MATCH, &a, &b, nowhere, ""), ERR_NONE, "",
	    "without history");
	ok(cost.events < 15000, "%" PRIu64 " of 100000 events", cost.events);
	before = cost.events;
	h.own[0] = (struct coord){ .file = "bin.000009",
		.pos = b.file[0]->row[96900].pos };
	h.own[1] = (struct coord){ .file = "bin.000009", .pos = 77 };
	h.own[2] = (struct coord){ .file = "bin.000004", .pos = 256 };
	r = (struct pgtid_request){ .goal = PGTID_MATCH, .rule = &rule,
		.a = &a.in, .b = &b.in, .b_history = &h, .text = "",
		.limit = DUR_S(60) };
	ok(log_search(&r, &a, &b, &arena, &res, &cost, &err) == ERR_NONE,
	    "with history");
	is_at(res.found, "bin.000009:4850306", "the same place");
	ok(cost.events < 500 && cost.events < before, "%" PRIu64 " events",
	    cost.events);
	h.own[0].pos = 78;
	ok(log_search(&r, &a, &b, &arena, &res, &cost, &err) == ERR_NONE,
	    "with a history that is wrong");
	is_at(res.found, "bin.000009:4850306", "the same place");
	b.answers_max = 300;
	ok(search(PGTID_MATCH, &a, &b, nowhere, "") == ERR_NONE,
	    "answers that are too large are asked for in pieces");
	log_server_fini(&a);
	log_server_fini(&b);
}

static void
test_polite(void)
{
	struct log_server a, b;
	struct log_file *f;

	log_server_init(&b, "takes", 1);
	fill(&b, 1, 50);
	log_server_init(&a, "moves", 1);
	f = log_server_file(&a, "bin.000001", false);
	log_add(f, "Query", 1, 50, 0, marker(7));
	set_own(&a, "bin.000001", f->size);
	rule.polite_lag = DUR_S(20);
	b.in.source_key = (struct key){ "source", 3306 };
	b.in.io_running = b.in.sql_running = true;
	b.lag = 3;
	ok(search(PGTID_MATCH, &a, &b, nowhere, "") == ERR_NONE
	    && b.statuses > 0 && b.statuses < 20, "a replica is asked");
	b.lag = 500;
	b.statuses = 0;
	ok(search(PGTID_MATCH, &a, &b, nowhere, "") == ERR_NONE
	    && b.statuses > 50 && b.statuses < 90,
	    "waiting ends: %u times asked", b.statuses);
	b.in.sql_running = false;
	b.statuses = 0;
	search(PGTID_MATCH, &a, &b, nowhere, "");
	is_int(b.statuses, 0, "who does not apply cannot catch up");
	rule.polite_lag = DUR_ZERO;
	log_server_fini(&a);
	log_server_fini(&b);
}

/* ---- errant transactions ---- */

#define U "00000000-0000-0000-0000-00000000000"

static const struct {
	const char *set, *purged, *want;
} errant_row[] = {
	{ U "2:4", "", "bin.000002" },
	{ U "2:4-9", "", "bin.000002 bin.000003" },
	{ U "2:1," U "2:30", "", "bin.000001 bin.000003" },
	{ U "2:4", U "1:1-5", "bin.000002" },
};

static void
test_errant(void)
{
	static const char *const previous[] = { "", U "2:1-3", U "2:1-8" };
	struct log_server a;

	log_server_init(&a, "a", 1);
	for (unsigned n = 0; n < 3; n++) {
		struct log_file *f = log_server_file(&a, arena_printf(&arena,
		    "bin.%06u", n + 1), false);

		log_add(f, "Previous_gtids", 1, 40, 0, previous[n]);
		set_own(&a, f->name, f->size);
	}
	for (size_t i = 0; i < MEM_COUNT(errant_row); i++) {
		struct buf b;

		buf_init(&b);
		a.in.gtid_purged = errant_row[i].purged;
		search(PGTID_ERRANT, &a, NULL, nowhere, errant_row[i].set);
		for (size_t k = 0; k < res.files.n; k++)
			buf_printf(&b, "%s%s", k > 0 ? " " : "",
			    res.files.at[k]);
		is_str(buf_text(&b), errant_row[i].want, "%s is there",
		    errant_row[i].set);
		buf_fini(&b);
	}
	a.in.gtid_purged = U "2:4";
	fails(search(PGTID_ERRANT, &a, NULL, nowhere, U "2:4"), ERR_NOT_FOUND,
	    "purged", "some are purged");
	fails(search(PGTID_ERRANT, &a, NULL, nowhere, ""), ERR_NOT_FOUND,
	    "no errant", "there are none");
	fails(search(PGTID_ERRANT, &a, NULL, nowhere, "x"), ERR_INVALID,
	    "not a GTID set", "nonsense");
	log_server_fini(&a);
}

int
main(void)
{
	arena_init(&arena);
	test_texts();
	test_counts();
	test_mariadb();
	test_last_and_find();
	test_relay(10000);
	test_relay(1);
	test_relay(3);
	test_relay_pair();
	test_many_files();
	test_history();
	test_polite();
	test_errant();
	arena_fini(&arena);
	return tap_done();
}
