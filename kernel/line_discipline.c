/* The line discipline. See line_discipline.h. */
#include "kernel/line_discipline.h"

#include <postern/signal.h>

#define TAB_WIDTH 8u
#define CONTROL(letter) ((letter)&0x1f)
#define DELETE 0x7f
#define BELL "\a"

static const struct termios kSane = {
	.c_iflag = ICRNL | IXON | IMAXBEL | IUTF8,
	.c_oflag = OPOST | ONLCR,
	.c_cflag = B115200 | CS8 | CREAD | CLOCAL,
	.c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
	.c_cc =
		{
			[VINTR] = CONTROL('c'),
			[VQUIT] = CONTROL('\\'),
			[VERASE] = DELETE,
			[VKILL] = CONTROL('u'),
			[VEOF] = CONTROL('d'),
			[VMIN] = 1,
			[VSTART] = CONTROL('q'),
			[VSTOP] = CONTROL('s'),
			[VSUSP] = CONTROL('z'),
			[VREPRINT] = CONTROL('r'),
			[VDISCARD] = CONTROL('o'),
			[VWERASE] = CONTROL('w'),
			[VLNEXT] = CONTROL('v'),
		},
};

void line_discipline_init(struct line_discipline *line, bool plain,
	void (*echo)(const char *bytes, size_t size), void (*send_signal)(int signal))
{
	*line = (struct line_discipline){
		.termios = kSane, .plain = plain, .echo = echo, .send_signal = send_signal};
	if (plain) {
		line->termios.c_iflag = 0;
		line->termios.c_oflag = 0;
		line->termios.c_lflag = 0;
	}
}

static bool input_flag(const struct line_discipline *line, uint32_t flag)
{
	return (line->termios.c_iflag & flag) != 0;
}

static bool output_flag(const struct line_discipline *line, uint32_t flag)
{
	return (line->termios.c_oflag & flag) != 0;
}

static bool local_flag(const struct line_discipline *line, uint32_t flag)
{
	return (line->termios.c_lflag & flag) != 0;
}

/* Whether `byte` is what c_cc has there. */
static bool is_key(const struct line_discipline *line, unsigned index, uint8_t byte)
{
	return byte != _POSIX_VDISABLE && line->termios.c_cc[index] == byte;
}

/* ---- The ring ---------------------------------------------------------------- */

static uint8_t byte_at(const struct line_discipline *line, uint32_t position)
{
	return line->bytes[position % LINE_BYTES_MAX];
}

static bool ends_at(const struct line_discipline *line, uint32_t position)
{
	return line->ends[position % LINE_BYTES_MAX / 8] >> position % 8 & 1;
}

static bool file_ends_at(const struct line_discipline *line, uint32_t position)
{
	return ends_at(line, position) && byte_at(line, position) == 0;
}

static uint32_t used(const struct line_discipline *line)
{
	return line->head - line->tail;
}

static void store(struct line_discipline *line, uint8_t byte, bool ends)
{
	uint32_t position = line->head++;
	uint8_t bit = (uint8_t)(1u << position % 8);

	line->bytes[position % LINE_BYTES_MAX] = byte;
	if (ends)
		line->ends[position % LINE_BYTES_MAX / 8] |= bit;
	else
		line->ends[position % LINE_BYTES_MAX / 8] &= (uint8_t)~bit;
}

void line_discipline_flush(struct line_discipline *line)
{
	line->tail = line->committed = line->head;
	line->literal_next = false;
}

bool line_discipline_has_room(const struct line_discipline *line)
{
	/* A line of its own that fills everything can only be erased or ended. */
	if (local_flag(line, ICANON) && line->tail == line->committed)
		return true;
	/* The last place is kept for what ends a line. */
	return used(line) < LINE_BYTES_MAX - 1;
}

bool line_discipline_readable(const struct line_discipline *line)
{
	return line->tail != line->committed || line->ended;
}

size_t line_discipline_available(const struct line_discipline *line)
{
	size_t count = 0;
	uint32_t position;

	for (position = line->tail; position != line->committed; position++) {
		if (!file_ends_at(line, position))
			count++;
	}
	return count;
}

