#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The bed itself: do its DIMMs behave as locked DIMMs do, with stock ndctl and a stock kernel? And
# do its tools tell what happened? Tests of nvunlock are worth no more than this.

bats_require_minimum_version 1.5.0
load machines

foreign=$(printf %064d 7)

setup_file() {
  export LOCKED=$BATS_FILE_TMPDIR/locked
  boot "$LOCKED" bed-set-passphrase
}

setup() {
  MACHINE=$BATS_TEST_TMPDIR/machine
}

field() { # DIMM FIELD: of $MACHINE
  "$BED/dimm" "$MACHINE" get "$1" "$2"
}

# The status is the guest's or the launcher's, and nothing is left running.
vm_exits() { # STATUS [vm's options]
  local wanted=$1 status=0
  shift
  "$BED/vm" --dir "$MACHINE" --kernel "$KERNEL" "$@" >"$BATS_TEST_TMPDIR/log" 2>&1 || status=$?
  [[ $status -eq $wanted ]] || {
    echo "exit status $status instead of $wanted"
    tail -n 5 "$BATS_TEST_TMPDIR/log"
    return 1
  }
  ! processes_use "$MACHINE" || return 1
}

processes_use() { # DIRECTORY
  local process
  for process in /proc/[0-9]*; do
    if grep -Eqs '^(qemu-system|swtpm)' "$process/comm" && grep -Fqs "$1/" "$process/cmdline"; then
      return 0
    fi
  done
  return 1
}

script() { # TEXT: a guest script
  printf '%s\n' "$1" >"$BATS_TEST_TMPDIR/script.sh"
  echo "$BATS_TEST_TMPDIR/script.sh"
}

@test "a passphrase locks at the next power-on; each probe without a key burns one try with zeros; the limit holds until the power is cut; ndctl load-keys opens" {
  copy_machine "$LOCKED" "$MACHINE"
  boot "$MACHINE" bed-no-key --max-tries 3
  [[ $(field 0 refused) == 3 && $(field 0 refused_zero) == 3 && $(field 0 accepted) == 0 ]]
  [[ $(field 1 calls) == 0 ]]

  "$BED/dimm" "$MACHINE" reset
  boot "$MACHINE" bed-load-keys --tpm tis
  [[ $(field 0 refused) == 0 && $(field 0 accepted) == 1 ]]
  [[ $(field 0 unlocks) == 1 && $(field 0 freezes) == 1 ]]
}

# bats test_tags=full
@test "a warm reset locks" {
  copy_machine "$LOCKED" "$MACHINE"
  boot "$MACHINE" bed-warm-reset --allow-reboot --env WANTED=locked
}

# bats test_tags=full
@test "a warm reset with --warm-keeps only ends the freeze" {
  copy_machine "$LOCKED" "$MACHINE"
  boot "$MACHINE" bed-warm-reset --allow-reboot --env WANTED=unlocked --warm-keeps
}

# bats test_tags=full
@test "24 DIMMs, 23 of them foreign: each burns its own try" {
  "$BED/dimm" "$MACHINE" create 24
  for i in {1..23}; do "$BED/dimm" "$MACHINE" set "$i" passphrase="$foreign"; done
  boot "$MACHINE" bed-many --tpm crb --env N=24
  [[ $(field 0 calls) == 0 ]]
  for i in {1..23}; do
    [[ $(field "$i" refused_zero) == 1 && $(field "$i" refused) == 1 ]]
  done
}

@test "a BIOS that freezes" {
  "$BED/dimm" "$MACHINE" create 2
  "$BED/dimm" "$MACHINE" set 0 passphrase="$foreign" bios_freezes=1
  boot "$MACHINE" bed-frozen
  [[ $(field 0 refused) == 0 && $(field 0 last_status) == 10 ]]
}

@test "update, remove, erase, overwrite, master passphrase, labels" {
  boot "$MACHINE" bed-operations --busy-answers 0
  [[ $(field 0 wipes) == 3 && $(field 0 refused) == 0 ]]
  [[ -n $(field 0 master_passphrase) && -z $(field 0 passphrase) ]]
}

# bats test_tags=full
@test "vm: the guest's status, a command that is typed, a power cut that never came" {
  vm_exits 3 --script "$BED/scripts/bed-prompt.sh" --type '^say: ' hello
  vm_exits 123 --script "$(script true)" --cut-at 'no such line'
}

# bats test_tags=full
@test "vm: power cuts, a guest that dies, one that hangs, a launcher that is killed" {
  vm_exits 0 --cut-at 'Linux version' --script "$(script false)"
  vm_exits 0 --cut-after 2 --script "$(script false)"
  vm_exits 125 --append 'init=/nowhere rdinit=/nowhere' --script "$(script true)"
  vm_exits 124 --timeout 2 --tpm tis --script "$(script true)"

  "$BED/vm" --dir "$MACHINE" --tpm tis --script "$(script true)" >/dev/null 3>&- &
  for _ in {1..100}; do
    ! processes_use "$MACHINE" || break
    sleep 0.2
  done
  processes_use "$MACHINE"
  run "$BED/vm" --dir "$MACHINE" --kernel "$KERNEL" --script "$(script true)"
  [[ $status -eq 1 && $output == *"is in use"* ]]
  kill $!
  wait $! || true # it was killed
  run ! processes_use "$MACHINE"
}

