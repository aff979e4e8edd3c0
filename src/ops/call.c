/* SPDX-License-Identifier: Apache-2.0 */
/* What an operation is given, and how it answers; see call.h. */
#include "config.h"

#include "ops/view.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "ops/route.h"

struct op_call *
call_new(struct ops *ops)
{
	struct op_call *c = mem_zalloc(sizeof(*c));

	c->ops = ops;
	arena_init(&c->arena);
	buf_init(&c->body);
	return c;
}

void
call_free(struct op_call *c)
{
	assert(c->wait == NULL);
	arena_fini(&c->arena);
	buf_fini(&c->body);
	mem_free(c);
}

void
call_recycle(struct op_call *c)
{
	struct op_call fresh = { .ops = c->ops, .body = c->body };

	assert(c->wait == NULL);
	arena_reset(&c->arena);
	fresh.arena = c->arena;
	buf_reset(&fresh.body);
	*c = fresh;
	c->user = c->client = "";
}

const struct op *
op_of(const struct op_call *c)
{
	return c->op;
}

/* ---- what comes in ---- */

/* name and value live as long as the call. */
static void
arg_put(struct op_call *c, const char *name, const char *value)
{
	for (size_t i = 0; i < c->args; i++) {
		if (strcmp(c->arg[i].name, name) == 0) {
			c->arg[i].value = value;
			return;
		}
	}
	if (c->args == OP_ARGS_MAX)
		return; /* nothing takes that many: the rest is noise */
	c->arg[c->args].name = name;
	c->arg[c->args++].value = value;
}

void
op_arg_set(struct op_call *c, const char *name, const char *value)
{
	assert(c->state == CALL_OPEN);
	arg_put(c, arena_strdup(&c->arena, name),
	    arena_strdup(&c->arena, value));
}

static bool
is_path_arg(const struct op_call *c, size_t of_path, const char *name)
{
	for (size_t i = 0; i < of_path; i++)
		if (strcmp(c->arg[i].name, name) == 0)
			return true;
	return false;
}

void
op_query_set(struct op_call *c, const char *query, size_t len)
{
	const char *end = query + len;
	size_t of_path = c->args; /* the path's parameters cannot be replaced */

	assert(c->state == CALL_OPEN);
	while (query < end) {
		size_t room = (size_t)(end - query);
		const char *amp = memchr(query, '&', room);
		const char *stop = amp != NULL ? amp : end;
		const char *eq = memchr(query, '=', (size_t)(stop - query));
		const char *name_end = eq != NULL ? eq : stop;
		const char *value = eq != NULL ? eq + 1 : stop;
		char *name = route_decode(query, (size_t)(name_end - query),
		    true, &c->arena);
		char *text = route_decode(value, (size_t)(stop - value), true,
		    &c->arena);

		if (name != NULL && text != NULL && *name != '\0' &&
		    !is_path_arg(c, of_path, name))
			arg_put(c, name, text);
		query = stop + 1;
	}
}

void
op_who_set(struct op_call *c, const struct op_who *who)
{
	c->authorized = who->authorized;
	c->user = arena_strdup(&c->arena, who->user != NULL ? who->user : "");
	c->client = arena_strdup(&c->arena,
	    who->client != NULL ? who->client : "");
}

void
op_header_add(struct op_call *c, const char *name, size_t name_len,
    const char *value, size_t value_len)
{
	struct op_arg *more;

	if ((c->headers & (c->headers - 1)) == 0) { /* grows at powers of two */
		more = arena_alloc(&c->arena,
		    (c->headers > 0 ? c->headers * 2 : 1) * sizeof(*more));
		if (c->headers > 0)
			memcpy(more, c->header, c->headers * sizeof(*more));
		c->header = more;
	}
	c->header[c->headers].name = arena_strndup(&c->arena, name, name_len);
	c->header[c->headers++].value = arena_strndup(&c->arena, value,
	    value_len);
}

const char *
op_arg(const struct op_call *c, const char *name)
{
	for (size_t i = 0; i < c->args; i++)
		if (strcmp(c->arg[i].name, name) == 0)
			return *c->arg[i].value != '\0' ? c->arg[i].value
							: NULL;
	return NULL;
}

/* Its value; "" when it has none; NULL: not given. */
static const char *
dry_run_arg(const struct op_call *c)
{
	for (size_t i = 0; i < c->args; i++)
		if (strcmp(c->arg[i].name, "dry-run") == 0)
			return c->arg[i].value;
	return NULL;
}

static bool
is_one_of(const char *text, const char *const *list)
{
	for (; *list != NULL; list++)
		if (strcmp(text, *list) == 0)
			return true;
	return false;
}

