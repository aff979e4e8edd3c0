/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connector: opens connections to servers, one at a time, on a pinned thread
 * of its own because that blocks.  The password goes from the configuration to
 * the library and nowhere else.
 */
#include "config.h"

#include <stdio.h>

#include "actors/app.h"
#include "actors/classes.h"
#include "actors/connector.h"
#include "config/conf.h"
#include "mysql/connect.h"
#include "mysql/handles.h"

struct connector {
	struct connector_arg arg;
};

static void
init(void *self, struct ctx *ctx, const void *arg)
{
	struct connector *co = self;

	(void)ctx;
	co->arg = *(const struct connector_arg *)arg;
	assert(co->arg.place < CONNECT_PLACES);
}

/* needed: this server has refused a plain connection before */
static enum tls_mode
tls_mode(const struct config *c, bool needed)
{
	if (c->mysql_topology_use_mutual_tls)
		return TLS_ALWAYS;
	if (!c->mysql_topology_use_mixed_tls)
		return TLS_NEVER;
	return needed ? TLS_ALWAYS : TLS_WHEN_NEEDED;
}

static struct connect_options
options_of(const struct config *c, const struct msg_dial_run *r)
{
	bool mutual = c->mysql_topology_use_mutual_tls &&
	    !c->mysql_topology_ssl_skip_verify;
	int packet = c->mysql_topology_max_allowed_packet;

	return (struct connect_options){
		.host = r->host,
		.port = r->port,
		.user = c->mysql_topology_user,
		.password = c->mysql_topology_password,
		.connect_limit = DUR_S(c->mysql_connect_timeout_seconds),
		.limit = DUR_US(r->limit_us),
		.tls = tls_mode(c, r->tls),
		.verify = !c->mysql_topology_ssl_skip_verify,
		.ca_file = c->mysql_topology_ssl_ca_file,
		.cert_file = mutual ? c->mysql_topology_ssl_cert_file : "",
		.key_file = mutual ? c->mysql_topology_ssl_private_key_file :
				     "",
		.packet_max = packet > 0 ? (size_t)packet : 0,
	};
}

static void
on_dial_run(struct connector *co, struct ctx *ctx, const struct msg *m)
{
	const struct msg_dial_run *r = as_dial_run(m);
	const struct config_shared *shared = config_ref(ctx);
	struct connect_options o = options_of(shared->config, r);
	struct connect_outcome out;
	struct st_mysql *my;
	uint32_t handle = 0;

	my = connect_server(&o, co->arg.place, m->serial, &out);
	shared_unref(shared);
	if (my != NULL) {
		handle = handle_put(my);
		if (handle == 0) {
			connect_drop(my);
			out.code = ERR_BUSY;
			snprintf(out.text, sizeof out.text,
			    "too many new connections at a time");
		}
	}
	act_answer(ctx, ask_of(m), dial_ran, .handle = handle,
	    .code = out.code, .errnum = out.errnum, .error = out.text,
	    .tls = out.tls);
}

static void
handle(void *self, struct ctx *ctx, struct msg *m)
{
	switch (m->type) {
	case MSG_dial_run: on_dial_run(self, ctx, m); break;
	default: act_unexpected(ctx, m);
	}
}

const struct actor_class connector_class = {
	.name = "connector",
	.size = sizeof(struct connector),
	.arg_size = sizeof(struct connector_arg),
	.init = init,
	.handle = handle,
};
