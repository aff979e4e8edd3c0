# SPDX-License-Identifier: Apache-2.0
# Pure layers: a unit test links its own layer and what lies below, no more.
UNIT_BASE = %D%/base.t
check_PROGRAMS += $(UNIT_BASE)
TESTS += $(UNIT_BASE)
t_unit_base_t_SOURCES = %D%/base.c
t_unit_base_t_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/t
t_unit_base_t_LDADD = src/base/libbase.a

# mysql
UNIT_MYSQL = %D%/dialect.t %D%/handles.t %D%/probe.t %D%/quick.t \
	%D%/rows.t
check_PROGRAMS += $(UNIT_MYSQL)
TESTS += $(UNIT_MYSQL)
MYSQL_TEST_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/t
t_unit_dialect_t_SOURCES = %D%/dialect.c
t_unit_dialect_t_CPPFLAGS = $(MYSQL_TEST_CPPFLAGS)
t_unit_dialect_t_LDADD = $(LIBS_PROBE)
t_unit_handles_t_SOURCES = %D%/handles.c
t_unit_handles_t_CPPFLAGS = $(MYSQL_TEST_CPPFLAGS)
t_unit_handles_t_LDADD = $(LIBS_MYSQL)
t_unit_probe_t_SOURCES = %D%/probe.c
t_unit_probe_t_CPPFLAGS = $(MYSQL_TEST_CPPFLAGS)
t_unit_probe_t_LDADD = $(LIBS_PROBE)
t_unit_quick_t_SOURCES = %D%/quick.c
t_unit_quick_t_CPPFLAGS = $(MYSQL_TEST_CPPFLAGS)
t_unit_quick_t_LDADD = t/model/libmodel.a $(LIBS_PROBE)
t_unit_rows_t_SOURCES = %D%/rows.c
t_unit_rows_t_CPPFLAGS = $(MYSQL_TEST_CPPFLAGS)
t_unit_rows_t_LDADD = $(LIBS_PROBE)

# topology
UNIT_TOPOLOGY = %D%/analysis.t %D%/case.t %D%/cluster.t %D%/coord.t %D%/gtid.t %D%/gtid_mariadb.t \
	%D%/instance.t %D%/key.t %D%/note.t %D%/search.t \
	%D%/version.t
check_PROGRAMS += $(UNIT_TOPOLOGY)
TESTS += $(UNIT_TOPOLOGY)
EXTRA_DIST += t/cases
TOPOLOGY_TEST_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/t
TOPOLOGY_TEST_LDADD = $(LIBS_TOPOLOGY) $(MSGPACK_LIBS)
t_unit_analysis_t_SOURCES = %D%/analysis.c
t_unit_analysis_t_CPPFLAGS = $(TOPOLOGY_TEST_CPPFLAGS)
t_unit_analysis_t_LDADD = $(TOPOLOGY_TEST_LDADD)
t_unit_case_t_SOURCES = %D%/case.c
t_unit_case_t_CPPFLAGS = $(TOPOLOGY_TEST_CPPFLAGS)
t_unit_case_t_LDADD = $(TOPOLOGY_TEST_LDADD)
t_unit_cluster_t_SOURCES = %D%/cluster.c
t_unit_cluster_t_CPPFLAGS = $(TOPOLOGY_TEST_CPPFLAGS)
t_unit_cluster_t_LDADD = $(TOPOLOGY_TEST_LDADD)
t_unit_coord_t_SOURCES = %D%/coord.c
t_unit_coord_t_CPPFLAGS = $(TOPOLOGY_TEST_CPPFLAGS)
t_unit_coord_t_LDADD = $(TOPOLOGY_TEST_LDADD)
t_unit_gtid_t_SOURCES = %D%/gtid.c
t_unit_gtid_t_CPPFLAGS = $(TOPOLOGY_TEST_CPPFLAGS)
t_unit_gtid_t_LDADD = $(TOPOLOGY_TEST_LDADD)
t_unit_gtid_mariadb_t_SOURCES = %D%/gtid_mariadb.c
t_unit_gtid_mariadb_t_CPPFLAGS = $(TOPOLOGY_TEST_CPPFLAGS)
t_unit_gtid_mariadb_t_LDADD = $(TOPOLOGY_TEST_LDADD)
t_unit_instance_t_SOURCES = %D%/instance.c
t_unit_instance_t_CPPFLAGS = $(TOPOLOGY_TEST_CPPFLAGS) $(JANSSON_CFLAGS)
t_unit_instance_t_LDADD = $(TOPOLOGY_TEST_LDADD) $(JANSSON_LIBS)
t_unit_key_t_SOURCES = %D%/key.c
t_unit_key_t_CPPFLAGS = $(TOPOLOGY_TEST_CPPFLAGS)
t_unit_key_t_LDADD = $(TOPOLOGY_TEST_LDADD)
t_unit_note_t_SOURCES = %D%/note.c
t_unit_note_t_CPPFLAGS = $(TOPOLOGY_TEST_CPPFLAGS)
t_unit_note_t_LDADD = $(TOPOLOGY_TEST_LDADD)
t_unit_search_t_SOURCES = %D%/search.c
t_unit_search_t_CPPFLAGS = $(TOPOLOGY_TEST_CPPFLAGS)
t_unit_search_t_LDADD = $(TOPOLOGY_TEST_LDADD)
t_unit_version_t_SOURCES = %D%/version.c
t_unit_version_t_CPPFLAGS = $(TOPOLOGY_TEST_CPPFLAGS)
t_unit_version_t_LDADD = $(TOPOLOGY_TEST_LDADD)

