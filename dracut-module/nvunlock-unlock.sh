#!/bin/sh
# In an initramfs without systemd, when udev has brought keyboards to answer with, and before the root
# file system is mounted. dracut sources this file in both places, in one shell.
if [ -z "$nvunlock_has_run" ]; then
  nvunlock_has_run=yes
  nvunlock unlock --at-boot
fi