@test "persist: files come and go after a power cut, modes kept" {
  copy_machine "$LOCKED" "$MACHINE"
  "$BED/persist" "$MACHINE" get keys "$BATS_TEST_TMPDIR/keys"
  [[ $(stat -c %a "$BATS_TEST_TMPDIR/keys") == 700 ]]
  [[ -s $BATS_TEST_TMPDIR/keys/nvdimm-master.blob ]]

  rm "$BATS_TEST_TMPDIR/keys/nvdimm-master.blob"
  install -m 600 /dev/stdin "$BATS_TEST_TMPDIR/keys/new" <<<text
  "$BED/persist" "$MACHINE" put "$BATS_TEST_TMPDIR/keys" keys
  "$BED/persist" "$MACHINE" get keys "$BATS_TEST_TMPDIR/again"
  diff -r "$BATS_TEST_TMPDIR/keys" "$BATS_TEST_TMPDIR/again"
  [[ $(stat -c %a "$BATS_TEST_TMPDIR/again/new") == 600 ]]
}

# module_sums IMAGE: digest and path of every kernel module in a cpio archive
module_sums() {
  rm -rf "$BATS_TEST_TMPDIR/tree"
  mkdir "$BATS_TEST_TMPDIR/tree"
  cpio -idm --quiet -D "$BATS_TEST_TMPDIR/tree" <"$1"
  (cd "$BATS_TEST_TMPDIR/tree" && find usr/lib/modules -name '*.ko*' -exec md5sum {} +) |
    sed 's, usr/lib/, lib/,' | sort
}

not_debians() { # IMAGE: the modules in it that are not in the package as they are
  comm -23 <(module_sums "$1") <(sed 's, usr/lib/, lib/,' "$KERNEL_FILES/md5sums" | sort)
}

@test "kernel and modules are Debian's, bit for bit" {
  local image=$BATS_TEST_TMPDIR/image root module
  KERNEL_FILES=$("$BED/kernel" "$KERNEL")
  (cd "$KERNEL_FILES" && md5sum --quiet -c md5sums)
  root=$("$BED/guest/build" "$KERNEL")
  cmp "$root/vmlinuz" "$KERNEL_FILES"/boot/vmlinuz-*
  "$BED/image" --kernel "$KERNEL" --flavour dracut-plain --omit-ours --out "$image"
  [[ $(module_sums "$image" | grep -Ec '/(nfit|libnvdimm|nd_pmem).ko') == 3 ]]
  [[ $(module_sums "$root/root.cpio" | grep -Ec '/(nfit|libnvdimm|nd_pmem).ko') == 3 ]]
  [[ -z $(not_debians "$image")$(not_debians "$root/root.cpio") ]]

  # control: a changed module is noticed
  module=$(cpio -it --quiet <"$image" | grep '/nfit.ko')
  echo changed >"$BATS_TEST_TMPDIR/file"
  "$BED/image-edit" "$image" "$image.changed" --put "$BATS_TEST_TMPDIR/file" "$module"
  [[ $(not_debians "$image.changed" | wc -l) == 1 ]]
}

coldplug_finds_nfit() { # FLAVOUR
  local image=$BATS_TEST_TMPDIR/image
  "$BED/image" --kernel "$KERNEL" --flavour "dracut-$1" --omit-ours --out "$image"
  "$BED/dimm" "$MACHINE" create 2
  "$BED/dimm" "$MACHINE" set 1 passphrase="$foreign"
  boot "$MACHINE" bed-coldplug --initrd "$image" --env FLAVOUR="$1"
  [[ $(field 1 refused_zero) == 1 ]]
}

# bats test_tags=full
@test "without a guard a plain dracut initramfs probes locked DIMMs" {
  coldplug_finds_nfit plain
}

# bats test_tags=full
@test "without a guard a systemd dracut initramfs probes locked DIMMs" {
  coldplug_finds_nfit systemd
}

@test "image-edit: removes, adds, leaves the rest" {
  local image=$BATS_TEST_TMPDIR/image edited=$BATS_TEST_TMPDIR/edited
  "$BED/image" --kernel "$KERNEL" --flavour dracut-plain --omit-ours --out "$image"
  echo text >"$BATS_TEST_TMPDIR/file"
  "$BED/image-edit" "$image" "$edited" --rm usr/bin/udevadm --put "$BATS_TEST_TMPDIR/file" etc/a/b
  # diff's status only says that they differ; in what is checked below
  diff <(cpio -it --quiet <"$image") <(cpio -it --quiet <"$edited") >"$BATS_TEST_TMPDIR/diff" || true
  [[ $(grep '^[<>]' "$BATS_TEST_TMPDIR/diff" | sort) == $'< usr/bin/udevadm\n> etc/a\n> etc/a/b' ]]
  run ! "$BED/image-edit" "$image" "$edited" --rm no/such/file
}
