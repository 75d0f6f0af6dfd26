/* POSIX's directory streams over read_dir(). */
#include <dirent.h>

#include "posix.h"
#include <fcntl.h>
#include <postern/dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct directory {
	int fd;
	size_t used; /* bytes of `records` that have been given out ... */
	size_t size; /* ... of those that there are */
	long place;	 /* entries given out since the beginning, for telldir() */
	struct dirent entry;
	char records[4096] __attribute__((aligned(8)));
};

static DIR *make_stream(int fd)
{
	DIR *directory = malloc(sizeof *directory);

	if (directory == NULL)
		return NULL;
	directory->fd = fd;
	directory->used = directory->size = 0;
	directory->place = 0;
	return directory;
}

DIR *fdopendir(int fd)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return NULL;
	if (!S_ISDIR(status.st_mode)) {
		posix_error(ENOTDIR);
		return NULL;
	}
	return make_stream(fd);
}

DIR *opendir(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory;

	if (fd < 0)
		return NULL;
	directory = make_stream(fd);
	if (directory == NULL)
		_kern_close(fd);
	return directory;
}

struct dirent *readdir(DIR *directory)
{
	const struct dirent_record *record;

	if (directory->used == directory->size) {
		ssize_t size = posix_result(
			_kern_read_dir(directory->fd, directory->records, sizeof directory->records));

		if (size <= 0) /* the end, where errno stays as it was, or an error */
			return NULL;
		directory->used = 0;
		directory->size = (size_t)size;
	}
	record = (const struct dirent_record *)(directory->records + directory->used);
	directory->used += record->size;
	directory->place++;
	directory->entry.d_ino = record->number;
	directory->entry.d_type = record->type;
	strlcpy(directory->entry.d_name, record->name, sizeof directory->entry.d_name);
	return &directory->entry;
}

int readdir_r(DIR *directory, struct dirent *entry, struct dirent **result)
{
	int before = errno, error;
	struct dirent *next;

	errno = 0;
	next = readdir(directory);
	error = errno;
	errno = before;
	*result = next == NULL ? NULL : memcpy(entry, next, sizeof *entry);
	return next == NULL ? error : 0;
}

void rewinddir(DIR *directory)
{
	_kern_seek(directory->fd, 0, SEEK_SET);
	directory->used = directory->size = 0;
	directory->place = 0;
}

long telldir(DIR *directory)
{
	return directory->place;
}

void seekdir(DIR *directory, long place)
{
	rewinddir(directory);
	while (directory->place < place && readdir(directory) != NULL)
		;
}

int dirfd(DIR *directory)
{
	return directory->fd;
}

int closedir(DIR *directory)
{
	int fd = directory->fd;

	free(directory);
	return close(fd);
}

int alphasort(const struct dirent **left, const struct dirent **right)
{
	return strcmp((*left)->d_name, (*right)->d_name);
}

int scandir(const char *path, struct dirent ***list, int (*wanted)(const struct dirent *),
	int (*compare)(const struct dirent **, const struct dirent **))
{
	DIR *directory = opendir(path);
	struct dirent **found = NULL, *entry;
	size_t count = 0, room = 0;
	int before = errno, error = 0;

	if (directory == NULL)
		return -1;
	while (error == 0) {
		/* Of the end and an error errno tells the one; `wanted` may have set it. */
		errno = 0;
		entry = readdir(directory);
		if (entry == NULL) {
			error = errno;
			break;
		}
		if (wanted != NULL && !wanted(entry))
			continue;
		if (count == room) {
			struct dirent **larger;

			room = room * 2 + 16;
			larger = realloc(found, room * sizeof(struct dirent *));
			if (larger == NULL) {
				error = ENOMEM;
				break;
			}
			found = larger;
		}
		found[count] = malloc(sizeof *entry);
		if (found[count] == NULL)
			error = ENOMEM;
		else
			memcpy(found[count++], entry, sizeof *entry);
	}
	closedir(directory);
	errno = before; /* no function of POSIX's makes it 0 */
	if (error != 0) {
		while (count > 0)
			free(found[--count]);
		free(found);
		return posix_error(error);
	}
	if (compare != NULL)
		qsort(found, count, sizeof(struct dirent *),
			(int (*)(const void *, const void *))(void *)compare);
	*list = found;
	return (int)count;
}
