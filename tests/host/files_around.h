/*
 * The root file system on the host: kernel/ramfs.c with what of the kernel's files
 * lies above it, and what they want from the rest of the kernel. For tests of
 * how the root is filled. One file of a program includes it, and is built from
 * FILES_SOURCES (host_build.py).
 */
#pragma once

#include "kernel/file_table.h"
#include "kernel/names.h"
#include "kernel/page_allocator.h"
#include "kernel/ramfs.h"
#include "kernel/string.h"
#include "kernel/vfs_internal.h"
#include "kernel_around.h"

#include <postern/errno.h>

#define HOST_PAGES 256u

/* ---- Memory --------------------------------------------------------------------- */

static uint8_t sMemory[HOST_PAGES * PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));
static struct page sPages[HOST_PAGES];

void *arch_physical_to_virtual(uint32_t physical)
{
	if (physical >= sizeof sMemory)
		abort();
	return sMemory + physical;
}

/* Archives are somewhere else, so nothing of them is mapped in place. */
bool arch_is_direct(const void *address)
{
	(void)address;
	return false;
}

uint32_t arch_virtual_to_physical(const void *address)
{
	(void)address;
	abort();
}

size_t strlcpy(char *to, const char *from, size_t size)
{
	return (size_t)snprintf(to, size, "%s", from);
}

/* ---- One thread, and no time ------------------------------------------------------ */

void mutex_init(struct mutex *mutex, const char *name)
{
	(void)name;
	mutex->state = 0;
}

void mutex_lock(struct mutex *mutex)
{
	if (mutex->state++ != 0)
		abort();
}

void mutex_unlock(struct mutex *mutex)
{
	if (--mutex->state != 0)
		abort();
}

void thread_yield(void)
{
}

time_us_t arch_real_time(void)
{
	return 1000;
}

struct vnode *files_directory(void)
{
	vnode_reference(vfs_root());
	return vfs_root();
}

/* None of these is opened here. */
const struct device_operations *pipe_named_operations(uint32_t flags)
{
	(void)flags;
	abort();
}

struct device *device_find(uint32_t number)
{
	(void)number;
	return NULL;
}

/* ---- Data on their way: a read's to sMoved, a write's from there ------------------ */

static uint8_t sMoved[256 * 1024];

static int move(struct io *io, size_t size)
{
	if (size > io->left)
		abort();
	io->done += size;
	io->left -= size;
	return 0;
}

int io_give(struct io *io, const void *from, size_t size)
{
	memcpy(sMoved + io->done, from, size);
	return move(io, size);
}

int io_take(struct io *io, void *to, size_t size)
{
	memcpy(to, sMoved + io->done, size);
	return move(io, size);
}

int io_give_zeros(struct io *io, size_t size)
{
	memset(sMoved + io->done, 0, size);
	return move(io, size);
}

/* ---- For tests -------------------------------------------------------------------- */

static inline void files_start(void)
{
	page_allocator_init(sPages, HOST_PAGES);
	page_allocator_add(1, HOST_PAGES - 1);
	ramfs_init();
	if (vfs_mount(NULL, "/", "ramfs", 0, NULL) != 0)
		abort();
}

/* Up to `size` bytes into sMoved, or `error`. */
static inline ssize_t file_read(struct vnode *vnode, off_t position, size_t size)
{
	struct io io = {.left = size};
	int error;

	mutex_lock(&vnode->lock);
	error = vnode->operations->read(vnode, position, &io);
	mutex_unlock(&vnode->lock);
	return error != 0 ? error : (ssize_t)io.done;
}

/* From sMoved; how many, where the memory ends before the file. */
static inline size_t file_write(struct vnode *vnode, off_t position, size_t size)
{
	struct io io = {.left = size};

	mutex_lock(&vnode->lock);
	vnode->operations->write(vnode, position, &io);
	mutex_unlock(&vnode->lock);
	return io.done;
}

/* ---- All that there is ------------------------------------------------------------ */

struct found {
	bool is;
	uint64_t number;
	mode_t type;
	size_t length;
	char name[NAME_MAX];
};

static inline bool take_one(void *context, const struct directory_entry *entry)
{
	struct found *found = context;

	if (found->is)
		return false;
	found->is = true;
	found->number = entry->number;
	found->type = entry->type;
	found->length = entry->length;
	memcpy(found->name, entry->name, entry->length);
	return true;
}

static inline bool is_dots(const struct found *found)
{
	return found->name[0] == '.'
		   && (found->length == 1 || (found->length == 2 && found->name[1] == '.'));
}

/* The next name in the directory but "." and "..", and its vnode with a reference. */
static inline struct vnode *next_name(
	struct vnode *directory, uint64_t *cookie, struct found *found)
{
	struct vnode *vnode = NULL;

	mutex_lock(&directory->lock);
	do {
		found->is = false;
		if (directory->operations->readdir(directory, cookie, take_one, found) != 0)
			abort();
	} while (found->is && is_dots(found));
	if (found->is
		&& directory->operations->lookup(directory, found->name, found->length, &vnode)
			   != 0)
		abort();
	mutex_unlock(&directory->lock);
	return vnode;
}

/* From the leaves up. */
static inline void remove_all(struct vnode *directory)
{
	struct found found;
	struct vnode *vnode;
	uint64_t cookie = 0;
	int error;

	while ((vnode = next_name(directory, &cookie, &found)) != NULL) {
		if (S_ISDIR(vnode->mode))
			remove_all(vnode);
		mutex_lock(&directory->lock);
		mutex_lock(&vnode->lock);
		error = (S_ISDIR(vnode->mode) ? directory->operations->rmdir
									  : directory->operations->unlink)(
			directory, found.name, found.length, vnode);
		mutex_unlock(&vnode->lock);
		mutex_unlock(&directory->lock);
		vnode_put(vnode);
		if (error != 0)
			abort();
	}
}
