# SPDX-License-Identifier: Apache-2.0
"""Booting like a PC: UEFI firmware with its variables, and the disk that it boots."""

import os
import shutil

from bed.dimms import MIB
from bed.places import run

OVMF = "/usr/share/OVMF/OVMF_{}_4M.fd"
# Where UEFI looks for a boot loader on a disk that is not in its variables.
LOADER = "EFI/BOOT/BOOTX64.EFI"


def firmware(directory):
    """UEFI firmware, with a copy of its variables for this machine."""
    variables = os.path.join(directory, "ovmf-variables.fd")
    if not os.path.exists(variables):
        shutil.copy(OVMF.format("VARS"), variables)
    return ["-drive", f"if=pflash,format=raw,readonly=on,file={OVMF.format('CODE')}",
            "-drive", f"if=pflash,format=raw,file={variables}"]


def boot_disk(directory, files):
    """A FAT file system without partitions, as UEFI takes it from removable disks.

    files: what is in it, as name: path on the host.
    """
    disk = os.path.join(directory, "boot.img")
    with open(disk, "wb") as file:
        file.truncate(160 * MIB)
    run("mformat", "-i", disk, "-F", "::")
    run("mmd", "-i", disk, "::/EFI", "::/EFI/BOOT")
    for name, source in files.items():
        run("mcopy", "-i", disk, source, f"::/{name}")
    return disk


def packed(directory, initrd):
    """A compressed copy: firmware that measures is slow enough in an emulated CPU."""
    target = os.path.join(directory, "initrd.zst")
    run("zstd", "-q", "-f", initrd, "-o", target)
    return target
