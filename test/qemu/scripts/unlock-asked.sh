# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# Somebody types at the console what unlock asks for, and in the end it unlocks.
. /test/lib.sh

nvunlock unlock
check "unlock" 0 $?
for nmem in nmem0 nmem1; do check "$nmem" "unlocked frozen" "$(security $nmem)"; done
check "no key" none "$(keys_left)"
finish
