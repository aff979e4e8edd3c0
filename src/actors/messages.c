/* SPDX-License-Identifier: Apache-2.0 */
/* Structs, encoders, decoders and printer, out of messages.def. */
#include "config.h"

#include "actors/messages.h"

#include <inttypes.h>
#include <string.h>

const enum msg_kind msg_kinds[] = {
#define MSG(name, kind, from, to, fields) MSG_##kind,
#include "actors/messages.def"
#undef MSG
};

/* Count of a row's fields. */
#define U32(f) +1
#define U64(f) +1
#define I64(f) +1
#define BOOL(f) +1
#define STR(f) +1
#define BIN(f) +1
#define ADDR(f) +1
enum {
#define MSG(name, kind, from, to, fields) COUNT_##name = 0 fields,
#include "actors/messages.def"
#undef MSG
};
#undef U32
#undef U64
#undef I64
#undef BOOL
#undef STR
#undef BIN
#undef ADDR

static void
pack_addr(struct buf *b, addr_t a)
{
	pack_uint(b, (uint64_t)a.gen << 32 | a.slot);
}

#define U32(f) pack_uint(b, m->f);
#define U64(f) pack_uint(b, m->f);
#define I64(f) pack_int(b, m->f);
#define BOOL(f) pack_bool(b, m->f);
#define STR(f) pack_cstr(b, m->f);
#define BIN(f) pack_bin(b, m->f.data, m->f.len);
#define ADDR(f) pack_addr(b, m->f);
#define MSG(name, kind, from, to, fields) \
	void msg_pack_##name(struct buf *b, const struct msg_##name *m) \
	{ \
		(void)m; \
		pack_array(b, COUNT_##name); \
		fields \
	}
#include "actors/messages.def"
#undef MSG
#undef U32
#undef U64
#undef I64
#undef BOOL
#undef STR
#undef BIN
#undef ADDR

static addr_t
unpack_addr(struct pcur *c)
{
	uint64_t v = pcur_uint(c);

	return (addr_t){ (uint32_t)v, (uint32_t)(v >> 32) };
}

#define U32(f) to.f = (uint32_t)pcur_uint(&c);
#define U64(f) to.f = pcur_uint(&c);
#define I64(f) to.f = pcur_int(&c);
#define BOOL(f) to.f = pcur_bool(&c);
#define STR(f) to.f = pcur_cstr(&c);
#define BIN(f) to.f = pcur_bin(&c);
#define ADDR(f) to.f = unpack_addr(&c);
#define MSG(name, kind, from_, to_, fields) \
	const struct msg_##name *as_##name(const struct msg *m) \
	{ \
		static _Thread_local struct msg_##name to; \
		struct pcur c; \
		size_t n; \
		assert(m->type == MSG_##name); \
		pcur_init(&c, m->body.data, m->body.len); \
		n = pcur_array(&c); \
		assert(n == COUNT_##name); \
		fields \
		assert(pcur_done(&c)); \
		return &to; \
	}
#include "actors/messages.def"
#undef MSG
#undef U32
#undef U64
#undef I64
#undef BOOL
#undef STR
#undef BIN
#undef ADDR

static const struct row {
	const char *name;
	const char *kind;
	const char *from;
	const char *to;
	const char *fields;
} rows[] = {
#define U32(f) " " #f ":u32"
#define U64(f) " " #f ":u64"
#define I64(f) " " #f ":i64"
#define BOOL(f) " " #f ":bool"
#define STR(f) " " #f ":str"
#define BIN(f) " " #f ":bin"
#define ADDR(f) " " #f ":addr"
#define MSG(name, kind, from, to, fields) { #name, #kind, from, to, "" fields },
#include "actors/messages.def"
#undef MSG
#undef U32
#undef U64
#undef I64
#undef BOOL
#undef STR
#undef BIN
#undef ADDR
};

const char *
msg_name(uint16_t type)
{
	static const char *const sys[] = {
		[SYS_REFUSED] = "refused", [SYS_DOWN] = "down",
		[SYS_IO] = "io", [SYS_CHILD] = "child",
		[SYS_SIGNAL] = "signal",
	};

	if (type >= SYS_MAX && type < MSG_TYPES)
		return rows[type - SYS_MAX].name;
	if (type < sizeof sys / sizeof sys[0])
		return sys[type];
	return "unknown";
}

/* One field, by the letter after the colon of its description. */
static void
print_field(struct buf *b, struct pcur *c, char kind)
{
	const char *s;

	switch (kind) {
	case 'i': buf_printf(b, "%" PRId64, pcur_int(c)); break;
	case 's':
		s = pcur_cstr(c);
		buf_str(b, s != NULL ? s : "-");
		break;
	case 'b': pcur_skip(c); buf_str(b, "..."); break;
	default: buf_printf(b, "%" PRIu64, pcur_uint(c)); break;
	}
}

void
msg_print(struct buf *b, const struct msg *m)
{
	const char *f, *colon;
	struct pcur c;

	buf_str(b, msg_name(m->type));
	if (m->type < SYS_MAX || m->type >= MSG_TYPES)
		return;
	pcur_init(&c, m->body.data, m->body.len);
	pcur_array(&c);
	for (f = rows[m->type - SYS_MAX].fields; *f == ' '; ) {
		colon = strchr(f, ':');
		assert(colon != NULL);
		buf_add(b, f, (size_t)(colon - f));
		buf_chr(b, '=');
		if (strncmp(colon, ":bool", 5) == 0)
			buf_str(b, pcur_bool(&c) ? "true" : "false");
		else
			print_field(b, &c, colon[1]);
		f = colon + strcspn(colon, " ");
	}
}

void
msg_graph(struct buf *b)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (i == 0 || strcmp(rows[i].to, rows[i - 1].to) != 0)
			buf_printf(b, "%s%s\n", i > 0 ? "\n" : "", rows[i].to);
		buf_printf(b, "  %-4s %-22s from %s%s%s\n", rows[i].kind,
		    rows[i].name, rows[i].from,
		    rows[i].fields[0] != '\0' ? ":" : "", rows[i].fields);
	}
}
