# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# In a root file system without nvunlock, after an initramfs in which no DIMM was brought up: the guard
# of the initramfs still holds. CONTROL: it is taken away before.
. /test/lib.sh

guard=/run/modprobe.d/00-nvunlock.conf
check "nfit is not loaded" 0 "$(grep -c '^nfit ' /proc/modules)"
[ -z "$CONTROL" ] || rm $guard
modprobe nfit 2>/dev/null
check "modprobe loads it" "${CONTROL:-no}" "$(grep -q '^nfit ' /proc/modules && echo yes || echo no)"
[ -z "$CODE" ] || check "nvunlock's exit code" "\"exit_code\":$CODE," \
  "$(tr -d ' ' </run/nvunlock/status.json | grep exit_code)"
finish
