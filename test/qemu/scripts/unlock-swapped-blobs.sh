# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# The blobs of the two DIMMs under each other's names. With RECORD=kept neither is sent; then nmem0
# gets its own from the record beside an unknown one, and nmem1 its own beside a record that was
# edited. With RECORD=gone, the control, each DIMM counts a wrong passphrase.
. /test/lib.sh

lines=/tmp/keys/enrolled-dimms
blob0=/tmp/keys/nvdimm_8680-56341200_bed.blob
blob1=/tmp/keys/nvdimm_8680-57341200_bed.blob
cp -a /etc/ndctl/keys /tmp/keys

unlock() { # CODE NMEM0 NMEM1
  bring_kek
  nvunlock unlock --keys-dir=/tmp/keys >/tmp/said 2>&1
  check "exit code" "$1" $?
  cat /tmp/said
  check "nmem0" "$2" "$(security nmem0)"
  check "nmem1" "$3" "$(security nmem1)"
}

said() { # MESSAGE
  grep -qF -- "$1" /tmp/said
  check "it says '$1'" 0 $?
}

mv $blob0 /tmp/blob0
mv $blob1 $blob0
mv /tmp/blob0 $blob1
[ "$RECORD" = kept ] || rm $lines
if [ "$RECORD" = gone ]; then
  unlock 9 locked locked
  said "it refused the passphrase of its blob"
  said "is unknown"
  finish
fi
unlock 8 locked locked
said "nvdimm_8680-56341200_bed.blob: it is the blob of DIMM 8680-57341200"
said "nvdimm_8680-57341200_bed.blob: it is the blob of DIMM 8680-56341200"

cp /etc/ndctl/keys/nvdimm_8680-56341200_bed.blob /tmp/keys/nvdimm_8680-56341200_elsewhere.blob
cp /persist/outdated.blob $blob0
unlock 8 "unlocked frozen" locked
said "using nvdimm_8680-56341200_elsewhere.blob"

# Each line names the other DIMM now, and no MAC holds.
sed -i 's/8680-56/8680-XX/; s/8680-57/8680-56/; s/8680-XX/8680-57/' $lines
cp /etc/ndctl/keys/nvdimm_8680-57341200_bed.blob $blob1
rm $blob0
unlock 0 "unlocked frozen" "unlocked frozen"
said "2 lines are damaged"
said "nvdimm_8680-57341200_bed.blob is unknown"
finish
