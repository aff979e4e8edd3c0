/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fuzz target without a fuzzer: each file of its corpus, and what is near to
 * it: beginnings of it, and it with one byte changed.
 */
#include "config.h"

#include <dirent.h>
#include <stdlib.h>

#include "base/mem.h"
#include "fuzz/fuzz.h"
#include "tap.h"

enum {
	FILE_MAX = 1 << 16, /* bytes of a corpus file */
	NEAR_MAX = 256,	    /* places that are cut or changed */
};

static size_t
load(const char *path, uint8_t *data)
{
	FILE *f = fopen(path, "r");
	size_t n;

	if (f == NULL) {
		perror(path);
		exit(1);
	}
	n = fread(data, 1, FILE_MAX, f);
	fclose(f);
	return n;
}

/* A copy of exactly this size, so that a sanitizer sees reads behind it. */
static void
run(const uint8_t *data, size_t n)
{
	uint8_t *copy = mem_alloc(n);

	memcpy(copy, data, n);
	LLVMFuzzerTestOneInput(copy, n);
	mem_free(copy);
}

static unsigned
run_near(uint8_t *data, size_t n)
{
	static const uint8_t change[] = { 0xff, 0x80, 0x01 };
	size_t step = n / NEAR_MAX + 1;
	unsigned count = 1;

	run(data, n);
	for (size_t i = 0; i < n; i += step) {
		run(data, i);
		count++;
		for (size_t j = 0; j < MEM_COUNT(change); j++) {
			data[i] ^= change[j];
			run(data, n);
			data[i] ^= change[j];
			count++;
		}
	}
	return count;
}

static int
visible(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

int
main(void)
{
	static uint8_t data[FILE_MAX];
	const char *top = getenv("top_srcdir");
	char *dir = mem_printf("%s/t/fuzz/corpus/%s", top != NULL ? top : ".",
	    FUZZ_CORPUS);
	struct dirent **list = NULL;
	int n = scandir(dir, &list, visible, alphasort);

	ok(n > 0, "%s has a corpus", FUZZ_CORPUS);
	for (int i = 0; i < n; i++) {
		char *path = mem_printf("%s/%s", dir, list[i]->d_name);
		unsigned count = run_near(data, load(path, data));

		ok(true, "%s: %s and what is near, %u runs", FUZZ_CORPUS,
		    list[i]->d_name, count);
		mem_free(path);
		free(list[i]);
	}
	free(list);
	mem_free(dir);
	return tap_done();
}
