#!/bin/sh
# Before an emergency shell, in an initramfs. dracut sources this file.
nvunlock latch --emergency
