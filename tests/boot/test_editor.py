"""The full-screen editor, elvis (`vi`), as a person has it: keys typed at a terminal, the
screen looked at, and the file that was saved.

elvis is a port (`make ports`); where it is not built, the tests are skipped with that
reason. What it draws is decoded by window.py, and once by what QEMU's screen shows.
"""

import sys
import time

import pytest

import booting
from test_libc import port
from test_shell import PROMPT, Shell
from test_terminal import SECONDS, Keyboard
from window import Window

sys.path.insert(0, str(booting.TOP / "tools"))
import screenshot  # noqa: E402

pytestmark = pytest.mark.full

ESCAPE = b"\x1b"
TEXT = "one\ntwo words\nthree\nfour\n"


class Writer(Shell):
    """A person at the shell who sees a screen, and has vi and a file to edit."""

    def __init__(self, tmp_path, *options, text=TEXT, columns=80, rows=24, **machine):
        (tmp_path / "text").write_text(text)
        self.window = Window(columns, rows)
        super().__init__("--file", f"{port('vi')}:/bin/vi", "--file",
                         f"{tmp_path / 'text'}:/tmp/text", *options, columns=columns, rows=rows,
                         **machine)

    def _read(self, end):
        before = len(self.seen)
        super()._read(end)
        self.window.feed(self.seen[before:])

    def wait(self, is_there, what):
        """Reads until the screen is as it should be, which `is_there` tells."""
        end = time.monotonic() + SECONDS
        while not is_there(self.window):
            assert time.monotonic() < end, f"{what}: the screen is\n{self.window}"
            try:
                self._read(end)
            except AssertionError as error:
                raise AssertionError(f"{what}: {error}\n{self.window}") from None

    def shows(self, *lines, cursor=None, last=None):
        """Waits for a screen that has these lines, below them only vi's ~, the cursor at
        (row, column), and `last` in the last line."""
        rows = self.window.rows - 1
        wanted = [*lines, *["~"] * (rows - len(lines))]
        self.wait(lambda window: window.lines[:rows] == wanted
                  and cursor in (None, (window.row, window.column))
                  and (last is None or last in window.lines[rows]),
                  f"{lines}, cursor {cursor}, last line {last!r}")

    def edit(self, *arguments):
        self.type(b" ".join([b"vi", *arguments]) + b"\n")

    def leave(self, command):
        """A colon command that ends vi."""
        self.type(command + b"\n")
        self.wait(lambda window: window.lines[window.row] == PROMPT.decode().strip(),
                  f"the prompt after {command}")
        self.seen = b""

    def file(self, name=b"/tmp/text"):
        return self.run(b"cat " + name).decode()


def test_editing(tmp_path):
    """Inserting, moving, deleting, undoing, searching; then what was saved."""
    with Writer(tmp_path) as writer:
        writer.edit(b"/tmp/text")
        writer.shows("one", "two words", "three", "four", cursor=(0, 0),
                     last='"/tmp/text"  4 lines')
        # By letters, by arrows, by words, to a line and to a line's end.
        writer.type(b"jj")
        writer.shows("one", "two words", "three", "four", cursor=(2, 0))
        writer.type(b"\x1b[A\x1b[C")
        writer.shows("one", "two words", "three", "four", cursor=(1, 1))
        writer.type(b"w$")
        writer.shows("one", "two words", "three", "four", cursor=(1, 8))
        writer.type(b"G")
        writer.shows("one", "two words", "three", "four", cursor=(3, 0))
        # Two lines and half of a third, a key rubbed out
        writer.type(b"ofive\nsixx\x08\nsev" + ESCAPE)
        writer.shows("one", "two words", "three", "four", "five", "six", "sev", cursor=(6, 2))
        writer.type(b"aen" + ESCAPE + b"1GOzero" + ESCAPE)
        writer.shows("zero", "one", "two words", "three", "four", "five", "six", "seven",
                     cursor=(0, 3))
        # A word, two lines; back, and back again.
        writer.type(b"2j0dw")
        writer.shows("zero", "one", "words", "three", "four", "five", "six", "seven")
        writer.type(b"u")
        writer.shows("zero", "one", "two words", "three", "four", "five", "six", "seven")
        writer.type(b"j2dd")
        writer.shows("zero", "one", "two words", "five", "six", "seven")
        writer.type(b"u")
        writer.shows("zero", "one", "two words", "three", "four", "five", "six", "seven")
        writer.type(b"u")
        writer.shows("zero", "one", "two words", "five", "six", "seven")
        # Found below, found again from the top, and not found.
        writer.type(b"1G/i[vx]\n")
        writer.shows("zero", "one", "two words", "five", "six", "seven", cursor=(3, 1))
        writer.type(b"n")
        writer.shows("zero", "one", "two words", "five", "six", "seven", cursor=(4, 1))
        writer.type(b"n")
        writer.shows("zero", "one", "two words", "five", "six", "seven", cursor=(3, 1),
                     last="(wrapped)")
        writer.type(b"/eight\n")
        writer.shows("zero", "one", "two words", "five", "six", "seven", last="Not found")
        # A letter replaced, one struck out, a line moved, words exchanged
        writer.type(b"1GrZ")
        writer.shows("Zero", "one", "two words", "five", "six", "seven", cursor=(0, 0))
        writer.type(b"x")
        writer.shows("ero", "one", "two words", "five", "six", "seven", cursor=(0, 0))
        writer.type(b":2m4\n")
        writer.shows("ero", "two words", "five", "one", "six", "seven")
        writer.type(b":%s/words/& and words/\n")
        writer.shows("ero", "two words and words", "five", "one", "six", "seven")
        writer.type(b":w\n")
        writer.leave(b":q")
        assert writer.file() == "ero\ntwo words and words\nfive\none\nsix\nseven\n"


