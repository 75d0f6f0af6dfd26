// build: arch/i386/screen.c arch/i386/framebuffer.c -iquote tests/host/include
/*
 * The screen's terminal over a device that remembers what it was told to draw,
 * and the two real devices over memory of just their size, so that the
 * sanitizers see a store outside.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

#include "arch/i386/io.h"
#include "arch/i386/screen.h"
#include "kernel/arch.h"

/* ---- A device that remembers -------------------------------------------- */

static unsigned sColumns;
static unsigned sRows;
static uint16_t sGrid[SCREEN_MAX_ROWS][SCREEN_MAX_COLUMNS];
static unsigned sCursorColumn;
static unsigned sCursorRow;
static bool sCursorShown;
static unsigned sDrawn;

static void remember_cell(unsigned column, unsigned row, uint16_t cell)
{
	if (column >= sColumns || row >= sRows) {
		printf("cell (%u, %u) drawn outside\n", column, row);
		abort();
	}
	sGrid[row][column] = cell;
	sDrawn++;
}

static void remember_cursor(unsigned column, unsigned row, bool visible)
{
	if (column >= sColumns || row >= sRows) {
		printf("cursor set outside, to (%u, %u)\n", column, row);
		abort();
	}
	sCursorColumn = column;
	sCursorRow = row;
	sCursorShown = visible;
}

static const struct screen_device kMemory = {remember_cell, remember_cursor};
static const struct screen_device kMemoryWithoutCursor = {remember_cell, NULL};

static void start(const struct screen_device *device, unsigned columns, unsigned rows)
{
	sColumns = columns < SCREEN_MAX_COLUMNS ? columns : SCREEN_MAX_COLUMNS;
	sRows = rows < SCREEN_MAX_ROWS ? rows : SCREEN_MAX_ROWS;
	memset(sGrid, 0xee, sizeof(sGrid));
	i386_screen_start(device, columns, rows);
}

static void write_text(const char *text)
{
	i386_screen_write(text, strlen(text));
}

/* Row `row` without trailing blanks; a box reads as '#'. */
static const char *row_text(unsigned row)
{
	static char text[SCREEN_MAX_COLUMNS + 1];
	unsigned length = 0;
	for (unsigned column = 0; column < sColumns; column++) {
		unsigned code = sGrid[row][column] & 0xff;
		text[column] = code == SCREEN_BOX ? '#' : (char)code;
		if (code != ' ')
			length = column + 1;
	}
	text[length] = '\0';
	return text;
}

/* On a screen of 10 by 3: what `input` leaves, and where the cursor is. */
static void expect_at(int line, const char *input, const char *row0, const char *row1,
	const char *row2, unsigned cursor_column, unsigned cursor_row)
{
	const char *rows[3] = {row0, row1, row2};
	start(&kMemory, 10, 3);
	/* Whole, then a byte a call: how output is cut must not matter. */
	for (int pass = 0; pass < 2; pass++) {
		if (pass == 0)
			write_text(input);
		else {
			start(&kMemory, 10, 3);
			for (size_t i = 0; input[i] != '\0'; i++)
				i386_screen_write(input + i, 1);
		}
		for (unsigned row = 0; row < 3; row++) {
			if (strcmp(row_text(row), rows[row]) != 0) {
				printf("line %d: row %u is \"%s\", not \"%s\"\n", line, row,
					row_text(row), rows[row]);
				sFailures++;
			}
		}
		if (sCursorColumn != cursor_column || sCursorRow != cursor_row) {
			printf("line %d: cursor at (%u, %u)\n", line, sCursorColumn, sCursorRow);
			sFailures++;
		}
	}
}

#define EXPECT(...) expect_at(__LINE__, __VA_ARGS__)

