/*
 * The terminal behind the screen: cells, cursor, scrolling, and the few
 * control sequences that output may hold. Knows no device and no port, so that
 * tests/host/test_screen.c runs it as it is.
 *
 * Called through arch_screen_write() (kernel/arch.h) by the log and the
 * console, and by a panic at any time: state that a panic finds half changed
 * may cost a misplaced character, never a store outside the arrays, since each
 * index is checked in the function that stores through it.
 */
#include "arch/i386/screen.h"

#include "kernel/arch.h"

#define TAB_WIDTH 8u
#define SGR_MAX_PARAMETERS 8u

#define CONTROL_BACKSPACE 0x08
#define CONTROL_TAB 0x09
#define CONTROL_LINE_FEED 0x0a
#define CONTROL_RETURN 0x0d
#define CONTROL_CANCEL 0x18
#define CONTROL_SUBSTITUTE 0x1a
#define CONTROL_ESCAPE 0x1b

enum {
	COLOR_BLACK = 0,
	COLOR_RED = 4,
	COLOR_GREY = 7,
	COLOR_BRIGHT = 8,
	COLOR_WHITE = 15
};

/* What the bytes of a control sequence have led to. */
enum parser_state {
	STATE_TEXT,
	STATE_ESCAPE,	/* behind ESC */
	STATE_SEQUENCE, /* in the parameters of a CSI sequence */
	STATE_IGNORE,	/* in a CSI sequence that is none of ours */
};

static const struct screen_device *sDevice;
static unsigned sColumns;
static unsigned sRows;

/*
 * What should be seen, and what the device was last told. Rows of sCells are a
 * ring, beginning at sTop, so that scrolling moves nothing.
 */
static uint16_t sCells[SCREEN_MAX_ROWS][SCREEN_MAX_COLUMNS];
static uint16_t sShown[SCREEN_MAX_ROWS][SCREEN_MAX_COLUMNS];
static unsigned sTop;

/* Rows of the screen that may differ from what is shown: first to last. */
static unsigned sDirtyFirst;
static unsigned sDirtyLast;

/*
 * The column may be sColumns, behind the last: the line is wrapped when another
 * character comes, so that a full line and its \n make one line.
 */
static unsigned sColumn;
static unsigned sRow;

static uint8_t sForeground = COLOR_GREY;
static uint8_t sBackground = COLOR_BLACK;
static uint8_t sDefaultForeground = COLOR_GREY;
static uint8_t sDefaultBackground = COLOR_BLACK;
static bool sBright;
static bool sInverse;

static enum parser_state sState;
static unsigned sParameters[SGR_MAX_PARAMETERS];
static unsigned sParameterCount; /* begun so far, less one */

/* A character of UTF-8 under way, and which bytes may follow. */
static uint32_t sCodePoint;
static unsigned sContinuations;
static uint8_t sLowest;
static uint8_t sHighest;

static uint16_t make_cell(unsigned code)
{
	unsigned foreground = sForeground | (sBright ? COLOR_BRIGHT : 0u);
	unsigned background = sBackground;
	if (sInverse) {
		unsigned swapped = foreground;
		foreground = background;
		background = swapped;
	}
	return SCREEN_CELL(code & 0xffu, foreground & 0xfu, background & 0xfu);
}

static uint16_t inverted(uint16_t cell)
{
	return (uint16_t)((cell & 0xffu) | (cell >> 4 & 0xf00u) | (cell & 0xf00u) << 4);
}

static uint16_t *cells_of_row(unsigned row)
{
	return sCells[(sTop + row) % sRows % SCREEN_MAX_ROWS];
}

static void mark_dirty(unsigned row)
{
	if (row < sDirtyFirst)
		sDirtyFirst = row;
	if (row > sDirtyLast)
		sDirtyLast = row;
}

static void mark_all_dirty(void)
{
	sDirtyFirst = 0;
	sDirtyLast = sRows - 1;
}

static void clear_row(unsigned row)
{
	uint16_t *cells = cells_of_row(row);
	uint16_t blank = SCREEN_CELL(' ', sDefaultForeground, sDefaultBackground);
	for (unsigned column = 0; column < sColumns; column++)
		cells[column] = blank;
	mark_dirty(row);
}

static void line_feed(void)
{
	sColumn = 0;
	if (sRow + 1 < sRows) {
		sRow++;
		return;
	}
	sTop = (sTop + 1) % sRows;
	clear_row(sRows - 1);
	mark_all_dirty();
}

static void put_code(unsigned code)
{
	if (sColumn >= sColumns)
		line_feed();

	unsigned column = sColumn;
	unsigned row = sRow;
	if (column >= sColumns || row >= sRows)
		return;
	cells_of_row(row)[column] = make_cell(code);
	mark_dirty(row);
	sColumn = column + 1;
}

