/*
 * Disks as files of /dev, read and written past every cache, and what happens
 * with disks when the system starts and ends. See ext2_vnode.h.
 */
#include "kernel/arch.h"
#include "kernel/block.h"
#include "kernel/ext2_vnode.h"
#include "kernel/heap.h"
#include "kernel/log.h"
#include "kernel/string.h"
#include "kernel/vfs.h"
#include <postern/errno.h>

#define BOUNCE_SIZE 65536u
#define HOME "/home"
#define DEVICE_PATH_MAX 32u

/* Sectors that hold `size` bytes from `position` on, as many as fit into the bounce. */
static uint32_t sectors_of(off_t position, size_t size)
{
	uint32_t offset = (uint32_t)(position % SECTOR_SIZE);

	if (size > BOUNCE_SIZE - offset)
		size = BOUNCE_SIZE - offset;
	return (uint32_t)(offset + size + SECTOR_SIZE - 1) / SECTOR_SIZE;
}

/* Moves io's bytes, by way of `bounce`. */
static int move(struct block_device *disk, bool write, off_t position, struct io *io,
	struct block_segment *bounce)
{
	off_t end = (off_t)(disk->sectors * SECTOR_SIZE);
	int error = 0;

	while (error == 0 && io->left > 0 && position < end) {
		size_t left = (uint64_t)io->left < (uint64_t)(end - position)
						  ? io->left
						  : (size_t)(end - position);
		uint64_t sector = (uint64_t)position / SECTOR_SIZE;
		uint32_t offset = (uint32_t)(position % SECTOR_SIZE);
		size_t part;

		bounce->size = sectors_of(position, left) * SECTOR_SIZE;
		part = bounce->size - offset < left ? bounce->size - offset : left;
		/* What is written only in part has to be read first. */
		if (!write || part != bounce->size)
			error = block_transfer(disk, false, sector, bounce, 1);
		if (error == 0)
			error = write ? io_take(io, (uint8_t *)bounce->data + offset, part)
						  : io_give(io, (uint8_t *)bounce->data + offset, part);
		if (error == 0 && write)
			error = block_transfer(disk, true, sector, bounce, 1);
		position += (off_t)part;
	}
	return error == 0 && write && io->left > 0 ? -ENOSPC : error;
}

static int move_bounced(struct open_file *file, bool write, off_t position, struct io *io)
{
	struct block_segment bounce = {heap_allocate(BOUNCE_SIZE), BOUNCE_SIZE};
	int error;

	if (bounce.data == NULL)
		return -ENOMEM;
	error = move(file->device->data, write, position, io, &bounce);
	heap_free(bounce.data);
	return error;
}

static int disk_read(struct open_file *file, off_t position, struct io *io)
{
	return move_bounced(file, false, position, io);
}

static int disk_write(struct open_file *file, off_t position, struct io *io)
{
	struct block_device *disk = file->device->data;

	/* What a file system has in memory must be what is on its disk. */
	if (disk->is_mounted)
		return -EBUSY;
	return move_bounced(file, true, position, io);
}

static off_t disk_size(struct device *device)
{
	const struct block_device *disk = device->data;

	return (off_t)(disk->sectors * SECTOR_SIZE);
}

static int disk_sync(struct device *device)
{
	return block_flush(device->data);
}

static const struct device_operations kDisk = {
	.read = disk_read, .write = disk_write, .size = disk_size, .sync = disk_sync};

static int add_device(struct block_device *disk)
{
	struct device *device = heap_allocate(sizeof *device);
	int error;

	if (device == NULL)
		return -ENOMEM;
	device->name = disk->name;
	device->mode = S_IFBLK | 0666;
	device->operations = &kDisk;
	device->data = disk;
	error = device_register(device);
	if (error != 0)
		heap_free(device);
	return error;
}

void disks_init(void)
{
	struct block_device *disk = NULL;
	char path[DEVICE_PATH_MAX] = "/dev/";
	bool has_home = false;
	int error;

	ext2_register();
	arch_find_disks();
	while ((disk = block_device_next(disk)) != NULL) {
		error = add_device(disk);
		if (error != 0)
			log_warn("disk: %s: no device: error %d", disk->name, -error);
		if (error != 0 || has_home)
			continue;
		strlcpy(path + 5, disk->name, sizeof path - 5);
		error = vfs_mount(path, HOME, "ext2", 0, NULL);
		has_home = error == 0;
		/* -EINVAL: something else is on it. */
		if (error != 0 && error != -EINVAL)
			log_warn("disk: %s: not mounted on " HOME ": error %d", disk->name, -error);
	}
}
