/* SPDX-License-Identifier: Apache-2.0 */
/* Messages and members as bytes. */
#include "config.h"

#include <string.h>

#include "base/mem.h"
#include "raft/core.h"

enum { WIRE_VERSION = 1, WIRE_FIELDS = 19 };

/* ---- members ---- */

void
raft_members_pack(struct buf *b, const struct raft_members *m)
{
	unsigned i;

	pack_array(b, m->n);
	for (i = 0; i < m->n; i++) {
		pack_array(b, 3);
		pack_uint(b, m->at[i].id);
		pack_bool(b, m->at[i].voter);
		pack_cstr(b, m->at[i].address);
	}
}

static bool
member_unpack(struct pcur *c, struct raft_members *m)
{
	struct raft_member *at = &m->at[m->n];
	const char *address;

	if (pcur_array(c) != 3)
		return false;
	at->id = pcur_uint(c);
	at->voter = pcur_bool(c);
	address = pcur_cstr(c);
	if (!pcur_ok(c) || at->id == 0 || address == NULL
	    || address[0] == '\0' || strlen(address) >= RAFT_ADDRESS_MAX
	    || (m->n > 0 && m->at[m->n - 1].id >= at->id))
		return false;
	strcpy(at->address, address);
	m->n++;
	return true;
}

static bool
members_read(struct pcur *c, struct raft_members *m)
{
	size_t n = pcur_array(c);

	memset(m, 0, sizeof *m); /* compared as memory */
	if (!pcur_ok(c) || n > RAFT_MEMBERS_MAX)
		return false;
	while (n-- > 0)
		if (!member_unpack(c, m))
			return false;
	return true;
}

enum err_code
raft_members_unpack(struct raft_members *m, struct bin bytes, struct err *err)
{
	struct pcur c;

	pcur_init(&c, bytes.data, bytes.len);
	if (members_read(&c, m) && pcur_done(&c))
		return ERR_NONE;
	memset(m, 0, sizeof *m);
	return err_set(err, ERR_MALFORMED, "not a list of raft members");
}

/* ---- messages ---- */

static void
entries_pack(struct buf *b, const struct raft_message *m)
{
	size_t i;

	pack_array(b, m->n);
	for (i = 0; i < m->n; i++) {
		const struct raft_entry *e = &m->entries[i];

		pack_array(b, 3);
		pack_uint(b, e->term);
		pack_uint(b, e->kind);
		pack_bin(b, e->data == NULL ? NULL : e->data->data,
		    e->data == NULL ? 0 : e->data->len);
	}
}

void
raft_message_pack(struct buf *b, const struct raft_message *m)
{
	pack_array(b, WIRE_FIELDS);
	pack_uint(b, WIRE_VERSION);
	pack_uint(b, m->type);
	pack_uint(b, m->from);
	pack_uint(b, m->to);
	pack_uint(b, m->term);
	pack_uint(b, m->round);
	pack_uint(b, m->stamp);
	pack_uint(b, m->index);
	pack_uint(b, m->index_term);
	pack_bool(b, m->pre);
	pack_bool(b, m->transfer);
	pack_bool(b, m->refused);
	pack_uint(b, m->commit);
	entries_pack(b, m);
	pack_uint(b, m->at);
	pack_uint(b, m->total);
	pack_bin(b, m->chunk, m->chunk_len);
	if (m->members == NULL)
		pack_nil(b);
	else
		raft_members_pack(b, m->members);
	pack_nil(b); /* room for what a later version adds */
}

static bool
entry_unpack(struct pcur *c, struct raft_message *m, size_t i)
{
	struct raft_entry *e = &m->entries[i];
	uint64_t kind;
	struct bin data;

	if (pcur_array(c) != 3)
		return false;
	e->index = m->index + 1 + i;
	e->term = pcur_uint(c);
	kind = pcur_uint(c);
	data = pcur_bin(c);
	if (!pcur_ok(c) || kind >= RAFT_KINDS || data.len > RAFT_ENTRY_MAX
	    || e->term > m->term
	    || e->term < (i == 0 ? m->index_term : m->entries[i - 1].term))
		return false;
	e->kind = (enum raft_kind)kind;
	if (data.len > 0)
		e->data = raft_blob_new(data.data, data.len);
	return true;
}

