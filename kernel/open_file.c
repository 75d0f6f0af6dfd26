/* Open files: read, written, given back; see vfs.h. */
#include "kernel/heap.h"
#include "kernel/panic.h"
#include "kernel/pipe.h"
#include "kernel/string.h"
#include "kernel/vfs_internal.h"
#include "syscall_constants.h"
#include <postern/errno.h>
#include <postern/fcntl.h>

#define OPEN_FILES_MAX 4096 /* of all processes */

static uint32_t sCount;

static struct open_file *allocate(int *_error)
{
	struct open_file *file;

	*_error = -ENFILE;
	if (__atomic_add_fetch(&sCount, 1, __ATOMIC_SEQ_CST) <= OPEN_FILES_MAX) {
		file = heap_allocate(sizeof *file);
		*_error = -ENOMEM;
		if (file != NULL)
			return file;
	}
	__atomic_sub_fetch(&sCount, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

static void release(struct open_file *file)
{
	heap_free(file);
	__atomic_sub_fetch(&sCount, 1, __ATOMIC_SEQ_CST);
}

/* Else it is a socket of another system, on a disk of its. */
static bool can_be_opened(mode_t mode)
{
	return S_ISREG(mode) || S_ISDIR(mode) || S_ISFIFO(mode) || S_ISCHR(mode)
		   || S_ISBLK(mode);
}

int file_create(struct vnode *vnode, uint32_t flags, struct open_file **_file)
{
	struct open_file *file;
	int error;

	if (!can_be_opened(vnode->mode))
		return -ENXIO;
	file = allocate(&error);
	if (file == NULL)
		return error;
	file->references = 1;
	file->vnode = vnode;
	file->flags = flags & (O_ACCMODE | O_APPEND | O_NONBLOCK);
	mutex_init(&file->lock, "open file");
	if (S_ISCHR(vnode->mode) || S_ISBLK(vnode->mode)) {
		file->device = device_find(vnode->device_number);
		if (file->device == NULL) {
			release(file);
			return -ENXIO;
		}
		file->operations = file->device->operations;
	} else if (S_ISFIFO(vnode->mode) && vnode->mount != NULL) {
		file->operations = pipe_named_operations(flags);
	}
	if (file->operations != NULL && file->operations->open != NULL) {
		error = file->operations->open(file);
		if (error != 0) {
			release(file);
			return error;
		}
	}
	*_file = file;
	return 0;
}

void file_reference(struct open_file *file)
{
	ASSERT(file->references > 0);
	__atomic_add_fetch(&file->references, 1, __ATOMIC_SEQ_CST);
}

void file_put(struct open_file *file)
{
	if (__atomic_sub_fetch(&file->references, 1, __ATOMIC_SEQ_CST) > 0)
		return;
	if (file->operations != NULL && file->operations->close != NULL)
		file->operations->close(file);
	vnode_put(file->vnode);
	release(file);
}

/* ---- Reading and writing ------------------------------------------------------- */

static uint32_t flags_of(const struct open_file *file)
{
	return __atomic_load_n(&file->flags, __ATOMIC_RELAXED);
}

static bool has_position(const struct open_file *file)
{
	return file->operations == NULL
		   || (file->device != NULL && file->operations->size != NULL);
}

static int read_vnode(struct vnode *vnode, off_t position, struct io *io)
{
	int error;

	if (S_ISDIR(vnode->mode))
		return -EISDIR;
	if (vnode->operations->read == NULL)
		return -EINVAL;
	mutex_lock(&vnode->lock);
	error = vnode->operations->read(vnode, position, io);
	vnode->accessed = vfs_time();
	mutex_unlock(&vnode->lock);
	return error;
}

/* *_position is where it went: with O_APPEND, the end that there was. */
static int write_vnode(struct vnode *vnode, off_t *_position, bool append, struct io *io)
{
	int error;

	if (vnode->operations->write == NULL)
		return -EINVAL;
	mutex_lock(&vnode->lock);
	if (append)
		*_position = vnode->size;
	if (*_position > FILE_SIZE_MAX - (off_t)io->left)
		error = -EFBIG;
	else
		error = vnode->operations->write(vnode, *_position, io);
	if (io->done > 0) {
		vnode->modified = vnode->changed = vfs_time();
		vnode->mode &= ~(mode_t)(S_ISUID | S_ISGID);
	}
	mutex_unlock(&vnode->lock);
	return error;
}

static int read_file(struct open_file *file, off_t *_position, bool own, struct io *io)
{
	(void)own;
	if (file->operations == NULL)
		return read_vnode(file->vnode, *_position, io);
	if (file->operations->read == NULL)
		return -EINVAL;
	return file->operations->read(file, *_position, io);
}

static int write_file(struct open_file *file, off_t *_position, bool own, struct io *io)
{
	if (file->operations != NULL)
		return file->operations->write == NULL
				   ? -EINVAL
				   : file->operations->write(file, *_position, io);
	if (io->left == 0)
		return 0;
	/* POSIX has pwrite() heed its position, whatever O_APPEND says. */
	return write_vnode(
		file->vnode, _position, own && (flags_of(file) & O_APPEND) != 0, io);
}

/*
 * What is the same for both: the file's own position, which `move` is told of, where -1
 * asks for it. A file that was opened for `other` only is not for this.
 */
static ssize_t transfer(struct open_file *file, off_t position, struct io *io,
	uint32_t other, int (*move)(struct open_file *, off_t *, bool, struct io *))
{
	bool own = position == -1 && has_position(file);
	int error;

	if ((file->flags & O_ACCMODE) == other)
		return -EBADF;
	if (position < -1)
		return -EINVAL;
	io->nonblocking = (flags_of(file) & O_NONBLOCK) != 0;
	if (own) {
		mutex_lock(&file->lock);
		position = file->position;
	}
	error = move(file, &position, own, io);
	if (own) {
		file->position = position + (off_t)io->done;
		mutex_unlock(&file->lock);
	}
	return io->done > 0 || error == 0 ? (ssize_t)io->done : error;
}

ssize_t vfs_read(struct open_file *file, off_t position, struct io *io)
{
	return transfer(file, position, io, O_WRONLY, read_file);
}

ssize_t vfs_write(struct open_file *file, off_t position, struct io *io)
{
	return transfer(file, position, io, O_RDONLY, write_file);
}

int vfs_truncate(struct vnode *vnode, off_t size)
{
	int error;

	if (S_ISDIR(vnode->mode))
		return -EISDIR;
	if (size < 0 || !S_ISREG(vnode->mode) || vnode->operations->truncate == NULL)
		return -EINVAL;
	if (mount_is_read_only(vnode))
		return -EROFS;
	mutex_lock(&vnode->lock);
	error = vnode->operations->truncate(vnode, size);
	if (error == 0) {
		vnode->modified = vnode->changed = vfs_time();
		if (vnode->operations->attributes_changed != NULL)
			error = vnode->operations->attributes_changed(vnode);
	}
	mutex_unlock(&vnode->lock);
	return error;
}
