/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that never fails; see mem.h. */
#include "config.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *
must(void *p)
{
	if (p == NULL) {
		fputs("out of memory\n", stderr);
		abort();
	}
	return p;
}

void *
mem_alloc(size_t n)
{
	return must(malloc(n > 0 ? n : 1));
}

void *
mem_zalloc(size_t n)
{
	return must(calloc(1, n > 0 ? n : 1));
}

void *
mem_resize(void *p, size_t count, size_t size)
{
	size_t n;

	if (__builtin_mul_overflow(count, size, &n))
		must(NULL);
	return must(realloc(p, n > 0 ? n : 1));
}

char *
mem_strdup(const char *s)
{
	return must(strdup(s));
}

char *
mem_strndup(const char *s, size_t n)
{
	return must(strndup(s, n));
}

char *
mem_printf(const char *fmt, ...)
{
	char *s = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	return must(n < 0 ? NULL : s);
}

void
mem_free(void *p)
{
	free(p);
}
