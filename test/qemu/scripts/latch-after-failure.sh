# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# unlock fails because the blobs are gone; what of the latch then?
. /test/lib.sh

mkdir /tmp/keys
cp -a /etc/ndctl/keys/*.pem /etc/ndctl/keys/enrolled-dimms /tmp/keys
nvunlock load-keys
check "control: an unseal before" 0 $?
keyctl clear @u
nvunlock unlock --keys-dir=/tmp/keys
check "unlock" 8 $?
nvunlock load-keys
check "an unseal afterwards" 11 $?
finish
