"""The console as a terminal: tests/guest/terminal through a pseudo-terminal, as a
person at `make run` has it, through the keyboard of the emulated machine, and
through pipes, where it is none."""

import fcntl
import json
import os
import pty
import re
import select
import socket
import struct
import subprocess
import sys
import termios
import time

import pytest

import booting

SECONDS = 60


class Person:
    """boot.py on a pseudo-terminal: what a person types, and sees."""

    def __init__(self, *arguments, options=(), columns=80, rows=24, program="terminal",
                 direct=True):
        self.ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        command = booting.command_for(program, *arguments, direct=direct, timeout=SECONDS,
                                      options=options)
        self.process = subprocess.Popen(command, stdin=theirs, stdout=theirs,
                                        stderr=subprocess.DEVNULL)
        os.close(theirs)
        self.seen = b""

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait()
        os.close(self.ours)

    def _read(self, end):
        left = end - time.monotonic()
        assert left > 0, f"not seen in time; what was: {self.seen!r}"
        if select.select([self.ours], [], [], left)[0]:
            try:
                data = os.read(self.ours, 65536)
            except OSError:  # the other side is closed
                data = b""
            assert data != b"", f"the run is over; what was seen: {self.seen!r}"
            self.seen += data

    def type(self, text):
        os.write(self.ours, text)

    def see(self, text):
        """Waits for `text`, and forgets all up to it."""
        end = time.monotonic() + SECONDS
        while text not in self.seen:
            self._read(end)
        before, _, self.seen = self.seen.partition(text)
        return before

    def see_nothing(self, seconds=0.5):
        if select.select([self.ours], [], [], seconds)[0]:
            self.seen += os.read(self.ours, 65536)
        assert self.seen == b""

    def end(self):
        """The status, and what was seen since."""
        end = time.monotonic() + SECONDS
        try:
            while True:
                self._read(end)
        except AssertionError:
            pass
        return self.process.wait(timeout=SECONDS), self.seen


# ---- At a terminal ------------------------------------------------------------------

def test_lines():
    with Person("lines") as person:
        person.see(b"ready\r\n")
        person.type(b"hello\r")
        person.see(b"hello\r\n6[hello\r\n]\r\n")
        person.type(b"ab\x7fc")
        person.see(b"ab\b \bc")
        person.type(b" words here\x17there\r")
        person.see(b"there\r\n15[ac words there\r\n]\r\n")
        person.type("caf\u00e9\x7fe\r".encode())
        person.see(b"caf\xc3\xa9\b \be\r\n5[cafe\r\n]\r\n")
        person.type(b"gone\x15kept\r")
        person.see(b"5[kept\r\n]\r\n")
        person.type(b"\x16\x03\r")
        person.see(b"^C\r\n2[\x03\r\n]\r\n")
        person.type(b"part\x04")
        person.see(b"part4[part]\r\n")
        person.type(b"\x04")
        person.see(b"end 0\r\n")
        assert person.end()[0] == 0


def test_keys_typed_ahead_wait():
    with Person("lines") as person:
        person.type(b"early\r")
        person.see(b"6[early\r\n]\r\n")
        person.type(b"\x04")
        assert person.end()[0] == 0


def test_interrupt():
    with Person("lines") as person:
        person.see(b"ready\r\n")
        person.type(b"abc\x03")
        person.see(b"abc^C")
        assert person.end()[0] == 123


def test_interrupts_what_does_not_read():
    with Person(program="spin") as person:
        # It says nothing, so nobody knows when it runs: again, until it does not.
        while person.process.poll() is None:
            person.type(b"\x1c")
            time.sleep(0.5)
        status, seen = person.end()
        assert (status, seen[:2]) == (123, b"^\\")


def test_stop_of_the_first_program():
    """Nobody could continue it, so ^Z does nothing but show."""
    with Person("lines") as person:
        person.see(b"ready\r\n")
        person.type(b"\x1aon\r")
        person.see(b"^Zon\r\n3[on\r\n]\r\n")
        person.type(b"\x04")
        assert person.end()[0] == 0


def test_signals():
    with Person("signals") as person:
        person.see(b"ready\r\n")
        person.type(b"\x03")
        person.see(b"^Cread -4, signal 2\r\nready\r\n")
        person.type(b"\x1a")
        person.see(b"^Z")
        person.see_nothing()
        person.type(b"abc\r")
        person.see(b"abc\r\nread 4, signal 20\r\nready\r\n")
        person.type(b"\x1c")
        person.see(b"^\\read -4, signal 3\r\n")
        assert person.end()[0] == 0


def test_raw():
    with Person("raw", "3", "1", "0") as person:
        person.see(b"ready\r\n")
        person.type(b"\x03")
        person.see(b"1: 03\r\n")
        person.type(b"\r")
        person.see(b"1: 0a\r\n")  # ICRNL is still on
        person.type(b"\x04")
        person.see(b"1: 04\r\n")
        assert person.end()[0] == 0


