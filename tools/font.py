#!/usr/bin/env python3
"""Turns a packaged bitmap font into the kernel's 8x16 glyph table.

Reads GRUB's PFF2 format (the file that Debian's grub-common installs as
/usr/share/grub/unicode.pf2, GNU Unifont) and writes `kFont`, indexed by
Latin-1 code, for arch/i386/framebuffer.c. The Makefile runs it;
tools/screenshot.py uses the same reader to turn pixels back into text.

A PFF2 file is a row of sections (a four-letter name, a big-endian length, the
content). CHIX maps a code point to the file offset of its glyph; a glyph is
width, height, x and y offset from the baseline, advance, and then its bits in
reading order, with no padding at the end of a row.
"""

import argparse
import json
import struct
import sys
from pathlib import Path

DEFAULT_FONT = "/usr/share/grub/unicode.pf2"
PACKAGE = "grub-common"
WIDTH = 8
HEIGHT = 16

# What stands for a character without a glyph of the cell's size.
BOX = bytes([0, 0, 0, 0x7E, 0x42, 0x42, 0x42, 0x42,
             0x42, 0x42, 0x42, 0x42, 0x42, 0x7E, 0, 0])


class FontError(Exception):
    """A font that cannot be read; its text is meant for the user."""


class Pf2Font:
    """The glyphs of a PFF2 file, as cells of WIDTH by HEIGHT pixels."""

    def __init__(self, data, name="font"):
        self.data = data
        self.name = name
        self.offsets = {}
        self.ascent = None
        self._read_sections()

    def _fail(self, what):
        raise FontError(f"{self.name}: not a usable PFF2 font: {what} "
                        f"(reinstall the package {PACKAGE})")

    def _read_sections(self):
        sections = {}
        position = 0
        while b"DATA" not in sections:
            if position + 8 > len(self.data):
                self._fail("no DATA section")
            name, length = struct.unpack_from(">4sI", self.data, position)
            if position == 0 and name != b"FILE":
                self._fail("it does not begin with a FILE section")
            position += 8
            # DATA comes last; its length field is not kept up to date.
            end = len(self.data) if name == b"DATA" else position + length
            if end > len(self.data):
                self._fail(f"section {name!r} is cut off")
            sections[name] = self.data[position:end]
            position = end
        if sections[b"FILE"] != b"PFF2":
            self._fail("wrong format name")
        for name, size in ((b"ASCE", 2), (b"DESC", 2), (b"CHIX", 9)):
            if len(sections.get(name, b"")) < size:
                self._fail(f"no {name.decode()} section")
        self.ascent, = struct.unpack_from(">H", sections[b"ASCE"])
        descent, = struct.unpack_from(">H", sections[b"DESC"])
        if self.ascent + descent != HEIGHT:
            self._fail(f"its lines have {self.ascent + descent} pixels, not {HEIGHT}")
        index = sections[b"CHIX"]
        if len(index) % 9:
            self._fail("the CHIX section is no whole number of entries")
        for code, flags, offset in struct.iter_unpack(">IBI", index):
            if flags & 7 == 0:  # a compressed glyph; none is in use
                self.offsets[code] = offset

    def glyph(self, code):
        """HEIGHT bytes, leftmost pixel in bit 7; None where the font has no
        glyph of `code` that fits a cell."""
        offset = self.offsets.get(code)
        if offset is None:
            return None
        if offset + 10 > len(self.data):
            self._fail(f"glyph U+{code:04X} lies outside the file")
        width, height, left, bottom, advance = struct.unpack_from(
            ">HHhhh", self.data, offset)
        size = (width * height + 7) // 8
        bits = self.data[offset + 10:offset + 10 + size]
        if len(bits) != size:
            self._fail(f"glyph U+{code:04X} is cut off")
        if advance != WIDTH:
            return None
        rows = bytearray(HEIGHT)
        if size == 0:
            return bytes(rows)
        # `bottom` counts upwards from the baseline, cell rows downwards.
        top = self.ascent - bottom - height
        if left < 0 or left + width > WIDTH or top < 0 or top + height > HEIGHT:
            return None
        for index in range(width * height):
            if bits[index // 8] >> (7 - index % 8) & 1:
                y, x = divmod(index, width)
                rows[top + y] |= 0x80 >> (left + x)
        return bytes(rows)

    def latin1(self):
        """The 256 cells of Latin-1, BOX where there is no glyph."""
        table = []
        for code in range(256):
            control = code < 0x20 or 0x7F <= code < 0xA0
            table.append(None if control else self.glyph(code))
        if all(glyph is None for glyph in table):
            self._fail("it has no Latin-1 glyphs")
        return [BOX if glyph is None else glyph for glyph in table]


def load(path):
    """The Latin-1 table (a list of 256 bytes objects) of the font at `path`."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise FontError(f"{path}: {error.strerror}: the font comes with the "
                        f"package {PACKAGE}") from error
    return Pf2Font(data, str(path)).latin1()


def render_c(table):
    lines = [
        "/* Generated by tools/font.py: the console font, 8x16, by Latin-1 code. */",
        '#include "arch/i386/screen.h"',
        "",
        "const uint8_t kFont[256][16] = {",
    ]
    for code, rows in enumerate(table):
        values = ", ".join(f"0x{row:02x}" for row in rows)
        lines.append(f"\t[0x{code:02x}] = {{{values}}},")
    lines += ["};", ""]
    return "\n".join(lines)


def render_python(table):
    return json.dumps([list(rows) for rows in table]) + "\n"


def write_if_changed(path, text):
    """A file that is as it should be keeps its time, so that make builds
    nothing anew."""
    path = Path(path)
    if path.exists() and path.read_bytes() == text.encode():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Make the console font.")
    parser.add_argument("--input", default=DEFAULT_FONT, help="PFF2 font (%(default)s)")
    parser.add_argument("--output", help="C file to write, when it changes")
    parser.add_argument("--python", action="store_true",
                        help="print the table as a Python list of lists")
    options = parser.parse_args(arguments)
    if not options.output and not options.python:
        parser.error("nothing to do: give --output or --python")
    try:
        table = load(options.input)
        if options.output:
            write_if_changed(options.output, render_c(table))
    except (FontError, OSError) as error:
        print(f"font.py: {error}", file=sys.stderr)
        return 1
    if options.python:
        sys.stdout.write(render_python(table))
    return 0


if __name__ == "__main__":
    sys.exit(main())
