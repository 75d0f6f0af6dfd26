"""What the boot tests share: the build, brought up to date once, and `boot`."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
import booting  # noqa: E402


def pytest_sessionstart(session):
    """Builds in pytest's own process, before xdist's workers start."""
    if hasattr(session.config, "workerinput") or session.config.option.collectonly:
        return
    build = booting.BUILD
    if build.is_relative_to(booting.TOP):
        build = build.relative_to(booting.TOP)  # as make names it: the flags are the same
    made = booting.run_make(f"BUILD={build}", "iso", "guest-tests",
                            "bench-programs", timeout=600)
    if made.returncode != 0:
        pytest.exit(f"make failed:\n{made.stdout[-4000:]}", returncode=1)


def pytest_collection_modifyitems(config, items):
    """Leaves out those of `make test-full`, and puts the long ones first, the longest
    before them, so that no worker is left with one at the end."""
    if not booting.FULL:
        left_out = [item for item in items if item.get_closest_marker("full")]
        items[:] = [item for item in items if not item.get_closest_marker("full")]
        config.hook.pytest_deselected(items=left_out)
    items.sort(key=lambda item: (item.get_closest_marker("longest") is None,
                                 item.get_closest_marker("slow") is None))


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes more than five seconds; started first")
    config.addinivalue_line("markers", "longest: takes minutes; started before those")
    config.addinivalue_line("markers", "full: in `make test-full` only")


@pytest.fixture
def boot():
    """boot(program, *arguments, cpu=, emulator=, accel=, syscall=, smp=, direct=,
    append=, files=, stdin=, timeout=, build=, iso=, options=) -> booting.Run"""
    return booting.boot


@pytest.fixture
def boot_both():
    """boot(), once by SYSENTER and once by int 99."""
    return booting.boot_both
