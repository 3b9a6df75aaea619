# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# Stock ndctl gives each of the first OURS DIMMs a passphrase, nvunlock enrolls the kek, and a file
# is left on /dev/pmem0; then the power is cut. The kek in clear goes to /persist/safe,
# and so does the recovery key, where RECOVERY asks for one. PIN: to be asked for at each unlock.
. /test/lib.sh

keys=/etc/ndctl/keys
head -c 32 /dev/urandom >$keys/nvdimm-master.blob
keyctl padd user nvdimm-master @u <$keys/nvdimm-master.blob
load_nvdimm
ndctl disable-region all
ours=$(nmems | head -n "${OURS:-2}")
# shellcheck disable=SC2086  # several names
ndctl setup-passphrase $ours -k user:nvdimm-master
cp $keys/nvdimm_8680-56341200_bed.blob /persist/outdated.blob
ndctl update-passphrase nmem0
ndctl enable-region all
pmem=$(pmem_of nmem0)
wait_for 5 test -b "$pmem"
head -c 1000000 /dev/urandom >/tmp/data
dd if=/tmp/data of="$pmem" bs=4096 conv=fsync 2>/dev/null
sha256sum </tmp/data >/persist/data.sha256

mkdir -p /persist/safe
# shellcheck disable=SC2086  # several options
printf '%s\n' "$PIN" "$PIN" | nvunlock enroll --import --tpm2-pcrs=1 --weak-policy \
  --next-boot=0 ${RECOVERY:---no-recovery} ${PIN:+--tpm2-with-pin} >/tmp/enroll
check "enroll" 0 $?
grep -E '^    [a-z-]{71}$' /tmp/enroll | tr -d ' ' >/persist/safe/recovery-key
mv $keys/nvdimm-master.blob /persist/safe/
for nmem in $ours; do check "$nmem" unlocked "$(security "$nmem")"; done
sync
# Or the TPM would count the power cut as one more wrong PIN.
[ -z "$PIN" ] || tpm2_shutdown -c
cut_power