bool
op_dry_run(const struct op_call *c)
{
	static const char *const no[] = { "false", "0", NULL };
	const char *value = dry_run_arg(c);

	return (c->op->flags & OP_PLAN) && value != NULL &&
	    !is_one_of(value, no);
}

/* Who asks for a dry run must not get a real one. */
bool
op_dry_run_fits(struct op_call *c)
{
	static const char *const known[] = { "", "true", "1", "words", "false",
		"0", NULL };
	const char *value = dry_run_arg(c);

	if (value == NULL)
		return true;
	if (!is_one_of(value, known)) {
		reply_error(c, "Invalid dry-run: %s", value);
		return false;
	}
	if (c->op->flags & OP_PLAN)
		return true;
	reply_error(c, "%s has no dry run", c->op->name);
	return false;
}

/* ---- what goes out ---- */

struct json *
reply_raw(struct op_call *c)
{
	buf_reset(&c->body);
	json_init(&c->json, &c->body);
	return &c->json;
}

void
reply_sent(struct op_call *c, int status)
{
	assert(c->state == CALL_RUNNING);
	c->state = CALL_DONE;
	c->reply.status = status;
	c->reply.content_type = "application/json; charset=UTF-8";
	c->reply.body = buf_text(&c->body);
	c->reply.len = c->body.len;
	if (!c->reply.more)
		c->reply.held = c->body.len;
	c->done(c->done_arg, c, &c->reply);
}

void
reply_pieces(struct op_call *c, bool (*write)(struct op_call *c), size_t held)
{
	c->more = write;
	c->reply.more = write(c);
	c->reply.held = held;
	reply_sent(c, 200);
}

const struct op_reply *
ops_more(struct op_call *c)
{
	struct op_reply *r = &c->reply;

	assert(c->state == CALL_DONE && r->more);
	buf_reset(&c->body);
	r->more = c->more(c);
	r->body = buf_text(&c->body);
	r->len = c->body.len;
	return r;
}

void
ops_whole(struct op_call *c, const struct op_reply *r, struct buf *out)
{
	buf_add(out, r->body, r->len);
	while (r->more) {
		r = ops_more(c);
		buf_add(out, r->body, r->len);
	}
}

/* "Orchestrator NAME says: ", when the configuration wants it. */
static void
add_identity(struct op_call *c, struct buf *text)
{
	const struct config *config = view_config(c);
	const char *name = "";

	switch (config->rules.identity) {
	case ORC_IDENTITY_NONE: return;
	case ORC_IDENTITY_FQDN: name = op_app(c)->fqdn; break;
	case ORC_IDENTITY_CUSTOM: name = config->custom_orc_identity; break;
	case ORC_IDENTITY_HOSTNAME: break;
	}
	if (name == NULL || *name == '\0')
		name = op_app(c)->hostname;
	if (*name == '\0')
		name = config->custom_orc_identity;
	buf_printf(text, "Orchestrator %s says: ", name);
}

static struct json *
envelope(struct op_call *c, const char *code, int status, const char *fmt,
    va_list ap)
{
	struct json *w = reply_raw(c);
	struct buf text;

	buf_init(&text);
	add_identity(c, &text);
	buf_vprintf(&text, fmt, ap);
	json_obj(w);
	json_kstr(w, "Code", code);
	json_kstr(w, "Message", buf_text(&text));
	json_key(w, "Details");
	buf_fini(&text);
	c->reply.status = status;
	return w;
}

struct json *
reply_ok(struct op_call *c, const char *fmt, ...)
{
	struct json *w;
	va_list ap;

	va_start(ap, fmt);
	w = envelope(c, "OK", 200, fmt, ap);
	va_end(ap);
	return w;
}

struct json *
reply_bad(struct op_call *c, const char *fmt, ...)
{
	struct json *w;
	va_list ap;

	va_start(ap, fmt);
	w = envelope(c, "ERROR", 500, fmt, ap);
	va_end(ap);
	return w;
}

void
reply_end(struct op_call *c)
{
	json_end(&c->json);
	reply_sent(c, c->reply.status);
}

void
reply_done(struct op_call *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	json_nil(envelope(c, "OK", 200, fmt, ap));
	va_end(ap);
	reply_end(c);
}

void
reply_error(struct op_call *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	json_nil(envelope(c, "ERROR", 500, fmt, ap));
	va_end(ap);
	reply_end(c);
}

static void
busy(struct op_call *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	json_nil(envelope(c, "ERROR", 503, fmt, ap));
	va_end(ap);
}

void
reply_busy(struct op_call *c, const char *what)
{
	busy(c, "%s is busy: try again", what);
	c->reply.retry_after_s = 1;
	reply_end(c);
}
