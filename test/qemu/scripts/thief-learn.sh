# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# The first boot of an image that was built anew: the approval for one boot has let it through, and it is learnt.
. /test/lib.sh

check "nvunlock's exit code" '"exit_code":0,' "$(tr -d ' ' </run/nvunlock/status.json | grep exit_code)"
for nmem in nmem0 nmem1; do check "$nmem" "unlocked frozen" "$(security "$nmem")"; done
check "what there is to learn" user:nvdimm-master "$(cat /run/nvunlock/learn)"
nvunlock approve --learn >/tmp/said
check "learn" 0 $?
cat /tmp/said
check "no boot is approved by its number" 0 "$(grep -c '^approved: boot' /tmp/said)"
nvunlock verify
check "verify" 0 $?
sync
cut_power
