/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a connector is spawned with, by the dialer.
 */
#ifndef ORC_ACTORS_CONNECTOR_H
#define ORC_ACTORS_CONNECTOR_H

struct connector_arg {
	unsigned place; /* for connect_interrupt(); 0 .. CONNECT_PLACES-1 */
};

#endif
