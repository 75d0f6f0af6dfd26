/*
 * The console of programs: what is written to descriptors 1 and 2 goes to the
 * first serial port and the screen.
 */
#include "kernel/arch.h"
#include "kernel/lock.h"
#include "syscall_handlers.h"

/* Held while a chunk goes out, which then comes in one piece. */
static struct mutex sMutex = MUTEX(sMutex, "console");

enum { STANDARD_OUTPUT = 1, STANDARD_ERROR = 2 };

/*
 * Bytes go out a chunk at a time. When a chunk cannot be read, what went
 * before it has been written, and its count is the result.
 */
ssize_t _user_write(int fd, off_t position, struct user_in buffer, size_t size)
{
	char chunk[512];
	size_t done = 0;

	if (fd != STANDARD_OUTPUT && fd != STANDARD_ERROR)
		return -EBADF;
	if (size > INT32_MAX)
		return -EINVAL; /* no result could say so many */
	(void)position;		/* the console has no offset */

	while (done < size) {
		size_t count = size - done < sizeof chunk ? size - done : sizeof chunk;
		int error = user_in_read(buffer, done, chunk, count);

		if (error != 0)
			return done > 0 ? (ssize_t)done : error;
		mutex_lock(&sMutex);
		arch_console_write(chunk, count);
		mutex_unlock(&sMutex);
		done += count;
	}
	return (ssize_t)done;
}
