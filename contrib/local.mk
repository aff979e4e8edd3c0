# SPDX-License-Identifier: Apache-2.0
bashcompdir = $(datadir)/bash-completion/completions
dist_bashcomp_DATA = %D%/bash-completion/orchestrator-client
dist_doc_DATA += %D%/orchestrator.conf.json
