# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# In the root that an initramfs has switched to after its unlock was killed. Nothing of nvunlock has
# run in this root.
. /test/lib.sh

echo "killed at: $(tail -n 1 /run/killed-at)"
check "unlock left a report" no "$([ -e /run/nvunlock/status.json ] && echo yes || echo no)"
check "keys left" 0 "$(grep -c 'nvdimm[:-]' /proc/keys)"
check "the guard holds" 1 "$(grep -c '^install nfit' /run/modprobe.d/00-nvunlock.conf)"
nvunlock load-keys
check "load-keys: the latch is closed" 11 $?
finish
