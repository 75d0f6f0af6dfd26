"""What bench.py and bench_door.py share: booting a program that measures.

Such a program prints a line a row, `NAME MINIMUM MEDIAN ...`; other lines begin
with a word of the program's own. Numbers are cycles or, where the machine was
started with --icount, instructions: QEMU's time-stamp counter counts one or the
other.
"""

import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
BOOT = [sys.executable, os.path.join(HERE, "boot.py")]


def boot(iso, *options):
    """Runs boot.py on `iso`; returns (status, standard output, log)."""
    result = subprocess.run(
        [*BOOT, "--iso", iso, *options], stdin=subprocess.DEVNULL, capture_output=True,
        text=True, timeout=300)
    return result.returncode, result.stdout, result.stderr


def boot_program(iso, program, *options, arguments=()):
    """The same, with `program`, a file of the host, as the first program."""
    name = os.path.basename(program)
    return boot(iso, "--direct", "--file", f"{program}:/bin/{name}", *options, name, *arguments)


def rows_of(output):
    """{name: (minimum, median, further words)} of the lines that have numbers."""
    rows = {}
    for line in output.splitlines():
        words = line.split()
        if len(words) >= 3 and words[1].isdigit() and words[2].isdigit():
            rows[words[0]] = (int(words[1]), int(words[2]), words[3:])
    return rows


def entry_of(log):
    """Which way the commpage entered the kernel: "sysenter" or "int99"."""
    match = re.search(r"^syscall: entry (\w+),", log, re.MULTILINE)
    return match.group(1) if match else None