static void test_text(void)
{
	EXPECT("", "", "", "", 0, 0);
	EXPECT("hello", "hello", "", "", 5, 0);
	EXPECT("a\nb\r\nc", "a", "b", "c", 1, 2);
	EXPECT("abc\rX", "Xbc", "", "", 1, 0);
	EXPECT("abc\bX", "abX", "", "", 3, 0);
	EXPECT("\b\bX", "X", "", "", 1, 0);
	EXPECT("a\tb\tc", "a       bc", "", "", 9, 0);
	EXPECT("\ax\177y", "xy", "", "", 2, 0);
	EXPECT("a\vb\fc", "a", "b", "c", 1, 2);
	/* A full line wraps with the next character only. */
	EXPECT("0123456789", "0123456789", "", "", 9, 0);
	EXPECT("0123456789\nA", "0123456789", "A", "", 1, 1);
	EXPECT("0123456789\rA", "A123456789", "", "", 1, 0);
	EXPECT("0123456789A", "0123456789", "A", "", 1, 1);
	EXPECT("0123456789\bA", "01234567A9", "", "", 9, 0);
	EXPECT("0123456789\tA", "0123456789", "A", "", 1, 1);
	/* Scrolling. */
	EXPECT("a\nb\nc\nd", "b", "c", "d", 1, 2);
	EXPECT("a\nb\nc\n", "b", "c", "", 0, 2);
	EXPECT("a\nb\n0123456789c\n\n\n\n\nd", "", "", "d", 1, 2);
}

static void test_utf8(void)
{
	EXPECT("\xc3\xa9\xc2\xa0|", "\xe9\xa0|", "", "", 3, 0);
	EXPECT("\xc2\x80|\xe2\x82\xac|\xf0\x9f\x98\x80|", "#|#|#|", "", "", 6, 0);
	/* Cut off, overlong, surrogate, above the last, lone bytes (Unicode's
	 * practice: a box for each longest part that could have begun one). */
	EXPECT("\xe2\x82|", "#|", "", "", 2, 0);
	EXPECT("\xe2\xc3\xa9|", "#\xe9|", "", "", 3, 0);
	EXPECT("\xc0\xaf|", "##|", "", "", 3, 0);
	EXPECT("\xe0\x80\x80|", "###|", "", "", 4, 0);
	EXPECT("\xed\xa0\x80|", "###|", "", "", 4, 0);
	EXPECT("\xf4\x90\x80\x80|", "####|", "", "", 5, 0);
	EXPECT("\x80\xff|", "##|", "", "", 3, 0);
	EXPECT("\xe2\nx", "#", "x", "", 1, 1);
}

static void test_sequences(void)
{
	EXPECT("a\033[31mb\033[mc", "abc", "", "", 3, 0);
	EXPECT("a\033[?99h\033[>4;2m\033[ q\033[99~b", "ab", "", "", 2, 0);
	EXPECT("a\033(Bb\033%Gc\033=d", "abcd", "", "", 4, 0);
	/* Titles and the like, ended or not. */
	EXPECT("a\033]0;title\ab\033P1$r\033\\c", "abc", "", "", 3, 0);
	EXPECT("a\033]0;title\nb", "a", "b", "", 1, 1);
	EXPECT("\033[1;2;3;4;5;6;7;8;9;10;11;12mx", "x", "", "", 1, 0);
	EXPECT("\033[99999999999999999999mx", "x", "", "", 1, 0);
	EXPECT("a\033[3\n1mb", "a", "b", "", 1, 1);
	EXPECT("a\033[3\0301mb", "a1mb", "", "", 4, 0);
	EXPECT("a\033[3\033[31mb", "ab", "", "", 2, 0);

	start(&kMemory, 10, 3);
	write_text("a\033[31mb\033[1mc\033[7md\033[0me\033[97;44mf\033[39;49mg\033[38;5;1mh");
	CHECK(sGrid[0][0] == SCREEN_CELL('a', 7, 0));
	CHECK(sGrid[0][1] == SCREEN_CELL('b', 4, 0));
	CHECK(sGrid[0][2] == SCREEN_CELL('c', 12, 0));
	CHECK(sGrid[0][3] == SCREEN_CELL('d', 0, 12));
	CHECK(sGrid[0][4] == SCREEN_CELL('e', 7, 0));
	CHECK(sGrid[0][5] == SCREEN_CELL('f', 15, 1));
	CHECK(sGrid[0][6] == SCREEN_CELL('g', 7, 0));
	CHECK(sGrid[0][7] == SCREEN_CELL('h', 7, 0));
}

