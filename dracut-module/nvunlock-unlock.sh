#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# In an initramfs without systemd, when udev has brought keyboards to answer with, and before the root
# file system is mounted. dracut sources this file in both places; the first one makes the directory.
# A variable would not do: the kernel makes variables of what it does not know on its command line.
if mkdir /run/nvunlock-has-run 2>/dev/null; then
  nvunlock unlock --at-boot || nvunlock latch --after-unlock
fi
