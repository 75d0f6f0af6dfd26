"""The C tests of this folder under the sanitizers, and a short run of its fuzzers.

A test_*.c prints a line per failed check and ends with a status other than 0;
host_build.py says how it is built. POSTERN_FUZZ_SECONDS is how long each
fuzz_*.c runs (2; 0 only builds it).
"""

import os
import subprocess

import pytest

import host_build

TESTS = sorted(host_build.HERE.glob("test_*.c"))
FUZZERS = sorted(host_build.HERE.glob("fuzz_*.c"))
FUZZ_SECONDS = int(os.environ.get("POSTERN_FUZZ_SECONDS", "2"))


def built(source, kind):
    try:
        return host_build.build(source, kind)
    except host_build.BuildError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.mark.parametrize("source", TESTS, ids=[source.stem for source in TESTS])
def test_c(source):
    done = subprocess.run([built(source, "build")], cwd=host_build.TOP, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
    if done.returncode != 0:
        pytest.fail(f"{source.name}: status {done.returncode}\n{done.stdout}", pytrace=False)


@pytest.mark.grows
@pytest.mark.parametrize("source", FUZZERS, ids=[source.stem for source in FUZZERS])
def test_fuzz(source):
    program = built(source, "fuzz")
    if FUZZ_SECONDS == 0:
        return
    done = host_build.run_fuzzer(program, FUZZ_SECONDS)
    if done.returncode != 0:
        pytest.fail(f"{source.name}: status {done.returncode}\n{done.stdout}", pytrace=False)
