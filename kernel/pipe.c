/*
 * Pipes, with names and without; see pipe.h. The rules are those of POSIX.1-2017, read(),
 * write() and, for those with a name, open().
 *
 * A mutex guards a pipe, so that bytes can be copied from and to programs
 * while it is held; it is never held while waiting for the other end.
 *
 * A pipe without a name has a vnode of its own, and goes with it. The vnode of one with a
 * name is its file system's; what goes through it is there while somebody has it open.
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
#include <postern/fcntl.h>
#include <postern/ioctl.h>
#include <postern/limits.h>
#include <postern/poll.h>

#define RING_PAGES 16u
#define RING_SIZE (RING_PAGES * PAGE_SIZE)

struct pipe {
	struct mutex lock;
	char *pages[RING_PAGES]; /* NULL until bytes have been there */
	uint32_t start;			 /* of the bytes in the ring */
	uint32_t count;
	unsigned reader_count, writer_count; /* open files: however often dup()ed */
	struct wait_queue readers, writers;
	struct poll_source changed;

	/* Of a name: */
	unsigned users; /* open files, and those that open() makes; sNames guards it */
	uint64_t
		reader_opens; /* how often it was opened so far: who waits for an other end */
	uint64_t writer_opens; /* sees that one came, though it may have gone again */
	struct wait_queue openers;
};

struct unnamed_pipe {
	struct vnode vnode;
	struct pipe pipe;
};

