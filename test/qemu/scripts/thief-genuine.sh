# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# A boot of what was learnt.
. /test/lib.sh

check "nvunlock's exit code" '"exit_code":0,' "$(tr -d ' ' </run/nvunlock/status.json | grep exit_code)"
for nmem in nmem0 nmem1; do check "$nmem" "unlocked frozen" "$(security "$nmem")"; done
check "nothing is left to learn" no "$([ -e /run/nvunlock/learn ] && echo yes || echo no)"
sync
cut_power
