# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# After a boot with nvunlock.freeze=no: an admin can work on the DIMMs, and freeze them then.
. /test/lib.sh

for nmem in nmem0 nmem1; do check "$nmem" unlocked "$(security $nmem)"; done
check "it says so" 2 "$(dmesg | grep -c 'nvunlock: nmem. is not frozen, because of nvunlock.freeze=no')"
check "keys left" none "$(keys_left)"
nvunlock freeze-security all
for nmem in nmem0 nmem1; do check "$nmem" "unlocked frozen" "$(security $nmem)"; done
finish
