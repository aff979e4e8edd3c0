/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the configuration again, all or nothing; see reload.h. */
#include "config.h"

#include "actors/reload.h"

#include <string.h>

void
log_config_notes(const struct config *c, enum log_level most)
{
	for (size_t i = 0; i < c->notes; i++)
		if (c->note[i].level <= most)
			log_line(c->note[i].level, "configuration: %s",
			    c->note[i].text);
}

enum err_code
reload_config(struct ctx *ctx, const char *extra, struct err *err)
{
	const struct config_shared *old = config_ref(ctx);
	struct config_source src = app_of(ctx)->config_source;
	struct config_keys restart;
	struct config *fresh;

	if (extra != NULL && extra[0] != '\0')
		src.extra = extra;
	fresh = config_reload(old->config, &src, &restart, err);
	shared_unref(old);
	if (fresh == NULL)
		return err->code;
	log_config_notes(fresh, LOG_DEBUG);
	for (size_t i = 0; i < restart.count; i++)
		act_log(ctx, LOG_NOTICE, "%s was changed: it takes effect at "
		    "the next start", config_info(restart.key[i])->name);
	board_put(ctx, BOARD_CONFIG, "config", config_share(fresh));
	return ERR_NONE;
}
