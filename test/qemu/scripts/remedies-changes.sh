# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# Remedies of messages of commands that change DIMMs; on a machine without a TPM, where nothing is enrolled.
. /test/lib.sh
# shellcheck source=operations-lib.sh
. /test/operations.sh

umask 22
touch /tmp/typed
new_kek
load_nvdimm
fails nvunlock setup-passphrase nmem0 -k user:nvdimm-master
follow "ndctl disable-region region0"
does "passphrase enabled for 1 nmem" nvunlock setup-passphrase nmem0 -k user:nvdimm-master
fails nvunlock setup-passphrase nmem0 -k user:nvdimm-master
follow "nvunlock update-passphrase nmem0"
fails nvunlock setup-passphrase -m nmem0 -k user:nvdimm-master
follow "nvunlock remove-passphrase nmem0"
does "passphrase enabled for 1 nmem" nvunlock setup-passphrase -m nmem0 -k user:nvdimm-master
fails nvunlock setup-passphrase -m nmem0 -k user:nvdimm-master
follow "nvunlock update-passphrase -m nmem0"
fails nvunlock update-passphrase nmem9
follow "nvunlock list"
fails nvunlock disable-dimm nmem1
follow "ndctl disable-region region1"
does "disabled 1 nmem" nvunlock disable-dimm nmem1
does "enabled 1 nmem" nvunlock enable-dimm nmem1

does "passphrase enabled for 1 nmem" nvunlock setup-passphrase nmem1 -k user:nvdimm-master
does "overwrite issued for 1 nmem" nvunlock sanitize-dimm --overwrite nmem1
fails nvunlock setup-passphrase nmem1 -k user:nvdimm-master
follow "nvunlock wait-overwrite nmem1"
is disabled nmem1

does "passphrase enabled for 2 nmems" nvunlock setup-passphrase all -k user:nvdimm-master
nvunlock disable-dimm all
follow "nvunlock load-keys"
follow "nvunlock enable-dimm all"
cp $keys/nvdimm_"$(dimm_id nmem1)"_bed.blob /persist/outdated.blob
does "passphrase updated for 1 nmem" nvunlock update-passphrase nmem1
sync
[ "$failures" = 0 ] || finish
cut_power
