# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# In a Unified Kernel Image that somebody else signed, who also has a genuine signature of another
# image, and can write what they like into their own.
. /test/lib.sh

echo recovery-prompt=no >/etc/nvunlock/nvunlock.conf
theirs=/.extra/tpm2-pcr-signature.json
genuine=/persist/tpm2-pcr-signature.json

refused() { # WHAT DIRECTORY MESSAGE
  nvunlock load-keys "--keys-dir=$2" >/tmp/said 2>&1
  check "$1: exit code" 13 $?
  cat /tmp/said
  grep -qF -- "$3" /tmp/said
  check "$1: it says '$3'" 0 $?
  check "$1: no key" none "$(keys_left)"
}

signer() { # FILE
  grep -o '"pkfp":"[0-9a-f]*"' "$1"
}

check "another signer" 1 "$([ "$(signer $theirs)" = "$(signer $genuine)" ] && echo 0 || echo 1)"
nvunlock unlock
check "unlock" 13 $?
for nmem in nmem0 nmem1; do check "$nmem" locked "$(security $nmem)"; done
refused "their signature" /persist/open "no PCR signature by the approved key"
refused "their signature, the right PCR 7" /persist/combined "no PCR signature by the approved key"
mkdir -p /etc/systemd
cp $genuine /etc/systemd/
refused "another image's signature" /persist/open "is for what was booted"
sed "s/$(signer $theirs)/$(signer $genuine)/" $theirs >/etc/systemd/${theirs##*/}
check "their signature has the other's name" "$(signer $genuine)" "$(signer /etc/systemd/${theirs##*/})"
refused "their signature, in the other's name" /persist/open "no PCR signature by the approved key"
finish
