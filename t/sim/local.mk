# SPDX-License-Identifier: Apache-2.0
# Stories of the real actors in virtual time; none of them needs a server.
check_LIBRARIES += t/sim/libstage.a
SIM_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/t $(CK_CFLAGS) \
	$(MSGPACK_CFLAGS) $(PCRE2_CFLAGS) $(JANSSON_CFLAGS)
t_sim_libstage_a_CPPFLAGS = $(SIM_CPPFLAGS)
t_sim_libstage_a_SOURCES = %D%/stage.c %D%/stage.h %D%/stage_look.c \
	%D%/stage_session.c %D%/stage_store.c
SIM_LDADD = t/sim/libstage.a t/model/libmodel.a src/actors/libactors.a \
	src/plan/libplan.a \
	$(LIBS_STORE) src/mysql/libmysql_orc.a src/config/libconfig.a \
	src/topology/libtopology.a $(LIBS_RUNTIME) $(JANSSON_LIBS) \
	$(PCRE2_LIBS)

SIM_TESTS = %D%/analysis.t %D%/discovery.t %D%/schedule.t %D%/trouble.t \
	%D%/identity.t %D%/places.t %D%/campaign.t \
	%D%/forget.t %D%/names.t \
	%D%/moves.t %D%/restart.t %D%/moved.t %D%/queries.t %D%/group.t %D%/on_file.t %D%/deaths.t %D%/storm.t
check_PROGRAMS += $(SIM_TESTS)
TESTS += $(SIM_TESTS)
t_sim_analysis_t_SOURCES = %D%/analysis.c
t_sim_analysis_t_CPPFLAGS = $(SIM_CPPFLAGS)
t_sim_analysis_t_LDADD = $(SIM_LDADD)
t_sim_discovery_t_SOURCES = %D%/discovery.c
t_sim_discovery_t_CPPFLAGS = $(SIM_CPPFLAGS)
t_sim_discovery_t_LDADD = $(SIM_LDADD)
t_sim_schedule_t_SOURCES = %D%/schedule.c
t_sim_schedule_t_CPPFLAGS = $(SIM_CPPFLAGS)
t_sim_schedule_t_LDADD = $(SIM_LDADD)
t_sim_trouble_t_SOURCES = %D%/trouble.c
t_sim_trouble_t_CPPFLAGS = $(SIM_CPPFLAGS)
t_sim_trouble_t_LDADD = $(SIM_LDADD)
t_sim_identity_t_SOURCES = %D%/identity.c
t_sim_identity_t_CPPFLAGS = $(SIM_CPPFLAGS)
t_sim_identity_t_LDADD = $(SIM_LDADD)
t_sim_places_t_SOURCES = %D%/places.c
t_sim_places_t_CPPFLAGS = $(SIM_CPPFLAGS)
t_sim_places_t_LDADD = $(SIM_LDADD)
t_sim_campaign_t_SOURCES = %D%/campaign.c
t_sim_campaign_t_CPPFLAGS = $(SIM_CPPFLAGS)
t_sim_campaign_t_LDADD = $(SIM_LDADD)
t_sim_forget_t_SOURCES = %D%/forget.c
t_sim_forget_t_CPPFLAGS = $(SIM_CPPFLAGS)
t_sim_forget_t_LDADD = $(SIM_LDADD)
t_sim_names_t_SOURCES = %D%/names.c
t_sim_names_t_CPPFLAGS = $(SIM_CPPFLAGS)
t_sim_names_t_LDADD = $(SIM_LDADD)
t_sim_moves_t_SOURCES = %D%/moves.c
t_sim_moves_t_CPPFLAGS = $(SIM_CPPFLAGS)
t_sim_moves_t_LDADD = $(SIM_LDADD)
t_sim_restart_t_SOURCES = %D%/restart.c
t_sim_restart_t_CPPFLAGS = $(SIM_CPPFLAGS)
t_sim_restart_t_LDADD = $(SIM_LDADD)
t_sim_moved_t_SOURCES = %D%/moved.c
t_sim_moved_t_CPPFLAGS = $(SIM_CPPFLAGS)
t_sim_moved_t_LDADD = $(SIM_LDADD)
t_sim_queries_t_SOURCES = %D%/queries.c
t_sim_queries_t_CPPFLAGS = $(SIM_CPPFLAGS)
t_sim_queries_t_LDADD = $(SIM_LDADD)
t_sim_group_t_SOURCES = %D%/group.c
t_sim_group_t_CPPFLAGS = $(SIM_CPPFLAGS)
t_sim_group_t_LDADD = $(SIM_LDADD)
t_sim_storm_t_SOURCES = %D%/storm.c
t_sim_storm_t_CPPFLAGS = $(SIM_CPPFLAGS)
t_sim_storm_t_LDADD = $(SIM_LDADD)
t_sim_deaths_t_SOURCES = %D%/deaths.c
t_sim_deaths_t_CPPFLAGS = $(SIM_CPPFLAGS)
t_sim_deaths_t_LDADD = $(SIM_LDADD)
t_sim_on_file_t_SOURCES = %D%/on_file.c
t_sim_on_file_t_CPPFLAGS = $(SIM_CPPFLAGS)
t_sim_on_file_t_LDADD = $(SIM_LDADD)

# what is remembered
SIM_REMEMBER = %D%/remember.t
check_PROGRAMS += $(SIM_REMEMBER)
TESTS += $(SIM_REMEMBER)
t_sim_remember_t_SOURCES = %D%/remember.c
t_sim_remember_t_CPPFLAGS = $(AM_CPPFLAGS) $(SQLITE_CFLAGS) \
	-I$(top_srcdir)/t
t_sim_remember_t_LDADD = src/actors/libactors.a $(LIBS_RUNTIME) $(LIBS_STORE) \
	$(LIBS_PROBE) $(LIBS_CONFIG)
