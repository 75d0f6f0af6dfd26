"""Other ways to build the same tree: with assertions, with gcc, elsewhere."""

import pytest

import booting

pytestmark = pytest.mark.slow


def check(build):
    """hello, and the harness of the door, by both ways."""
    for way in ("sysenter", "int"):
        run = booting.boot("hello", build=build, syscall=way)
        assert (run.stdout, run.status) == (booting.HELLO, 0), run
        run = booting.boot("door", build=build, syscall=way, direct=True, timeout=120)
        assert run.status == 0, run


def build_in(folder, *variables):
    made = booting.run_make("-j2", f"BUILD={folder}", *variables, "iso", "guest-tests",
                            timeout=600)
    assert made.returncode == 0, made.stdout[-6000:]
    return folder


def test_debug(tmp_path):
    """DEBUG=1, in a folder far from the tree."""
    check(build_in(tmp_path / "elsewhere", "DEBUG=1"))


@pytest.mark.full
@pytest.mark.parametrize("debug", ("DEBUG=0", "DEBUG=1"))
def test_gcc(tmp_path, debug):
    check(build_in(tmp_path / "gcc", "CC=gcc", debug))


def test_help():
    made = booting.run_make("help")
    assert made.returncode == 0
    for name in ("run", "test", "test-full", "gdb", "abi-lock", "bench", "bench-door",
                 "clean"):
        assert f"  make {name} " in made.stdout
