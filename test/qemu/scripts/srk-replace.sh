# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# The attacker owns the TPM: a key whose private part they have takes the place of the storage root
# key, and will get to see what is sealed under it. Nobody can enroll with it.
. /test/lib.sh

srk=0x81000001
cd /tmp || exit 1
tpm2_import -Q -C $srk -G ecc256:null:aes128cfb -i /test/software-key.pem -u public -r private \
  -a "restricted|decrypt|userwithauth|noda"
tpm2_load -Q -C $srk -u public -r private -c context
tpm2_evictcontrol -Q -C o -c $srk
tpm2_evictcontrol -Q -C o -c context $srk
check "the key is in place" 0 $?
echo secret | tpm2_create -Q -C $srk -i - -u sealed-public -r sealed-private \
  -a "fixedparent|userwithauth"
check "control: other software seals under it" 0 $?

nvunlock enroll --keys-dir=/tmp/keys --tpm2-pcrs=1 --weak-policy --no-recovery 2>said
check "enroll" 4 $?
cat said
grep -q 'not the storage root key.*may have been imported by somebody who knows it' said
check "it says why" 0 $?
check "no key file" "" "$(ls /tmp/keys 2>/dev/null)"
finish
