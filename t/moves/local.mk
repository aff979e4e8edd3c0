# SPDX-License-Identifier: Apache-2.0
# Operations carried out on model servers: src/plan without actors.
check_LIBRARIES += t/moves/libfield.a
MOVES_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/t $(CK_CFLAGS) \
	$(MSGPACK_CFLAGS) $(PCRE2_CFLAGS) $(JANSSON_CFLAGS)
t_moves_libfield_a_CPPFLAGS = $(MOVES_CPPFLAGS)
t_moves_libfield_a_SOURCES = %D%/check.c %D%/check.h %D%/field.c %D%/field.h
MOVES_LDADD = t/moves/libfield.a t/model/libmodel.a $(LIBS_PLAN) \
	$(LIBS_TOPOLOGY) $(MSGPACK_LIBS)

MOVES_TESTS = %D%/campaign.t %D%/every.t %D%/refused.t %D%/stories.t
check_PROGRAMS += $(MOVES_TESTS)
TESTS += $(MOVES_TESTS)
t_moves_campaign_t_SOURCES = %D%/campaign.c
t_moves_campaign_t_CPPFLAGS = $(MOVES_CPPFLAGS)
t_moves_campaign_t_LDADD = $(MOVES_LDADD)
t_moves_every_t_SOURCES = %D%/every.c
t_moves_every_t_CPPFLAGS = $(MOVES_CPPFLAGS)
t_moves_every_t_LDADD = $(MOVES_LDADD)
t_moves_refused_t_SOURCES = %D%/refused.c
t_moves_refused_t_CPPFLAGS = $(MOVES_CPPFLAGS)
t_moves_refused_t_LDADD = $(MOVES_LDADD)
t_moves_stories_t_SOURCES = %D%/stories.c
t_moves_stories_t_CPPFLAGS = $(MOVES_CPPFLAGS)
t_moves_stories_t_LDADD = $(MOVES_LDADD)
