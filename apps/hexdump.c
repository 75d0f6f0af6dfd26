/* hexdump [FILE]: offset, 16 bytes in hexadecimal, and as text where they are any. */
#include "output.h"
#include <ctype.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	FILE *file = argc > 1 ? fopen(argv[1], "r") : stdin;
	unsigned char bytes[16];
	unsigned long offset = 0;
	size_t count;
	int result = 0;

	if (file == NULL) {
		fprintf(stderr, "hexdump: ");
		perror(argv[1]);
		return 1;
	}
	while ((count = fread(bytes, 1, sizeof bytes, file)) > 0) {
		printf("%08lx ", offset);
		for (size_t i = 0; i < sizeof bytes; i++) {
			if (i < count)
				printf("%s%02x", i == 8 ? "  " : " ", bytes[i]);
			else
				printf("%s  ", i == 8 ? "  " : " ");
		}
		printf("  |");
		for (size_t i = 0; i < count; i++)
			putchar(isprint(bytes[i]) ? bytes[i] : '.');
		printf("|\n");
		offset += count;
	}
	if (ferror(file)) {
		fprintf(stderr, "hexdump: ");
		perror(argc > 1 ? argv[1] : "standard input");
		result = 1;
	}
	printf("%08lx\n", offset);
	return end_of_output("hexdump", result);
}
