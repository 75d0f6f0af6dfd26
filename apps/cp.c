/*
 * cp FROM TO: copies a file. Exit status: 1 for wrong usage, 2 when FROM does not open,
 * 3 when TO cannot be made, 4 when it cannot be written, 5 when FROM cannot be read.
 */
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <postern/write_all.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char sBuffer[65536];

static int fail(int status, const char *path)
{
	fprintf(stderr, "cp: ");
	perror(path);
	return status;
}

int main(int argc, char **argv)
{
	char inside[PATH_MAX], name[PATH_MAX];
	struct stat status;
	const char *to;
	ssize_t size;
	int in, out;

	if (argc != 3) {
		fprintf(stderr, "usage: cp FROM TO\n");
		return 1;
	}
	to = argv[2];
	in = open(argv[1], O_RDONLY);
	if (in < 0 || fstat(in, &status) < 0)
		return fail(2, argv[1]);
	if (S_ISDIR(status.st_mode)) {
		fprintf(stderr, "cp: %s: is a directory\n", argv[1]);
		return 2;
	}
	struct stat target;
	if (stat(to, &target) == 0 && S_ISDIR(target.st_mode)) {
		strlcpy(name, argv[1], sizeof name);
		snprintf(inside, sizeof inside, "%s/%s", to, basename(name));
		to = inside;
	}
	/* Opening itself for writing would empty it before it is read. */
	if (stat(to, &target) == 0 && target.st_dev == status.st_dev
		&& target.st_ino == status.st_ino) {
		fprintf(stderr, "cp: %s and %s are the same file\n", argv[1], to);
		return 3;
	}
	out = open(to, O_WRONLY | O_CREAT | O_TRUNC, status.st_mode & 0777);
	if (out < 0)
		return fail(3, to);
	while ((size = read(in, sBuffer, sizeof sBuffer)) > 0) {
		if (write_all(out, sBuffer, (size_t)size) < 0)
			return fail(4, to);
	}
	if (size < 0)
		return fail(5, argv[1]);
	return close(out) < 0 ? fail(4, to) : 0;
}
