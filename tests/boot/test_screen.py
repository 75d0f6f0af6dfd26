"""What can be read on the screen, in VGA text mode and on UEFI's framebuffer."""

import os
import sys

import pytest

import booting

sys.path.insert(0, str(booting.TOP / "tools"))
import screenshot  # noqa: E402


def read_screen(run, path):
    """The lines of a screenshot, those without text left out."""
    assert path.exists(), run
    return [line for line in screenshot.decode(path.read_bytes()) if line]


def check_hello(run, screen, width):
    hello = booting.HELLO.decode().splitlines()
    assert (run.stdout, run.status) == (booting.HELLO, 0), run
    # The last on the screen: the log goes there until the first program runs.
    assert screen[-3:] == hello, screen
    for line in run.lines("syscall: entry ") + run.lines("kernel: "):
        assert line[:width] in screen
    assert not any(line.startswith("power: ") for line in screen)
    assert not any(screenshot.UNKNOWN in line for line in screen), screen


@pytest.mark.parametrize("direct", (False, True), ids=("grub", "direct"))
def test_text_mode(boot, tmp_path, direct):
    picture = tmp_path / "screen.ppm"
    run = boot("hello", direct=direct, options=["--screenshot", picture])
    if direct and not picture.read_bytes().startswith(b"P6\n720 400\n"):
        pytest.skip("QEMU's own loader leaves no text mode")
    check_hello(run, read_screen(run, picture), 80)


@pytest.mark.slow
@pytest.mark.parametrize("firmware,file", (
    ("ovmf", "/usr/share/OVMF/OVMF_CODE_4M.fd"),
    ("ovmf-ia32", "/usr/share/OVMF/OVMF32_CODE_4M.secboot.fd"),
))
def test_framebuffer(boot, tmp_path, firmware, file):
    if not os.path.exists(file):
        pytest.skip(f"no {file} (Debian's package {firmware})")
    picture = tmp_path / "screen.ppm"
    run = boot("hello", options=["--firmware", firmware, "--screenshot", picture], timeout=120)
    check_hello(run, read_screen(run, picture), 128)
    # No text mode has this size, so these were pixels that the kernel drew.
    assert picture.read_bytes().split(b"\n")[1] == b"1024 768"
    assert booting.entry_used(run) == "sysenter"


def test_panic(boot, tmp_path):
    picture = tmp_path / "screen.ppm"
    run = boot("hello", cpu="pentium", syscall="sysenter", options=["--screenshot", picture])
    assert run.status == booting.PANIC, run
    screen = read_screen(run, picture)
    assert any(line.startswith("panic: syscall=sysenter") for line in screen), screen
    assert any("i386_syscall_init+0x" in line for line in screen), screen
