# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# on-failure=poweroff, and there is no TPM: the machine goes off before this ends.
. /test/lib.sh

echo on-failure=poweroff >/etc/nvunlock/nvunlock.conf
nvunlock unlock
check "still here" no yes
finish
