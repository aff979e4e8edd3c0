# SPDX-License-Identifier: Apache-2.0
# A fuzz target NAME is NAME.c (one function, fuzz.h) with corpus/NAME.  In any
# build NAME.t replays the corpus.  Configured with CC=clang and --enable-fuzz,
# --enable-sanitizers=address,undefined, fuzz_NAME is the fuzzer:
#	t/fuzz/fuzz_config -max_len=4096 work-dir t/fuzz/corpus/config
EXTRA_DIST += %D%/corpus %D%/fuzz.h
FUZZ_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/t

FUZZ_REPLAY = %D%/config.t %D%/control.t %D%/cursor.t %D%/gtid.t %D%/instance.t \
	%D%/ops.t %D%/probe.t %D%/request.t %D%/rows.t
check_PROGRAMS += $(FUZZ_REPLAY)
TESTS += $(FUZZ_REPLAY)

FUZZ_CONFIG_SOURCES = %D%/config.c
FUZZ_CONFIG_LDADD = $(LIBS_CONFIG)
t_fuzz_config_t_SOURCES = %D%/replay.c $(FUZZ_CONFIG_SOURCES)
t_fuzz_config_t_CPPFLAGS = $(FUZZ_CPPFLAGS) -DFUZZ_CORPUS='"config"'
t_fuzz_config_t_LDADD = $(FUZZ_CONFIG_LDADD)

FUZZ_CONTROL_SOURCES = %D%/control.c
FUZZ_CONTROL_LDADD = $(LIBS_TOPOLOGY) $(MSGPACK_LIBS)
t_fuzz_control_t_SOURCES = %D%/replay.c $(FUZZ_CONTROL_SOURCES)
t_fuzz_control_t_CPPFLAGS = $(FUZZ_CPPFLAGS) -DFUZZ_CORPUS='"control"'
t_fuzz_control_t_LDADD = $(FUZZ_CONTROL_LDADD)

FUZZ_CURSOR_SOURCES = %D%/cursor.c
FUZZ_CURSOR_LDADD = src/base/libbase.a $(MSGPACK_LIBS)
t_fuzz_cursor_t_SOURCES = %D%/replay.c $(FUZZ_CURSOR_SOURCES)
t_fuzz_cursor_t_CPPFLAGS = $(FUZZ_CPPFLAGS) $(MSGPACK_CFLAGS) \
	-DFUZZ_CORPUS='"cursor"'
t_fuzz_cursor_t_LDADD = $(FUZZ_CURSOR_LDADD)

FUZZ_GTID_SOURCES = %D%/gtid.c
FUZZ_GTID_LDADD = $(LIBS_TOPOLOGY) $(MSGPACK_LIBS)
t_fuzz_gtid_t_SOURCES = %D%/replay.c $(FUZZ_GTID_SOURCES)
t_fuzz_gtid_t_CPPFLAGS = $(FUZZ_CPPFLAGS) -DFUZZ_CORPUS='"gtid"'
t_fuzz_gtid_t_LDADD = $(FUZZ_GTID_LDADD)

FUZZ_INSTANCE_SOURCES = %D%/instance.c
FUZZ_INSTANCE_LDADD = $(LIBS_TOPOLOGY) $(MSGPACK_LIBS)
t_fuzz_instance_t_SOURCES = %D%/replay.c $(FUZZ_INSTANCE_SOURCES)
t_fuzz_instance_t_CPPFLAGS = $(FUZZ_CPPFLAGS) -DFUZZ_CORPUS='"instance"'
t_fuzz_instance_t_LDADD = $(FUZZ_INSTANCE_LDADD)

FUZZ_OPS_SOURCES = %D%/ops.c t/unit/ops_world.c
FUZZ_OPS_CPPFLAGS = $(FUZZ_CPPFLAGS) -I$(top_srcdir)/t/unit $(CK_CFLAGS) \
	$(JANSSON_CFLAGS) $(PCRE2_CFLAGS)
FUZZ_OPS_LDADD = $(LIBS_OPS)
t_fuzz_ops_t_SOURCES = %D%/replay.c $(FUZZ_OPS_SOURCES)
t_fuzz_ops_t_CPPFLAGS = $(FUZZ_OPS_CPPFLAGS) -DFUZZ_CORPUS='"ops"'
t_fuzz_ops_t_LDADD = $(FUZZ_OPS_LDADD)

FUZZ_REQUEST_SOURCES = %D%/request.c
FUZZ_REQUEST_LDADD = $(LIBS_HTTP) $(LIBS_CONFIG)
t_fuzz_request_t_SOURCES = %D%/replay.c $(FUZZ_REQUEST_SOURCES)
t_fuzz_request_t_CPPFLAGS = $(FUZZ_CPPFLAGS) -DFUZZ_CORPUS='"request"'
t_fuzz_request_t_LDADD = $(FUZZ_REQUEST_LDADD)

