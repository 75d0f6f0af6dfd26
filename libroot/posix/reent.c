/*
 * newlib's state of each thread, struct _reent, in what libroot keeps for a thread; and
 * the calls that newlib makes with it as a parameter. That parameter is always the
 * calling thread's, so each is the plain function, which sets that thread's errno.
 */
#include "../thread_block.h"
#include "posix.h"
#include <fcntl.h>
#include <postern/os.h>
#include <reent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- The state ---------------------------------------------------------------- */

static void begin(void *data)
{
	_REENT_INIT_PTR((struct _reent *)data);
}

static void end(void *data)
{
	_reclaim_reent(data);
}

const struct thread_library kThreadLibrary = {
	.size = sizeof(struct _reent), .begin = begin, .end = end};

struct _reent *__getreent(void)
{
	struct thread_block *block = thread_block();

	return block->library != NULL ? block->library : _GLOBAL_REENT;
}

int *errno_location(void)
{
	return &__getreent()->_errno;
}

/* ---- Errors without a name ------------------------------------------------------ */

/* What newlib's strerror() asks for a number of which it does not know. Of its own, it
 * would say nothing. */
char *_user_strerror(int number, int is_internal, int *error);

char *_user_strerror(int number, int is_internal, int *error)
{
	struct _reent *reent = __getreent();
	char *text;

	/* POSIX, strerror_r() */
	if (is_internal && error != NULL)
		*error = EINVAL;
	_REENT_CHECK_SIGNAL_BUF(reent);
	text = _REENT_SIGNAL_BUF(reent);
	snprintf(text, _REENT_SIGNAL_SIZE, "Error %d", number);
	return text;
}

/* ---- Calls ---------------------------------------------------------------------- */

int _close_r(struct _reent *reent, int fd)
{
	(void)reent;
	return close(fd);
}

int _execve_r(
	struct _reent *reent, const char *path, char *const argv[], char *const envp[])
{
	(void)reent;
	return execve(path, argv, envp);
}

int _fcntl_r(struct _reent *reent, int fd, int command, int argument)
{
	(void)reent;
	return fcntl(fd, command, argument);
}

int _fork_r(struct _reent *reent)
{
	(void)reent;
	return fork();
}

int _fstat_r(struct _reent *reent, int fd, struct stat *status)
{
	(void)reent;
	return fstat(fd, status);
}

int _getpid_r(struct _reent *reent)
{
	(void)reent;
	return getpid();
}

int _gettimeofday_r(struct _reent *reent, struct timeval *time, void *zone)
{
	(void)reent;
	return gettimeofday(time, zone);
}

int _isatty_r(struct _reent *reent, int fd)
{
	(void)reent;
	return isatty(fd);
}

int _kill_r(struct _reent *reent, int pid, int signal)
{
	(void)reent;
	return kill(pid, signal);
}

int _link_r(struct _reent *reent, const char *from, const char *to)
{
	(void)reent;
	return link(from, to);
}

_off_t _lseek_r(struct _reent *reent, int fd, _off_t offset, int whence)
{
	(void)reent;
	return lseek(fd, offset, whence);
}

int _mkdir_r(struct _reent *reent, const char *path, int mode)
{
	(void)reent;
	return mkdir(path, (mode_t)mode);
}

int _open_r(struct _reent *reent, const char *path, int flags, int mode)
{
	(void)reent;
	return open(path, flags, mode);
}

_ssize_t _read_r(struct _reent *reent, int fd, void *buffer, size_t size)
{
	(void)reent;
	return read(fd, buffer, size);
}

int _rename_r(struct _reent *reent, const char *from, const char *to)
{
	(void)reent;
	return rename(from, to);
}

void *_sbrk_r(struct _reent *reent, ptrdiff_t change)
{
	(void)reent;
	return sbrk(change);
}

int _stat_r(struct _reent *reent, const char *path, struct stat *status)
{
	(void)reent;
	return stat(path, status);
}

_CLOCK_T_ _times_r(struct _reent *reent, struct tms *buffer)
{
	(void)reent;
	return times(buffer);
}

int _unlink_r(struct _reent *reent, const char *path)
{
	(void)reent;
	return unlink(path);
}

int _wait_r(struct _reent *reent, int *status)
{
	(void)reent;
	return wait(status);
}

_ssize_t _write_r(struct _reent *reent, int fd, const void *buffer, size_t size)
{
	(void)reent;
	return write(fd, buffer, size);
}
