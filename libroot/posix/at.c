/*
 * POSIX's functions that take a path relative to an open directory. The kernel has a
 * working directory for a process, so for anything but AT_FDCWD and paths from the root
 * these go there and come back, one thread at a time. A thread that uses its own
 * relative paths meanwhile has to know.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "posix.h"
#include <postern/sync.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

static struct mutex sLock;

enum { HERE = -1 }; /* there was no need to go anywhere */

/* Goes to `directory` for `path`; *back is what come_back() wants. 0, or -1 and errno. */
static int go(int directory, const char *path, int *back)
{
	int error;

	*back = HERE;
	if (directory == AT_FDCWD || path[0] == '/')
		return 0;
	mutex_lock(&sLock);
	*back = _kern_open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	error = *back < 0 ? *back : _kern_fchdir(directory);
	if (error < 0) {
		if (*back >= 0)
			_kern_close(*back);
		mutex_unlock(&sLock);
		return posix_result(error);
	}
	return 0;
}

/* Passes `result` on, with the errno that belongs to it. */
static int come_back(int back, int result)
{
	if (back != HERE) {
		_kern_fchdir(back);
		_kern_close(back);
		mutex_unlock(&sLock);
	}
	return result;
}

int openat(int directory, const char *path, int flags, ...)
{
	mode_t mode = 0;
	int back;

	if ((flags & O_CREAT) != 0) {
		va_list arguments;

		va_start(arguments, flags);
		mode = va_arg(arguments, mode_t);
		va_end(arguments);
	}
	return go(directory, path, &back) < 0 ? -1 : come_back(back, open(path, flags, mode));
}

int fstatat(int directory, const char *path, struct stat *status, int flags)
{
	int back;

	if (go(directory, path, &back) < 0)
		return -1;
	return come_back(back,
		(flags & AT_SYMLINK_NOFOLLOW) != 0 ? lstat(path, status) : stat(path, status));
}

int faccessat(int directory, const char *path, int mode, int flags)
{
	int back;

	(void)flags;
	return go(directory, path, &back) < 0 ? -1 : come_back(back, access(path, mode));
}

int mkdirat(int directory, const char *path, mode_t mode)
{
	int back;

	return go(directory, path, &back) < 0 ? -1 : come_back(back, mkdir(path, mode));
}

int mkfifoat(int directory, const char *path, mode_t mode)
{
	int back;

	return go(directory, path, &back) < 0 ? -1 : come_back(back, mkfifo(path, mode));
}

int mknodat(int directory, const char *path, mode_t mode, dev_t device)
{
	int back;

	return go(directory, path, &back) < 0 ? -1
										  : come_back(back, mknod(path, mode, device));
}

int unlinkat(int directory, const char *path, int flags)
{
	int back;

	if (go(directory, path, &back) < 0)
		return -1;
	return come_back(back, (flags & AT_REMOVEDIR) != 0 ? rmdir(path) : unlink(path));
}

int symlinkat(const char *target, int directory, const char *path)
{
	int back;

	return go(directory, path, &back) < 0 ? -1 : come_back(back, symlink(target, path));
}

ssize_t readlinkat(int directory, const char *path, char *buffer, size_t size)
{
	int back;

	return go(directory, path, &back) < 0 ? -1
										  : come_back(back, readlink(path, buffer, size));
}

int fchmodat(int directory, const char *path, mode_t mode, int flags)
{
	int back;

	(void)flags;
	return go(directory, path, &back) < 0 ? -1 : come_back(back, chmod(path, mode));
}

int fchownat(int directory, const char *path, uid_t user, gid_t group, int flags)
{
	int back;

	(void)flags;
	return go(directory, path, &back) < 0 ? -1
										  : come_back(back, lchown(path, user, group));
}

int utimensat(int directory, const char *path, const struct timespec *times, int flags)
{
	int back;

	if (go(directory, path, &back) < 0)
		return -1;
	return come_back(back, posix_set_times(path, times,
							   (flags & AT_SYMLINK_NOFOLLOW) != 0 ? TIMES_NO_FOLLOW : 0));
}

/* Two paths: both from the same directory, or one of them from none. */
static int of_two(int from_directory, const char *from, int to_directory, const char *to,
	int (*function)(const char *, const char *))
{
	bool from_here = from_directory == AT_FDCWD || from[0] == '/';
	bool to_here = to_directory == AT_FDCWD || to[0] == '/';
	int back;

	if (!from_here && to[0] != '/' && to_directory != from_directory)
		return posix_error(ENOTSUP);
	if (from_here && !to_here && from[0] != '/')
		return posix_error(ENOTSUP);
	if (go(from_here ? to_directory : from_directory, from_here ? to : from, &back) < 0)
		return -1;
	return come_back(back, function(from, to));
}

int linkat(
	int from_directory, const char *from, int to_directory, const char *to, int flags)
{
	(void)flags;
	return of_two(from_directory, from, to_directory, to, link);
}

int renameat(int from_directory, const char *from, int to_directory, const char *to)
{
	return of_two(from_directory, from, to_directory, to, rename);
}
