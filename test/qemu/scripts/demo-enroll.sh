# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
. /test/lib.sh
. /test/demo-lib.sh

keys=/etc/ndctl/keys
head -c 32 /dev/urandom >$keys/nvdimm-master.blob
keyctl padd user nvdimm-master @u <$keys/nvdimm-master.blob >/dev/null
wait_for 5 test -b /dev/pmem0
mke2fs -q -t ext4 -b 4096 /dev/pmem0
mount /dev/pmem0 /pmem
head -c 3000000 /dev/urandom >/pmem/file
sha256sum </pmem/file >/persist/file.sha256
show "sha256sum /pmem/file" "$(cut -c1-64 /persist/file.sha256)"
umount /pmem
ndctl disable-region all 2>/dev/null
shown ndctl setup-passphrase all -k user:nvdimm-master
shown nvunlock list
shown nvunlock enroll --import --recovery-key
mv $keys/nvdimm-master.blob /persist/ # "a safe place", for once on the same machine
for nmem in nmem0 nmem1; do check $nmem unlocked "$(security $nmem)"; done
sync
cut_power
