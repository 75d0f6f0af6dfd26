/* What newlib's streams lack of POSIX: locks around several calls, and lines of any
 * length. */
#include <stdio.h>
#include <sys/lock.h>

/* POSIX, flockfile() */
void flockfile(FILE *stream)
{
	__retarget_lock_acquire_recursive(stream->_lock);
}

int ftrylockfile(FILE *stream)
{
	return __retarget_lock_try_acquire_recursive(stream->_lock) ? 0 : -1;
}

void funlockfile(FILE *stream)
{
	__retarget_lock_release_recursive(stream->_lock);
}

ssize_t getline(char **line, size_t *room, FILE *stream)
{
	return __getline(line, room, stream);
}

ssize_t getdelim(char **line, size_t *room, int end, FILE *stream)
{
	return __getdelim(line, room, end, stream);
}
