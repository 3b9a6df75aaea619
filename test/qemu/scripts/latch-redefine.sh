# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# The attacker owns the TPM: the index of the latch is removed and defined again just as it was. The
# bytes in it are no secret, but nobody can write them.
. /test/lib.sh

index=0x01804e56
export TPM2TOOLS_TCTI=device:/dev/tpmrm0
tpm2_nvreadpublic $index >/tmp/public
sed -n 's/.*authorization policy: *//p' /tmp/public | head -n 1 | xxd -r -p >/tmp/policy
check "the policy that allows a write" 32 "$(wc -c </tmp/policy)"
nvunlock unlock
check "unlock" 0 $?
tpm2_nvundefine -C o $index
check "the owner removes the index" 0 $?
nvunlock load-keys
check "without the index" 16 $?
tpm2_nvdefine -C o -s 8 -L /tmp/policy -a "authread|policywrite|read_stclear|no_da" $index
check "the owner defines it again" 0 $?
nvunlock load-keys
check "with an index that was not written" 16 $?
for authority in o $index; do
  check "the owner cannot write it ($authority)" no \
    "$(head -c 8 /dev/zero | tpm2_nvwrite -C "$authority" -i - $index && echo yes || echo no)"
done
finish
