/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a fuzz target defines.  libFuzzer calls it when configured with
 * --enable-fuzz; replay.c calls it with each file of its corpus in any build.
 */
#ifndef ORC_T_FUZZ_H
#define ORC_T_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Returns 0; a mistake is a failed assertion. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#endif
