/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What operators say about servers and clusters besides their state: promotion
 * rules, virtual names, who writes for a domain, the recovery switch.
 */
#include "config.h"

#include <string.h>

#include "ops/order.h"

/* ---- promotion rules ---- */

static void
on_registered(struct op_call *c, const struct msg *m)
{
	struct key key = order_key(c);

	if (!order_failed(c, m, NULL))
		order_key_done(c, "Registered candidate %s:%u", key.host,
		    key.port);
}

static void
register_candidate(struct op_call *c, struct key key)
{
	enum promotion_rule rule;
	struct err err = ERR_INIT;
	const char *text = op_arg(c, "promotionRule");

	if (promotion_rule_parse(&rule, text != NULL ? text : "", &err) !=
	    ERR_NONE)
		reply_error(c, "%s", err.text);
	else
		op_order(c, on_registered, register_candidate, .key = key,
		    .rule = rule);
}

void
op_run_register_candidate(struct op_call *c)
{
	order_with_key(c, register_candidate);
}

/* null when there is none. */
void
op_run_bulk_promotion_rules(struct op_call *c)
{
	const struct control *control = view_control(c);
	dur_t life = DUR_S(60 *
	    (int64_t)view_config(c)->candidate_instance_expire_minutes);
	const struct control_candidate *r;
	char text[WALL_TEXT_MAX];
	struct control_iter it;
	size_t rows = 0;
	struct json *w = reply_raw(c);

	control_each(control, CONTROL_candidate, &it);
	while ((r = control_next(&it)) != NULL) {
		if (rows++ == 0)
			json_arr(w);
		json_obj(w);
		json_kstr(w, "Hostname", r->key.host);
		json_kint(w, "Port", r->key.port);
		json_kstr(w, "PromotionRule", promotion_rule_name(r->rule));
		json_kstr(w, "LastSuggestedString",
		    wall_text(r->suggested, text));
		json_kstr(w, "PromotionRuleExpiry",
		    wall_text(wall_add(r->suggested, life), text));
		json_end(w);
	}
	if (rows == 0)
		json_nil(w);
	else
		json_end(w);
	reply_sent(c, 200);
}

/* ---- virtual names ---- */

static void
on_unresolve(struct op_call *c, const struct msg *m)
{
	struct key key = order_key(c);

	if (!order_failed(c, m, NULL))
		order_key_done(c, "Virtual name of %s:%u noted", key.host,
		    key.port);
}

static void
register_unresolve(struct op_call *c, struct key key)
{
	op_order(c, on_unresolve, register_unresolve, .host = key.host,
	    .name = op_arg(c, "virtualname"));
}

void
op_run_register_hostname_unresolve(struct op_call *c)
{
	order_with_key(c, register_unresolve);
}

static void
deregister_unresolve(struct op_call *c, struct key key)
{
	op_order(c, on_unresolve, deregister_unresolve, .host = key.host);
}

void
op_run_deregister_hostname_unresolve(struct op_call *c)
{
	order_with_key(c, deregister_unresolve);
}

/* Command line only. */
void
op_run_unresolve_hosts(struct op_call *c)
{
	const struct control_unresolve *u;
	struct control_iter it;
	struct json *w = reply_raw(c);

	json_arr(w);
	control_each(view_control(c), CONTROL_unresolve, &it);
	while ((u = control_next(&it)) != NULL) {
		json_obj(w);
		json_kstr(w, "Host", u->host);
		json_kstr(w, "Name", u->name);
		json_end(w);
	}
	json_end(w);
	reply_sent(c, 200);
}

/* ---- who writes for a domain ---- */

/* The domain of the call's cluster; NULL: answered. */
static const char *
domain_arg(struct op_call *c, const struct cluster_snap *snap)
{
	const char *domain;

	if (snap == NULL)
		return NULL;
	domain = view_domain(c, snap);
	if (*domain != '\0')
		return domain;
	reply_error(c, "No domain name is known for cluster %s", snap->name);
	return NULL;
}

/* Command line only. */
void
op_run_domain_instance(struct op_call *c)
{
	const char *domain = domain_arg(c, view_cluster_arg(c));
	const struct control_attribute *a;
	struct err err = ERR_INIT;
	struct key key;

	if (domain == NULL)
		return;
	a = control_attribute(view_control(c), "*", domain);
	if (a == NULL) {
		reply_error(c, "No instance is recorded for domain %s", domain);
		return;
	}
	if (key_parse(&key, a->value, view_config(c)->default_instance_port,
		&c->arena, &err) != ERR_NONE) {
		reply_error(c, "%s", err.text);
		return;
	}
	view_key_json(reply_raw(c), key);
	reply_sent(c, 200);
}

static void
on_domain_set(struct op_call *c, const struct msg *m)
{
	if (order_failed(c, m, NULL))
		return;
	view_key_json(reply_raw(c), *(struct key *)c->memo);
	reply_sent(c, 200);
}

/* Command line only: the cluster's head writes for its domain. */
void
op_run_set_domain_instance(struct op_call *c)
{
	const struct cluster_snap *snap = view_cluster_arg(c);
	const char *domain = domain_arg(c, snap);
	const struct member *head;
	char text[KEY_TEXT_MAX];
	struct key *key;

	if (domain == NULL)
		return;
	head = cluster_primary(snap->members, snap->n);
	if (head == NULL) {
		reply_error(c, "No masters found");
		return;
	}
	c->memo = key = arena_alloc(&c->arena, sizeof(*key));
	*key = key_dup(head->in->key, &c->arena);
	op_order(c, on_domain_set, set_attribute, .host = "*", .name = domain,
	    .value = key_text(*key, text));
}

/* ---- recoveries on and off ---- */

static void
answer_switch(struct op_call *c, const char *state)
{
	json_str(reply_ok(c, "Global recoveries are %s", state), state);
	reply_end(c);
}

void
op_run_check_global_recoveries(struct op_call *c)
{
	answer_switch(c, control_recoveries_disabled(view_control(c))
		? "disabled" : "enabled");
}

/* Command line only. */
void
op_run_recoveries_disabled(struct op_call *c)
{
	json_bool(reply_raw(c), control_recoveries_disabled(view_control(c)));
	reply_sent(c, 200);
}

static void
on_disabled(struct op_call *c, const struct msg *m)
{
	if (!order_failed(c, m, NULL))
		answer_switch(c, "disabled");
}

void
op_run_disable_global_recoveries(struct op_call *c)
{
	op_order(c, on_disabled, disable_recoveries, );
}

static void
on_enabled(struct op_call *c, const struct msg *m)
{
	if (!order_failed(c, m, NULL))
		answer_switch(c, "enabled");
}

void
op_run_enable_global_recoveries(struct op_call *c)
{
	op_order(c, on_enabled, enable_recoveries, );
}

static void
list_json(struct json *w, const char *name, const struct str_list *l)
{
	json_key(w, name);
	json_arr(w);
	for (size_t i = 0; i < l->count; i++)
		json_str(w, l->item[i]);
	json_end(w);
}

void
op_run_automated_recovery_filters(struct op_call *c)
{
	const struct config *f = view_config(c);
	struct json *w = reply_ok(c, "Automated recovery configuration details");

	json_obj(w);
	list_json(w, "RecoverIntermediateMasterClusterFilters",
	    &f->recover_intermediate_cluster_filters);
	list_json(w, "RecoverMasterClusterFilters",
	    &f->recover_primary_cluster_filters);
	list_json(w, "RecoveryIgnoreHostnameFilters",
	    &f->recovery_ignore_hostname_filters);
	json_end(w);
	reply_end(c);
}