/* Guards which pipe a vnode with a name has (vnode->data). */
static struct mutex sNames = MUTEX(sNames, "named pipes");

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
	while (pipe->count == 0 && pipe->writer_count > 0 && error == 0)
		error = io->nonblocking ? -EAGAIN
								: wait_on_mutex(&pipe->readers, &pipe->lock, NO_DEADLINE);
	while (error == 0 && pipe->count > 0 && io->left > 0) {
		uint32_t offset = pipe->start % PAGE_SIZE;
		size_t count = PAGE_SIZE - offset;
		size_t before = io->done;

		if (count > pipe->count)
			count = pipe->count;
		if (count > io->left)
			count = io->left;
		error = io_give(io, pipe->pages[pipe->start / PAGE_SIZE] + offset, count);
		/* What has come to its place is read, also where the rest has not. */
		count = io->done - before;
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
		if (pipe->reader_count == 0) {
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
	return user_copy_out_whole(argument, &count, sizeof count);
}

static uint32_t poll_read_end(struct open_file *file, struct poll_waiter *waiter)
{
	struct pipe *pipe = pipe_of(file);
	uint32_t events;

	poll_wait(waiter, &pipe->changed);
	mutex_lock(&pipe->lock);
	events = pipe->count > 0 ? POLLIN | POLLRDNORM : 0u;
	/* Nobody hangs up who was never there: the cookie says so of who has opened first. */
	if (pipe->writer_count == 0 && pipe->writer_opens != file->cookie)
		events |= POLLHUP;
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
			 | (pipe->reader_count > 0 ? 0u : POLLERR);
	mutex_unlock(&pipe->lock);
	return events;
}

static bool reads(const struct open_file *file)
{
	return (file->flags & O_ACCMODE) != O_WRONLY;
}

static bool writes(const struct open_file *file)
{
	return (file->flags & O_ACCMODE) != O_RDONLY;
}

static void pipe_close(struct open_file *file)
{
	struct pipe *pipe = pipe_of(file);

	mutex_lock(&pipe->lock);
	pipe->reader_count -= reads(file);
	pipe->writer_count -= writes(file);
	wake_all(pipe);
	mutex_unlock(&pipe->lock);
}

static const struct device_operations kReadEnd = {
	.read = pipe_read,
	.ioctl = pipe_ioctl,
	.poll = poll_read_end,
	.close = pipe_close,
};

static const struct device_operations kWriteEnd = {
	.write = pipe_write,
	.ioctl = pipe_ioctl,
	.poll = poll_write_end,
	.close = pipe_close,
};

/* ---- Made and gone ---------------------------------------------------------------- */

static void start(struct pipe *pipe)
{
	mutex_init(&pipe->lock, "pipe");
	wait_queue_init(&pipe->readers);
	wait_queue_init(&pipe->writers);
	wait_queue_init(&pipe->openers);
	poll_source_init(&pipe->changed);
}

static void free_pages(struct pipe *pipe)
{
	for (unsigned i = 0; i < RING_PAGES; i++) {
		if (pipe->pages[i] != NULL)
			page_free(arch_virtual_to_physical(pipe->pages[i]), 0);
	}
}

static void unnamed_release(struct vnode *vnode)
{
	struct unnamed_pipe *unnamed =
		(struct unnamed_pipe *)(void *)((char *)vnode
										- offsetof(struct unnamed_pipe, vnode));

	free_pages(&unnamed->pipe);
	heap_free(unnamed);
}

static const struct vnode_operations kVnodeOperations = {.release = unnamed_release};

/* An end; it has a reference to the vnode of its own. */
static int make_end(struct unnamed_pipe *unnamed, uint32_t flags,
	const struct device_operations *operations, struct open_file **_file)
{
	int error = file_create(&unnamed->vnode, flags, _file);

	if (error != 0)
		return error;
	vnode_reference(&unnamed->vnode);
	(*_file)->operations = operations;
	(*_file)->data = &unnamed->pipe;
	return 0;
}

int pipe_create(uint32_t flags, struct open_file **_read, struct open_file **_write)
{
	static uint32_t sLastNumber;
	struct unnamed_pipe *unnamed = heap_allocate(sizeof *unnamed);
	int error;

	if (unnamed == NULL)
		return -ENOMEM;
	vnode_init(&unnamed->vnode, NULL,
		__atomic_add_fetch(&sLastNumber, 1, __ATOMIC_SEQ_CST), &kVnodeOperations,
		S_IFIFO | 0600);
	start(&unnamed->pipe);
	unnamed->pipe.reader_count = unnamed->pipe.writer_count = 1;
	unnamed->pipe.writer_opens = 1;
	error = make_end(unnamed, O_RDONLY | (flags & O_NONBLOCK), &kReadEnd, _read);
	if (error == 0) {
		error = make_end(unnamed, O_WRONLY | (flags & O_NONBLOCK), &kWriteEnd, _write);
		if (error != 0)
			file_put(*_read);
	}
	vnode_put(&unnamed->vnode);
	return error;
}

/* ---- With a name ------------------------------------------------------------------ */

/* The pipe behind a vnode, for one user more. NULL: no memory. */
static struct pipe *take_named(struct vnode *vnode)
{
	struct pipe *pipe;

	mutex_lock(&sNames);
	pipe = vnode->data;
	if (pipe == NULL) {
		pipe = vnode->data = heap_allocate(sizeof *pipe);
		if (pipe != NULL)
			start(pipe);
	}
	if (pipe != NULL)
		pipe->users++;
	mutex_unlock(&sNames);
	return pipe;
}

/* With the last one what nobody has read is gone. */
static void put_named(struct vnode *vnode)
{
	struct pipe *pipe = vnode->data;

	mutex_lock(&sNames);
	if (--pipe->users == 0) {
		vnode->data = NULL;
		free_pages(pipe);
		heap_free(pipe);
	}
	mutex_unlock(&sNames);
}

/* Until somebody has come to the other end, if only to go again. */
static int wait_for_other_end(struct pipe *pipe, const unsigned *count, uint64_t *opens)
{
	uint64_t before = *opens;
	int error = 0;

	while (*count == 0 && *opens == before) {
		/* A signal comes too late where somebody has come: that one is through. */
		if (error != 0)
			return error;
		error = wait_on_mutex(&pipe->openers, &pipe->lock, NO_DEADLINE);
	}
	return 0;
}

static int open_locked(struct open_file *file, struct pipe *pipe)
{
	bool nonblocking = (file->flags & O_NONBLOCK) != 0;
	int error = 0;

	if (!reads(file) && nonblocking && pipe->reader_count == 0)
		return -ENXIO;
	file->cookie = pipe->writer_count > 0 ? UINT64_MAX : pipe->writer_opens;
	pipe->reader_count += reads(file);
	pipe->reader_opens += reads(file);
	pipe->writer_count += writes(file);
	pipe->writer_opens += writes(file);
	wait_queue_wake(&pipe->openers, UINT32_MAX);
	poll_wake(&pipe->changed);
	if (!nonblocking && !writes(file))
		error = wait_for_other_end(pipe, &pipe->writer_count, &pipe->writer_opens);
	else if (!nonblocking && !reads(file))
		error = wait_for_other_end(pipe, &pipe->reader_count, &pipe->reader_opens);
	if (error != 0) {
		pipe->reader_count -= reads(file);
		pipe->writer_count -= writes(file);
		wake_all(pipe);
	}
	return error;
}

static int named_open(struct open_file *file)
{
	struct pipe *pipe = take_named(file->vnode);
	int error;

	if (pipe == NULL)
		return -ENOMEM;
	file->data = pipe;
	mutex_lock(&pipe->lock);
	error = open_locked(file, pipe);
	mutex_unlock(&pipe->lock);
	if (error != 0)
		put_named(file->vnode);
	return error;
}

static void named_close(struct open_file *file)
{
	pipe_close(file);
	put_named(file->vnode);
}

static uint32_t poll_both_ends(struct open_file *file, struct poll_waiter *waiter)
{
	return poll_read_end(file, waiter) | poll_write_end(file, waiter);
}

/* vfs_read() and vfs_write() ask what the file was opened for before they come here. */
#define NAMED(poll_function)                                                             \
	{                                                                                    \
		.open = named_open, .read = pipe_read, .write = pipe_write, .ioctl = pipe_ioctl, \
		.poll = (poll_function), .close = named_close                                    \
	}

const struct device_operations *pipe_named_operations(uint32_t flags)
{
	static const struct device_operations kRead = NAMED(poll_read_end);
	static const struct device_operations kWrite = NAMED(poll_write_end);
	static const struct device_operations kBoth = NAMED(poll_both_ends);

	flags &= O_ACCMODE;
	return flags == O_RDONLY ? &kRead : flags == O_WRONLY ? &kWrite : &kBoth;
}
