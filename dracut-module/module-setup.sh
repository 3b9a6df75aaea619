#!/bin/bash
# dracut module: nvunlock with its key files, the guard, and the drivers that it loads. Its number
# is 99, so that install() sees what other modules have put into the image.
#
# Settings for dracut.conf: nvunlock_binary, nvunlock_keys_dir, nvunlock_etc_dir.
# shellcheck disable=SC2154  # initdir, moddir and others are dracut's

check() {
  [[ -x ${nvunlock_binary:-$(command -v nvunlock)} ]]
}

depends() {
  return 0
}

# hostonly is off because the image must also boot after a TPM or a DIMM was exchanged.
installkernel() {
  hostonly='' instmods '=drivers/char/tpm' libnvdimm nfit nd_pmem nd_btt dax_pmem \
    cxl_acpi cxl_pmem cxl_port cxl_mem cxl_pci
}

install() {
  local keys_dir=${nvunlock_keys_dir:-/etc/ndctl/keys}
  local etc_dir=${nvunlock_etc_dir:-/etc/nvunlock}

  inst_simple "${nvunlock_binary:-$(command -v nvunlock)}" /usr/bin/nvunlock
  inst_multiple false
  make_directory /etc/nvunlock
  [[ ! -f $etc_dir/nvunlock.conf ]] || copy_private "$etc_dir/nvunlock.conf" /etc/nvunlock
  if is_enrolled "$keys_dir"; then
    install_keys "$keys_dir"
    refuse_clear_keks
    install_guard "$moddir/00-nvunlock.conf"
    describe_image yes
  else
    install_guard /dev/null
    describe_image no
  fi
  install_start
}

is_enrolled() {
  compgen -G "$1/*.pem" >/dev/null
}

# "command", because install is the name of a function here.
make_directory() {
  command install -d -m 0700 "$initdir$1"
}

copy_private() {
  command install -m 0600 "$1" "$initdir$2/"
}

# Without the slots that an image must not hold.
install_key_file() {
  local nvunlock=${nvunlock_binary:-$(command -v nvunlock)}
  (umask 077 && "$nvunlock" image-key-file "$1" >"$initdir/etc/ndctl/keys/${1##*/}") || {
    dfatal "nvunlock: $1 cannot go into the image"
    exit 1
  }
}

install_keys() {
  local file
  make_directory /etc/ndctl/keys
  for file in "$1"/*.pem; do install_key_file "$file"; done
  for file in "$1"/nvdimm_*.blob "$1"/enrolled-dimms; do
    [[ ! -f $file ]] || copy_private "$file" /etc/ndctl/keys
  done
}

# An empty file takes a guard that was copied from the host out of force.
install_guard() {
  command install -D -m 0644 "$1" "$initdir/etc/modprobe.d/00-nvunlock.conf"
}

# The initramfs has no host name of its own, by which unlock prefers blobs.
describe_image() {
  (umask 077 && printf 'enrolled=%s\nhost=%s\n' "$1" "$(uname -n)" >"$initdir/etc/nvunlock/image")
}

# Whoever gets a shell, by rd.break or after a failure, finds the latch closed.
install_emergency() {
  inst_hook emergency 01 "$moddir/nvunlock-latch.sh"
  inst_hook shutdown-emergency 01 "$moddir/nvunlock-latch.sh"
}

install_start() {
  install_emergency
  if dracut_module_included systemd; then
    inst_simple "$moddir/nvunlock-initrd.service" "$systemdsystemunitdir/nvunlock-initrd.service"
    $SYSTEMCTL -q --root "$initdir" add-wants sysinit.target nvunlock-initrd.service
  else
    inst_hook pre-udev 05 "$moddir/nvunlock-unlock.sh"
  fi
}

# Looks through the image, and through what dracut will still add to it, for ndctl's kek in clear:
# a blob that is not the wrapped text of an encrypted key.
refuse_clear_keks() {
  local place blob
  # shellcheck disable=SC2068  # dracut keeps install_items as one string of many words
  for place in "$initdir" "${include_src[@]}" ${install_items[@]}; do
    [[ -e $place ]] || continue
    while read -r blob; do
      grep -q '^enc32 ' "$blob" && continue
      dfatal "nvunlock: $blob is a kek in clear and must not go into an image:" \
        "move it to a safe place away from this machine"
      exit 1
    done < <(find "$place" -name '*.blob' -type f)
  done
}
