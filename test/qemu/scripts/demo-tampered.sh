# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
. /test/lib.sh
. /test/demo-lib.sh

show "dmesg" "$(dmesg | grep -o 'nvunlock: .*' | fold -s -w 100)"
check "the policy does not match" 5 "$(sed -n 's/.*"exit_code": \([0-9]*\).*/\1/p' \
  /run/nvunlock/status.json)"
shown nvunlock list
for nmem in nmem0 nmem1; do check $nmem locked "$(security $nmem)"; done
check "no block device" no "$([ -b /dev/pmem0 ] && echo yes || echo no)"
show "keyctl list @u" "$(keyctl list @u)"
finish
