# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# The root of a dracut boot: what the initramfs' udev has done by now.
. /test/lib.sh

check "this is the disk" /dev/vdc "$(awk '$2 == "/" { print $1 }' /proc/mounts)"
check "nfit is loaded" yes "$(grep -q '^nfit ' /proc/modules && echo yes || echo no)"
check "the foreign DIMM" locked "$(security nmem1)"
check "the initramfs' init" "$FLAVOUR" "$([ -d /run/systemd/system ] && echo systemd || echo plain)"
uptime=$(cut -d' ' -f1 /proc/uptime)
echo "root's init after $uptime s"
finish
