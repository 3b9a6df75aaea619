# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
. /test/lib.sh

mkdir -p /tmp/etc/nvunlock
echo recovery-timeout=3 >/etc/nvunlock/nvunlock.conf
nvunlock unlock 2>/tmp/said
check "unlock" 5 $?
check "it waited" 1 "$(grep -c 'nobody answered' /tmp/said)"
for nmem in nmem0 nmem1; do check "$nmem" locked "$(security $nmem)"; done
finish
