# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# The kek comes from nvunlock, and stock ndctl does the rest: it loads the blobs, the kernel unlocks,
# ndctl freezes. Then the two swap parts.
. /test/lib.sh

nvunlock load-keys
check "nvunlock load-keys" 0 $?
for id in 8680-56341200 8680-57341200; do
  keyctl unlink "$(keyctl search @u encrypted nvdimm:$id)" @u
done
check "ndctl loads the blobs" "2 nvdimm keys loaded" "$(ndctl load-keys | tail -n 1)"
load_nvdimm
for nmem in nmem0 nmem1; do check "$nmem" unlocked "$(security "$nmem")"; done

ndctl disable-region all
ndctl update-passphrase nmem0
check "ndctl update-passphrase" 0 $?
keyctl clear @u
nvunlock load-keys
check "nvunlock loads what ndctl has changed" 0 $?
check "it is the same as the blob" "$(cat /etc/ndctl/keys/nvdimm_8680-56341200_bed.blob)" \
  "$(keyctl pipe "$(keyctl search @u encrypted nvdimm:8680-56341200)")"

ndctl freeze-security nmem0
nvunlock freeze-security nmem1
for nmem in nmem0 nmem1; do check "$nmem" "unlocked frozen" "$(security "$nmem")"; done
check "both list two frozen DIMMs" "2 2" \
  "$(nvunlock list | grep -c frozen) $(ndctl list -D | grep -c '"security_frozen":true')"
cut_power