static void test_cursor(void)
{
	EXPECT("\033[2;4Hx", "", "   x", "", 4, 1);
	EXPECT("\033[3fx", "", "", "x", 1, 2);
	EXPECT("abc\033[Hx", "xbc", "", "", 1, 0);
	EXPECT("\033[99;99Hx", "", "", "         x", 9, 2);
	EXPECT("\033[99;99H\033[Ax\033[9A\033[2Dy\033[9B\033[9Cz", "       y", "         x",
		"         z", 9, 2);
	EXPECT("abc\033[99Dx\033[2Cy", "xbcy", "", "", 4, 0);
	EXPECT("ab\033[Ec\033[Fd", "db", "c", "", 1, 0);
	EXPECT("abc\033[5Gx\033[2`y", "ayc x", "", "", 2, 0);
	EXPECT("ab\033[3dc\033[ad\033[ee", "ab", "", "  c de", 6, 2);
	/* From behind the last column. */
	EXPECT("0123456789\033[Dx", "01234567x9", "", "", 9, 0);
	EXPECT("0123456789\033[Kx", "012345678", "x", "", 1, 1);
	EXPECT("ab\0337cd\n\0338x", "abxd", "", "", 3, 0);
	EXPECT("ab\033[scd\n\033[ux", "abxd", "", "", 3, 0);
	/* No line is as long as the screen is wide. */
	EXPECT("\033[?7l0123456789ab", "012345678b", "", "", 9, 0);
	EXPECT("\033[20la\nb", "a", " b", "", 2, 1);
	EXPECT("\033[20la\n\033[20hb\nc", "a", " b", "c", 1, 2);

	start(&kMemory, 10, 3);
	i386_screen_write_terminal("ab\nc\r\nd", 7);
	write_text("\ne");
	CHECK_STRING(row_text(0), "  c");
	CHECK_STRING(row_text(1), "d");
	CHECK_STRING(row_text(2), "e");

	start(&kMemory, 10, 3);
	CHECK(sCursorShown);
	write_text("\033[?25l");
	CHECK(!sCursorShown);
	write_text("\033[?7;25h");
	CHECK(sCursorShown);
	start(&kMemoryWithoutCursor, 10, 3);
	write_text("\033[?25lab");
	CHECK(sGrid[0][2] == SCREEN_CELL(' ', 7, 0));
	write_text("\033[?25h");
	CHECK(sGrid[0][2] == SCREEN_CELL(' ', 0, 7));
}

