#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""late_answer.py SECONDS ANSWER COMMAND...: runs COMMAND with a console at which somebody gives ANSWER,
SECONDS after the first prompt. In a mount namespace of its own: /dev/console is another one there, and no
systemd takes questions."""

import os
import pty
import subprocess
import sys
import time

seconds, answer, *command = sys.argv[1:]
ours, theirs = pty.openpty()
subprocess.run(["mount", "--bind", os.ttyname(theirs), "/dev/console"], check=True)
if os.path.exists("/run/systemd"):
    subprocess.run(["mount", "-t", "tmpfs", "none", "/run/systemd"], check=True)
process = subprocess.Popen(command)
os.read(ours, 1024)
time.sleep(float(seconds))
os.write(ours, answer.encode() + b"\n")
sys.exit(process.wait())
