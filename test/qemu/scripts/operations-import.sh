# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# nmem1 has a passphrase that its BIOS has set: "BIOS secret" and zeros. It is taken over, locked and
# then unlocked, and opens in the next boot by what was made of it. nmem0 has another that nobody
# knows; what it refuses nmem1 is not asked for.
. /test/lib.sh

keys=/etc/ndctl/keys

import() { # PASSPHRASE [all]
  printf '%s\n' "$1" | nvunlock setup-passphrase --import-passphrase "${2:-nmem1}" --no-image >/tmp/import 2>&1
  _status=$?
  [ -z "$1" ] || check "'$1' is not shown" 0 "$(grep -c "$1" /tmp/import)"
  return $_status
}

if [ ! -e $keys/nvdimm-master.pem ]; then
  nvunlock enroll --tpm2-pcrs=1 --weak-policy --recovery-key >/tmp/enroll
  nvunlock unlock
  check "no key yet" 9 $?
  grep -E '^ +[a-z-]{71}$' /tmp/enroll | tr -d ' ' | nvunlock load-keys --recovery
  check "the latch is closed; the recovery key loads the kek" 0 $?
  import "BIOS sekret" all
  check "a wrong one" 19 $?
  check "the second DIMM is not asked" 1 "$(grep -c "not tried" /tmp/import)"
  check "leaves no blob" 0 "$(find $keys -name 'nvdimm*_*' | wc -l)"
  check "and no key" 0 "$(keyctl show @u | grep -c nvdimm:)"
  import ""
  check "an empty one" 1 $?
  import "123456789012345678901234567890123"
  check "one of 33 characters" 2 $?
  check "still locked" locked "$(security nmem1)"
  import "BIOS secret"
  check "the right one" 0 $?
  check "unlocks" unlocked "$(security nmem1)"
  import "BIOS secret"
  check "not twice" 1 $?
  rm $keys/nvdimm_*.blob
  keyctl unlink "$(keyctl search @u encrypted "nvdimm:$(dimm_id nmem1)")" @u
  import "BIOS secret"
  check "while it is unlocked" 0 $?
  check "enrolled" 1 "$(grep -c "^nvdimm:$(dimm_id nmem1) " $keys/enrolled-dimms)"
  cut_power
fi

nvunlock unlock
check "the next boot, of nmem0" 9 $?
check "nmem1" "unlocked frozen" "$(security nmem1)"
finish
