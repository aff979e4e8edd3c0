/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The actors that exist once, or are spawned by another file than their own.
 * Each is documented at the head of its file.
 */
#ifndef ORC_ACTORS_CLASSES_H
#define ORC_ACTORS_CLASSES_H

#include "actors/app.h"
#include "topology/key.h"

extern const struct actor_class root_class;
extern const struct actor_class directory_class;
extern const struct actor_class instance_class;
extern const struct actor_class names_class;
extern const struct actor_class resolver_class;
extern const struct actor_class metrics_class;
extern const struct actor_class control_class;
extern const struct actor_class audit_class;
extern const struct actor_class store_class;
extern const struct actor_class reader_class;
extern const struct actor_class session_class;
extern const struct actor_class searches_class;
extern const struct actor_class injector_class;
extern const struct actor_class searcher_class;
extern const struct actor_class dialer_class;
extern const struct actor_class connector_class;
extern const struct actor_class moves_class;
extern const struct actor_class mover_class;

struct instance_arg {
	char host[KEY_HOST_MAX + 1]; /* as it is to be reached */
	uint32_t port;
	bool probe;		     /* false: only when someone asks */
	bool known;		     /* inst_known follows */
};

#endif
