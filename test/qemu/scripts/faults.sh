# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# Commands whose writes to the DIMM fail with an error: the write is not made (lost), or the DIMM does what it is
# told and the answer is another (acted), or it does so and its firmware does not answer, which the kernel
# calls EINVAL (mute). What is there after each, and after a second run without faults, is kept in
# /persist/cells for the host to judge.
#
# COMMANDS: which. LOST, ACTED: numbers of errors for every write; ONE_OF: for each one more of these.
. /test/lib.sh
# shellcheck source=operations-lib.sh
. /test/operations.sh

saved=/tmp/saved cells=/tmp/cells image=/boot/initrd.img-test
blob=$keys/nvdimm_8680-56341200_bed.blob
# What an earlier update has left behind.
staged=$keys/nvdimm-new_8680-56341200_bed.blob

words_of() { # COMMAND: what it runs
  case $1 in
    setup-image) echo setup-passphrase nmem0 -k user:nvdimm-master ;;
    setup-master) echo setup-passphrase nmem0 -k user:nvdimm-master -m --no-image ;;
    update | update-spare-*) echo update-passphrase nmem0 --no-image ;;
    update-image) echo update-passphrase nmem0 ;;
    update-master) echo update-passphrase nmem0 -m --no-image ;;
    remove-spare-*) echo remove-passphrase nmem0 --no-image ;;
    remove-image) echo remove-passphrase nmem0 ;;
    rotate-image) echo rotate-kek --kek=user:nvdimm-master --to=user:second --revoke ;;
    erase) echo sanitize-dimm -c nmem0 --no-image ;;
    erase-master) echo sanitize-dimm -c -m nmem0 --no-image ;;
    erase-zero) echo sanitize-dimm -c -z nmem0 --no-image ;;
    overwrite) echo sanitize-dimm -o nmem0 --no-image ;;
    erase-overwrite) echo sanitize-dimm -c -o nmem0 --no-image ;;
    freeze) echo freeze-security nmem0 ;;
    enable | revalidate) echo enable-dimm nmem0 ;;
    disable) echo disable-dimm nmem0 ;;
    unlock) echo unlock ;;
    import | import-locked) echo setup-passphrase nmem0 -k user:nvdimm-master --import-passphrase --no-image ;;
    refresh-image) echo refresh-images ;;
  esac
}

state_for() { # COMMAND: where it begins
  case $1 in
    setup-image | setup-master | erase-zero) echo none ;;
    update-master) echo master ;;
    erase-master) echo both ;;
    *-spare-old) echo spare-old ;;
    *-spare-new) echo spare-new ;;
    enable | unlock) echo locked ;;
    import | import-locked) echo "$1" ;;
    *) echo unlocked ;;
  esac
}

# What check-image wants of one; the program itself is not looked at.
make_image() {
  rm -rf /tmp/tree
  mkdir -p /tmp/tree/usr/bin /tmp/tree/scripts/init-top /tmp/tree/lib/modules/6.1
  echo nvunlock | tee /tmp/tree/usr/bin/nvunlock >/tmp/tree/scripts/init-top/nvunlock
  printf 'kernel/drivers/%s.ko\n' nvdimm/libnvdimm acpi/nfit/nfit >/tmp/tree/lib/modules/6.1/modules.builtin
  chmod +x /tmp/tree/usr/bin/nvunlock /tmp/tree/scripts/init-top/nvunlock
  nvunlock image-files /tmp/tree >/dev/null
  (cd /tmp/tree && find . | cpio -o -H newc 2>/dev/null) >$image
}

