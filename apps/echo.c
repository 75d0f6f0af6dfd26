/*
 * echo [-n] WORD...: the words, with blanks between, on one line (-n: without its end).
 *
 * Without any it is what docs/reading-order.md follows: it sends a number through the
 * door and prints what comes back.
 */
#include <postern/print.h>
#include <postern/syscalls.h>
#include <postern/write_all.h>

size_t strlen(const char *text);
int strcmp(const char *a, const char *b);

static int say(const char *text)
{
	return write_all(1, text, strlen(text));
}

int main(int argc, char **argv)
{
	uint32_t number;

	if (argc > 1) {
		int first = strcmp(argv[1], "-n") == 0 ? 2 : 1;
		int failed = 0;

		for (int i = first; i < argc; i++)
			failed |= (i > first && say(" ")) || say(argv[i]);
		return failed | (first == 1 && say("\n"));
	}
	number = _kern_echo(0xDEADBEEF);
	print("The number was: 0x%X\n", number);
	return number == 0xDEADBEEF ? 0 : 1;
}
