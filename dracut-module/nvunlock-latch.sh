#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Before an emergency shell, in an initramfs: none while keys can be had. dracut sources this file.
until nvunlock latch --emergency; do sleep 10; done
