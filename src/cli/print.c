/* SPDX-License-Identifier: Apache-2.0 */
/* What a command prints of an answer; see print.h. */
#include "config.h"

#include "cli/print.h"

#include <assert.h>
#include <jansson.h>
#include <stdbool.h>
#include <string.h>

/* A key object as host:port; an unset one is empty. */
static bool
add_key(struct buf *out, const json_t *v)
{
	const char *host = json_string_value(json_object_get(v, "Hostname"));
	const json_t *port = json_object_get(v, "Port");

	if (host == NULL || !json_is_integer(port))
		return false;
	if (*host != '\0')
		buf_printf(out, "%s:%" JSON_INTEGER_FORMAT, host,
		    json_integer_value(port));
	return true;
}

static void
add_value(struct buf *out, const json_t *v)
{
	char *text;

	if (json_is_null(v) || v == NULL)
		return;
	if (json_is_string(v)) {
		buf_add(out, json_string_value(v), json_string_length(v));
		return;
	}
	if (json_is_object(v) && json_object_size(v) == 2 && add_key(out, v))
		return;
	text = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);
	buf_str(out, text);
	free(text);
}

static const json_t *
member(const json_t *v, const char *name, size_t len)
{
	char text[64];

	assert(len < sizeof(text));
	if (len == 1 && *name == '.')
		return v;
	memcpy(text, name, len);
	text[len] = '\0';
	return json_object_get(v, text);
}

/* "[Member=value]": true if it has that value; *t moves behind it. */
static bool
condition_holds(const char **t, const json_t *v)
{
	const char *eq = strchr(*t, '='), *end = strchr(*t, ']');
	struct buf got = { 0 };
	bool holds;

	assert(eq != NULL && end != NULL && eq < end);
	add_value(&got, member(v, *t + 1, (size_t)(eq - *t - 1)));
	holds = got.len == (size_t)(end - eq - 1) &&
	    memcmp(buf_text(&got), eq + 1, got.len) == 0;
	buf_fini(&got);
	*t = end + 1;
	return holds;
}

static void
add_line(struct buf *out, const char *t, const json_t *v)
{
	size_t began = out->len;
	bool keep_empty = *t != '?';

	t += !keep_empty;
	while (*t == '[')
		if (!condition_holds(&t, v))
			return;
	while (*t != '\0') {
		const char *end = *t == '{' ? strchr(t, '}') : NULL;

		if (end == NULL) {
			buf_chr(out, *t++);
			continue;
		}
		add_value(out, member(v, t + 1, (size_t)(end - t - 1)));
		t = end + 1;
	}
	if (keep_empty || out->len > began)
		buf_chr(out, '\n');
}

static void
add_lines(struct buf *out, const char *template, const json_t *v)
{
	const json_t *element;
	size_t i;

	if (strchr(template, '{') == NULL) {
		if (*template != '\0')
			buf_printf(out, "%s\n", template);
	} else if (json_is_array(v)) {
		json_array_foreach(v, i, element)
			add_line(out, template, element);
	} else if (!json_is_null(v)) {
		add_line(out, template, v);
	}
}

enum err_code
print_answer(struct buf *out, const char *template, const char *body,
    size_t len, struct err *err)
{
	enum err_code code = ERR_NONE;
	json_error_t why;
	json_t *root = json_loadb(body, len, JSON_DECODE_ANY, &why);
	const char *said;

	if (root == NULL)
		return err_set(err, ERR_MALFORMED, "the answer is no JSON: %s",
		    why.text);
	said = json_string_value(json_object_get(root, "Code"));
	if (said == NULL)
		add_lines(out, template, root);
	else if (strcmp(said, "OK") == 0)
		add_lines(out, template, json_object_get(root, "Details"));
	else
		code = err_set(err, ERR_SERVER, "%s", json_string_value(
		    json_object_get(root, "Message")));
	json_decref(root);
	return code;
}

void
print_errors(struct buf *out, const char *body, size_t len)
{
	json_t *root = json_loadb(body, len, 0, NULL);
	const char *said = json_string_value(json_object_get(root, "Code"));
	const char *text = json_string_value(json_object_get(root, "Message"));

	if (said != NULL && text != NULL && strcmp(said, "OK") == 0 &&
	    strstr(text, " errors: [") != NULL &&
	    strstr(text, "; 0 errors: []") == NULL)
		buf_str(out, text);
	json_decref(root);
}
