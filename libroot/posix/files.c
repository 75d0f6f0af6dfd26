/*
 * Files: what opens, moves and tells of them. The calls are the kernel's almost as they
 * are; what POSIX has beside is made of them here.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "posix.h"
#include <dirent.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <unistd.h>
#include <utime.h>

/* ---- Opening and moving ----------------------------------------------------------- */

int open(const char *path, int flags, ...)
{
	mode_t mode = 0;

	if ((flags & O_CREAT) != 0) {
		va_list arguments;

		va_start(arguments, flags);
		mode = va_arg(arguments, mode_t);
		va_end(arguments);
	}
	return posix_result(_kern_open(path, flags, mode));
}

int creat(const char *path, mode_t mode)
{
	return open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
}

int close(int fd)
{
	return posix_result(_kern_close(fd));
}

ssize_t read(int fd, void *buffer, size_t size)
{
	return posix_result(_kern_read(fd, -1, buffer, size));
}

ssize_t write(int fd, const void *buffer, size_t size)
{
	return posix_result(_kern_write(fd, -1, buffer, size));
}

ssize_t pread(int fd, void *buffer, size_t size, off_t position)
{
	if (position < 0) /* -1 is the kernel's for "at the file's own" */
		return posix_error(EINVAL);
	return posix_result(_kern_read(fd, position, buffer, size));
}

ssize_t pwrite(int fd, const void *buffer, size_t size, off_t position)
{
	if (position < 0)
		return posix_error(EINVAL);
	return posix_result(_kern_write(fd, position, buffer, size));
}

ssize_t readv(int fd, const struct iovec *vectors, int count)
{
	return posix_result(_kern_readv(fd, -1, vectors, (size_t)count));
}

ssize_t writev(int fd, const struct iovec *vectors, int count)
{
	return posix_result(_kern_writev(fd, -1, vectors, (size_t)count));
}

off_t lseek(int fd, off_t offset, int whence)
{
	return posix_result64(_kern_seek(fd, offset, whence));
}

int truncate(const char *path, off_t size)
{
	return posix_result(_kern_truncate(path, size));
}

int ftruncate(int fd, off_t size)
{
	return posix_result(_kern_ftruncate(fd, size));
}

int fsync(int fd)
{
	return posix_result(_kern_fsync(fd));
}

int fdatasync(int fd)
{
	return fsync(fd);
}

void sync(void)
{
	_kern_sync();
}

/* ---- Descriptors ----------------------------------------------------------- */

int dup(int fd)
{
	return posix_result(_kern_dup(fd));
}

int dup2(int fd, int new_fd)
{
	return posix_result(_kern_dup2(fd, new_fd));
}

/* A system call can come between the two steps only from another thread. */
int dup3(int fd, int new_fd, int flags)
{
	if (fd == new_fd || (flags & ~O_CLOEXEC) != 0)
		return posix_error(EINVAL);
	new_fd = dup2(fd, new_fd);
	if (new_fd >= 0 && (flags & O_CLOEXEC) != 0)
		_kern_fcntl(new_fd, F_SETFD, FD_CLOEXEC);
	return new_fd;
}

int pipe(int fds[2])
{
	return posix_result(_kern_pipe(fds, 0));
}

int pipe2(int fds[2], int flags)
{
	return posix_result(_kern_pipe(fds, flags));
}

static int record_lock(int fd, int command, struct flock *lock)
{
	struct record_lock request = {.start = lock->l_start,
		.length = lock->l_len,
		.type = lock->l_type,
		.whence = lock->l_whence};
	int error = _kern_record_lock(fd, command, &request);

	if (error == 0 && command == F_GETLK) {
		lock->l_type = (short)request.type;
		lock->l_whence = (short)request.whence;
		lock->l_start = request.start;
		lock->l_len = request.length;
		lock->l_pid = request.pid;
	}
	return posix_result(error);
}

int fcntl(int fd, int command, ...)
{
	va_list arguments;
	int argument;

	va_start(arguments, command);
	argument = va_arg(arguments, int); /* or a pointer, as wide */
	va_end(arguments);
	if (command == F_GETLK || command == F_SETLK || command == F_SETLKW)
		return record_lock(fd, command, (struct flock *)argument);
	return posix_result(_kern_fcntl(fd, command, argument));
}

