# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# For the boot tests: machines that are set up once and copied for each test.

BED=$(cd "$BATS_TEST_DIRNAME" && pwd)
# shellcheck source-path=SCRIPTDIR source=bed/common.sh
. "$BED/bed/common.sh"
: "${KERNEL:=6.1}"

# boot DIR SCRIPT [vm's options]: powers the machine on; its console goes to a log that is shown
# only when the script failed.
boot() {
  local dir=$1 script=$2 log status=0
  shift 2
  mkdir -p "$dir"
  log=$dir/$script.log
  "$BED/vm" --dir "$dir" --kernel "$KERNEL" --script "$BED/scripts/$script.sh" --timeout 120 \
    "$@" >"$log" 2>&1 || status=$?
  [[ $status -eq 0 ]] || show_end "$log" "$status"
  return "$status"
}

show_end() {
  echo "exit status $2; the end of $1:"
  grep -vE '\] *\[ +[0-9.]+\] ' "$1" | tail -n 40
}

# new_machine DIR [vm's options]: two DIMMs locked with stock ndctl's passphrases and enrolled. It is made
# once for all suites, as are the images with its keys.
new_machine() {
  local options=("${@:2}") original
  original=$(built "machine-$KERNEL" "$BED"/{vm,scripts/enroll.sh} "$BED"/{bed/*.py,guest/*,firmware/*} \
    "${NVUNLOCK_BINARY:-$top/build/nvunlock}" <(dpkg-query -W qemu-system-x86 seabios swtpm ndctl) \
    <(echo "${options[@]}"))
  build_once "$original" enroll_in
  cp -a --sparse=always "$original" "$1"
}

enroll_in() { # DIR
  boot "$1" enroll --tpm tis "${options[@]}"
}

# latched_machine: GOLD has a recovery key and an escrow slot. The images of most suites
# have its keys, so that each kind is built once.
latched_machine() {
  export GOLD=$BATS_FILE_TMPDIR/gold
  build_once "$made/escrow" make_escrow
  new_machine "$GOLD" --env RECOVERY="--recovery-key --escrow=/test/escrow.pem" \
    --file /test/escrow.pem="$made/escrow/escrow.pem"
  "$BED/persist" "$GOLD" get keys "$GOLD/keys"
}

make_escrow() { # DIRECTORY: a certificate; nobody has its key
  openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=escrow -keyout /dev/null -out "$1/escrow.pem" 2>/dev/null
}

# gold_image FLAVOUR OUT [LINE...]: one for GOLD, with these lines in nvunlock.conf.
gold_image() {
  "$BED/image" --kernel "$KERNEL" --flavour "$1" --keys "$GOLD/keys" --out "$2"
  [[ $# -gt 2 ]] || return 0
  printf '%s\n' "${@:3}" >"$BATS_TEST_TMPDIR/nvunlock.conf"
  "$BED/image-edit" "$2" "$2" --put "$BATS_TEST_TMPDIR/nvunlock.conf" etc/nvunlock/nvunlock.conf
}

# copy_machine FROM TO: with all that it remembers, and its counters at 0.
copy_machine() {
  cp -a --sparse=always "$1" "$2"
  "$BED/dimm" "$2" reset
}

# attempts DIR: refused passphrases of all DIMMs together.
attempts() {
  local dir=$1 sum=0 i
  for ((i = 0; i < $("$BED/dimm" "$dir" show --json | jq '.dimms | length'); i++)); do
    sum=$((sum + $("$BED/dimm" "$dir" get "$i" refused)))
  done
  echo "$sum"
}

# expect_attempts DIR N
expect_attempts() {
  local burned
  burned=$(attempts "$1")
  [[ $burned -eq $2 ]] || {
    echo "$burned attempts burned instead of $2"
    "$BED/dimm" "$1" show
    return 1
  }
}

# quick_image KEYS OUT: an image for those keys that boots in half the time of others, as it starts
# no udev.
quick_image() {
  local whole
  whole=$(mktemp)
  "$BED/image" --kernel "$KERNEL" --flavour initramfs-tools --keys "$1" --out "$whole" \
    -- virtio_pci virtio_blk ext4
  "$BED/image-edit" "$whole" "$2" \
    --put "$BED/images/without-udev/init-top" scripts/init-top/udev \
    --put "$BED/images/without-udev/init-bottom" scripts/init-bottom/udev
  rm "$whole"
}

# install_image DIR [IMAGE]: it becomes the image in the machine's /boot; by default a quick one with
# the machine's keys.
install_image() {
  local work
  work=$(mktemp -d)
  mkdir "$work/boot"
  if [[ ${2-} ]]; then
    cp "$2" "$work/boot/initrd.img"
  else
    "$BED/persist" "$1" get keys "$work/keys"
    quick_image "$work/keys" "$work/boot/initrd.img"
  fi
  "$BED/persist" "$1" put "$work/boot" boot
  rm -r "$work"
}

# boot_from_disk DIR SCRIPT [vm's options]: boots the image in the machine's /boot as it is by now.
boot_from_disk() {
  rm -rf "${1:?}/boot"
  "$BED/persist" "$1" load boot "$1/boot"
  boot "$@" --initrd "$1/boot/initrd.img"
}
