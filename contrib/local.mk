# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/quickstart %D%/run-tests %D%/install-packages \
	%D%/debian-packages %D%/debian-packages-test \
	%D%/orchestrator.service.in
dist_doc_DATA += %D%/orchestrator.conf.json

bashcompdir = $(datadir)/bash-completion/completions
dist_bashcomp_DATA = %D%/bash-completion/orchestrator-client

# Below the prefix, so that "make distcheck" and DESTDIR find it there.
unitdir = $(prefix)/lib/systemd/system
unit_DATA = contrib/orchestrator.service
CLEANFILES += $(unit_DATA)
contrib/orchestrator.service: contrib/orchestrator.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) contrib && sed -e 's|@bindir[@]|$(bindir)|' \
	    -e 's|@sysconfdir[@]|$(sysconfdir)|' \
	    $(srcdir)/contrib/orchestrator.service.in > $@