/* POSIX: fcntl()'s locks for writing, from the file's offset on. */
int lockf(int fd, int command, off_t size)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_CUR, .l_len = size};

	switch (command) {
	case F_ULOCK:
		lock.l_type = F_UNLCK;
		return fcntl(fd, F_SETLK, &lock);
	case F_LOCK:
		return fcntl(fd, F_SETLKW, &lock);
	case F_TLOCK:
		return fcntl(fd, F_SETLK, &lock);
	case F_TEST:
		if (fcntl(fd, F_GETLK, &lock) != 0)
			return -1;
		return lock.l_type == F_UNLCK ? 0 : posix_error(EACCES);
	default:
		return posix_error(EINVAL);
	}
}

/* ---- What a file is -------------------------------------------------------- */

static struct timespec to_timespec(time_us_t time)
{
	/* Rounded down, also before 1970. */
	time_us_t seconds = time / 1000000 - (time % 1000000 < 0);
	struct timespec spec = {
		.tv_sec = seconds, .tv_nsec = (long)(time - seconds * 1000000) * 1000};

	return spec;
}

static int told(int error, const struct kernel_stat *from, struct stat *to)
{
	if (error < 0)
		return posix_result(error);
	memset(to, 0, sizeof *to);
	to->st_dev = from->device;
	to->st_ino = from->number;
	to->st_mode = from->mode;
	to->st_nlink = (nlink_t)from->links;
	to->st_rdev = from->is_device;
	to->st_size = from->size;
	to->st_blksize = (blksize_t)from->block_size;
	to->st_blocks = (blkcnt_t)from->blocks;
	to->st_atim = to_timespec(from->accessed);
	to->st_mtim = to_timespec(from->modified);
	to->st_ctim = to_timespec(from->changed);
	return 0;
}

int stat(const char *path, struct stat *status)
{
	struct kernel_stat answer;

	return told(_kern_stat(path, &answer), &answer, status);
}

int lstat(const char *path, struct stat *status)
{
	struct kernel_stat answer;

	return told(_kern_lstat(path, &answer), &answer, status);
}

int fstat(int fd, struct stat *status)
{
	struct kernel_stat answer;

	return told(_kern_fstat(fd, &answer), &answer, status);
}

int access(const char *path, int mode)
{
	return posix_result(_kern_access(path, mode));
}

/* ---- Permissions, owners, times --------------------------------------------- */

mode_t umask(mode_t mask)
{
	return _kern_umask(mask);
}

int chmod(const char *path, mode_t mode)
{
	return posix_result(_kern_chmod(path, mode));
}

int fchmod(int fd, mode_t mode)
{
	return posix_result(_kern_fchmod(fd, mode));
}

/* Everything is root's; -1 leaves an owner as it is. */
static int own(uid_t user, gid_t group, int error)
{
	if (error < 0)
		return posix_result(error);
	if ((user != 0 && user != (uid_t)-1) || (group != 0 && group != (gid_t)-1))
		return posix_error(EINVAL);
	return 0;
}

int chown(const char *path, uid_t user, gid_t group)
{
	struct kernel_stat answer;

	return own(user, group, _kern_stat(path, &answer));
}

int lchown(const char *path, uid_t user, gid_t group)
{
	struct kernel_stat answer;

	return own(user, group, _kern_lstat(path, &answer));
}

int fchown(int fd, uid_t user, gid_t group)
{
	struct kernel_stat answer;

	return own(user, group, _kern_fstat(fd, &answer));
}

static time_us_t file_time(const struct timespec *time, const struct timespec *now)
{
	if (time->tv_nsec == UTIME_OMIT)
		return FILE_TIME_OMIT;
	if (time->tv_nsec == UTIME_NOW)
		time = now;
	return time->tv_sec * 1000000 + time->tv_nsec / 1000;
}

/* What the kernel takes for `times`, in *_both or NULL for now. */
static const struct file_times *file_times(
	const struct timespec *times, struct file_times *_both)
{
	struct timespec now;

	if (times == NULL)
		return NULL;
	clock_gettime(CLOCK_REALTIME, &now);
	_both->accessed = file_time(&times[0], &now);
	_both->modified = file_time(&times[1], &now);
	return _both;
}

int posix_set_times(const char *path, const struct timespec *times, int flags)
{
	struct file_times both;

	return posix_result(_kern_set_times(path, file_times(times, &both), flags));
}