def test_leaving_without_saving(tmp_path):
    """:q does not where something would be lost; :q! does, and the file is as it was."""
    with Writer(tmp_path) as writer:
        writer.edit(b"/tmp/text")
        writer.shows("one", "two words", "three", "four", cursor=(0, 0))
        writer.type(b"dG")
        writer.shows("")
        writer.type(b":q\n")
        writer.shows("", last="Use q! to abort")
        writer.leave(b":q!")
        assert writer.file() == TEXT
        assert writer.run(b"ls /tmp").split() == [b"text"]  # and vi's own file is gone
        # The terminal is the shell's again: it echoes, and ^C is what it was.
        assert writer.run(b"echo hello") == b"hello\n"


def test_new_and_other_files(tmp_path):
    with Writer(tmp_path) as writer:
        writer.edit(b"/tmp/new")
        writer.shows("", last="[NEW FILE]")
        writer.type(b"ifirst\nsecond" + ESCAPE + b":w\n")
        writer.shows("first", "second", cursor=(1, 5))
        writer.type(b":r /tmp/text\n")
        writer.shows("first", "second", "one", "two words", "three", "four")
        writer.type(b":3,4w /tmp/part\n")
        writer.shows("first", "second", "one", "two words", "three", "four", last=":3,4w")
        writer.leave(b":wq")
        assert writer.file(b"/tmp/new") == "first\nsecond\n" + TEXT
        assert writer.file(b"/tmp/part") == "one\ntwo words\n"


def test_scrolling(tmp_path):
    """A file longer than the screen, and lines wider: what is drawn is a part of both."""
    lines = [f"line {number} x" + "x" * number for number in range(300)]
    with Writer(tmp_path, text="\n".join(lines) + "\n", columns=100, rows=30) as writer:
        writer.edit(b"/tmp/text")
        writer.shows(*(line[:100] for line in lines[:29]), cursor=(0, 0))
        writer.type(b"\x06")
        writer.wait(lambda window: "line 29 " + "x" * 30 in window.lines, "a page on")
        writer.type(b"G")
        writer.wait(lambda window: window.lines[window.row] == lines[299][:100], "the last line")
        writer.type(b":150\n")
        writer.wait(lambda window: window.lines[window.row] == lines[149][:100], "line 150")
        writer.type(b"dd")
        writer.wait(lambda window: window.lines[window.row] == lines[150][:100], "line 151")
        writer.type(b"$")  # which is beyond the right edge
        writer.wait(lambda window: window.lines[window.row].endswith("xxx")
                    and not window.lines[window.row].startswith("line"), "the end of a line")
        writer.leave(b":wq")
        assert writer.run(b"wc -l < /tmp/text").split() == [b"299"]
        assert writer.run(b"grep -c 'line 149 ' /tmp/text") == b"0\n"


