# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# A kek is bound to what firmware, GRUB and command line measured.
. /test/lib.sh

nvunlock enroll --tpm2-pcrs=4+7+8 --no-recovery
check "enroll" 0 $?
finish