static void put_code_point(uint32_t code_point)
{
	/* The controls of 0x80 to 0x9f have no glyph either. */
	bool has_glyph = code_point < 0x7f || (code_point >= 0xa0 && code_point <= 0xff);
	put_code(has_glyph ? code_point : SCREEN_BOX);
}

/* ---- Control characters and sequences ---------------------------------- */

static void control(uint8_t byte)
{
	switch (byte) {
	case CONTROL_BACKSPACE:
		/* From behind the last column it goes to the one before the last,
		 * as on every terminal that puts off the wrap. */
		if (sColumn >= sColumns)
			sColumn = sColumns - 1;
		if (sColumn > 0)
			sColumn--;
		break;
	case CONTROL_TAB:
		if (sColumn < sColumns) {
			sColumn = (sColumn / TAB_WIDTH + 1) * TAB_WIDTH;
			if (sColumn >= sColumns)
				sColumn = sColumns - 1;
		}
		break;
	case CONTROL_LINE_FEED:
		line_feed();
		break;
	case CONTROL_RETURN:
		sColumn = 0;
		break;
	case CONTROL_CANCEL:
	case CONTROL_SUBSTITUTE:
		sState = STATE_TEXT;
		break;
	case CONTROL_ESCAPE:
		sState = STATE_ESCAPE;
		break;
	default:
		break;
	}
}

static void reset_colors(void)
{
	sForeground = sDefaultForeground;
	sBackground = sDefaultBackground;
	sBright = false;
	sInverse = false;
}

/* ECMA-48 section 8.3.117 (SGR), and the bright colours of aixterm. */
static void select_graphic_rendition(void)
{
	/* ECMA-48 orders the bits red, green, blue from the lowest; VGA the other way. */
	static const uint8_t kColors[8] = {0, 4, 2, 6, 1, 5, 3, 7};

	unsigned count = sParameterCount + 1;
	for (unsigned i = 0; i < count && i < SGR_MAX_PARAMETERS; i++) {
		unsigned parameter = sParameters[i];
		if (parameter == 0)
			reset_colors();
		else if (parameter == 1)
			sBright = true;
		else if (parameter == 7)
			sInverse = true;
		else if (parameter == 22)
			sBright = false;
		else if (parameter == 27)
			sInverse = false;
		else if (parameter >= 30 && parameter <= 37)
			sForeground = kColors[parameter - 30];
		else if (parameter == 39)
			sForeground = sDefaultForeground;
		else if (parameter >= 40 && parameter <= 47)
			sBackground = kColors[parameter - 40];
		else if (parameter == 49)
			sBackground = sDefaultBackground;
		else if (parameter >= 90 && parameter <= 97)
			sForeground = kColors[parameter - 90] | COLOR_BRIGHT;
		else if (parameter >= 100 && parameter <= 107)
			sBackground = kColors[parameter - 100] | COLOR_BRIGHT;
		else if (parameter == 38 || parameter == 48)
			return; /* what follows is a colour of a larger palette */
	}
}

/* One byte, 0x20 to 0xff, of the parameters or the end of a CSI sequence. */
static void sequence_byte(uint8_t byte)
{
	if (byte >= 0x40 && byte <= 0x7e) {
		if (byte == 'm' && sState == STATE_SEQUENCE)
			select_graphic_rendition();
		sState = STATE_TEXT;
		return;
	}
	if (sState == STATE_IGNORE)
		return;

	unsigned index = sParameterCount;
	if (byte >= '0' && byte <= '9') {
		if (index < SGR_MAX_PARAMETERS && sParameters[index] < 1000)
			sParameters[index] = sParameters[index] * 10 + (byte - '0');
	} else if (byte == ';') {
		if (index + 1 < SGR_MAX_PARAMETERS)
			sParameters[index + 1] = 0;
		if (index < SGR_MAX_PARAMETERS)
			sParameterCount = index + 1;
	} else
		sState = STATE_IGNORE; /* private parameters, intermediate bytes */
}

static void escape_byte(uint8_t byte)
{
	if (byte == '[') {
		sState = STATE_SEQUENCE;
		sParameterCount = 0;
		sParameters[0] = 0;
	} else if (byte < 0x20 || byte > 0x2f)
		sState = STATE_TEXT; /* the last byte of some other escape sequence */
}

/* ---- UTF-8 -------------------------------------------------------------- */

/*
 * The first byte of a character. The ranges of the second byte leave out
 * overlong forms, surrogates and what is above U+10FFFF (Unicode 15, table 3-7).
 */
