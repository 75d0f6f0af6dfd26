#!/usr/bin/env python3
"""Runs the tests: `make test`, and with POSTERN_FULL=1 `make test-full`.

    tests/run.py [PYTEST'S ARGUMENTS]

One pytest over tests/host/ and tests/boot/, on every processor (POSTERN_JOBS
says another number). Words that are folders or files of tests replace those two.
Its last line counts what passed, failed and was skipped; the reasons of the
skipped stand above it. The status is 0 only when none failed.
"""

import importlib.util
import os
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
FOLDERS = ("tests/host", "tests/boot")
DEBIAN_PYTHON = "/usr/bin/python3"


def main(arguments):
    os.chdir(TOP)
    if importlib.util.find_spec("pytest") is None:
        # Debian's modules are for Debian's Python, which PATH may hide.
        if os.access(DEBIAN_PYTHON, os.X_OK) and sys.executable != DEBIAN_PYTHON:
            os.execv(DEBIAN_PYTHON, [DEBIAN_PYTHON, __file__, *arguments])
        print("run.py: there is no pytest (Debian's package python3-pytest)", file=sys.stderr)
        return 1

    is_full = os.environ.get("POSTERN_FULL", "") not in ("", "0")
    if is_full:
        os.environ.setdefault("POSTERN_FUZZ_SECONDS", "30")
    command = [sys.executable, "-m", "pytest", "-q", "-rfEs", "-p", "no:cacheprovider",
               "--rootdir", str(TOP), "--durations", "10" if is_full else "3"]
    if importlib.util.find_spec("xdist") is not None:
        # loadgroup: tests that share a built copy of the tree share a worker.
        jobs = os.environ.get("POSTERN_JOBS") or str(len(os.sched_getaffinity(0)))
        command += ["-n", jobs, "--dist", "loadgroup"]
    if not any(Path(word.split("::")[0]).exists() for word in arguments):
        command += FOLDERS
    sys.stdout.flush()
    os.execv(sys.executable, [*command, *arguments])
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