static void test_erasing(void)
{
	static const char kFull[] = "aaaaaaaaaa\nbbbbbbbbbb\ncccccccccc\033[2;5H";
	char text[200];

#define EXPECT_FROM_FULL(sequence, ...)                                                  \
	(snprintf(text, sizeof(text), "%s%s", kFull, sequence), EXPECT(text, __VA_ARGS__))
	EXPECT_FROM_FULL("\033[K", "aaaaaaaaaa", "bbbb", "cccccccccc", 4, 1);
	EXPECT_FROM_FULL("\033[1K", "aaaaaaaaaa", "     bbbbb", "cccccccccc", 4, 1);
	EXPECT_FROM_FULL("\033[2K", "aaaaaaaaaa", "", "cccccccccc", 4, 1);
	EXPECT_FROM_FULL("\033[J", "aaaaaaaaaa", "bbbb", "", 4, 1);
	EXPECT_FROM_FULL("\033[1J", "", "     bbbbb", "cccccccccc", 4, 1);
	EXPECT_FROM_FULL("\033[2J", "", "", "", 4, 1);
	EXPECT_FROM_FULL("\033[L", "aaaaaaaaaa", "", "bbbbbbbbbb", 0, 1);
	EXPECT_FROM_FULL("\033[9L", "aaaaaaaaaa", "", "", 0, 1);
	EXPECT_FROM_FULL("\033[M", "aaaaaaaaaa", "cccccccccc", "", 0, 1);
	EXPECT_FROM_FULL("\033[S", "bbbbbbbbbb", "cccccccccc", "", 4, 1);
	EXPECT_FROM_FULL("\033[2T", "", "", "aaaaaaaaaa", 4, 1);
	EXPECT_FROM_FULL("X\033[2@", "aaaaaaaaaa", "bbbbX  bbb", "cccccccccc", 5, 1);
	EXPECT_FROM_FULL("X\033[3P", "aaaaaaaaaa", "bbbbXbb", "cccccccccc", 5, 1);
	EXPECT_FROM_FULL("\033[3X", "aaaaaaaaaa", "bbbb   bbb", "cccccccccc", 4, 1);
	EXPECT_FROM_FULL(
		"\033[99P\033[99@\033[99X", "aaaaaaaaaa", "bbbb", "cccccccccc", 4, 1);
	EXPECT_FROM_FULL("\033[4hXY\033[4lZ", "aaaaaaaaaa", "bbbbXYZbbb", "cccccccccc", 7, 1);
	EXPECT_FROM_FULL("\033cx", "x", "", "", 1, 0);
	/* The other screen, and back. */
	EXPECT_FROM_FULL("\033[?1049hx", "", "    x", "", 5, 1);
	EXPECT_FROM_FULL(
		"\033[?1049h\033[Hx\033[?1049l", "aaaaaaaaaa", "bbbbbbbbbb", "cccccccccc", 4, 1);
	/* Regions. */
	EXPECT_FROM_FULL("\033[1;2r\n\n\nx", "", "x", "cccccccccc", 1, 1);
	EXPECT_FROM_FULL("\033[2;3r\033[3Hx\n", "aaaaaaaaaa", "xccccccccc", "", 0, 2);
	EXPECT_FROM_FULL("\033[2;3r\033[2H\033Mx", "aaaaaaaaaa", "x", "bbbbbbbbbb", 1, 1);
	EXPECT_FROM_FULL("\033[2;3r\033[2H\033[9A\033[9Bx", "aaaaaaaaaa", "bbbbbbbbbb",
		"xccccccccc", 1, 2);
	EXPECT_FROM_FULL("\033[2;3r\033[L", "aaaaaaaaaa", "bbbbbbbbbb", "cccccccccc", 0, 0);
	EXPECT_FROM_FULL(
		"\033[3;2r\033[2;2r\033[9;9rx", "aaaaaaaaaa", "bbbbxbbbbb", "cccccccccc", 5, 1);
	EXPECT_FROM_FULL("\033[1;2r\033[r\033[3H\nx", "bbbbbbbbbb", "cccccccccc", "x", 1, 2);
	EXPECT_FROM_FULL("\033Dx\033Ey", "bbbbbbbbbb", "ccccxccccc", "y", 1, 2);
	EXPECT_FROM_FULL("\033[H\033Mx", "x", "aaaaaaaaaa", "bbbbbbbbbb", 1, 0);
#undef EXPECT_FROM_FULL

	/* What is erased keeps the background. */
	start(&kMemory, 10, 3);
	write_text("\033[44m\033[K");
	CHECK(sGrid[0][9] == SCREEN_CELL(' ', 7, 1));
	write_text("\033[m\033[2J");
	CHECK(sGrid[0][9] == SCREEN_CELL(' ', 7, 0));
}

static void expect_answer(const char *input, const char *wanted)
{
	char buffer[64];
	size_t count;

	start(&kMemory, 10, 3);
	write_text(input);
	count = i386_screen_answer(buffer, sizeof(buffer) - 1);
	buffer[count] = '\0';
	CHECK_STRING(buffer, wanted);
	CHECK_NUMBER(i386_screen_answer(buffer, sizeof(buffer)), 0);
}