# config
UNIT_CONFIG = %D%/config.t %D%/config_files.t %D%/filter.t
check_PROGRAMS += $(UNIT_CONFIG)
TESTS += $(UNIT_CONFIG)
CONFIG_TEST_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/t
t_unit_config_t_SOURCES = %D%/config.c
t_unit_config_t_CPPFLAGS = $(CONFIG_TEST_CPPFLAGS) $(JANSSON_CFLAGS)
t_unit_config_t_LDADD = $(LIBS_CONFIG)
t_unit_config_files_t_SOURCES = %D%/config_files.c
t_unit_config_files_t_CPPFLAGS = $(CONFIG_TEST_CPPFLAGS)
t_unit_config_files_t_LDADD = $(LIBS_CONFIG)
t_unit_filter_t_SOURCES = %D%/filter.c
t_unit_filter_t_CPPFLAGS = $(CONFIG_TEST_CPPFLAGS)
t_unit_filter_t_LDADD = $(LIBS_CONFIG)

# control
UNIT_CONTROL = %D%/control.t
check_PROGRAMS += $(UNIT_CONTROL)
TESTS += $(UNIT_CONTROL)
t_unit_control_t_SOURCES = %D%/control.c
t_unit_control_t_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/t
t_unit_control_t_LDADD = $(LIBS_TOPOLOGY) $(MSGPACK_LIBS)

# schedule
check_PROGRAMS += %D%/schedule.t
TESTS += %D%/schedule.t
t_unit_schedule_t_SOURCES = %D%/schedule.c
t_unit_schedule_t_CPPFLAGS = $(TOPOLOGY_TEST_CPPFLAGS)
t_unit_schedule_t_LDADD = $(TOPOLOGY_TEST_LDADD)

# store
UNIT_STORE = %D%/store.t
check_PROGRAMS += $(UNIT_STORE)
TESTS += $(UNIT_STORE)
t_unit_store_t_SOURCES = %D%/store.c
t_unit_store_t_CPPFLAGS = $(AM_CPPFLAGS) $(SQLITE_CFLAGS) -I$(top_srcdir)/t
t_unit_store_t_LDADD = $(LIBS_STORE)
# cli
UNIT_CLI = %D%/bar.t %D%/flags.t
check_PROGRAMS += $(UNIT_CLI)
TESTS += $(UNIT_CLI)
t_unit_bar_t_SOURCES = %D%/bar.c src/cli/bar.c
t_unit_bar_t_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/t $(CK_CFLAGS)
t_unit_bar_t_LDADD = $(LIBS_OPS)
t_unit_flags_t_SOURCES = %D%/flags.c src/cli/flags.c src/cli/print.c
t_unit_flags_t_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/t $(JANSSON_CFLAGS)
t_unit_flags_t_LDADD = src/base/libbase.a $(JANSSON_LIBS)

# ops
UNIT_OPS = %D%/ops_analysis.t %D%/ops_manage.t %D%/ops_moves.t
UNIT_OPS += %D%/ops_read.t %D%/route.t
check_PROGRAMS += $(UNIT_OPS)
TESTS += $(UNIT_OPS)
OPS_WORLD = %D%/ops_world.c %D%/ops_world.h
OPS_TEST_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/t $(CK_CFLAGS) \
	$(JANSSON_CFLAGS) $(PCRE2_CFLAGS)
