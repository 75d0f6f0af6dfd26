"""The console font (tools/font.py) and reading it back off a screendump
(tools/screenshot.py)."""

import json
import random
import struct
import subprocess
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[2] / "tools"
sys.path.insert(0, str(TOOLS))
import font as fonts  # noqa: E402
import screenshot  # noqa: E402

needs_font = pytest.mark.skipif(not Path(fonts.DEFAULT_FONT).exists(),
                                reason=f"no {fonts.DEFAULT_FONT}")


def make_pf2(glyphs, ascent=14, descent=2):
    """A PFF2 file with the given glyphs: code -> (width, height, left, bottom,
    advance, bits)."""
    def section(name, content):
        return name + struct.pack(">I", len(content)) + content

    head = (section(b"FILE", b"PFF2") + section(b"NAME", b"Test 16\0")
            + section(b"ASCE", struct.pack(">H", ascent))
            + section(b"DESC", struct.pack(">H", descent)))
    offset = len(head) + 8 + 9 * len(glyphs) + 8
    index = b""
    data = b""
    for code, (*metrics, bits) in sorted(glyphs.items()):
        index += struct.pack(">IBI", code, 0, offset + len(data))
        data += struct.pack(">HHhhh", *metrics) + bits
    return head + section(b"CHIX", index) + b"DATA\xff\xff\xff\xff" + data


def run_font(*arguments):
    return subprocess.run([sys.executable, TOOLS / "font.py", *map(str, arguments)],
                          capture_output=True, text=True)


def test_metrics_are_honoured():
    font = fonts.Pf2Font(make_pf2({
        # 3 wide, 2 high, one pixel in, standing on the baseline: 101 / 111.
        0x41: (3, 2, 1, 0, 8, bytes([0b10111100])),
        # One pixel, two below the baseline, in the last column.
        0x67: (1, 1, 7, -2, 8, bytes([0x80])),
        0x20: (0, 0, 8, -2, 8, b""),
        # The whole cell, its rows not padded to bytes.
        0x42: (7, 16, 0, -2, 8, bytes([0xFF] * 14)),
    }))
    a = font.glyph(0x41)
    assert a[12] == 0b01010000 and a[13] == 0b01110000 and sum(a) == a[12] + a[13]
    g = font.glyph(0x67)
    assert g[15] == 1 and sum(g) == 1
    assert font.glyph(0x20) == bytes(16)
    assert font.glyph(0x42) == bytes([0xFE] * 16)
    assert font.glyph(0x43) is None


@pytest.mark.parametrize("metrics", [
    (16, 16, 0, -2, 16, bytes(32)),     # two cells wide
    (9, 1, 0, 0, 8, bytes(2)),          # beyond the right edge
    (1, 1, -1, 0, 8, bytes(1)),
    (1, 1, 0, 14, 8, bytes(1)),         # above the cell
    (1, 1, 0, -3, 8, bytes(1)),         # below it
])
def test_what_does_not_fit_is_a_box(metrics):
    blank = (0, 0, 0, 0, 8, b"")
    table = fonts.Pf2Font(make_pf2({0x20: blank, 0x41: metrics})).latin1()
    assert table[0x41] == fonts.BOX
    assert table[0x42] == fonts.BOX
    assert table[0x20] == bytes(16)


def test_missing_font_names_the_package(tmp_path):
    result = run_font("--input", tmp_path / "no.pf2", "--output", tmp_path / "font.c")
    assert result.returncode == 1
    assert "grub-common" in result.stderr and "Traceback" not in result.stderr
    assert not (tmp_path / "font.c").exists()


def test_damaged_fonts_are_refused_or_read():
    """Whatever the file, a table or a FontError."""
    good = make_pf2({0x41: (3, 2, 1, 0, 8, bytes([0xBC])), 0x20: (0, 0, 0, 0, 8, b"")})
    for size in range(len(good)):
        with pytest.raises(fonts.FontError, match="grub-common"):
            fonts.Pf2Font(good[:size]).latin1()
    with pytest.raises(fonts.FontError):
        fonts.Pf2Font(b"").latin1()
    with pytest.raises(fonts.FontError, match="pixels"):
        fonts.Pf2Font(make_pf2({0x41: (1, 1, 0, 0, 8, b"\0")}, ascent=30))
    source = random.Random(1)
    for _ in range(3000):
        data = bytearray(good)
        for _ in range(source.randint(1, 4)):
            data[source.randrange(len(data))] = source.randrange(256)
        try:
            table = fonts.Pf2Font(bytes(data)).latin1()
        except fonts.FontError:
            continue
        assert [len(rows) for rows in table] == [16] * 256


@needs_font
def test_output(tmp_path):
    output = tmp_path / "generated" / "font.c"
    assert run_font("--output", output).returncode == 0
    text = output.read_text()
    table = fonts.load(fonts.DEFAULT_FONT)
    rows = ", ".join(f"0x{row:02x}" for row in table[0x41])
    assert f"[0x41] = {{{rows}}}," in text
    assert text.count("] = {") == 257  # the table's own line and 256 glyphs
    before = output.stat().st_mtime_ns
    assert run_font("--output", output).returncode == 0
    assert output.stat().st_mtime_ns == before
    output.write_text("old")
    run_font("--output", output)
    assert output.read_text() == text

    printed = run_font("--python")
    assert [bytes(rows) for rows in json.loads(printed.stdout)] == table


