/*
 * Pipes; see pipe.h. The rules are those of POSIX.1-2017, read() and write().
 *
 * A mutex guards a pipe, so that bytes can be copied from and to programs
 * while it is held; it is never held while waiting for the other end.
 */
#include "kernel/pipe.h"
#include "kernel/arch.h"
#include "kernel/heap.h"
#include "kernel/page_allocator.h"
#include "kernel/process.h"
#include "kernel/signal.h"
#include "kernel/user_memory.h"
#include "kernel/vfs_internal.h"
#include "syscall_constants.h"
#include <postern/errno.h>
#include <postern/ioctl.h>
#include <postern/limits.h>
#include <postern/poll.h>

#define RING_PAGES 16u
#define RING_SIZE (RING_PAGES * PAGE_SIZE)

struct pipe {
	struct vnode vnode;
	struct mutex lock;
	char *pages[RING_PAGES]; /* NULL until bytes have been there */
	uint32_t start;			 /* of the bytes in the ring */
	uint32_t count;
	bool has_reader, has_writer; /* open files: an end is one, however often dup()ed */
	struct wait_queue readers, writers;
	struct poll_source changed;
};

static struct pipe *pipe_of(struct open_file *file)
{
	return file->data;
}

static void wake_all(struct pipe *pipe)
{
	wait_queue_wake(&pipe->readers, UINT32_MAX);
	wait_queue_wake(&pipe->writers, UINT32_MAX);
	poll_wake(&pipe->changed);
}

/* ---- Bytes ---------------------------------------------------------------------- */

static int pipe_read(struct open_file *file, off_t position, struct io *io)
{
	struct pipe *pipe = pipe_of(file);
	int error = 0;

	(void)position;
	if (io->left == 0)
		return 0;
	mutex_lock(&pipe->lock);
	while (pipe->count == 0 && pipe->has_writer && error == 0)
		error = io->nonblocking ? -EAGAIN
								: wait_on_mutex(&pipe->readers, &pipe->lock, NO_DEADLINE);
	while (error == 0 && pipe->count > 0 && io->left > 0) {
		uint32_t offset = pipe->start % PAGE_SIZE;
		size_t count = PAGE_SIZE - offset;

		if (count > pipe->count)
			count = pipe->count;
		if (count > io->left)
			count = io->left;
		error = io_give(io, pipe->pages[pipe->start / PAGE_SIZE] + offset, count);
		if (error != 0)
			break;
		pipe->start = (pipe->start + count) % RING_SIZE;
		pipe->count -= count;
	}
	/* Small pieces go in whole: whoever waits needs PIPE_BUF at the most. */
	if (io->done > 0 && RING_SIZE - pipe->count >= PIPE_BUF) {
		wait_queue_wake(&pipe->writers, UINT32_MAX);
		poll_wake(&pipe->changed);
	}
	mutex_unlock(&pipe->lock);
	return error;
}

/* As much as there is room for. */
static int put_bytes(struct pipe *pipe, struct io *io)
{
	while (pipe->count < RING_SIZE && io->left > 0) {
		uint32_t end = (pipe->start + pipe->count) % RING_SIZE;
		uint32_t offset = end % PAGE_SIZE;
		char **page = &pipe->pages[end / PAGE_SIZE];
		size_t count = PAGE_SIZE - offset;
		int error;

		if (count > RING_SIZE - pipe->count)
			count = RING_SIZE - pipe->count;
		if (count > io->left)
			count = io->left;
		if (*page == NULL) {
			uint32_t physical = page_allocate(0);

			if (physical == PAGE_NONE)
				return -ENOMEM;
			*page = arch_physical_to_virtual(physical);
		}
		error = io_take(io, *page + offset, count);
		if (error != 0)
			return error;
		pipe->count += count;
	}
	return 0;
}

static int pipe_write(struct open_file *file, off_t position, struct io *io)
{
	struct pipe *pipe = pipe_of(file);
	/* What is at most PIPE_BUF goes in whole or not at all. */
	size_t need = io->left <= PIPE_BUF ? io->left : 1;
	bool broken = false;
	int error = 0;

	(void)position;
	if (io->left == 0)
		return 0;
	mutex_lock(&pipe->lock);
	while (error == 0 && io->left > 0) {
		if (!pipe->has_reader) {
			broken = true;
			error = -EPIPE;
		} else if (RING_SIZE - pipe->count >= need) {
			uint32_t before = pipe->count;
			uint32_t start = pipe->start;

			error = put_bytes(pipe, io);
			/* A piece that faults half way is not in the pipe at all. */
			if (error != 0 && need > 1) {
				pipe->start = start;
				pipe->count = before;
				io->done = 0;
			}
			if (pipe->count > before) {
				wait_queue_wake(&pipe->readers, UINT32_MAX);
				poll_wake(&pipe->changed);
			}
		} else if (io->nonblocking) {
			error = -EAGAIN;
		} else {
			error = wait_on_mutex(&pipe->writers, &pipe->lock, NO_DEADLINE);
		}
	}
	mutex_unlock(&pipe->lock);
	if (broken && io->done == 0) {
		process_lock();
		signal_send(process_current(), SIGPIPE, 0);
		process_unlock();
	}
	return error;
}

