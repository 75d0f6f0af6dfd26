"""What the boot tests share: the build, brought up to date once, and `boot`."""

import re
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


# What `make test` has passed. With POSTERN_FULL=rest, which is for a run of all tests right
# behind it, that is not done again, but for the tests that do more in a full run.
PASSED_FILE = booting.BUILD / "tests" / "passed"
passed = []


def name_of(node_id):
    """Without the group that xdist appends."""
    return re.sub(r"@\w+$", "", node_id)


def pytest_runtest_logreport(report):
    if report.when == "call" and report.passed:
        passed.append(name_of(report.nodeid))


def pytest_sessionfinish(session):
    if not booting.FULL and not hasattr(session.config, "workerinput"):
        PASSED_FILE.write_text("".join(f"{name}\n" for name in sorted(passed)))


def pytest_collection_modifyitems(config, items):
    """Leaves out those of `make test-full`, and puts the long ones first, the longest
    before them, so that no worker is left with one at the end."""
    if booting.REST:
        done = set(PASSED_FILE.read_text().splitlines() if PASSED_FILE.is_file() else ())
        left_out = [item for item in items if name_of(item.nodeid) in done
                    and not item.get_closest_marker("grows")]
        for item in left_out:
            items.remove(item)
        config.hook.pytest_deselected(items=left_out)
    if not booting.FULL:
        left_out = [item for item in items if item.get_closest_marker("full")]
        items[:] = [item for item in items if not item.get_closest_marker("full")]
        config.hook.pytest_deselected(items=left_out)
    items.sort(key=lambda item: (item.get_closest_marker("longest") is None,
                                 item.get_closest_marker("slow") is None))


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes more than five seconds; started first")
    config.addinivalue_line("markers", "longest: takes minutes; started before those")
    config.addinivalue_line("markers", "grows: does more in `make test-full`")
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
