/*
 * cp [-pr] FROM... TO: copies files, with -r directories and all that is in them, too; -p
 * keeps times and permissions. Exit status, the last failure's: 1 for wrong usage, 2 when
 * FROM does not open, 3 when TO cannot be made, 4 when it cannot be written, 5 when FROM
 * cannot be read.
 */
#include "entry.h"
#include "target.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <postern/write_all.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char sBuffer[65536];
static bool sDeep, sKeep;
/* The directory that was made first: what copies one into itself does not copy that. */
static struct stat sMade;

static int fail(int status, const char *path)
{
	fprintf(stderr, "cp: %s: %s\n", path, strerror(errno));
	return status;
}

static bool is_same(const struct stat *one, const struct stat *other)
{
	return one->st_dev == other->st_dev && one->st_ino == other->st_ino;
}

/* Is made with `status`, what is there keeps its own unless -p is given. */
static int keep(const char *to, const struct stat *status)
{
	const struct timespec times[2] = {status->st_atim, status->st_mtim};

	if (!sKeep)
		return 0;
	if (!S_ISLNK(status->st_mode) && chmod(to, status->st_mode & 07777) < 0)
		return fail(4, to);
	return utimensat(AT_FDCWD, to, times, AT_SYMLINK_NOFOLLOW) < 0 ? fail(4, to) : 0;
}

static int copy_bytes(int in, const char *from, int out, const char *to)
{
	ssize_t size;

	while ((size = read(in, sBuffer, sizeof sBuffer)) > 0) {
		if (write_all(out, sBuffer, (size_t)size) < 0)
			return fail(4, to);
	}
	return size < 0 ? fail(5, from) : 0;
}

static int copy_file(const char *from, const char *to)
{
	struct stat status, target;
	int in = open(from, O_RDONLY | O_CLOEXEC), out, result;

	if (in < 0)
		return fail(2, from);
	if (fstat(in, &status) < 0) {
		result = fail(2, from);
	} else if (stat(to, &target) == 0 && is_same(&status, &target)) {
		/* Opening itself for writing would empty it before it is read. */
		fprintf(stderr, "cp: %s and %s are the same file\n", from, to);
		result = 3;
	} else if ((out = open(
					to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, status.st_mode & 0777))
			   < 0) {
		result = fail(3, to);
	} else {
		result = copy_bytes(in, from, out, to);
		if (close(out) < 0)
			result = fail(4, to);
		if (result == 0)
			result = keep(to, &status);
	}
	close(in);
	return result;
}

static int copy_link(const char *from, const char *to)
{
	char target[PATH_MAX];
	ssize_t size = readlink(from, target, sizeof target - 1);

	if (size < 0)
		return fail(2, from);
	target[size] = '\0';
	return symlink(target, to) < 0 ? fail(3, to) : 0;
}

static int copy(const char *from, const char *to, bool is_inside);

static int copy_directory(const char *from, const char *to, const struct stat *status)
{
	char one[PATH_MAX], other[PATH_MAX];
	struct dirent **entries;
	struct stat target;
	int result = 0, count;

	if (is_same(status, &sMade)) {
		fprintf(stderr, "cp: %s: cannot be copied into itself\n", from);
		return 3;
	}
	if (mkdir(to, (status->st_mode & 0777) | S_IRWXU) < 0
		&& (errno != EEXIST || stat(to, &target) < 0 || !S_ISDIR(target.st_mode)))
		return fail(3, to);
	if (sMade.st_nlink == 0 && stat(to, &sMade) < 0)
		return fail(3, to);
	count = scandir(from, &entries, is_inside, NULL);
	if (count < 0)
		return fail(5, from);
	for (int i = 0; i < count; i++) {
		const char *name = entries[i]->d_name;
		int error;

		if ((size_t)snprintf(one, sizeof one, "%s/%s", from, name) >= sizeof one
			|| (size_t)snprintf(other, sizeof other, "%s/%s", to, name) >= sizeof other) {
			errno = ENAMETOOLONG;
			error = fail(2, from);
		} else {
			error = copy(one, other, true);
		}
		result = error != 0 ? error : result;
		free(entries[i]);
	}
	free(entries);
	return result != 0 ? result : keep(to, status);
}

/* A symbolic link in a directory is copied as one; one that is named is followed. */
static int copy(const char *from, const char *to, bool is_inside)
{
	struct stat status;
	int result;

	if ((is_inside || (sDeep && sKeep) ? lstat : stat)(from, &status) < 0)
		return fail(2, from);
	if (S_ISDIR(status.st_mode)) {
		if (sDeep)
			return copy_directory(from, to, &status);
		fprintf(stderr, "cp: %s: is a directory\n", from);
		return 2;
	}
	if (S_ISLNK(status.st_mode) || (sDeep && S_ISFIFO(status.st_mode))) {
		result = S_ISFIFO(status.st_mode)
					 ? mkfifo(to, status.st_mode & 0777) < 0 ? fail(3, to) : 0
					 : copy_link(from, to);
		return result != 0 ? result : keep(to, &status);
	}
	return copy_file(from, to);
}

int main(int argc, char **argv)
{
	const char *last = argv[argc - 1];
	int option, result = 0;
	struct stat status;
	bool into;

	while ((option = getopt(argc, argv, "prR")) != -1) {
		sKeep |= option == 'p';
		sDeep |= option == 'r' || option == 'R';
		if (option == '?')
			optind = argc;
	}
	if (argc - optind < 2) {
		fprintf(stderr, "usage: cp [-pr] FROM... TO\n");
		return 1;
	}
	into = stat(last, &status) == 0 && S_ISDIR(status.st_mode);
	if (argc - optind > 2 && !into) {
		fprintf(stderr, "cp: %s is not a directory\n", last);
		return 1;
	}
	for (int i = optind; i < argc - 1; i++) {
		int error;

		memset(&sMade, 0, sizeof sMade);
		error = copy(argv[i], into ? target_in(last, argv[i]) : last, false);
		result = error != 0 ? error : result;
	}
	return result;
}
