# SPDX-License-Identifier: Apache-2.0

EXTRA_DIST += %D%/rows.c
if FUZZ
noinst_PROGRAMS += %D%/rows.fuzz
t_fuzz_rows_fuzz_SOURCES = %D%/rows.c
t_fuzz_rows_fuzz_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
t_fuzz_rows_fuzz_LDADD = src/mysql/libmysql_orc.a src/base/libbase.a \
	$(MSGPACK_LIBS)
endif
