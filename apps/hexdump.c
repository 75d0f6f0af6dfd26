/* hexdump [FILE]: offset, 16 bytes in hexadecimal, and as text where they are any. The
 * file "-" is standard input. */
#include "operands.h"
#include "output.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	const char *name = NULL;
	FILE *file = stdin;
	unsigned char bytes[16];
	unsigned long offset = 0;
	size_t count;
	int result = 0;

	only_operands(argc, argv, 1, "hexdump [FILE]");
	if (optind < argc && strcmp(argv[optind], "-") != 0) {
		name = argv[optind];
		file = fopen(name, "r");
	}
	if (file == NULL) {
		fprintf(stderr, "hexdump: ");
		perror(name);
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
		perror(name != NULL ? name : "standard input");
		result = 1;
	}
	printf("%08lx\n", offset);
	return end_of_output("hexdump", result);
}