@needs_font
def test_installed_font():
    table = fonts.load(fonts.DEFAULT_FONT)
    printable = [chr(code) for code in range(0x21, 0x7F)]
    shapes = {table[ord(character)] for character in printable}
    assert len(shapes) == len(printable)
    assert fonts.BOX not in shapes and bytes(16) not in shapes
    assert table[0x20] == bytes(16)
    assert table[0x7F] == table[0] == fonts.BOX
    # Capitals stand on the baseline, two rows above the cell's end.
    assert table[ord("A")][13] and not any(table[ord("A")][14:])
    assert any(table[ord("g")][14:])


# ---- Screendumps -------------------------------------------------------------

def render(lines, table, width, height, cell_width=8, colours=None):
    """A PPM file with `lines`; `colours` gives a cell's two."""
    image = bytearray(width * height * 3)
    for row, line in enumerate(lines):
        for column, character in enumerate(line):
            glyph = table[ord(character)]
            ink, paper = (colours(column, row) if colours
                          else (b"\xaa\xaa\xaa", b"\0\0\0"))
            for y in range(16):
                for x in range(cell_width):
                    lit = x < 8 and glyph[y] >> (7 - x) & 1
                    at = ((row * 16 + y) * width + column * cell_width + x) * 3
                    image[at:at + 3] = ink if lit else paper
    return b"P6\n%d %d\n255\n" % (width, height) + bytes(image)


LINES = ["Hello, world!", "", "  indented 0123456789 {}[]|\\/~^`'\"",
         "caf\xe9 \xc5ngstr\xf6m \xb5s", "".join(map(chr, range(0x21, 0x7F)))]


@needs_font
def test_text_is_read_back(tmp_path):
    table = fonts.load(fonts.DEFAULT_FONT)
    ppm = render(LINES, table, 805, 100)
    assert screenshot.decode(ppm, table) == LINES + [""]
    assert screenshot.decode(ppm) == LINES + [""]

    def colourful(column, row):
        pair = (b"\xff\xff\xff", b"\xaa\0\0") if row % 2 else (b"\0\0\0", b"\0\xaa\0")
        return pair if column % 3 else pair[::-1]
    assert screenshot.decode(render(LINES, table, 805, 100, colours=colourful),
                             table) == LINES + [""]

    (tmp_path / "a.ppm").write_bytes(ppm)
    result = subprocess.run([sys.executable, TOOLS / "screenshot.py", tmp_path / "a.ppm"],
                            capture_output=True, text=True, encoding="utf-8",
                            env={"PYTHONIOENCODING": "utf-8"})
    assert result.stdout == "\n".join(LINES) + "\n"


@needs_font
def test_any_flipped_pixel_shows():
    table = fonts.load(fonts.DEFAULT_FONT)
    ppm = render(["kernel"], table, 48, 16)
    header = len(ppm) - 48 * 16 * 3
    for pixel in range(48 * 16):
        damaged = bytearray(ppm)
        at = header + pixel * 3
        damaged[at:at + 3] = bytes(0xAA - sample for sample in damaged[at:at + 3])
        text, = screenshot.decode(bytes(damaged), table)
        column = pixel % 48 // 8
        assert text[column] != "kernel"[column]
        assert text[:column] + text[column + 1:] == "kernel"[:column] + "kernel"[column + 1:]
        # A third colour is no glyph either.
        damaged[at:at + 3] = b"\x12\x34\x56"
        text, = screenshot.decode(bytes(damaged), table)
        assert text[column] == screenshot.UNKNOWN


@needs_font
def test_boxes():
    table = fonts.load(fonts.DEFAULT_FONT)
    assert screenshot.decode(render(["a\x7fb"], table, 24, 16), table) == ["a\u25a1b"]


def test_vga_text_mode():
    try:
        table = screenshot.vga_font()
    except screenshot.ScreenshotError as error:
        pytest.skip(str(error))
    lines = ["VGA text 80x25: ~!@#$%^&*()", "x" * 80]
    for width, cell_width in ((720, 9), (640, 8)):
        ppm = render(lines, table, width, 400, cell_width)
        assert screenshot.decode(ppm) == lines + [""] * 23

        # The cursor, on a blank cell and on a letter.
        for row, column in ((2, 5), (1, 0)):
            image = bytearray(ppm)
            for y in (14, 15):
                at = len(ppm) - (400 - row * 16 - y) * width * 3 + column * cell_width * 3
                image[at:at + 24] = b"\xaa" * 24
            assert screenshot.decode(bytes(image)) == lines + [""] * 23
            image[at:at + 3] = bytes(3)
            assert screenshot.UNKNOWN in screenshot.decode(bytes(image))[row]


@pytest.mark.parametrize("data", [
    b"", b"P5\n8 16\n255\n" + bytes(128), b"P6\n8 16\n255\n", b"P6\n8 16\n65535\n" + bytes(768),
    b"P6\n0 0\n255\n", b"P6\n8 16\n255\n" + bytes(383),
])
def test_bad_dumps(data):
    with pytest.raises(screenshot.ScreenshotError):
        screenshot.decode(data, [bytes(16)] * 256)


def test_ppm_comments():
    data = b"P6 # made by hand\n8 # wide\n16\n255\n" + bytes(384)
    table = [fonts.BOX] * 32 + [bytes(16)] * 224
    assert screenshot.decode(data, table) == [""]


def test_no_vga_bios():
    with pytest.raises(screenshot.ScreenshotError, match="seabios"):
        screenshot.vga_font(["/nonexistent"])
