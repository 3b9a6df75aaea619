# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# On an enrolled machine with an image: the state in which CMD can begin.
. /test/lib.sh
# shellcheck source=crash-lib.sh
. /test/crash.sh

# Not by unlock, which would freeze them.
nvunlock load-keys
check "load-keys" 0 $?
load_nvdimm
case $CMD in
  setup)
    bring_keys
    nvunlock remove-passphrase all
    check "remove-passphrase" 0 $?
    ;;
  rotate)
    nvunlock enroll --kek=user:second --tpm2-pcrs=1 --weak-policy --no-recovery
    check "enroll the second kek" 0 $?
    keyctl pipe "$(keyctl search @u user second)" >/persist/safe/second.blob
    echo "nvdimm-master second" >$direction
    nvunlock refresh-images
    check "refresh-images" 0 $?
    ;;
esac
finish
