"""What a PC does with the ISO when nobody helps it: QEMU without boot.py, without
its debug exit and without a second disk. The machine must go off by itself."""

import json
import os
import socket
import subprocess
import time

import pytest

import booting

VGA_TEXT = 0xB8000
VGA_CELLS = 80 * 25


class Machine:
    """A QEMU whose ports go into files, with a QMP monitor."""

    def __init__(self, folder, *arguments):
        self.com1, self.com2 = folder / "com1", folder / "com2"
        self.cells = folder / "cells"
        monitor = folder / "qmp"
        self.process = subprocess.Popen(
            ["qemu-system-i386", "-nodefaults", "-display", "none", "-vga", "std",
             "-accel", "tcg", "-m", "128", "-serial", f"file:{self.com1}",
             "-serial", f"file:{self.com2}", "-qmp", f"unix:{monitor},server=on,wait=on",
             *map(str, arguments)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.monitor = socket.socket(socket.AF_UNIX)
        end = time.monotonic() + booting.HOST_SECONDS
        # The path of a socket is short; pytest's folders may not be.
        directory = os.open(folder, os.O_RDONLY)
        try:
            while True:
                try:
                    self.monitor.connect(f"/proc/self/fd/{directory}/qmp")
                    break
                except OSError:
                    if time.monotonic() > end or self.process.poll() is not None:
                        raise
                    time.sleep(0.05)
        finally:
            os.close(directory)
        self.stream = self.monitor.makefile("rwb")
        self.stream.readline()
        self.command("qmp_capabilities")

    def command(self, name, **arguments):
        self.stream.write(json.dumps({"execute": name, "arguments": arguments}).encode() + b"\n")
        self.stream.flush()
        for line in self.stream:
            answer = json.loads(line)
            assert "error" not in answer, answer
            if "return" in answer:
                return

    def key(self, name):
        self.command("send-key", keys=[{"type": "qcode", "data": name}])

    def text(self):
        """The screen of VGA's text mode, as it is now."""
        self.command("pmemsave", val=VGA_TEXT, size=2 * VGA_CELLS, filename=str(self.cells))
        return self.cells.read_bytes()[::2].decode("cp437")

    def wait_for_text(self, text):
        end = time.monotonic() + booting.HOST_SECONDS
        while text not in self.text():
            assert time.monotonic() < end, self.text()
            time.sleep(0.1)

    def wait_for_end(self):
        """Until QEMU ends, which it does when the machine goes off."""
        try:
            assert self.process.wait(booting.HOST_SECONDS) == 0
        finally:
            self.close()

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.stream.close()
        self.monitor.close()


@pytest.mark.parametrize("kind", ("pc", "q35"))
def test_off_by_acpi(tmp_path, kind):
    machine = Machine(tmp_path, "-machine", kind, "-no-reboot",
                      "-kernel", booting.BUILD / "postern.elf",
                      "-initrd", booting.BUILD / "system.tar", "-append", "init=/bin/hello")
    machine.wait_for_end()
    # Without boot.py the serial port is a terminal, whose lines end in CR LF.
    assert machine.com1.read_bytes().replace(b"\r\n", b"\n") == booting.HELLO
    assert machine.com2.read_bytes().endswith(b"power: off, status 0\n")


@pytest.mark.slow
@pytest.mark.parametrize("down,entry", ((0, b"sysenter"), (1, b"int99"), (2, b"sysenter")),
                         ids=("automatic", "int99", "sysenter"))
def test_menu(tmp_path, down, entry):
    """GRUB's menu: the automatic choice, forced int 99, forced SYSENTER."""
    machine = Machine(tmp_path, "-no-reboot", "-drive",
                      f"if=ide,media=cdrom,format=raw,readonly=on,file={booting.BUILD}/postern.iso")
    try:
        machine.wait_for_text("SYSENTER")
        for _ in range(down):
            machine.key("down")
        machine.key("ret")
    except BaseException:
        machine.close()
        raise
    machine.wait_for_end()
    # Without boot.py the serial port is a terminal, whose lines end in CR LF.
    assert machine.com1.read_bytes().replace(b"\r\n", b"\n") == booting.HELLO
    assert b"syscall: entry " + entry + b"," in machine.com2.read_bytes()


@pytest.mark.slow
def test_no_keys(tmp_path):
    """Left alone, it starts the first entry; the program's lines are on the screen
    until the machine is off."""
    machine = Machine(tmp_path, "-no-reboot", "-drive",
                      f"if=ide,media=disk,format=raw,snapshot=on,file={booting.BUILD}/postern.iso")
    machine.wait_for_end()
    # Without boot.py the serial port is a terminal, whose lines end in CR LF.
    assert machine.com1.read_bytes().replace(b"\r\n", b"\n") == booting.HELLO


def test_make_run():
    """`make run` with its input at the end, as in a script: hello, and where the shell could
    be fetched nothing more."""
    build = booting.BUILD
    if build.is_relative_to(booting.TOP):
        build = build.relative_to(booting.TOP)
    for words, expected in (((), booting.HELLO.decode()),
                            (("APP=echo", "EMULATOR=bochs"), "The number was: 0xDEADBEEF\n")):
        run = booting.run_make(f"BUILD={build}", "run", *words, errors=subprocess.PIPE)
        assert run.returncode == 0, run.stderr
        # A shell that is older than the C library is built again first.
        shown = [line for line in run.stdout.splitlines(True) if not line.startswith("  ")]
        if not words and not (booting.BUILD / "ports/root/bin/sh").is_file():
            assert shown.pop().startswith("init: there is no /bin/sh")
        assert "".join(shown) == expected
