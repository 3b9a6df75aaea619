# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# nmem0 is unlocked and frozen, then the machine is reset. WANTED: what it is then.
. /test/lib.sh

if [ ! -e /persist/reset ]; then
  ndctl load-keys
  load_nvdimm
  ndctl freeze-security nmem0
  check "before the reset" "unlocked frozen" "$(security nmem0)"
  touch /persist/reset
  sync
  reboot -f
fi
rm /persist/reset
modprobe libnvdimm
echo 0 >/sys/bus/nd/drivers_autoprobe
modprobe nfit
check "after the reset" "$WANTED" "$(security nmem0)"
finish