def test_raw_with_a_count_and_a_time():
    with Person("raw", "1", "3", "0") as person:
        person.see(b"ready\r\n")
        person.type(b"a")
        person.see_nothing()
        person.type(b"bc")
        person.see(b"3: 61 62 63\r\n")
        assert person.end()[0] == 0
    # Without a count, a read is over after the time.
    with Person("raw", "2", "0", "10") as person:
        person.see(b"ready\r\n0:\r\n0:\r\n")
        assert person.end()[0] == 0
    # With both, the time counts between bytes.
    with Person("raw", "1", "9", "5") as person:
        person.see(b"ready\r\n")
        person.see_nothing(1.5)
        person.type(b"ab")
        person.see(b"2: 61 62\r\n")
        assert person.end()[0] == 0


def test_jobs():
    with Person("jobs") as person:
        person.see(b"child ready\r\n")
        person.type(b"one\r")
        person.see(b"one\r\nchild read one\r\n")
        person.type(b"\x1a")
        person.see(b"^Zchild stopped 20\r\nparent has it\r\n")
        person.type(b"two\r")
        person.see(b"child read two\r\n")
        person.type(b"\x04")
        person.see(b"child exit 3\r\n")
        assert person.end()[0] == 0
    # ^C is the child's alone.
    with Person("jobs") as person:
        person.see(b"child ready\r\n")
        person.type(b"\x1a")
        person.see(b"parent has it\r\n")
        person.type(b"\x03")
        person.see(b"child killed 2\r\n")
        assert person.end()[0] == 0


def test_background_reads():
    with Person("background") as person:
        person.see(b"child stopped 21\r\n")
        person.type(b"now\r")
        person.see(b"child read 4\r\nchild exit 4\r\nchild read -5\r\nchild exit 5\r\n")
        assert person.end()[0] == 0


def test_requests():
    with Person("isatty") as person:
        status, seen = person.end()
    assert status == 0
    assert seen.decode().splitlines() == [
        "TCGETS 0", "TIOCGWINSZ 0", "TIOCGPGRP 0", "group own", "FIONREAD 0 0", "unknown -25",
        "bad pointer -14 -14 -14", "no group -22 -1", "bad queue -22"]


def test_poll():
    with Person("poll") as person:
        person.see(b"poll 1 4\r\nread -11\r\nready\r\n")
        person.type(b"ab")
        person.see(b"ab")
        person.see_nothing()  # no line yet
        person.type(b"\r")
        person.see(b"poll 1 1\r\nread 3\r\nread -11\r\n")
        assert person.end()[0] == 0


def test_size():
    with Person("size", columns=132, rows=43) as person:
        person.see(b"132 columns, 43 rows\r\n100 columns, signal 28\r\n")
        assert person.end()[0] == 0


def test_flow_control():
    with Person("flood") as person:
        person.see(b"\n")
        person.type(b"\x13")
        time.sleep(0.5)
        while select.select([person.ours], [], [], 1)[0]:
            person.seen += os.read(person.ours, 65536)
        assert person.process.poll() is None or len(person.seen) > 60000
        person.type(b"\x11")
        status, seen = person.end()
        assert status == 0
        assert len(seen) + 65 >= 1024 * 65


def test_draining():
    """Who waits until all output has left waits, beside another one that does, too."""
    with Person("drain") as person:
        person.see(b"they waited\r\n")
        assert person.end()[0] == 0


def test_three_keys_end_the_run():
    with Person("lines") as person:
        person.see(b"ready\r\n")
        person.type(b"\x1d\x1d\x1d")
        assert person.end()[0] == 130


# ---- At the machine's own keyboard and screen ------------------------------------------

