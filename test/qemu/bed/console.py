# SPDX-License-Identifier: Apache-2.0
"""Watching a running machine: its console, what it answers, and when to cut its power."""

import os
import re
import selectors
import time

# Exit statuses of vm that are not the guest script's
NO_CUT, TIMEOUT, NO_ANSWER = 123, 124, 125


class Lines:
    """A pipe, read a line at a time. `rest` is the last line as long as it is not complete."""

    def __init__(self, descriptor):
        self.descriptor = descriptor
        self.rest = ""

    def read(self):
        """The lines that are complete now; None at the end."""
        data = os.read(self.descriptor, 65536)
        if not data:
            return None
        *lines, self.rest = (self.rest + data.decode("utf-8", "replace")).split("\n")
        return [line.rstrip("\r") for line in lines]


class Watch:
    """Follows one run of QEMU; the result is what vm exits with."""

    def __init__(self, qemu, answers, options, say):
        self.qemu = qemu
        self.console = Lines(qemu.stdout.fileno())
        self.answers = Lines(answers)
        self.cut_at = options.cut_at and re.compile(options.cut_at)
        self.typing = [(re.compile(prompt), text) for prompt, text in options.type]
        self.deadlines = {"timeout": options.timeout, "--cut-after": options.cut_after}
        self.say = say
        self.start = time.monotonic()
        self.cut = None
        self.status = None
        self.panic = ""

    def run(self):
        """Until QEMU ends, which closes both pipes."""
        with selectors.DefaultSelector() as selector:
            selector.register(self.console.descriptor, selectors.EVENT_READ, self.on_console)
            selector.register(self.answers.descriptor, selectors.EVENT_READ, self.on_answers)
            while all(key.data() for key, _ in selector.select(self.time_left())):
                self.check_deadlines()
        while self.on_console() or self.on_answers():
            pass
        self.qemu.wait()
        self.show(f"# exit status {self.result()}{self.explanation()}")
        return self.result()

    def result(self):
        if self.cut == "timeout":
            return TIMEOUT
        if self.status is None and self.cut:
            return 0
        if self.cut_at and not self.cut:
            return NO_CUT
        return NO_ANSWER if self.status is None else self.status

    def explanation(self):
        reasons = {NO_CUT: ": --cut-at never matched", TIMEOUT: ": the timeout",
                   NO_ANSWER: f": the guest went off without an answer{self.panic}"}
        return reasons.get(self.result(), "")

    def elapsed(self):
        return time.monotonic() - self.start

    def time_left(self):
        if self.cut:
            return None
        return max(0, min(filter(None, self.deadlines.values())) - self.elapsed())

    def check_deadlines(self):
        for why, seconds in self.deadlines.items():
            if seconds and self.elapsed() >= seconds:
                self.cut_power(why)

    def on_console(self):
        lines = self.console.read()
        for line in lines or ():
            self.show(line)
            self.react(line)
            if "Kernel panic" in line:
                self.panic = f"; it said {line}"
        self.react(self.console.rest)
        return lines is not None

    def show(self, line):
        self.say(f"[{self.elapsed():7.2f}] {line}")

    def react(self, text):
        if self.cut_at and self.cut_at.search(text):
            self.cut_power("--cut-at")
        if self.typing and self.typing[0][0].search(text):
            self.show(self.console.rest)
            self.console.rest = ""
            self.qemu.stdin.write(self.typing.pop(0)[1].encode() + b"\n")
            self.qemu.stdin.flush()

    def on_answers(self):
        """The guest says "exit STATUS", or "cut STATUS" to have its power cut.

        The rest is UEFI firmware, which uses every serial port.
        """
        lines = self.answers.read()
        for line in lines or ():
            answer = re.search(r"(exit|cut) (\d+)$", line)
            if answer:
                self.status = int(answer[2])
            if answer and answer[1] == "cut":
                self.cut_power("the guest asks for it")
        return lines is not None

    def cut_power(self, why):
        if not self.cut:
            self.cut = why
            self.show(f"# power cut: {why}")
            self.qemu.kill()
