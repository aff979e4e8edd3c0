# SPDX-License-Identifier: Apache-2.0
dist_man_MANS += %D%/orchestrator.1 %D%/orchestrator-client.1
dist_doc_DATA += %D%/design.md %D%/differences.md
dist_doc_DATA += %D%/analysis.md
dist_doc_DATA += %D%/configuration.md
dist_doc_DATA += %D%/install.md
dist_doc_DATA += %D%/fleet.md
dist_doc_DATA += %D%/store.md
dist_doc_DATA += %D%/raft.md
dist_doc_DATA += %D%/runtime.md
dist_doc_DATA += %D%/probing.md
dist_doc_DATA += %D%/operations.md
dist_doc_DATA += %D%/pseudo-gtid.md
dist_doc_DATA += %D%/refactoring.md
dist_doc_DATA += %D%/contributing.md
