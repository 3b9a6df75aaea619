# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# What ndctl's own test of security shows of ndctl, shown of nvunlock.
. /test/lib.sh
# shellcheck source=operations-lib.sh
. /test/operations.sh

# lock_nmem0: as a power cycle does, in the memory of the DIMM's firmware (see firmware/layout.h). The
# kernel looks at it anew when nfit is loaded, and is not let to probe it.
lock_nmem0() {
  ndctl disable-region all
  ndctl disable-dimm all
  rmmod nd_pmem nfit
  _state=$(sed -n '3s/ .*//p' /sys/bus/pci/devices/0000:00:10.0/resource)
  busybox devmem $((_state + 0x1000)) 8 0x06
  echo 0 >/sys/bus/nd/drivers_autoprobe
  modprobe nfit
  echo ndbus0 >/sys/bus/nd/drivers_probe
  echo 1 >/sys/bus/nd/drivers_autoprobe
}

setup() {
  does "passphrase enabled for 1 nmem" nvunlock setup-passphrase nmem0 -k user:nvdimm-master
  is unlocked nmem0
}

remove() {
  does "passphrase removed for 1 nmem" nvunlock remove-passphrase nmem0
  is disabled nmem0
}

new_kek
load_nvdimm
ndctl disable-region all

echo "1: setup, remove"
setup
remove
echo "2: setup, update, remove"
setup
does "passphrase updated for 1 nmem" nvunlock update-passphrase nmem0
is unlocked nmem0
remove
echo "3: setup, erase"
setup
does "sanitized 1 nmem" nvunlock sanitize-dimm --crypto-erase nmem0
is disabled nmem0
echo "4: setup, lock, unlock, remove"
setup
does "disabled 1 nmem" nvunlock disable-dimm nmem0
lock_nmem0
is locked nmem0
does "enabled 1 nmem" nvunlock enable-dimm nmem0
is unlocked nmem0
ndctl disable-region all
remove
echo "5: setup, freeze, and nothing more is possible"
setup
does "security froze 1 nmem" nvunlock freeze-security nmem0
is "unlocked frozen" nmem0
fails nvunlock remove-passphrase nmem0
is "unlocked frozen" nmem0
echo "6: the keys come back"
keyctl clear @u
load_kek
does "1 nvdimm keys loaded" nvunlock load-keys
check "the kek" 1 "$(keyctl list @u | grep -c 'user: nvdimm-master$')"
check "the key" 1 "$(keyctl list @u | grep -c "encrypted: nvdimm:$(dimm_id nmem0)$")"
finish
