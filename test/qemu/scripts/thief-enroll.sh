# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# A machine with GRUB is enrolled as the quick start says; and once more, with keys in /persist/old, under the PCRs
# that leave the initramfs out.
. /test/lib.sh

keys=/etc/ndctl/keys
head -c 32 /dev/urandom >$keys/nvdimm-master.blob
keyctl padd user nvdimm-master @u <$keys/nvdimm-master.blob
ndctl disable-region all
ndctl setup-passphrase all -k user:nvdimm-master
cp -a $keys /persist/old
nvunlock enroll --import --recovery-key >/tmp/said
check "enroll" 0 $?
cat /tmp/said
check "the PCRs that were chosen, and the next boot" 2 \
  "$(grep -cE '^approved: (PCR 4\+7\+8\+9:sha256|boot [0-9]+, PCR 7:sha256)' /tmp/said)"
nvunlock enroll --import --keys-dir=/persist/old --tpm2-pcrs=7+8 --no-recovery >/dev/null 2>/tmp/said
check "PCRs that leave the initramfs out are refused" 1 $?
nvunlock enroll --import --keys-dir=/persist/old --tpm2-pcrs=7+8 --weak-policy --no-recovery
check "unless that is wanted" 0 $?
sha256sum <$keys/nvdimm-master.blob >/persist/kek.sha256
rm $keys/nvdimm-master.blob /persist/old/nvdimm-master.blob
sync
cut_power
