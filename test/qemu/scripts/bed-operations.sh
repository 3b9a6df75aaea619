# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# Everything else that stock ndctl can do to a DIMM.
. /test/lib.sh

write_data() {
  ndctl enable-region region0
  wait_for 5 test -b /dev/pmem0
  dd if=/usr/bin/ndctl of=/dev/pmem0 bs=4096 count=1 oflag=direct 2>/dev/null
  ndctl disable-region region0
}

media() { # empty, or not
  ndctl enable-region region0
  wait_for 5 test -b /dev/pmem0
  head -c 4096 /dev/pmem0 | tr -d '\0' | wc -c | sed 's/^0$/empty/'
  ndctl disable-region region0
}

forget_keys() {
  keyctl clear @u
  rm -f /etc/ndctl/keys/nvdimm*_*.blob
  keyctl padd user nvdimm-master @u </tmp/kek
}

head -c 32 /dev/urandom >/tmp/kek
forget_keys
load_nvdimm
ndctl disable-region region0

ndctl setup-passphrase nmem0 -k user:nvdimm-master
ndctl update-passphrase nmem0
check "updated" unlocked "$(security nmem0)"
ndctl remove-passphrase nmem0
check "removed" disabled "$(security nmem0)"

ndctl setup-passphrase nmem0 -k user:nvdimm-master
write_data
check "data" 4 "$(media | wc -c)"
ndctl sanitize-dimm --crypto-erase nmem0
check "erased" "disabled empty" "$(security nmem0) $(media 2>/dev/null)"

forget_keys
ndctl setup-passphrase nmem0 -k user:nvdimm-master
write_data
ndctl sanitize-dimm --overwrite nmem0
ndctl wait-overwrite nmem0
check "overwritten" "disabled empty" "$(security nmem0) $(media 2>/dev/null)"

forget_keys
ndctl setup-passphrase nmem0 -m -k user:nvdimm-master
ndctl setup-passphrase nmem0 -k user:nvdimm-master
write_data
ndctl sanitize-dimm --crypto-erase -m nmem0
check "erased by the master" "disabled empty" "$(security nmem0) $(media 2>/dev/null)"

ndctl disable-region region1
ndctl disable-dimm nmem1
ndctl init-labels nmem1
check "labels" "" "$(ndctl check-labels nmem1 2>&1 | grep -v '^successfully verified 1 nmem')"
finish