static void test_answers(void)
{
	unsigned columns, rows;

	expect_answer("abc", "");
	expect_answer("\033[2;4H\033[6n", "\033[2;4R");
	expect_answer("0123456789\033[6n", "\033[1;10R");
	expect_answer("\033[5n", "\033[0n");
	expect_answer("\033[c", "\033[?6c");
	expect_answer("\033Z", "\033[?6c");
	expect_answer("\033[>c\033[?6n\033[7n", "");
	/* Many at once are cut. */
	start(&kMemory, 10, 3);
	for (unsigned i = 0; i < 100; i++)
		write_text("\033[6n");
	char buffer[100];
	CHECK_NUMBER(i386_screen_answer(buffer, sizeof(buffer)), 64);
	arch_screen_size(&columns, &rows);
	CHECK(columns == 10 && rows == 3);
}

static void test_panic_mode(void)
{
	start(&kMemory, 10, 3);
	write_text("abc\033[3");
	i386_screen_panic_mode();
	write_text("PANIC");
	CHECK(strcmp(row_text(0), "abc") == 0);
	CHECK(sGrid[0][0] == SCREEN_CELL('a', 7, 0));
	CHECK(strcmp(row_text(1), "PANIC") == 0);
	CHECK(sGrid[1][0] == SCREEN_CELL('P', 15, 4));
	CHECK(sGrid[1][9] == SCREEN_CELL(' ', 15, 4));
	write_text("\nx\ny");
	CHECK(strcmp(row_text(2), "y") == 0);
	CHECK(sGrid[2][9] == SCREEN_CELL(' ', 15, 4));
	start(&kMemory, 10, 3);
	write_text("x");
	CHECK(sGrid[0][0] == SCREEN_CELL('x', 7, 0));
}

static void test_drawing(void)
{
	/* Only what changed is drawn. */
	start(&kMemory, 100, 50);
	CHECK(sDrawn >= 5000);
	sDrawn = 0;
	write_text("hello");
	CHECK(sDrawn == 5);
	write_text("\rhello");
	CHECK(sDrawn == 5);

	/* Without a cursor in hardware it is a cell with its colours swapped. */
	start(&kMemoryWithoutCursor, 10, 3);
	CHECK(sGrid[0][0] == SCREEN_CELL(' ', 0, 7));
	write_text("ab");
	CHECK(sGrid[0][0] == SCREEN_CELL('a', 7, 0));
	CHECK(sGrid[0][2] == SCREEN_CELL(' ', 0, 7));
	write_text("\n");
	CHECK(sGrid[0][2] == SCREEN_CELL(' ', 7, 0));
	CHECK(sGrid[1][0] == SCREEN_CELL(' ', 0, 7));

	/* Sizes: the largest, beyond it, one cell, none. */
	start(&kMemory, SCREEN_MAX_COLUMNS, SCREEN_MAX_ROWS);
	for (unsigned i = 0; i < 3 * SCREEN_MAX_ROWS; i++)
		write_text("a long line\n");
	start(&kMemory, 100000, 100000);
	for (unsigned i = 0; i < SCREEN_MAX_COLUMNS; i++)
		write_text("0123456789");
	CHECK(sGrid[9][SCREEN_MAX_COLUMNS - 1] == SCREEN_CELL('9', 7, 0));
	CHECK(sCursorRow == 9);
	start(&kMemory, 1, 1);
	write_text("ab\tc\b\bd\n");
	CHECK(strcmp(row_text(0), "") == 0);
	i386_screen_start(&kMemory, 0, 25);
	i386_screen_start(&kMemory, 80, 0);
	write_text("xy");
	CHECK(strcmp(row_text(0), "y") == 0);
}

/* Bytes of every sort, in random pieces: every draw stays inside (the device
 * aborts) and the text that comes after is unharmed. */
