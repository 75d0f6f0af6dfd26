/*
 * rm [-fr] PATH...: removes files, and with -r directories and all that is in them; but
 * never the root, and no path that ends in "." or ".." (POSIX).
 */
#include "entry.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool sForce, sDeep;

static int complain(const char *path)
{
	if (sForce && errno == ENOENT)
		return 0;
	fprintf(stderr, "rm: %s: %s\n", path, strerror(errno));
	return 1;
}

static int remove_path(const char *path);

/* What is in the directory `path`, each by its path or, where that would be too long for
 * one, from inside. */
static int remove_inside(const char *path)
{
	bool is_long = strlen(path) + 1 + NAME_MAX >= PATH_MAX;
	struct dirent **entries;
	int count, result = 0, back = -1;

	count = scandir(path, &entries, is_inside, NULL);
	if (count < 0)
		return complain(path);
	if (is_long) {
		back = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (back < 0 || chdir(path) < 0)
			result = complain(path);
	}
	for (int i = 0; i < count; i++) {
		char inside[PATH_MAX];

		snprintf(inside, sizeof inside, "%s%s%s", is_long ? "" : path, is_long ? "" : "/",
			entries[i]->d_name);
		if (!is_long || result == 0)
			result |= remove_path(inside);
		free(entries[i]);
	}
	free(entries);
	if (back >= 0) {
		if (fchdir(back) < 0) {
			perror("rm: cannot go back");
			exit(1);
		}
		close(back);
	}
	return result;
}

static int remove_path(const char *path)
{
	struct stat status;
	int result;

	if (lstat(path, &status) < 0)
		return complain(path);
	if (!S_ISDIR(status.st_mode) || !sDeep)
		return unlink(path) < 0 ? complain(path) : 0;
	result = remove_inside(path);
	/* When something stayed, that has been said. */
	return result != 0 ? result : rmdir(path) < 0 ? complain(path) : 0;
}

/* Whether all that is left of it is "/", or the last name is "." or "..". */
static bool is_spared(const char *path)
{
	size_t end = strlen(path), begin;

	while (end > 0 && path[end - 1] == '/')
		end--;
	for (begin = end; begin > 0 && path[begin - 1] != '/';)
		begin--;
	if (end == begin)
		return path[0] == '/';
	return path[begin] == '.'
		   && (end - begin == 1 || (end - begin == 2 && path[begin + 1] == '.'));
}

int main(int argc, char **argv)
{
	int option, result = 0;

	while ((option = getopt(argc, argv, "frR")) != -1) {
		if (option == '?') {
			fprintf(stderr, "usage: rm [-fr] PATH...\n");
			return 2;
		}
		if (option == 'f')
			sForce = true;
		else
			sDeep = true;
	}
	if (optind == argc && !sForce) {
		fprintf(stderr, "usage: rm [-fr] PATH...\n");
		return 2;
	}
	for (int i = optind; i < argc; i++) {
		if (is_spared(argv[i])) {
			fprintf(stderr, "rm: refusing to remove %s\n", argv[i]);
			result = 1;
		} else {
			result |= remove_path(argv[i]);
		}
	}
	return result;
}
