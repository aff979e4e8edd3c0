# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/key.h %D%/instance.def %D%/instance.h %D%/cluster.h
