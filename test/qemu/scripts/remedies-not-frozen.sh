# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# One DIMM does not take the freeze.
. /test/lib.sh
# shellcheck source=operations-lib.sh
. /test/operations.sh

touch /tmp/typed
fail_write --file /security --nth 1 --errno 5 --lost --log /tmp/log -- nvunlock unlock >/tmp/said 2>&1
check "unlock" 10 $?
cat /tmp/said
follow "nvunlock freeze-security all"
for nmem in nmem0 nmem1; do is "unlocked frozen" $nmem; done
finish
