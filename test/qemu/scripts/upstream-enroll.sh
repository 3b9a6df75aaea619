# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# A machine is enrolled before it has a passphrase. Its kek goes to /persist/safe.
. /test/lib.sh

keys=/etc/ndctl/keys
mkdir /persist/safe
head -c 32 /dev/urandom >$keys/nvdimm-master.blob
nvunlock enroll --import --tpm2-pcrs=1 --weak-policy --no-recovery
check "enroll" 0 $?
mv $keys/nvdimm-master.blob /persist/safe/kek
finish
