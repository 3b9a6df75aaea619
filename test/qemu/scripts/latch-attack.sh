# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# Root of the booted system, who has everything that the initramfs had, tries to unseal as well.
. /test/lib.sh

nvunlock unlock
check "unlock" 0 $?
for nmem in nmem0 nmem1; do check "$nmem" "unlocked frozen" "$(security $nmem)"; done
check "no key" "keyring is empty" "$(keyctl list @u)"
nvunlock load-keys
check "a second unseal" "$CODE" $?
kek=$(keyctl search @u user nvdimm-master 2>/dev/null)
check "the kek is out" "$([ "$CODE" = 0 ] && echo yes || echo no)" \
  "$([ -n "$kek" ] && echo yes || echo no)"
finish