class Keyboard:
    """The emulated machine's keyboard, through QEMU's monitor."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        end = time.monotonic() + SECONDS
        while True:
            try:
                self.socket.connect(str(path))
                break
            except OSError:
                assert time.monotonic() < end
                time.sleep(0.1)
        self.stream = self.socket.makefile("rwb")
        self.stream.readline()
        self._command("qmp_capabilities")

    def _command(self, name, **arguments):
        try:
            self.stream.write(
                json.dumps({"execute": name, "arguments": arguments}).encode() + b"\n")
            self.stream.flush()
            while True:
                answer = json.loads(self.stream.readline() or b'{"return": {}}')
                assert "error" not in answer, answer
                if "return" in answer:
                    return
        except ConnectionError:
            pass  # the key has ended the machine

    def press(self, *names):
        """Each of `names` is a key, or several with - between."""
        for name in names:
            keys = [{"type": "qcode", "data": key} for key in name.split("-")]
            self._command("send-key", keys=keys, **{"hold-time": 20})
            time.sleep(0.06)

    def screendump(self, path):
        """What is on the screen, as a picture; tools/screenshot.py reads it."""
        self._command("screendump", filename=str(path))

    def close(self):
        self.stream.close()
        self.socket.close()


@pytest.fixture
def monitor(tmp_path):
    return tmp_path / "monitor"


def test_keyboard(monitor):
    with Person("lines", options=["--monitor", monitor]) as person:
        person.see(b"ready\r\n")
        keyboard = Keyboard(monitor)
        keyboard.press("shift-h", "e", "l", "l", "o", "spc", "shift-1", "backspace", "2", "ret")
        person.see(b"Hello !\b \b2\r\n8[Hello 2\r\n]\r\n")
        keyboard.press("caps_lock", "a", "shift-b", "caps_lock", "c", "ctrl-w", "d", "ret")
        person.see(b"2[d\r\n]\r\n")
        keyboard.press("ctrl-d")
        person.see(b"end 0\r\n")
        keyboard.close()
        assert person.end()[0] == 0


def test_keyboard_sequences_and_signals(monitor):
    with Person("raw", "4", "1", "0", options=["--monitor", monitor]) as person:
        person.see(b"ready\r\n")
        keyboard = Keyboard(monitor)
        for key, sequence in (("up", "3: 1b 5b 41"), ("delete", "4: 1b 5b 33 7e"),
                              ("f1", "4: 1b 5b 5b 41"), ("home", "4: 1b 5b 31 7e")):
            keyboard.press(key)
            person.see(sequence.encode() + b"\r\n")
        assert person.end()[0] == 0
        keyboard.close()
    with Person("lines", options=["--monitor", monitor]) as person:
        person.see(b"ready\r\n")
        time.sleep(0.5)
        keyboard = Keyboard(monitor)
        keyboard.press("ctrl-c")
        person.see(b"^C")
        assert person.end()[0] == 123


def test_the_screen_answers(boot):
    """Where no terminal is at the serial port, the screen tells where its cursor is."""
    run = boot("terminal", "ask", direct=True, options=["--append", "console=terminal"])
    assert run.status == 0, run
    assert b"6 [3;5R" in run.stdout, run


# ---- Pipes -------------------------------------------------------------------------------

def test_pipes_are_no_terminal(boot):
    run = boot("terminal", "isatty", direct=True)
    assert run.status == 0, run
    assert run.stdout.decode().splitlines() == [
        "TCGETS -25", "TIOCGWINSZ -25", "TIOCGPGRP -25", "group other", "FIONREAD 0 0",
        "unknown -25", "bad pointer -25 -25 -25", "no group -25 -25", "bad queue -25"]


@pytest.mark.parametrize("data", (
    b"", b"x", b"line\n", b"no echo\r\n\x03\x04\x16\x1a\x1c\x11\x13\x7f\x08\x15\x00\xff\n",
    bytes(range(256)) * 40), ids=("empty", "byte", "line", "keys", "all"))
def test_pipes_carry_every_byte(boot, data):
    run = boot("terminal", "copy", direct=True, stdin=data)
    assert (run.status, run.stdout) == (0, data), run


def test_pipes_wait_for_their_reader(boot):
    """More than any buffer on the way holds is there before anybody reads."""
    data = b"".join(b"%07d\n" % number for number in range(5000))
    run = boot("terminal", "late", direct=True, stdin=data)
    assert (run.status, run.stdout) == (0, data), run


def test_pipes_by_grub(boot):
    data = b"one\ntwo\x04\x16\n" * 500
    run = boot("terminal", "copy", stdin=data)
    assert (run.status, run.stdout) == (0, data), run


# boot.py that does not wait for the kernel before it sends
HASTY = """
import sys
sys.path.insert(0, sys.argv[1])
import boot
from bootlib import qemu

start = qemu.Qemu.__init__

def start_hasty(self, *arguments):
    start(self, *arguments)
    self.quiet_seconds = 0.0

qemu.Qemu.__init__ = start_hasty
boot.main(sys.argv[2:])
"""


def test_keys_before_the_kernel():
    """The port holds one byte, and setting it up must not lose that."""
    data = b"one\ntwo\n" * 20
    tools = booting.TOP / "tools"
    for direct in (True, False):
        command = booting.command_for("terminal", "copy", direct=direct)
        run = subprocess.run([sys.executable, "-c", HASTY, tools, *command[2:]], input=data,
                             capture_output=True, check=False)
        assert (run.returncode, run.stdout) == (0, data), run


@pytest.mark.slow
def test_pipes_under_bochs(boot):
    data = b"one\ntwo\x04\x16\n" * 20
    run = boot("terminal", "copy", stdin=data, emulator="bochs", timeout=120)
    assert (run.status, run.stdout) == (0, data), run


def test_output_is_as_it_was_written(boot):
    run = boot("terminal", "flood", direct=True)
    assert run.status == 0 and len(run.stdout) == 65536, run
    assert re.fullmatch(rb"([a-z]x{62}\n){1024}", run.stdout)
