/* SPDX-License-Identifier: Apache-2.0 */
/* From raw paths to operations and their arguments. */
#include "config.h"

#include "ops/route.h"

#include "ops/call.h"
#include "tap.h"

static const struct {
	const char *path;
	const char *op;	  /* NULL: not found */
	const char *args; /* "name=value name=value" in order */
} row[] = {
	{ "/api/lb-check", "lb-check", "" },
	{ "/api/_ping", "lb-check", "" },
	{ "/api/lb-check/", "lb-check", "" },
	{ "/api/lb-check//", NULL, "" },
	{ "/api/lb-check/x", NULL, "" },
	{ "/api/LB-CHECK", NULL, "" },
	{ "/api", NULL, "" },
	{ "/api/", NULL, "" },
	{ "/", NULL, "" },
	{ "", NULL, "" },
	{ "api/lb-check", NULL, "" },
	{ "//api/lb-check", NULL, "" },
	{ "/api/cluster/alpha", "cluster", "clusterHint=alpha" },
	{ "/api/cluster/alias", "cluster", "clusterHint=alias" },
	{ "/api/cluster/alias/a", "cluster", "clusterAlias=a" },
	{ "/api/cluster/instance/h/1", "cluster", "host=h port=1" },
	{ "/api/cluster/other/h/1", NULL, "" },
	{ "/api/audit/3", "audit", "page=3" },
	{ "/api/audit/instance/h/1", "audit", "host=h port=1" },
	{ "/api/audit/instance/h/1/2", "audit", "host=h port=1 page=2" },
	{ "/api/end-maintenance/7", "end-maintenance", "maintenanceKey=7" },
	{ "/api/end-maintenance/h/1", "end-maintenance", "host=h port=1" },
	{ "/api/begin-downtime/h/1/ann/a%2Fb%20c/2h", "begin-downtime",
	    "host=h port=1 owner=ann reason=a/b c duration=2h" },
	{ "/api/tag/h/1/n/v+w", "tag",
	    "host=h port=1 tagName=n tagValue=v+w" },
	{ "/api/instance/%5B::1%5D/3306", "instance", "host=[::1] port=3306" },
	{ "/api/instance/a%00b/1", NULL, "" },
	{ "/api/instance/a%/1", NULL, "" },
	{ "/api/instance/a%2/1", NULL, "" },
	{ "/api/instance/a%zz/1", NULL, "" },
	{ "/api/instance//1", NULL, "" },
	{ "/api/instance/%/1", NULL, "" },
	{ "/debug/metrics", "debug-metrics", "" },
	{ "/api/find", NULL, "" },
	{ "/api/relocate/a/1/b/2", "relocate",
	    "host=a port=1 belowHost=b belowPort=2" },
	{ "/api/1/2/3/4/5/6/7/8/9/10/11/12/13", NULL, "" },
};

static void
args_text(struct buf *b, const struct op_arg *arg, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_printf(b, "%s%s=%s", i > 0 ? " " : "", arg[i].name,
		    arg[i].value);
}

static void
paths(void)
{
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct op_arg arg[ROUTE_PARAMS_MAX];
		struct buf b = { 0 };
		const struct op *op;
		struct arena a;
		size_t n = 0;

		arena_init(&a);
		op = route_find(row[i].path, strlen(row[i].path), &a, arg, &n);
		is_str(op != NULL ? op_name(op) : NULL, row[i].op, "%s",
		    row[i].path);
		if (op != NULL)
			args_text(&b, arg, n);
		is_str(buf_text(&b), row[i].args, "its arguments");
		buf_fini(&b);
		arena_fini(&a);
	}
}

/* Every path of the table leads to its own row. */
static void
own_paths(void)
{
	size_t wrong = 0, seen = 0;

	for (size_t i = 0; i < op_table_count; i++) {
		for (const char *s = op_table[i].paths; *s != '\0';) {
			struct op_arg arg[ROUTE_PARAMS_MAX];
			size_t len = strcspn(s, " "), n;
			struct arena a;
			char *path;

			arena_init(&a);
			path = arena_printf(&a, "%s%.*s",
			    *s == '/' ? "" : "/api/", (int)len, s);
			if (route_find(path, strlen(path), &a, arg, &n) !=
			    &op_table[i]) {
				diag("%s", path);
				wrong++;
			}
			seen++;
			arena_fini(&a);
			s += len + strspn(s + len, " ");
		}
	}
	ok(wrong == 0 && seen > 60, "all %zu paths of ops.def are found", seen);
}

static void
names(void)
{
	size_t twice = 0;

	for (size_t i = 0; i < op_table_count; i++)
		for (size_t j = 0; j < i; j++)
			twice += strcmp(op_table[i].name,
				     op_table[j].name) == 0;
	is_int((int64_t)twice, 0, "no name stands for two operations");
}

int
main(void)
{
	paths();
	own_paths();
	names();
	return tap_done();
}
