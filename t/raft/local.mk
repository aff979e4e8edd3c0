# SPDX-License-Identifier: Apache-2.0
RAFT_TESTS = %D%/campaign.t %D%/mutants.t %D%/stories.t %D%/wire.t
check_PROGRAMS += $(RAFT_TESTS)
TESTS += $(RAFT_TESTS)
RAFT_TEST_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/t
RAFT_GROUP = %D%/group.c %D%/group.h %D%/nemesis.c %D%/nemesis.h
RAFT_STORIES = %D%/story.c %D%/story.h %D%/story_node.c
LIBS_RAFT_MUTANTS = src/raft/libraft_mutants.a src/base/libbase.a \
	$(MSGPACK_LIBS)

t_raft_campaign_t_SOURCES = %D%/campaign.c $(RAFT_GROUP)
t_raft_campaign_t_CPPFLAGS = $(RAFT_TEST_CPPFLAGS)
t_raft_campaign_t_LDADD = $(LIBS_RAFT)
t_raft_mutants_t_SOURCES = %D%/mutants.c $(RAFT_GROUP) $(RAFT_STORIES)
t_raft_mutants_t_CPPFLAGS = $(RAFT_TEST_CPPFLAGS) -DRAFT_MUTANTS
t_raft_mutants_t_LDADD = $(LIBS_RAFT_MUTANTS)
t_raft_stories_t_SOURCES = %D%/stories.c $(RAFT_GROUP) $(RAFT_STORIES)
t_raft_stories_t_CPPFLAGS = $(RAFT_TEST_CPPFLAGS)
t_raft_stories_t_LDADD = $(LIBS_RAFT)
t_raft_wire_t_SOURCES = %D%/wire.c
t_raft_wire_t_CPPFLAGS = $(RAFT_TEST_CPPFLAGS)
t_raft_wire_t_LDADD = $(LIBS_RAFT)
