# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# nmem0 is locked and nobody has loaded its key: the kernel tries zeros, up to the DIMM's limit.
. /test/lib.sh

load_nvdimm
check "locked by the power cut" locked "$(security nmem0)"
check "its data cannot be reached" no "$([ -b /dev/pmem0 ] && echo yes || echo no)"
check "the other DIMM" disabled "$(security nmem1)"
ndctl enable-dimm nmem0
check "two wrong passphrases" locked "$(security nmem0)"
ndctl enable-dimm nmem0
check "three wrong passphrases" "locked frozen" "$(security nmem0)"
ndctl load-keys
ndctl enable-dimm nmem0
check "the right one is too late" "locked frozen" "$(security nmem0)"
finish
