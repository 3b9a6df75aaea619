# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# N DIMMs, all but nmem0 locked by another machine.
. /test/lib.sh

load_nvdimm
check "DIMMs" "$N" "$(nmems | wc -l)"
check "nmem0" disabled "$(security nmem0)"
check "locked ones" $((N - 1)) "$(cat "$ND"/nmem*/security | grep -c '^locked$')"
check "TPM" yes "$([ -c /dev/tpmrm0 ] && echo yes || echo no)"
finish
