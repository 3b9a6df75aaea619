# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# After boot, whose unlock failed, the admin seals anew with the recovery key.
. /test/lib.sh

echo recovery-prompt=no >/etc/nvunlock/nvunlock.conf
nvunlock unlock
check "unlock" 5 $?
nvunlock reseal --weak-policy </persist/safe/recovery-key
check "reseal" 0 $?
check "one TPM slot, and the recovery slots" "tpm2 recovery-key escrow" \
  "$(nvunlock list-slots | tr -s ' ' | cut -d' ' -f2 | paste -s -d' ')"
rm /etc/nvunlock/nvunlock.conf
sync
cut_power
