#!/bin/sh
# In an initramfs, in place of the person at the emergency shell: a hook that runs after ours.
load_keys() {
  nvunlock load-keys
  echo "test: load-keys ends with $?" >/dev/console
}
echo "test: $(keyctl list @u)" >/dev/console
load_keys >/dev/console 2>&1
poweroff -f
