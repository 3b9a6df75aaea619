# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# After boot, whose unlock failed, the admin approves what booted with the recovery key, and seals anew.
. /test/lib.sh

echo recovery-prompt=no >/etc/nvunlock/nvunlock.conf
nvunlock unlock
check "unlock" 5 $?
check "no key to approve with" none "$(keyctl list @u | grep -o 'nvunlock-update:.*' || echo none)"
nvunlock approve --now </persist/safe/recovery-key
check "approve" 0 $?
nvunlock reseal </persist/safe/recovery-key
check "reseal" 0 $?
check "one TPM slot, and the recovery slots" "tpm2 recovery-key escrow" \
  "$(nvunlock list-slots | tr -s ' ' | cut -d' ' -f2 | paste -s -d' ')"
nvunlock load-keys
check "the latch of the new slot is closed, too" 11 $?
rm /etc/nvunlock/nvunlock.conf
sync
cut_power
