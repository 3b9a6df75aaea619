# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# The control: without nvunlock, with autoprobing on and no key, the kernel sends zeros.
. /test/lib.sh

load_nvdimm
check "nmem0" locked "$(security nmem0)"
check "nmem1" locked "$(security nmem1)"
finish
