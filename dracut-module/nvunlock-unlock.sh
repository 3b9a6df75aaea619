#!/bin/sh
# Before udev starts, in an initramfs without systemd. dracut sources this file.
nvunlock unlock --at-boot
