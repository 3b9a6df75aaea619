# SPDX-License-Identifier: Apache-2.0
"""Passphrase blobs, without nvunlock or the kernel."""

import hashlib
import hmac
import subprocess

from bed.places import BedError


def derived(label, kek):
    """As Documentation/security/keys/trusted-encrypted.rst has it: SHA-256(label, NUL, kek, padding)."""
    whole = label + b"\0" + kek
    return hashlib.sha256(whole.ljust(32 if len(kek) + 9 < 32 else len(kek) + 9, b"\0")).digest()


def passphrase_in(blob, kek):
    """The 32 bytes that the text BLOB holds under KEK."""
    words = blob.split(b" ")
    if len(words) != 4 or words[0] != b"enc32" or words[2] != b"32" or len(words[3]) != 162:
        raise BedError("it is no passphrase blob")
    data = bytes.fromhex(words[3].decode())
    content, mac = data[:-32], data[-32:]
    signed = b"".join(word + b"\0" for word in words[:3]) + content
    if not hmac.compare_digest(hmac.digest(derived(b"AUTH_KEY", kek), signed, "sha256"), mac):
        raise BedError("it is damaged, or under another kek")
    return subprocess.run(
        ["openssl", "enc", "-d", "-aes-256-cbc", "-nopad", "-K", derived(b"ENC_KEY", kek).hex(),
         "-iv", content[:16].hex()], input=content[17:], stdout=subprocess.PIPE, check=True).stdout
