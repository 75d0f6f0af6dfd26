/*
 * The functions of <postern/os.h> that have an errno, over the generated stubs, for
 * programs without the C library; libroot/posix/ has them for the others.
 */
#include "thread_block.h"
#include <postern/os.h>
#include <postern/syscalls.h>

int *errno_location(void)
{
	return &thread_block()->error;
}

/* A call's result as POSIX has it: -1 and errno for an error. */
static int32_t result(int32_t value)
{
	if (value < 0 && value >= -4095) {
		errno = -value;
		return -1;
	}
	return value;
}

void exit(int status)
{
	_kern_exit(status);
	__builtin_unreachable();
}

ssize_t write(int fd, const void *buffer, size_t size)
{
	return result(_kern_write(fd, -1, buffer, size));
}

pid_t fork(void)
{
	return result(_kern_fork());
}

int execve(const char *path, char *const argv[], char *const envp[])
{
	return result(_kern_exec(path, (const char *const *)argv, (const char *const *)envp));
}

pid_t waitpid(pid_t pid, int *status, int options)
{
	return result(_kern_wait(pid, status, options));
}

pid_t getpid(void)
{
	return _kern_getpid();
}