FUZZ_ROWS_SOURCES = %D%/rows.c
FUZZ_ROWS_LDADD = src/mysql/libmysql_orc.a src/base/libbase.a $(MSGPACK_LIBS)
t_fuzz_rows_t_SOURCES = %D%/replay.c $(FUZZ_ROWS_SOURCES)
t_fuzz_rows_t_CPPFLAGS = $(FUZZ_CPPFLAGS) -DFUZZ_CORPUS='"rows"'
t_fuzz_rows_t_LDADD = $(FUZZ_ROWS_LDADD)

FUZZ_PROBE_SOURCES = %D%/probe.c
FUZZ_PROBE_LDADD = $(LIBS_PROBE)
t_fuzz_probe_t_SOURCES = %D%/replay.c $(FUZZ_PROBE_SOURCES)
t_fuzz_probe_t_CPPFLAGS = $(FUZZ_CPPFLAGS) -DFUZZ_CORPUS='"probe"'
t_fuzz_probe_t_LDADD = $(FUZZ_PROBE_LDADD)

if FUZZ
FUZZ_LINK = $(AM_LDFLAGS) -fsanitize=fuzzer
noinst_PROGRAMS += %D%/fuzz_config %D%/fuzz_control %D%/fuzz_cursor %D%/fuzz_gtid \
	%D%/fuzz_instance %D%/fuzz_ops %D%/fuzz_probe \
	%D%/fuzz_request %D%/fuzz_rows
t_fuzz_fuzz_config_SOURCES = $(FUZZ_CONFIG_SOURCES)
t_fuzz_fuzz_config_CPPFLAGS = $(FUZZ_CPPFLAGS)
t_fuzz_fuzz_config_LDFLAGS = $(FUZZ_LINK)
t_fuzz_fuzz_config_LDADD = $(FUZZ_CONFIG_LDADD)
t_fuzz_fuzz_control_SOURCES = $(FUZZ_CONTROL_SOURCES)
t_fuzz_fuzz_control_CPPFLAGS = $(FUZZ_CPPFLAGS)
t_fuzz_fuzz_control_LDFLAGS = $(FUZZ_LINK)
t_fuzz_fuzz_control_LDADD = $(FUZZ_CONTROL_LDADD)
t_fuzz_fuzz_cursor_SOURCES = $(FUZZ_CURSOR_SOURCES)
t_fuzz_fuzz_cursor_CPPFLAGS = $(FUZZ_CPPFLAGS) $(MSGPACK_CFLAGS)
t_fuzz_fuzz_cursor_LDFLAGS = $(FUZZ_LINK)
t_fuzz_fuzz_cursor_LDADD = $(FUZZ_CURSOR_LDADD)
t_fuzz_fuzz_gtid_SOURCES = $(FUZZ_GTID_SOURCES)
t_fuzz_fuzz_gtid_CPPFLAGS = $(FUZZ_CPPFLAGS)
t_fuzz_fuzz_gtid_LDFLAGS = $(FUZZ_LINK)
t_fuzz_fuzz_gtid_LDADD = $(FUZZ_GTID_LDADD)
t_fuzz_fuzz_instance_SOURCES = $(FUZZ_INSTANCE_SOURCES)
t_fuzz_fuzz_instance_CPPFLAGS = $(FUZZ_CPPFLAGS)
t_fuzz_fuzz_instance_LDFLAGS = $(FUZZ_LINK)
t_fuzz_fuzz_instance_LDADD = $(FUZZ_INSTANCE_LDADD)
t_fuzz_fuzz_ops_SOURCES = $(FUZZ_OPS_SOURCES)
t_fuzz_fuzz_ops_CPPFLAGS = $(FUZZ_OPS_CPPFLAGS)
t_fuzz_fuzz_ops_LDFLAGS = $(FUZZ_LINK)
t_fuzz_fuzz_ops_LDADD = $(FUZZ_OPS_LDADD)
t_fuzz_fuzz_request_SOURCES = $(FUZZ_REQUEST_SOURCES)
t_fuzz_fuzz_request_CPPFLAGS = $(FUZZ_CPPFLAGS)
t_fuzz_fuzz_request_LDFLAGS = $(FUZZ_LINK)
t_fuzz_fuzz_request_LDADD = $(FUZZ_REQUEST_LDADD)
t_fuzz_fuzz_probe_SOURCES = $(FUZZ_PROBE_SOURCES)
t_fuzz_fuzz_probe_CPPFLAGS = $(FUZZ_CPPFLAGS)
t_fuzz_fuzz_probe_LDFLAGS = $(FUZZ_LINK)
t_fuzz_fuzz_probe_LDADD = $(FUZZ_PROBE_LDADD)
t_fuzz_fuzz_rows_SOURCES = $(FUZZ_ROWS_SOURCES)
t_fuzz_fuzz_rows_CPPFLAGS = $(FUZZ_CPPFLAGS)
t_fuzz_fuzz_rows_LDFLAGS = $(FUZZ_LINK)
t_fuzz_fuzz_rows_LDADD = $(FUZZ_ROWS_LDADD)
endif