static void test_noise(void)
{
	static const char kPieces[][8] = {"\033[", "\033", ";", "1", "m", "\n", "\r", "\t",
		"\b", "\xe2\x82\xac", "\xc3", "text", "\033[7m", "?", "\x18", "\033[2;9r",
		"\033[9L", "\033[99M", "\033M", "\033D", "\033[99P", "\033[9@", "\033[J",
		"\033[1J", "\033[9T", "\033[9S", "\033[?47h", "\033[4h", "\0338", "\033[9;9H"};
	uint32_t seed = 1;
	for (int run = 0; run < 300; run++) {
		start(run % 2 ? &kMemory : &kMemoryWithoutCursor, 1 + run % 90, 1 + run % 31);
		for (int i = 0; i < 400; i++) {
			seed = seed * 1664525u + 1013904223u;
			unsigned choice = seed >> 24;
			if (choice < 128) {
				const char *piece =
					kPieces[choice % (sizeof(kPieces) / sizeof(kPieces[0]))];
				i386_screen_write(piece, strlen(piece));
			} else {
				char byte = (char)(seed >> 16);
				i386_screen_write(&byte, 1);
			}
			if (choice == 255 && i % 50 == 0)
				i386_screen_panic_mode();
		}
		write_text("\x18\033c\033[?99lignored\r\n\nX");
		bool seen = false;
		for (unsigned row = 0; row < sRows; row++)
			seen = seen || strcmp(row_text(row), "X") == 0;
		CHECK(seen);
	}
}

/* ---- VGA text mode -------------------------------------------------------- */

/* Here and not beside the others only to keep the first line short. */
#include "arch/i386/vga_text.c"

static uint8_t sCrtcIndex;
static uint8_t sCrtc[256];

void outb(uint16_t port, uint8_t value)
{
	if (port == 0x3d4)
		sCrtcIndex = value;
	else if (port == 0x3d5)
		sCrtc[sCrtcIndex] = value;
	else {
		printf("port 0x%x is not the screen's\n", port);
		abort();
	}
}

static void test_vga_text(void)
{
	volatile uint16_t *cells = malloc(80 * 25 * sizeof(uint16_t));
	i386_screen_init_text(cells);
	for (unsigned i = 0; i < 80 * 25; i++)
		CHECK(cells[i] == 0x0720);
	CHECK(sCrtc[0x0e] == 0 && sCrtc[0x0f] == 0);
	CHECK((sCrtc[0x0a] & 0x20) == 0); /* not hidden */

	for (unsigned i = 0; i < 23; i++)
		write_text("\n");
	write_text("line\nA\xc3\xa4\xe2\x82\xac\033[31;107mR");
	CHECK(cells[24 * 80] == 0x0741);
	CHECK(cells[24 * 80 + 1] == 0x0784); /* a diaeresis in code page 437 */
	CHECK(cells[24 * 80 + 2] == 0x07fe);
	CHECK(cells[24 * 80 + 3] == 0x7452); /* not blinking */
	CHECK(cells[23 * 80] == 0x076c);
	CHECK((sCrtc[0x0e] << 8 | sCrtc[0x0f]) == 24 * 80 + 4);
	write_text("\n");
	CHECK(cells[23 * 80] == 0x0741);
	free((void *)cells);
	i386_screen_start(&kMemory, 1, 1); /* nothing writes to the freed cells */
}

/* ---- Framebuffer ---------------------------------------------------------- */

/* 'F' has a recognisable upper left corner; a box is filled. */
const uint8_t kFont[256][SCREEN_GLYPH_HEIGHT] = {
	['F'] = {0xf1, 0x80, [15] = 0x01},
	[SCREEN_BOX] = {[0 ... 15] = 0xff},
};

static uint32_t pixel_at(
	const uint8_t *base, uint32_t pitch, unsigned bytes, unsigned x, unsigned y)
{
	uint32_t value = 0;
	for (unsigned i = 0; i < bytes; i++)
		value |= (uint32_t)base[y * pitch + x * bytes + i] << (8 * i);
	return value;
}

