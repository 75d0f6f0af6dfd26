/* grep [-Ecinqv] PATTERN [FILE...]: prints the lines that a regular expression matches.
 * Exit status: 0 when there were some, 1 when there were none, 2 for an error (POSIX). */
#include "output.h"
#include <regex.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool sCount, sNumber, sQuiet, sInvert, sNames, sFailed;
static regex_t sPattern;

/* How many lines matched. */
static unsigned long search(FILE *file, const char *name)
{
	unsigned long matches = 0, number = 0;
	char *line = NULL;
	size_t room = 0;
	ssize_t length;

	while ((length = getline(&line, &room, file)) >= 0) {
		number++;
		if (length > 0 && line[length - 1] == '\n')
			line[length - 1] = '\0';
		if ((regexec(&sPattern, line, 0, NULL, 0) == 0) == sInvert)
			continue;
		matches++;
		if (sQuiet)
			break;
		if (sCount)
			continue;
		if (sNames)
			printf("%s:", name);
		if (sNumber)
			printf("%lu:", number);
		puts(line);
	}
	free(line);
	if (ferror(file)) {
		fprintf(stderr, "grep: ");
		perror(name);
		sFailed = true;
	}
	if (sCount && !sQuiet) {
		if (sNames)
			printf("%s:", name);
		printf("%lu\n", matches);
	}
	return matches;
}

int main(int argc, char **argv)
{
	int flags = REG_NOSUB, option, error;
	unsigned long matches = 0;

	while ((option = getopt(argc, argv, "Ecinqv")) != -1) {
		switch (option) {
		case 'E':
			flags |= REG_EXTENDED;
			break;
		case 'c':
			sCount = true;
			break;
		case 'i':
			flags |= REG_ICASE;
			break;
		case 'n':
			sNumber = true;
			break;
		case 'q':
			sQuiet = true;
			break;
		case 'v':
			sInvert = true;
			break;
		default:
			optind = argc;
		}
	}
	if (optind >= argc) {
		fprintf(stderr, "usage: grep [-Ecinqv] PATTERN [FILE...]\n");
		return 2;
	}
	/* An empty pattern matches every line. newlib's regcomp() wants something in it. */
	error = regcomp(&sPattern, argv[optind][0] != '\0' ? argv[optind] : "^", flags);
	if (error != 0) {
		char text[100];

		regerror(error, &sPattern, text, sizeof text);
		fprintf(stderr, "grep: %s: %s\n", argv[optind], text);
		return 2;
	}
	optind++;
	sNames = argc - optind > 1;
	if (optind == argc)
		matches = search(stdin, "standard input");
	for (int i = optind; i < argc; i++) {
		FILE *file = strcmp(argv[i], "-") == 0 ? stdin : fopen(argv[i], "r");

		if (file == NULL) {
			fprintf(stderr, "grep: ");
			perror(argv[i]);
			sFailed = true;
			continue;
		}
		matches += search(file, argv[i]);
		if (file != stdin)
			fclose(file);
	}
	/* POSIX: with -q, a line that matched is enough. */
	if (sQuiet && matches > 0)
		return 0;
	return end_of_output("grep", 0) != 0 || sFailed ? 2 : matches == 0;
}
