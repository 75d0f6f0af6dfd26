/* Paths as a whole: where one leads to, and removing what is there, whatever it is. */
#include "posix.h"
#include <limits.h>
#include <reent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_LINKS = 40 }; /* as the kernel has it */

/* The last name of `path`, which is in the form of realpath()'s result, goes away. */
static void go_up(char *path)
{
	char *slash = strrchr(path, '/');

	slash[slash == path] = '\0';
}

/*
 * What `path` leads to as a path from the root without symbolic links, "." and "..": all
 * of it has to be there (POSIX). `path` is what is left to be looked at, of which the
 * symbolic links become a part. 0, or an error.
 */
static int resolve(char path[PATH_MAX], char result[PATH_MAX])
{
	char target[PATH_MAX];
	struct stat status;
	unsigned links = 0;

	if (path[0] == '/')
		strcpy(result, "/");
	else if (getcwd(result, PATH_MAX) == NULL)
		return errno;
	for (;;) {
		size_t slashes = strspn(path, "/");
		char *name = path + slashes;
		size_t length = strcspn(name, "/"), used = strlen(result);
		bool is_last = name[length] == '\0';
		ssize_t size;

		/* A name that has something behind it, if only a slash, is a directory. */
		if (slashes > 0) {
			if (lstat(result, &status) < 0)
				return errno;
			if (!S_ISDIR(status.st_mode))
				return ENOTDIR;
		}
		if (length == 0)
			return 0;
		if (length == 2 && name[0] == '.' && name[1] == '.') {
			go_up(result);
		} else if (length != 1 || name[0] != '.') {
			if (used + (used > 1) + length >= PATH_MAX)
				return ENAMETOOLONG;
			if (used > 1)
				result[used++] = '/';
			memcpy(result + used, name, length);
			result[used + length] = '\0';
			if (lstat(result, &status) < 0)
				return errno;
			if (S_ISLNK(status.st_mode)) {
				if (++links > MAX_LINKS)
					return ELOOP;
				size = readlink(result, target, sizeof target);
				if (size < 0)
					return errno;
				if ((size_t)size + strlen(name + length) >= PATH_MAX)
					return ENAMETOOLONG;
				/* The target, and what was behind the link. */
				strcpy(target + size, name + length);
				strcpy(path, target);
				if (path[0] == '/')
					strcpy(result, "/");
				else
					go_up(result);
				continue;
			}
		}
		if (is_last)
			return 0;
		memmove(path, name + length, strlen(name + length) + 1);
	}
}

char *realpath(const char *restrict path, char *restrict resolved)
{
	char *rest, *mine = NULL;
	int error;

	if (path == NULL || path[0] == '\0') {
		posix_error(path == NULL ? EINVAL : ENOENT);
		return NULL;
	}
	if (strlen(path) >= PATH_MAX) {
		posix_error(ENAMETOOLONG);
		return NULL;
	}
	rest = malloc(PATH_MAX);
	if (rest == NULL)
		return NULL;
	if (resolved == NULL) { /* POSIX: whoever gets it frees it */
		resolved = mine = malloc(PATH_MAX);
		if (mine == NULL) {
			free(rest);
			return NULL;
		}
	}
	strcpy(rest, path);
	error = resolve(rest, resolved);
	free(rest);
	if (error == 0)
		return resolved;
	free(mine);
	posix_error(error);
	return NULL;
}

char *get_current_dir_name(void)
{
	return getcwd(NULL, 0);
}

/* newlib has one that calls unlink() only: POSIX wants rmdir() of a directory. */
int _remove_r(struct _reent *reent, const char *path)
{
	struct stat status;

	(void)reent;
	if (lstat(path, &status) < 0)
		return -1;
	return S_ISDIR(status.st_mode) ? rmdir(path) : unlink(path);
}

int remove(const char *path)
{
	return _remove_r(_REENT, path);
}