static bool
entries_unpack(struct pcur *c, struct raft_message *m)
{
	size_t i, n = pcur_array(c);

	if (!pcur_ok(c) || n > RAFT_APPEND_ENTRIES
	    || m->index > UINT64_MAX - n - 1)
		return false;
	if (n == 0)
		return true;
	m->entries = mem_zalloc(n * sizeof *m->entries);
	m->n = n;
	for (i = 0; i < n; i++)
		if (!entry_unpack(c, m, i))
			return false;
	return true;
}

/* Entries of members must be readable: they are believed when appended. */
static bool
entries_make_sense(const struct raft_message *m)
{
	struct raft_members members;
	size_t i;

	for (i = 0; i < m->n; i++) {
		const struct raft_entry *e = &m->entries[i];

		if (e->kind == RAFT_MEMBERS && (e->data == NULL
			|| raft_members_unpack(&members, (struct bin){
			    e->data->data, e->data->len }, NULL) != ERR_NONE))
			return false;
	}
	return true;
}

static bool
makes_sense(const struct raft_message *m)
{
	if (m->from == 0 || m->to == 0 || m->from == m->to || m->term == 0)
		return false;
	if (m->type != RAFT_SNAPSHOT)
		return entries_make_sense(m);
	return m->index > 0 && m->total <= RAFT_SNAPSHOT_MAX
	    && m->at <= m->total && m->chunk_len <= m->total - m->at
	    && m->chunk_len <= RAFT_CHUNK
	    && (m->members != NULL) == (m->at + m->chunk_len == m->total);
}

static bool
message_read(struct pcur *c, struct raft_message *m)
{
	uint64_t type;
	struct bin chunk;

	if (pcur_array(c) != WIRE_FIELDS || pcur_uint(c) != WIRE_VERSION)
		return false;
	type = pcur_uint(c);
	m->from = pcur_uint(c);
	m->to = pcur_uint(c);
	m->term = pcur_uint(c);
	m->round = pcur_uint(c);
	m->stamp = pcur_uint(c);
	m->index = pcur_uint(c);
	m->index_term = pcur_uint(c);
	m->pre = pcur_bool(c);
	m->transfer = pcur_bool(c);
	m->refused = pcur_bool(c);
	m->commit = pcur_uint(c);
	if (!pcur_ok(c) || type >= RAFT_TYPES || m->index_term > m->term)
		return false;
	m->type = (enum raft_type)type;
	if (!entries_unpack(c, m))
		return false;
	m->at = pcur_uint(c);
	m->total = pcur_uint(c);
	chunk = pcur_bin(c);
	m->chunk = chunk.data;
	m->chunk_len = chunk.len;
	if (pcur_is_nil(c)) {
		pcur_nil(c);
	} else {
		m->members = mem_zalloc(sizeof *m->members);
		if (!members_read(c, m->members))
			return false;
	}
	pcur_skip(c);
	return pcur_done(c) && makes_sense(m);
}

enum err_code
raft_message_unpack(struct raft_message *m, struct bin bytes, struct err *err)
{
	struct pcur c;

	*m = (struct raft_message){ 0 };
	pcur_init(&c, bytes.data, bytes.len);
	if (message_read(&c, m))
		return ERR_NONE;
	raft_message_fini(m);
	return err_set(err, ERR_MALFORMED, "not a raft message");
}

void
raft_message_fini(struct raft_message *m)
{
	size_t i;

	for (i = 0; i < m->n; i++)
		raft_blob_unref(m->entries[i].data);
	mem_free(m->entries);
	mem_free(m->members);
	raft_blob_unref(m->chunk_of);
	*m = (struct raft_message){ 0 };
}