size_t line_discipline_read(struct line_discipline *line, char *buffer, size_t size)
{
	size_t count = 0;

	while (line->tail != line->committed) {
		uint32_t position = line->tail;

		/* Also behind the last byte that fits, so that an end of file which
		 * only pushed a part of a line out is not read as one of its own. */
		if (file_ends_at(line, position)) {
			line->tail++;
			break;
		}
		if (count == size)
			break;
		buffer[count++] = (char)byte_at(line, position);
		line->tail++;
		if (ends_at(line, position))
			break;
	}
	return count;
}

/* ---- Output --------------------------------------------------------------------- */

/* The column behind a byte that is written at `column`. */
static unsigned advance(unsigned column, uint8_t byte)
{
	if (byte == '\t')
		return (column / TAB_WIDTH + 1) * TAB_WIDTH;
	if (byte == '\b')
		return column > 0 ? column - 1 : 0;
	if (byte == '\r')
		return 0;
	/* Controls, and what continues a character of UTF-8, take no place. */
	if (byte < ' ' || byte == DELETE || (byte & 0xc0) == 0x80)
		return column;
	return column + 1;
}

size_t line_discipline_output(
	struct line_discipline *line, uint8_t byte, char output[LINE_OUTPUT_MAX])
{
	size_t count = 0;

	if (!output_flag(line, OPOST)) {
		line->column = advance(line->column, byte);
		output[0] = (char)byte;
		return 1;
	}
	if (byte == '\n') {
		if (output_flag(line, ONLCR))
			output[count++] = '\r';
		if (output_flag(line, ONLCR | ONLRET))
			line->column = 0;
		output[count++] = '\n';
		return count;
	}
	if (byte == '\r') {
		if (output_flag(line, ONOCR) && line->column == 0)
			return 0;
		if (output_flag(line, OCRNL)) {
			byte = '\n';
			if (!output_flag(line, ONLRET)) {
				output[0] = '\n';
				return 1;
			}
		}
		line->column = 0;
		output[0] = (char)byte;
		return 1;
	}
	if (byte == '\t' && (line->termios.c_oflag & TABDLY) == XTABS) {
		unsigned end = advance(line->column, '\t');

		for (; line->column < end; line->column++)
			output[count++] = ' ';
		return count;
	}
	line->column = advance(line->column, byte);
	output[0] = (char)byte;
	return 1;
}

static void echo_byte(struct line_discipline *line, uint8_t byte)
{
	char output[LINE_OUTPUT_MAX];
	size_t count = line_discipline_output(line, byte, output);

	line->echo(output, count);
}

static bool shown_as_two(const struct line_discipline *line, uint8_t byte)
{
	return local_flag(line, ECHOCTL) && (byte < ' ' || byte == DELETE) && byte != '\t';
}

/* A byte of input as it is shown: ^X where ECHOCTL wants that. */
static void echo_input(struct line_discipline *line, uint8_t byte)
{
	if (shown_as_two(line, byte)) {
		echo_byte(line, '^');
		echo_byte(line, byte ^ 0x40);
	} else {
		echo_byte(line, byte);
	}
}

static void beep(struct line_discipline *line)
{
	if (input_flag(line, IMAXBEL))
		line->echo(BELL, 1);
}

/* ---- Erasing ---------------------------------------------------------------------- */

static bool is_continuation(const struct line_discipline *line, uint32_t position)
{
	return input_flag(line, IUTF8) && (byte_at(line, position) & 0xc0) == 0x80;
}

/*
 * The columns that a byte other than a tab has taken. What moved the cursor back (a
 * quoted ^H, where ECHOCTL does not show it as two) has taken none.
 */
static unsigned plain_width(const struct line_discipline *line, uint8_t byte)
{
	return shown_as_two(line, byte) ? 2 : advance(0, byte);
}

/*
 * And those of any byte of the line being typed. Where a tab began is known from the
 * bytes since the one before it, so that a line is gone through once in all.
 */
static unsigned width_at(const struct line_discipline *line, uint32_t position)
{
	uint32_t start = position;
	unsigned column;

	if (byte_at(line, position) != '\t')
		return plain_width(line, byte_at(line, position));
	while (start != line->committed && byte_at(line, start - 1) != '\t')
		start--;
	column = start == line->committed ? line->line_column : 0;
	for (; start != position; start++)
		column += plain_width(line, byte_at(line, start));
	return advance(column, '\t') - column;
}

