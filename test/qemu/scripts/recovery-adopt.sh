# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# Somebody types a recovery key at the console, and "yes" to sealing anew.
. /test/lib.sh

nvunlock unlock
check "unlock by recovery key" 0 $?
check "the latch is closed" 5 "$(
  nvunlock load-keys >/dev/null 2>&1
  echo $?
)"
nvunlock adopt
check "adopt" 0 $?
check "the latch is closed" 11 "$(
  nvunlock load-keys >/dev/null 2>&1
  echo $?
)"
sync
cut_power