OPS_TEST_LDADD = $(LIBS_OPS)
t_unit_ops_manage_t_SOURCES = %D%/ops_manage.c $(OPS_WORLD)
t_unit_ops_manage_t_CPPFLAGS = $(OPS_TEST_CPPFLAGS)
t_unit_ops_manage_t_LDADD = $(OPS_TEST_LDADD)
t_unit_ops_analysis_t_SOURCES = %D%/ops_analysis.c $(OPS_WORLD)
t_unit_ops_analysis_t_CPPFLAGS = $(OPS_TEST_CPPFLAGS)
t_unit_ops_analysis_t_LDADD = $(OPS_TEST_LDADD)
t_unit_ops_moves_t_SOURCES = %D%/ops_moves.c %D%/ops_fake_moves.c \
	%D%/ops_fake_moves.h $(OPS_WORLD)
t_unit_ops_moves_t_CPPFLAGS = $(OPS_TEST_CPPFLAGS)
t_unit_ops_moves_t_LDADD = $(OPS_TEST_LDADD)
t_unit_ops_read_t_SOURCES = %D%/ops_read.c $(OPS_WORLD)
t_unit_ops_read_t_CPPFLAGS = $(OPS_TEST_CPPFLAGS)
t_unit_ops_read_t_LDADD = $(OPS_TEST_LDADD)
t_unit_route_t_SOURCES = %D%/route.c
t_unit_route_t_CPPFLAGS = $(OPS_TEST_CPPFLAGS)
t_unit_route_t_LDADD = $(OPS_TEST_LDADD)

# plan: searches in logs
UNIT_PGTID = %D%/pgtid.t %D%/pgtid_random.t %D%/inject.t %D%/logpos.t
check_PROGRAMS += $(UNIT_PGTID)
TESTS += $(UNIT_PGTID)
PGTID_TEST_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/t
LOG_SERVER = %D%/log_server.c %D%/log_server.h
t_unit_pgtid_t_SOURCES = %D%/pgtid.c $(LOG_SERVER)
t_unit_pgtid_t_CPPFLAGS = $(PGTID_TEST_CPPFLAGS)
t_unit_pgtid_t_LDADD = $(LIBS_PLAN)
t_unit_pgtid_random_t_SOURCES = %D%/pgtid_random.c $(LOG_SERVER)
t_unit_pgtid_random_t_CPPFLAGS = $(PGTID_TEST_CPPFLAGS)
t_unit_pgtid_random_t_LDADD = $(LIBS_PLAN)
t_unit_inject_t_SOURCES = %D%/inject.c
t_unit_inject_t_CPPFLAGS = $(PGTID_TEST_CPPFLAGS)
t_unit_inject_t_LDADD = $(LIBS_PLAN)
t_unit_logpos_t_SOURCES = %D%/logpos.c
t_unit_logpos_t_CPPFLAGS = $(PGTID_TEST_CPPFLAGS) $(CK_CFLAGS)
t_unit_logpos_t_LDADD = $(LIBS_OPS)

# plan
UNIT_PLAN = %D%/plan_case.t %D%/plan_random.t %D%/plan_world.t
check_PROGRAMS += $(UNIT_PLAN)
TESTS += $(UNIT_PLAN)
t_unit_plan_case_t_SOURCES = %D%/plan_case.c %D%/plan_scene.c %D%/plan_scene.h
t_unit_plan_case_t_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/t
t_unit_plan_case_t_LDADD = $(LIBS_PLAN)
t_unit_plan_random_t_SOURCES = %D%/plan_random.c
t_unit_plan_random_t_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/t
t_unit_plan_random_t_LDADD = $(LIBS_PLAN)
t_unit_plan_world_t_SOURCES = %D%/plan_world.c
t_unit_plan_world_t_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/t
t_unit_plan_world_t_LDADD = $(LIBS_PLAN)

# plan: carrying out, against model servers
UNIT_RUN = %D%/run.t %D%/sql.t
check_PROGRAMS += $(UNIT_RUN)
TESTS += $(UNIT_RUN)
t_unit_run_t_SOURCES = %D%/run.c
t_unit_run_t_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/t
t_unit_run_t_LDADD = t/model/libmodel.a $(LIBS_PLAN)
t_unit_sql_t_SOURCES = %D%/sql.c
t_unit_sql_t_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/t
t_unit_sql_t_LDADD = $(LIBS_PLAN)
