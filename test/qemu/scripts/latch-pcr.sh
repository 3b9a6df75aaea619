# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# Root of the booted system, who has everything that the initramfs had, tries to unseal as well.
. /test/lib.sh

nvunlock unlock
check "unlock" 0 $?
for nmem in nmem0 nmem1; do check "$nmem" "unlocked frozen" "$(security $nmem)"; done
nvunlock load-keys
check "a second unseal" 5 $?
check "no key" "keyring is empty" "$(keyctl list @u)"
finish
