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


@pytest.mark.full
def test_debug(tmp_path):
    """DEBUG=1, in a folder far from the tree."""
    check(build_in(tmp_path / "elsewhere", "DEBUG=1"))


@pytest.mark.full
@pytest.mark.parametrize("debug", ("DEBUG=0", "DEBUG=1"))
def test_gcc(tmp_path, debug):
    check(build_in(tmp_path / "gcc", "CC=gcc", debug))


@pytest.mark.full
def test_hello_before_the_library(tmp_path):
    """Nobody waits for the C library to see hello: here it would never come."""
    tree = tmp_path / "tree"
    booting.copy_sources(tree)
    rules = tree / "libroot/newlib.mk"
    rules.write_text(rules.read_text().replace("/usr/src/newlib", "/nonexistent"))
    made = booting.run_make("-j2", "iso", tree=tree)
    assert made.returncode == 0, made.stdout[-6000:]
    run = booting.boot("hello", build=tree / "build")
    assert (run.stdout, run.status) == (booting.HELLO, 0), run
    assert not (tree / "build/root/bin/ls").exists()
    made = booting.run_make("programs", "libc", tree=tree)
    assert made.returncode != 0 and "newlib-source" in made.stdout, made.stdout[-6000:]


def test_help():
    made = booting.run_make("help")
    assert made.returncode == 0
    for name in ("run", "test", "test-full", "gdb", "abi-lock", "bench", "bench-door",
                 "clean"):
        assert f"  make {name} " in made.stdout
