# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# unlock fails because the blobs are gone; what of the latch then?
. /test/lib.sh

mkdir /tmp/keys
cp -a /etc/ndctl/keys/*.pem /etc/ndctl/keys/enrolled-dimms /tmp/keys
nvunlock unlock --keys-dir=/tmp/keys
check "unlock" 8 $?
nvunlock load-keys
check "an unseal afterwards" "$([ "$RESULT" = closed ] && echo 11 || echo 0)" $?
finish
