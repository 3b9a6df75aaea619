# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# Another system altogether, started from a disk of the thief's, which has nvunlock and the key file.
. /test/lib.sh

nvunlock load-keys
check "an unseal" 5 $?
check "no key" none "$(keys_left)"
finish