static void lead_byte(uint8_t byte)
{
	sLowest = 0x80;
	sHighest = 0xbf;
	if (byte >= 0xc2 && byte <= 0xdf) {
		sContinuations = 1;
		sCodePoint = byte & 0x1fu;
	} else if (byte >= 0xe0 && byte <= 0xef) {
		sContinuations = 2;
		sCodePoint = byte & 0x0fu;
		if (byte == 0xe0)
			sLowest = 0xa0;
		else if (byte == 0xed)
			sHighest = 0x9f;
	} else if (byte >= 0xf0 && byte <= 0xf4) {
		sContinuations = 3;
		sCodePoint = byte & 0x07u;
		if (byte == 0xf0)
			sLowest = 0x90;
		else if (byte == 0xf4)
			sHighest = 0x8f;
	} else
		put_code(SCREEN_BOX);
}

static void write_byte(uint8_t byte)
{
	if (sContinuations > 0) {
		if (byte >= sLowest && byte <= sHighest) {
			sLowest = 0x80;
			sHighest = 0xbf;
			sCodePoint = sCodePoint << 6 | (byte & 0x3fu);
			if (--sContinuations == 0)
				put_code_point(sCodePoint);
			return;
		}
		/* The character was cut off; this byte begins anew. */
		sContinuations = 0;
		put_code(SCREEN_BOX);
	}

	if (byte < 0x20) {
		control(byte); /* also within a sequence, as ECMA-48 terminals do */
		return;
	}
	switch (sState) {
	case STATE_ESCAPE:
		escape_byte(byte);
		break;
	case STATE_SEQUENCE:
	case STATE_IGNORE:
		sequence_byte(byte);
		break;
	case STATE_TEXT:
	default:
		if (byte < 0x7f)
			put_code(byte);
		else if (byte > 0x7f)
			lead_byte(byte);
		break;
	}
}

/* ---- Showing ------------------------------------------------------------ */

/* Draws what has changed; sShown is stored behind the drawing, so that what an
 * interruption left half drawn is drawn again. */
static void show(unsigned cursor_column, unsigned cursor_row)
{
	bool draw_cursor = sDevice->move_cursor == NULL;
	for (unsigned row = sDirtyFirst; row <= sDirtyLast && row < sRows; row++) {
		const uint16_t *cells = cells_of_row(row);
		uint16_t *shown = sShown[row];
		for (unsigned column = 0; column < sColumns; column++) {
			uint16_t cell = cells[column];
			if (draw_cursor && row == cursor_row && column == cursor_column)
				cell = inverted(cell);
			if (shown[column] != cell) {
				sDevice->draw(column, row, cell);
				shown[column] = cell;
			}
		}
	}
	sDirtyFirst = SCREEN_MAX_ROWS;
	sDirtyLast = 0;
	if (!draw_cursor)
		sDevice->move_cursor(cursor_column, cursor_row);
}

void i386_screen_write(const char *bytes, size_t size)
{
	if (sDevice == NULL)
		return;
	if (sRow >= sRows)
		sRow = sRows - 1;

	mark_dirty(sRow); /* the cursor leaves it */
	for (size_t i = 0; i < size; i++)
		write_byte((uint8_t)bytes[i]);
	mark_dirty(sRow);
	show(sColumn < sColumns ? sColumn : sColumns - 1, sRow);
}

void i386_screen_start(
	const struct screen_device *device, unsigned columns, unsigned rows)
{
	if (columns == 0 || rows == 0)
		return;
	sDevice = NULL;
	sColumns = columns < SCREEN_MAX_COLUMNS ? columns : SCREEN_MAX_COLUMNS;
	sRows = rows < SCREEN_MAX_ROWS ? rows : SCREEN_MAX_ROWS;
	sTop = 0;
	sColumn = 0;
	sRow = 0;
	sState = STATE_TEXT;
	sContinuations = 0;
	sDefaultForeground = COLOR_GREY;
	sDefaultBackground = COLOR_BLACK;
	reset_colors();
	for (unsigned row = 0; row < sRows; row++) {
		clear_row(row);
		/* Unlike any cell that is wanted, so that all of them are drawn. */
		for (unsigned column = 0; column < sColumns; column++)
			sShown[row][column] = (uint16_t)~cells_of_row(row)[column];
	}
	mark_all_dirty();
	sDevice = device;
	show(0, 0);
}

void i386_screen_panic_mode(void)
{
	if (sDevice == NULL)
		return;

	/* The panic may have come from anywhere, a half-written sequence included. */
	sState = STATE_TEXT;
	sContinuations = 0;
	sDefaultForeground = COLOR_WHITE;
	sDefaultBackground = COLOR_RED;
	reset_colors();
	if (sRow >= sRows)
		sRow = sRows - 1;
	mark_all_dirty();
	if (sColumn > 0)
		line_feed();
	clear_row(sRow);
}
