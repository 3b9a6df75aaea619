#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# In an initramfs without systemd: a resume of a hibernated system is a job that dracut runs as soon as its
# disk is there, before its settled hooks. This one runs before it. dracut sources this file.
# shellcheck disable=SC2154  # hookdir is dracut's
if [ -e "$hookdir/initqueue/finished/00resume.sh" ]; then
  # shellcheck source=/dev/null
  . "$hookdir/initqueue/settled/05-nvunlock-unlock.sh"
fi
:
