# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# The second boot: the drivers have come before the keys, as on any machine that is not enrolled.
. /test/lib.sh
# shellcheck source=operations-lib.sh
. /test/operations.sh

load_nvdimm
is locked nmem0
fails nvunlock update-passphrase nmem0
says "it is locked; run 'nvunlock load-keys' (with --recovery after an unlock at boot), then 'nvunlock enable-dimm nmem0'"
does "2 nvdimm keys loaded" nvunlock load-keys
says "$keys/nvdimm-master.blob holds user:nvdimm-master in clear"
does "enabled 2 nmems" nvunlock enable-dimm all
is unlocked nmem0
does "passphrase updated for 1 nmem" nvunlock update-passphrase nmem0
does "passphrase removed for 1 nmem" nvunlock remove-passphrase nmem1
does "passphrase enabled for 1 nmem" nvunlock setup-passphrase nmem1 -k user:nvdimm-master
does "sanitized 1 nmem" nvunlock sanitize-dimm nmem0
is disabled nmem0
does "sanitized 1 nmem" nvunlock sanitize-dimm --crypto-erase nmem1
is disabled nmem1
check "no blob is left but the master passphrase's" "nvdimm-master_$(dimm_id nmem0)_$(hostname).blob" \
  "$(blobs_of nmem0)"
nvunlock list
finish
