# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# In the root that a systemd image has switched to, which stopped systemd-pcrphase-initrd.service: so
# PCR 11 is in a phase that is not signed. nvunlock has kept the image's signature.
. /test/lib.sh

check "nvunlock's exit code" '"exit_code":0,' \
  "$(tr -d ' ' </run/nvunlock/status.json | grep exit_code)"
for nmem in nmem0 nmem1; do check "$nmem" "unlocked frozen" "$(security $nmem)"; done
check "no key" none "$(keys_left)"
check "the record is of the initramfs" 1 "$(grep -c '"in_initramfs": true' /run/nvunlock/pcrs.json)"
check "the image's signature" 1 "$(grep -c '"sig"' /run/nvunlock/tpm2-pcr-signature.json)"
nvunlock load-keys --keys-dir=/persist/open
check "a second unseal, not latched" 13 $?
finish
