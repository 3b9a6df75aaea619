# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# The TPM does not open; somebody types a recovery key at the console.
. /test/lib.sh

nvunlock unlock
check "unlock by recovery key" 0 $?
for nmem in nmem0 nmem1; do check "$nmem" "unlocked frozen" "$(security $nmem)"; done
check "no key" "keyring is empty" "$(keyctl list @u)"
finish
