/*
 * ext2 behind vnodes: what vfs.c calls is passed on to ext2.h, and what changed
 * there is put into the vnode. See vfs.h for what each operation has to do and
 * which locks are held; ext2's own mutex is taken below all of them, and is never
 * held where vnode_get() or vnode_put() is called.
 */
#include "kernel/ext2_vnode.h"
#include "kernel/block.h"
#include "kernel/ext2.h"
#include "kernel/heap.h"
#include "kernel/log.h"
#include "kernel/page_allocator.h"
#include "kernel/vfs.h"
#include "kernel/write_back.h"
#include "syscall_constants.h"
#include <postern/errno.h>

#define SECOND 1000000
/* Of all memory, what one file system's blocks may take. */
#define CACHE_SHARE 8u

struct ext2_vnode {
	struct vnode vnode;
	struct ext2_node node;
};

/* All that are mounted, for the end. */
static struct list sMounted = {&sMounted, &sMounted};
static struct mutex sMountedLock;

static struct ext2_node *node_of(struct vnode *vnode)
{
	return vnode == NULL ? NULL : &((struct ext2_vnode *)vnode)->node;
}

static uint32_t seconds_now(void)
{
	return (uint32_t)(vfs_time() / SECOND);
}

/* Times are in seconds there, by a clock that may be ahead of this one's. */
static time_us_t from_disk(const struct ext2_node *node, uint32_t seconds)
{
	return ((time_us_t)seconds - node->fs->clock_offset) * SECOND;
}

static uint32_t to_disk(const struct ext2_node *node, time_us_t time)
{
	return (uint32_t)(time / SECOND) + node->fs->clock_offset;
}

/* What the call has changed on the disk's side. */
static void update(struct vnode *vnode)
{
	const struct ext2_node *node = node_of(vnode);

	vnode->links = node->disk->links;
	vnode->size = (off_t)ext2_size(node);
	vnode->modified = from_disk(node, node->disk->modified);
	vnode->changed = from_disk(node, node->disk->changed);
}

/* ---- Directories ------------------------------------------------------------------ */

static int lookup(
	struct vnode *directory, const char *name, size_t length, struct vnode **_vnode)
{
	uint32_t number;
	int error = ext2_lookup(node_of(directory), name, length, &number);

	return error != 0 ? error : vnode_get(directory->mount, number, _vnode);
}

static int create(struct vnode *directory, const char *name, size_t length, mode_t mode,
	struct vnode **_vnode)
{
	uint32_t number;
	int error = ext2_create(node_of(directory), name, length,
		(S_ISFIFO(mode) ? EXT2_FIFO : EXT2_REGULAR) | (mode & 07777), &number);

	update(directory);
	return error != 0 ? error : vnode_get(directory->mount, number, _vnode);
}

static int make_directory(
	struct vnode *directory, const char *name, size_t length, mode_t mode)
{
	uint32_t number;
	int error = ext2_create(
		node_of(directory), name, length, EXT2_DIRECTORY | (mode & 07777), &number);

	update(directory);
	return error;
}

static int make_symlink(struct vnode *directory, const char *name, size_t length,
	const char *target, size_t target_length)
{
	uint32_t number;
	int error =
		ext2_symlink(node_of(directory), name, length, target, target_length, &number);

	update(directory);
	return error;
}

static int make_link(
	struct vnode *directory, const char *name, size_t length, struct vnode *vnode)
{
	int error = ext2_link(node_of(directory), name, length, node_of(vnode));

	update(directory);
	update(vnode);
	return error;
}

static int remove_name(
	struct vnode *directory, const char *name, size_t length, struct vnode *vnode)
{
	int error = ext2_unlink(node_of(directory), name, length, node_of(vnode));

	update(directory);
	update(vnode);
	return error;
}

static int rename_vnode(struct vnode *directory, const char *name, size_t length,
	struct vnode *vnode, struct vnode *new_directory, const char *new_name,
	size_t new_length, struct vnode *target)
{
	int error = ext2_rename(node_of(directory), name, length, node_of(vnode),
		node_of(new_directory), new_name, new_length, node_of(target));

	update(directory);
	update(new_directory);
	update(vnode);
	if (target != NULL)
		update(target);
	return error;
}

struct visit {
	directory_visitor *visit;
	void *context;
};

static bool visit_entry(
	void *context, uint32_t number, mode_t type, const char *name, size_t length)
{
	const struct visit *visit = context;
	struct directory_entry entry = {
		.number = number, .type = type, .length = length, .name = name};

	return visit->visit(visit->context, &entry);
}

static int read_directory(
	struct vnode *directory, uint64_t *cookie, directory_visitor *visitor, void *context)
{
	struct visit visit = {visitor, context};

	return ext2_readdir(node_of(directory), cookie, visit_entry, &visit);
}

/* ---- Files ------------------------------------------------------------------------ */

static int give(void *context, void *data, size_t size)
{
	return data == NULL ? io_give_zeros(context, size) : io_give(context, data, size);
}

static int take(void *context, void *data, size_t size)
{
	return io_take(context, data, size);
}

static int read_file(struct vnode *vnode, off_t position, struct io *io)
{
	size_t done;

	return ext2_read(node_of(vnode), (uint64_t)position, io->left, give, io, &done);
}

static int write_file(struct vnode *vnode, off_t position, struct io *io)
{
	size_t done;
	int error = ext2_write(node_of(vnode), (uint64_t)position, io->left, take, io, &done);

	update(vnode);
	return error;
}

static int truncate_file(struct vnode *vnode, off_t size)
{
	int error = ext2_truncate(node_of(vnode), (uint64_t)size);

	update(vnode);
	return error;
}

static ssize_t read_symlink(struct vnode *vnode, char *target, size_t size)
{
	return ext2_readlink(node_of(vnode), target, size);
}

