# SPDX-License-Identifier: Apache-2.0
"""A Unified Kernel Image: systemd's EFI stub with kernel, initramfs and command line as sections.

The stub measures those sections into PCR 11, and hands .pcrsig and .pcrpkey to the initramfs, as
tpm2-pcr-signature.json and tpm2-pcr-public-key.pem in /.extra.
"""

import os
import re

from bed import efi, signer
from bed.places import run

STUB = "/usr/lib/systemd/boot/efi/linuxx64.efi.stub"
# The stub of systemd 252 does not measure .uname, nor does its systemd-measure know it.
MEASURED = ("linux", "osrel", "cmdline", "initrd", "pcrpkey")
PAGE = 0x1000


def boot_disk(directory, sections, key, phases):
    """sections: files for .linux and .initrd, the texts of .cmdline and .uname."""
    parts = os.path.join(directory, "uki")
    os.makedirs(parts, exist_ok=True)
    files = {"osrel": "/etc/os-release", "linux": sections["linux"], "initrd": sections["initrd"]}
    for name in ("cmdline", "uname"):
        files[name] = write(parts, name, sections[name])
    files["pcrpkey"] = signer.public_key(key, os.path.join(parts, "pcrpkey"))
    measured = {name: files[name] for name in MEASURED}
    files["pcrsig"] = write(parts, "pcrsig", signer.sign(key, files["pcrpkey"], measured, phases))
    return efi.boot_disk(directory, {efi.LOADER: join(files, os.path.join(parts, "uki.efi"))})


def write(directory, name, text):
    path = os.path.join(directory, name)
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
    return path


def join(files, target):
    """The stub with these sections behind its own, each on pages of its own."""
    address = end_of_stub()
    arguments = []
    for name, path in files.items():
        arguments += ["--add-section", f".{name}={path}",
                      "--change-section-vma", f".{name}={address:#x}"]
        address = next_page(address + os.path.getsize(path))
    run("objcopy", *arguments, STUB, target)
    return target


def end_of_stub():
    sections = re.findall(r"^ +\d+ \.\w+ +(\w+) +(\w+)", run("objdump", "-h", STUB), re.M)
    return next_page(max(int(size, 16) + int(address, 16) for size, address in sections))


def next_page(address):
    return -(-address // PAGE) * PAGE
