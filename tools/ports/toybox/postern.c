/*
 * What toybox calls and Postern's C library has not. There are no users here, so no
 * lookup of one finds any; the clock cannot be set; and who waits for a file to change
 * looks again ten times a second. postern.h has the declarations.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <unistd.h>

#include <stdio.h>

/* What the macro of <stdio.h> stands for, under the name that postern.h declares. */
FILE *gStdin __asm__("stdin");

__attribute__((constructor)) static void set_stdin(void)
{
	gStdin = stdin;
}

#include "postern.h"

int getpwuid_r(
	uid_t uid, struct passwd *entry, char *room, size_t size, struct passwd **found)
{
	(void)uid, (void)entry, (void)room, (void)size;
	*found = NULL;
	return 0;
}

int getpwnam_r(const char *name, struct passwd *entry, char *room, size_t size,
	struct passwd **found)
{
	(void)name, (void)entry, (void)room, (void)size;
	*found = NULL;
	return 0;
}

int getgrgid_r(
	gid_t gid, struct group *entry, char *room, size_t size, struct group **found)
{
	(void)gid, (void)entry, (void)room, (void)size;
	*found = NULL;
	return 0;
}

int getgrnam_r(
	const char *name, struct group *entry, char *room, size_t size, struct group **found)
{
	(void)name, (void)entry, (void)room, (void)size;
	*found = NULL;
	return 0;
}

int settimeofday(const struct timeval *now, const struct timezone *zone)
{
	(void)now, (void)zone;
	errno = EPERM;
	return -1;
}

int statfs(const char *path, struct statfs *status)
{
	struct statvfs all;

	if (statvfs(path, &all) < 0)
		return -1;
	memset(status, 0, sizeof *status);
	status->f_bsize = all.f_bsize;
	status->f_frsize = all.f_frsize;
	status->f_namelen = all.f_namemax;
	status->f_blocks = all.f_blocks;
	status->f_bfree = all.f_bfree;
	status->f_bavail = all.f_bavail;
	status->f_files = all.f_files;
	status->f_ffree = all.f_ffree;
	return 0;
}

/* No table of mounts: `stat -c %m` says so. */
FILE *setmntent(const char *path, const char *mode)
{
	(void)path, (void)mode;
	errno = ENOSYS;
	return NULL;
}

struct mntent *getmntent(FILE *table)
{
	(void)table;
	return NULL;
}

int endmntent(FILE *table)
{
	(void)table;
	return 1;
}

/* lib/net.c's, without the rest of that file. */
int xpoll(struct pollfd *fds, int count, int milliseconds)
{
	return poll(fds, (nfds_t)count, milliseconds);
}

/* ---- Waiting for files to change: lib/portability.h's struct xnotify -------------- */

struct xnotify {
	char **paths;
	int max, *fds, count, kq;
};

struct xnotify *xnotify_init(int max)
{
	struct xnotify *files = calloc(1, sizeof *files);

	if (files != NULL) {
		files->paths = calloc((size_t)max, sizeof *files->paths);
		files->fds = calloc((size_t)max, sizeof *files->fds);
		files->max = max;
	}
	if (files == NULL || files->paths == NULL || files->fds == NULL) {
		perror("tail");
		exit(1);
	}
	return files;
}

int xnotify_add(struct xnotify *files, int fd, char *path)
{
	if (files->count == files->max)
		return -1;
	files->paths[files->count] = path;
	files->fds[files->count++] = fd;
	return 0;
}

/* Returns a file of which there is more to read than has been read, or less. */
int xnotify_wait(struct xnotify *files, char **path)
{
	for (;;) {
		for (int i = 0; i < files->count; i++) {
			struct stat status;

			if (fstat(files->fds[i], &status) == 0
				&& status.st_size != lseek(files->fds[i], 0, SEEK_CUR)) {
				*path = files->paths[i];
				return files->fds[i];
			}
		}
		usleep(100000);
	}
}
