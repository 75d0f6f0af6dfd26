/*
 * VGA text mode as a device of the screen: 80 by 25 cells, each a character of
 * code page 437 and its colours, and the cursor of the CRT controller.
 *
 * Boot code calls i386_screen_init_text() where the firmware left the display
 * in text mode; the rest is called by screen.c.
 */
#include "arch/i386/screen.h"

#include "arch/i386/io.h"

#define TEXT_COLUMNS 80u
#define TEXT_ROWS 25u

/* The CRT controller: an index port and the data port behind it. */
#define CRTC_PORT 0x3d4
#define CRTC_CURSOR_START 0x0a /* first scan line; bit 5 hides the cursor */
#define CRTC_CURSOR_END 0x0b
#define CRTC_START_HIGH 0x0c
#define CRTC_START_LOW 0x0d
#define CRTC_CURSOR_HIGH 0x0e
#define CRTC_CURSOR_LOW 0x0f

#define CURSOR_FIRST_LINE 14
#define CURSOR_HIDDEN 0x20

/* In code page 437 a filled square is the nearest to a box. */
#define TEXT_BOX 0xfe

/* Code page 437 for Latin-1 from 0xa0 up, where it has the character. */
static const uint8_t kCodePage[96] = {
	[0x00] = 0xff, /* no-break space */
	[0x01] = 0xad, /* inverted exclamation mark */
	[0x02] = 0x9b, /* cent */
	[0x03] = 0x9c, /* pound */
	[0x05] = 0x9d, /* yen */
	[0x07] = 0x15, /* section */
	[0x0a] = 0xa6, /* feminine ordinal */
	[0x0b] = 0xae, /* left angle quotes */
	[0x0c] = 0xaa, /* not */
	[0x10] = 0xf8, /* degree */
	[0x11] = 0xf1, /* plus-minus */
	[0x12] = 0xfd, /* superscript two */
	[0x15] = 0xe6, /* micro */
	[0x16] = 0x14, /* pilcrow */
	[0x17] = 0xfa, /* middle dot */
	[0x1a] = 0xa7, /* masculine ordinal */
	[0x1b] = 0xaf, /* right angle quotes */
	[0x1c] = 0xac, /* one quarter */
	[0x1d] = 0xab, /* one half */
	[0x1f] = 0xa8, /* inverted question mark */
	[0x24] = 0x8e, /* A diaeresis */
	[0x25] = 0x8f, /* A ring */
	[0x26] = 0x92, /* AE */
	[0x27] = 0x80, /* C cedilla */
	[0x29] = 0x90, /* E acute */
	[0x31] = 0xa5, /* N tilde */
	[0x36] = 0x99, /* O diaeresis */
	[0x3c] = 0x9a, /* U diaeresis */
	[0x3f] = 0xe1, /* sharp s */
	[0x40] = 0x85, /* a grave */
	[0x41] = 0xa0, /* a acute */
	[0x42] = 0x83, /* a circumflex */
	[0x44] = 0x84, /* a diaeresis */
	[0x45] = 0x86, /* a ring */
	[0x46] = 0x91, /* ae */
	[0x47] = 0x87, /* c cedilla */
	[0x48] = 0x8a, /* e grave */
	[0x49] = 0x82, /* e acute */
	[0x4a] = 0x88, /* e circumflex */
	[0x4b] = 0x89, /* e diaeresis */
	[0x4c] = 0x8d, /* i grave */
	[0x4d] = 0xa1, /* i acute */
	[0x4e] = 0x8c, /* i circumflex */
	[0x4f] = 0x8b, /* i diaeresis */
	[0x51] = 0xa4, /* n tilde */
	[0x52] = 0x95, /* o grave */
	[0x53] = 0xa2, /* o acute */
	[0x54] = 0x93, /* o circumflex */
	[0x56] = 0x94, /* o diaeresis */
	[0x57] = 0xf6, /* division */
	[0x59] = 0x97, /* u grave */
	[0x5a] = 0xa3, /* u acute */
	[0x5b] = 0x96, /* u circumflex */
	[0x5c] = 0x81, /* u diaeresis */
	[0x5f] = 0x98, /* y diaeresis */
};

static volatile uint16_t *sTextCells;

static void write_crtc(uint8_t index, uint8_t value)
{
	outb(CRTC_PORT, index);
	outb(CRTC_PORT + 1, value);
}

static void draw_text(unsigned column, unsigned row, uint16_t cell)
{
	unsigned code = cell & 0xffu;
	if (code >= 0xa0)
		code = kCodePage[code - 0xa0] != 0 ? kCodePage[code - 0xa0] : TEXT_BOX;
	else if (code < ' ' || code >= SCREEN_BOX)
		code = TEXT_BOX;
	/* Bit 15 makes a character blink, so that a background is never bright. */
	sTextCells[row * TEXT_COLUMNS + column] = (uint16_t)(code | (cell & 0x7f00u));
}

static void move_text_cursor(unsigned column, unsigned row, bool visible)
{
	unsigned position = row * TEXT_COLUMNS + column;

	write_crtc(CRTC_CURSOR_START, visible ? CURSOR_FIRST_LINE : CURSOR_HIDDEN);
	write_crtc(CRTC_CURSOR_HIGH, (uint8_t)(position >> 8));
	write_crtc(CRTC_CURSOR_LOW, (uint8_t)position);
}

void i386_screen_init_text(volatile uint16_t *cells)
{
	static const struct screen_device kTextDevice = {
		.draw = draw_text,
		.move_cursor = move_text_cursor,
	};

	sTextCells = cells;
	/* The loader may have hidden the cursor, or shown another page. */
	write_crtc(CRTC_CURSOR_START, CURSOR_FIRST_LINE);
	write_crtc(CRTC_CURSOR_END, 15);
	write_crtc(CRTC_START_HIGH, 0);
	write_crtc(CRTC_START_LOW, 0);
	i386_screen_start(&kTextDevice, TEXT_COLUMNS, TEXT_ROWS);
}
