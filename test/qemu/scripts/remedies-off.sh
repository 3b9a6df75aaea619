# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# Booted with nvunlock=off.
. /test/lib.sh
# shellcheck source=operations-lib.sh
. /test/operations.sh

cp /persist/recovery-key /tmp/typed
run nvunlock unlock --at-boot
check "unlock" 0 "$status"
fails nvunlock load-keys
follow "nvunlock load-keys --recovery"
keyctl clear @u
run nvunlock unlock --at-boot
follow "nvunlock load-keys --recovery"
follow "nvunlock unlock"
for nmem in nmem0 nmem1; do is "unlocked frozen" $nmem; done
sync
[ "$failures" = 0 ] || finish
cut_power
