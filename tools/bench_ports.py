"""The ports' own benchmarks, for tools/bench.py: how many seconds each takes in the guest.

`make ports` builds what they need; ROWS says what that is. Each row is one boot by each
entry. The seconds are the guest's: SQLite's program says them itself, the others are
timed by Postern's `time`.
"""

import os
import re
import subprocess
import tempfile

import benching

SECONDS = 240
DISK_SIZE = "64M"
# Of bc's Test/timetest, which takes minutes in an emulator, those that take seconds.
BC_FILES = ("exp", "ln", "sine", "atan", "sqrt")
# What TinyCC's tests/Makefile calls its speed test
TCC_PROGRAMS = (("ex2", "1238 2 3 4 10 13 4"), ("ex3", "35"))


class NotBuilt(Exception):
    """Names what `make ports` has not built."""


class Failure(Exception):
    """Says how a benchmark failed."""


def source(build, port):
    """Where a port was unpacked."""
    folder = os.path.join(build, "ports", "source", port)
    inside = os.listdir(folder) if os.path.isdir(folder) else []
    return os.path.join(folder, inside[0]) if len(inside) == 1 else folder


def sqlite(build, size):
    return [("ports/bench/speedtest1", "/bin/speedtest1")], (
        "speedtest1", "--size", str(size), "/test.db"), None


def sqlite_disk(build, size):
    files, words, _ = sqlite(build, size)
    return files, (*words[:-1], "/home/test.db"), None


def bc(build, _):
    folder = os.path.relpath(os.path.join(source(build, "bc"), "Test"), build)
    files = [(f"{folder}/{name}.b", f"/t/{name}.b") for name in BC_FILES]
    return [("ports/root/bin/bc", "/bin/bc"), *files], None, "".join(
        f"echo {name}; time bc -l /t/{name}.b </dev/null 2>&1 >/dev/null || exit\n"
        for name in BC_FILES)


def tcc(build, _):
    folder = os.path.relpath(os.path.join(source(build, "tcc"), "examples"), build)
    files = [(f"{folder}/{name}.c", f"/t/{name}.c") for name, _ in TCC_PROGRAMS]
    files += [("ports/root/bin/tcc", "/bin/tcc"), (f"{folder}/../tcclib.h", "/t/tcclib.h")]
    # The image has what TinyCC needs beside itself.
    return files, None, "set -e\n" + "".join(
        f"echo compile-{name}; time tcc -I/t -o /t/{name} /t/{name}.c 2>&1\n"
        f"echo {name}; time /t/{name} {arguments} 2>&1 >/dev/null\n"
        for name, arguments in TCC_PROGRAMS)


ROWS = {"sqlite-ram": sqlite, "sqlite-disk": sqlite_disk, "bc-timetest": bc,
        "tcc-speedtest": tcc}


def details_of(output):
    """{part: seconds}: of speedtest1's lines, or of names and what `time` says below."""
    parts = {name: float(seconds) for name, seconds in
             re.findall(r"^ *(\d+ - .*?)\.{2,} +([\d.]+)s$", output, re.M)}
    parts.update((name, float(seconds)) for name, seconds in
                 re.findall(r"^(\S+)\n(?:.*\n)??([\d.]+) seconds, ", output, re.M))
    return parts


def run(build, name, size, *machine):
    """(seconds, {part: seconds}, log) of one row; NotBuilt, or Failure."""
    files, words, script = ROWS[name](build, size)
    if script is not None:
        files = [*files, ("ports/root/bin/sh", "/bin/sh")]
        words = ("sh", "/t/script")
    missing = [host for host, _ in files if not os.path.isfile(os.path.join(build, host))]
    if missing:
        raise NotBuilt(missing[0])
    with tempfile.TemporaryDirectory() as folder:
        options = []
        for host, guest in files:
            options += ["--file", f"{os.path.join(build, host)}:{guest}"]
        if script is not None:
            path = os.path.join(folder, "script")
            with open(path, "w", encoding="utf-8") as file:
                file.write(script)
            options += ["--file", f"{path}:/t/script"]
        if "/home/" in words[-1]:
            disk = os.path.join(folder, "disk")
            subprocess.run(["/sbin/mke2fs", "-q", "-F", "-t", "ext3", "-O", "^resize_inode",
                            disk, DISK_SIZE], check=True, capture_output=True)
            options += ["--disk", disk]
        status, output, log = benching.boot(
            os.path.join(build, "postern.iso"), "--direct", "--timeout", str(SECONDS), *machine,
            *options, *words)
    parts = details_of(output)
    total = re.search(r"^ *TOTAL\.+ +([\d.]+)s$", output, re.M)
    expected = len(BC_FILES) if name.startswith("bc") else 2 * len(TCC_PROGRAMS)
    if status != 0 or (total is None and len(parts) != expected):
        lines = (output + log).strip().splitlines()
        raise Failure(f"{name}: status {status}: {lines[-1] if lines else 'no output'}")
    return float(total.group(1)) if total else round(sum(parts.values()), 3), parts, log
