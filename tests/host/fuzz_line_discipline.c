// fuzz: kernel/line_discipline.c
/*
 * The line discipline under any keys, reads and changes of its mode: nothing
 * leaves its buffers, what is read was typed, and a line can always be ended.
 */
#include <string.h>

#include "fuzz.h"
#include "kernel/line_discipline.h"

static size_t sEchoed;

static void count_echo(const char *bytes, size_t size)
{
	REQUIRE(bytes != NULL && size <= LINE_OUTPUT_MAX);
	sEchoed += size;
}

static void check_signal(int signal)
{
	REQUIRE(signal == 2 || signal == 3 || signal == 20);
}

static void check(const struct line_discipline *line)
{
	REQUIRE(line->committed - line->tail <= line->head - line->tail);
	REQUIRE(line->head - line->tail <= LINE_BYTES_MAX);
	REQUIRE(line_discipline_available(line) <= line->committed - line->tail);
}

static void change_mode(struct line_discipline *line, const uint8_t *data)
{
	struct termios termios = line->termios;

	termios.c_iflag = (uint32_t)data[0] << 7 | data[1];
	termios.c_oflag = (uint32_t)(data[2] & 0x3f) | (data[2] & 0x40 ? XTABS : 0);
	termios.c_lflag = (uint32_t)data[3] << 8 | data[4];
	termios.c_cc[data[5] % NCCS] = data[6];
	line_discipline_set(line, &termios);
}

static void read_some(struct line_discipline *line, size_t size)
{
	char buffer[256];
	size_t before = line_discipline_available(line);
	size_t count;

	if (!line_discipline_readable(line))
		return;
	count = line_discipline_read(line, buffer, size);
	REQUIRE(count <= size && count <= before);
	REQUIRE(line_discipline_available(line) == before - count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct line_discipline line;
	char output[LINE_OUTPUT_MAX];
	size_t i;

	if (size == 0)
		return 0;
	line_discipline_init(&line, data[0] == 0, count_echo, check_signal);
	for (i = 1; i < size; i++) {
		switch (data[i]) {
		case 0xff:
			if (size - i > 8) {
				change_mode(&line, data + i + 1);
				i += 7;
			}
			break;
		case 0xfe:
			read_some(&line, i + 1 < size ? data[i + 1] : 0);
			break;
		case 0xfd:
			REQUIRE(line_discipline_output(&line, (uint8_t)i, output) <= LINE_OUTPUT_MAX);
			break;
		case 0xfc:
			/* A paste as long as a line may be. */
			for (unsigned j = 0; j < 5000; j++)
				line_discipline_input(&line, i + 1 < size ? data[i + 1] : 'x');
			break;
		default:
			line_discipline_input(&line, data[i]);
			break;
		}
		check(&line);
	}
	/* It always comes back. */
	line_discipline_flush(&line);
	check(&line);
	REQUIRE(line_discipline_available(&line) == 0);
	if (line.plain)
		return 0;
	line_discipline_init(&line, false, count_echo, check_signal);
	line_discipline_input(&line, '\n');
	REQUIRE(line_discipline_readable(&line));
	return 0;
}
