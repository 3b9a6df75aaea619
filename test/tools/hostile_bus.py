#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Somebody on the bus between nvunlock and its TPM, who spoils one command after another.

    hostile_bus.py COMMAND --nvunlock FILE --tpm DIR --keys DIR --root DIR [--kek FILE] [...]

For each TPM command of `unlock`, `latch`, `enroll` or `approve`, and each WAY to spoil it, the machine
is powered on anew (a copy of the swtpm state in DIR), COMMAND is run once through the bus, and then the
TPM is asked again, untouched. A cell holds when

- COMMAND ended within --seconds,
- exit code 0 of `unlock` or `latch` means that the TPM does not unseal a second time,
- a kek that `unlock` left in the keyring is the one in FILE, and there is one after exit code 0,
- a key file that `enroll` left opens, and yields the kek in the keyring; after exit code 0 there is one,
- the TPM approves what `enroll` or `approve` does when nobody spoils it, after exit code 0; and after
  another one of `approve` that, or what it approved before.

Prints the cells that do not hold, and last "TRIED HELD". The exit status says whether all do. Run it in
a user namespace of its own: it clears the user keyring.
"""

import argparse
import dataclasses
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

NAMES = {
    0x120: "EvictControl", 0x122: "NV_UndefineSpace", 0x12A: "NV_DefineSpace", 0x131: "CreatePrimary",
    0x137: "NV_Write", 0x144: "Startup", 0x14E: "NV_Read", 0x14F: "NV_ReadLock", 0x153: "Create",
    0x157: "Load", 0x15E: "Unseal", 0x160: "PolicySigned", 0x165: "FlushContext", 0x167: "LoadExternal",
    0x169: "NV_ReadPublic", 0x16A: "PolicyAuthorize", 0x16B: "PolicyAuthValue",
    0x16D: "PolicyCounterTimer", 0x171: "PolicyOR", 0x173: "ReadPublic",
    0x176: "StartAuthSession", 0x177: "VerifySignature", 0x17A: "GetCapability", 0x17B: "GetRandom",
    0x17E: "PCR_Read", 0x17F: "PolicyPCR", 0x180: "PolicyRestart", 0x181: "ReadClock",
    0x182: "PCR_Extend", 0x189: "PolicyGetDigest", 0x192: "PolicyAuthorizeNV",
}
PCR_EXTEND = 0x182
HANG_UP, SILENCE = "hang up", "silence"


def code_of(message):
    return struct.unpack(">I", message[6:10])[0]


def receive(connection):
    """A whole message, or nothing when the other end hung up."""
    message = b""
    wanted = 10
    while len(message) < wanted:
        part = connection.recv(wanted - len(message))
        if not part:
            return b""
        message += part
        if len(message) >= 6:
            wanted = max(10, struct.unpack(">I", message[2:6])[0])
    return message


def connect(path):
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(path)
    return connection


def error(code):
    return struct.pack(">HII", 0x8001, 10, code)


def flipped(position):
    """Turns one bit of the answer; the size in its header only becomes smaller."""
    def spoil(answer):
        at = position(answer)
        if not 0 <= at < len(answer):
            return answer
        changed = bytearray(answer)
        changed[at] = changed[at] & (changed[at] - 1) if at == 5 else changed[at] ^ 1
        return bytes(changed)
    return spoil


# What becomes of an answer that the TPM gave.
FLIPS = {
    "flip the tag": flipped(lambda a: 1),
    "flip the size": flipped(lambda a: 5),
    "flip the response code": flipped(lambda a: 9),
    "flip the handle": flipped(lambda a: 13),
    "flip a parameter": flipped(lambda a: 17),
    "flip the middle": flipped(lambda a: 10 + (len(a) - 10) // 2),
    "flip the end": flipped(lambda a: len(a) - 1),
}
# What is said in the TPM's place.
REFUSALS = {
    "refuse: NV locked": 0x148, "refuse: bad auth": 0x9A2, "refuse: no such handle": 0x18B,
    "refuse: policy fails": 0x99D, "refuse: PCR changed": 0x128, "refuse: failure mode": 0x101,
}
SWALLOW = "swallow the command and replay"
OTHERS = ["lose the answer", "lose the command", "say nothing", "answer late", "replay the previous answer",
          "replay an earlier answer", SWALLOW]
WAYS = OTHERS + list(FLIPS) + list(REFUSALS)


@dataclasses.dataclass
class Fault:
    """Spoils command NUMBER, or all commands with CODE."""
    way: str
    number: int = -1
    code: int = -1

    def hits(self, number, code):
        return number == self.number or code == self.code


class Bus:
    """Serves one client after another at PATH, over the TPM at UPSTREAM."""

    def __init__(self, path, upstream, fault, record, late):
        self.fault, self.record, self.late = fault, record, late
        self.upstream = upstream
        self.answers = []  # genuine ones: (code, answer)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(4)
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listener.close()

    def serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            with client, connect(self.upstream) as tpm:
                self.serve_client(client, tpm)

    def serve_client(self, client, tpm):
        while command := receive(client):
            answer = self.answer(command, tpm)
            if answer == SILENCE:
                client.settimeout(None)
                client.recv(1)  # until the client gives up
                return
            if answer == HANG_UP:
                return
            try:
                client.sendall(answer)
            except OSError:
                return

    def answer(self, command, tpm):
        number, code = len(self.answers), code_of(command)
        if not (self.fault and self.fault.hits(number, code)):
            return self.forward(command, tpm)
        way = self.fault.way
        if way in REFUSALS or way in ("lose the command", SWALLOW):
            self.answers.append((code, b""))
        else:
            genuine = self.forward(command, tpm)
        if way in FLIPS:
            return FLIPS[way](genuine)
        if way in REFUSALS:
            return error(REFUSALS[way])
        if way == "answer late":
            time.sleep(self.late)
            return genuine
        if way == "replay the previous answer":
            return self.earlier(lambda c: True) or HANG_UP
        if way in ("replay an earlier answer", SWALLOW):
            return self.earlier(lambda c: c == code) or self.recorded(number, code) or HANG_UP
        return SILENCE if way == "say nothing" else HANG_UP

    def forward(self, command, tpm):
        tpm.sendall(command)
        answer = receive(tpm)
        self.answers.append((code_of(command), answer))
        return answer

    def earlier(self, wanted):
        return next((a for c, a in reversed(self.answers[:-1]) if a and wanted(c)), None)

    def recorded(self, number, code):
        """The answer in the run that nobody spoilt: of this very command, else of one like it."""
        if number < len(self.record) and self.record[number][0] == code:
            return self.record[number][1]
        return next((a for c, a in self.record if c == code), None)


class Machine:
    """What is switched on for one cell."""

    def __init__(self, options, directory):
        self.options, self.directory = options, directory
        self.keys = options.keys
        self.socket = directory + "/s"
        shutil.copytree(options.tpm, directory, ignore=lambda d, names: [n for n in names if n[0] == "s"])
        if options.command == "enroll":
            self.keys = directory + "/keys"
            os.mkdir(self.keys, 0o700)
        shutil.rmtree(options.root + "/run", ignore_errors=True)
        self.swtpm = subprocess.Popen(
            ["swtpm", "socket", "--tpm2", "--tpmstate", "dir=" + directory,
             "--server", "type=unixio,path=" + self.socket, "--flags", "not-need-init,startup-clear"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.await_tpm()
        for pcr in (7, 8, 12):
            self.extend(pcr)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.swtpm.send_signal(signal.SIGKILL)
        self.swtpm.wait()
        shutil.rmtree(self.directory)

    def await_tpm(self):
        for _ in range(1000):
            try:
                connect(self.socket).close()
                return
            except OSError:
                time.sleep(0.01)
        sys.exit("swtpm does not start")

    def exchange(self, commands):
        with connect(self.socket) as tpm:
            for command in commands:
                tpm.sendall(command)
                receive(tpm)

    def extend(self, pcr):
        """As the firmware, and as extend() of common.bash."""
        digest = pcr.to_bytes(32, "big")
        body = struct.pack(">IIIHBH", pcr, 9, 0x40000009, 0, 0, 0) + struct.pack(">IH", 1, 0xB) + digest
        self.exchange([struct.pack(">HII", 0x8002, 10 + len(body), PCR_EXTEND) + body])

    def flush(self):
        """As a resource manager would, now that nobody is connected."""
        handles = [base + n for base in (0x80000000, 0x02000000, 0x03000000) for n in range(3)]
        self.exchange(struct.pack(">HIII", 0x8001, 14, 0x165, handle) for handle in handles)

    def nvunlock(self, tpm_socket, *words):
        command = [self.options.nvunlock, *words, "--root=" + self.options.root,
                   "--keys-dir=" + self.keys, "--tpm2-device=swtpm:path=" + tpm_socket]
        words = self.options.input.replace(",", "\n")
        try:
            return subprocess.run(command, input=words, text=True, timeout=self.options.seconds,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        except subprocess.TimeoutExpired:
            return subprocess.CompletedProcess(command, -1, "it hangs")

    def run_through_bus(self, fault, record, late):
        path = self.directory + "/bus"
        bus = Bus(path, self.socket, fault, record, late)
        words = [self.options.command, *self.options.option]
        started = time.monotonic()
        done = self.nvunlock(path, *words)
        seconds = time.monotonic() - started
        bus.close()
        self.flush()
        return done, seconds, bus.answers

    def approved(self):
        """What the TPM says is approved: the run directory does not tell."""
        shutil.rmtree(self.options.root + "/run", ignore_errors=True)
        return approved_in(self.nvunlock(self.socket, "approve").stdout)

    def open_again(self):
        """The exit code of a second unseal, and the kek that came of it."""
        subprocess.run(["keyctl", "clear", "@u"], check=True)
        done = self.nvunlock(self.socket, "load-keys")
        return done, kek_in_keyring()


def approved_in(text):
    return [line for line in text.splitlines() if line.startswith("approved: ")]


def kek_in_keyring():
    found = subprocess.run(["keyctl", "search", "@u", "user", "nvdimm-master"], capture_output=True,
                           text=True, check=False)
    if found.returncode != 0:
        return None
    return subprocess.run(["keyctl", "pipe", found.stdout.strip()], capture_output=True, check=True).stdout


def judge_closing(options, machine, done):
    kek = kek_in_keyring()
    if kek is not None and kek != options.genuine_kek:
        return "another kek is in the keyring"
    if done.returncode != 0:
        return None
    if options.command == "unlock" and kek is None:
        return "exit code 0, and no kek"
    again, _ = machine.open_again()
    if again.returncode not in (5, 11):
        return f"exit code 0, and the TPM answers a second unseal with {again.returncode}: {again.stdout}"
    return None


def judge_approved(options, machine, done):
    """The command printed what it wrote, and it wrote what it writes when nobody is on the bus."""
    approved = machine.approved()
    if options.expected is None:
        options.expected = approved_in(done.stdout)
    if done.returncode == 0 and not approved == approved_in(done.stdout) == options.expected:
        return f"exit code 0, and the TPM has {approved} instead of {options.expected}"
    return None


def judge_approve(options, machine, done):
    approved = machine.approved()
    if done.returncode != 0 and approved not in (options.expected, options.before):
        return f"exit code {done.returncode}, and the TPM has {approved}"
    return judge_approved(options, machine, done)


def judge_enroll(options, machine, done):
    kek = kek_in_keyring()
    path = machine.keys + "/nvdimm-master.pem"
    if not os.path.exists(path):
        if done.returncode == 0:
            return "exit code 0, and no key file"
        return None if kek is None else "a kek in the keyring, and no key file"
    again, unsealed = machine.open_again()
    if again.returncode != 0:
        return f"exit code {done.returncode}, and a key file that does not open: {again.stdout}"
    if kek not in (None, unsealed):
        return "the key file holds another kek than the keyring"
    return judge_approved(options, machine, done)


JUDGES = {"enroll": judge_enroll, "approve": judge_approve,
          "unlock": judge_closing, "latch": judge_closing}


def try_cell(options, directory, fault, record=()):
    """What is wrong with a cell (None: it holds), and the answers of the TPM."""
    subprocess.run(["keyctl", "clear", "@u"], check=True)
    with Machine(options, directory) as machine:
        if options.command == "approve":
            subprocess.run(["keyctl", "padd", "user", "nvdimm-master", "@u"], input=options.genuine_kek,
                           stdout=subprocess.DEVNULL, check=True)
            options.before = options.before or machine.approved()
        done, seconds, answers = machine.run_through_bus(fault, record, options.late)
        problem = JUDGES[options.command](options, machine, done)
    if seconds >= options.seconds:
        problem = f"{seconds:.0f} seconds"
    if (fault is None or fault.way == "answer late" and options.late < 10) and done.returncode != 0:
        problem = f"exit code {done.returncode}"
    if problem:
        problem += "\n" + done.stdout
    return problem, answers


def cells(options, record):
    """Each command by itself; and, by the ways that a retry would mend, all those with its code."""
    codes = sorted({code for code, _ in record})
    if options.sample:
        ways = [way for way in WAYS if way != "say nothing"]
        faults = [Fault(ways[number % len(ways)], number=number) for number in range(len(record))]
        faults += [Fault(way, code=code) for code in codes for way in ("lose the command", SWALLOW)]
        faults.append(Fault("say nothing", number=len(record) - 1))
    else:
        faults = [Fault(way, number=number) for number in range(len(record)) for way in WAYS]
        faults += [Fault(way, code=code) for code in codes for way in WAYS if way != "say nothing"]
    return faults[options.share - 1::options.shares]


def describe(fault, record):
    code = fault.code if fault.code >= 0 else record[fault.number][0]
    which = "all" if fault.code >= 0 else f"command {fault.number + 1} of {len(record)}:"
    return f"{which} {NAMES.get(code, hex(code))}: {fault.way}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=list(JUDGES))
    for name in ("nvunlock", "tpm", "keys", "root"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--kek", help="the genuine one")
    parser.add_argument("--sample", action="store_true", help="one way for each command, two for each code")
    parser.add_argument("--option", action="append", default=[], help="of COMMAND")
    parser.add_argument("--input", default="", help="what is typed; commas are line ends")
    parser.add_argument("--late", type=float, default=1, help="seconds that an answer takes")
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--share", type=int, default=1)
    parser.add_argument("--shares", type=int, default=1)
    options = parser.parse_args()
    options.expected = options.before = None
    options.genuine_kek = open(options.kek, "rb").read() if options.kek else None
    shutil.copytree(options.root, options.root + f".{options.share}")
    options.root += f".{options.share}"
    directory = f"{options.tpm}.{options.share}"

    problem, record = try_cell(options, directory, None)
    if problem:
        sys.exit("nobody on the bus: " + problem)
    faults = cells(options, record)
    failed = 0
    for fault in faults:
        problem, _ = try_cell(options, directory, fault, record)
        if problem:
            failed += 1
            print(f"{options.command}: {describe(fault, record)}: {problem}", flush=True)
    print(len(faults), len(faults) - failed)
    sys.exit(1 if failed else 0)


main()
