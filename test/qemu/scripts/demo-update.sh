# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
. /test/lib.sh
. /test/demo-lib.sh

for nmem in nmem0 nmem1; do check $nmem "unlocked frozen" "$(security $nmem)"; done
check "nothing is left to learn" no "$([ -e /run/nvunlock/learn ] && echo yes || echo no)"
show "dmesg" "$(dmesg | grep -E 'nvunlock:')"
shown nvunlock approve --after-update
sync
cut_power
