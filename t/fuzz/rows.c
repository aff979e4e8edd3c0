/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: reading result sets stays inside any bytes, and terminates. */
#include "config.h"

#include <assert.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "mysql/rows.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct bin in = { data, n };
	struct rows r;
	size_t sum = 0;

	rows_init(&r, in);
	while (rows_next_result(&r))
		while (rows_next(&r))
			for (size_t i = 0; i < r.columns; i++) {
				assert(r.value[i] == NULL ||
				    r.value[i][r.length[i]] == '\0');
				sum += r.length[i] + strlen(r.name[i]);
			}
	assert(rows_digest(in) == rows_digest(in));
	assert(sum == 0 || n > 0);
	return 0;
}
