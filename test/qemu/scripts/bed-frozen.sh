# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# nmem0 has a passphrase, and the BIOS has frozen it.
. /test/lib.sh

load_nvdimm
check "from the start" "locked frozen" "$(security nmem0)"
finish
