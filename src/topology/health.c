/* SPDX-License-Identifier: Apache-2.0 */
/* struct health as bytes; see health.h. */
#include "config.h"

#include "topology/health.h"

enum { FIELDS = 10 };

void
health_pack(struct buf *b, const struct health *h)
{
	pack_array(b, FIELDS);
	pack_int(b, h->first_known.us);
	pack_int(b, h->last_attempted.us);
	pack_int(b, h->last_checked.us);
	pack_int(b, h->last_seen.us);
	pack_int(b, h->latency.us);
	pack_uint(b, h->failures);
	pack_bool(b, h->partial);
	pack_cstr(b, h->error != NULL ? h->error : "");
	pack_uint(b, h->error_code);
	pack_uint(b, h->uptime);
}

bool
health_unpack(struct pcur *c, struct health *h)
{
	size_t n = pcur_array(c);

	if (n < FIELDS)
		return false;
	h->first_known.us = pcur_int(c);
	h->last_attempted.us = pcur_int(c);
	h->last_checked.us = pcur_int(c);
	h->last_seen.us = pcur_int(c);
	h->latency.us = pcur_int(c);
	h->failures = (uint32_t)pcur_uint(c);
	h->partial = pcur_bool(c);
	h->error = pcur_cstr(c);
	h->error_code = (enum err_code)pcur_uint(c);
	h->uptime = pcur_uint(c);
	for (; n > FIELDS; n--)
		pcur_skip(c);
	if (h->error == NULL)
		h->error = "";
	return pcur_ok(c);
}
