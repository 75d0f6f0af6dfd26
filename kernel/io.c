/* Data on their way between a file and a buffer; see vfs.h. */
#include "kernel/string.h"
#include "kernel/user_memory.h"
#include "kernel/vfs.h"
#include <postern/errno.h>

static void init(struct io *io, const struct io_part *parts, size_t left, bool user)
{
	*io = (struct io){.parts = parts, .left = left, .user = user};
}

void io_init_user(struct io *io, uintptr_t address, size_t size)
{
	init(io, &io->only, size, true);
	io->only = (struct io_part){(uint32_t)address, (uint32_t)size};
}

void io_init_kernel(struct io *io, void *buffer, size_t size)
{
	init(io, &io->only, size, false);
	io->only = (struct io_part){(uint32_t)(uintptr_t)buffer, (uint32_t)size};
}

void io_init_parts(struct io *io, const struct io_part *parts, size_t left)
{
	init(io, parts, left, true);
}

enum direction { GIVE, TAKE };

static int move(const struct io *io, enum direction direction, uintptr_t address,
	void *kernel, size_t size)
{
	if (io->user)
		return direction == GIVE ? user_copy_out(address, kernel, size)
								 : user_copy_in(kernel, address, size);
	if (direction == GIVE)
		memcpy((void *)address, kernel, size);
	else
		memcpy(kernel, (const void *)address, size);
	return 0;
}

/* The program's memory behind the last byte that the call has moved may be bad. */
static int transfer(struct io *io, enum direction direction, void *kernel, size_t size)
{
	char *at = kernel;

	while (size > 0) {
		size_t count = io->parts->size - io->used;
		int error;

		if (count == 0) {
			io->parts++;
			io->used = 0;
			continue;
		}
		if (count > size)
			count = size;
		error = move(io, direction, io->parts->address + io->used, at, count);
		if (error != 0)
			return error;
		io->used += count;
		io->left -= count;
		io->done += count;
		at += count;
		size -= count;
	}
	return 0;
}

int io_give(struct io *io, const void *from, size_t size)
{
	return transfer(io, GIVE, (void *)(uintptr_t)from, size);
}

int io_take(struct io *io, void *to, size_t size)
{
	size_t before = io->done;
	int error = transfer(io, TAKE, to, size);

	/* Whoever takes some of it in vain puts none of it anywhere. */
	if (error != 0)
		io->done = before;
	return error;
}

int io_give_zeros(struct io *io, size_t size)
{
	static const char kZeros[PAGE_SIZE];

	while (size > 0) {
		size_t count = size < sizeof kZeros ? size : sizeof kZeros;
		int error = io_give(io, kZeros, count);

		if (error != 0)
			return error;
		size -= count;
	}
	return 0;
}