static int attributes_changed(struct vnode *vnode)
{
	struct ext2_node *node = node_of(vnode);

	return ext2_set_attributes(node, vnode->mode, to_disk(node, vnode->accessed),
		to_disk(node, vnode->modified), to_disk(node, vnode->changed));
}

static uint64_t allocated(struct vnode *vnode)
{
	return (uint64_t)node_of(vnode)->disk->sectors * SECTOR_SIZE;
}

/* Its name, its directory's and so on are part of it: so everything. */
static int sync_file(struct vnode *vnode)
{
	return ext2_sync(node_of(vnode)->fs);
}

static void release(struct vnode *vnode)
{
	struct ext2_node *node = node_of(vnode);
	uint32_t accessed = to_disk(node, vnode->accessed);

	/* That it was read is not written before. An error does not matter here. */
	if (node->disk->links > 0 && accessed != node->disk->accessed && !node->fs->read_only)
		ext2_set_attributes(
			node, node->disk->mode, accessed, node->disk->modified, node->disk->changed);
	ext2_release(node_of(vnode));
	heap_free(vnode);
}

static const struct vnode_operations kOperations = {
	.lookup = lookup,
	.create = create,
	.mkdir = make_directory,
	.symlink = make_symlink,
	.link = make_link,
	.unlink = remove_name,
	.rmdir = remove_name,
	.rename = rename_vnode,
	.readdir = read_directory,
	.read = read_file,
	.write = write_file,
	.truncate = truncate_file,
	.readlink = read_symlink,
	.attributes_changed = attributes_changed,
	.allocated = allocated,
	.sync = sync_file,
	.release = release,
};

/* ---- Mounts ----------------------------------------------------------------------- */

static int load(struct mount *mount, uint64_t number, struct vnode **_vnode)
{
	struct ext2_vnode *made = heap_allocate(sizeof *made);
	int error;

	if (made == NULL)
		return -ENOMEM;
	error = ext2_load(mount->data, (uint32_t)number, &made->node);
	if (error != 0) {
		heap_free(made);
		return error;
	}
	vnode_init(&made->vnode, mount, number, &kOperations, made->node.disk->mode);
	made->vnode.accessed = from_disk(&made->node, made->node.disk->accessed);
	update(&made->vnode);
	*_vnode = &made->vnode;
	return 0;
}

static int mount_ext2(struct mount *mount, struct vnode *source, const char *options)
{
	struct device *device;
	struct block_device *disk;
	struct ext2 *fs;
	int error;

	(void)options;
	if (source == NULL || !S_ISBLK(source->mode))
		return -ENOTBLK;
	device = device_find(source->device_number);
	disk = device != NULL ? block_device_find(device->name) : NULL;
	if (disk == NULL)
		return -ENOTBLK;
	if (disk->is_mounted)
		return -EBUSY;
	error = ext2_mount(disk, (mount->flags & MOUNT_READ_ONLY) != 0,
		page_total_count() / CACHE_SHARE * PAGE_SIZE, seconds_now, &fs);
	if (error != 0)
		return error;
	mount->data = fs;
	if (fs->read_only)
		mount->flags |= MOUNT_READ_ONLY;
	error = vnode_get(mount, EXT2_ROOT_INODE, &mount->root);
	if (error != 0) {
		ext2_unmount(fs);
		return error;
	}
	disk->is_mounted = true;
	fs->changed = write_back_soon;
	mutex_lock(&sMountedLock);
	list_add(&sMounted, &fs->link);
	mutex_unlock(&sMountedLock);
	return 0;
}

static int unmount_ext2(struct mount *mount)
{
	struct ext2 *fs = mount->data;
	struct block_device *disk = fs->device;
	int error = ext2_sync(fs);

	if (error != 0 && !fs->broken)
		return error;
	vnode_put(mount->root);
	mutex_lock(&sMountedLock);
	list_remove(&fs->link);
	mutex_unlock(&sMountedLock);
	error = ext2_unmount(fs);
	if (error != 0) {
		log_error("ext2: %s: error %d in unmounting", disk->name, -error);
		ext2_abandon(fs);
	}
	disk->is_mounted = false;
	return 0;
}

static int sync_ext2(struct mount *mount)
{
	return ext2_sync(mount->data);
}

static int status_ext2(struct mount *mount, struct file_system_status *_status)
{
	struct ext2_status status;

	ext2_status(mount->data, &status);
	_status->blocks = status.blocks;
	_status->free_blocks = status.free_blocks;
	_status->files = status.files;
	_status->free_files = status.free_files;
	_status->block_size = status.block_size;
	return 0;
}

static struct file_system_type sType = {
	.name = "ext2",
	.flags = FILE_SYSTEM_NAMES_CACHED,
	.mount = mount_ext2,
	.unmount = unmount_ext2,
	.sync = sync_ext2,
	.status = status_ext2,
	.load = load,
};

void ext2_register(void)
{
	mutex_init(&sMountedLock, "mounted disks");
	file_system_register(&sType);
}

void disks_write_back(void)
{
	mutex_lock(&sMountedLock);
	LIST_FOR_EACH(link, &sMounted)
	{
		ext2_write_back(LIST_ENTRY(link, struct ext2, link));
	}
	mutex_unlock(&sMountedLock);
}

void disks_shut_down(void)
{
	mutex_lock(&sMountedLock);
	LIST_FOR_EACH(link, &sMounted)
	{
		struct ext2 *fs = LIST_ENTRY(link, struct ext2, link);
		int error = ext2_shut_down(fs);

		if (error != 0)
			log_error("ext2: %s: error %d at the end", fs->device->name, -error);
	}
	mutex_unlock(&sMountedLock);
}
