# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# Stock ndctl locks nmem0 and data is put on it; then the power is cut.
. /test/lib.sh

keys=/etc/ndctl/keys
head -c 32 /dev/urandom >$keys/nvdimm-master.blob
keyctl padd user nvdimm-master @u <$keys/nvdimm-master.blob
load_nvdimm
check "a new DIMM has no lock" disabled "$(security nmem0)"
ndctl create-namespace -f -e namespace0.0 -m fsdax
ndctl disable-region region0
ndctl setup-passphrase nmem0 -k user:nvdimm-master
check "with a passphrase" unlocked "$(security nmem0)"
check "the other DIMM" disabled "$(security nmem1)"

ndctl enable-region region0
wait_for 5 test -b /dev/pmem0
mke2fs -q -t ext4 -b 4096 /dev/pmem0
mount -o dax /dev/pmem0 /pmem
echo "from the first session" >/pmem/hello
umount /pmem
sync
cut_power
