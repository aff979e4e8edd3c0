# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/tap.h
include t/unit/local.mk
