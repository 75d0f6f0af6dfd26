/* head [-n LINES] [FILE...]: the first lines, 10 by default. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void copy(FILE *file, long lines)
{
	int byte;

	while (lines > 0 && (byte = getc_unlocked(file)) != EOF) {
		putchar_unlocked(byte);
		lines -= byte == '\n';
	}
}

int main(int argc, char **argv)
{
	long lines = 10;
	int option, result = 0;

	while ((option = getopt(argc, argv, "n:")) != -1) {
		if (option != 'n') {
			fprintf(stderr, "usage: head [-n LINES] [FILE...]\n");
			return 2;
		}
		lines = strtol(optarg, NULL, 10);
	}
	if (optind == argc)
		copy(stdin, lines);
	for (int i = optind; i < argc; i++) {
		FILE *file = fopen(argv[i], "r");

		if (file == NULL) {
			fprintf(stderr, "head: ");
			perror(argv[i]);
			result = 1;
			continue;
		}
		if (argc - optind > 1)
			printf("%s==> %s <==\n", i > optind ? "\n" : "", argv[i]);
		copy(file, lines);
		fclose(file);
	}
	return result;
}