static void test_framebuffer(void)
{
	static const struct {
		uint8_t bits, red, red_size, green, green_size, blue, blue_size;
		uint32_t grey, dark_red;
	} kFormats[] = {
		{32, 16, 8, 8, 8, 0, 8, 0xaaaaaa, 0xaa0000},
		{32, 0, 8, 8, 8, 16, 8, 0xaaaaaa, 0x0000aa},
		{32, 20, 10, 10, 10, 0, 10, 0x2a8aa2a8, 0x2a800000},
		{24, 16, 8, 8, 8, 0, 8, 0xaaaaaa, 0xaa0000},
		{16, 11, 5, 5, 6, 0, 5, 0xad55, 0xa800},
		{15, 10, 5, 5, 5, 0, 5, 0x56b5, 0x5400},
	};
	for (unsigned i = 0; i < sizeof(kFormats) / sizeof(kFormats[0]); i++) {
		unsigned bytes = (kFormats[i].bits + 7u) / 8;
		/* No whole number of cells, lines with a gap behind, no spare byte. */
		uint32_t width = 8 * 11 + 3;
		uint32_t height = 16 * 4 + 5;
		uint32_t pitch = width * bytes + 7;
		size_t size = (height - 1) * pitch + width * bytes;
		uint8_t *base = malloc(size);
		memset(base, 0x5a, size);
		struct i386_framebuffer framebuffer = {base, pitch, width, height,
			kFormats[i].bits, kFormats[i].red, kFormats[i].red_size, kFormats[i].green,
			kFormats[i].green_size, kFormats[i].blue, kFormats[i].blue_size};
		i386_screen_init_framebuffer(&framebuffer);
		CHECK(pixel_at(base, pitch, bytes, width - 1, height - 1) == 0);
		CHECK(base[width * bytes] == 0x5a); /* the gap is not ours */

		write_text("\n F\033[31mF");
		CHECK(pixel_at(base, pitch, bytes, 8, 16) == kFormats[i].grey);
		CHECK(pixel_at(base, pitch, bytes, 8 + 4, 16) == 0);
		CHECK(pixel_at(base, pitch, bytes, 8 + 7, 16) == kFormats[i].grey);
		CHECK(pixel_at(base, pitch, bytes, 8, 17) == kFormats[i].grey);
		CHECK(pixel_at(base, pitch, bytes, 8 + 1, 17) == 0);
		CHECK(pixel_at(base, pitch, bytes, 8 + 7, 31) == kFormats[i].grey);
		CHECK(pixel_at(base, pitch, bytes, 16, 16) == kFormats[i].dark_red);
		/* The cursor. */
		CHECK(pixel_at(base, pitch, bytes, 24, 16) == kFormats[i].dark_red
			  || pixel_at(base, pitch, bytes, 24, 16) == kFormats[i].grey);
		/* Scrolling moves the letter up, the last row is blank. */
		write_text("\n\n\n");
		CHECK(pixel_at(base, pitch, bytes, 8, 0) == kFormats[i].grey);
		CHECK(pixel_at(base, pitch, bytes, 8, 16) == 0);
		for (unsigned line = 0; line < 20; line++)
			write_text("FFFFFFFFFFF\xff\n");
		i386_screen_start(&kMemory, 1, 1);

		/* What makes no sense is left alone. */
		memset(base, 0x5a, size);
		framebuffer.pitch = width * bytes - 1;
		i386_screen_init_framebuffer(&framebuffer);
		framebuffer.pitch = pitch;
		framebuffer.bits_per_pixel = 8;
		i386_screen_init_framebuffer(&framebuffer);
		framebuffer.bits_per_pixel = 32;
		framebuffer.base = NULL;
		i386_screen_init_framebuffer(&framebuffer);
		CHECK(base[0] == 0x5a);
		free(base);
	}
}

int main(void)
{
	/* Before any device is there nothing happens. */
	write_text("nobody sees this\n");
	i386_screen_panic_mode();

	test_text();
	test_utf8();
	test_sequences();
	test_cursor();
	test_erasing();
	test_answers();
	test_panic_mode();
	test_drawing();
	test_noise();
	test_vga_text();
	test_framebuffer();
	return check_result();
}