int futimens(int fd, const struct timespec *times)
{
	struct file_times both;

	return posix_result(_kern_fset_times(fd, file_times(times, &both)));
}

/* The older functions count in microseconds; NULL for now stays NULL. */
static const struct timespec *two_times(
	const struct timeval *times, struct timespec _both[2])
{
	if (times == NULL)
		return NULL;
	for (int i = 0; i < 2; i++) {
		_both[i].tv_sec = times[i].tv_sec;
		_both[i].tv_nsec = times[i].tv_usec * 1000;
	}
	return _both;
}

int utimes(const char *path, const struct timeval *times)
{
	struct timespec both[2];

	return posix_set_times(path, two_times(times, both), 0);
}

int lutimes(const char *path, const struct timeval *times)
{
	struct timespec both[2];

	return posix_set_times(path, two_times(times, both), TIMES_NO_FOLLOW);
}

int futimes(int fd, const struct timeval *times)
{
	struct timespec both[2];

	return futimens(fd, two_times(times, both));
}

int utime(const char *path, const struct utimbuf *times)
{
	struct timespec both[2] = {0};

	if (times == NULL)
		return posix_set_times(path, NULL, 0);
	both[0].tv_sec = times->actime;
	both[1].tv_sec = times->modtime;
	return posix_set_times(path, both, 0);
}

static int told_status(
	int error, const struct file_system_status *answer, struct statvfs *status)
{
	if (error < 0)
		return posix_result(error);
	memset(status, 0, sizeof *status);
	status->f_bsize = status->f_frsize = answer->block_size;
	status->f_blocks = answer->blocks;
	status->f_bfree = status->f_bavail = answer->free_blocks;
	status->f_files = (fsfilcnt_t)answer->files;
	status->f_ffree = status->f_favail = (fsfilcnt_t)answer->free_files;
	status->f_namemax = NAME_MAX;
	return 0;
}

int statvfs(const char *path, struct statvfs *status)
{
	struct file_system_status answer;

	return told_status(_kern_file_system_status(path, &answer), &answer, status);
}

int fstatvfs(int fd, struct statvfs *status)
{
	struct file_system_status answer;

	return told_status(_kern_ffile_system_status(fd, &answer), &answer, status);
}

/* ---- Names ----------------------------------------------------------------- */

int mkdir(const char *path, mode_t mode)
{
	return posix_result(_kern_mkdir(path, mode));
}

int rmdir(const char *path)
{
	return posix_result(_kern_rmdir(path));
}

int unlink(const char *path)
{
	return posix_result(_kern_unlink(path));
}

/* newlib has one that, as it is built here, calls itself: this one comes first. */
int rename(const char *from, const char *to)
{
	return posix_result(_kern_rename(from, to));
}

int link(const char *from, const char *to)
{
	return posix_result(_kern_link(from, to));
}

int symlink(const char *target, const char *path)
{
	return posix_result(_kern_symlink(target, path));
}

ssize_t readlink(const char *path, char *buffer, size_t size)
{
	return posix_result(_kern_readlink(path, buffer, size));
}

int mkfifo(const char *path, mode_t mode)
{
	return posix_result(_kern_mkfifo(path, mode));
}

/* Devices are the kernel's to make, directories mkdir()'s. */
int mknod(const char *path, mode_t mode, dev_t device)
{
	int fd;

	(void)device;
	if (S_ISFIFO(mode))
		return mkfifo(path, mode & 07777);
	if ((mode & S_IFMT) != 0 && !S_ISREG(mode))
		return posix_error(EPERM);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, mode & 07777);
	return fd < 0 ? -1 : close(fd);
}

int chdir(const char *path)
{
	return posix_result(_kern_chdir(path));
}

int fchdir(int fd)
{
	return posix_result(_kern_fchdir(fd));
}

char *getcwd(char *buffer, size_t size)
{
	char *mine = NULL;
	int error;

	if (buffer == NULL) { /* as all systems have it, and POSIX allows */
		if (size == 0)
			size = PATH_MAX;
		buffer = mine = malloc(size);
		if (mine == NULL)
			return NULL;
	}
	error = _kern_getcwd(buffer, size);
	if (error < 0) {
		free(mine);
		posix_result(error);
		return NULL;
	}
	return buffer;
}
