/* cat [FILE...]: writes files, or standard input, to standard output. "-" is that too. */
#include "operands.h"
#include <fcntl.h>
#include <limits.h>
#include <postern/write_all.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char sBuffer[65536];

static int copy(int fd, const char *name)
{
	ssize_t size;

	while ((size = read(fd, sBuffer, sizeof sBuffer)) > 0) {
		if (write_all(STDOUT_FILENO, sBuffer, (size_t)size) < 0) {
			perror("cat: standard output");
			return 1;
		}
	}
	if (size < 0) {
		fprintf(stderr, "cat: ");
		perror(name);
		return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	int status = 0;

	only_operands(argc, argv, INT_MAX, "cat [FILE...]");
	if (optind == argc)
		return copy(STDIN_FILENO, "standard input");
	for (int i = optind; i < argc; i++) {
		int fd = strcmp(argv[i], "-") == 0 ? STDIN_FILENO : open(argv[i], O_RDONLY);

		if (fd < 0) {
			fprintf(stderr, "cat: ");
			perror(argv[i]);
			status = 1;
			continue;
		}
		status |= copy(fd, argv[i]);
		if (fd != STDIN_FILENO)
			close(fd);
	}
	return status;
}