def test_stopped_and_continued(tmp_path):
    """^Z: the shell has the terminal, as it left it; `fg`: vi has, with what was typed."""
    with Writer(tmp_path) as writer:
        writer.edit(b"/tmp/text")
        writer.shows("one", "two words", "three", "four", cursor=(0, 0))
        writer.type(b"Onew" + ESCAPE)
        writer.shows("new", "one", "two words", "three", "four", cursor=(0, 2))
        writer.seen = b""
        writer.type(b"\x1a")
        assert b"Stopped" in writer.see(PROMPT)
        assert writer.run(b"echo shell") == b"shell\n"
        assert writer.file() == TEXT
        assert b"vi /tmp/text" in writer.run(b"jobs")
        writer.begin(b"fg")
        writer.type(b"\x0c")  # ^L: draw the screen anew
        writer.shows("new", "one", "two words", "three", "four", cursor=(0, 2))
        # Keys come one by one, and unechoed, as before.
        writer.type(b"x")
        writer.shows("ne", "one", "two words", "three", "four", cursor=(0, 1))
        writer.leave(b":wq")
        assert writer.file() == "ne\n" + TEXT
        assert writer.run(b"jobs") == b""


def test_interrupt(tmp_path):
    """^C ends what vi is doing, not vi; nor does what it has of the terminal change."""
    with Writer(tmp_path) as writer:
        writer.edit(b"/tmp/text")
        writer.shows("one", "two words", "three", "four", cursor=(0, 0))
        for _ in range(2):  # its handler leaves by longjmp(): the second must come, too
            writer.type(b":never")
            writer.shows("one", "two words", "three", "four", last=":never")
            writer.type(b"\x03")
            writer.wait(lambda window: "[Press <RETURN>" in window.lines[-1], "^C")
            writer.type(b"\n")
            writer.shows("one", "two words", "three", "four", cursor=(0, 0))
            writer.type(b"jj")
            writer.wait(lambda window: window.row == 2, "a move after ^C")
            writer.type(b"1G")
            writer.wait(lambda window: window.row == 0, "the first line")
        writer.leave(b":q")


def test_other_programs(tmp_path):
    """Lines through a program, and a program's output, by pipes between vi and sh."""
    with Writer(tmp_path) as writer:
        writer.edit(b"/tmp/text")
        writer.shows("one", "two words", "three", "four", cursor=(0, 0))
        writer.type(b":2,3!wc -w\n")
        writer.wait(lambda window: "[Press <RETURN>" in window.lines[-1], "that it has run")
        writer.type(b"\n")
        writer.wait(lambda window: [line.split() for line in window.lines[:3]]
                    == [["one"], ["3"], ["four"]], "two lines through wc")
        writer.type(b":w\n")
        writer.leave(b":q")
        assert writer.file().split() == ["one", "3", "four"]


def test_keyboard_and_screen(tmp_path):
    """Typed at the machine's keyboard and read off its VGA screen, without any serial port
    looked at."""
    monitor, picture = tmp_path / "monitor", tmp_path / "screen.ppm"

    with Writer(tmp_path, "--monitor", monitor, direct=False) as writer:
        keyboard = Keyboard(monitor)

        def screen_shows(*wanted):
            end = time.monotonic() + SECONDS
            while True:
                keyboard.screendump(picture)
                lines = screenshot.decode(picture.read_bytes())
                if lines[:len(wanted)] == list(wanted) and lines[len(wanted)] in ("~", ""):
                    return lines
                assert time.monotonic() < end, lines
                time.sleep(0.3)

        keyboard.press("v", "i", "spc", "slash", "t", "m", "p", "slash", "t", "e", "x", "t", "ret")
        assert '"/tmp/text"  4 lines' in screen_shows("one", "two words", "three", "four")[-2]
        keyboard.press("down", "d", "d")
        screen_shows("one", "three", "four")
        keyboard.press("i", "shift-h", "i", "shift-1", "ret", "esc")
        screen_shows("one", "Hi!", "three", "four")
        keyboard.press("shift-semicolon", "w", "q", "ret")
        writer.see(PROMPT)
        keyboard.close()
        assert writer.file() == "one\nHi!\nthree\nfour\n"
