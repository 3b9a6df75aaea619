# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# The next boot, in which a TPM has been found: the drivers have come before the keys, and nmem1's blob is an
# outdated one.
. /test/lib.sh
# shellcheck source=operations-lib.sh
. /test/operations.sh

touch /tmp/typed
load_nvdimm
blob=$keys/nvdimm_$(dimm_id nmem1)_bed.blob
is locked nmem0
fails nvunlock update-passphrase nmem0
follow "nvunlock load-keys"
follow "nvunlock enable-dimm nmem0"
is unlocked nmem0
does "passphrase updated for 1 nmem" nvunlock update-passphrase nmem0 --no-image

keyctl clear @u
mv "$blob" /tmp/current.blob
cp /persist/outdated.blob "$blob"
does "2 nvdimm keys loaded" nvunlock load-keys
fails nvunlock enable-dimm nmem1
says "it refused the passphrase"
says "put the blob of the machine that locked it into the keys directory"
mv /tmp/current.blob "$blob"
fails nvunlock load-keys
follow "keyctl unlink %encrypted:nvdimm:$(dimm_id nmem1) @u"
does "2 nvdimm keys loaded" nvunlock load-keys
does "enabled 1 nmem" nvunlock enable-dimm nmem1

keyctl clear @u
does "2 nvdimm keys loaded" nvunlock load-keys
follow "nvunlock enroll --import" --tpm2-pcrs=1 --weak-policy --recovery-key
grep -E '^ +[a-z-]{71}$' /tmp/followed | tr -d ' ' >/persist/recovery-key
[ -s /persist/recovery-key ]
check "a recovery key" 0 $?
rm $keys/nvdimm-master.blob
sync
[ "$failures" = 0 ] || finish
cut_power
