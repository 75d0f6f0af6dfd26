/* head [-n LINES | -c BYTES] [FILE...]: the first lines, 10 by default, or bytes. -5 is
 * -n 5; the file "-" is standard input. */
#include "output.h"
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool sBytes;

static int copy(FILE *file, const char *name, long long count)
{
	int byte;

	while (count > 0 && (byte = getc_unlocked(file)) != EOF) {
		putchar_unlocked(byte);
		count -= sBytes || byte == '\n';
	}
	if (!ferror(file))
		return 0;
	fprintf(stderr, "head: ");
	perror(name);
	return 1;
}

static long long count_in(const char *text)
{
	char *end;
	long long count = strtoll(text, &end, 10);

	if (end == text || *end != '\0' || count < 0) {
		fprintf(stderr, "head: %s is not a count\n", text);
		exit(2);
	}
	return count;
}

int main(int argc, char **argv)
{
	long long count = 10;
	int option, result = 0;

	if (argc > 1 && argv[1][0] == '-' && isdigit((unsigned char)argv[1][1])) {
		count = count_in(argv[1] + 1);
		optind = 2;
	}
	while ((option = getopt(argc, argv, "n:c:")) != -1) {
		if (option == '?') {
			fprintf(stderr, "usage: head [-n LINES | -c BYTES] [FILE...]\n");
			return 2;
		}
		count = count_in(optarg);
		sBytes = option == 'c';
	}
	if (optind == argc)
		result = copy(stdin, "standard input", count);
	for (int i = optind; i < argc; i++) {
		FILE *file = strcmp(argv[i], "-") == 0 ? stdin : fopen(argv[i], "r");

		if (file == NULL) {
			fprintf(stderr, "head: ");
			perror(argv[i]);
			result = 1;
			continue;
		}
		if (argc - optind > 1)
			printf("%s==> %s <==\n", i > optind ? "\n" : "", argv[i]);
		result |= copy(file, argv[i], count);
		if (file != stdin)
			fclose(file);
	}
	return end_of_output("head", result);
}
