# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# The foreign key is removed. Enrollment works again, and makes the storage root key as it was: what
# was sealed under it opens.
. /test/lib.sh

tpm2_evictcontrol -Q -C o -c 0x81000001
nvunlock enroll --keys-dir=/tmp/keys --tpm2-pcrs=1 --weak-policy --no-recovery
check "enroll" 0 $?
keyctl clear @u
nvunlock unlock
check "unlock" 0 $?
for nmem in nmem0 nmem1; do check "$nmem" "unlocked frozen" "$(security $nmem)"; done
finish
