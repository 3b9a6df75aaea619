# SPDX-License-Identifier: Apache-2.0
"""A boot disk with GRUB that measures."""

import os

from bed import efi
from bed.places import run

# With "tpm" GRUB measures commands and the kernel command line into PCR 8, files into PCR 9.
MODULES = ("fat", "normal", "linux", "serial", "terminal", "tpm")
CONFIG = """\
serial
terminal_output serial
set gfxpayload=text
{}linux /vmlinuz {}
initrd /acpi.cpio /initrd.img
boot
"""


def boot_disk(directory, kernel, acpi, initrd, command_line, lines=(), modules=()):
    """LINES more in GRUB's configuration, MODULES more in its program: what a thief would change."""
    grub = os.path.join(directory, "grub.efi")
    config = os.path.join(directory, "grub.cfg")
    with open(config, "w", encoding="ascii") as file:
        file.write(CONFIG.format("".join(line + "\n" for line in lines), command_line))
    run("grub-mkimage", "-O", "x86_64-efi", "-p", "/EFI/BOOT", "-o", grub, *MODULES, *modules)
    return efi.boot_disk(directory, {efi.LOADER: grub, "EFI/BOOT/grub.cfg": config,
                                     "vmlinuz": kernel, "acpi.cpio": acpi, "initrd.img": initrd})
