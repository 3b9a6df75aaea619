# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# A kek is bound to what the firmware measured.
. /test/lib.sh

nvunlock enroll --tpm2-pcrs=1+4+7 --weak-policy --next-boot=0 --no-recovery
check "enroll" 0 $?
finish
