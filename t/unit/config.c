/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration: files to struct. */
#include "config.h"

#include "config/conf.h"
#include "tap.h"

int
main(void)
{
	struct config *c = config_defaults();

	is_int(CONFIG_KEYS, 201, "all keys");
	is_int(c->instance_poll_seconds, 5, "a default");
	config_free(c);
	return tap_done();
}
