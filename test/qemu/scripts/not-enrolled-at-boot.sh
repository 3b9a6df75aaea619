# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# After an image in which nvunlock is not enrolled: as if it were not there.
. /test/lib.sh

check "udev has loaded nfit" 1 "$(grep -c '^nfit ' /proc/modules)"
check "nvunlock has said nothing" 0 "$(dmesg | grep -c nvunlock:)"
check "no status" no "$([ -e /run/nvunlock/status.json ] && echo yes || echo no)"
check "the PCRs are recorded" 1 "$(grep -c '"in_initramfs": true' /run/nvunlock/pcrs.json)"
finish
