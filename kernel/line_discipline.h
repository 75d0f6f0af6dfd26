/*
 * What stands between a terminal's keys and the program that reads them: the
 * line that is being typed and may still be changed, the echo, the keys that
 * are signals, and what becomes of a newline on its way out (POSIX Base
 * Definitions 11.1.5 to 11.2; where POSIX leaves it open, as Linux does it).
 *
 * kernel/terminal.c calls all of this under its lock; nothing here waits,
 * allocates or knows a device, so that the host tests and the fuzzer run it as
 * it is. Echo and signals go out through two functions of the owner.
 */
#pragma once

#include <postern/termios.h>
#include <postern/types.h>

/* The longest line with its newline, and the most that waits to be read. */
#define LINE_BYTES_MAX 4096u

/* The most bytes that one byte becomes on its way out: a tab, as blanks. */
#define LINE_OUTPUT_MAX 8u

struct line_discipline {
	struct termios termios;
	/*
	 * No terminal but a pipe from the host: bytes pass as they are, without
	 * echo or signals. Only VEOF ends the input, for good, and VLNEXT takes the
	 * next byte as it is.
	 */
	bool plain;
	bool ended; /* plain: the end has come */
	bool literal_next;
	bool stopped; /* output, by VSTOP */

	/*
	 * Positions that only grow; a byte is at its position modulo the size.
	 * [tail, committed) may be read; [committed, head) is the line being typed.
	 */
	uint32_t tail;
	uint32_t committed;
	uint32_t head;
	uint8_t bytes[LINE_BYTES_MAX];
	/* The byte ends a line; a 0 that does is an end of file and not read. */
	uint8_t ends[LINE_BYTES_MAX / 8];

	unsigned column;	  /* of the output */
	unsigned line_column; /* where the line being typed began */

	void (*echo)(const char *bytes, size_t size);
	void (*send_signal)(int signal);
};

/* A terminal in the state that POSIX calls sane, or a plain pipe. */
void line_discipline_init(struct line_discipline *line, bool plain,
	void (*echo)(const char *bytes, size_t size), void (*send_signal)(int signal));

/* A byte from the terminal. What finds no room is dropped, with a beep. */
void line_discipline_input(struct line_discipline *line, uint8_t byte);

/*
 * Whether a byte would find room, or could make some: while this is false, it
 * is better to leave input where it comes from.
 */
bool line_discipline_has_room(const struct line_discipline *line);

/* A whole line, an end of file or, without lines, any byte waits. */
bool line_discipline_readable(const struct line_discipline *line);

/* Bytes that a read of any size would get (FIONREAD). */
size_t line_discipline_available(const struct line_discipline *line);

/*
 * Takes up to `size` bytes, of one line at the most: how many; 0 is the end of
 * the file. Only while line_discipline_readable() says so.
 */
size_t line_discipline_read(struct line_discipline *line, char *buffer, size_t size);

/* What `byte` is on its way out. Returns how many bytes of `output` it takes. */
size_t line_discipline_output(
	struct line_discipline *line, uint8_t byte, char output[LINE_OUTPUT_MAX]);

/* tcsetattr(), TCSANOW. */
void line_discipline_set(struct line_discipline *line, const struct termios *termios);

/* Forgets all input that is not read. */
void line_discipline_flush(struct line_discipline *line);