static int pipe_ioctl(struct open_file *file, uint32_t request, uint32_t argument)
{
	struct pipe *pipe = pipe_of(file);
	int32_t count;

	if (request != FIONREAD)
		return -ENOTTY;
	mutex_lock(&pipe->lock);
	count = (int32_t)pipe->count;
	mutex_unlock(&pipe->lock);
	return user_copy_out(argument, &count, sizeof count);
}

static uint32_t poll_read_end(struct open_file *file, struct poll_waiter *waiter)
{
	struct pipe *pipe = pipe_of(file);
	uint32_t events;

	poll_wait(waiter, &pipe->changed);
	mutex_lock(&pipe->lock);
	events =
		(pipe->count > 0 ? POLLIN | POLLRDNORM : 0u) | (pipe->has_writer ? 0u : POLLHUP);
	mutex_unlock(&pipe->lock);
	return events;
}

static uint32_t poll_write_end(struct open_file *file, struct poll_waiter *waiter)
{
	struct pipe *pipe = pipe_of(file);
	uint32_t events;

	poll_wait(waiter, &pipe->changed);
	mutex_lock(&pipe->lock);
	events = (RING_SIZE - pipe->count >= PIPE_BUF ? POLLOUT | POLLWRNORM : 0u)
			 | (pipe->has_reader ? 0u : POLLERR);
	mutex_unlock(&pipe->lock);
	return events;
}

static void close_read_end(struct open_file *file)
{
	struct pipe *pipe = pipe_of(file);

	mutex_lock(&pipe->lock);
	pipe->has_reader = false;
	wake_all(pipe);
	mutex_unlock(&pipe->lock);
}

static void close_write_end(struct open_file *file)
{
	struct pipe *pipe = pipe_of(file);

	mutex_lock(&pipe->lock);
	pipe->has_writer = false;
	wake_all(pipe);
	mutex_unlock(&pipe->lock);
}

static const struct device_operations kReadEnd = {
	.read = pipe_read,
	.ioctl = pipe_ioctl,
	.poll = poll_read_end,
	.close = close_read_end,
};

static const struct device_operations kWriteEnd = {
	.write = pipe_write,
	.ioctl = pipe_ioctl,
	.poll = poll_write_end,
	.close = close_write_end,
};

/* ---- Made and gone -------------------------------------------------------------------
 */

static void pipe_release(struct vnode *vnode)
{
	struct pipe *pipe =
		(struct pipe *)(void *)((char *)vnode - offsetof(struct pipe, vnode));

	for (unsigned i = 0; i < RING_PAGES; i++) {
		if (pipe->pages[i] != NULL)
			page_free(arch_virtual_to_physical(pipe->pages[i]), 0);
	}
	heap_free(pipe);
}

static const struct vnode_operations kVnodeOperations = {.release = pipe_release};

/* An end; it has a reference to the vnode of its own. */
static int make_end(struct pipe *pipe, uint32_t flags,
	const struct device_operations *operations, struct open_file **_file)
{
	int error = file_create(&pipe->vnode, flags, _file);

	if (error != 0)
		return error;
	vnode_reference(&pipe->vnode);
	(*_file)->operations = operations;
	(*_file)->data = pipe;
	return 0;
}

int pipe_create(uint32_t flags, struct open_file **_read, struct open_file **_write)
{
	static uint32_t sLastNumber;
	struct pipe *pipe = heap_allocate(sizeof *pipe);
	int error;

	if (pipe == NULL)
		return -ENOMEM;
	vnode_init(&pipe->vnode, NULL, __atomic_add_fetch(&sLastNumber, 1, __ATOMIC_SEQ_CST),
		&kVnodeOperations, S_IFIFO | 0600);
	mutex_init(&pipe->lock, "pipe");
	wait_queue_init(&pipe->readers);
	wait_queue_init(&pipe->writers);
	poll_source_init(&pipe->changed);
	pipe->has_reader = pipe->has_writer = true;
	error = make_end(pipe, O_RDONLY | (flags & O_NONBLOCK), &kReadEnd, _read);
	if (error == 0) {
		error = make_end(pipe, O_WRONLY | (flags & O_NONBLOCK), &kWriteEnd, _write);
		if (error != 0)
			file_put(*_read);
	}
	vnode_put(&pipe->vnode);
	return error;
}
