# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# The next boot, with ndctl: the DIMM that ndctl has updated stays locked, the one of nvunlock comes up.
. /test/lib.sh

ndctl load-keys
load_nvdimm
check "ndctl's" locked "$(security nmem0)"
check "nvunlock's" unlocked "$(security nmem1)"
finish