/* Takes the line's last character off the terminal, which begins at `position`. */
static void wipe(struct line_discipline *line, uint32_t position)
{
	/* Over a tab nothing was written: there the cursor only moves. */
	bool moves_only = byte_at(line, position) == '\t';
	unsigned columns = 0;

	for (; position != line->head; position++)
		columns += width_at(line, position);
	for (; columns > 0; columns--) {
		echo_byte(line, '\b');
		if (!moves_only) {
			echo_byte(line, ' ');
			echo_byte(line, '\b');
		}
	}
}

/* Where the last character of the line begins. */
static uint32_t last_character(const struct line_discipline *line)
{
	uint32_t position = line->head;

	while (position != line->committed) {
		position--;
		if (!is_continuation(line, position))
			break;
	}
	return position;
}

/* Takes the line back to `end` and, where wanted, off the terminal. */
static void take_back(struct line_discipline *line, uint32_t end, bool show)
{
	while (show && line->head != end) {
		uint32_t last = last_character(line);

		wipe(line, last);
		/* A word's end may fall into bytes that are no UTF-8. */
		line->head = last - line->tail < end - line->tail ? end : last;
	}
	line->head = end;
}

static bool is_blank(uint8_t byte)
{
	return byte == ' ' || byte == '\t';
}

static uint32_t last_word(const struct line_discipline *line)
{
	uint32_t position = line->head;

	while (position != line->committed && is_blank(byte_at(line, position - 1)))
		position--;
	while (position != line->committed && !is_blank(byte_at(line, position - 1)))
		position--;
	return position;
}

static void erase(struct line_discipline *line, uint8_t key, uint32_t end)
{
	if (line->head == line->committed)
		return;
	take_back(line, end, local_flag(line, ECHO) && local_flag(line, ECHOE));
	if (local_flag(line, ECHO) && !local_flag(line, ECHOE))
		echo_input(line, key);
}

static void kill_line(struct line_discipline *line, uint8_t key)
{
	bool visibly =
		local_flag(line, ECHOK) && local_flag(line, ECHOKE) && local_flag(line, ECHOE);

	if (visibly || !local_flag(line, ECHO)) {
		take_back(line, line->committed, local_flag(line, ECHO));
		return;
	}
	take_back(line, line->committed, false);
	echo_input(line, key);
	if (local_flag(line, ECHOK))
		echo_byte(line, '\n');
}

static void reprint(struct line_discipline *line, uint8_t key)
{
	uint32_t position;

	echo_input(line, key);
	echo_byte(line, '\n');
	line->line_column = line->column;
	for (position = line->committed; position != line->head; position++)
		echo_input(line, byte_at(line, position));
}

/* ---- Input ------------------------------------------------------------------------- */

/* A byte that is only itself. */
static void take(struct line_discipline *line, uint8_t byte)
{
	if (used(line) >= LINE_BYTES_MAX - 1) {
		beep(line);
		return;
	}
	if (line->head == line->committed)
		line->line_column = line->column;
	if (local_flag(line, ECHO)) {
		/* Only a newline that was quoted, or read without lines, gets here. */
		if (byte == '\n' && !local_flag(line, ICANON))
			echo_byte(line, byte);
		else
			echo_input(line, byte);
	}
	store(line, byte, false);
	if (!local_flag(line, ICANON))
		line->committed = line->head;
}

/* What ends a line: a newline, its like, or the end of the file (0). */
static void end_line(struct line_discipline *line, uint8_t byte)
{
	if (used(line) >= LINE_BYTES_MAX) {
		beep(line);
		return;
	}
	if (byte == '\n' ? local_flag(line, ECHO | ECHONL)
					 : byte != 0 && local_flag(line, ECHO)) {
		if (byte == '\n')
			echo_byte(line, byte);
		else
			echo_input(line, byte);
	}
	store(line, byte, true);
	line->committed = line->head;
}

static void plain_input(struct line_discipline *line, uint8_t byte)
{
	if (line->ended)
		return;
	if (!line->literal_next) {
		if (is_key(line, VLNEXT, byte)) {
			line->literal_next = true;
			return;
		}
		if (is_key(line, VEOF, byte)) {
			line->ended = true;
			return;
		}
	}
	line->literal_next = false;
	take(line, byte);
}

