/* SPDX-License-Identifier: Apache-2.0 */
/* A request as bytes, for the message to the one who carries it out. */
#include "config.h"

#include "plan/plan.h"

#include <string.h>

enum { REQUEST_FIELDS = 14 };

static void
put_text(struct buf *b, const char *text)
{
	pack_cstr(b, text != NULL ? text : "");
}

static void
put_key(struct buf *b, struct key k)
{
	put_text(b, k.host);
	pack_uint(b, k.port);
}

void
plan_request_pack(struct buf *b, const struct plan_request *r)
{
	pack_array(b, REQUEST_FIELDS);
	put_text(b, r->op);
	put_key(b, r->server);
	put_key(b, r->target);
	put_text(b, r->pattern);
	put_text(b, r->at.file);
	pack_int(b, r->at.pos);
	pack_bool(b, r->at.relay);
	pack_int(b, r->number);
	put_text(b, r->text);
	put_text(b, r->user);
	put_text(b, r->password);
	pack_bool(b, r->force);
}

static const char *
take_text(struct pcur *c)
{
	const char *text = pcur_cstr(c);

	return text != NULL ? text : "";
}

static struct key
take_key(struct pcur *c)
{
	const char *host = take_text(c);
	uint64_t port = pcur_uint(c);

	if (port > UINT16_MAX || strlen(host) > KEY_HOST_MAX)
		c->bad = true;
	return c->bad ? KEY_NONE : (struct key){ host, (uint32_t)port };
}

bool
plan_request_unpack(struct pcur *c, struct plan_request *r)
{
	if (pcur_array(c) != REQUEST_FIELDS)
		c->bad = true;
	r->op = take_text(c);
	r->server = take_key(c);
	r->target = take_key(c);
	r->pattern = take_text(c);
	r->at.file = take_text(c);
	r->at.pos = pcur_int(c);
	r->at.relay = pcur_bool(c);
	r->number = pcur_int(c);
	r->text = take_text(c);
	r->user = take_text(c);
	r->password = take_text(c);
	r->force = pcur_bool(c);
	return pcur_ok(c);
}
