/*
 * The terminal behind the screen: cells, cursor, scrolling, and the control
 * sequences of ECMA-48 and of DEC's VT102 that full-screen programs use, as
 * Linux's console has them (console_codes(4)). Knows no device and no port, so
 * that tests/host/test_screen.c runs it as it is.
 *
 * Called through arch_screen_write() (kernel/arch.h) by the log and the
 * console, and by a panic at any time: state that a panic finds half changed
 * may cost a misplaced character, never a store outside the arrays, since each
 * index is checked in the function that stores through it.
 */
#include "arch/i386/screen.h"

#include "kernel/arch.h"

#define TAB_WIDTH 8u
#define MAX_PARAMETERS 16u

#define CONTROL_BELL 0x07
#define CONTROL_BACKSPACE 0x08
#define CONTROL_TAB 0x09
#define CONTROL_LINE_FEED 0x0a
#define CONTROL_VERTICAL_TAB 0x0b
#define CONTROL_FORM_FEED 0x0c
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
	STATE_ESCAPE,	 /* behind ESC */
	STATE_DESIGNATE, /* behind ESC and what says that one more byte ends it */
	STATE_SEQUENCE,	 /* in the parameters of a CSI sequence */
	STATE_IGNORE,	 /* in a CSI sequence that is none of ours */
	STATE_STRING,	 /* in a title or the like, which nobody shows */
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

/* What programs that use the alternate screen want to see again behind it. */
static uint16_t sBehind[SCREEN_MAX_ROWS][SCREEN_MAX_COLUMNS];
static bool sAlternate;

/* Rows of the screen that may differ from what is shown: first to last. */
static unsigned sDirtyFirst;
static unsigned sDirtyLast;

/*
 * The column may be sColumns, behind the last: the line is wrapped when another
 * character comes, so that a full line and its \n make one line.
 */
static unsigned sColumn;
static unsigned sRow;

/* Rows that scroll, the last one included; all of them, mostly. */
static unsigned sRegionFirst;
static unsigned sRegionLast;

static bool sCursorVisible = true;
static bool sWraps = true;			/* DECAWM */
static bool sInserts;				/* IRM: what is behind moves on */
static bool sNewlineReturns = true; /* LNM: \n goes to the first column, too, */
static bool sOnlyDown;				/* but not of a program that does that itself */

/* ESC 7 and ESC 8 */
static struct {
	unsigned column, row;
	uint8_t foreground, background;
	bool bright, inverse;
} sSaved;

/* What the program asked about, for its input. */
static char sAnswer[64];
static size_t sAnswerSize;

static uint8_t sForeground = COLOR_GREY;
static uint8_t sBackground = COLOR_BLACK;
static uint8_t sDefaultForeground = COLOR_GREY;
static uint8_t sDefaultBackground = COLOR_BLACK;
static bool sBright;
static bool sInverse;

static enum parser_state sState;
static unsigned sParameters[MAX_PARAMETERS];
static unsigned sParameterCount; /* begun so far, less one */
static uint8_t sPrivate;		 /* the sign before them, or 0 */

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

