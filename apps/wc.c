/* wc [-lwc] [FILE...]: counts lines, words and bytes. The file "-" is standard input. */
#include "output.h"
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct counts {
	unsigned long long lines, words, bytes;
};

static bool sLines, sWords, sBytes;

static void print(const struct counts *counts, const char *name)
{
	if (sLines)
		printf("%8llu", counts->lines);
	if (sWords)
		printf("%8llu", counts->words);
	if (sBytes)
		printf("%8llu", counts->bytes);
	printf("%s%s\n", name != NULL ? " " : "", name != NULL ? name : "");
}

static int count(FILE *file, const char *name, struct counts *total)
{
	struct counts here = {0, 0, 0};
	bool inside = false;
	int byte;

	while ((byte = getc_unlocked(file)) != EOF) {
		here.bytes++;
		here.lines += byte == '\n';
		if (isspace(byte))
			inside = false;
		else if (!inside) {
			inside = true;
			here.words++;
		}
	}
	if (ferror(file)) {
		fprintf(stderr, "wc: ");
		perror(name != NULL ? name : "standard input");
		return 1;
	}
	print(&here, name);
	total->lines += here.lines;
	total->words += here.words;
	total->bytes += here.bytes;
	return 0;
}

int main(int argc, char **argv)
{
	struct counts total = {0, 0, 0};
	int option, result = 0;

	while ((option = getopt(argc, argv, "lwc")) != -1) {
		sLines |= option == 'l';
		sWords |= option == 'w';
		sBytes |= option == 'c';
		if (option == '?') {
			fprintf(stderr, "usage: wc [-lwc] [FILE...]\n");
			return 2;
		}
	}
	if (!sLines && !sWords && !sBytes)
		sLines = sWords = sBytes = true;
	if (optind == argc)
		result = count(stdin, NULL, &total);
	for (int i = optind; i < argc; i++) {
		FILE *file = strcmp(argv[i], "-") == 0 ? stdin : fopen(argv[i], "r");

		if (file == NULL) {
			fprintf(stderr, "wc: ");
			perror(argv[i]);
			result = 1;
			continue;
		}
		result |= count(file, argv[i], &total);
		if (file != stdin)
			fclose(file);
	}
	if (argc - optind > 1)
		print(&total, "total");
	return end_of_output("wc", result);
}
