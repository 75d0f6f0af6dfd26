#!/usr/bin/env python3
"""Turns a screendump of QEMU (a P6 PPM file) back into text.

The boot tests compare a machine's screen by what can be read on it. A cell is
matched pixel by pixel with the glyphs of the font that drew it, in either
polarity, so colours and a block cursor do not matter:

- a framebuffer console: 8x16 cells of the kernel's own font (tools/font.py);
- VGA text mode, which QEMU dumps at 720x400 (cells 9 pixels wide) or 640x400:
  the font inside the VGA BIOS, in code page 437.

A cell that is no glyph of the font reads as U+FFFD.
"""

import argparse
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import font as fonts  # noqa: E402

UNKNOWN = "\ufffd"
BOX = "\u25a1"

VGA_BIOSES = (
    "/usr/share/seabios/vgabios-stdvga.bin",
    "/usr/share/vgabios/vgabios.stdvga.bin",
    "/usr/share/bochs/VGABIOS-lgpl-latest",
)
VGA_SIZES = {(720, 400): 9, (640, 400): 8}
# The letter A as every VGA BIOS draws it in its 8x16 font, to find that font.
VGA_LETTER_A = bytes.fromhex("000010386cc6c6fec6c6c6c600000000")
# What arch/i386/vga_text.c shows for a character outside code page 437.
VGA_BOX = 0xFE
# The scan lines of the hardware cursor, as vga_text.c sets it.
VGA_CURSOR = slice(14, 16)


class ScreenshotError(Exception):
    """A dump that cannot be read; its text is meant for the user."""


def parse_ppm(data):
    """(width, height, pixels) of a P6 file with 8 bits a sample."""
    blank = rb"(?:\s|#[^\n]*\n)+"
    header = re.match(rb"P6" + blank + rb"(\d+)" + blank + rb"(\d+)" + blank
                      + rb"(\d+)\s", data)
    if not header:
        raise ScreenshotError("not a P6 PPM file")
    width, height, most = (int(group) for group in header.groups())
    if most != 255:
        raise ScreenshotError(f"{most} is the brightest sample, not 255")
    pixels = data[header.end():]
    if not width or not height or len(pixels) < width * height * 3:
        raise ScreenshotError("the pixels are cut off")
    return width, height, pixels


def glyph_map(font, characters):
    """From a cell's 16 rows, in either polarity, to its character."""
    found = {}
    for rows, character in zip(font, characters):
        # Of characters that look the same (space, no-break space) the first.
        found.setdefault(bytes(rows), character)
    for rows, character in list(found.items()):
        found.setdefault(bytes(row ^ 0xFF for row in rows), character)
    return found


def latin1_map(font):
    characters = [BOX if bytes(rows) == fonts.BOX else chr(code)
                  for code, rows in enumerate(font)]
    return glyph_map(font, characters)


def vga_font(paths=VGA_BIOSES):
    """The 256 glyphs of a VGA BIOS, by code page 437."""
    for path in paths:
        try:
            rom = Path(path).read_bytes()
        except OSError:
            continue
        start = rom.find(VGA_LETTER_A) - ord("A") * 16
        if start >= 0 and start + 256 * 16 <= len(rom):
            return [rom[start + code * 16:start + code * 16 + 16]
                    for code in range(256)]
    raise ScreenshotError("no VGA BIOS with an 8x16 font "
                          "(Debian's package seabios has one)")


def vga_map(font):
    characters = list(bytes(range(256)).decode("cp437"))
    for code in (*range(32), 0x7F):
        characters[code] = UNKNOWN  # pictures that the kernel does not use
    characters[0] = " "
    characters[VGA_BOX] = BOX
    return glyph_map(font, characters)


def cell_character(pixels, width, left, top, known, has_cursor=False):
    """The character in the 8x16 cell whose first pixel is (left, top), where
    `has_cursor` also below a hardware cursor, which blinks."""
    background = None
    foreground = None
    rows = bytearray(16)
    for y in range(16):
        start = ((top + y) * width + left) * 3
        row = pixels[start:start + 24]
        for x in range(8):
            colour = row[x * 3:x * 3 + 3]
            if background is None:
                background = colour
            if colour != background:
                if foreground is None:
                    foreground = colour
                if colour != foreground:
                    return UNKNOWN  # no cell has three colours
                rows[y] |= 0x80 >> x
    if has_cursor and bytes(rows) not in known and rows[VGA_CURSOR] == b"\xff\xff":
        rows[VGA_CURSOR] = bytes(2)
    return known.get(bytes(rows), UNKNOWN)


def decode(ppm_bytes, font=None, cell_width=None):
    """The lines of the screen, without trailing blanks.

    `font` is what font.load() gives (None: the installed one, read only where
    it is needed). A dump of the size of VGA text mode is read with the VGA
    BIOS's font unless `cell_width` is given.
    """
    width, height, pixels = parse_ppm(ppm_bytes)
    text_mode = cell_width is None and (width, height) in VGA_SIZES
    if text_mode:
        cell_width = VGA_SIZES[width, height]
        known = vga_map(vga_font())
    else:
        cell_width = cell_width or fonts.WIDTH
        known = latin1_map(fonts.load(fonts.DEFAULT_FONT) if font is None else font)
    lines = []
    for top in range(0, height - 15, 16):
        line = [cell_character(pixels, width, left, top, known, text_mode)
                for left in range(0, width - cell_width + 1, cell_width)]
        lines.append("".join(line).rstrip(" "))
    return lines


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Read the text in a screendump.")
    parser.add_argument("file", metavar="FILE.ppm")
    parser.add_argument("--font", default=fonts.DEFAULT_FONT,
                        help="PFF2 font of a framebuffer console (%(default)s)")
    options = parser.parse_args(arguments)
    try:
        data = Path(options.file).read_bytes()
        size = parse_ppm(data)[:2]
        font = None if size in VGA_SIZES else fonts.load(options.font)
        lines = decode(data, font)
    except (fonts.FontError, ScreenshotError, OSError) as error:
        print(f"screenshot.py: {error}", file=sys.stderr)
        return 1
    while lines and not lines[-1]:
        lines.pop()
    for line in lines:
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
