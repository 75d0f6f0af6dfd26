/* head [-n LINES] [FILE...]: the first lines, 10 by default. Behind "--", "-" is standard
 * input. */
#include "output.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int copy(FILE *file, const char *name, long lines)
{
	int byte;

	while (lines > 0 && (byte = getc_unlocked(file)) != EOF) {
		putchar_unlocked(byte);
		lines -= byte == '\n';
	}
	if (!ferror(file))
		return 0;
	fprintf(stderr, "head: ");
	perror(name);
	return 1;
}

int main(int argc, char **argv)
{
	long lines = 10;
	int option, result = 0;
	char *end;

	while ((option = getopt(argc, argv, "n:")) != -1) {
		if (option == 'n')
			lines = strtol(optarg, &end, 10);
		if (option != 'n' || end == optarg || *end != '\0' || lines < 0) {
			fprintf(stderr, "usage: head [-n LINES] [FILE...]\n");
			return 2;
		}
	}
	if (optind == argc)
		result = copy(stdin, "standard input", lines);
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
		result |= copy(file, argv[i], lines);
		if (file != stdin)
			fclose(file);
	}
	return end_of_output("head", result);
}
