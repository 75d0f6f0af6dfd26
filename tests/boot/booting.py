"""Runs tools/boot.py for the tests of this folder; conftest.py has the fixtures.

A program is one of the image (apps/) or one of tests/guest/, which is put into
the guest by --file where it was built. POSTERN_BUILD names the folder of the
build (build); conftest.py brings it up to date before the first test.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
BUILD = (TOP / os.environ.get("POSTERN_BUILD", "build")).resolve()
FULL = os.environ.get("POSTERN_FULL", "") not in ("", "0")
REST = os.environ.get("POSTERN_FULL", "") == "rest"  # see conftest.py

TIME_LIMIT = 124
PANIC = 125
NOT_STARTED = 126
NO_PROGRAM = 127

HELLO = (b"Hello, world, by int 99!\n"
         b"Hello, world, through the commpage!\n"
         b"Hello, world, through _kern_write!\n")

# What boot.py allows an emulator beyond the time limit, and a busy host.
HOST_SECONDS = 60


@dataclass
class Run:
    """What one run of boot.py gave."""

    command: list
    stdout: bytes
    log: str
    status: int

    def lines(self, beginning):
        """The log's lines that begin so."""
        return [line for line in self.log.splitlines() if line.startswith(beginning)]

    def __str__(self):
        # pytest shows this when an assertion about the run fails.
        return (f"{' '.join(map(str, self.command))}\nstatus {self.status}\n"
                f"stdout {self.stdout!r}\nlog\n{self.log}")

    __repr__ = __str__


def guest_program(name, build=BUILD):
    """Where a program of tests/guest/ was built."""
    return build / "tests" / "bin" / name


def command_for(program, *arguments, cpu=None, emulator="qemu", accel="tcg", syscall=None,
                smp=None, direct=False, append=(), files=(), timeout=60, build=BUILD, iso=None,
                options=()):
    """The words of boot.py's command line. `append` is one --append or a list of
    them, `files` a list of (host path, guest path), `options` of further words;
    `build` is where the ISO and the programs of tests/guest/ are."""
    command = [sys.executable, str(TOP / "tools" / "boot.py"), "--emulator", emulator]
    if emulator == "qemu":
        command += ["--accel", accel]
    command += ["--iso", str(iso or build / "postern.iso"), "--timeout", str(timeout)]
    for option, value in (("--cpu", cpu), ("--syscall", syscall), ("--smp", smp)):
        if value is not None:
            command += [option, str(value)]
    if direct:
        command += ["--direct"]
    for words in [append] if isinstance(append, str) else append:
        command += ["--append", words]
    for host, guest in files:
        command += ["--file", f"{host}:{guest}"]
    if program is not None and guest_program(program, build).is_file():
        command += ["--file", f"{guest_program(program, build)}:/bin/{program}"]
    command += map(str, options)
    if program is not None:
        command += ["--", program, *arguments]
    return command


def boot(program=None, *arguments, stdin=None, timeout=60, **machine):
    """Boots with `program` as the first one. `stdin` is bytes, or None for an
    input that is at its end."""
    command = command_for(program, *arguments, timeout=timeout, **machine)
    done = subprocess.run(command, input=b"" if stdin is None else stdin,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=timeout + HOST_SECONDS)
    return Run(command, done.stdout, done.stderr.decode(errors="replace"), done.returncode)


def boot_both(program, *arguments, **machine):
    """The same under SYSENTER and under int 99, on a CPU that has both."""
    runs = [boot(program, *arguments, syscall=way, **machine) for way in ("sysenter", "int")]
    for run, entry in zip(runs, ("sysenter", "int99")):
        assert entry_used(run) == entry, run
    return runs


def entry_used(run):
    """`sysenter` or `int99`, from the line that the log has exactly once."""
    line, = run.lines("syscall: entry ")
    match = re.fullmatch(r"syscall: entry (sysenter|int99), commpage 0xffff0000, (\d+) calls",
                         line)
    assert match, line
    return match.group(1)


def syscall_count():
    """How many numbers the build's generated table has."""
    text = (BUILD / "generated" / "syscall_table.c").read_text()
    return int(re.search(r"kSyscallCount\s*=\s*(\d+)", text).group(1))


# What make hands down to its recipes' processes, and a make of a test must not see.
MAKE_VARIABLES = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "BUILD", "V", "APP", "ARGS",
                  "EMULATOR", "CPU", "SYSCALL", "MEMORY", "APPEND", "POSTERN_BUILD")


def copy_sources(top):
    """A copy of the tree, to change, of which nothing is built."""
    shutil.copytree(TOP, top, symlinks=True, ignore=shutil.ignore_patterns(
        "build", "build-*", BUILD.name, ".git", "__pycache__", ".pytest_cache"))


def copy_tree(top):
    """The same with the C library, which is the same for all, and with what is built
    here and need not be again."""
    copy_sources(top)
    build = top / "build"
    build.mkdir()
    (build / "cache").symlink_to(TOP / "build" / "cache")
    for name in ("flags", "generated", "kernel", "arch", "libroot", "apps", "lib"):
        source = BUILD / name
        if source.is_dir():
            shutil.copytree(source, build / name)
        elif source.exists():
            shutil.copy2(source, build / name)


def run_make(*arguments, tree=TOP, timeout=300, errors=subprocess.STDOUT):
    """make in `tree`. Its errors are in .stdout with its output, or, with
    errors=subprocess.PIPE, in .stderr."""
    variables = {name: value for name, value in os.environ.items()
                 if name not in MAKE_VARIABLES}
    variables["POSTERN_DEPS"] = "skip"
    return subprocess.run(["make", "--no-print-directory", *arguments], cwd=tree, env=variables,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=errors, text=True, errors="replace", timeout=timeout)
