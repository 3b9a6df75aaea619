# SPDX-License-Identifier: Apache-2.0
"""QEMU's command line for the machine, a part at a time."""

import os
import shutil
import subprocess

from bed.dimms import GIB, MIB

MEMORY_MIB = 1024
INITRD_ADDRESS = 256 * MIB
# The kernel's tests of its own ciphers would take a fifth of each boot.
COMMAND_LINE = ("console=ttyS0 panic=-1 printk.devkmsg=on norandmaps "
                "cryptomgr.notests=1 initcall_blacklist=crypto_kdf108_init")


def base():
    # Linux 6.2 and later refuse to use an NVDIMM unlocked in a virtual machine, as they cannot
    # flush its caches: -hypervisor hides that this is one. With more than one CPU about one
    # boot in a hundred dies in an int3: QEMU's threads and the kernel's self-patching race.
    return ["qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "qemu64,+rdrand,-hypervisor",
            "-smp", "1", "-machine", "q35,nvdimm=on,sata=off", "-nodefaults", "-display", "none"]


def dimms(state):
    """The memory: RAM, the DIMMs at their fixed addresses, and the state file of the latter."""
    count = state.count()
    limit = MEMORY_MIB + (count + 8) * GIB // MIB
    if count == 0:
        return ["-m", f"{MEMORY_MIB}M"]
    arguments = ["-m", f"{MEMORY_MIB}M,slots={count},maxmem={limit}M"]
    for index in range(count):
        arguments += backend(f"media{index}", state.media(index))
        arguments += ["-device", f"nvdimm,id=nvdimm{index},memdev=media{index},"
                                 f"slot={index},addr={state.get(index, 'address'):#x}"]
    # The firmware looks for it in PCI slot 10h.
    return arguments + backend("state", state.path) + [
        "-device", "ivshmem-plain,memdev=state,master=on,addr=0x10"]


def backend(name, path):
    return ["-object", f"memory-backend-file,id={name},share=on,mem-path={path},"
                       f"size={os.path.getsize(path)}"]


def disks(directory, payload, root, keeps_root):
    """vda: /persist; vdb: what the host hands over; vdc: the root."""
    persist = os.path.join(directory, "persist.img")
    if not os.path.exists(persist):
        make_disk(persist)
    arguments = disk("persist", persist, 0x11) + disk("payload", payload, 0x12, ",readonly=on")
    if root:
        arguments += disk("root", root, 0x13, "" if keeps_root else ",snapshot=on")
    return arguments


def make_disk(path):
    # Room for some unpacked images in its boot.
    with open(path + ".new", "wb") as file:
        file.truncate(192 * MIB)
    subprocess.run(["mke2fs", "-q", "-t", "ext4", path + ".new"], check=True)
    os.rename(path + ".new", path)


def disk(name, path, slot, drive_options="", device_options=""):
    return ["-drive", f"if=none,id={name},format=raw,file={path}{drive_options}",
            "-device", f"virtio-blk-pci,drive={name},addr={slot:#x}{device_options}"]


def concatenate(path, *parts):
    with open(path, "wb") as whole:
        for part in parts:
            with open(part, "rb") as file:
                shutil.copyfileobj(file, whole)
    return path


def direct_boot(kernel, initrd, command_line):
    """Start an unpacked kernel at once.

    The initramfs is put in the middle of the memory. With -initrd QEMU would put it at the top,
    over the ACPI tables, which are larger than it expects when there is a TPM.
    """
    size = os.path.getsize(initrd)
    place = f"memmap={size:#x}${INITRD_ADDRESS:#x} initrdmem={INITRD_ADDRESS:#x},{size:#x}"
    return ["-kernel", kernel, "-append", f"{command_line} {place}",
            "-device", f"loader,file={initrd},addr={INITRD_ADDRESS:#x},force-raw=on"]
