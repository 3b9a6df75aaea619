# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# Somebody types a recovery key at the console; the booted system learns what booted.
. /test/lib.sh

nvunlock unlock
check "unlock by recovery key" 0 $?
check "what there is to learn" user:nvdimm-master "$(cat /run/nvunlock/learn)"
check "no key" none "$(keys_left)"
nvunlock approve --learn
check "learn" 0 $?
check "what is left to learn" no "$([ -e /run/nvunlock/learn ] && echo yes || echo no)"
nvunlock load-keys
check "the latch is closed" 11 $?
sync
cut_power
