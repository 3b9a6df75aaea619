# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# In another Unified Kernel Image, signed with the same key: all that was enrolled opens, until the
# latch is closed, or until a PCR is no longer what was signed or enrolled.
. /test/lib.sh

load_keys() { # WHAT DIRECTORY CODE
  nvunlock load-keys "--keys-dir=$2"
  check "$1: exit code" "$3" $?
  check "$1: the kek is out" "$([ "$3" = 0 ] && echo yes || echo no)" \
    "$(keyctl search @u user nvdimm-master >/dev/null 2>&1 && echo yes || echo no)"
  keyctl clear @u
}

extend() { # PCR
  tpm2_pcrextend "$1:sha256=$(printf '%064d' 1)"
  check "PCR $1 is extended" 0 $?
}

check "the kernel" "$RELEASE" "$(uname -r | cut -d. -f1-2)"
nvunlock unlock
check "unlock" 0 $?
for nmem in nmem0 nmem1; do check "$nmem" "unlocked frozen" "$(security $nmem)"; done
check "no key" none "$(keys_left)"
load_keys "a second unseal, latched" /etc/ndctl/keys 11
load_keys "a second unseal, not latched" /persist/open 0
load_keys "signed and literal" /persist/combined 0
extend 7
load_keys "signed and literal, another PCR 7" /persist/combined 5
load_keys "signed alone, another PCR 7" /persist/open 0
extend 11
load_keys "signed alone, in a later phase" /persist/open 13
finish
