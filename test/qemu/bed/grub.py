"""Booting like a PC: UEFI firmware with its variables, a boot disk, GRUB that measures."""

import os
import shutil
import subprocess

from bed.dimms import MIB
from bed.places import BedError

OVMF = "/usr/share/OVMF/OVMF_{}_4M.fd"
# With "tpm" GRUB measures commands and the kernel command line into PCR 8, files into PCR 9.
MODULES = ("fat", "normal", "linux", "serial", "terminal", "tpm")
CONFIG = """\
serial
terminal_output serial
set gfxpayload=text
linux /vmlinuz {}
initrd /acpi.cpio /initrd.img
boot
"""


def firmware(directory):
    """UEFI firmware, with a copy of its variables for this machine."""
    variables = os.path.join(directory, "ovmf-variables.fd")
    if not os.path.exists(variables):
        shutil.copy(OVMF.format("VARS"), variables)
    return ["-drive", f"if=pflash,format=raw,readonly=on,file={OVMF.format('CODE')}",
            "-drive", f"if=pflash,format=raw,file={variables}"]


def boot_disk(directory, kernel, acpi, initrd, command_line):
    """A FAT file system without partitions, as UEFI takes it from removable disks."""
    disk = os.path.join(directory, "boot.img")
    grub = os.path.join(directory, "grub.efi")
    config = os.path.join(directory, "grub.cfg")
    with open(config, "w", encoding="ascii") as file:
        file.write(CONFIG.format(command_line))
    run("grub-mkimage", "-O", "x86_64-efi", "-p", "/EFI/BOOT", "-o", grub, *MODULES)
    with open(disk, "wb") as file:
        file.truncate(160 * MIB)
    run("mformat", "-i", disk, "-F", "::")
    run("mmd", "-i", disk, "::/EFI", "::/EFI/BOOT")
    for source, name in ((grub, "EFI/BOOT/BOOTX64.EFI"), (config, "EFI/BOOT/grub.cfg"),
                         (kernel, "vmlinuz"), (acpi, "acpi.cpio"), (initrd, "initrd.img")):
        run("mcopy", "-i", disk, source, f"::/{name}")
    return disk


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BedError(f"{command[0]} failed: {done.stderr.strip()}")
