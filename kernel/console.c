/*
 * The console of programs, /dev/console: what is written goes to the first serial port
 * and the screen. There is nothing to read.
 */
#include "kernel/console.h"
#include "kernel/arch.h"
#include "kernel/panic.h"
#include "kernel/vfs.h"

static int console_read(struct open_file *file, off_t position, struct io *io)
{
	(void)file;
	(void)position;
	(void)io;
	return 0; /* the end */
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
		size_t count = io->left < sizeof chunk ? io->left : sizeof chunk;
		int error = io_take(io, chunk, count);

		if (error != 0)
			return error;
		arch_console_write(chunk, count);
	}
	return 0;
}

static const struct device_operations kOperations = {
	.read = console_read, .write = console_write};
static struct device sConsole = {
	.name = "console", .mode = S_IFCHR | 0666, .operations = &kOperations};

void console_init(void)
{
	if (device_register(&sConsole) != 0)
		panic("no /dev/console");
}
