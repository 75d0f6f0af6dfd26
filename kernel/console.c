/*
 * The device files of the console: /dev/console, and /dev/tty, which is the same
 * as there is one terminal only. terminal.c has what they do.
 */
#include "kernel/console.h"
#include "kernel/heap.h"
#include "kernel/panic.h"
#include "kernel/terminal.h"
#include "kernel/vfs.h"
#include <postern/errno.h>

/* A line's length: more than that no read has use for, but that of a pipe. */
#define READ_MAX 4096u

static int console_read(struct open_file *file, off_t position, struct io *io)
{
	char few[256];
	char *buffer = few;
	size_t size = io->left < READ_MAX ? io->left : READ_MAX;
	ssize_t count;

	(void)file;
	(void)position;
	if (size > sizeof few && (buffer = heap_allocate(size)) == NULL) {
		buffer = few;
		size = sizeof few;
	}
	count = terminal_read(buffer, size, io->nonblocking);
	if (count > 0)
		count = io_give(io, buffer, (size_t)count);
	if (buffer != few)
		heap_free(buffer);
	return (int)count;
}

/*
 * Bytes go out a chunk at a time. When a chunk cannot be read, what went
 * before it has been written, and its count is the result.
 */
static int console_write(struct open_file *file, off_t position, struct io *io)
{
	char chunk[512];

	(void)file;
	(void)position;
	while (io->left > 0) {
		const struct io before = *io;
		int error = io_take(io, chunk, io->left < sizeof chunk ? io->left : sizeof chunk);
		size_t taken = io->done - before.done;
		ssize_t written = terminal_write(chunk, taken, io->nonblocking);

		if (written < (ssize_t)taken) {
			/* Only what went out counts. */
			*io = before;
			if (written > 0)
				io_take(io, chunk, (size_t)written);
			return written > 0 ? 0 : (int)written;
		}
		if (error != 0)
			return error;
	}
	return 0;
}

static int console_ioctl(struct open_file *file, uint32_t request, uint32_t argument)
{
	(void)file;
	return terminal_ioctl(request, argument);
}

static uint32_t console_poll(struct open_file *file, struct poll_waiter *waiter)
{
	(void)file;
	poll_wait(waiter, terminal_poll_source());
	return terminal_events();
}

static const struct device_operations kOperations = {
	.read = console_read,
	.write = console_write,
	.ioctl = console_ioctl,
	.poll = console_poll,
};

static struct device sConsole = {
	.name = "console", .mode = S_IFCHR | 0666, .operations = &kOperations};
static struct device sTerminal = {
	.name = "tty", .mode = S_IFCHR | 0666, .operations = &kOperations};

void console_init(void)
{
	if (device_register(&sConsole) != 0 || device_register(&sTerminal) != 0)
		panic("no /dev/console");
}
