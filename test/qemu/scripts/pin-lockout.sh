# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# The TPM is in dictionary attack lockout, and somebody has the recovery key.
. /test/lib.sh

nvunlock unlock 2>/tmp/said
check "unlock by recovery key" 0 $?
cat /tmp/said
for words in "the TPM is in dictionary attack lockout" "allows a try more after [0-9]* seconds"; do
  grep -q "$words" /tmp/said
  check "it says '$words'" 0 $?
done
for nmem in nmem0 nmem1; do check "$nmem" "unlocked frozen" "$(security $nmem)"; done
finish
