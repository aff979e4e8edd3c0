# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += src/ops/libops.a
src_ops_libops_a_CPPFLAGS = $(AM_CPPFLAGS) $(CK_CFLAGS) $(PCRE2_CFLAGS) \
	$(JANSSON_CFLAGS)
src_ops_libops_a_SOURCES = \
	%D%/op.h %D%/op.c %D%/op_path.c %D%/ops.def \
	%D%/call.h %D%/call.c \
	%D%/dispatch.c \
	%D%/route.h %D%/route.c \
	%D%/view.h %D%/view.c %D%/cluster_view.c \
	%D%/order.h %D%/order.c \
	%D%/admin.c \
	%D%/analysis.c \
	%D%/audit.c \
	%D%/cluster.c \
	%D%/detection.c \
	%D%/discovery.c \
	%D%/downtime.c \
	%D%/information.c \
	%D%/inspect.c \
	%D%/list.c \
	%D%/meta.c \
	%D%/metrics.c \
	%D%/move.h %D%/move.c %D%/move_answer.c %D%/moves.def \
	%D%/names.c \
	%D%/operations.c \
	%D%/pgtid.c \
	%D%/pools.c \
	%D%/progress.c \
	%D%/raft.c \
	%D%/rendered.c \
	%D%/status.c \
	%D%/tags.c \
	%D%/topology.c
LIBS_OPS = src/ops/libops.a src/actors/libactors.a \
	src/plan/libplan.a src/mysql/libmysql_orc.a src/store/libstore.a src/config/libconfig.a \
	$(LIBS_RUNTIME) $(LIBS_TOPOLOGY) $(SQLITE_LIBS) $(JANSSON_LIBS) \
	$(PCRE2_LIBS) $(MSGPACK_LIBS)
