# SPDX-License-Identifier: Apache-2.0
dist_bin_SCRIPTS += %D%/orchestrator-client
