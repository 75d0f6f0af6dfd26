/* write_all(): a file of its own, so that a program may have another one of that name. */
#include <postern/os.h>
#include <postern/write_all.h>

int write_all(int fd, const void *bytes, size_t size)
{
	const char *next = bytes;

	while (size > 0) {
		ssize_t count = write(fd, next, size);

		if (count <= 0)
			return -1;
		next += count;
		size -= (size_t)count;
	}
	return 0;
}
