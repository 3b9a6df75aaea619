# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# In the root of a boot with a foreign storage root key, which has kept the TPM from opening. Now
# that key is removed and the real one made anew; but the latch is closed.
. /test/lib.sh

check "nvunlock's exit code" '"exit_code":4,' "$(tr -d ' ' </run/nvunlock/status.json | grep exit_code)"
for nmem in nmem0 nmem1; do check "$nmem" locked "$(security $nmem)"; done
check "no key" none "$(keys_left)"

tpm2_evictcontrol -Q -C o -c 0x81000001
nvunlock enroll --keys-dir=/tmp/keys --tpm2-pcrs=1 --weak-policy --no-recovery
check "enroll makes the real one" 0 $?
keyctl clear @u
nvunlock load-keys
check "an unseal" 11 $?
check "no kek" none "$(keys_left)"
finish