save() { # STATE
  mkdir -p $saved/"$1"
  dimm_memory save 0 $saved/"$1"/page
  make_image
  cp $image $saved/"$1"/image
  mkdir $saved/"$1"/keys
  cp -p $keys/* $saved/"$1"/keys
}

derive() { # STATE FROM: a copy, to be changed
  cp -a $saved/"$2" $saved/"$1"
}

# The kernel looks at the state of a frozen DIMM only when it is told to freeze it.
restore_dimm() { # STATE
  dimm_memory state 0 0
  echo freeze 2>/dev/null >$ND/nmem0/security
  dimm_memory restore 0 $saved/"$1"/page
  echo "disable 0" 2>/dev/null >$ND/nmem0/security
  dimm_memory restore 0 $saved/"$1"/page
  dimm_memory mark 0
}

no_region() { # unlock has started it
  [ "$(cat $ND/nmem0/state)" != active ] || ndctl disable-region all >/dev/null 2>&1
}

prepare() { # COMMAND STATE
  no_region
  keyctl clear @u
  rm -f $keys/*
  rm -rf /run/nvunlock
  cp -p $saved/"$2"/keys/* $keys
  case $1 in *-image) cp $saved/"$2"/image $image ;; esac
  for _kek in nvdimm-master second; do keyctl padd user $_kek @u </persist/safe/$_kek.blob >/dev/null; done
  # The blob that unlocked it is said to be another, so it is asked for the one that is there.
  if [ "$1" = refresh-image ]; then
    mkdir -p /run/nvunlock
    echo "8680-56341200 $(printf %064d 0) open" >/run/nvunlock/unlocked-with
  fi
  case $1 in enable | revalidate | unlock) is_bound=no ;; *) is_bound=yes ;; esac
  restore_dimm none
  bind $is_bound
  restore_dimm "$2"
}

bind() { # YES-OR-NO
  [ "$([ -e $ND/nmem0/driver ] && echo yes || echo no)" != "$1" ] || return 0
  case $1 in yes) _to=bind ;; no) _to=unbind ;; esac
  echo nmem0 >/sys/bus/nd/drivers/nvdimm/"$_to"
}

snapshot() { # CELL WHEN
  no_region
  dimm_memory show 0 >"$1/dimm-$2"
  [ ! -e $ND/nmem0/driver ] || echo "bound=yes" >>"$1/dimm-$2"
  mkdir "$1/keys-$2"
  cp $keys/*.blob "$1/keys-$2" 2>/dev/null
  case $1 in
    *-image.*)
      # What the kernel would unpack last.
      _size=$(stat -c %s $saved/"$_state"/image)
      [ "$(stat -c %s $image)" -gt "$_size" ] || _size=0
      tail -c +$((_size + 1)) $image | grep -aoE 'enc32 user:[^ ]+ 32 [0-9a-f]{162}' >"$1/image-$2"
      ;;
  esac
}

with_fault() { # NTH ERRNO lost|acted|mute COMMAND...
  _nth=$1 _errno=$2 _how=$3
  shift 3
  if [ "$_how" = mute ]; then
    dimm_memory mute 0 "$_nth"
    "$@"
    echo "the firmware fails" >"$_cell/log"
    dimm_memory mute 0 0
  else
    fail_write --file /security --file /bind --file /unbind --nth "$_nth" --errno "$_errno" --"$_how" \
      --log "$_cell/log" -- "$@"
  fi
}

cell() { # COMMAND NTH ERRNO lost|acted|mute
  _cell=$cells/$1.$2.$3.$4
  mkdir -p "$_cell"
  _state=$(state_for "$1")
  prepare "$1" "$_state"
  dimm_memory show 0 >"$_cell/dimm-before"
  # shellcheck disable=SC2046  # words
  with_fault "$2" "$3" "$4" nvunlock $(words_of "$1") </tmp/typed >"$_cell/said" 2>&1
  snapshot "$_cell" after
  [ "$1" != unlock ] || bring_kek
  # shellcheck disable=SC2046
  nvunlock $(words_of "$1") </tmp/typed >"$_cell/said-again" 2>&1
  case $1 in *overwrite) nvunlock wait-overwrite nmem0 >>"$_cell/said-again" 2>&1 ;; esac
  snapshot "$_cell" again
}

count_writes() { # COMMAND
  prepare "$1" "$(state_for "$1")"
  # shellcheck disable=SC2046
  fail_write --file /security --file /bind --file /unbind --log /tmp/writes -- nvunlock $(words_of "$1") \
    </tmp/typed >/tmp/said 2>&1
  check "$1 without a fault" 0 $?
  [ "$failures" = 0 ] || cat /tmp/said
  writes=$(wc -l </tmp/writes)
}

next_of() { # takes turns with the numbers of ONE_OF
  [ -n "$turn" ] || turn=$ONE_OF
  one=${turn%% *}
  case $turn in *" "*) turn=${turn#* } ;; *) turn='' ;; esac
}

try() { # COMMAND
  count_writes "$1"
  _n=0
  while [ $((_n += 1)) -le "$writes" ]; do
    next_of
    for _each in $LOST $one; do cell "$1" "$_n" "$_each" lost; done
    for _each in $ACTED $one; do cell "$1" "$_n" "$_each" acted; done
    # The kernel would never ask whether an overwrite has ended that it does not know of.
    case $1 in *overwrite) ;; *) cell "$1" "$_n" 22 mute ;; esac
  done
}

enroll() { # KEK [OPTION]
  nvunlock enroll "--kek=user:$1" --tpm2-pcrs=1 --weak-policy --no-recovery ${2:+"$2"} >/dev/null
  check "enroll $1" 0 $?
  [ "$2" ] || keyctl pipe "$(keyctl search @u user "$1")" >/persist/safe/"$1".blob
}

# In a page that is saved: see firmware/layout.h.
set_state() { # STATE S_BITS
  # shellcheck disable=SC2059  # an octal number
  printf "\\$2" | dd of=$saved/"$1"/page bs=1 conv=notrunc 2>/dev/null
}

set_passphrase() { # STATE TEXT
  printf %s "$2" | dd of=$saved/"$1"/page bs=1 seek=32 conv=notrunc 2>/dev/null
  set_state "$1" 2
}

make_states() {
  save none
  nvunlock setup-passphrase nmem0 -m -k user:nvdimm-master --no-image
  save master
  nvunlock setup-passphrase nmem0 -k user:nvdimm-master --no-image
  save both
  prepare setup-master none
  nvunlock setup-passphrase nmem0 -k user:nvdimm-master --no-image
  save unlocked
  cp $blob /tmp/old
  derive import none
  set_passphrase import "BIOS secret"
  derive import-locked import
  derive locked unlocked
  set_state locked 6
  set_state import-locked 6
  nvunlock update-passphrase nmem0 --no-image
  derive spare-old unlocked
  cp $blob $saved/spare-old/keys/${staged##*/}
  derive spare-new spare-old
  dimm_memory save 0 $saved/spare-new/page
}

mkdir -p /persist/safe /persist/cells $cells
new_kek
cp $keys/nvdimm-master.blob /persist/safe
load_nvdimm
ndctl disable-region all >/dev/null 2>&1
enroll nvdimm-master --import
enroll second
make_states >/dev/null 2>&1
echo "BIOS secret" >/tmp/typed
turn=''
for command in $COMMANDS; do try "$command"; done
tar -cf /persist/cells/cells.tar -C $cells .
finish
