// build: arch/i386/keymap.c
/*
 * What keys send, from their scan codes.
 */
#include <stdint.h>

#include "check.h"

#include "arch/i386/keyboard.h"

static void expect_at(int line, const char *codes, size_t size, const char *wanted)
{
	struct keyboard keyboard = {0};
	char text[128];
	size_t count = 0;
	int before = sFailures;

	for (size_t i = 0; i < size; i++) {
		char bytes[KEYBOARD_BYTES_MAX];
		size_t sent = i386_keyboard_decode(&keyboard, (uint8_t)codes[i], bytes);

		memcpy(text + count, bytes, sent);
		count += sent;
	}
	text[count] = '\0';
	CHECK_STRING(text, wanted);
	if (sFailures != before)
		printf("  (line %d)\n", line);
}

#define EXPECT(codes, wanted) expect_at(__LINE__, codes, sizeof(codes) - 1, wanted)

int main(void)
{
	EXPECT("\x1e\x9e\x30\xb0", "ab");
	EXPECT("\x02\x0b\x0c\x0d\x1a\x1b\x27\x28\x29\x2b\x33\x34\x35\x39", "10-=[];'`\\,./ ");
	EXPECT("\x01\x0e\x0f\x1c", "\033\177\t\r");
	/* Both shifts; one is enough. */
	EXPECT("\x2a\x1e\x02\x36\xaa\x1e\xb6\x1e", "A!Aa");
	EXPECT("\x36\x27\x28\x29\x2b\x35\xb6\x35", ":\"~|?/");
	/* Caps lock is for letters, and shift undoes it. */
	EXPECT("\x3a\xba\x1e\x02\x2a\x1e\xaa\x3a\xba\x1e", "A1aa");
	/* Control, left and right. */
	EXPECT("\x1d\x2e\x20\x2c\x2b\x9d\x2e", "\003\004\032\034c");
	EXPECT("\xe0\x1d\x2e\xe0\x9d\x2e", "\003c");
	EXPECT("\x1d\x2a\x2e\x0e", "\003\b");
	/* Alt. */
	EXPECT("\x38\x1e\xb8\x1e", "\033aa");
	/* Cursor keys, the false shifts that a keyboard sends around them, too. */
	EXPECT("\xe0\x48\xe0\xc8\xe0\x50\xe0\x4b\xe0\x4d", "\033[A\033[B\033[D\033[C");
	EXPECT("\xe0\x2a\xe0\x48\xe0\xaa\x1e", "\033[Aa");
	EXPECT("\x2a\xe0\xaa\xe0\x48\xe0\x2a\x1e", "\033[AA");
	EXPECT("\xe0\x2a\x1e", "a");
	EXPECT("\xe0\x47\xe0\x4f\xe0\x49\xe0\x51\xe0\x52\xe0\x53",
		"\033[1~\033[4~\033[5~\033[6~\033[2~\033[3~");
	EXPECT("\x3b\x3f\x40\x44\x57\x58", "\033[[A\033[[E\033[17~\033[21~\033[23~\033[24~");
	/* The keypad. */
	EXPECT("\x48\x4a\x4e\x37\xe0\x35\xe0\x1c", "\033[A-+*/\r");
	EXPECT("\x45\xc5\x48\x53\x2a\x48\xaa\x48", "8.\033[A8");
	EXPECT("\x4c", "5");
	/* Pause, Print Screen, what no key has. */
	EXPECT("\xe1\x1d\x45\xe1\x9d\xc5\x1e", "a");
	EXPECT("\xe0\x2a\xe0\x37\xe0\xb7\xe0\xaa\x1e", "a");
	EXPECT("\x59\x7f\xe0\x10\x54\x1e", "a");
	/* Any codes at all. */
	struct keyboard keyboard = {0};
	uint32_t seed = 1;
	for (unsigned i = 0; i < 1000000; i++) {
		char bytes[KEYBOARD_BYTES_MAX];

		seed = seed * 1664525u + 1013904223u;
		CHECK(i386_keyboard_decode(&keyboard, (uint8_t)(seed >> 24), bytes)
			  <= KEYBOARD_BYTES_MAX);
	}
	return check_result();
}