/* The signal that a key is, or 0. */
static int signal_of(const struct line_discipline *line, uint8_t byte)
{
	if (!local_flag(line, ISIG))
		return 0;
	if (is_key(line, VINTR, byte))
		return SIGINT;
	if (is_key(line, VQUIT, byte))
		return SIGQUIT;
	return is_key(line, VSUSP, byte) ? SIGTSTP : 0;
}

/* Whether it was a key that stops output or lets it go on. */
static bool control_flow(struct line_discipline *line, uint8_t byte)
{
	if (!input_flag(line, IXON))
		return false;
	if (is_key(line, VSTART, byte)) {
		line->stopped = false;
		return true;
	}
	if (is_key(line, VSTOP, byte)) {
		line->stopped = true;
		return true;
	}
	if (input_flag(line, IXANY))
		line->stopped = false;
	return false;
}

/* Whether it was a key that changes the line being typed. */
static bool edit(struct line_discipline *line, uint8_t byte)
{
	bool extended = local_flag(line, IEXTEN);

	/* Which of the two a keyboard's key sends differs from one to another, and
	 * both the serial line and the screen have one. */
	if (is_key(line, VERASE, byte)
		|| (byte == '\b' && line->termios.c_cc[VERASE] == DELETE)) {
		erase(line, byte, last_character(line));
		return true;
	}
	if (extended && is_key(line, VWERASE, byte)) {
		erase(line, byte, last_word(line));
		return true;
	}
	if (is_key(line, VKILL, byte)) {
		kill_line(line, byte);
		return true;
	}
	if (extended && is_key(line, VREPRINT, byte)) {
		if (local_flag(line, ECHO))
			reprint(line, byte);
		return true;
	}
	return false;
}

static bool ends_line(const struct line_discipline *line, uint8_t byte)
{
	return byte == '\n' || is_key(line, VEOL, byte)
		   || (local_flag(line, IEXTEN) && is_key(line, VEOL2, byte));
}

void line_discipline_input(struct line_discipline *line, uint8_t byte)
{
	int signal;

	if (line->plain) {
		plain_input(line, byte);
		return;
	}
	if (input_flag(line, ISTRIP))
		byte &= 0x7f;
	if (line->literal_next) {
		line->literal_next = false;
		take(line, byte);
		return;
	}
	if (control_flow(line, byte))
		return;
	signal = signal_of(line, byte);
	if (signal != 0) {
		if (!local_flag(line, NOFLSH))
			line_discipline_flush(line);
		line->stopped = false;
		if (local_flag(line, ECHO))
			echo_input(line, byte);
		line->send_signal(signal);
		return;
	}
	if (byte == '\r') {
		if (input_flag(line, IGNCR))
			return;
		if (input_flag(line, ICRNL))
			byte = '\n';
	} else if (byte == '\n' && input_flag(line, INLCR)) {
		byte = '\r';
	}
	if (local_flag(line, IEXTEN) && local_flag(line, ICANON)
		&& is_key(line, VLNEXT, byte)) {
		line->literal_next = true;
		/* A hat, until the key that it quotes is there. */
		if (local_flag(line, ECHO) && local_flag(line, ECHOCTL))
			line->echo("^\b", 2);
		return;
	}
	if (!local_flag(line, ICANON))
		take(line, byte);
	else if (edit(line, byte))
		return;
	else if (is_key(line, VEOF, byte))
		end_line(line, 0);
	else if (ends_line(line, byte))
		end_line(line, byte);
	else
		take(line, byte);
}

/* Takes the ends of files out of what waits: without lines they mean nothing. */
static void drop_file_ends(struct line_discipline *line)
{
	uint32_t end = line->head;
	uint32_t position = line->tail;

	line->head = position;
	for (; position != end; position++) {
		if (!file_ends_at(line, position))
			store(line, byte_at(line, position), false);
	}
}

void line_discipline_set(struct line_discipline *line, const struct termios *termios)
{
	bool had_lines = local_flag(line, ICANON);

	line->termios = *termios;
	if (!input_flag(line, IXON))
		line->stopped = false;
	if (had_lines == local_flag(line, ICANON))
		return;
	/* What was typed so far can be read, as a line of its own or without. */
	if (had_lines)
		drop_file_ends(line);
	line->committed = line->head;
	line->literal_next = false;
}