static unsigned smaller(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Blanks, which keep the background, from column `first` up to `end`. */
static void clear_cells(unsigned row, unsigned first, unsigned end)
{
	uint16_t *cells = cells_of_row(row);
	uint16_t blank = SCREEN_CELL(' ', sForeground & 0xfu, sBackground & 0xfu);
	for (unsigned column = first; column < end && column < sColumns; column++)
		cells[column] = blank;
	mark_dirty(row);
}

static void clear_row(unsigned row)
{
	clear_cells(row, 0, sColumns);
}

static void copy_row(unsigned to, unsigned from)
{
	uint16_t *target = cells_of_row(to);
	const uint16_t *source = cells_of_row(from);
	for (unsigned column = 0; column < sColumns; column++)
		target[column] = source[column];
	mark_dirty(to);
}

/* Takes `count` rows out at `first`; blank ones come in at the end of the region. */
static void scroll_up(unsigned first, unsigned count)
{
	unsigned last = smaller(sRegionLast, sRows - 1);
	if (first > last)
		return;
	count = smaller(count, last - first + 1);
	if (first == 0 && last == sRows - 1) {
		sTop = (sTop + count) % sRows;
		mark_all_dirty();
	} else {
		for (unsigned row = first; row + count <= last; row++)
			copy_row(row, row + count);
	}
	for (unsigned row = last + 1 - count; row <= last; row++)
		clear_row(row);
}

/* Puts `count` blank rows in at `first`; the region's last ones go. */
static void scroll_down(unsigned first, unsigned count)
{
	unsigned last = smaller(sRegionLast, sRows - 1);
	if (first > last)
		return;
	count = smaller(count, last - first + 1);
	for (unsigned row = last; row >= first + count; row--)
		copy_row(row, row - count);
	for (unsigned row = first; row < first + count; row++)
		clear_row(row);
}

/* Down a row, and the region scrolls at its end. */
static void index_down(void)
{
	if (sRow == sRegionLast)
		scroll_up(sRegionFirst, 1);
	else if (sRow + 1 < sRows)
		sRow++;
}

static void index_up(void)
{
	if (sRow == sRegionFirst)
		scroll_down(sRegionFirst, 1);
	else if (sRow > 0)
		sRow--;
}

static void line_feed(void)
{
	sColumn = 0;
	index_down();
}

/* Makes room for `count` cells in the cursor's row. */
static void insert_cells(unsigned count)
{
	unsigned first = smaller(sColumn, sColumns - 1);
	count = smaller(count, sColumns - first);
	uint16_t *cells = cells_of_row(sRow);
	for (unsigned column = sColumns; column-- > first + count;)
		cells[column] = cells[column - count];
	clear_cells(sRow, first, first + count);
}

static void delete_cells(unsigned count)
{
	unsigned first = smaller(sColumn, sColumns - 1);
	count = smaller(count, sColumns - first);
	uint16_t *cells = cells_of_row(sRow);
	for (unsigned column = first; column + count < sColumns; column++)
		cells[column] = cells[column + count];
	clear_cells(sRow, sColumns - count, sColumns);
}

static void put_code(unsigned code)
{
	if (sColumn >= sColumns) {
		if (sWraps)
			line_feed();
		else
			sColumn = sColumns - 1;
	}

	unsigned column = sColumn;
	unsigned row = sRow;
	if (column >= sColumns || row >= sRows)
		return;
	if (sInserts)
		insert_cells(1);
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
	case CONTROL_VERTICAL_TAB:
	case CONTROL_FORM_FEED:
		if (sState == STATE_STRING)
			sState = STATE_TEXT; /* a string that nobody ended */
		if (sNewlineReturns && !sOnlyDown)
			sColumn = 0;
		index_down();
		break;
	case CONTROL_BELL:
		if (sState == STATE_STRING)
			sState = STATE_TEXT;
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
	for (unsigned i = 0; i < count && i < MAX_PARAMETERS; i++) {
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

/* ---- Where the cursor is ---- */

static void move_to(unsigned column, unsigned row)
{
	sColumn = smaller(column, sColumns - 1);
	sRow = smaller(row, sRows - 1);
}

/* Up or down as far as the region that it is in goes. */
static void move_up(unsigned count)
{
	unsigned limit = sRow >= sRegionFirst ? sRegionFirst : 0;
	move_to(sColumn, sRow - smaller(count, sRow - limit));
}

static void move_down(unsigned count)
{
	unsigned limit = sRow <= sRegionLast ? sRegionLast : sRows - 1;
	move_to(sColumn, sRow + smaller(count, limit - sRow));
}

static void move_left(unsigned count)
{
	unsigned column = smaller(sColumn, sColumns - 1);
	move_to(column - smaller(count, column), sRow);
}

static void save_cursor(void)
{
	sSaved.column = sColumn;
	sSaved.row = sRow;
	sSaved.foreground = sForeground;
	sSaved.background = sBackground;
	sSaved.bright = sBright;
	sSaved.inverse = sInverse;
}

static void restore_cursor(void)
{
	sForeground = sSaved.foreground;
	sBackground = sSaved.background;
	sBright = sSaved.bright;
	sInverse = sSaved.inverse;
	sColumn = smaller(sSaved.column, sColumns);
	sRow = smaller(sSaved.row, sRows - 1);
}

/* ---- Sequences ---- */

/* Parameter `index`, `missing` where it is left out or 0. */
static unsigned parameter(unsigned index, unsigned missing)
{
	if (index > sParameterCount || index >= MAX_PARAMETERS || sParameters[index] == 0)
		return missing;
	return sParameters[index];
}

static void erase_in_line(unsigned what)
{
	unsigned column = smaller(sColumn, sColumns - 1);
	clear_cells(sRow, what == 0 ? column : 0, what == 1 ? column + 1 : sColumns);
}

static void erase_in_display(unsigned what)
{
	if (what <= 1)
		erase_in_line(what);
	for (unsigned row = what == 0 ? sRow + 1 : 0; row < (what == 1 ? sRow : sRows); row++)
		clear_row(row);
}

static void set_region(unsigned first, unsigned end)
{
	end = smaller(end, sRows);
	if (first >= end || first + 1 >= end)
		return; /* a region has two rows at the least */
	sRegionFirst = first;
	sRegionLast = end - 1;
	move_to(0, 0);
}

static void answer(const char *text)
{
	while (*text != '\0' && sAnswerSize < sizeof(sAnswer))
		sAnswer[sAnswerSize++] = *text++;
}

static void answer_number(unsigned number)
{
	char digits[12];
	unsigned first = sizeof(digits) - 1;
	digits[first] = '\0';
	do {
		digits[--first] = (char)('0' + number % 10);
		number /= 10;
	} while (number != 0 && first > 0);
	answer(digits + first);
}

/* ECMA-48 8.3.35 (DSR): is all well, and where is the cursor. */
static void report_status(void)
{
	if (parameter(0, 0) == 5)
		answer("\033[0n");
	if (parameter(0, 0) != 6)
		return;
	answer("\033[");
	answer_number(sRow + 1);
	answer(";");
	answer_number(smaller(sColumn, sColumns - 1) + 1);
	answer("R");
}

/* The alternate screen of xterm: what is on the one is there again behind it. */
static void use_alternate(bool alternate)
{
	if (alternate == sAlternate)
		return;
	sAlternate = alternate;
	for (unsigned row = 0; row < sRows; row++) {
		uint16_t *cells = cells_of_row(row);
		for (unsigned column = 0; column < sColumns; column++) {
			if (alternate)
				sBehind[row][column] = cells[column];
			else
				cells[column] = sBehind[row][column];
		}
		if (alternate)
			clear_row(row);
	}
	mark_all_dirty();
}

static void set_private_mode(unsigned mode, bool on)
{
	switch (mode) {
	case 7:
		sWraps = on;
		break;
	case 25:
		sCursorVisible = on;
		break;
	case 47:
	case 1047:
		use_alternate(on);
		break;
	case 1049:
		if (on && !sAlternate)
			save_cursor();
		if (!on && sAlternate)
			restore_cursor();
		use_alternate(on);
		break;
	default:
		break;
	}
}

static void set_modes(bool on)
{
	for (unsigned i = 0; i <= sParameterCount && i < MAX_PARAMETERS; i++) {
		if (sPrivate == '?')
			set_private_mode(sParameters[i], on);
		else if (sParameters[i] == 4)
			sInserts = on;
		else if (sParameters[i] == 20)
			sNewlineReturns = on;
	}
}

static void scroll_at_cursor(void (*scroll)(unsigned first, unsigned count))
{
	if (sRow < sRegionFirst || sRow > sRegionLast)
		return;
	scroll(sRow, parameter(0, 1));
	sColumn = 0;
}

/* What a CSI sequence without a private sign does; `final` ends it. */
static void run_sequence(uint8_t final)
{
	unsigned count = parameter(0, 1);
	unsigned column = smaller(sColumn, sColumns - 1);

	switch (final) {
	case 'A':
		move_up(count);
		break;
	case 'B':
	case 'e':
		move_down(count);
		break;
	case 'C':
	case 'a':
		move_to(column + count, sRow);
		break;
	case 'D':
		move_left(count);
		break;
	case 'E':
		move_down(count);
		sColumn = 0;
		break;
	case 'F':
		move_up(count);
		sColumn = 0;
		break;
	case 'G':
	case '`':
		move_to(count - 1, sRow);
		break;
	case 'H':
	case 'f':
		move_to(parameter(1, 1) - 1, count - 1);
		break;
	case 'd':
		move_to(column, count - 1);
		break;
	case 'J':
		erase_in_display(parameter(0, 0));
		break;
	case 'K':
		erase_in_line(parameter(0, 0));
		break;
	case 'L':
		scroll_at_cursor(scroll_down);
		break;
	case 'M':
		scroll_at_cursor(scroll_up);
		break;
	case 'S':
		scroll_up(sRegionFirst, count);
		break;
	case 'T':
		scroll_down(sRegionFirst, count);
		break;
	case '@':
		insert_cells(count);
		break;
	case 'P':
		delete_cells(count);
		break;
	case 'X':
		clear_cells(sRow, column, column + count);
		break;
	case 'c':
		answer("\033[?6c"); /* a VT102 */
		break;
	case 'm':
		select_graphic_rendition();
		break;
	case 'n':
		report_status();
		break;
	case 'r':
		set_region(count - 1, parameter(1, sRows));
		break;
	case 's':
		save_cursor();
		break;
	case 'u':
		restore_cursor();
		break;
	default:
		break;
	}
}

/* One byte, 0x20 to 0xff, of the parameters or the end of a CSI sequence. */
static void sequence_byte(uint8_t byte)
{
	if (byte >= 0x40 && byte <= 0x7e) {
		bool ours = sState == STATE_SEQUENCE;
		sState = STATE_TEXT;
		if (!ours)
			return;
		if (byte == 'h' || byte == 'l')
			set_modes(byte == 'h');
		else if (sPrivate == 0)
			run_sequence(byte);
		return;
	}
	if (sState == STATE_IGNORE)
		return;

	unsigned index = sParameterCount;
	if (byte >= '0' && byte <= '9') {
		if (index < MAX_PARAMETERS && sParameters[index] < 10000)
			sParameters[index] = sParameters[index] * 10 + (byte - '0');
	} else if (byte == ';') {
		if (index + 1 < MAX_PARAMETERS)
			sParameters[index + 1] = 0;
		if (index < MAX_PARAMETERS)
			sParameterCount = index + 1;
	} else if (byte >= '<' && byte <= '?' && sPrivate == 0 && index == 0) {
		sPrivate = byte;
	} else
		sState = STATE_IGNORE; /* intermediate bytes */
}

/* As after the start, and blank. */
static void reset(void)
{
	reset_colors();
	sRegionFirst = 0;
	sRegionLast = sRows - 1;
	sCursorVisible = true;
	sWraps = true;
	sInserts = false;
	sAlternate = false;
	sColumn = 0;
	sRow = 0;
	save_cursor();
	for (unsigned row = 0; row < sRows; row++)
		clear_row(row);
}

static void escape_byte(uint8_t byte)
{
	sState = STATE_TEXT;
	switch (byte) {
	case '[':
		sState = STATE_SEQUENCE;
		sParameterCount = 0;
		sParameters[0] = 0;
		sPrivate = 0;
		break;
	case ']': /* OSC, DCS, SOS, PM, APC (ECMA-48 5.6) */
	case 'P':
	case 'X':
	case '^':
	case '_':
		sState = STATE_STRING;
		break;
	case '7':
		save_cursor();
		break;
	case '8':
		restore_cursor();
		break;
	case 'D':
		index_down();
		break;
	case 'E':
		line_feed();
		break;
	case 'M':
		index_up();
		break;
	case 'Z':
		answer("\033[?6c");
		break;
	case 'c':
		reset();
		break;
	default:
		if (byte >= 0x20 && byte <= 0x2f)
			sState = STATE_DESIGNATE;
		break;
	}
}

static void designate_byte(uint8_t byte)
{
	if (byte < 0x20 || byte > 0x2f)
		sState = STATE_TEXT;
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
	case STATE_DESIGNATE:
		designate_byte(byte);
		break;
	case STATE_SEQUENCE:
	case STATE_IGNORE:
		sequence_byte(byte);
		break;
	case STATE_STRING:
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
	bool draw_cursor = sDevice->move_cursor == NULL && sCursorVisible;
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
	if (sDevice->move_cursor != NULL)
		sDevice->move_cursor(cursor_column, cursor_row, sCursorVisible);
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

void i386_screen_write_terminal(const char *bytes, size_t size)
{
	sOnlyDown = true;
	i386_screen_write(bytes, size);
	sOnlyDown = false;
}

size_t i386_screen_answer(char *bytes, size_t size)
{
	size_t count = sAnswerSize < size ? sAnswerSize : size;
	for (size_t i = 0; i < count; i++)
		bytes[i] = sAnswer[i];
	sAnswerSize = 0;
	return count;
}

void arch_screen_size(unsigned *_columns, unsigned *_rows)
{
	*_columns = sDevice != NULL ? sColumns : 0;
	*_rows = sDevice != NULL ? sRows : 0;
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
	sState = STATE_TEXT;
	sContinuations = 0;
	sAnswerSize = 0;
	sNewlineReturns = true;
	sDefaultForeground = COLOR_GREY;
	sDefaultBackground = COLOR_BLACK;
	reset();
	for (unsigned row = 0; row < sRows; row++) {
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
	sNewlineReturns = true;
	sOnlyDown = false;
	sWraps = true;
	sInserts = false;
	sRegionFirst = 0;
	sRegionLast = sRows - 1;
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
