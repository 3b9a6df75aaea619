#!/bin/sh
# In an initramfs, what somebody at its emergency shell does: asks the TPM and the keyring for keys,
# and makes the kernel probe the DIMMs.
PATH=/usr/bin:/usr/sbin:/bin:/sbin
say() {
  echo "test: $1" >/dev/console
}
say "$(grep -c 'nvdimm[:-]' /proc/keys) keys of ours"
nvunlock load-keys >/dev/console 2>&1
say "load-keys ends with $?"
modprobe nfit
poweroff -f
